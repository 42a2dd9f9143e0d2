#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 400
# machines: hull
# What guests give back goes to others: a VM that found no room starts then; who wants it back too late fails
# alone. A Linux tells by itself what it does not use.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=100

in_use() { # VM: KiB
    metal_shell log 'vm list' "[0-9] $1 " && sleep 0.3 &&
        metal_plain log | grep -a "^ *[0-9] $1 " | tail -n 1 | sed -E 's/.* ([0-9]+) K .*/\1/'
}
uses() { # VM LOW HIGH
    local kib
    kib=$(in_use "$1") && [ "$kib" -ge "$2" ] && [ "$kib" -le "$3" ]
}
mem() {
    metal_shell log 'mem' 'the hypervisor' && sleep 0.3 && metal_plain log | grep -a 'the hypervisor  ' | tail -n 1
}
keys() { metal_type "\x01$1\x01a$2\x010\x01a"; } # VM-NUMBER KEY

yes 'disk' | tr -d '\n' | head -c 65536 >disk.img
cat >giver.json <<END
{ "name": "giver", "cpus": 2, "memory": "1200M", "boot": { "kernel": "$guests/tests/metal/balloon.elf" },
  "disks": [{ "file": "$PWD/disk.img" }], "net": [], "policy": { "on_crash": "stop" } }
END
cat >late.json <<END
{ "name": "late", "cpus": 1, "memory": "1500M", "autostart": false, "net": [],
  "boot": { "kernel": "$guests/tests/metal/wfi.elf" } }
END
metal_pack bundle giver.json late.json
metal_start bundle log
wait_line log 'balloon: waits'
metal_type '\x010\x01a'
check 'the shell is there' wait_line log 'hull> '
check 'no room for another one' metal_shell log 'vm start late' 'late: cannot be started: out of memory'
keys 1 a
check 'all is given back' wait_line log 'balloon: gave all'
check 'the VM has little left' uses giver 1 20480
check 'now there is room' metal_shell log 'vm start late' 'wfi: done'
keys 1 g
check 'who touches again what others have is told' wait_line log 'giver: others have the memory'
check 'and ends' wait_for "$BOOT_SECONDS" uses giver 0 0
check 'the other one goes on' metal_shell log 'vm list' 'late +running'
metal_type 'vm stop late\r'
wait_for "$BOOT_SECONDS" uses late 0 0
before=$(mem)
metal_type 'vm start giver\r'
wait_for "$BOOT_SECONDS" eval '[ $(grep -ac "balloon: waits" log) = 2 ]'
keys 1 a
wait_for "$BOOT_SECONDS" eval '[ $(grep -ac "balloon: gave all" log) = 2 ]'
keys 1 g
check 'with nobody else there, it has its memory again' wait_line log 'balloon: has it again'
check 'all of it' uses giver 1224000 1230000
metal_shell log 'vm restart giver' '.'
wait_for "$BOOT_SECONDS" eval '[ $(grep -ac "balloon: waits" log) = 3 ]'
keys 1 a
wait_for "$BOOT_SECONDS" eval '[ $(grep -ac "balloon: gave all" log) = 3 ]'
metal_shell log 'vm start late' 'wfi: done'
keys 1 d
check 'its disk touches it' wait_for "$BOOT_SECONDS" eval '[ $(grep -ac "giver: others have the memory" log) = 2 ]'
check 'and it ends' wait_for "$BOOT_SECONDS" uses giver 0 0
metal_type 'vm stop late\r'
wait_for "$BOOT_SECONDS" uses late 0 0
equal 'the hypervisor has what it had' "$before" "$(mem)"
check 'no panic' test "$(grep -ac panic log)" = 0
metal_stop
metal_plain log | grep -aoE '(not )?ok .*' | sort -u >cases
relay 'giver' cases 7

cat >linux.sh <<'GUEST'
mkdir /fill && mount -t tmpfs -o size=80% none /fill
dd if=/dev/zero of=/fill/a bs=1M count=150 2>/dev/null
echo 'linux: filled'
read -r go </dev/console
rm /fill/a
echo 'linux: freed'
while [ $(awk '/^MemFree/ { print $2 }' /proc/meminfo) -gt 200000 ]; do sleep 1; done
echo 'linux: was asked'
sleep 1000
GUEST
metal_linux linux linux.sh '"cpus": 1, "net": []'
sed -i 's/"160M"/"600M"/' linux.json
sed -i 's/1500M/1700M/' late.json
metal_pack bundle2 linux.json late.json
metal_start bundle2 log
check 'Linux fills its memory' wait_line log 'linux: filled'
metal_type '\x010\x01a'
wait_line log 'hull> '
check 'it has it' uses linux 150000 614400
keys 1 '\r'
wait_line log 'linux: freed'
check 'what it freed has gone back' wait_for "$BOOT_SECONDS" uses linux 1 120000
check 'and another one can start' metal_shell log 'vm start late' 'wfi: done'
metal_type 'balloon linux 350\r'
check 'Linux gives more when it is asked' wait_line log 'linux: was asked'
metal_stop
[ "$failures" = 0 ] || show log
finish
