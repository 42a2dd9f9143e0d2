#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 1800
# full
# The debian image as a user has it: pulled, its disk made larger, set up at its first boot, cut off
# once in the middle; then a login, apt, ssh through a published port, the power button, and a
# file system without a fault.
. "$(dirname "$0")/machine.bash"
real=$HULL_CACHE
export HULL_CACHE=$TEST_TMP/cache
mkdir -p "$HULL_CACHE"
[ ! -d "$real/apt" ] || cp -r "$real/apt" "$HULL_CACHE/apt"

"$HULL" image pull debian >pull 2>&1
equal 'the image is made' 0 $?
folder=$("$HULL" image path debian)
disk=$folder/disk.img
check 'its description is valid' "$HULL" check "$folder/vm.json"
e2fsck -fn "$disk" >fsck.new 2>&1
equal 'its file system is whole' 0 $?
truncate -s 6G "$disk"
port=$(free_port)

# ---- The first boot, cut off in the middle ----

"$HULL" run debian --quiet --publish "127.0.0.1:$port:22" >cut 2>cut.err </dev/null &
cut=$!
wait_line cut '\[60/[0-9]*\]' 600
kill -KILL $cut
wait $cut 2>/dev/null

# ---- The second goes on, up to a login ----

timeout -k 5 1200 expect -f - "$HULL" "$port" >session 2>&1 <<'EXPECT' &
lassign $argv hull port
set timeout 900
proc wanted {what} {
    expect {
        -re $what { return }
        timeout { puts "\nmissing: $what"; exit 3 }
        eof { puts "\nended before: $what"; exit 4 }
    }
}
spawn -noecho $hull run debian --publish 127.0.0.1:$port:22
wanted "first boot: setting up"
wanted "Debian is set up"
wanted "debian login: "
send "root\r"
wanted "root@debian:~# "
send "systemctl is-system-running --wait | sed s/^/state-/\r"
wanted "state-running\r\n"
send "systemctl --failed --plain --no-legend | sed s/^/failed-/; dpkg --audit; dpkg -V; echo audit-\$?\r"
wanted "audit-0\r\n"
send "df --output=size -BM / | sed -n 's/ *\\(\[0-9]*\\)M/size-\\1-/p'\r"
wanted "size-5\[0-9]{3}-\r\n"
send "apt-get update && apt-get install -y hello && hello; echo apt-\$?\r"
wanted "Hello, world!"
wanted "apt-0\r\n"
# What follows comes from outside, by ssh and by a signal.
set marker [open at-login w]
puts $marker [exp_pid]
close $marker
expect {
    eof {}
    timeout { puts "\nit does not end"; exit 5 }
}
lassign [wait] pid id os code
exit $code
EXPECT
session=$!
wait_for 1150 test -s at-login
check 'systemd has come up whole, apt works, and so on (see the session)' test -s at-login

remote() {
    timeout 120 ssh -i "$folder/id_ed25519" -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
        -o BatchMode=yes -o ConnectTimeout=60 -o LogLevel=ERROR root@127.0.0.1 "$@"
}
equal 'ssh through the published port' 'root riscv64' "$(remote 'echo $(id -un) $(uname -m)')"
equal 'ssh without a key is refused' 255 "$(ssh -p "$port" -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null \
    -o BatchMode=yes -o PubkeyAuthentication=no root@127.0.0.1 true >refused 2>&1; echo $?)"
remote 'echo kept >/root/note; systemctl is-active systemd-logind' >active

kill -TERM "$(cat at-login)"
exit_of $session 300
equal 'the power button shuts it down' 0 $?
e2fsck -fn "$disk" >fsck.end 2>&1
equal 'the file system is whole afterwards' 0 $?
check 'what was written is there' grep -q kept <(debugfs -R 'cat /root/note' "$disk" 2>/dev/null)
[ "$failures" = 0 ] || show pull cut cut.err session fsck.new fsck.end
finish
