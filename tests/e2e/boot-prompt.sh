#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 240
# A newcomer's way: a terminal, a prompt, some commands, poweroff. And a script's: commands by a pipe.
. "$(dirname "$0")/machine.bash"

# expect is the terminal; it reports what came of it by its exit code.
session() { # HARTS LOG
    timeout -k 5 "$BOOT_SECONDS" expect -f - "$HULL" "$1" >"$2" 2>&1 <<'EXPECT'
lassign $argv hull harts
set timeout 80
proc wanted {what} {
    expect {
        -re $what { return }
        timeout { puts "\nmissing: $what"; exit 3 }
        eof { puts "\nended before: $what"; exit 4 }
    }
}
spawn -noecho $hull run mini --cpus $harts
wanted "Ctrl-A"
wanted "Hull mini: Linux \[0-9.]+\[^\r\n]* on $harts hart"
wanted "hull:~# "
# The terminal echoes what is typed, so the answers must not be in the questions.
send "echo answer-\$((6 * 7)) harts-\$(nproc) \$(uname -m) \$(tty)\r"
wanted "answer-42 harts-$harts riscv64 /dev/ttyS0\r\n"
wanted "hull:~# "
# Job control: Ctrl-C ends the program, not the machine, and not hull.
send "sleep 1000\r"
sleep 1
send "\003"
wanted "hull:~# "
send "cd /tmp; echo one > two; ls -l\r"
wanted "two\r\n"
wanted "hull:/tmp# "
send "poweroff\r"
expect {
    eof {}
    timeout { puts "\nit does not end"; exit 5 }
}
lassign [wait] pid id os code
exit $code
EXPECT
}

for harts in 1 4; do
    session $harts "session$harts"
    equal "a session at a terminal with $harts harts, up to poweroff" 0 $?
    [ "$failures" = 0 ] || show "session$harts"
done

# All of it at once, before there is a guest to read it.
printf '%s\n' 'echo sum-$((40 + 2))' 'cat /proc/version' 'poweroff' |
    timeout -k 5 "$BOOT_SECONDS" "$HULL" run mini --cpus 2 --quiet >piped 2>piped.err
equal 'commands by a pipe, up to poweroff' 0 $?
check 'their output comes back' grep -q '^sum-42' piped
check 'also of the kernel' grep -q '^Linux version .*Debian' piped
equal 'nothing on standard error' '' "$(cat piped.err)"
[ "$failures" = 0 ] || show piped piped.err
finish
