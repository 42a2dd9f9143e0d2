#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 400
# Engines change under a running guest, which checks its own work: at random moments of a boot, and by
# the monitor's socket. The seed stands in the log; HULL_ENGINE_RANDOM repeats it as far as times do.
HULL_ENGINE=random
. "$(dirname "$0")/machine.bash"
grep -q ' x86_64' <(uname -a) || exit 77

# Sums of files that are packed, unpacked, sorted and piped; integer and floating point; sleeps, and
# processes on all harts at once.
cat >work <<'GUEST'
work() {
	seq 1 6000 >/tmp/$1 && sort -rn /tmp/$1 | gzip -c | gunzip -c | sort -n | cmp -s - /tmp/$1 || return 1
	[ "$(md5sum </tmp/$1)" = "$2" ] || return 1
	awk 'BEGIN { for (i = 1; i <= 20000; i++) s += 1 / (i * 1.7) - s / 3; printf "%.9f\n", s }'
	rm /tmp/$1
	usleep 20000
}
want=$(seq 1 6000 | md5sum)
first=$(work first "$want")
try first-sum test -n "$first"
fault=0 jobs=
for job in 1 2 3 4 5 6 7 8; do
	{ [ "$(work $job "$want")" = "$first" ] && [ "$(work $job "$want")" = "$first" ]; } &
	jobs="$jobs $!"
done
for job in $jobs; do wait $job || fault=$((fault + 1)); done
same faults 0 $fault
same harts $HARTS "$(nproc)"
GUEST

for cpus in 1 4; do
    sed "1i HARTS=$cpus" work | guest "log$cpus" --cpus $cpus --memory 256M --net none --stats
    equal "boot-$cpus: the guest ends well" 0 $?
    relay "boot-$cpus" "log$cpus" 3
    changes=$(sed -n 's/^hull: engine .* changed \([0-9]*\) times.*/\1/p' "log$cpus.err")
    between "boot-$cpus: changes" 20 "${changes:-0}" 1000000
done

# By the monitor. Each answer says which engine it is.
unset HULL_ENGINE_RANDOM
guest_start log --cpus 2 --memory 256M --net none --monitor unix:socket < <(sed '1i HARTS=2' work)
wait_for 20 test -S socket
wrong=0 count=0
# Enough of them, and until the guest is done.
while kill -0 "$hull_pid" 2>/dev/null; do
    answer=
    for engine in interp jit; do
        sleep "0.0$((RANDOM % 90 + 10))"
        answer="$answer $(echo "engine $engine" | timeout 10 socat -t 10 - UNIX-CONNECT:socket 2>/dev/null | tr '\n' ' ')"
    done
    [ "$answer" = ' engine interp ok  engine jit ok ' ] && count=$((count + 2)) && continue
    kill -0 "$hull_pid" 2>/dev/null && wrong=$((wrong + 1)) && echo "# $answer" >&2
done
exit_of "$hull_pid" 60
equal 'monitor: the guest ends well' 0 $?
relay monitor log 3
between 'monitor: changes' 10 $count 1000000
between 'monitor: wrong answers' 0 $wrong 1 # the last one, while hull ends
finish
