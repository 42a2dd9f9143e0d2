// SPDX-License-Identifier: Apache-2.0
// Output that does not block.
#include "host/console/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int terminal_reopen(int fd)
{
    char path[32];

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

void hull_output_init_shared(struct output *output, int fd)
{
    struct stat st;
    int again;

    *output = (struct output){.fd = fd, .how = OUTPUT_POLLED};
    if (fstat(fd, &st) < 0)
        return;
    if (S_ISSOCK(st.st_mode)) {
        output->how = OUTPUT_SOCKET;
    } else if (S_ISREG(st.st_mode)) {
        output->how = OUTPUT_FILE;
    } else if (isatty(fd)) {
        again = terminal_reopen(fd);
        if (again >= 0)
            *output = (struct output){.fd = again, .how = OUTPUT_NONBLOCK, .own_fd = true};
    }
}

void hull_output_init_own(struct output *output, int fd, enum output_how how)
{
    *output = (struct output){.fd = fd, .how = how, .own_fd = true};
}

void hull_output_fini(struct output *output)
{
    if (output->own_fd)
        close(output->fd);
    output->own_fd = false;
}

static bool output_ready(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, 0) > 0;
}

ssize_t hull_output_write(struct output *output, const void *buf, size_t len)
{
    ssize_t n;

    do {
        if (output->how == OUTPUT_SOCKET) {
            n = send(output->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        } else {
            if (output->how == OUTPUT_POLLED) {
                if (!output_ready(output->fd))
                    return 0;
                if (len > PIPE_BUF)
                    len = PIPE_BUF;
            }
            n = write(output->fd, buf, len);
        }
    } while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        return 0;
    return n;
}
