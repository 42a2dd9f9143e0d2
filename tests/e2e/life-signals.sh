#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
# Signals and the monitor while a guest runs: SIGTERM, SIGINT, SIGHUP; pause stops the guest's time
# and its CPU use, resume goes on, reset starts it again, quit ends it.
. "$(dirname "$0")/machine.bash"

ended_by() { # SIGNAL HARTS
    guest_start "signal$1" --cpus "$2" <<'GUEST'
# One hart is busy, the others sleep: both must hear of the end.
echo 'guest runs'
while :; do :; done
GUEST
    check "SIG$1: the guest runs" wait_line "signal$1" 'guest runs'
    local code
    kill "-$1" $hull_pid
    # A power button that the guest sees may take its time, or do nothing: the second one stops at once.
    if [ "$1" != INT ] && ! wait_for 10 ended $hull_pid; then
        kill "-$1" $hull_pid
    fi
    check "SIG$1: the end" wait_for 60 ended $hull_pid
    exit_of $hull_pid 1
    code=$?
    if [ $code = 0 ] && [ "$1" != INT ] && grep -aq 'Power down' "signal$1"; then
        case_ok "SIG$1: the guest has powered off"
    else
        equal "SIG$1 ends hull" $((128 + $(kill -l "$1"))) $code
    fi
}
ended() { # PID: no longer there, or waited for
    ! grep -qs '^State:[[:space:]]*[^Z]' "/proc/$1/status"
}
ended_by TERM 4
ended_by INT 1
ended_by HUP 2

# The monitor: keys by a pipe would not be keys, so this needs a terminal.
timeout -k 5 120 expect -f - "$HULL" >monitor 2>&1 <<'EXPECT'
set hull [lindex $argv 0]
set timeout 60
proc wanted {what} {
    expect {
        -re $what { return }
        timeout { puts "\nmissing: $what"; exit 3 }
        eof { puts "\nended before: $what"; exit 4 }
    }
}
# CPU time of hull in hundredths of a second.
proc cpu {pid} {
    set file [open "/proc/$pid/stat"]
    regexp {\) (.*)} [read $file] all rest
    close $file
    return [expr {[lindex $rest 11] + [lindex $rest 12]}]
}
set pid [spawn -noecho $hull run mini --cpus 2]
wanted "hull:~# "
# A counter that shows whether the guest runs, on a busy hart.
send "i=0; while :; do i=\$((i + 1)); \[ \$((i % 20000)) = 0 ] && echo tick-\$i; done\r"
wanted "tick-20000\r\n"
wanted "tick-\[0-9]+\r\n"
send "\001c"
wanted "\\(hull\\) "
send "pause\r"
wanted "paused"
# What had been written before comes out; then nothing.
sleep 0.5
expect -re ".+" {}
set before [cpu $pid]
set timeout 2
expect {
    -re "tick-\[0-9]+" { puts "\nit runs while it is paused"; exit 5 }
    timeout {}
}
set used [expr {[cpu $pid] - $before}]
if {$used > 10} { puts "\npaused, but it used $used/100 s of CPU"; exit 6 }
set timeout 60
send "status\r"
wanted "paused"
send "resume\r"
wanted "running"
wanted "\\(hull\\) "
send "\001c"
wanted "tick-\[0-9]+\r\n"
# Reset: the guest starts from the beginning.
send "\001c"
wanted "\\(hull\\) "
send "reset\r"
wanted "Hull mini: Linux"
wanted "hull:~# "
send "\001c"
send "echo after-\$((1 + 1))-resets\r"
wanted "after-2-resets"
send "\001c"
wanted "\\(hull\\) "
send "stats\r"
wanted "cpu0 .*instructions"
wanted "KiB beyond it"
send "quit\r"
expect {
    eof {}
    timeout { puts "\nit does not quit"; exit 7 }
}
lassign [wait] p id os code
exit $code
EXPECT
equal 'pause, resume, reset, quit' 0 $?
[ "$failures" = 0 ] || show monitor signalTERM.err signalINT.err signalHUP.err
finish
