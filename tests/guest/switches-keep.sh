#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Address spaces that come back find their entries of the data TLBs: priv/away needs some 146,000 of them if
# each switch forgets what is not global.
# timeout: 60
set -u
cd "$(dirname "$0")/../.." || exit 2
build=${HULL_BUILD:-$PWD/${BUILD:-build}}
failed=0
for engine in interp jit; do
    filled=$(timeout -s KILL 25 "$build/release/hull" run --engine $engine --firmware "$build/guest/priv/away.elf" \
        --memory 64M --net none --quiet --stats </dev/null 2>&1 | sed -n 's/.* filled \([0-9]*\) entries.*/\1/p')
    if [ $engine = jit ] && [ -z "$filled" ]; then
        echo "skip $engine: it does not run here"
    elif [ "${filled:-999999}" -lt 50000 ]; then
        echo "ok entries are kept, $engine"
    else
        echo "not ok entries are kept, $engine: ${filled:-no} entries were filled"
        failed=1
    fi
done
exit $failed
