# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What the cli-*.sh scripts share: running hull, and looking at what it said and how it ended.
set -u
export LC_ALL=C.UTF-8
source_dir=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HULL=${HULL:-$source_dir/build/release/hull}
if [ -z "${TEST_TMP:-}" ]; then
    TEST_TMP=$(mktemp -d) || exit 2
    echo "# files stay in $TEST_TMP" >&2
fi
cd "$TEST_TMP" || exit 2
failures=0

# Runs hull; its output is in the files out and err, its exit code in $code.
hull() {
    "$HULL" "$@" >out 2>err </dev/null
    code=$?
}

case_end() { # NAME FAULT: none when it is empty
    if [ -z "$2" ]; then
        echo "ok $1"
        return
    fi
    failures=$((failures + 1))
    echo "not ok $1"
    { echo "# $1: $2" && head -n 20 out err; } >&2
}

# The last hull ended with that code, and said a text on "out" or "err", and nothing on the other.
expect() { # NAME CODE out|err TEXT
    local fault='' other=err
    [ "$3" = out ] || other=out
    [ "$code" = "$2" ] || fault="exit code $code instead of $2"
    grep -qF -e "$4" "$3" || fault="$3 lacks '$4'"
    [ ! -s "$other" ] || fault="something on $other"
    case_end "$1" "$fault"
}

equal() { # NAME WANTED SEEN
    local fault=''
    [ "$2" = "$3" ] || fault="wanted '$2', saw '$3'"
    case_end "$1" "$fault"
}

finish() {
    [ "$failures" = 0 ]
    exit
}
