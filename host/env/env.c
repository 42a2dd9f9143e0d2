// SPDX-License-Identifier: Apache-2.0
// hull_env on Linux.
#include "host/env/env.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <hull/vcpu.h>

// Above this an allocation is a mapping of its own: zeroed without being touched, and given back to
// the host when freed.
#define MAP_THRESHOLD ((size_t)64 << 10)
#define HUGE_PAGE ((size_t)2 << 20)

static void *map_anonymous(size_t size)
{
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                   -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

static void *env_alloc(void *ctx, size_t size)
{
    size_t align = size && size % HULL_PAGE_SIZE == 0 ? HULL_PAGE_SIZE : 64;
    size_t rounded = size ? (size + align - 1) & ~(align - 1) : align;
    void *p;

    (void)ctx;
    if (rounded < size)
        return NULL;
    if (size >= MAP_THRESHOLD)
        return map_anonymous(size);
    p = aligned_alloc(align, rounded);
    if (p)
        memset(p, 0, rounded);
    return p;
}

static void env_free(void *ctx, void *ptr, size_t size)
{
    (void)ctx;
    if (ptr && size >= MAP_THRESHOLD)
        munmap(ptr, size);
    else
        free(ptr);
}

void *hull_host_ram_map(uint64_t size)
{
    uint8_t *map, *ram;
    size_t before, after;

    if (size > SIZE_MAX - HUGE_PAGE || size == 0)
        return NULL;
    map = map_anonymous((size_t)size + HUGE_PAGE);
    if (!map)
        return NULL;
    ram = (uint8_t *)(((uintptr_t)map + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
    before = (size_t)(ram - map);
    after = HUGE_PAGE - before;
    if (before)
        munmap(map, before);
    if (after)
        munmap(ram + size, after);
    madvise(ram, size, MADV_DONTDUMP); // a core file tells of us, not of the guest
    madvise(ram, size, MADV_HUGEPAGE); // fewer faults, and fewer misses of the host's TLB
    return ram;
}

void hull_host_ram_unmap(void *ram, uint64_t size)
{
    if (ram)
        munmap(ram, (size_t)size);
}

static uint64_t env_now_ns(void *ctx)
{
    (void)ctx;
    return hull_clock_monotonic_ns();
}

static uint64_t env_realtime_ns(void *ctx)
{
    struct timespec ts;

    (void)ctx;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (uint64_t)ts.tv_sec * HULL_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

// A mutex lives in hull_lock's opaque room.
_Static_assert(sizeof(pthread_mutex_t) <= sizeof(struct hull_lock) &&
                   _Alignof(pthread_mutex_t) <= _Alignof(struct hull_lock),
               "a mutex fits into struct hull_lock");

static pthread_mutex_t *mutex_of(struct hull_lock *lock)
{
    return (pthread_mutex_t *)(void *)lock->opaque;
}

static void env_lock_init(void *ctx, struct hull_lock *lock)
{
    pthread_mutexattr_t attr;

    (void)ctx;
    pthread_mutexattr_init(&attr);
    // Device locks are held shortly: spinning a little beats two context switches.
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ADAPTIVE_NP);
    pthread_mutex_init(mutex_of(lock), &attr);
    pthread_mutexattr_destroy(&attr);
}

static void env_lock_destroy(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    pthread_mutex_destroy(mutex_of(lock));
}

static void env_lock(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    pthread_mutex_lock(mutex_of(lock));
}

static void env_unlock(void *ctx, struct hull_lock *lock)
{
    (void)ctx;
    pthread_mutex_unlock(mutex_of(lock));
}

static void env_timer_init(void *ctx, struct hull_timer *timer)
{
    (void)ctx;
    hull_timers_timer_init(timer);
}

static void env_timer_destroy(void *ctx, struct hull_timer *timer)
{
    struct host_env *host = ctx;

    hull_timers_timer_destroy(&host->timers, timer);
}

static void env_timer_arm(void *ctx, struct hull_timer *timer, uint64_t deadline_ns)
{
    struct host_env *host = ctx;

    hull_timers_arm(&host->timers, timer, deadline_ns);
}

// A wake leaves a token, so that one before the wait is not lost; only a thread that is really
// asleep costs the waker a system call.
enum sleep_state { SLEEP_NONE, SLEEP_TOKEN, SLEEP_ASLEEP };

static void env_vcpu_wait(void *ctx, struct vcpu *vcpu)
{
    struct host_vcpu *host = vcpu->host_data;
    uint32_t state = SLEEP_NONE;

    (void)ctx;
    if (atomic_compare_exchange_strong(&host->sleep, &state, SLEEP_ASLEEP)) {
        atomic_fetch_add_explicit(&host->sleeps, 1, memory_order_relaxed);
        syscall(SYS_futex, &host->sleep, FUTEX_WAIT_PRIVATE, SLEEP_ASLEEP, NULL, NULL, 0);
    }
    atomic_exchange(&host->sleep, SLEEP_NONE);
}

static void env_vcpu_wake(void *ctx, struct vcpu *vcpu)
{
    struct host_vcpu *host = vcpu->host_data;

    (void)ctx;
    if (host && atomic_exchange(&host->sleep, SLEEP_TOKEN) == SLEEP_ASLEEP)
        syscall(SYS_futex, &host->sleep, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void env_relax(void *ctx)
{
    (void)ctx;
    sched_yield(); // whom we wait for may need this very CPU
}

static int env_random(void *ctx, void *buf, size_t len)
{
    uint8_t *to = buf;

    (void)ctx;
    while (len) {
        ssize_t got = getrandom(to, len, 0);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -HULL_EIO;
        to += got;
        len -= (size_t)got;
    }
    return 0;
}

static void env_memory_discard(void *ctx, void *host, size_t len)
{
    (void)ctx;
    madvise(host, len, MADV_DONTNEED);
}

static void env_log(void *ctx, enum hull_log_level level, const char *subsystem, const char *line)
{
    struct host_env *host = ctx;

    hull_host_log_line(&host->log, level, subsystem, line);
}

static const struct hull_env_ops env_ops = {
    .alloc = env_alloc,
    .free = env_free,
    .now_ns = env_now_ns,
    .realtime_ns = env_realtime_ns,
    .lock_init = env_lock_init,
    .lock_destroy = env_lock_destroy,
    .lock = env_lock,
    .unlock = env_unlock,
    .timer_init = env_timer_init,
    .timer_destroy = env_timer_destroy,
    .timer_arm = env_timer_arm,
    .vcpu_wait = env_vcpu_wait,
    .vcpu_wake = env_vcpu_wake,
    .relax = env_relax,
    .random = env_random,
    .memory_discard = env_memory_discard,
    .log = env_log,
};

int hull_host_env_init(struct host_env *host, int log_level, const char *log_file)
{
    int err;

    host->env = (struct hull_env){.ops = &env_ops, .ctx = host};
    err = hull_host_log_init(&host->log, log_level, log_file);
    if (err)
        return err;
    err = hull_timers_init(&host->timers);
    if (err)
        hull_host_log_fini(&host->log);
    return err;
}

void hull_host_env_fini(struct host_env *host)
{
    hull_timers_fini(&host->timers);
    hull_host_log_fini(&host->log);
}
