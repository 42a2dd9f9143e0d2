// SPDX-License-Identifier: Apache-2.0
// The log sink of the hosted program.
#include "host/env/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "host/env/timers.h"

int hull_host_log_init(struct host_log *log, int level, const char *file)
{
    *log = (struct host_log){.fd = STDERR_FILENO, .level = level};
    log->start_ns = hull_clock_monotonic_ns();
    if (!file)
        return 0;
    log->fd = open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (log->fd < 0)
        return -HULL_EIO;
    log->own_fd = true;
    return 0;
}

void hull_host_log_fini(struct host_log *log)
{
    if (log->own_fd)
        close(log->fd);
}

static const char *level_name(enum hull_log_level level)
{
    switch (level) {
    case HULL_LOG_ERROR: return "error";
    case HULL_LOG_WARN: return "warning";
    case HULL_LOG_INFO: return "info";
    case HULL_LOG_DEBUG: return "debug";
    }
    return "?";
}

void hull_host_log_line(struct host_log *log, enum hull_log_level level, const char *subsystem,
                        const char *line)
{
    char text[400];
    uint64_t ms;
    int len;

    if ((int)level > log->level)
        return;
    if (log->own_fd) {
        ms = (hull_clock_monotonic_ns() - log->start_ns) / 1000000;
        len = snprintf(text, sizeof(text) - 2, "%6llu.%03llu %s %s: %s",
                       (unsigned long long)(ms / 1000), (unsigned long long)(ms % 1000),
                       level_name(level), subsystem, line);
    } else {
        len = snprintf(text, sizeof(text) - 2, "hull: %s: %s: %s", level_name(level), subsystem,
                       line);
    }
    if (len > (int)sizeof(text) - 3)
        len = (int)sizeof(text) - 3;
    if (!log->own_fd && atomic_load_explicit(&log->raw, memory_order_relaxed))
        text[len++] = '\r';
    text[len++] = '\n';
    // A line that can't be written is lost: there is nowhere to say so.
    while (write(log->fd, text, (size_t)len) < 0 && errno == EINTR)
        ;
}
