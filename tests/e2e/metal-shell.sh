#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 200
# machines: hull
# The hypervisor's shell: what each command does to a VM, also several at once; the consoles that keys switch to; and
# restarts with growing delays, which other commands do not lose.
. "$(dirname "$0")/metal.bash"
BOOT_SECONDS=20

for name in one two; do
    echo "{ \"name\": \"$name\", \"memory\": \"16M\", \"net\": [],
        \"boot\": { \"kernel\": \"$guests/demo/tick.elf\", \"append\": \"report=250\" } }" >$name.json
done
cat >again.json <<END
{ "name": "again", "memory": "16M", "net": [], "boot": { "kernel": "$guests/tests/metal/life.elf" },
  "policy": { "on_poweroff": "restart", "delay": 1, "delay_max": 4, "limit": 0, "window": 100 } }
END
metal_pack bundle one.json two.json again.json
metal_start bundle log

# What comes after a command is done: PATTERN COMMAND...
said_after() {
    local from
    from=$(($(wc -c <log) + 1))
    "${@:2}"
    wait_for "$BOOT_SECONDS" eval "tail -c +$from log | grep -aqE '$1'"
}
lists() {
    metal_type 'vm list\r'
    sleep 0.3
    metal_plain log | grep -aE '^  [1-3] ' | tail -n 3 | grep -qE "$1"
}
is() { wait_for 15 lists "$1 +$2 .* K +${3:-[0-9]+} "; } # NAME STATE [STARTS]

wait_line log 'one.*periods'
metal_type '\x010'
check 'the shell is there' wait_line log 'hull> '
metal_shell log help 'Ctrl-A 0 comes back'
for command in vm hart mem balloon log trace crash help; do
    check "help has $command" grep -aqE "^  $command +[a-zV]" log
done
check 'no such command' metal_shell log 'sit down' 'no command "sit"'
check 'no such VM' metal_shell log 'vm pause three' 'no such VM'
check 'registers of a VM that runs' metal_shell log 'vm dump one' 'one: CPU 0: pc [0-9a-f]+'
check 'a log' metal_shell log 'log two' 'tick: [0-9]+ periods'

metal_type 'vm pause one\r'
check 'pause' is one paused
periods() { metal_type 'log one\r'; sleep 1; metal_plain log | grep -ao 'tick: [0-9]* periods' | tail -n 1; }
before=$(periods)
sleep 2
equal 'it does nothing' "$before" "$(periods)"
check 'registers of one that does not' metal_shell log 'vm dump one' 'one: CPU 0: pc [0-9a-f]+'
metal_type 'vm resume one\r'
check 'resume' is one running
sleep 1
check 'it goes on' test "$before" != "$(periods)"

# The manager does not look in between.
metal_type 'vm pause one\rvm resume one\r'
check 'paused and resumed at once' is one running
metal_type 'vm stop one\rvm start one\r'
check 'stopped and started at once' is one running 2
metal_type 'vm start one\rvm stop one\r'
check 'started and stopped at once' is one stopped
check 'and not to be paused' metal_shell log 'vm pause one' 'one: is not running'
metal_type 'vm start one\rvm pause one\r'
check 'started and paused at once' is one paused
metal_type 'vm restart one\r'
check 'restarted from a pause' is one running 4
metal_type 'vm destroy one\r'
check 'destroyed' is one destroyed
check 'for good' metal_shell log 'vm start one' 'one: is destroyed'

metal_type 'vm console two\r'
check 'a console' wait_line log 'console of two'
check 'its output' said_after 'tick: [0-9]+ periods' true
metal_type '\x01n'
check 'the next one' wait_line log 'console of again'
metal_type '\x01n'
check 'after the last the first' wait_line log 'console of one'
metal_type '\x012'
check 'a digit' wait_for 20 eval '[ $(grep -ac "console of two" log) = 2 ]'
metal_type '\x010'

metal_plain log >plain
equal 'delays grow up to the longest' '1 2 4 4' \
    "$(grep -aoE 'again: restarts in [0-9]+ s' plain | head -n 4 | awk '{ printf "%s%s", sep, $4; sep = " " }')"
check 'it waits' is again waiting
check 'nothing to pause' metal_shell log 'vm pause again' 'again: is not running'
check 'and starts nevertheless' said_after 'again: restarts in 4 s' true
metal_stop
[ "$failures" = 0 ] || show log
finish
