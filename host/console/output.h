// SPDX-License-Identifier: Apache-2.0
// Writing to somebody else's file descriptor without ever blocking on it.
#ifndef HOST_CONSOLE_OUTPUT_H
#define HOST_CONSOLE_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum output_how {
    OUTPUT_NONBLOCK, // the descriptor has O_NONBLOCK
    OUTPUT_SOCKET,   // MSG_DONTWAIT
    OUTPUT_POLLED,   // a pipe: room for PIPE_BUF when poll says so
    OUTPUT_FILE,     // never blocks for long
};

struct output {
    int fd;
    enum output_how how;
    bool own_fd;
};

// Takes stdout or the like. O_NONBLOCK is a property of the open file, which we share with the shell
// that started us (and with its other jobs): setting it there would break them. So a terminal is opened
// anew, and the others are written to in portions that fit.
void hull_output_init_shared(struct output *output, int fd);
// Takes a descriptor that is ours alone and has O_NONBLOCK (or is a socket, or a regular file).
void hull_output_init_own(struct output *output, int fd, enum output_how how);
void hull_output_fini(struct output *output);

// How much went; 0: no room now; -1: nobody will ever read it.
ssize_t hull_output_write(struct output *output, const void *buf, size_t len);

#endif
