// SPDX-License-Identifier: Apache-2.0
// Where log lines go: stderr or a file, one write for each line.
#ifndef HOST_ENV_LOG_H
#define HOST_ENV_LOG_H

#include <hull/env.h>
#include <stdatomic.h>

struct host_log {
    int fd;
    bool own_fd; // a log file of ours: lines carry the time
    int level;   // the last enum hull_log_level that is written
    uint64_t start_ns;
    _Atomic bool raw; // stderr is a terminal in raw mode: a line ends in \r\n
};

// 0, or -HULL_EIO with errno set when the file can't be opened.
HULL_MUST_CHECK int hull_host_log_init(struct host_log *log, int level, const char *file);
void hull_host_log_fini(struct host_log *log);
void hull_host_log_line(struct host_log *log, enum hull_log_level level, const char *subsystem,
                        const char *line);

#endif
