# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the e2e scripts share: booting the mini image with a script of the test's own inside, counting
# cases, waiting, ports. To run one by hand: tests/e2e/NAME.sh, with HULL set or after make.
set -u
export LC_ALL=C
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HULL=${HULL:-$here/build/release/hull}
HULL_CACHE=${HULL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/hull}
mini=$HULL_CACHE/images/mini
if [ -z "${TEST_TMP:-}" ]; then
    TEST_TMP=$(mktemp -d) || exit 2
    echo "# files stay in $TEST_TMP" >&2
fi
cd "$TEST_TMP" || exit 2
PATH=$PATH:/usr/sbin:/sbin
# HULL_ENGINE: every "hull run" is one with that engine; "random": it changes at random moments, by the
# seed HULL_ENGINE_RANDOM.
if [ "${HULL_ENGINE-}" = random ]; then
    HULL_ENGINE=jit
    export HULL_ENGINE_RANDOM=${HULL_ENGINE_RANDOM:-$(date +%s)}
    echo "HULL_ENGINE_RANDOM=$HULL_ENGINE_RANDOM" >&2
fi
if [ -n "${HULL_ENGINE-}" ]; then
    printf '#!/bin/sh\nif [ "$1" = run ]; then shift && set -- run --engine %s "$@"; fi\nexec %s "$@"\n' \
        "$HULL_ENGINE" "$HULL" >hull-engine
    chmod +x hull-engine
    HULL=$PWD/hull-engine
fi
failures=0
BOOT_SECONDS=${BOOT_SECONDS:-90} # for a guest to boot and do its work; the machine may be busy

[ -f "$mini/vmlinux" ] || {
    echo 'the mini image is missing: hull image pull mini'
    exit 77
}

# ---- Cases ----

case_ok() { echo "ok $1"; }

case_fail() { # NAME WHAT-WAS-SEEN...
    failures=$((failures + 1))
    echo "not ok $1"
    [ $# -lt 2 ] || echo "# $1: ${*:2}" >&2
}

check() { # NAME COMMAND...: a case that holds when the command succeeds
    if "${@:2}"; then
        case_ok "$1"
    else
        case_fail "$1" "${*:2}: exit code $?"
    fi
}

equal() { # NAME WANTED SEEN
    if [ "$2" = "$3" ]; then
        case_ok "$1"
    else
        case_fail "$1" "wanted '$2', saw '$3'"
    fi
}

# A number within bounds, both included.
between() { # NAME LOW SEEN HIGH
    if [[ $3 =~ ^[0-9]+$ ]] && [ "$3" -ge "$2" ] && [ "$3" -le "$4" ]; then
        case_ok "$1"
    else
        case_fail "$1" "wanted $2 to $4, saw '$3'"
    fi
}

finish() {
    [ "$failures" = 0 ]
    exit
}

show() { # FILE...: into the test's log
    local file
    for file; do
        [ -f "$file" ] || continue
        echo "---- $file" >&2
        tail -n 100 "$file" | tail -c 8000 | cat -v >&2
    done
}

# ---- Guests ----

# An initramfs with a script in it as /t: NAME FILE-WITH-THE-SCRIPT. Its helpers print cases that
# relay() passes on. Also what guest_program() made. A second archive after the first is unpacked over it.
guest_initrd() {
    mkdir -p "$1.tree"
    {
        cat <<'PRELUDE'
try() { # NAME COMMAND...
	name=$1
	shift
	if "$@"; then echo "ok $name"; else echo "not ok $name"; fi
}
same() { # NAME WANTED SEEN
	if [ "$2" = "$3" ]; then echo "ok $1"; else echo "not ok $1"; echo "# $1: wanted '$2', saw '$3'"; fi
}
PRELUDE
        cat "$2"
    } >"$1.tree/t"
    cp -r guest-files/. "$1.tree" 2>/dev/null
    (cd "$1.tree" && find . -type f | cpio -o -H newc --quiet) >"$1.cpio"
    # Archives start at multiples of four bytes; the kernel skips zeros between them.
    cat "$mini/initrd.img" "$1.cpio" >"$1.img"
}

# A program for the guests that follow: SOURCE, which becomes /NAME.
guest_program() {
    mkdir -p guest-files
    riscv64-linux-gnu-gcc -O1 -static -Wall -Wextra -Werror -o "guest-files/$(basename "$1" .c)" "$1"
}

# hull with the mini image: LOG OPTION...; the log gets what it says, without carriage returns.
hull_run() {
    local log=$1 rc
    shift
    # SIGKILL, so that running out of time is no exit code of hull's (124 is a usage error).
    timeout -s KILL "$BOOT_SECONDS" "$HULL" run mini --quiet "$@" >"$log.raw" 2>"$log.err" </dev/null
    rc=$?
    tr -d '\r' <"$log.raw" >"$log"
    return $rc
}

# Boots and runs the script on standard input inside: LOG OPTION... Exit code: the script's.
guest() {
    cat >"$1.sh"
    guest_initrd "$1.initrd" "$1.sh"
    hull_run "$1" --initrd "$1.initrd.img" --append "console=ttyS0 quiet hull.exec=\"sh /t\"" "${@:2}"
}

# The same in the background; its pid is in $hull_pid. Its input is the file GUEST_INPUT, if set.
guest_start() { # LOG OPTION...
    cat >"$1.sh"
    guest_initrd "$1.initrd" "$1.sh"
    "$HULL" run mini --quiet --initrd "$1.initrd.img" \
        --append "console=ttyS0 quiet hull.exec=\"sh /t\"" "${@:2}" >"$1" 2>"$1.err" <"${GUEST_INPUT:-/dev/null}" &
    hull_pid=$!
}

# Passes on the cases that a guest reported, and sees that there were as many as there should be.
relay() { # NAME LOG COUNT
    local line count=0
    while IFS= read -r line; do
        line=${line%$'\r'}
        case $line in
        'ok '*) case_ok "${line#ok }" ;;
        'not ok '*) case_fail "${line#not ok }" ;;
        *) continue ;;
        esac
        count=$((count + 1))
    done < <(grep -aE '^(not )?ok ' "$2")
    equal "$1: all was run" "$3" "$count"
    [ "$failures" = 0 ] || show "$2" "$2.err"
}

# ---- Waiting ----

# Until a command succeeds: SECONDS COMMAND...
wait_for() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

wait_line() { # FILE PATTERN [SECONDS]
    wait_for "${3:-$BOOT_SECONDS}" grep -aqsE -- "$2" "$1"
}

# The exit code of a child, killed after a time: PID SECONDS
exit_of() {
    local code
    (sleep "$2" && kill -KILL "$1") >/dev/null 2>&1 &
    local watchdog=$!
    wait "$1" 2>/dev/null
    code=$?
    kill "$watchdog" 2>/dev/null
    wait "$watchdog" 2>/dev/null
    return $code
}

# ---- Host ----

listening() { # tcp|udp PORT: the kernel's own tables, so that nothing is sent
    local hex
    printf -v hex ':%04X' "$2"
    grep -q "^ *[0-9]*: [0-9A-F]*$hex " "/proc/net/$1" "/proc/net/${1}6" 2>/dev/null
}

free_port() { # one that nobody listens on now
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        listening tcp $port || listening udp $port || break
    done
    echo $port
}
