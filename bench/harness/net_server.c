// SPDX-License-Identifier: Apache-2.0
// The host's end of the network benchmarks (bench/programs/network.c tells the protocol): prints the
// port that it got on the loopback interface, then serves one connection after the other until its
// standard input ends.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 64 << 10 };

static bool receive(int fd, uint64_t length, bool echo)
{
    static char bytes[CHUNK];
    for (uint64_t left = length; left > 0;) {
        ssize_t got = recv(fd, bytes, left < CHUNK ? left : CHUNK, 0);
        if (got <= 0 || (echo && send(fd, bytes, (size_t)got, MSG_NOSIGNAL) != got)) {
            return false;
        }
        left -= (uint64_t)got;
    }
    return true;
}

static void send_bytes(int fd, uint64_t length)
{
    static char bytes[CHUNK];
    memset(bytes, 'd', sizeof(bytes));
    for (uint64_t left = length; left > 0;) {
        ssize_t sent = send(fd, bytes, left < CHUNK ? left : CHUNK, MSG_NOSIGNAL);
        if (sent <= 0) {
            return;
        }
        left -= (uint64_t)sent;
    }
}

static void serve(int fd)
{
    char request[17] = {0};
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    if (recv(fd, request, 16, MSG_WAITALL) != 16) {
        return;
    }
    uint64_t length = strtoull(request + 1, NULL, 10);
    if (request[0] == 'd') {
        send_bytes(fd, length);
    } else if (request[0] == 'e') {
        receive(fd, length, true);
    } else if (request[0] == 'u' && receive(fd, length, false)) {
        send(fd, &length, sizeof(length), MSG_NOSIGNAL);
    }
}

int main(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 8) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        perror("net_server");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fclose(stdout);
    struct pollfd wait[2] = {{.fd = listener, .events = POLLIN},
                             {.fd = STDIN_FILENO, .events = POLLIN}};
    while (poll(wait, 2, -1) > 0) {
        if (wait[1].revents) {
            return 0; // the harness is gone, however that happened
        }
        int fd = accept(listener, NULL, NULL);
        if (fd >= 0) {
            serve(fd);
            close(fd);
        }
    }
    return 1;
}
