# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Builds what is measured: the programs for the guest and for this machine, from the same sources with
# the same options, and the network server. Sourced by bench/run.

CROSS=${CROSS_RISCV64:-riscv64-linux-gnu-}
bench_flags='-std=gnu11 -O2 -Wall -Wextra -pthread'

# Compiles anew when a source, or the way to compile, is newer than the program.
build_one() { # OUTPUT COMPILER FLAGS SOURCE...
    local output=$1 compiler=$2 flags=$3
    shift 3
    if [ -f "$output" ] &&
        [ -z "$(find "$bench/programs" "$bench/harness/build.bash" "$@" -newer "$output" -print -quit)" ]; then
        return
    fi
    command -v "$compiler" >/dev/null ||
        fail "$compiler is missing; install what the tests need with: tools/setup test"
    say "building $(basename "$output")"
    # shellcheck disable=SC2086 # flags are words
    "$compiler" $bench_flags $flags -o "$output" "$@" -lm || fail "cannot build $output"
}

build_programs() {
    build_one "$work/native" "${CC:-gcc}" '' "$bench"/programs/*.c
    [ "$list" = yes ] && return
    build_one "$work/riscv64" "${CROSS}gcc" -static "$bench"/programs/*.c
    build_one "$work/net_server" "${CC:-gcc}" '' "$bench/harness/net_server.c"
}

# The image's initramfs with a second archive behind it, which the kernel unpacks over the first.
make_initrd() { # HARTS
    local tree=$work/tree
    rm -rf "$tree"
    mkdir -p "$tree/bench"
    cp "$work/riscv64" "$tree/bench/programs"
    cp "$bench/guest/run" "$bench/guest/real" "$tree/bench/"
    chmod 755 "$tree"/bench/*
    cp "$work/names" "$tree/bench/names"
    printf 'effort=%s\nexport BENCH_PORT=%s BENCH_HOST=10.0.2.2\n' "$effort" "$port" >"$tree/bench/settings"
    cp "$image/initrd.img" "$work/initrd"
    (
        . "$top/host/image/initramfs.sh"
        cpio_tree "$tree"
    ) >>"$work/initrd"
}
