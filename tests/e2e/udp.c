// SPDX-License-Identifier: Apache-2.0
// UDP inside the guest, whose busybox has nothing for it. "udp PORT" answers every datagram with
// "guest: " before it; "udp ADDRESS PORT TEXT" sends one and prints the answer.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct sockaddr_in address(const char *ip, const char *port)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};

    inet_pton(AF_INET, ip, &to.sin_addr);
    return to;
}

static int answer(int fd, const char *port)
{
    struct sockaddr_in from, here = address("0.0.0.0", port);
    char text[2048] = "guest: ";

    if (bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0)
        return 1;
    for (;;) {
        socklen_t size = sizeof(from);
        ssize_t n = recvfrom(fd, text + 7, sizeof(text) - 7, 0, (struct sockaddr *)&from, &size);

        if (n >= 0)
            sendto(fd, text, (size_t)n + 7, 0, (struct sockaddr *)&from, size);
    }
}

static int ask(int fd, char **argv)
{
    struct sockaddr_in to = address(argv[1], argv[2]);
    struct timeval patience = {.tv_sec = 20};
    char text[2048];
    ssize_t n;

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    sendto(fd, argv[3], strlen(argv[3]), 0, (struct sockaddr *)&to, sizeof(to));
    n = recv(fd, text, sizeof(text), 0);
    return n < 0 || write(1, text, (size_t)n) != n;
}

int main(int argc, char **argv)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0);

    if (fd < 0 || (argc != 2 && argc != 4))
        return 2;
    return argc == 2 ? answer(fd, argv[1]) : ask(fd, argv);
}
