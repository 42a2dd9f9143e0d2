#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# machines: hull
# A guest's registers after exits of all kinds, on the short way and, with a trace, on the long one.
. "$(dirname "$0")/metal.bash"
METAL_HARTS=1
BOOT_SECONDS=40

cat >registers.json <<END
{ "name": "registers", "cpus": 1, "memory": "16M", "net": [],
  "boot": { "kernel": "$guests/tests/metal/registers.elf" } }
END
metal_pack bundle registers.json
both_ways() { # LOG
    metal_start bundle "$1"
    check 'the short way: done' wait_line "$1" 'registers: done'
    check 'it is off' wait_line "$1" 'registers: powered off'
    metal_type '\x010'
    check 'the shell is there' wait_line "$1" 'hull> '
    metal_type 'trace on\r'
    check 'again' metal_shell "$1" 'vm start registers' 'registers: powered off'
    check 'its exits were traced' metal_shell "$1" trace '[1-9][0-9]+ exits; tracing is off'
    check 'what it said' metal_shell "$1" 'log registers' 'registers: done'
    metal_stop
    metal_plain "$1" | grep -aoE '(not )?ok .*' >cases
    relay 'both ways' cases 3 # what the first run said is in the VM's log, too
}
both_ways log
if [ "$METAL_ON" = qemu ]; then
    # The hypervisor's timer is the guest's then.
    METAL_CPU=$METAL_CPU,sstc=false
    both_ways log-without-sstc
fi
[ "$failures" = 0 ] || show log log-without-sstc
finish
