#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 100
# The hypervisor's own page table, as QEMU's monitor shows it: nothing is both writable and executable, code and
# constants are writable under no address, and below each stack a page is unmapped.
# shellcheck disable=SC1091,SC2154 # metal.bash's variables
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=40
stacks=$((0xffffffff80000000)) # metal/riscv64/paging.h
page=4096

cat >quiet.json <<END
{ "name": "quiet", "cpus": 2, "memory": "16M", "net": [], "boot": { "kernel": "$guests/tests/metal/wfi.elf" } }
END
metal_pack bundle quiet.json
METAL_MONITOR=unix:monitor,server=on,wait=off
metal_start bundle log
check 'a VM runs' wait_line log 'wfi: done'
metal_type '\x010'
check 'the shell is there' wait_line log 'hull> '
paused() { metal_shell log 'vm list' 'quiet +paused'; }
metal_type 'vm pause quiet\r'
check 'and pauses it: the harts are the hypervisor'"'"'s' paused
monitor() { (sleep 0.3 && printf 'stop\n%s\n' "$1" && sleep 1) | socat - UNIX-CONNECT:monitor | tr -d '\r'; }
# What is mapped: "FROM TO PHYSICAL ATTRIBUTES", numbers in decimal (the upper half is negative), sorted.
mapped() {
    local line
    monitor 'info mem' | grep -aE '^[0-9a-f]{16} [0-9a-f]{16} [0-9a-f]{16} [a-z-]{7}$' >raw
    while read -ra line; do
        echo $((0x${line[0]})) $((0x${line[0]} + 0x${line[2]})) $((0x${line[1]})) "${line[3]}"
    done <raw | sort -n
}
wait_for 20 eval 'mapped >map && [ $(wc -l <map) -gt 10 ]'
metal_stop
symbol() { echo $((0x$(nm "$metal" | awk -v name="$1" '$3 == name { print $1 }'))); }
start=$(symbol image_start) text=$(symbol image_text_end) rodata=$(symbol image_rodata_end) end=$(symbol image_end)
in_map() { awk -v page=$page "$@" map; }
attributes() { # FROM TO: of all of it, each kind once; "----" where something is not mapped
    in_map -v at="$1" -v to="$2" '
        $2 > at && $1 < to { print ($1 > at ? "----" : substr($4, 1, 4)); at = $2 }
        END { if (at < to) print "----" }' | sort -u | xargs
}
unmapped() { [ -z "$(in_map -v at="$1" '$1 <= at && at < $2')" ]; } # ADDRESS

equal 'nothing is both writable and executable' '' "$(in_map '$4 ~ /w/ && $4 ~ /x/')"
equal 'nor the guests'"'"' to use' '' "$(in_map '$4 ~ /u/')"
equal 'code is for execution' 'r-x-' "$(attributes "$start" "$text")"
equal 'constants are for reading' 'r---' "$(attributes "$text" "$rodata")"
equal 'nothing else can be executed' 1 "$(in_map '$4 ~ /x/' | wc -l)"
image=$(in_map -v start="$start" '$1 == start { print $3 }')
equal 'no other address makes them writable' '' \
    "$(in_map -v from="$image" -v to=$((image + rodata - start)) '$4 ~ /w/ && $3 < to && $3 + $2 - $1 > from')"
check 'nothing is at 0' unmapped 0

# Stacks of one size follow each other with a page between: a row without one would be longer than a stack.
rows() {
    in_map -v base=$stacks -v end=$((stacks + (1 << 30))) '
        $1 >= base && $1 < end { if ($1 != at) { if (at) print at - from; from = $1 } at = $2 }
        END { print at - from }' | sort -n | uniq -c | xargs
}
# Another hart's, and its traps'; the manager's, the net's, and the vCPUs'.
equal 'stacks, each with an unmapped page below' "1 $page 5 $((3 * page))" "$(rows)"
check 'below the first as well' unmapped "$stacks"
for stack in boot_stack boot_trap_stack; do
    guard=$(symbol ${stack}_guard)
    check "below the first hart's $stack" unmapped "$guard"
    equal "the $stack itself" 'rw--' "$(attributes $((guard + page)) "$(symbol ${stack}_top)")"
done
check 'the image ends with data' unmapped "$end"
[ "$failures" = 0 ] || show log log.err raw
finish
