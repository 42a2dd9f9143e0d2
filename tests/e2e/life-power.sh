#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
# How a machine ends and begins again: power-off, reboot, panic, failure codes, and with --no-reboot.
. "$(dirname "$0")/machine.bash"

# Does something on the first boot and tells the second by a disk, which outlives the reset as RAM
# does not.
truncate -s 1M once.img
twice() { # LOG WHAT-THE-FIRST-BOOT-DOES OPTION...
    dd if=/dev/zero of=once.img bs=1M count=1 conv=notrunc 2>/dev/null
    cat >"$1.sh" <<GUEST
if [ "\$(head -c 5 /dev/vda)" != booted ] && [ "\$(head -c 5 /dev/vda)" = "\$(head -c 5 /dev/zero)" ]; then
	try 'the RAM is fresh (1)' test ! -e /tmp/mark
	: >/tmp/mark
	echo 'first boot'
	printf 'again' | dd of=/dev/vda conv=fsync 2>/dev/null
	sleep 0.5 # what was said is to leave the serial port
	$2
	sleep 60
else
	try 'the RAM is fresh (2)' test ! -e /tmp/mark
	same 'all harts are back' 2 \$(nproc)
	same 'the network is back' 10.0.2.2 "\$(ip route | sed -n 's/^default via \([0-9.]*\) .*/\1/p')"
	echo 'second boot'
fi
GUEST
    guest_initrd "$1.initrd" "$1.sh"
    hull_run "$1" --cpus 2 --disk once.img --initrd "$1.initrd.img" \
        --append "console=ttyS0 quiet panic=1 hull.exec=\"sh /t\"" "${@:3}"
}

for how in 'reboot -f' 'echo c >/proc/sysrq-trigger' 'devmem 0x100000 32 0x7777'; do
    name=${how//[^a-z0-9]/}
    twice "$name" "$how"
    equal "$how: exit code after the second boot" 0 $?
    equal "$how: two boots" 'first boot second boot ' "$(grep -a ' boot$' "$name" | tr '\n' ' ')"
    relay "$how" "$name" 4
    [[ $how == reboot* || $how == 'echo c'* ]] || continue
    twice "$name-once" "$how" --no-reboot
    equal "$how with --no-reboot: exit code" 0 $?
    equal "$how with --no-reboot: one boot" 'first boot ' "$(grep -a ' boot$' "$name-once" | tr '\n' ' ')"
done
check 'the panic was one' grep -aq 'Kernel panic - not syncing' echocprocsysrqtrigger

# What the finisher is told, from a program of two instructions in M mode.
finisher() { # NAME VALUE CODE
    printf '.globl _start\n_start: li t0, 0x100000\nli t1, %s\nsw t1, (t0)\nj .\n' "$2" >finisher.S
    riscv64-linux-gnu-gcc -nostdlib -static -Wl,-Ttext=0x80000000,--build-id=none -o finisher finisher.S || exit 1
    timeout -s KILL 20 "$HULL" run --firmware finisher --net none --quiet </dev/null >finisher.log 2>&1
    equal "$1" "$3" $?
}
finisher 'power-off' 0x5555 0
finisher 'a failure code' $((77 << 16 | 0x3333)) 77
finisher 'a failure without a code' 0x3333 1
finisher 'a code that has no room' $((1000 << 16 | 0x3333)) 123
finish
