// SPDX-License-Identifier: Apache-2.0
// The same work on one thread and on two: computing apart, atomics on counters of their own and on a
// shared one, a mutex, and page faults in one address space.
#define _GNU_SOURCE
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { MOST_THREADS = 2, LINE = 64, PAGE = 4096 };

struct team;
struct worker {
    _Alignas(LINE) atomic_ullong counter;
    uint64_t share;  // how much of the work is this one's
    uint64_t number; // where that share begins
    uint64_t result;
    struct team *team;
};

struct team {
    struct worker workers[MOST_THREADS];
    _Alignas(LINE) atomic_ullong shared;
    _Alignas(LINE) pthread_mutex_t mutex;
    uint64_t guarded;
    char *memory;
    pthread_barrier_t ready;
    void (*work)(struct worker *);
};

static void *worker_thread(void *argument)
{
    struct worker *w = argument;
    pthread_barrier_wait(&w->team->ready);
    w->team->work(w);
    return NULL;
}

// Divides the work among the threads, of which this one is not one; sums up the workers' results.
static int run_team(struct bench *b, int threads, uint64_t amount, struct team *team,
                    void (*work)(struct worker *))
{
    pthread_t handles[MOST_THREADS];
    uint64_t sum = 0;
    team->work = work;
    pthread_mutex_init(&team->mutex, NULL);
    pthread_barrier_init(&team->ready, NULL, (unsigned)threads + 1);
    amount &= ~(uint64_t)(MOST_THREADS - 1);
    for (int i = 0; i < threads; i++) {
        struct worker *w = &team->workers[i];
        w->team = team;
        w->share = amount / (uint64_t)threads;
        w->number = w->share * (uint64_t)i;
        if (pthread_create(&handles[i], NULL, worker_thread, w) != 0) {
            return bench_fail(b, "thread");
        }
    }
    pthread_barrier_wait(&team->ready);
    bench_start(b);
    for (int i = 0; i < threads; i++) {
        pthread_join(handles[i], NULL);
        sum += team->workers[i].result;
    }
    bench_stop(b);
    bench_check(b, sum + team->guarded + atomic_load(&team->shared));
    return 0;
}

static void compute(struct worker *w)
{
    for (uint64_t i = w->number; i < w->number + w->share; i++) {
        uint64_t x = i + 1;
        for (int step = 0; step < 100; step++) {
            x = (x ^ x >> 31) * 0x7fb5d329728ea185;
        }
        w->result += x;
    }
}

static void count_own(struct worker *w)
{
    for (uint64_t i = 0; i < w->share; i++) {
        atomic_fetch_add(&w->counter, i & 3);
    }
    w->result = atomic_load(&w->counter);
}

static void count_shared(struct worker *w)
{
    for (uint64_t i = 0; i < w->share; i++) {
        atomic_fetch_add(&w->team->shared, 1);
    }
}

static void count_guarded(struct worker *w)
{
    uint64_t x = 1;
    for (uint64_t i = 0; i < w->share; i++) {
        pthread_mutex_lock(&w->team->mutex);
        w->team->guarded++;
        pthread_mutex_unlock(&w->team->mutex);
        for (int step = 0; step < 40; step++) {
            x = (x ^ x >> 31) * 0x7fb5d329728ea185;
        }
    }
    w->result = x & 0; // only there to be computed
}

static void touch(struct worker *w)
{
    for (uint64_t i = w->number; i < w->number + w->share; i++) {
        w->result += (uint64_t)(++w->team->memory[i * PAGE]);
    }
}

static int threads(struct bench *b, int count)
{
    static struct team team;
    return run_team(b, count, bench_count(b, 3200000), &team, compute);
}

static int atomics_own(struct bench *b, int count)
{
    static struct team team;
    return run_team(b, count, bench_count(b, 64000000), &team, count_own);
}

static int atomics_shared(struct bench *b, int count)
{
    static struct team team;
    return run_team(b, count, bench_count(b, 4000000), &team, count_shared);
}

static int mutex(struct bench *b, int count)
{
    static struct team team;
    return run_team(b, count, bench_count(b, 1500000), &team, count_guarded);
}

static int faults(struct bench *b, int count)
{
    static struct team team;
    uint64_t pages = bench_count(b, 20000);
    team.memory =
        mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (team.memory == MAP_FAILED) {
        return bench_fail(b, "memory");
    }
    madvise(team.memory, pages * PAGE, MADV_NOHUGEPAGE);
    return run_team(b, count, pages, &team, touch);
}

#define ON_ONE_AND_TWO(name)              \
    int bench_##name##_1(struct bench *b) \
    {                                     \
        return name(b, 1);                \
    }                                     \
    int bench_##name##_2(struct bench *b) \
    {                                     \
        return name(b, 2);                \
    }
ON_ONE_AND_TWO(threads)
ON_ONE_AND_TWO(atomics_own)
ON_ONE_AND_TWO(atomics_shared)
ON_ONE_AND_TWO(mutex)
ON_ONE_AND_TWO(faults)
