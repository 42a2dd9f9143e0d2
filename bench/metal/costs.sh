#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Usage: bench/metal/costs.sh [table | hull | bare | kvm | memory | start]
# Counts what exits cost, in instructions of all privilege levels, in QEMU with -icount: the same small guest
# on hull-metal, on OpenSBI alone, and in Linux's KVM (Debian's kernel, and bench/metal/kvm/vmm.c).
# `table`, the default, runs all and prints them side by side; the others print what one guest says.
# `memory`: what the hypervisor uses with three VMs. `start`: its own instructions up to the first one of a guest.
# HARTS=1 or 2; SSTC=false takes the extension away; FILES=N is a machine with AIA and N guest interrupt files for
# each hart, and a guest that has AIA.
set -eu -o pipefail
cd "$(dirname "$0")/../.."

top=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
firmware=/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin
build=${BUILD:-$top/build}
guest=$build/bench/metal/costs.elf
[ -n "${COSTS_BUILT-}" ] || make -s "$guest" metal all

# LOG SECONDS PATTERN OPTION...: QEMU until the log has PATTERN; what comes from descriptor 7 is typed.
machine() {
    local log=$1 seconds=$2 pattern=$3 pid
    shift 3
    qemu-system-riscv64 -M "virt${FILES:+,aia=aplic-imsic,aia-guests=$FILES}" -cpu "rv64,h=true,sstc=${SSTC:-true}" -smp "${HARTS:-2}" -m 1G -serial stdio \
        -monitor none -display none -icount shift=0 -bios "$firmware" "$@" >"$log" 2>&1 <"${KEYS:-/dev/null}" &
    pid=$!
    for _ in $(seq $((seconds * 10))); do
        ! grep -aqE "$pattern" "$log" || break
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    tr -d '\r' <"$log" >"$log.plain"
}

said() { sed -n 's/.*: \(.*: [0-9]* instructions\)$/\1/p; /^[^:]*: [0-9]* instructions$/p' "$1.plain" | grep . || cat "$1"; }

bundle() { # VMS MEMORY
    local i files=() interrupts=plic chips='"plic": { "address": "0x0c000000", "size": "6M", "sources": 95 }'
    if [ -n "${FILES-}" ]; then
        interrupts=aia
        chips='"aplic": { "address": "0x0d000000", "size": "32K", "sources": 96 },
  "imsic": { "address": "0x28000000", "size": "1M", "guest_files": '$FILES' }'
    fi
    for i in $(seq "$1"); do
        files+=("$work/vm$i.json")
        cat >"$work/vm$i.json" <<END
{ "name": "vm$i", "cpus": ${HARTS:-2}, "memory": "$2", "interrupts": "$interrupts", "boot": { "kernel": "$guest" }, "net": [] }
END
    done
    cat >"$work/board.json" <<END
{ "name": "bench", "harts": ${HARTS:-2}, "timebase": 10000000,
  "memory": [{ "address": "0x80000000", "size": "1G" }],
  "reserved": [{ "name": "firmware", "address": "0x80000000", "size": "2M" },
               { "name": "hull-metal", "address": "0x80200000", "size": "2M" },
               { "name": "device-tree", "address": "0xbfe00000", "size": "2M" }],
  "bundle_address": "0x88200000",
  "uart": { "compatible": "ns16550a", "address": "0x10000000", "size": "4K", "irq": 10 },
  $chips }
END
    "${HULL:-$build/release/hull}" pack "$work/bundle" "$work/board.json" "${files[@]}"
}

run_hull() {
    bundle 1 512M
    machine "$work/log" 60 'done|powered' -kernel "$build/metal/hull-metal" -initrd "$work/bundle"
    said "$work/log"
}

run_bare() {
    HARTS=1 machine "$work/log" 60 '^done' -kernel "$guest"
    said "$work/log"
}

run_memory() {
    bundle 3 16M
    mkfifo "$work/keys"
    (sleep 6 && printf '\0010' && sleep 2 && printf 'mem\r' && sleep 30) >"$work/keys" &
    KEYS=$work/keys machine "$work/log" 30 'the hypervisor  ' -kernel "$build/metal/hull-metal" -initrd "$work/bundle"
    kill $! 2>/dev/null || true
    grep -a 'the hypervisor  ' "$work/log.plain"
}

# What QEMU executes of hull-metal, one line for an instruction: first where the firmware enters it, then where it is
# linked, until the guest comes, whose addresses are again as low.
run_start() {
    local pid counter
    HARTS=1 bundle 1 512M
    mkfifo "$work/executed"
    awk -F/ '/^Trace/ { if ($2 ~ /^f/) high = 1; else if (high) exit; n++ } END { print n + 0 }' \
        <"$work/executed" >"$work/count" &
    counter=$!
    timeout 100 qemu-system-riscv64 -M virt -cpu rv64,h=true -smp 1 -m 1G -serial "file:$work/log" -monitor none \
        -display none -icount shift=0 -bios "$firmware" -kernel "$build/metal/hull-metal" -initrd "$work/bundle" \
        -singlestep -d exec,nochain -D "$work/executed" \
        -dfilter 0xffffffffc0000000..0xffffffffc01fffff,0x80200000..0x803fffff >/dev/null 2>&1 &
    pid=$!
    wait "$counter"
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
    echo "start, up to the first instruction of a guest: $(cat "$work/count") instructions"
}

# The tests' way of having kvm.ko and a kernel. With two harts, each has a vCPU of the guest.
#
# QEMU 7.2 with -icount runs one hart after the other, and each may use up the instructions to the next timer, so that
# there are none for those after it: when hart 0 spins until hart 1 has done something, hart 1 never does it.
# Linux does that at its start (patches its code), and the firmware in fences for other harts. So Linux starts on
# hart 1 (hart1.S), has hart 0 come up when all is patched, and does nothing on it but the vCPU that sends IPIs.
# halt_poll_ns=0: else a vCPU that sleeps may still spin in KVM, and is woken for less.
run_kvm() {
    local HARTS=${HARTS:-1} kernel=$work/kvm/vmlinux append='' linux=()
    riscv64-linux-gnu-objcopy -O binary "$guest" "$work/guest.bin"
    mkdir -p "$work/kvm/guest-files"
    printf 'insmod /kvm.ko\n/vmm /guest.bin 0\n' >"$work/script"
    if [ "$HARTS" = 2 ]; then
        printf 'insmod /kvm.ko halt_poll_ns=0\necho 1 >/sys/devices/system/cpu/cpu1/online\n/vmm /guest.bin 1 0\n' >"$work/script"
        kernel=$work/hart1 append='maxcpus=1 isolcpus=1 '
        linux=(-device "loader,file=$work/kvm/vmlinux,addr=0x80600000,force-raw=on")
        riscv64-linux-gnu-gcc -nostdlib -static -Wl,--build-id=none -T bench/metal/guest.ld -o "$kernel" bench/metal/kvm/hart1.S
    fi
    (
        export TEST_TMP=$work/kvm
        set +eu
        # shellcheck disable=SC1091,SC2154 # the tests' own variables
        . tests/e2e/kvm.bash
        kvm_module
        cp "$work/guest.bin" guest-files/
        riscv64-linux-gnu-gcc -O1 -static -pthread -Wall -Wextra -o guest-files/vmm "$top/bench/metal/kvm/vmm.c"
        guest_initrd linux "$work/script"
        cp "$mini/vmlinux" .
    )
    machine "$work/log" 90 'hull-exec: exit' -kernel "$kernel" -initrd "$work/kvm/linux.img" \
        -append "console=ttyS0 quiet ${append}hull.exec=\"sh /t\"" "${linux[@]}"
    said "$work/log"
}

# FILE WHAT: a figure of one run; nothing if there is none.
figure() { sed -n "s/^$2.*: \([0-9]*\) instructions$/\1/p" "$work/$1" | head -n 1; }

# A difference; a dash if one of the two was not counted.
minus() { if [ -n "$1" ] && [ -n "$2" ]; then echo $(($1 - $2)); else echo -; fi; }

row() { # a line of the table: NAME LIMIT HULL KVM BARE
    printf '| %s | %s | %s | %s | %s |\n' "$1" "$2" "${3:--}" "${4:--}" "${5:--}"
}

share() { # FILE: the loop's extra instructions, in percent
    awk -v a="$(figure "$1" loop)" -v b="$(figure bare loop)" 'BEGIN { if (a == "" || b == "") print "-"; else printf "%.4f %%\n", (a - b) * 100 / b }'
}

run_table() {
    run_hull >"$work/hull"
    HARTS=1 run_hull >"$work/hull-1"
    HARTS=1 SSTC=false run_hull >"$work/hull-no"
    run_bare >"$work/bare"
    FILES=3 run_hull >"$work/hull-aia"
    FILES=0 run_hull >"$work/hull-soft"
    FILES=0 run_bare >"$work/bare-aia"
    SSTC=false run_bare >"$work/bare-no"
    run_kvm >"$work/kvm-yes"
    rm -rf "$work/kvm"
    SSTC=false run_kvm >"$work/kvm-no"
    rm -rf "$work/kvm"
    HARTS=2 run_kvm >"$work/kvm-two"
    run_start >"$work/start"
    local what memory
    memory=$(run_memory | sed -n 's/.*hypervisor *\([0-9]* KiB\).*/\1/p')
    row '' 'at most' Hull KVM bare
    row --- --- --- --- ---
    for what in 'null hypercall:400' 'device register read:800'; do
        row "${what%:*}" "${what#*:}" "$(figure hull "${what%:*}")" "$(figure kvm-yes "${what%:*}")" "$(figure bare "${what%:*}")"
    done
    row 'stage-2 fault, page already allocated' 1200 \
        "$(minus "$(figure hull 'memory never touched, 2 MiB')" "$(figure hull 'to zero 2 MiB')")" \
        "$(figure kvm-yes 'memory never touched, 4 KiB')" -
    row 'IPI from vCPU to vCPU on two harts, sender' 900 "$(figure hull IPI)" "$(figure kvm-two IPI)" "$(figure bare IPI)"
    row 'the same to a vCPU that sleeps' - "$(figure hull 'to one')" "$(figure kvm-two 'to one')" -
    row 'the same by SBI, with AIA' - "$(figure hull-aia IPI)" - -
    row 'IPI as a message, to a guest interrupt file' - "$(figure hull-aia message)" - "$(figure bare-aia message)"
    row 'IPI as a message, to a file in memory' - "$(figure hull-soft message)" - -
    row 'timer interrupt with Sstc, beyond bare' 0 "$(minus "$(figure hull-1 timer)" "$(figure bare timer)")" \
        "$(minus "$(figure kvm-yes timer)" "$(figure bare timer)")" 0
    row 'timer interrupt without Sstc, beyond bare without it' 900 \
        "$(minus "$(figure hull-no timer)" "$(figure bare-no timer)")" \
        "$(minus "$(figure kvm-no timer)" "$(figure bare-no timer)")" 0
    row 'compute-bound guest, extra' '0.5 %' "$(share hull-1)" "$(share kvm-yes)" '0 %'
    row 'image, text and data' '192 KiB' \
        "$(size "$build/metal/hull-metal" | awk 'NR == 2 { print int(($1 + $2 + 1023) / 1024) " KiB" }')" - -
    row 'RAM of the hypervisor, three VMs' '2 MiB' "$memory" - -
    row 'start, to the first instruction of a guest' 3000000 \
        "$(figure start start)" \
        "$(figure kvm-yes 'start of this')" -
}

case ${1:-table} in
table | hull | bare | kvm | memory | start) "run_${1:-table}" ;;
*)
    sed -n '3,9s/^# //p' "$0" >&2
    exit 2
    ;;
esac
