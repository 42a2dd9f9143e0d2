#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: bench/metal/costs.sh [bare]
# Counts what exits to hull-metal cost, in QEMU with -icount; `bare`: the same guest on OpenSBI alone.
set -eu -o pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
firmware=/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin
guest=build/bench/metal/costs.elf
make -s "$guest" metal all
machine=(qemu-system-riscv64 -M virt -cpu rv64,h=true -smp "${HARTS:-2}" -m 1G -serial stdio -monitor none
    -display none -icount shift=0 -bios "$firmware")
if [ "${1-}" = bare ]; then
    timeout 60 "${machine[@]}" -kernel "$guest" | tr -d '\r' | sed -n '/: [0-9]* instructions/p'
    exit
fi
cat >"$work/vm.json" <<END
{ "name": "costs", "cpus": ${CPUS:-2}, "memory": "256M", "boot": { "kernel": "$PWD/$guest" }, "net": [] }
END
cat >"$work/board.json" <<END
{ "name": "bench", "harts": ${HARTS:-2}, "timebase": 10000000,
  "memory": [{ "address": "0x80000000", "size": "1G" }],
  "reserved": [{ "name": "firmware", "address": "0x80000000", "size": "2M" },
               { "name": "hull-metal", "address": "0x80200000", "size": "2M" },
               { "name": "device-tree", "address": "0xbfe00000", "size": "2M" }],
  "bundle_address": "0x88200000",
  "uart": { "compatible": "ns16550a", "address": "0x10000000", "size": "4K", "irq": 10 },
  "plic": { "address": "0x0c000000", "size": "6M", "sources": 95 } }
END
build/release/hull pack "$work/bundle" "$work/board.json" "$work/vm.json"
timeout 60 "${machine[@]}" -kernel build/metal/hull-metal -initrd "$work/bundle" \
    >"$work/out" 2>&1 </dev/null &
pid=$!
for _ in $(seq 600); do
    ! grep -q 'done' "$work/out" || break
    sleep 0.1
done
kill "$pid" 2>/dev/null || true
tr -d '\r' <"$work/out" | sed -n '/: [0-9]* instructions/p' | grep . || cat "$work/out"
