#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# machines: hull
# A guest that probes memory, CSRs, calls and devices at random, on the same harts as a Linux that notices
# nothing.
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
metal_linux good good.sh '"cpus": 2, "net": []'
cat >hostile.json <<END
{ "name": "hostile", "cpus": 2, "memory": "64M", "boot": { "kernel": "$guests/tests/metal/hostile.elf" },
  "net": [{ "backend": "switch", "switch": "lan" }], "policy": { "on_crash": "restart", "delay": 0, "limit": 0 } }
END
metal_pack bundle good.json hostile.json
metal_start bundle log
check 'the hostile one gets far' wait_line log 'hostile: round (64|128|256)'
check 'the other one does its work' wait_line log 'good: done'
metal_type '\x010'
check 'the hypervisor still answers' metal_shell log 'hart' 'idle'
check 'and has not panicked' test "$(grep -ac panic log)" = 0
metal_stop
metal_plain log | grep -aoE '(not )?ok good: .*' >cases
relay 'the good one' cases 2
[ "$failures" = 0 ] || show log
finish
