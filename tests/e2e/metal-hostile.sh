#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 500
# machines: hull
# A guest that probes memory, CSRs, calls, devices and interrupt controllers at random, on the same harts as a Linux
# that notices nothing; with a PLIC, and with AIA, where one of its vCPUs has an interrupt file of a hart's.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=100

cat >good.sh <<'GUEST'
echo 'good: is up'
i=0
while [ $i -lt 20 ]; do
	[ "$(seq 1 2000 | md5sum)" = "$(seq 1 2000 | md5sum)" ] || echo 'not ok good: sums differ'
	sleep 1
	i=$((i + 1))
done
same 'good: two harts, still' 2 $(nproc)
same 'good: the kernel has nothing to say' '' "$(dmesg | grep -iE 'bug|oops|stall|lockup|corrupt' | head -n 3)"
echo 'good: done'
GUEST
side_by_side() { # NAME KEY-OF-BOTH
    metal_linux good good.sh "\"cpus\": 2, \"net\": []$2"
    cat >hostile.json <<END
{ "name": "hostile", "cpus": 2, "memory": "64M", "boot": { "kernel": "$guests/tests/metal/hostile.elf" }$2,
  "net": [{ "backend": "switch", "switch": "lan" }], "policy": { "on_crash": "restart", "delay": 0, "limit": 0 } }
END
    metal_pack bundle good.json hostile.json
    metal_start bundle log
    check "$1: the hostile one gets far" wait_line log 'hostile: round (64|128|256)'
    check "$1: the other one does its work" wait_line log 'good: done'
    metal_type '\x010'
    check "$1: the hypervisor still answers" metal_shell log 'hart' 'idle'
    check "$1: and has not panicked" test "$(grep -ac panic log)" = 0
    metal_stop
    metal_plain log | grep -aoE '(not )?ok good: .*' >cases
    relay "$1: the good one" cases 2
}
side_by_side PLIC ''
METAL_FILES=1
METAL_PACK_FOR=qemu-virt-aia
side_by_side AIA ', "interrupts": "aia"'
[ "$failures" = 0 ] || show log
finish
