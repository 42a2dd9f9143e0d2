#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# engines: interp random
# Debian's kernel on a board with AIA: disks, networks, the console and IPIs by MSIs, behind Hull's SBI and
# behind OpenSBI; the APLIC with wires; a reset.
. "$(dirname "$0")/machine.bash"
BOOT_SECONDS=240 # five boots and a reset, on engines that change
opensbi=/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.elf
truncate -s 32M disk

# What the kernel says about the interrupts of a device whose driver is NAME, over all CPUs.
cat >helpers <<'GUEST'
count() { awk -v name="$1" '$NF == name { for (i = 2; i <= NF && $i ~ /^[0-9]+$/; i++) sum += $i } END { print sum + 0 }' /proc/interrupts; }
more() { # NAME COMMAND...: the device interrupts while the command runs
	local before=$(count "$1") name=$1
	shift
	"$@" >/dev/null 2>&1
	[ "$(count "$name")" -gt "$before" ]
}
work() { # CONTROLLER
	try "$1: the console is on it" grep -q "$1.*ttyS0" /proc/interrupts
	try "$1: the disk interrupts" more virtio0 dd if=/dev/vda of=/dev/null bs=64k count=64 iflag=direct
	try "$1: the network interrupts" more virtio1 ping -c 2 -W 5 10.0.2.2
}
GUEST

linux() { # NAME CONTROLLER HARTS COUNT COMMANDS OPTION...
    { cat helpers && echo "$5" && echo "work $2"; } >"$1.in"
    guest "$1" --cpus "$3" --disk disk --net user "${@:6}" <"$1.in"
    equal "$1: exit code" 0 $?
    relay "$1" "$1" "$4"
}

linux sbi APLIC-MSI 3 7 'same "all harts are there" 3 $(nproc)
try "IPIs by MSIs" sh -c "dmesg | grep -q \"imsic.*providing IPIs\""
try "harts have Ssaia" grep -q _ssaia /proc/cpuinfo
echo 4 >/proc/irq/$(sed -n "s/^ *\([0-9]*\):.* virtio0\$/\1/p" /proc/interrupts)/smp_affinity
on_cpu2() { awk "\$NF == \"virtio0\" { print \$4 }" /proc/interrupts; }
before=$(on_cpu2)
dd if=/dev/vda of=/dev/null bs=64k count=64 iflag=direct 2>/dev/null
try "an interrupt goes to another hart" [ "$(on_cpu2)" -gt "$before" ]' \
    --interrupts aia
linux wired APLIC-DIRECT 2 4 'try "no IMSIC" sh -c "! dmesg | grep -q imsic"' --interrupts aplic
if [ -f $opensbi ]; then
    linux firmware APLIC-MSI 2 4 'try "OpenSBI has M mode" sh -c "dmesg | grep -q \"SBI implementation ID=0x1 \""' \
        --interrupts aia --guest-files 0 --firmware $opensbi
    linux firmware-wired APLIC-DIRECT 2 3 '' --interrupts aplic --firmware $opensbi
fi

# A reset leaves no interrupt behind that the next life would trip over.
guest again --interrupts aia --cpus 2 --disk disk --net user <<'GUEST'
mount /dev/vda /mnt 2>/dev/null
if [ "$(dd if=/dev/vda bs=5 count=1 2>/dev/null)" = again ]; then
	echo "ok the second life"
	exit 0
fi
printf again | dd of=/dev/vda conv=notrunc 2>/dev/null
sync
echo "ok the first life"
reboot -f
GUEST
equal 'reset: exit code' 0 $?
relay reset again 2
finish
