#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 400
# machines: hull
# Physical interrupts of guests with AIA go from the host's APLIC into their guest interrupt files, past the hypervisor,
# wherever those are; and to nobody else's.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=100
METAL_PACK_FOR=qemu-virt-aia

clock='"passthrough": [{ "device": "rtc", "address": "0x50000000", "irq": 20 }]'
vm() { # NAME KERNEL MORE-KEYS
    cat >"$1.json" <<END
{ "name": "$1", "memory": "16M", "net": [], "interrupts": "aia", $3,
  "boot": { "kernel": "$guests/tests/metal/$2.elf" } }
END
}
# LOG EXITS: how many of these exits its vCPUs had, by "vm stats".
exits() { grep -a '  cpu [0-9]*: hart' "$1" | grep -aoE " ($2) [0-9]+" | awk '{ sum += $2 } END { print sum + 0 }'; }
forwarded() { sed -n 's/.*by way of the hypervisor: \([0-9]*\).*/\1/p' plain | tail -n 1; }
stats() { # VM PATTERN
    check "$1: counters" metal_shell log "vm stats $1" 'by way of the hypervisor'
    metal_plain log >plain
}

# One vCPU with a file: 2000 edges without any exit, and 100 levels whose handler asks the APLIC each time.
vm clock aia_clock "$clock, \"cpus\": { \"pinned\": [0] }"
vm quiet aia_quiet '"cpus": { "pinned": [1] }'
metal_pack bundle clock.json quiet.json
METAL_FILES=3 metal_start bundle log
check 'edges' wait_line log 'clock: beats'
metal_type '\x010'
stats clock
equal 'none of them came by way of the hypervisor' 0 "$(forwarded)"
between 'exits for 2000 interrupts' 0 "$(exits plain 'interrupt|wfi|other')" 200
between 'exits for 100 levels' 100 "$(exits plain MMIO)" 400
metal_type 'vm pause clock\r'
sleep 1
metal_type 'vm resume clock\r'
metal_type '\x011'
check 'its device is there after a pause' wait_line log 'clock: done'
metal_stop
metal_plain log >plain
grep -aoE '(not )?ok .*' plain | sort -u >cases
relay 'the guest' cases 9 # a message that somebody else sees is a case, too
[ "$failures" = 0 ] || show plain

# Five vCPUs that sleep and work in turn, on three harts: they move all the time.
METAL_HARTS=3
moves() { # WHAT FILES
    METAL_FILES=$2 metal_start bundle log
    check "$1: the end" wait_line log '^moves: [0-9]* interrupts'
    metal_type '\x010'
    stats moves
    metal_stop
    equal "$1: no interrupt is lost or goes astray" 2 "$(grep -ac '^ok none' plain)"
    count=$(sed -n 's/^moves: \([0-9]*\) interrupts.*/\1/p' plain)
    between "$1: interrupts" 20 "$count" 3000
    [ "$failures" = 0 ] || show plain
}
vm moves aia_moves "$clock, \"cpus\": 5"
metal_pack bundle moves.json
moves 'a file for each vCPU' 7
between 'a file for each vCPU: by way of the hypervisor, while they move' 0 "$(forwarded)" $((count / 2))
moves 'more vCPUs than files' 1
between 'more vCPUs than files: by way of the hypervisor' 1 "$(forwarded)" $((count - 1))
moves 'no files' 0
equal 'no files: all by way of the hypervisor' "$count" "$(forwarded)"
finish
