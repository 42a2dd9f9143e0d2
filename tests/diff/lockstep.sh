#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The JIT against the interpreter in lockstep: guests of our own, random code, and the stock kernel's
# boot to a command and its end. All registers are compared after every random number of instructions, the
# memory now and then. The seed is printed; a failure is repeated by the command that is printed with it.
# timeout: 1800
# --seed N (else from the clock), --full (more of everything; so does HULL_TEST_LONG=1), --only PATTERN
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/diff/lib.sh
mini=${HULL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hull}/images/mini
tmp=${TEST_TMP:-$(mktemp -d)}
[ -n "${TEST_TMP-}" ] || trap 'rm -rf "$tmp"' EXIT
"$hull" run --engine jit --firmware "$build/guest/isa/integer.elf" --memory 64M --net none --quiet </dev/null >/dev/null || {
    echo 'no JIT on this machine'
    exit 77
}

full=${HULL_TEST_LONG-0} seed=$(date +%s) only=
while [ $# -gt 0 ]; do
    case $1 in
    --seed) seed=$2 && shift ;;
    --full) full=1 ;;
    --only) only=$2 && shift ;;
    *) echo "lockstep.sh: $1?" >&2 && exit 2 ;;
    esac
    shift
done
failed=0 made=

# NAME WANTED-EXIT-CODES HOT ARGUMENTS...
lockstep() {
    local name=$1 wanted=$2 hot=$3 code
    [[ $name == *$only* ]] || return 0
    shift 3
    HULL_JIT_HOT=$hot timeout -s KILL 600 "$build/diff/lockstep" --seed "$seed" "$@" >"$tmp/log" 2>&1 </dev/null
    code=$?
    head -n 1 "$tmp/log" | sed "s#^#$name: #" >&2
    case " $wanted " in
    *" $code "*) echo "ok $name" ;;
    *)
        failed=1
        echo "not ok $name"
        {
            echo "exit code $code; to repeat:${made:+ $made}"
            echo "HULL_JIT_HOT=$hot $build/diff/lockstep --seed $seed ${*@Q}"
            cut -c 1-120 "$tmp/log" | head -n 300
        } >&2
        ;;
    esac
}

# Programs that end well by themselves in a world of this kind (no input, a disk or other engines'
# time to wait for), are not changed under the hart without a fence (smp/code is: its harts run old and new
# versions until they fence), and use no overflow interrupts, which may come a few instructions later.
programs=(isa/{atomics,illegal16,integer,memory,zfa} hypervisor/{across,csrs,envcfg,fences,hlv,translation,traps} priv/{counters,csrs,paging,pmp,remap,spaces,status,traps}
    smp/{ipi,memory} sbi/{base,hsm,pmu})
for program in "${programs[@]}"; do
    image=--firmware
    [[ $program != sbi/* ]] || image=--kernel
    cpus=$(sed -n '1,8s#^// run: .*cpus=\([0-9]*\).*#\1#p' "tests/guest/$program.c")
    lockstep "program-${program/\//-}" 0 0 "$image" "$build/guest/$program.elf" --cpus "${cpus:-1}" --memory 64 \
        --step 3000 --instructions 1000000000
done

# Random words as code in S, U, VS and VU mode.
for hot in 0 3; do
    lockstep "chaos-$hot" 0 $hot --firmware "$build/diff/chaos.elf" --memory 64 --step 3000 --instructions 1000000000
done

# The same with changes of the engine, and asked for attention all the time.
lockstep chaos-changes 0 0 --firmware "$build/diff/chaos.elf" --memory 64 --step 3000 --instructions 1000000000 \
    --change-every 50 --kicks

# Random programs, in M mode and in U mode with paging and interrupts.
rounds=5
[ "$full" = 0 ] || rounds=100
for ((round = 0; round < rounds; round++)); do
    body=(--seed $((seed * 1000 + round)) --sequences 300 --length 400)
    made="$build/diff/generate --wrappers $build/diff --out $tmp/d ${body[*]};"
    generate "$tmp/d" "${body[@]}" >/dev/null || exit 2
    for kind in bare paged; do
        lockstep "random-$kind-$round" 0 $((round % 2 * 2)) --firmware "$tmp/d.$kind" --memory 64 --step 3000 \
            --instructions 1000000000
    done
done
made=

# The stock kernel. 0: to its end; 3: as far as it got.
boot() { # NAME WANTED HOT CPUS MILLIONS OPTION...
    lockstep "$1" "$2" "$3" --kernel "$mini/vmlinux" --initrd "$mini/initrd.img" --append 'console=ttyS0 quiet' \
        --memory 256 --cpus "$4" --instructions "$5"000000 "${@:6}" \
        --expect '~# ' --type 'ls -lR /bin /etc | md5sum; seq 1000 | gzip | gunzip | tail -n 1; echo a-$((6 * 7))-b\n' \
        --expect 'a-42-b' --type 'poweroff\n'
}

if [ ! -f "$mini/vmlinux" ]; then
    echo 'skip boot: the mini image is missing: hull image pull mini'
elif [ "$full" = 0 ]; then
    boot boot-1 0 16 1 10000
    boot boot-2-translated '0 3' 0 2 400
    boot boot-2-changes '0 3' 16 2 400 --change-every 100 --kicks
else
    for cpus in 1 2 4 1; do
        for hot in 16 0; do
            boot "boot-$cpus-hot-$hot" 0 $hot $cpus 20000
            boot "boot-$cpus-hot-$hot-changes" 0 $hot $cpus 20000 --change-every 1000 --kicks
            seed=$((seed + 1))
        done
    done
    truncate -s 64M "$tmp/disk"
    mkfs.ext4 -q "$tmp/disk" 2>/dev/null
    lockstep boot-disk 0 16 --kernel "$mini/vmlinux" --initrd "$mini/initrd.img" --append 'console=ttyS0 quiet' \
        --memory 256 --instructions 20000000000 --disk "$tmp/disk" --expect '~# ' \
        --type 'modprobe ext4; mount /dev/vda /mnt && cp -r /bin /etc /mnt && sync && umount /mnt && fsck.ext4 -fn /dev/vda; echo done-$?; poweroff\n' \
        --expect 'done-0' --type '\n'
fi
exit $failed
