#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Runs the guest programs on hull (or on another machine, see on-qemu.sh) and passes on what their
# cases say. A program's needs stand in its first lines as "// run: KEY=VALUE...": see run_program.
# timeout: 900
# engines: jit random
# Usage: run.sh [PATTERN]... : only programs whose name (isa/integer) matches one.
set -u
shopt -s nullglob
cd "$(dirname "$0")/../.." || exit 2
machine=${GUEST_MACHINE:-hull}
build=${HULL_BUILD:-$PWD/${BUILD:-build}}
hull=${HULL:-$build/release/hull}
tmp=${TEST_TMP:-$(mktemp -d)}
[ -n "${TEST_TMP-}" ] || trap 'rm -rf "$tmp"' EXIT

# HULL_ENGINE=random: it changes at random moments, by the seed HULL_ENGINE_RANDOM.
engine=${HULL_ENGINE:-interp}
if [ "$engine" = random ]; then
    engine=jit
    export HULL_ENGINE_RANDOM=${HULL_ENGINE_RANDOM:-$(date +%s)}
    echo "HULL_ENGINE_RANDOM=$HULL_ENGINE_RANDOM" >&2
fi

run_hull() { # ELF
    local image=--firmware
    [[ $1 != */sbi/* ]] || image=--kernel
    local disk=() args
    [ -z "$disk_size" ] || disk=(--disk "$work/disk$disk_options")
    read -ra args <<<"$hull_args"
    timeout -s KILL "$limit" "$hull" run --engine "$engine" $image "$1" --cpus "$cpus" --memory "$memory" --console stdio \
        --quiet "${disk[@]}" "${args[@]}" <"$work/input"
}

# QEMU checks the programs: what fails there as well is a fault of the program (or known and
# marked so in it).
run_qemu() { # ELF
    local image=(-bios "$1") disk=() args
    [[ $1 != */sbi/* ]] || image=(-bios default -kernel "$1")
    [ -z "$disk_size" ] || disk=(-drive "file=$work/disk,if=none,format=raw,id=d"
        -device virtio-blk-device,drive=d,bus=virtio-mmio-bus.0)
    read -ra args <<<"$qemu_args"
    timeout -s KILL "$limit" qemu-system-riscv64 -M virt -m "$memory" -smp "$cpus" "${image[@]}" -nographic \
        -cpu rv64,zba=on,zbb=on,zbc=on,zbs=on,zbkb=on,zbkx=on,Zfh=on,svinval=on,svnapot=on,svpbmt=on,sstc=on,sscofpmf=on,h=on \
        -global virtio-mmio.force-legacy=false -monitor none -serial stdio "${disk[@]}" "${args[@]}" <"$work/input"
}

# One program in its own folder; its result lines go to a file, so that programs can run in parallel.
run_program() { # NAME
    local name=$1 work=$tmp/${1//\//.} line word code out
    local cpus=1 memory=64M qemu=yes expect=0 limit=60 disk_size='' disk_options='' hull_args='--net none' qemu_args='' input=''
    mkdir -p "$work"
    while read -r line; do
        for word in $line; do
            case $word in
            cpus=*) cpus=${word#*=} ;;
            memory=*) memory=${word#*=} ;;
            qemu=*) qemu=${word#*=} ;;         # no: this machine has something that QEMU lacks
            expect=*) expect=${word#*=} ;;     # the exit code
            timeout=*) limit=${word#*=} ;;
            disk=*) disk_size=${word#*=} ;;
            disk-options=*) disk_options=${word#*=} ;;
            input=*) input=${word#*=} ;;       # what comes on the console
            hull=*) hull_args="$hull_args ${word#*=}" ;;
            net=*) hull_args="--net ${word#*=}" ;;
            qemu-arg=*) qemu_args="$qemu_args ${word#*=}" ;;
            esac
        done
    done < <(sed -n '1,8s#^// run: ##p' "tests/guest/$name.c")
    printf '%s' "$input" >"$work/input"
    [ -z "$disk_size" ] || truncate -s "$disk_size" "$work/disk"
    if [ "$machine" = qemu ] && [ "$qemu" = no ]; then
        echo "skip $name: QEMU lacks it" >"$work/result"
        return
    fi
    out=$work/output
    "run_$machine" "$build/guest/$name.elf" >"$out" 2>"$work/errors"
    code=$?
    {
        tr -d '\r' <"$out" | grep -aE '^(ok|not ok|skip) [A-Za-z0-9./_-]+(:|$)' | sed -E "s#^(ok|not ok|skip) #&$name/#"
        if [ "$code" = 137 ]; then
            echo "not ok $name (not done in $limit s)"
        elif [ "$code" != "$expect" ] && { [ "$code" != 1 ] || ! grep -aq '^not ok' "$out"; }; then
            echo "not ok $name (exit code $code, not $expect)"
        elif [ "$code" = "$expect" ] && [ "$expect" != 0 ]; then
            echo "ok $name"
        elif grep -q 'is not translated: ' "$work/errors"; then # with HULL_JIT_VERIFY
            echo "not ok $name (the translator refused its own work)"
        elif ! grep -aqE '^(ok|not ok|skip) ' "$out"; then
            echo "not ok $name (no case was run)"
        fi
    } >"$work/result"
    if grep -q '^not ok' "$work/result"; then
        echo "---- $name on $machine" >&2
        grep -avE '^(ok|skip) ' "$out" | head -n 40 >&2
        head -n 20 "$work/errors" >&2
    fi
}

failed=0 running=0
names=()
for source in tests/guest/{isa,priv,hypervisor,dev,smp,sbi}/*.c; do
    name=${source#tests/guest/}
    name=${name%.c}
    for pattern in "${@:-*}"; do
        # shellcheck disable=SC2053 # patterns are
        [[ $name == $pattern ]] && names+=("$name") && break
    done
done
for name in "${names[@]}"; do
    run_program "$name" &
    running=$((running + 1))
    if [ "$running" -ge 2 ]; then
        wait -n
        running=$((running - 1))
    fi
done
wait
for name in "${names[@]}"; do
    cat "$tmp/${name//\//.}/result"
    ! grep -q '^not ok' "$tmp/${name//\//.}/result" || failed=1
done
exit "$failed"
