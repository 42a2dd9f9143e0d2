#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# engines: interp
# Debian's kernel boots: all harts come up, it finds the SBI and the devices, and the exit code of
# what runs inside comes out.
. "$(dirname "$0")/machine.bash"

for harts in 1 4 8; do
    guest "harts$harts" --cpus $harts <<GUEST
same "$harts harts are online" $harts \$(nproc)
# A program bound to each of them, at once, and every one of them takes timer interrupts and IPIs.
for cpu in \$(seq 0 $((harts - 1))); do
	taskset -c \$cpu sh -c 'n=0; while [ \$n -lt 2000 ]; do n=\$((n + 1)); done; sleep 0.05; echo ran >/tmp/ran'\$cpu &
done
wait
same "$harts harts run programs" $harts \$(ls /tmp/ran* | wc -l)
same "$harts harts take timer interrupts" $harts \
	"\$(awk '/riscv-timer/ { for (i = 2; i < $harts + 2; i++) if (\$i > 0) n++ } END { print n }' /proc/interrupts)"
GUEST
    equal "exit code 0 with $harts harts" 0 $?
    relay "$harts harts" "harts$harts" 3
done

guest board --cpus 2 <<'GUEST'
try 'SBI 2.0' sh -c 'dmesg | grep -q "SBI specification v2\.[0-9] detected"'
for extension in TIME IPI RFENCE SRST DBCN HSM; do
	try "SBI $extension is used" sh -c "dmesg | grep -q 'SBI $extension extension detected'"
done
try 'the clock is the host'"'"'s' test "$(date +%Y)" -ge 2024
same 'the RTC' goldfish_rtc "$(cut -d ' ' -f 1 /sys/class/rtc/rtc0/name)"
try 'random numbers come from the host' sh -c 'grep -q virtio_rng /sys/class/misc/hw_random/rng_current'
same 'random bytes' 4096 "$(dd if=/dev/hwrng bs=512 count=8 2>/dev/null | wc -c)"
a=$(dd if=/dev/hwrng bs=64 count=1 2>/dev/null | md5sum) b=$(dd if=/dev/hwrng bs=64 count=1 2>/dev/null | md5sum)
try 'random bytes differ' test "$a" != "$b"
same 'no driver, no kernel part complains' '' "$(dmesg -r | grep -E '^<[0-3]>')"
isa=$(sed -n 's/^isa[^:]*: //p' /proc/cpuinfo | head -n 1)
same 'the ISA of the base' rv64imafdch "${isa%%_*}"
for extension in zba zbb zbs zicbom zicboz zicond zacas zfh zihpm sstc svinval svnapot svpbmt sscofpmf; do
	case ${isa}_ in *_${extension}_*) ;; *) echo "not ok ISA: $extension is missing" ;; esac
done
exit 42
GUEST
equal 'a failure code of the guest comes out' 42 $?
relay board board 14

finish
