#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Random code on hull and under QEMU's user-mode emulation: the states after every sequence must be
# equal. The seeds are printed; a failing one is repeated by: tests/diff/run.sh --seed N --rounds 1
# timeout: 2400
# engines: jit
# --rounds N (10; 400 with HULL_TEST_LONG=1 or --full), --seed N (the first one; else from the clock),
# --sequences N (1000), --length N (400 items each)
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/diff/lib.sh
tmp=${TEST_TMP:-$(mktemp -d)}
[ -n "${TEST_TMP-}" ] || trap 'rm -rf "$tmp"' EXIT
command -v "$qemu" >/dev/null || { echo "no $qemu" && exit 77; }

rounds=10 seed=$(($(date +%s) * 1000)) sequences=1000 length=400
[ "${HULL_TEST_LONG-0}" = 0 ] || rounds=400
while [ $# -gt 0 ]; do
    case $1 in
    --seed) seed=$2 && shift ;;
    --rounds) rounds=$2 && shift ;;
    --sequences) sequences=$2 && shift ;;
    --length) length=$2 && shift ;;
    --full) rounds=400 ;;
    *) echo "run.sh: $1?" >&2 && exit 2 ;;
    esac
    shift
done

failed=0
for ((round = 0; round < rounds; round++, seed++)); do
    generate "$tmp/d" --seed "$seed" --sequences "$sequences" --length "$length" >"$tmp/made" || exit 2
    on_qemu "$tmp/d.user" >"$tmp/qemu" 2>"$tmp/qemu.err" &
    on_hull "$tmp/d.bare" >"$tmp/hull" 2>"$tmp/hull.err"
    hull_code=$?
    on_hull "$tmp/d.paged" >"$tmp/paged" 2>"$tmp/paged.err"
    paged_code=$?
    wait $!
    qemu_code=$?
    if [ "$qemu_code" != 0 ] || ! grep -q '^done' "$tmp/qemu"; then
        echo "seed $seed: QEMU ended with $qemu_code" >&2
        tail -n 3 "$tmp/qemu" "$tmp/qemu.err" >&2
        failed=$((failed + 1))
    elif [ "$hull_code" != 0 ] || ! cmp -s "$tmp/qemu" "$tmp/hull"; then
        echo "seed $seed: hull ended with $hull_code; differing sequences:" >&2
        bad=$(diff "$tmp/qemu" "$tmp/hull" | sed -n 's/^< sequence \([0-9]*\) .*/\1/p' | head -n 3)
        for sequence in $bad; do
            tests/diff/bisect "$seed" "$sequence" "$length" >&2
        done
        tail -n 2 "$tmp/hull.err" >&2
        failed=$((failed + 1))
    elif [ "$paged_code" != 0 ] || ! cmp -s "$tmp/qemu" "$tmp/paged"; then
        echo "seed $seed: other results in U mode with paging and interrupts, hull ended with $paged_code" >&2
        diff "$tmp/qemu" "$tmp/paged" | head -n 6 >&2
        failed=$((failed + 1))
    else
        echo "seed $seed: $(cat "$tmp/made"): equal" >&2
    fi
done
if [ "$failed" = 0 ]; then echo "ok random-code"; else echo "not ok random-code"; fi
[ "$failed" = 0 ]
