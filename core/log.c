// SPDX-License-Identifier: Apache-2.0
// The one log call: one whole line per call into the environment's sink.
#include <hull/env.h>

#include <stdarg.h>

#include "lib/format.h"

#define LOG_LINE_MAX 240
#define LOG_LINES_PER_SECOND 10

// Names of files and of guest things come into lines: what could steer a terminal is masked.
static void line_mask(char *line)
{
    for (; *line; line++)
        if ((unsigned char)*line < ' ' || *line == 0x7f)
            *line = '?';
}

static void log_args(const struct hull_env *env, enum hull_log_level level, const char *subsystem,
                     const char *format, va_list args)
{
    char line[LOG_LINE_MAX + 1];

    hull_vsnprintf(line, sizeof(line), format, args);
    line_mask(line);
    env->ops->log(env->ctx, level, subsystem, line);
}

void hull_log(const struct hull_env *env, enum hull_log_level level, const char *subsystem,
              const char *format, ...)
{
    va_list args;

    va_start(args, format);
    log_args(env, level, subsystem, format, args);
    va_end(args);
}

void hull_log_limited(const struct hull_env *env, struct hull_log_limit *limit,
                      enum hull_log_level level, const char *subsystem, const char *format, ...)
{
    uint64_t now = env->ops->now_ns(env->ctx);
    va_list args;

    if (!limit->count || now - limit->window_start_ns >= HULL_NSEC_PER_SEC) {
        uint32_t suppressed = limit->suppressed;

        limit->window_start_ns = now;
        limit->count = limit->suppressed = 0;
        if (suppressed)
            hull_log(env, level, subsystem, "%u lines like the next one were left out", suppressed);
    }
    if (limit->count == LOG_LINES_PER_SECOND) {
        limit->suppressed += limit->suppressed != UINT32_MAX;
        return;
    }
    limit->count++;
    va_start(args, format);
    log_args(env, level, subsystem, format, args);
    va_end(args);
}
