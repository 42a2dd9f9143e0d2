# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The differential tests' programs: the generator, QEMU, hull.
build=${HULL_BUILD:-$PWD/${BUILD:-build}}
hull=${HULL:-$build/release/hull}
qemu=${QEMU_RISCV64:-qemu-riscv64-static}
qemu_cpu=rv64,zba=on,zbb=on,zbc=on,zbs=on,zbkb=on,zbkx=on,Zfh=on

generate() { # OUT OPTIONS...
    "$build/diff/generate" --wrappers "$build/diff" --out "$@" && chmod +x "$1.user"
}

on_qemu() { # FILE
    timeout -s KILL 120 "$qemu" -cpu "$qemu_cpu" "$1" </dev/null
}

on_hull() { # FILE
    timeout -s KILL 120 "$hull" run --engine "${HULL_ENGINE:-interp}" --firmware "$1" --memory 64M --console stdio --net none --quiet </dev/null
}
