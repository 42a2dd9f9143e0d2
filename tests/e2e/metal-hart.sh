#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# machines: hull
# Who has a hart: two CPUs on one are told what they wait; one that has its own sleeps without an exit, unless its
# watchdog wants to see that. Who computes without end gets time by its weight, and none next to a higher priority.
. "$(dirname "$0")/metal.bash"
METAL_HARTS=3
BOOT_SECONDS=40

vm() { # NAME PROGRAM KEYS
    echo "{ \"name\": \"$1\", $3, \"memory\": \"16M\", \"net\": [],
        \"boot\": { \"kernel\": \"$guests/tests/metal/$2.elf\" } }" >"$1.json"
}
wfis() { # NAME: its exits, by the shell's vm stats
    metal_shell log "vm stats $1" 'cpu 0: .* wfi [0-9]+' &&
        metal_plain log | grep -a ' exits interrupt ' | tail -n 1 | sed -E 's/.* wfi ([0-9]+).*/\1/'
}
vm shared steal '"cpus": 2'
vm alone wfi '"cpus": { "pinned": [1] }'
vm watched wfi '"cpus": { "pinned": [2] }, "watchdog": 100'
metal_pack bundle alone.json watched.json shared.json # the pinned ones have their harts first
metal_start bundle log
check 'CPUs that share a hart are done' wait_line log 'shared.*steal: done'
check 'the pinned ones are done' wait_line log 'alone.*wfi: done'
check 'both' wait_line log 'watched.*wfi: done'
metal_plain log | grep -aoE '(not )?ok .*' >cases
relay 'steal' cases 3
metal_type '\x010'
check 'the shell is there' wait_line log 'hull> '
# Not none at all: while a thread of the hypervisor waits for this hart its guest's sleep gives it away.
check 'a pinned CPU sleeps in the guest' test "$(wfis alone)" -lt 50
check 'not with a watchdog' test "$(wfis watched)" -ge 100
check 'what it ran between its sleeps is counted' metal_shell log 'vm stats watched' 'cpu 0: hart [0-9]+ .pinned., ran [1-9][0-9]* ms'
check 'it can be stopped asleep' metal_shell log 'vm stop alone' 'alone: (stopped|powered)'
metal_stop

METAL_HARTS=1
printf '.section .text.start, "ax"\n.globl _start\n_start: j _start\n' >spin.S
riscv64-linux-gnu-gcc -nostdlib -static -Wl,--build-id=none -T "$here/bench/metal/guest.ld" -o spin.elf spin.S
spin() { # NAME KEYS
    echo "{ \"name\": \"$1\", \"memory\": \"16M\", \"net\": [], \"cpus\": { \"count\": 1, $2 },
        \"boot\": { \"kernel\": \"$PWD/spin.elf\" } }" >"$1.json"
}
ran() { # NAME: tenths of a second
    metal_shell log2 'vm list' "$1 " && sleep 0.3 &&
        metal_plain log2 | awk -v name="$1" '$2 == name { n = $(NF - 1) * 10 } END { print n }'
}
spin light '"weight": 100'
spin heavy '"weight": 300'
spin urgent '"priority": 6'
metal_pack bundle2 light.json heavy.json urgent.json
metal_start bundle2 log2
wait_line log2 'hull-metal: .* harts'
sleep 1
metal_type '\x010'
wait_line log2 'hull> '
metal_type 'vm pause urgent\r'
light=$(ran light) heavy=$(ran heavy)
sleep 5
light=$(($(ran light) - light)) heavy=$(($(ran heavy) - heavy))
between 'three times the weight, three times the time, in percent' 250 $((heavy * 100 / (light ? light : 1))) 350
metal_type 'vm resume urgent\r'
light=$(ran light) heavy=$(ran heavy)
sleep 3
between 'none next to a higher priority' 0 $(($(ran light) + $(ran heavy) - light - heavy)) 2
between 'which has it all' 20 "$(ran urgent)" 10000
metal_stop
[ "$failures" = 0 ] || show log log2
finish
