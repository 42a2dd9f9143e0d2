#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 400
# machines: hull
# A thousand lives of a VM leave as much memory free as one; a VM that fails too often stops for good; a wrong
# or damaged bundle and a chip without H are told.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=30

cat >life.json <<END
{ "name": "life", "cpus": 2, "memory": "16M", "boot": { "kernel": "$guests/tests/metal/life.elf" },
  "policy": { "on_poweroff": "restart", "delay": 0, "delay_max": 0, "limit": 0 } }
END
metal_pack bundle life.json
metal_start bundle log
wait_line log 'life: powered off'
metal_type '\x010'
check 'the shell is there' wait_line log 'hull> '
stopped() {
    metal_type 'vm list\r'
    sleep 0.3
    metal_plain log | grep -a '^  1 life ' | tail -n 1 | grep -q ' stopped '
}
metal_type 'vm stop life\r'
check 'it stops, although it ends and begins all the time' wait_for 30 stopped
metal_shell log 'mem' 'the hypervisor'
first=$(metal_plain log | grep -a 'the hypervisor  ' | tail -n 1)
metal_type 'vm start life\r'
lives() { metal_shell log 'vm list' '.' && sleep 0.5 && metal_plain log | awk '/ 1 life/ { n = $9 } END { exit !(n >= 1000) }'; }
check 'a thousand lives' wait_for 200 lives
metal_type 'vm stop life\r'
wait_for 30 stopped
metal_shell log 'mem' 'the hypervisor'
equal 'the hypervisor has as much memory as before' "$first" \
    "$(metal_plain log | grep -a 'the hypervisor  ' | tail -n 1)"
check 'the VM has none' metal_shell log 'vm list' 'life +stopped +2 +16 M +0 K'
check 'memory is fresh in every life' test "$(grep -ac 'former life' log)" = 0
metal_type 'crash\r'
check 'a fault of the hypervisor is told' wait_line log 'panic: a fault in the hypervisor: scause f stval 8'
check 'with where it was' wait_line log '#0 .* command_crash'
check 'and who called' wait_line log '#[1-9]+ .* manager_body'
check 'and it halts' wait_line log 'hull-metal: halted'
metal_stop

cat >often.json <<END
{ "name": "often", "cpus": 1, "memory": "16M", "boot": { "kernel": "$guests/tests/metal/life.elf" },
  "policy": { "on_poweroff": "restart", "delay": 0, "delay_max": 1, "limit": 2, "window": 100 } }
END
metal_pack bundle2 often.json
metal_start bundle2 log2
check 'restarted too often' wait_line log2 'often: was restarted 2 times within 100 s: stopped for good'
metal_stop

head -c 3000000 /dev/urandom >junk
metal_start junk log3
check 'a file that is no bundle' wait_line log3 'hull-metal: the bundle is no bundle'
check 'and it stops' wait_line log3 'hull-metal: stopped'
metal_stop
damaged() { # NAME OFFSET: a copy of the bundle with one bit of that byte changed
    cp bundle "$1"
    printf "\\x$(printf %02x $((0x$(od -An -tx1 -j "$2" -N 1 bundle | tr -d ' ') ^ 1)))" |
        dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
damaged header 40
metal_start header log5
check 'a damaged header' wait_line log5 'hull-metal: the bundle is damaged: the checksum of its header is wrong'
check 'stops it' wait_line log5 'hull-metal: stopped'
metal_stop
damaged image $(($(grep -abo $'\x7fELF' bundle | head -n 1 | cut -d: -f1) + 200))
metal_start image log6
check 'a damaged image' wait_line log6 'hull-metal: life: the bundle is damaged: the checksum of section 2 \(a file'
check 'keeps its VM from being started' wait_line log6 'hull-metal: life: cannot be started'
check 'which nothing of has run' test "$(grep -ac '^life:' log6)" = 0
metal_stop
head -c $(($(wc -c <bundle) - 4096)) bundle >cut
metal_start cut log7
check 'a bundle that was cut' wait_line log7 'hull-metal: the bundle is cut short: '
check 'stops it as well' wait_line log7 'hull-metal: stopped'
metal_stop
METAL_CPU=rv64,h=false
METAL_HULL=--no-hypervisor
metal_start bundle log4
check 'a chip without H' wait_line log4 'lacks the H extension'
metal_stop
[ "$failures" = 0 ] || show log log2 log3 log4 log5 log6 log7
finish
