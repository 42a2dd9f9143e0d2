#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Finds the item of a sequence at which hull and QEMU part: bisect.sh SEED SEQUENCE [LENGTH]. Prints the
# last instructions up to there and the first differences of the states.
# Not a test: run by hand, or by run.sh when there is a difference.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/diff/lib.sh
seed=$1 sequence=$2 high=${3:-400} low=0
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

differ() { # LENGTH
    generate "$work/d" --seed "$seed" --only "$sequence" --length "$1" >/dev/null || exit 2
    on_qemu "$work/d.user" >"$work/qemu" 2>&1
    on_hull "$work/d.bare" >"$work/hull" 2>&1
    ! cmp -s "$work/qemu" "$work/hull"
}

differ "$high" || { echo "seed $seed, sequence $sequence: no difference in $high items" && exit 0; }
while [ $((high - low)) -gt 1 ]; do
    middle=$(((low + high) / 2))
    if differ "$middle"; then high=$middle; else low=$middle; fi
done
differ "$high"
echo "seed $seed, sequence $sequence: item $high"
# The body is from file offset 69632 on; its code follows the pools and one entry. The end takes 8 bytes.
dd if="$work/d.bare" of="$work/code" bs=1 skip=69632 2>/dev/null
"${CROSS_RISCV64:-riscv64-linux-gnu-}objdump" -D -b binary -m riscv:rv64 -M no-aliases \
    --adjust-vma=0x80400000 "$work/code" | grep -E '^ *[0-9a-f]+:' | tail -n 9 | head -n 7
diff "$work/qemu" "$work/hull" | grep '^[<>]' | head -n 12
