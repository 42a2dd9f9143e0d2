#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# The monitor's socket: its commands, and clients that send nonsense, do not read, or go away.
. "$(dirname "$0")/machine.bash"

ask() { # LINE...: the answers, lines joined by "|"
    printf '%b\n' "$@" | timeout 20 socat -t 20 - UNIX-CONNECT:socket 2>/dev/null | tr '\n' '|'
}

start() { # OPTION...
    "$HULL" run mini --quiet --memory 256M --net none --monitor unix:socket --console file:out "$@" </dev/null 2>err &
    hull_pid=$!
    wait_for 20 test -S socket
}

"$HULL" run mini --monitor socket </dev/null 2>err
equal 'a wrong value is told' 124 $?
check 'with its reason' grep -q "'socket' is not unix:SOCKET" err
"$HULL" run mini --monitor "unix:/nonexistent/socket" </dev/null 2>err
equal 'a place that is not there is told' 125 $?
check 'as what it is' grep -q "the monitor's socket /nonexistent/socket: No such file" err

start
equal 'only its owner may connect' 600 "$(stat -c %a socket)"
equal 'unknown commands' 'error: no command "stattus"; "help" lists them|' "$(ask stattus)"
equal 'too many words' 'error: "info" takes nothing more|error: "engine" takes one word|' "$(ask 'info all' 'engine a b')"
equal 'no such engine' 'error: there is no engine "kvm": interp, jit|' "$(ask 'engine kvm')"
equal 'control characters' 'error: the line is no text|' "$(ask 'in\033[2Jfo')"
equal 'zero bytes' 'error: the line is no text|' "$(ask 'info\0')"
equal 'a long line, and the next' 'error: the line is longer than 127 bytes|ok|' "$(ask "$(printf '%05000d' 1)" '')"
equal 'spaces, returns' 'engine interp|ok|ok|engine interp|ok|' "$(HULL_ENGINE='' ask ' \tengine\tinterp \r' '\r' engine)"
equal 'a line without its end' 'engine interp|ok|' "$(printf engine | timeout 20 socat -t 20 - UNIX-CONNECT:socket | tr '\n' '|')"
check 'help lists all commands' grep -qE '^info .*[|]stats .*[|]pause .*[|]resume .*[|]engine .*[|]reset .*[|]powerdown .*[|]quit .*[|]help .*[|]ok[|]$' <<<"$(ask help)"
stats='^time .*[|]engine .*[|]cpu0 .* SBI calls.* exceptions.* TLB.*[|]memory .*[|]ok[|]$'
check 'stats are many lines' grep -qE "$stats" <<<"$(ask stats)"
check 'those of the JIT are more' grep -qE '[|]jit .* regions .*[|].* cpu1: .* entries.*[|]memory ' <<<"$(ask 'engine jit' stats)"
check 'and are its own' grep -qvE '[|]jit ' <<<"$(ask 'engine interp' stats)"

# Random bytes, and a flood whose answers nobody reads; others are answered meanwhile.
head -c 300000 /dev/urandom | timeout 20 socat -u - UNIX-CONNECT:socket 2>/dev/null
for client in 1 2; do
    yes help | timeout 60 socat -u - UNIX-CONNECT:socket 2>/dev/null &
    floods="${floods-} $!"
done
sleep 1
check 'answers while others flood' grep -q 'engine interp|ok|' <<<"$(ask engine)"
for client in 1 2 3 4 5 6 7 8; do
    sleep 60 | socat - UNIX-CONNECT:socket >/dev/null 2>&1 &
    idle="${idle-} $!"
done
sleep 1
equal 'there may be eight' 'error: too many connections' "$(timeout 20 socat -u UNIX-CONNECT:socket -)"
# shellcheck disable=SC2086 # several
kill $floods $idle 2>/dev/null
engine_answers() { [ "$(ask engine)" = 'engine interp|ok|' ]; }
check 'and others after them' wait_for 30 engine_answers

# Pausing, resuming; a guest that is paused does not answer.
wait_line out 'hull:~#'
check 'pause' grep -q ': paused, .*|ok|' <<<"$(ask pause)"
check 'it stays paused' grep -q ': paused, .*|ok|' <<<"$(ask status)"
check 'the engine changes meanwhile' grep -q ': paused, .* engine interp|ok|' <<<"$(ask 'engine interp' info)"
before=$(ask stats | tr '|' '\n' | grep '^cpu')
sleep 1
equal 'nothing runs' "$(grep -o ' [0-9]* instructions' <<<"$before")" "$(ask stats | tr '|' '\n' | grep '^cpu' | grep -o ' [0-9]* instructions')"
check 'resume' grep -q ': running, .*|ok|' <<<"$(ask resume)"
equal 'reset' 'ok|' "$(ask reset)"
booted_again() { [ "$(grep -c 'hull:~#' out)" -ge 2 ]; }
check 'it boots again' wait_for "$BOOT_SECONDS" booted_again
pressed() { [ "$(ask powerdown)" = 'power button pressed|ok|' ]; }
check 'powerdown' wait_for 30 pressed
# The guest's program that waits for the button may not have been there yet.
over() { ! kill -0 "$hull_pid" 2>/dev/null || { sleep 1 && pressed && false; }; }
wait_for 60 over
exit_of "$hull_pid" 60
equal 'the guest ends well' 0 $?
check 'the socket is gone' test ! -e socket

start
equal 'quit' 'ok|' "$(ask quit)"
exit_of "$hull_pid" 20
equal 'quit ends it' 0 $?
finish
