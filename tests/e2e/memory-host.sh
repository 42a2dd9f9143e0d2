#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 180
# What a guest costs the host: hull's own memory stays small, what --stats says of it is right, and
# memory that the guest frees goes back.
. "$(dirname "$0")/machine.bash"

# Sums from /proc/PID/smaps: KiB of resident memory of the guest's RAM (the mapping of that size,
# which may have been split) and of all the rest.
smaps() { # PID MIB-OF-RAM: sets ram and beyond
    read -r ram beyond < <(awk -v ram_kib=$(($2 << 10)) '
        function hex(text, i, n) {
            n = 0
            for (i = 1; i <= length(text); i++)
                n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
            return n
        }
        /^[0-9a-f]+-[0-9a-f]+ / {
            split($1, range, "-")
            start = hex(range[1])
            # Neighbours without a file, in one piece: they are what a mapping was split into.
            if ($6 != "" || start != end) piece++
            end = hex(range[2])
            size[piece] += (end - start) / 1024
        }
        /^Rss:/ { rss[piece] += $2; total += $2 }
        END {
            for (i in size) if (size[i] >= ram_kib && size[i] < ram_kib + 16384) { inside += rss[i]; found = 1 }
            if (found) print inside, total - inside
            else print "none none"
        }' "/proc/$1/smaps")
}

# The guests go on when they are told: by a line in the pipe FD 9.
mkfifo go && exec 9<>go
GUEST_INPUT=go

used() { # NAME ENGINE MOST-KIB
guest_start "$1" --engine "$2" --cpus 1 --memory 1G --stats <<'GUEST'
# The devices have been used: what they take on the host, they have taken by now.
ping -c 1 -q 10.0.2.2 >/dev/null
dd if=/dev/hwrng of=/dev/null bs=512 count=8 2>/dev/null
# Code that the engine has to decode or translate: many programs.
for i in $(seq 8); do
	ls -lR /sys/kernel | sort | gzip | md5sum >/dev/null
done
echo 'now'
read -r go
GUEST
wait_line "$1" '^now'
sleep 1
smaps $hull_pid 1024
echo go >&9
wait $hull_pid
equal "$2: the guest" 0 $?
echo "# $2, one hart, default devices: $ram KiB of guest RAM, $beyond KiB beyond it"
between "$2: hull beyond the guest: less than $3 KiB" 100 "$beyond" $(($3 - 1))
said=$(sed -n 's/.* \([0-9]*\) KiB beyond it.*/\1/p' "$1.err")
said_ram=$(sed -n 's/.*memory \([0-9]*\) KiB of.*/\1/p' "$1.err")
between "$2: --stats says the same of itself" $((beyond * 7 / 8 - 256)) "${said:-none}" $((beyond * 9 / 8 + 256))
between "$2: --stats says the same of the guest" $((ram - 20480)) "${said_ram:-none}" $((ram + 20480))
}
used small interp 8192
! grep -q ' x86_64' <(uname -a) || used translated jit 65536

# Free page reporting: no one asks, the guest tells.
guest_start balloon --cpus 2 --memory 1G <<'GUEST'
mkdir /fill && mount -t tmpfs -o size=90% none /fill
dd if=/dev/zero of=/fill/a bs=1M count=300 2>/dev/null
echo 'filled'
read -r go
rm /fill/a
echo 'freed'
read -r go
GUEST
wait_line balloon '^filled'
smaps $hull_pid 1024
filled=$ram
between 'a guest that fills its memory: KiB' 307200 "$filled" 1048576
echo go >&9
wait_line balloon '^freed'
back() {
    smaps $hull_pid 1024
    [ "$ram" != none ] && [ "$ram" -lt $((filled - 280000)) ]
}
check 'what it frees goes back to the host' wait_for 90 back
echo "# filled: $filled KiB, freed: $ram KiB"
kill -KILL $hull_pid
wait $hull_pid 2>/dev/null

# And without a balloon it does not: that is what went back.
guest_start rigid --cpus 2 --memory 1G --no-balloon <<'GUEST'
mkdir /fill && mount -t tmpfs -o size=90% none /fill
dd if=/dev/zero of=/fill/a bs=1M count=200 2>/dev/null
rm /fill/a
echo 'freed'
read -r go
GUEST
wait_line rigid '^freed'
sleep 5
smaps $hull_pid 1024
between 'without a balloon it stays' 200000 "$ram" 1048576
kill -KILL $hull_pid
wait $hull_pid 2>/dev/null
[ "$failures" = 0 ] || show small small.err translated.err balloon balloon.err rigid
finish
