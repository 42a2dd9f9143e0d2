#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# Small and large guests: all of the memory is there and holds what is written to it.
. "$(dirname "$0")/machine.bash"

one() { # SIZE LOWEST-KB HIGHEST-KB MB-TO-FILL
    guest "memory-$1" --cpus 2 --memory "$1" <<GUEST
total=\$(awk '/^MemTotal/ { print \$2 }' /proc/meminfo)
try "$1: MemTotal is \$total kB" test \$total -ge $2 -a \$total -le $3
same "$1: its end" "$4" "\$(awk '/System RAM/ { sub("-", " "); end = \$2 } END { print end }' /proc/iomem)"
# Most of it written (twice what is copied), then read.
mkdir /fill && mount -t tmpfs -o size=95% none /fill
dd if=/dev/urandom of=/fill/0 bs=64k count=16 2>/dev/null
wanted=\$(md5sum </fill/0 | cut -d ' ' -f 1)
for i in \$(seq $5); do cp /fill/0 /fill/\$i; done
same "$1: what is written stays" "$(($5 + 1)) \$wanted" \
	"\$(md5sum /fill/* | cut -d ' ' -f 1 | uniq -c | sed 's/^ *//')"
GUEST
    equal "$1: exit code" 0 $?
    relay "$1" "memory-$1" 3
}

one 256M 170000 262144 8fffffff 110
one 8G 7900000 8388608 27fffffff 60

timeout -s KILL 20 "$HULL" run mini --memory 3M </dev/null >small 2>&1
equal 'too little memory is refused' 124 $?
timeout -s KILL 20 "$HULL" run mini --memory 3000G </dev/null >large 2>&1
code=$?
check "too much memory is refused ($code)" test $code = 124 -o $code = 125
check 'and says why' grep -q 'memory' large
finish
