#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# The user-mode network: an address by DHCP, TCP and UDP out to a server on the host's loopback,
# published ports in, and contents that arrive whole in both directions.
. "$(dirname "$0")/machine.bash"

megabytes=24
head -c $((megabytes << 20)) /dev/urandom >data
sum=$(md5sum <data | cut -d ' ' -f 1)
pids=()
trap 'kill "${pids[@]}" $hull_pid 2>/dev/null' EXIT
hull_pid=

guest_program "$here/tests/e2e/udp.c" || exit 1
serve() { # SOCAT-ADDRESS SOCAT-ADDRESS [OPTION]
    socat ${3:+"$3"} "$1" "$2" 2>>socat.log &
    pids+=($!)
}
hello=$(free_port) down=$(free_port) up=$(free_port) udp=$(free_port)
web=$(free_port) stop=$(free_port) echo_in=$(free_port)
serve "TCP4-LISTEN:$hello,bind=127.0.0.1,reuseaddr,fork" "SYSTEM:read line; echo you said \$line"
serve "TCP4-LISTEN:$down,bind=127.0.0.1,reuseaddr" "OPEN:$PWD/data,rdonly"
serve "TCP4-LISTEN:$up,bind=127.0.0.1,reuseaddr" "CREATE:$PWD/uploaded" -u
serve "UDP4-RECVFROM:$udp,bind=127.0.0.1,fork" "SYSTEM:read line; echo udp said \$line"
for port in $hello $down $up; do
    wait_for 10 listening tcp "$port" || exit 1
done
wait_for 10 listening udp "$udp" || exit 1

guest_start net --cpus 2 --net user,mac=52:54:00:12:34:56 \
    --publish "$web:80" --publish "$stop:8" --publish "127.0.0.1:$echo_in:7/udp" <<GUEST
same 'an address by DHCP' 10.0.2.15/24 "\$(ip -4 -o addr show eth0 | awk '{ print \$4 }')"
same 'a route' 10.0.2.2 "\$(ip route | sed -n 's/^default via \([0-9.]*\) .*/\1/p')"
same 'a name server' 'nameserver 10.0.2.3' "\$(cat /etc/resolv.conf)"
same 'the given MAC address' 52:54:00:12:34:56 "\$(cat /sys/class/net/eth0/address)"
same 'link' 1 "\$(cat /sys/class/net/eth0/carrier)"
try 'the gateway answers a ping' ping -c 2 -W 10 -q 10.0.2.2
same 'TCP out' 'you said hello' "\$(echo hello | nc -w 20 10.0.2.2 $hello)"
for i in 1 2 3 4 5 6; do
	[ "\$(echo \$i | nc -w 20 10.0.2.2 $hello)" = "you said \$i" ] && echo yes >/tmp/con\$i &
done
wait
same 'six connections at once' 6 "\$(ls /tmp/con* | wc -l)"
same 'UDP out' 'udp said hello' "\$(/udp 10.0.2.2 $udp hello)"
if echo hello | nc -w 5 10.0.2.2 1 >/tmp/refused 2>&1; then code=0; else code=1; fi
same 'nobody listens: refused' 1 \$code

start=\$(cut -d ' ' -f 1 /proc/uptime)
nc 10.0.2.2 $down </dev/null >/tmp/data
middle=\$(cut -d ' ' -f 1 /proc/uptime)
nc 10.0.2.2 $up </tmp/data >/dev/null
echo "times \$start \$middle \$(cut -d ' ' -f 1 /proc/uptime)"
same '$megabytes MB in' $sum "\$(md5sum </tmp/data | cut -d ' ' -f 1)"

mkdir -p /www && cp /tmp/data /www/data && echo hello >/www/hello
httpd -h /www
/udp 7 &
echo 'ready for the host'
nc -l -p 8 >/dev/null
same 'no frame in error' '0 0 0 0' "\$(cd /sys/class/net/eth0/statistics && echo \$(cat rx_errors tx_errors rx_dropped tx_dropped))"
GUEST
check 'the guest gets to its servers' wait_line net 'ready for the host' 120
equal "$megabytes MB out" "$sum" "$(md5sum <uploaded 2>/dev/null | cut -d ' ' -f 1)"
sed -n 's/^times //p' net | tr -d '\r' | awk -v mb=$megabytes '{ printf "# in %.1f MB/s, out %.1f MB/s\n", mb / ($2 - $1), mb / ($3 - $2) }'

fetch() { # PATH: its contents by HTTP from the guest
    printf 'GET %s HTTP/1.0\r\n\r\n' "$1" | socat -t 60 - "TCP4:127.0.0.1:$web" 2>>socat.log | sed '1,/^\r$/d'
}
equal 'a published TCP port' hello "$(fetch /hello)"
equal "$megabytes MB through it" "$sum" "$(fetch /data | md5sum | cut -d ' ' -f 1)"
for i in 1 2 3 4 5 6; do
    fetch /hello >"fetched$i" &
    fetchers[i]=$!
done
wait "${fetchers[@]}"
equal 'six clients at once' 6 "$(cat fetched? | grep -c hello)"
equal 'a published UDP port' 'guest: are you there' \
    "$(printf 'are you there' | socat -t 5 - "UDP4:127.0.0.1:$echo_in" 2>>socat.log)"
check 'it listens on the loopback alone' grep -q "0100007F:$(printf %04X "$web") 00000000:0000 0A" /proc/net/tcp

hull_run taken --publish "$web:80"
equal 'a port that is taken is refused' 125 $?
check 'with the port and why' grep -q "$web.*in use" taken.err
hull_run both --net none --publish "$web:80"
equal 'a published port without a network' 124 $?
echo | socat -u - "TCP4:127.0.0.1:$stop" 2>>socat.log
exit_of $hull_pid 60
equal 'the guest' 0 $?
relay net net 12
[ "$failures" = 0 ] || show socat.log taken.err both.err

guest none --net none <<'GUEST'
same 'no network: no interface' 'lo' "$(ls /sys/class/net)"
GUEST
relay none none 1
finish
