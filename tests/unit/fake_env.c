// SPDX-License-Identifier: Apache-2.0
// The environment that unit tests give to the core: see fake_env.h.
#include "tests/unit/fake_env.h"

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct hull_lock), "a mutex must fit");

static void *fake_alloc(void *ctx, size_t size)
{
    struct fake_env *fake = ctx;
    long nth = fake->allocs++;

    if (fake->fail_alloc >= 0 && nth >= fake->fail_alloc)
        return NULL;
    size_t alignment = size >= HULL_PAGE_SIZE ? HULL_PAGE_SIZE : 64;
    void *ptr = NULL;
    if (posix_memalign(&ptr, alignment, size ? size : 1))
        return NULL;
    memset(ptr, 0, size);
    fake->live++;
    fake->live_bytes += (long)size;
    return ptr;
}

static void fake_free(void *ctx, void *ptr, size_t size)
{
    struct fake_env *fake = ctx;

    if (!ptr)
        return;
    memset(ptr, 0xdd, size); // who still reads it shall notice
    fake->live--;
    fake->live_bytes -= (long)size;
    free(ptr);
}

static uint64_t fake_now(void *ctx)
{
    return ((struct fake_env *)ctx)->now_ns;
}

static uint64_t fake_realtime(void *ctx)
{
    return ((struct fake_env *)ctx)->realtime_ns;
}

static void fake_lock_init(void *ctx, struct hull_lock *lock)
{
    pthread_mutexattr_t attr;

    (void)ctx;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
    pthread_mutex_init((pthread_mutex_t *)lock->opaque, &attr);
    pthread_mutexattr_destroy(&attr);
}

static void fake_lock_destroy(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    assert_int_equal(pthread_mutex_destroy((pthread_mutex_t *)lock->opaque), 0);
}

static void fake_lock(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    if (pthread_mutex_lock((pthread_mutex_t *)lock->opaque))
        abort(); // taken twice by one thread
}

static void fake_unlock(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    if (pthread_mutex_unlock((pthread_mutex_t *)lock->opaque))
        abort(); // not held
}

static int timer_slot(const struct fake_env *fake, const struct hull_timer *timer)
{
    for (int i = 0; i < FAKE_ENV_TIMERS; i++)
        if (fake->timers[i] == timer)
            return i;
    return -1;
}

static void fake_timer_init(void *ctx, struct hull_timer *timer)
{
    struct fake_env *fake = ctx;
    int slot = timer_slot(fake, NULL);

    assert_true(slot >= 0);
    fake->timers[slot] = timer;
    fake->deadlines[slot] = HULL_TIME_NEVER;
}

static void fake_timer_destroy(void *ctx, struct hull_timer *timer)
{
    struct fake_env *fake = ctx;
    int slot = timer_slot(fake, timer);

    assert_true(slot >= 0);
    fake->timers[slot] = NULL;
}

static void fake_timer_arm(void *ctx, struct hull_timer *timer, uint64_t deadline_ns)
{
    struct fake_env *fake = ctx;
    int slot = timer_slot(fake, timer);

    assert_true(slot >= 0);
    fake->deadlines[slot] = deadline_ns;
}

static void fake_vcpu_wait(void *ctx, struct vcpu *vcpu)
{
    struct fake_env *fake = ctx;

    fake->waits++;
    if (fake->on_wait)
        fake->on_wait(fake->on_wait_ctx, vcpu);
    else
        sched_yield();
}

static void fake_vcpu_wake(void *ctx, struct vcpu *vcpu)
{
    (void)vcpu;
    ((struct fake_env *)ctx)->wakes++;
}

static void fake_relax(void *ctx)
{
    (void)ctx;
    sched_yield();
}

static int fake_random(void *ctx, void *buf, size_t len)
{
    struct fake_env *fake = ctx;

    if (fake->random_fails)
        return -HULL_EIO;
    for (size_t i = 0; i < len; i++) {
        fake->random_state = fake->random_state * 6364136223846793005u + 1442695040888963407u;
        ((uint8_t *)buf)[i] = (uint8_t)(fake->random_state >> 56);
    }
    return 0;
}

static void fake_memory_discard(void *ctx, void *host, size_t len)
{
    ((struct fake_env *)ctx)->discarded += len;
    memset(host, 0, len);
}

static void fake_log(void *ctx, enum hull_log_level level, const char *subsystem, const char *line)
{
    struct fake_env *fake = ctx;

    (void)level;
    (void)subsystem;
    fake->log_lines++;
    strncpy(fake->last_log, line, sizeof(fake->last_log) - 1);
}

static const struct hull_env_ops fake_ops = {
    .alloc = fake_alloc,
    .free = fake_free,
    .now_ns = fake_now,
    .realtime_ns = fake_realtime,
    .lock_init = fake_lock_init,
    .lock_destroy = fake_lock_destroy,
    .lock = fake_lock,
    .unlock = fake_unlock,
    .timer_init = fake_timer_init,
    .timer_destroy = fake_timer_destroy,
    .timer_arm = fake_timer_arm,
    .vcpu_wait = fake_vcpu_wait,
    .vcpu_wake = fake_vcpu_wake,
    .relax = fake_relax,
    .random = fake_random,
    .memory_discard = fake_memory_discard,
    .log = fake_log,
};

void fake_env_init(struct fake_env *fake)
{
    memset(fake, 0, sizeof(*fake));
    fake->env.ops = &fake_ops;
    fake->env.ctx = fake;
    fake->fail_alloc = -1;
    fake->now_ns = HULL_NSEC_PER_SEC;
    fake->realtime_ns = 1700000000ull * HULL_NSEC_PER_SEC;
    fake->random_state = 1;
}

void fake_env_fini(struct fake_env *fake)
{
    for (int i = 0; i < FAKE_ENV_TIMERS; i++)
        assert_null(fake->timers[i]);
    assert_int_equal(fake->live, 0);
    assert_int_equal(fake->live_bytes, 0);
}

static int next_due(const struct fake_env *fake, uint64_t until)
{
    int found = -1;

    for (int i = 0; i < FAKE_ENV_TIMERS; i++)
        if (fake->timers[i] && fake->deadlines[i] <= until &&
            fake->deadlines[i] != HULL_TIME_NEVER &&
            (found < 0 || fake->deadlines[i] < fake->deadlines[found]))
            found = i;
    return found;
}

void fake_env_advance(struct fake_env *fake, uint64_t ns)
{
    uint64_t until = fake->now_ns + ns;
    int slot;

    fake->realtime_ns += ns;
    while ((slot = next_due(fake, until)) >= 0) {
        if (fake->deadlines[slot] > fake->now_ns)
            fake->now_ns = fake->deadlines[slot];
        fake->deadlines[slot] = HULL_TIME_NEVER;
        fake->timers[slot]->fire(fake->timers[slot]->ctx);
    }
    fake->now_ns = until;
}

uint64_t fake_env_deadline(const struct fake_env *fake, const struct hull_timer *timer)
{
    int slot = timer_slot(fake, timer);

    return slot < 0 ? HULL_TIME_NEVER : fake->deadlines[slot];
}
