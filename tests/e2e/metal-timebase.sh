#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 200
# A machine whose device tree says that its clock makes another number of ticks in a second. Here that is not true: it
# makes 10 million and the tree says 4, so that every second of hull-metal and of its guests has 0.4 of a true one.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=60
[ "$METAL_ON" = qemu ] || { echo 'a machine with a device tree of the user is QEMU only'; exit 77; }

guest_program "$here/tests/e2e/alarm.c"
cat >linux.sh <<'GUEST'
same 'the guest is told' 003d0900 $(od -An -tx1 /proc/device-tree/cpus/timebase-frequency | tr -d ' ')
clock() { awk '{ print int($1) }' /proc/uptime; }
rtc() { cat /sys/class/rtc/rtc0/since_epoch; }
a=$(clock) ra=$(rtc)
sleep 10
b=$(clock) rb=$(rtc)
try 'its sleep has ten seconds by its clock' test $((b - a)) -ge 10 -a $((b - a)) -le 14
try 'and by the clock on the wall' test $((rb - ra)) -ge 9 -a $((rb - ra)) -le 15
seconds=$(/alarm 5)
try 'an alarm of the clock on the wall' test "$seconds" -ge 3 -a "$seconds" -le 9
echo 'linux: up to the end'
sleep 1000
GUEST
metal_linux linux linux.sh '"cpus": 1, "net": []'
metal_pack bundle linux.json
qemu-system-riscv64 -M "$METAL_BOARD,dumpdtb=board.dtb" -cpu "$METAL_CPU" -smp "$METAL_HARTS" -m 2G -display none \
    -bios "$firmware" -kernel "$metal" -initrd bundle >/dev/null 2>&1
check 'the tree of the machine' fdtput -t u board.dtb /cpus timebase-frequency 4000000
METAL_DTB=board.dtb
metal_start bundle log
check 'Linux comes to its end' wait_line log 'linux: up to the end'
metal_plain log | grep -aoE '(not )?ok (the guest|its sleep|and by|an alarm) .*' >cases
relay 'linux' cases 4
metal_stop
[ "$failures" = 0 ] || show log
finish
