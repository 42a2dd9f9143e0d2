// SPDX-License-Identifier: Apache-2.0
// TCP to a server on the host (bench/harness/net_server.c), which the guest reaches as 10.0.2.2. A request is
// a letter and a length: 'u' bytes follow and their sum comes back, 'd' the server sends that many,
// 'e' it sends back each single byte.
#include "bench.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

static int open_server(struct bench *b)
{
    struct sockaddr_in server = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)atoi(bench_setting("BENCH_PORT", "0"))),
        .sin_addr.s_addr = inet_addr(bench_setting("BENCH_HOST", "10.0.2.2")),
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof(server)) != 0) {
        return bench_fail(b, "connect");
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

static bool request(int fd, char what, uint64_t length)
{
    char text[17];
    int size = snprintf(text, sizeof(text), "%c%015llu", what, (unsigned long long)length);
    return write(fd, text, (size_t)size) == size;
}

static uint64_t add_bytes(const unsigned char *bytes, size_t size)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < size; i += 512) {
        sum += bytes[i];
    }
    return sum;
}

int bench_net_up(struct bench *b)
{
    static unsigned char bytes[CHUNK];
    uint64_t length = bench_count(b, 128) * 4 * CHUNK, sum = 0;
    int fd = open_server(b);
    if (fd < 0) {
        return -1;
    }
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)(i >> 9);
    }
    bench_start(b);
    bool good = request(fd, 'u', length);
    for (uint64_t left = length; good && left > 0;) {
        ssize_t sent = write(fd, bytes, left < CHUNK ? left : CHUNK);
        good = sent > 0;
        left -= good ? (uint64_t)sent : 0;
    }
    // What the server counted, when it has got it all.
    good = good && recv(fd, &sum, sizeof(sum), MSG_WAITALL) == sizeof(sum);
    bench_stop(b);
    close(fd);
    bench_check(b, sum);
    return good && sum == length ? 0 : bench_fail(b, "stream");
}

int bench_net_down(struct bench *b)
{
    static unsigned char bytes[CHUNK];
    uint64_t length = bench_count(b, 128) * 4 * CHUNK, got = 0, sum = 0;
    int fd = open_server(b);
    if (fd < 0) {
        return -1;
    }
    bench_start(b);
    bool good = request(fd, 'd', length);
    while (good && got < length) {
        ssize_t n = recv(fd, bytes, CHUNK, 0);
        good = n > 0;
        got += good ? (uint64_t)n : 0;
        sum += good ? add_bytes(bytes, 512) : 0;
    }
    bench_stop(b);
    close(fd);
    // The server sends one letter only, so that any share of the bytes shows whether they are right.
    bench_check(b, got);
    return good && sum % 'd' == 0 ? 0 : bench_fail(b, "stream");
}

int bench_net_latency(struct bench *b)
{
    uint64_t rounds = bench_count(b, 1500);
    unsigned char byte = 1, back = 0;
    int fd = open_server(b);
    if (fd < 0) {
        return -1;
    }
    bench_start(b);
    bool good = request(fd, 'e', rounds);
    for (uint64_t i = 0; good && i < rounds; i++) {
        byte = (unsigned char)(byte * 5 + 1);
        good = write(fd, &byte, 1) == 1 && recv(fd, &back, 1, 0) == 1 && back == byte;
    }
    bench_stop(b);
    close(fd);
    bench_check(b, back);
    return good ? 0 : bench_fail(b, "echo");
}
