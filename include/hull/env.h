// SPDX-License-Identifier: Apache-2.0
// What the freestanding code needs from outside: memory, time, locks, sleeping, entropy, a log.
// The hosted program and the bare-metal image each provide one `struct hull_env`.
#ifndef HULL_ENV_H
#define HULL_ENV_H

#include <hull/error.h>
#include <hull/types.h>

struct vcpu;

// Room for the environment's mutex or spinlock. Not recursive. Lock order: docs/architecture.md.
struct hull_lock {
    uint64_t opaque[8];
};

// A one-shot timer. The owner fills `fire` and `ctx` before hull_env.ops->timer_init(); `fire` runs
// on the I/O side, holding no lock, at or after the deadline, and may arm the timer again. A fire
// that was under way when the timer was armed anew or disarmed may still arrive: handlers look at
// the time themselves.
struct hull_timer {
    void (*fire)(void *ctx);
    void *ctx;
    uint64_t opaque[6];
};

enum hull_log_level { HULL_LOG_ERROR, HULL_LOG_WARN, HULL_LOG_INFO, HULL_LOG_DEBUG };

#define HULL_TIME_NEVER UINT64_MAX

struct hull_env_ops {
    // Zeroed memory aligned to 64 bytes (whole pages: to 4096); NULL when there is none. `free`
    // takes the size that was asked for, and NULL.
    void *(*alloc)(void *ctx, size_t size);
    void (*free)(void *ctx, void *ptr, size_t size);

    uint64_t (*now_ns)(void *ctx);      // monotonic
    uint64_t (*realtime_ns)(void *ctx); // since 1970-01-01 UTC

    void (*lock_init)(void *ctx, struct hull_lock *lock);
    void (*lock_destroy)(void *ctx, struct hull_lock *lock);
    void (*lock)(void *ctx, struct hull_lock *lock);
    void (*unlock)(void *ctx, struct hull_lock *lock);

    void (*timer_init)(void *ctx, struct hull_timer *timer);
    void (*timer_destroy)(void *ctx, struct hull_timer *timer);
    // Arms for now_ns() >= deadline_ns; HULL_TIME_NEVER disarms. Callable from every thread and with
    // device locks held.
    void (*timer_arm)(void *ctx, struct hull_timer *timer, uint64_t deadline_ns);

    // vcpu_wait: called on the vCPU's own thread; returns after vcpu_wake (also one that came
    // before: a wake is never lost), or spuriously. vcpu_wake: from any thread.
    void (*vcpu_wait)(void *ctx, struct vcpu *vcpu);
    void (*vcpu_wake)(void *ctx, struct vcpu *vcpu);
    // A short pause of somebody who waits for another thread of ours.
    void (*relax)(void *ctx);

    // Fills `buf` with cryptographic random bytes: 0 or -HULL_EIO.
    int (*random)(void *ctx, void *buf, size_t len);
    // Gives whole guest pages back to the host; they read as zero when touched next. `host` and
    // `len` are multiples of 4096.
    void (*memory_discard)(void *ctx, void *host, size_t len);

    // One whole line, without its newline.
    void (*log)(void *ctx, enum hull_log_level level, const char *subsystem, const char *line);
};

struct hull_env {
    const struct hull_env_ops *ops;
    void *ctx;
    uint64_t timebase_hz; // ticks of guests' clocks in a second, at most 1 GHz; 0: HULL_TIMEBASE_HZ
};

// The one log call: formats with lib/format.h, cuts at 240 bytes, and passes one line on.
void hull_log(const struct hull_env *env, enum hull_log_level level, const char *subsystem,
              const char *format, ...) __attribute__((format(printf, 4, 5)));

// For lines that a guest can cause: at most 10 lines a second for each `limit` (zero-initialised,
// protected by the caller's lock), then a count of those left out.
struct hull_log_limit {
    uint64_t window_start_ns;
    uint32_t count, suppressed;
};
void hull_log_limited(const struct hull_env *env, struct hull_log_limit *limit,
                      enum hull_log_level level, const char *subsystem, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static inline void *hull_alloc(const struct hull_env *env, size_t size)
{
    return env->ops->alloc(env->ctx, size);
}

static inline void hull_free(const struct hull_env *env, void *ptr, size_t size)
{
    env->ops->free(env->ctx, ptr, size);
}

static inline void hull_lock(const struct hull_env *env, struct hull_lock *lock)
{
    env->ops->lock(env->ctx, lock);
}

static inline void hull_unlock(const struct hull_env *env, struct hull_lock *lock)
{
    env->ops->unlock(env->ctx, lock);
}

#endif
