#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 3600
# full
# The stock kernel and initramfs to init, many times in a row with 1 and with 4 harts, without one
# failure. COUNT (50) says how often, HARTS ("1 4") with how many. Of a guest that hangs, its console
# and the stacks of hull's threads are kept.
. "$(dirname "$0")/machine.bash"
count=${COUNT:-50}

stacks() { # PID: where hull's threads are
    if command -v gdb >/dev/null; then
        timeout 60 gdb -p "$1" -batch -ex 'thread apply all bt' 2>&1
    else
        cat "/proc/$1/task/"*/{comm,wchan,syscall} 2>/dev/null
    fi
}

boot_once() { # LOG HARTS: 0, or why it is no success
    "$HULL" run mini --quiet --cpus "$2" --append 'console=ttyS0 hull.exec="nproc"' \
        >"$1" 2>"$1.err" </dev/null &
    local pid=$! end=$((SECONDS + BOOT_SECONDS)) code
    while kill -0 $pid 2>/dev/null; do
        if [ $SECONDS -ge $end ]; then
            stacks $pid >"$1.stacks"
            kill -KILL $pid
            wait $pid 2>/dev/null
            echo "# $1: hangs" >&2
            return 1
        fi
        sleep 0.05
    done
    wait $pid
    code=$?
    tr -d '\r' <"$1" >"$1.text"
    if [ $code != 0 ] || ! grep -qx "$2" "$1.text" || ! grep -q '^hull-exec: exit 0' "$1.text" ||
        grep -qE 'BUG:|WARNING:|Oops|Call Trace|rcu: INFO|soft lockup|Kernel panic' "$1.text"; then
        echo "# $1: exit code $code" >&2
        return 1
    fi
}

for harts in ${HARTS:-1 4}; do
    good=0
    for i in $(seq "$count"); do
        log=boot-$harts-$i
        if boot_once "$log" "$harts"; then
            good=$((good + 1))
            rm -f "$log" "$log".*
        else
            show "$log" "$log.err" "$log.stacks"
        fi
    done
    equal "$count boots with $harts harts" "$count" "$good"
done
finish
