#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
# Looking into the translator: the trace of the hottest code with its counts, and names for perf, with
# symbols of the guest's kernel as the guest itself lists them.
. "$(dirname "$0")/machine.bash"

guest_start symbols --engine jit <<'GUEST'
echo begin
cat /proc/kallsyms
echo end
GUEST
wait $hull_pid
equal 'a guest that lists its symbols' 0 $?
tr -d '\r' <symbols | sed -n '/^begin/,/^end/p' | grep -E '^[0-9a-f]{16} ' >kallsyms
check 'it has many' test "$(wc -l <kallsyms)" -gt 10000

mkfifo go && exec 9<>go
GUEST_INPUT=go
guest_start work --engine jit --trace trace --trace-regions 12 --perf-map --symbols kallsyms <<'GUEST'
i=0
while [ $i -lt 20000 ]; do i=$((i + 1)); done
dd if=/dev/zero of=/dev/null bs=64k count=20000 2>/dev/null
echo 'now'
dd if=/dev/zero of=/dev/null bs=64k &
read -r go
GUEST
wait_line work '^now'
cp "/tmp/perf-$hull_pid.map" map
check 'the map names kernel functions' grep -qE '^[0-9a-f]+ [0-9a-f]+ [a-z_]*clear_user[a-z_+0-9]* \[S\]$' map
check 'user programs by their addresses' grep -qE '^[0-9a-f]+ [0-9a-f]+ 0x[0-9a-f]+ \[U\]$' map
check 'and our own code' grep -qE '^[0-9a-f]+ [0-9a-f]+ hull:leave$' map
# Busy until the guest is told to end.
if perf record -q -e cpu-clock -o perf.data -p $hull_pid -- sleep 1 >perf.log 2>&1; then
    perf report -i perf.data --stdio --sort symbol >report 2>>perf.log
    check 'perf report names guest functions' grep -qE '^ +[0-9.]+% .* [a-z_]+clear_user[+a-z0-9]* \[S\]' report
else
    echo 'skip perf report: perf does not work here'
fi
echo go >&9
wait $hull_pid
equal 'the guest' 0 $?
check 'the map is still there for a report' grep -qE 'clear_user[a-z_+0-9]* \[S\]$' "/tmp/perf-$hull_pid.map"
rm -f "/tmp/perf-$hull_pid.map"

equal 'as many regions as were asked for' 12 "$(grep -c '^#' trace)"
check 'the hottest code clears memory' grep -qE '^#1  [0-9.]+%  [a-z_]*clear_user' trace
check 'guest code' grep -qE '^ +[0-9]+  [0-9a-f]{16}  sd zero,0\(' trace
check 'the IR' grep -qE '^ {26}store.i64 \[[a-z0-9]+\], zero' trace
check 'machine code' grep -qE '^ {34} *[0-9a-f]+ +(mov|movabs|48)' trace
regions=0; read -r regions _ <trace
check 'many regions were seen' test "$regions" -gt 1000
finish
