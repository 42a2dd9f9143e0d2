#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 400
# machines: hull
# Two Linux beside each other on hull-metal: their harts, floating point, memory, a network between
# them; one powers off and is started again; and what the shell tells of it.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=60

cat >one.sh <<'GUEST'
same 'one: two harts' 2 $(nproc)
same 'one: arithmetic' 0.33333 $(awk 'BEGIN { printf "%.5f", 1 / 3 }')
ip addr add 10.9.0.1/24 dev eth0
ip link set eth0 up
echo 'one: is up'
n=0
until ping -c 1 -W 1 10.9.0.2 >/dev/null 2>&1 || [ $((n = n + 1)) -gt 60 ]; do sleep 1; done
try 'one: reaches two' ping -c 3 -W 5 10.9.0.2
(i=0; while [ $i -lt 4 ]; do awk 'BEGIN { for (x = 0; x < 30000; x++) s += x / 7; printf "%.3f\n", s }'; i=$((i + 1)); done) >/tmp/a &
(i=0; while [ $i -lt 4 ]; do awk 'BEGIN { for (x = 0; x < 30000; x++) s += x / 7; printf "%.3f\n", s }'; i=$((i + 1)); done) >/tmp/b
wait
same 'one: floating point of two tasks does not mix' 1 $(cat /tmp/a /tmp/b | sort -u | wc -l)
echo 'one: done'
sleep 1000
GUEST
cat >two.sh <<'GUEST'
ip addr add 10.9.0.2/24 dev eth0
ip link set eth0 up
try 'two: a disk of the bundle' grep -q 'on the disk' /dev/vda
echo 'two: is up'
n=0
until ping -c 1 -W 1 10.9.0.1 >/dev/null 2>&1 || [ $((n = n + 1)) -gt 60 ]; do sleep 1; done
try 'two: reaches one' ping -c 3 -W 5 10.9.0.1
sleep 3
echo 'two: ends'
poweroff -f
GUEST
truncate -s 1M disk.img
echo 'what stands on the disk' | dd of=disk.img conv=notrunc 2>/dev/null
net='"net": [{ "backend": "switch", "switch": "lan" }]'
metal_linux one one.sh "\"cpus\": 2, $net"
metal_linux two two.sh "\"cpus\": 1, $net, \"disks\": [{ \"file\": \"$PWD/disk.img\" }]"
metal_pack bundle one.json two.json
metal_start bundle log
check 'one comes up' wait_line log 'one: done'
check 'two powers off' wait_line log 'two: powered off'
metal_type '\x010'
check 'the shell is there' wait_line log 'hull> '
check 'two is listed as stopped, with no memory' metal_shell log 'vm list' '2 two +stopped +1 +160 M +0 K'
check 'one is listed as running' grep -aqE '1 one +running +2' log
metal_type 'vm start two\r'
metal_type '\x01a'
check 'two comes up again' wait_for 150 eval '[ $(grep -ac "two: is up" log) -ge 2 ]'
metal_stop
metal_plain log | grep -aoE '(not )?ok (one|two): .*' | sort -u >cases
relay 'both' cases 6
finish
