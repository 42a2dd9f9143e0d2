# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# For tests of hull-metal: bundles, and the machine that it runs on, which is QEMU or Hull (METAL_ON).
. "$(dirname "${BASH_SOURCE[0]}")/machine.bash"

metal=${HULL_BUILD:-$here/build}/metal/hull-metal
guests=${HULL_BUILD:-$here/build}
firmware=/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_dynamic.bin
METAL_ON=${METAL_ON:-qemu}
METAL_HARTS=${METAL_HARTS:-2}
METAL_CPU=rv64,h=true # QEMU's, and its board
METAL_BOARD=${METAL_BOARD:-virt}
# METAL_FILES: the board has AIA, with as many guest interrupt files for each hart.
# METAL_MONITOR: where QEMU has its monitor.
METAL_PACK_FOR=${METAL_PACK_FOR:-qemu-virt} # the board's file
[ -f "$metal" ] || { echo 'make metal has not run'; exit 77; }
[ -f "$firmware" ] || { echo 'there is no OpenSBI'; exit 77; }

# BUNDLE VM.json...: onto METAL_PACK_FOR, with as many harts as METAL_HARTS says.
metal_pack() {
    sed "s/\"harts\": 4/\"harts\": $METAL_HARTS/" "$here/metal/board/$METAL_PACK_FOR.json" >board.json
    "$HULL" pack "$1" board.json "${@:2}" || exit 1
}

# A VM.json of the mini image: NAME SCRIPT-FILE [MORE-JSON-KEYS]; the script runs inside.
metal_linux() {
    guest_initrd "$1.initrd" "$2"
    cat >"$1.json" <<END
{ "name": "$1", "memory": "160M", ${3-"\"cpus\": 1"},
  "boot": { "kernel": "$mini/vmlinux", "initrd": "$PWD/$1.initrd.img",
            "append": "console=ttyS0 quiet hull.exec=\"sh /t\"" } }
END
}

# BUNDLE LOG: starts the machine; what is written to descriptor 7 is typed. Its pid is in $metal_pid.
metal_start() {
    local board=$METAL_BOARD aia=()
    if [ -n "${METAL_FILES-}" ]; then
        board=virt,aia=aplic-imsic,aia-guests=$METAL_FILES
        aia=(--interrupts aia --guest-files "$METAL_FILES")
    fi
    rm -f keys
    mkfifo keys
    if [ "$METAL_ON" = hull ]; then
        "$HULL" run --firmware "$firmware" --kernel "$metal" --initrd "$1" --cpus "$METAL_HARTS" \
            --memory 2G --net none --quiet "${aia[@]}" ${METAL_HULL-} >"$2" 2>"$2.err" <keys &
    else
        qemu-system-riscv64 -M "$board" -cpu "$METAL_CPU" -smp "$METAL_HARTS" -m 2G -serial stdio \
            -monitor "${METAL_MONITOR:-none}" -display none -bios "$firmware" -kernel "$metal" -initrd "$1" ${METAL_DTB:+-dtb "$METAL_DTB"} \
            >"$2" 2>"$2.err" <keys &
    fi
    metal_pid=$!
    exec 7>keys
}

metal_stop() {
    kill -KILL "$metal_pid" 2>/dev/null
    wait "$metal_pid" 2>/dev/null
    exec 7>&-
}

# Hull has Ctrl-A for itself, and passes on what was typed twice.
metal_type() {
    local text=$1
    [ "$METAL_ON" != hull ] || text=${text//\\x01/\\x01\\x01}
    printf '%b' "$text" >&7
}

# Types a command into the hypervisor's shell and waits for a line of its answer: LOG COMMAND PATTERN
metal_shell() {
    local before
    before=$(wc -c <"$1")
    metal_type "$2\r"
    wait_for "$BOOT_SECONDS" eval "tail -c +$((before + 1)) '$1' | grep -aqE '$3'"
}

# What a terminal would show, without colours: a line that was taken away to make room for another one's is
# printed again after it. LOG
metal_plain() {
    sed -E 's/.*\r\x1b\[K//; s/\r//g; s/\x1b\[[0-9;?]*[A-Za-z]//g' "$1"
}
