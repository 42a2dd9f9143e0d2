// SPDX-License-Identifier: Apache-2.0
// The environment for unit tests.
#include "tests/unit/fake_env.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What fake timers keep in hull_timer.opaque.
enum { TIMER_DEADLINE, TIMER_NEXT };

static void *fake_alloc(void *ctx, size_t size)
{
    struct fake_env *fake = ctx;
    size_t alignment = size && size % HULL_PAGE_SIZE == 0 ? HULL_PAGE_SIZE : 64;
    void *ptr;

    if (fake->fail_alloc >= 0 && fake->fail_alloc-- == 0)
        return NULL;
    if (posix_memalign(&ptr, alignment, size ? size : 1) != 0)
        return NULL;
    memset(ptr, 0, size);
    fake->allocated += size;
    return ptr;
}

static void fake_free(void *ctx, void *ptr, size_t size)
{
    struct fake_env *fake = ctx;

    if (!ptr)
        return;
    assert(fake->allocated >= size);
    fake->allocated -= size;
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
    (void)ctx;
    memset(lock, 0, sizeof(*lock));
}

static void fake_lock_destroy(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    assert(!lock->opaque[0]);
}

static void fake_lock(void *ctx, struct hull_lock *lock)
{
    struct fake_env *fake = ctx;

    assert(!lock->opaque[0]);
    lock->opaque[0] = 1;
    fake->locks_held++;
}

static void fake_unlock(void *ctx, struct hull_lock *lock)
{
    struct fake_env *fake = ctx;

    assert(lock->opaque[0]);
    lock->opaque[0] = 0;
    fake->locks_held--;
}

static void fake_timer_init(void *ctx, struct hull_timer *timer)
{
    struct fake_env *fake = ctx;

    timer->opaque[TIMER_DEADLINE] = HULL_TIME_NEVER;
    timer->opaque[TIMER_NEXT] = (uintptr_t)fake->timers;
    fake->timers = timer;
}

static void fake_timer_destroy(void *ctx, struct hull_timer *timer)
{
    struct fake_env *fake = ctx;
    struct hull_timer *t = fake->timers;

    if (t == timer) {
        fake->timers = (struct hull_timer *)(uintptr_t)timer->opaque[TIMER_NEXT];
        return;
    }
    while (t && (struct hull_timer *)(uintptr_t)t->opaque[TIMER_NEXT] != timer)
        t = (struct hull_timer *)(uintptr_t)t->opaque[TIMER_NEXT];
    assert(t);
    t->opaque[TIMER_NEXT] = timer->opaque[TIMER_NEXT];
}

static void fake_timer_arm(void *ctx, struct hull_timer *timer, uint64_t deadline_ns)
{
    (void)ctx;
    timer->opaque[TIMER_DEADLINE] = deadline_ns;
}

static void fake_vcpu_wait(void *ctx, struct vcpu *vcpu)
{
    (void)vcpu;
    ((struct fake_env *)ctx)->waits++;
}

static void fake_vcpu_wake(void *ctx, struct vcpu *vcpu)
{
    (void)vcpu;
    ((struct fake_env *)ctx)->wakes++;
}

static void fake_relax(void *ctx)
{
    (void)ctx;
}

static int fake_random(void *ctx, void *buf, size_t len)
{
    struct fake_env *fake = ctx;
    uint8_t *bytes = buf;

    if (fake->random_fails)
        return -HULL_EIO;
    for (size_t i = 0; i < len; i++) {
        fake->random_state = fake->random_state * 6364136223846793005u + 1442695040888963407u;
        bytes[i] = (uint8_t)(fake->random_state >> 56);
    }
    return 0;
}

static void fake_memory_discard(void *ctx, void *host, size_t len)
{
    assert(((uintptr_t)host | len) % HULL_PAGE_SIZE == 0);
    memset(host, 0, len);
    ((struct fake_env *)ctx)->discards++;
}

static void fake_log(void *ctx, enum hull_log_level level, const char *subsystem, const char *line)
{
    struct fake_env *fake = ctx;

    (void)level;
    fake->log_lines++;
    snprintf(fake->last_log, sizeof(fake->last_log), "%s: %s", subsystem, line);
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
    fake->realtime_ns = 1700000000ull * HULL_NSEC_PER_SEC;
}

uint64_t fake_timer_deadline(const struct hull_timer *timer)
{
    return timer->opaque[TIMER_DEADLINE];
}

const struct hull_timer *fake_timer_next(const struct hull_timer *timer)
{
    return (const struct hull_timer *)(uintptr_t)timer->opaque[TIMER_NEXT];
}

static struct hull_timer *next_due(struct fake_env *fake, uint64_t until)
{
    struct hull_timer *due = NULL, *t = fake->timers;

    for (; t; t = (struct hull_timer *)(uintptr_t)t->opaque[TIMER_NEXT])
        if (t->opaque[TIMER_DEADLINE] <= until &&
            (!due || t->opaque[TIMER_DEADLINE] < due->opaque[TIMER_DEADLINE]))
            due = t;
    return due;
}

void fake_env_advance(struct fake_env *fake, uint64_t ns)
{
    uint64_t until = fake->now_ns + ns;
    struct hull_timer *timer;

    fake->realtime_ns += ns;
    while ((timer = next_due(fake, until)) != NULL) {
        if (timer->opaque[TIMER_DEADLINE] > fake->now_ns)
            fake->now_ns = timer->opaque[TIMER_DEADLINE];
        timer->opaque[TIMER_DEADLINE] = HULL_TIME_NEVER;
        timer->fire(timer->ctx);
    }
    fake->now_ns = until;
}

bool fake_env_clean(const struct fake_env *fake)
{
    return !fake->allocated && !fake->timers && !fake->locks_held;
}
