# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The machines that are measured: hull with an engine, QEMU, and this machine itself. The guests get
# the same kernel, initramfs, memory, disk and network. Sourced by bench/run.

: "${QEMU:=qemu-system-riscv64}"
image=$HULL_CACHE/images/mini
guest_append='console=ttyS0 quiet hull.exec=/bench/run'
scratch_size=64M
port=0

find_machines() {
    if [ -z "${HULL-}" ]; then
        HULL=$BUILD/release/hull
        make -s -C "$top" -j"$(nproc)" BUILD="$BUILD" || fail 'make failed'
    fi
    [ -x "$HULL" ] || fail "HULL=$HULL is not a program"
    if [[ " ${machines[*]} " == *' qemu '* ]] && ! command -v "$QEMU" >/dev/null; then
        fail "$QEMU is missing; install it with: tools/setup test (or say --without qemu)"
    fi
    [ -f "$image/vmlinux" ] || "$HULL" image pull mini || fail "the image 'mini' cannot be made"
}

# The server ends when its standard input, which is ours to hold open, does.
start_server() {
    coproc SERVER { exec "$work/net_server"; }
    read -r port <&"${SERVER[0]}" || fail 'the network server does not start'
}

# Empty at each start, so that all machines find the same.
make_scratch() {
    rm -f "$work/scratch"
    head -c "$scratch_size" /dev/zero >"$work/scratch" || fail "no room for a disk of $scratch_size in $work"
}

# With one hart everything is kept on one CPU, as in the guest.
run_native() { # HARTS
    local pin=() name
    [ "$1" != 1 ] || pin=(taskset -c "$(taskset -cp $$ | sed 's/.*: //; s/[-,].*//')")
    make_scratch
    while read -r name; do
        BENCH_TMP=/dev/shm BENCH_DISK=$work/scratch BENCH_PORT=$port BENCH_HOST=127.0.0.1 \
            timeout "$limit" "${pin[@]}" "$work/native" "$name" "$effort"
    done <"$work/names"
}

run_guest() { # MACHINE HARTS
    make_scratch
    make_initrd "$2"
    local command
    case $1 in
    qemu) qemu_command "$2" ;;
    hull) hull_command auto "$2" ;;
    *) hull_command "${1#hull-}" "$2" ;;
    esac
    timeout -k 5 "$limit" "${command[@]}" &
    child=$!
    wait "$child"
    echo "exit code $?"
    child=
}

hull_command() { # ENGINE HARTS
    command=("$HULL" run --engine "$1" --cpus "$2" --memory 1G --kernel "$image/vmlinux" --initrd "$work/initrd"
        --append "$guest_append" --disk "$work/scratch,id=scratch" --net user --no-reboot --quiet)
    [ ! -f "$work/use-real" ] || command+=(--disk "$real_image,ro,id=real")
}

qemu_command() { # HARTS
    command=("$QEMU" -M virt -m 1G -smp "$1" -nographic -no-reboot -monitor none -serial stdio
        -global virtio-mmio.force-legacy=false
        -kernel "$image/vmlinux" -initrd "$work/initrd" -append "$guest_append"
        -drive "if=none,id=scratch,format=raw,file=$work/scratch"
        -device virtio-blk-device,drive=scratch,serial=scratch
        -netdev user,id=net -device virtio-net-device,netdev=net
        -object rng-random,id=rng,filename=/dev/urandom -device virtio-rng-device,rng=rng)
    [ ! -f "$work/use-real" ] || command+=(
        -drive "if=none,id=real,format=raw,readonly=on,file=$real_image"
        -device virtio-blk-device,drive=real,serial=real)
}
