#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# A tap interface, in a network namespace of the test's own.
. "$(dirname "$0")/machine.bash"

if [ "${1:-}" != inside ]; then
    unshare -rn sh -c 'ip tuntap add probe mode tap' 2>/dev/null || {
        echo 'skip net-tap: this user can make no tap interface'
        exit 77
    }
    exec unshare -rn "$here/tests/e2e/net-tap.sh" inside
fi

ip link set lo up
ip tuntap add tap0 mode tap
ip addr add 192.0.2.1/24 dev tap0
ip link set tap0 up
head -c 24M /dev/urandom >data
sum=$(md5sum <data | cut -d ' ' -f 1)
socat -u "OPEN:$PWD/data,rdonly" TCP4-LISTEN:5001,reuseaddr &
socat -u TCP4-LISTEN:5002,reuseaddr "CREATE:$PWD/uploaded" &
wait_for 10 listening tcp 5001 && wait_for 10 listening tcp 5002 || exit 1

# There is no DHCP here: what waits for an address would wait in vain.
guest tap --cpus 2 --net tap=tap0,mac=52:54:00:00:00:05 <<GUEST
ip addr add 192.0.2.2/24 dev eth0
same 'the given MAC address' 52:54:00:00:00:05 "\$(cat /sys/class/net/eth0/address)"
try 'the host answers' ping -c 2 -W 10 -q 192.0.2.1
nc 192.0.2.1 5001 </dev/null >/tmp/data
same '24 MB in' $sum "\$(md5sum </tmp/data | cut -d ' ' -f 1)"
nc 192.0.2.1 5002 </tmp/data >/dev/null
same 'no frame in error' '0 0' "\$(cd /sys/class/net/eth0/statistics && echo \$(cat rx_errors tx_errors))"
GUEST
equal 'the guest' 0 $?
equal '24 MB out' "$sum" "$(md5sum <uploaded 2>/dev/null | cut -d ' ' -f 1)"
relay tap tap 4

hull_run missing --net tap=nosuchtap
equal 'an interface that is not there' 125 $?
check 'is named' grep -q nosuchtap missing.err
[ "$failures" = 0 ] || show missing.err
finish
