#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# machines: hull
# A terminal that takes nothing for seconds holds up whoever writes to it, and nobody else: not another VM on the
# same hart. Afterwards nothing is missing.
. "$(dirname "$0")/metal.bash"
METAL_HARTS=1
BOOT_SECONDS=60

for name in loud nap; do
    echo "{ \"name\": \"$name\", \"memory\": \"16M\", \"net\": [], \"policy\": { \"on_poweroff\": \"stop\" },
        \"cpus\": { \"count\": 1, \"priority\": $([ $name = loud ] && echo 1 || echo 6) },
        \"boot\": { \"kernel\": \"$guests/tests/metal/$name.elf\" } }" >$name.json
done
metal_pack bundle nap.json loud.json
mkfifo slow
(head -c 12000 >log; sleep 15; cat >>log) <slow &
metal_start bundle slow
check 'the loud one comes to its end' wait_line log 'loud: powered off'
check 'the other one to its own' wait_line log 'naps: '
# It makes some thousands on an idle machine. With a hart that waits for the terminal it is a dozen.
between 'it had its hart all the time' 100 "$(sed -nE 's/.*naps: ([0-9]+).*/\1/p' log)" 4000
metal_plain log | grep -ao 'loud: line [0-9]* of many, to fill whatever there is between here and the eye' >lines
equal 'every line is there' 3000 "$(wc -l <lines)"
check 'in order' sort -c -k 3n lines
check 'the last one too' grep -aq 'loud: done' log
metal_type '\x010'
check 'the shell is there' wait_line log 'hull> '
metal_type 'log loud\r'
check 'and shows a lot' wait_for 20 eval '[ $(grep -ac "line 2999 of many" log) -ge 2 ]'
metal_stop
[ "$failures" = 0 ] || show log
finish
