#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# The console's other ends: a file, a pty, a socket, nothing; and what the signals do there.
set -u
image=${HULL_IMAGE:-$HULL_CACHE/images/mini}
cd "$TEST_TMP" || exit 2
failed=0 pid=

check() { # NAME COMMAND...
    if "${@:2}"; then
        echo "ok $1"
    else
        echo "not ok $1"
        failed=1
    fi
}

hull() { # OPTIONS...: starts it in the background
    "$HULL" run --name ends --kernel "$image/vmlinux" --initrd "$image/initrd.img" \
        --append 'console=ttyS0 quiet' --net none --memory 256M "$@" </dev/null 2>err &
    pid=$!
}

await() { # SECONDS COMMAND...: until it succeeds
    local end=$((SECONDS + $1))
    until "${@:2}" 2>/dev/null; do
        [ $SECONDS -lt $end ] || return 1
        sleep 0.1
    done
}

ended() { # CODE: waits for hull
    wait "$pid"
    [ $? = "$1" ]
}

stop() {
    kill -INT "$pid"
    ended 130
}

trap '[ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null' EXIT

hull --console file:out.txt
check file-has-the-output await 60 grep -q 'hull:~#' out.txt
check file-sigint-stops stop

hull --console none --append 'console=ttyS0 quiet hull.exec="exit 7"'
check none-guest-code ended 7

hull --console pty
await 60 grep -q 'the console is /dev/pts/' err
pty=$(sed -n 's/^hull: the console is //p' err)
check pty-is-named test -c "$pty"
talk() { # the commands go in until the answer comes
    (
        exec 3<>"$1"
        while printf 'echo pty-$((1+1))\r' >&3; do sleep 1; done &
        trap 'kill $!' EXIT
        timeout 60 grep -q -m 1 'pty-2' <&3
    )
}
check pty-talks talk "$pty"
check pty-can-be-opened-again talk "$pty"
check pty-sigint-stops stop

# A socket: one client at a time, the next after it; a left-over socket is replaced, one in use is not.
hull --console unix:sock
await 60 test -S sock
mkfifo in
socat - UNIX-CONNECT:sock <in >first.txt &
client=$!
exec 4>in
while printf 'echo sock-$((1+1))\n' >&4 && ! grep -qs sock-2 first.txt; do sleep 1; done
check unix-talks grep -q 'sock-2' first.txt
check unix-refuses-a-second eval "timeout 60 socat -u UNIX-CONNECT:sock - | grep -q 'somebody else'"
"$HULL" run --kernel "$image/vmlinux" --net none --console unix:sock </dev/null 2>second.txt
check unix-in-use-is-an-error test $? = 125
check unix-says-so grep -q 'Address already in use' second.txt
exec 4>&-
kill "$client" 2>/dev/null
wait "$client" 2>/dev/null
again() {
    (while sleep 1; do printf 'echo next-$((1+1))\n' || exit; done) |
        timeout 60 socat - UNIX-CONNECT:sock 2>/dev/null | grep -q -m 1 next-2
}
check unix-takes-the-next again
kill -KILL "$pid"
wait "$pid" 2>/dev/null
check unix-is-left-over test -S sock
hull --console unix:sock
check unix-replaces-it await 90 again
check unix-sigint-stops stop
check unix-is-unlinked test ! -e sock

# Output that nobody reads holds the guest up, and loses nothing.
hull --console stdio --append 'console=ttyS0 quiet hull.exec="seq 1 20000"' \
    > >(sleep 8; tr -d '\r' >slow.txt; echo done >>slow.txt)
check slow-pipe-ends ended 0
await 60 grep -q done slow.txt
check slow-pipe-loses-nothing eval "grep -x '[0-9]*' slow.txt | cmp - <(seq 1 20000)"
pid=
exit $failed
