#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 120
# Names: the guest's name server is the host's. The test runs in namespaces of its own, with a name
# server of its own, so that it needs no other network.
. "$(dirname "$0")/machine.bash"

if [ "${1:-}" != inside ]; then
    unshare -rmn true 2>/dev/null || {
        echo 'skip net-dns: no namespaces for this user'
        exit 77
    }
    exec unshare -rmn "$here/tests/e2e/net-dns.sh" inside
fi

ip link set lo up
echo 'nameserver 127.0.0.1' >resolv.conf
mount --bind resolv.conf "$(readlink -f /etc/resolv.conf)" || exit 1

# Answers every question for an address below hull.test with 192.0.2.77, and others with "no such name".
perl -MIO::Socket::INET -e '
    my $socket = IO::Socket::INET->new(Proto => "udp", LocalAddr => "127.0.0.1", LocalPort => 53) or die $!;
    while (defined $socket->recv(my $packet, 1500)) {
        my ($id, $flags, $questions) = unpack "n3", $packet;
        my ($at, @labels) = (12);
        while (my $length = unpack "C", substr $packet, $at, 1) {
            push @labels, substr $packet, $at + 1, $length;
            $at += 1 + $length;
        }
        my $type = unpack "n", substr $packet, $at + 1, 2;
        my $question = substr $packet, 12, $at + 5 - 12;
        my $known = "@labels" =~ /hull test$/;
        my $answer = $known && $type == 1 ? pack "n3 N n C4", 0xc00c, 1, 1, 60, 4, 192, 0, 2, 77 : "";
        $socket->send(pack("n6", $id, $known ? 0x8180 : 0x8183, 1, $answer ne "" ? 1 : 0, 0, 0) . $question . $answer);
    }' 2>perl.log &
wait_for 10 listening udp 53 || {
    case_fail 'the test has a name server' "$(cat perl.log)"
    finish
}

guest dns --net user <<'GUEST'
same 'a name' 192.0.2.77 "$(nslookup some.hull.test | awk '/^Address/ { last = $NF } END { print last }')"
if nslookup nowhere.test >/tmp/nowhere 2>&1; then code=0; else code=1; fi
same 'a name that does not exist' '1 NXDOMAIN' "$code $(grep -o NXDOMAIN /tmp/nowhere | head -n 1)"
GUEST
equal 'the guest' 0 $?
relay dns dns 2
kill %1
finish
