#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# full
# engines: interp
# Linux in Linux: Debian's kernel with KVM, and in it Debian's QEMU with -accel kvm, which boots the same
# kernel to a shell; with one CPU and with two, and two such machines at once. On a board with AIA the inner
# machine's CPUs have guest interrupt files.
. "$(dirname "$0")/kvm.bash"
kvm_module
kvm_qemu
cp "$mini/vmlinux" guest-files/
cp "$mini/initrd.img" guest-files/inner.img
BOOT_SECONDS=600

guest log --cpus 2 --memory 3G <<'GUEST'
insmod /kvm.ko
echo 1 >/proc/sys/kernel/printk
inner() { # NAME CPUS COMMAND: what the machine inside says goes to the file NAME
	qemu-system-riscv64 -M virt -accel kvm -m 384M -smp "$2" -nographic -nic none -nodefaults -serial stdio \
		-kernel /vmlinux -initrd /inner.img -append "console=ttyS0 quiet hull.exec=\"$3\"" >"$1" 2>&1 </dev/null
}
inner one 1 'echo inner-$((6 * 7)) $(uname -m) $(nproc)'
try "a prompt inside" grep -q 'inner-42 riscv64 1' one
try "power-off inside" grep -q 'hull-exec: exit 0' one
inner two 2 'sha256sum /bin/busybox & sha256sum /bin/busybox; wait; echo cpus-$(nproc); grep -c . /proc/interrupts'
try "two CPUs inside" grep -q cpus-2 two
same "both compute the same" 1 "$(grep '/bin/busybox' two | sort -u | wc -l)"
same "as outside" "$(sha256sum </bin/busybox | cut -c 1-64)" "$(grep -m 1 '/bin/busybox' two | cut -c 1-64)"
inner three 1 'for i in 1 2 3 4 5 6 7 8; do sha256sum /bin/busybox; done; echo done-3' &
inner four 1 'for i in 1 2 3 4 5 6 7 8; do sha256sum /bin/busybox; done; echo done-4'
wait
try "two machines at once: the first" grep -q done-3 three
try "two machines at once: the second" grep -q done-4 four
same "their sums" 1 "$(cat three four | grep /bin/busybox | sort -u | wc -l)"
tail -n 3 one two three four
GUEST
equal 'exit code' 0 $?
relay 'Linux in Linux' log 8

guest files --cpus 2 --memory 2G --interrupts aia <<'GUEST'
insmod /kvm.ko
echo 1 >/proc/sys/kernel/printk
qemu-system-riscv64 -M virt,aia=aplic-imsic -accel kvm,riscv-aia=hwaccel -m 384M -smp 2 -nographic -nic none \
	-nodefaults -serial stdio -kernel /vmlinux -initrd /inner.img \
	-append 'console=ttyS0 quiet hull.exec="cat /proc/interrupts; echo inner-$((6 * 7))"' >one 2>&1 </dev/null
try "a prompt inside, with AIA" grep -q inner-42 one
try "its console is on an APLIC with MSIs" grep -q 'APLIC-MSI.*ttyS0' one
try "guest external interrupts woke its CPUs" awk '/riscv-kvm/ { n = $2 + $3 } END { exit !n }' /proc/interrupts
tail -n 20 one
GUEST
equal 'with AIA: exit code' 0 $?
relay 'Linux in Linux with AIA' files 3
finish
