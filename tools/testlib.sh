# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# The machinery under ./test: runs one thing at a time in a process group of its own, keeps what it
# said in a log, counts its results and prints a line for each. The steps themselves are in ./test.

passed=0 failed=0 skipped=0
child=0          # process group of what runs now
declare -A built # memory of need_build

# ---- Results ----

report_ok() { # NAME [SECONDS]
    passed=$((passed + 1))
    echo "ok $1${2:+ ($2 s)}"
}

report_failure() { # NAME [SECONDS [WHY]]
    failed=$((failed + 1))
    echo "FAIL $1${2:+ ($2 s)}${3:+: $3}"
}

report_skip() { # NAME WHY
    skipped=$((skipped + 1))
    echo "skip $1: $2"
}

show_log() { # FILE...
    local file
    for file; do
        [ -s "$file" ] || continue
        echo "---- $file (its last lines)"
        tail -n "${HULL_TEST_LINES:-60}" "$file" | cat -v
    done
    echo '----'
}

# ---- Running ----

seconds_since() { # EPOCHREALTIME of the start
    local us=$((${EPOCHREALTIME/[.,]/} - ${1/[.,]/}))
    printf '%d.%d' $((us / 1000000)) $((us / 100000 % 10))
}

kill_child() {
    [ "$child" -gt 1 ] || return 0
    kill -TERM -- "-$child" 2>/dev/null || return 0
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        kill -0 -- "-$child" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL -- "-$child" 2>/dev/null
}

interrupted() {
    trap '' INT TERM HUP
    kill_child
    [ -z "$scratch" ] || rm -rf "$scratch"
    echo
    echo 'Stopped.'
    summary
    exit 130
}

# Runs a command with a time limit; its output goes to two files, its exit code comes back (124: out
# of time). Nothing of its process group is left behind.
run_limited() { # SECONDS STDOUT STDERR COMMAND...
    local limit=$1 out=$2 err=$3 rc
    shift 3
    setsid timeout -k 5 "$limit" "$@" >"$out" 2>"$err" </dev/null &
    child=$!
    wait "$child" 2>/dev/null # where bash would tell of a crash
    rc=$?
    kill -KILL -- "-$child" 2>/dev/null
    child=0
    # timeout -k ends in the signal itself when its command ignores the polite one.
    [ "$rc" = 137 ] && rc=124
    return "$rc"
}

log_base() { # NAME: where its logs go
    printf '%s/%s' "$logs" "${1//\//.}"
}

why_failed() { # EXIT_CODE LIMIT
    case $1 in
    124) echo "not done in $2 s" ;;
    *) [ "$1" -gt 128 ] && echo "killed by signal $(($1 - 128))" ;;
    esac
}

# One command, one test.
run_test() { # NAME SECONDS COMMAND...
    local name=$1 limit=$2 log rc start=$EPOCHREALTIME
    log=$(log_base "$name").log
    shift 2
    run_limited "$limit" "$log" "$log.err" "$@"
    rc=$?
    cat "$log.err" >>"$log" && rm -f "$log.err"
    if [ "$rc" = 0 ]; then
        report_ok "$name" "$(seconds_since "$start")"
    else
        show_log "$log"
        report_failure "$name" "$(seconds_since "$start")" "$(why_failed "$rc" "$limit")"
    fi
    return "$rc"
}

# Counts the cases in a program's standard output: TAP as cmocka prints it ("ok 1 - NAME",
# "not ok 2 - NAME", "not ok 3 # SKIP NAME", a plan "1..N") or our scripts' "ok NAME",
# "not ok NAME", "skip NAME: why". Sets cases, case_failures, case_skips and planned.
count_cases() { # NAME OUTPUT_FILE
    local line text
    cases=0 case_failures=0 case_skips=0 planned=0
    while IFS= read -r line; do
        if [[ $line =~ ^1\.\.([0-9]+)$ ]]; then
            planned=$((planned + BASH_REMATCH[1]))
        elif [[ $line =~ ^(not\ )?ok\ ([0-9]+\ )?#\ SKIP\ ?(.*) ]]; then
            cases=$((cases + 1)) case_skips=$((case_skips + 1))
            report_skip "$1/${BASH_REMATCH[3]:-case}" 'the test says so'
        elif [[ $line =~ ^(not\ )?ok\ ([0-9]+\ -\ )?(.+)$ ]]; then
            cases=$((cases + 1))
            text=${BASH_REMATCH[3]}
            if [ -z "${BASH_REMATCH[1]}" ]; then
                report_ok "$1/$text"
            else
                case_failures=$((case_failures + 1))
                report_failure "$1/$text"
            fi
        elif [[ $line =~ ^skip\ ([^:]+)(:\ *(.*))?$ ]]; then
            cases=$((cases + 1)) case_skips=$((case_skips + 1))
            report_skip "$1/${BASH_REMATCH[1]}" "${BASH_REMATCH[3]:-the test says so}"
        fi
    done <"$2"
}

# A program or script with cases of its own. Exit code 77 skips it as a whole (with or without a line
# that says so), and any other failure that none of its cases accounts for counts as one.
run_cases() { # NAME SECONDS COMMAND...
    local name=$1 limit=$2 log rc start=$EPOCHREALTIME why
    log=$(log_base "$name")
    shift 2
    run_limited "$limit" "$log.out" "$log.log" "$@"
    rc=$?
    [ "$rc" = 0 ] || [ "$rc" = 77 ] || show_log "$log.out" "$log.log"
    count_cases "$name" "$log.out"
    why=$(why_failed "$rc" "$limit")
    if [ "$rc" = 77 ] && [ "$cases" = "$case_skips" ]; then
        [ "$cases" -gt 0 ] || report_skip "$name" "$(cat "$log.out" "$log.log" | tail -n 1)"
    elif [ "$rc" != 0 ] && { [ "$case_failures" = 0 ] || [ -n "$why" ]; }; then
        report_failure "$name" "$(seconds_since "$start")" "${why:-exit code $rc}"
    elif [ "$planned" -gt "$cases" ]; then
        report_failure "$name" "$(seconds_since "$start")" "$cases of $planned cases were run"
    elif [ "$cases" = 0 ]; then
        report_ok "$name" "$(seconds_since "$start")"
    fi
}

# ---- Building blocks of the steps ----

# Builds what a step stands on, once; its failure is a failed test, so that nothing passes by not
# having been run.
need_build() { # NAME MAKE_ARGUMENTS...
    local name=$1
    shift
    if [ -z "${built[$name]-}" ]; then
        if run_test "build/${name//\//-}" 1800 make -j"$(nproc)" -k "$@"; then
            built[$name]=yes
        else
            built[$name]=no
        fi
    fi
    [ "${built[$name]}" = yes ]
}

# The comment "# KEY: VALUE" in a script's first lines.
script_setting() { # FILE KEY DEFAULT
    local value
    value=$(sed -n "1,12s/^# $2: *\([0-9]*\).*/\1/p" "$1" | head -n 1)
    echo "${value:-$3}"
}

# A script of tests/; its contract is in ./test --help.
run_script() { # NAME FILE
    local name=$1 file=$2
    if [ "$full" = no ] && sed -n 1,12p "$file" | grep -qx '# full'; then
        report_skip "$name" 'only with --full'
        return
    fi
    scratch=$(mktemp -d "${TMPDIR:-/tmp}/hull-test.XXXXXX") || exit 2
    TEST_TMP=$scratch run_cases "$name" "$(script_setting "$file" timeout 300)" "$file"
    rm -rf "$scratch"
    scratch=
}

summary() {
    echo "$passed passed, $failed failed, $skipped skipped"
}
