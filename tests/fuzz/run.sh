#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# Runs every fuzz target for FUZZ_SECONDS (10) each, from its seeds (below, and the files in
# tests/fuzz/seeds/NAME) and from what earlier runs found (build/fuzz/corpus). NAME.dict beside this
# script is its dictionary. An input that fails stays in build/fuzz/artifacts.
# Usage: run.sh [TARGET...], such as fuzz_virtio_blk
set -u
cd "${HULL_SRC:-$(dirname "$0")/../..}" || exit 2
build=${HULL_BUILD:-build}/fuzz
seconds=${FUZZ_SECONDS:-10}
if [ -z "${HULL_BUILD-}" ]; then
    make -s -j"$(nproc)" fuzz || exit 2
fi

# What a random stream takes long to hit upon: a driver's start, chains with a request in them.
seed() { # TARGET NAME BYTES (as for printf)
    mkdir -p "$build/seeds/$1"
    # shellcheck disable=SC2059
    printf "$3" >"$build/seeds/$1/$2"
}

start='\x00\x06\x00\x00\x00\x00' # all features, 64 entries
start_plain='\x00\x06\x00\x00\x00\x30' # neither indirect descriptors nor event indices
memory_0='\x03\x00\x00\x01\x18' # 24 bytes at the buffer of descriptor 0
header_in='\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'
header_out='\x01\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'
header_id='\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'
seed fuzz_virtio_blk read "\\x00$start$memory_0$header_in\\x06\\x11\\x00\\x10\\xf1\\x01\\x08\\x00"
seed fuzz_virtio_blk write "\\x00$start_plain$memory_0$header_out\\x06\\x0a\\x00\\x10\\xf1\\x01\\x08\\x00"
seed fuzz_virtio_blk id "\\x00$start$memory_0$header_id\\x06\\x11\\x00\\x10\\x14\\x01\\x08\\x00"
seed fuzz_virtio_blk late "\\x00$start\\x0f\\x00$memory_0$header_in\\x06\\x11\\x00\\x10\\xf1\\x01\\x08\\x00\\x0a\\x00\\x0b\\x0f\\x02\\x00\\x0e"
seed fuzz_virtio_net send "$start\\x16\\x02\\x00\\x0c\\x40\\x18\\x00"
seed fuzz_virtio_net long "$start\\x14\\x00\\x50\\x00\\x00\\x7f\\x00\\x18\\x00"
seed fuzz_virtio_net receive "$start\\x06\\x08\\x00\\xf3\\x08\\x00\\x0f\\x03\\x3c\\x00\\x00"
seed fuzz_virtio_console output "$start\\x16\\x01\\x00\\xf4\\x18\\x00\\x0f\\x00\\x10\\x00\\x00"
seed fuzz_virtio_console input "$start\\x06\\x08\\x00\\x10\\x08\\x00\\x0f\\x01\\x20\\x00"
seed fuzz_virtio_balloon inflate "$start$memory_0\\x10\\x00\\x08\\x00\\x11\\x00\\x08\\x00\\x20\\x00\\x08\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x06\\x01\\x00\\x10\\x08\\x00"
seed fuzz_virtio_balloon report "$start\\x46\\x08\\x00\\xf8\\x48\\x00"
seed fuzz_virtio_input press "$start\\x06\\x20\\x00\\x08\\x08\\x08\\x08\\x08\\x00\\x0a\\x01\\x0f\\x00"
seed fuzz_virtio_rng direct "$start\\x06\\x08\\x00\\x20\\x08\\x00\\x0c\\x01"
seed fuzz_virtio_rng wild_head "$start\\x08\\xfe\\xf0\\xff"
seed fuzz_virtio_rng wild_next "$start\\x04\\x00\\x0b\\x00\\x00\\x10\\xf0\\xff\\x08\\x00"
seed fuzz_virtio_rng indirect "$start\\x05\\x00\\x02\\x10\\x00\\x10\\x00\\x04\\x00\\x04\\x00\\x00\\x10\\x00\\x08\\x00"
seed fuzz_bundle magic '\x01HULLBNDL\x01\x00\x00\x00\x02\x00\x00\x00'
seed fuzz_bundle change '\x02\xe8\x00\x05\x70\x01\x09'
imsic='\x00\x00\x8a\x02\x07\x00\x00\x00\x8b\x01\x05\x00' # MSIs to the first guest's page, and to none
delegate='\x00\x00\x87\x00\x00\x01\x00\x00\x87\x02\x00\x04' # source 10, by the machine's domain
msi='\x00\x00\x88\x00\x00\x01\x00\x00\x88\x02\x06\x00\x00\x00\x88\x0f\x05\x10\x08\x00\x00\x00\x00\x00\x00\x00\x88\x05\x0a\x00\x2d\x0a'
genmsi='\x00\x00\x88\x0e\x05\x00\x04\x00\x00\x00\x00\x00'
wired='\x00\x00\x89\x00\x00\x01\x00\x00\x89\x02\x06\x00\x00\x00\x89\x05\x01\x00\x00\x00\x89\x0c\x01\x00\x04\x00\x00\x00\x00\x00'
wired_on='\x00\x00\x89\xc0\xdc\x1e\x00\x0a\x00\x0d\x0a\x02\x00\x89\x07' # enabled, raised, claimed
wired_to='\x00\x00\x89\x0c\x02\x00\x00\x00\x00\x00\x00\x00'
seed fuzz_board imsic "$imsic"
seed fuzz_board msi "$delegate$msi$genmsi"
seed fuzz_board wired "$wired$wired_on$wired_to"
seed fuzz_board uart '\x00\x00\x04\x01\x02\x00\x03\x10\x02\x00\x04\x00\x02\x00\x04\x02'

if [ $# -gt 0 ]; then
    targets=("${@/#/$build/}")
else
    targets=("$build"/fuzz_*)
fi
failed=0
for target in "${targets[@]}"; do
    [ -f "$target" ] && [ -x "$target" ] || continue
    name=$(basename "$target")
    log=${TEST_TMP:-$build}/$name.log
    mkdir -p "$build/corpus/$name" "$build/seeds/$name" "$build/artifacts"
    more=()
    [ ! -f "tests/fuzz/${name#fuzz_}.dict" ] || more+=("-dict=tests/fuzz/${name#fuzz_}.dict")
    folders=("$build/corpus/$name" "$build/seeds/$name")
    [ ! -d "tests/fuzz/seeds/${name#fuzz_}" ] || folders+=("tests/fuzz/seeds/${name#fuzz_}")
    if "$target" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=1024 -max_len=4096 \
        -artifact_prefix="$build/artifacts/$name-" -print_final_stats=1 \
        "${more[@]}" "${folders[@]}" >"$log" 2>&1; then
        echo "ok $name"
        grep -aE 'number_of_executed_units|^#.*DONE' "$log" >&2
    else
        echo "not ok $name"
        tail -n 60 "$log" >&2
        failed=1
    fi
done
exit "$failed"
