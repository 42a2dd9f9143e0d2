// SPDX-License-Identifier: Apache-2.0
// The hosted environment: timers against a plain model, sleeping vCPUs, memory, the loop's tasks.
#include "unit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hull/vcpu.h>

#include "host/env/env.h"
#include "host/env/loop.h"

#define TIMERS 200u

struct record {
    struct hull_timer timer;
    unsigned index, fired;
    uint64_t deadline;
};

struct order {
    unsigned fired[TIMERS], count;
};

static struct order *order_now;

static void note_fire(void *ctx)
{
    struct record *r = ctx;

    r->fired++;
    assert_true(hull_clock_monotonic_ns() >= r->deadline);
    order_now->fired[order_now->count++] = r->index;
}

// Reads the timerfd's readiness as the loop would.
static bool timers_due(struct host_timers *timers, int timeout_ms)
{
    struct pollfd p = {.fd = timers->fd, .events = POLLIN};

    return poll(&p, 1, timeout_ms) == 1;
}

static void timers_fire_in_order(void **state)
{
    struct host_timers timers;
    struct record *records = calloc(TIMERS, sizeof(*records));
    struct order order = {.count = 0};
    uint64_t start, last = 0;
    unsigned armed = 0;

    (void)state;
    order_now = &order;
    srand(7);
    assert_int_equal(hull_timers_init(&timers), 0);
    start = hull_clock_monotonic_ns();
    for (unsigned i = 0; i < TIMERS; i++) {
        records[i].timer = (struct hull_timer){.fire = note_fire, .ctx = &records[i]};
        records[i].index = i;
        hull_timers_timer_init(&records[i].timer);
    }
    // Arm, move and disarm at random; in the end each stands at its last deadline.
    for (unsigned n = 0; n < 5000; n++) {
        struct record *r = &records[(unsigned)rand() % TIMERS];

        r->deadline =
            rand() % 4 ? start + 100000000ull + (uint64_t)(rand() % 50000000) : HULL_TIME_NEVER;
        hull_timers_arm(&timers, &r->timer, r->deadline);
    }
    for (unsigned i = 0; i < TIMERS; i++)
        armed += records[i].deadline && records[i].deadline != HULL_TIME_NEVER;
    while (order.count < armed && timers_due(&timers, 2000))
        hull_timers_run(&timers);
    assert_int_equal(order.count, armed);
    for (unsigned i = 0; i < order.count; i++) {
        struct record *r = &records[order.fired[i]];

        assert_int_equal(r->fired, 1);
        assert_true(r->deadline >= last);
        last = r->deadline;
    }
    assert_false(timers_due(&timers, 100)); // nothing else is programmed
    for (unsigned i = 0; i < TIMERS; i++)
        hull_timers_timer_destroy(&timers, &records[i].timer);
    hull_timers_fini(&timers);
    free(records);
}

struct again {
    struct host_timers *timers;
    struct hull_timer timer;
    unsigned fired;
};

static void fire_again(void *ctx)
{
    struct again *a = ctx;

    if (++a->fired < 5)
        hull_timers_arm(a->timers, &a->timer, 0);
}

static void handlers_may_arm_again(void **state)
{
    struct host_timers timers;
    struct again a = {.timers = &timers, .timer = {.fire = fire_again, .ctx = &a}};

    (void)state;
    assert_int_equal(hull_timers_init(&timers), 0);
    hull_timers_timer_init(&a.timer);
    hull_timers_arm(&timers, &a.timer, 0);
    while (a.fired < 5 && timers_due(&timers, 1000))
        hull_timers_run(&timers);
    assert_int_equal(a.fired, 5);
    hull_timers_fini(&timers);
}

static void count_fire(void *ctx)
{
    atomic_fetch_add((_Atomic unsigned *)ctx, 1);
}

// An earlier deadline has to reprogram the timerfd, a disarmed timer must not fire.
static void earlier_wins(void **state)
{
    struct host_timers timers;
    _Atomic unsigned fired = 0, never = 0;
    struct hull_timer a = {.fire = count_fire, .ctx = &fired};
    struct hull_timer b = {.fire = count_fire, .ctx = &never};
    uint64_t now = hull_clock_monotonic_ns();

    (void)state;
    assert_int_equal(hull_timers_init(&timers), 0);
    hull_timers_timer_init(&a);
    hull_timers_timer_init(&b);
    hull_timers_arm(&timers, &b, now + 3600 * HULL_NSEC_PER_SEC);
    hull_timers_arm(&timers, &a, now + 10000000);
    hull_timers_arm(&timers, &b, HULL_TIME_NEVER);
    assert_true(timers_due(&timers, 1000));
    hull_timers_run(&timers);
    assert_int_equal(fired, 1);
    assert_false(timers_due(&timers, 50));
    assert_int_equal(never, 0);
    hull_timers_fini(&timers);
}

struct ping {
    struct host_env host;
    struct vcpu vcpus[2];
    struct host_vcpu sleepers[2];
    _Atomic unsigned turn;
};

#define PINGS 20000u

// Sleeps until it is this side's turn: a lost wake would hang it.
static void ping_run(struct ping *p, unsigned side)
{
    const struct hull_env *env = &p->host.env;

    for (unsigned i = 0; i < PINGS; i++) {
        while (atomic_load(&p->turn) % 2 != side)
            env->ops->vcpu_wait(env->ctx, &p->vcpus[side]);
        atomic_fetch_add(&p->turn, 1);
        env->ops->vcpu_wake(env->ctx, &p->vcpus[!side]);
    }
}

static void *ping_thread(void *arg)
{
    ping_run(arg, 1);
    return NULL;
}

static void no_wake_is_lost(void **state)
{
    struct ping *p = calloc(1, sizeof(*p));
    const struct hull_env *env = &p->host.env;
    pthread_t thread;

    (void)state;
    alarm(60); // a lost wake hangs: let that be a failure
    assert_int_equal(hull_host_env_init(&p->host, HULL_LOG_ERROR, NULL), 0);
    for (unsigned i = 0; i < 2; i++)
        p->vcpus[i].host_data = &p->sleepers[i];
    env->ops->vcpu_wake(env->ctx, &p->vcpus[0]); // before the wait
    env->ops->vcpu_wait(env->ctx, &p->vcpus[0]);
    assert_int_equal(pthread_create(&thread, NULL, ping_thread, p), 0);
    ping_run(p, 0);
    pthread_join(thread, NULL);
    alarm(0);
    assert_int_equal(p->turn, 2 * PINGS);
    hull_host_env_fini(&p->host);
    free(p);
}

static void memory_is_zeroed_and_aligned(void **state)
{
    static const size_t sizes[] = {1, 63, 64, 65, 4095, 4096, 8192, 65536, 65537, 1 << 20};
    struct host_env host;
    const struct hull_env *env = &host.env;

    (void)state;
    assert_int_equal(hull_host_env_init(&host, HULL_LOG_ERROR, NULL), 0);
    for (unsigned round = 0; round < 2; round++) { // the second time over used memory
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            uint8_t *p = hull_alloc(env, sizes[i]);

            assert_non_null(p);
            assert_int_equal((uintptr_t)p % (sizes[i] % 4096 ? 64 : 4096), 0);
            for (size_t k = 0; k < sizes[i]; k++)
                assert_int_equal(p[k], 0);
            memset(p, 0xaa, sizes[i]);
            hull_free(env, p, sizes[i]);
        }
    }
    hull_free(env, NULL, 8);
    assert_null(hull_alloc(env, SIZE_MAX));
    assert_null(hull_alloc(env, SIZE_MAX / 2));
    hull_host_env_fini(&host);
}

static void discarded_ram_reads_as_zero(void **state)
{
    struct host_env host;
    uint8_t *ram;

    (void)state;
    assert_int_equal(hull_host_env_init(&host, HULL_LOG_ERROR, NULL), 0);
    ram = hull_host_ram_map(8 << 20);
    assert_non_null(ram);
    assert_int_equal((uintptr_t)ram % (2 << 20), 0);
    memset(ram, 0x55, 8 << 20);
    host.env.ops->memory_discard(&host, ram + 4096, 2 << 20);
    assert_int_equal(ram[4095], 0x55);
    assert_int_equal(ram[4096], 0);
    assert_int_equal(ram[(2 << 20) + 4095], 0);
    assert_int_equal(ram[(2 << 20) + 4096], 0x55);
    hull_host_ram_unmap(ram, 8 << 20);
    assert_null(hull_host_ram_map(UINT64_MAX));
    hull_host_env_fini(&host);
}

struct posts {
    struct loop loop;
    struct loop_task task;
    _Atomic unsigned posted;
    unsigned ran, seen;
};

static void posts_run(void *ctx)
{
    struct posts *p = ctx;

    p->ran++;
    p->seen = atomic_load(&p->posted);
}

static void *posts_thread(void *arg)
{
    struct posts *p = arg;

    for (unsigned i = 0; i < 10000; i++) {
        atomic_fetch_add(&p->posted, 1);
        hull_loop_post(&p->loop, &p->task);
    }
    return NULL;
}

// However posts and runs interleave, the last post is seen by a run that follows it.
static void no_post_is_lost(void **state)
{
    struct posts p = {.task = {.run = posts_run, .ctx = &p}};
    pthread_t thread;

    (void)state;
    assert_int_equal(hull_loop_init(&p.loop), 0);
    assert_int_equal(pthread_create(&thread, NULL, posts_thread, &p), 0);
    for (unsigned i = 0; i < 20000 && p.seen < 10000; i++)
        hull_loop_once(&p.loop, 1000);
    pthread_join(thread, NULL);
    assert_int_equal(p.seen, 10000);
    assert_true(p.ran <= 10000);
    hull_loop_post(&p.loop, &p.task);
    hull_loop_cancel(&p.loop, &p.task);
    p.ran = 0;
    hull_loop_once(&p.loop, 0);
    assert_int_equal(p.ran, 0);
    hull_loop_fini(&p.loop);
}

struct pair {
    struct loop loop;
    struct loop_source a, b;
    unsigned calls;
};

static void pair_ready(void *ctx, short revents)
{
    struct pair *p = ctx;

    assert_true(revents & POLLIN);
    p->calls++;
    hull_loop_remove(&p->loop, &p->a);
    hull_loop_remove(&p->loop, &p->b);
}

// A source that is removed by another's handler hears nothing more, even of the same round.
static void removed_sources_are_not_called(void **state)
{
    struct pair p = {0};
    int fds[2];

    (void)state;
    assert_int_equal(hull_loop_init(&p.loop), 0);
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "x", 1), 1);
    p.a = (struct loop_source){.fd = fds[0], .events = POLLIN, .ready = pair_ready, .ctx = &p};
    p.b = p.a;
    hull_loop_add(&p.loop, &p.a);
    hull_loop_add(&p.loop, &p.b);
    hull_loop_once(&p.loop, 0);
    assert_int_equal(p.calls, 1);
    hull_loop_once(&p.loop, 0);
    assert_int_equal(p.calls, 1);
    close(fds[0]);
    close(fds[1]);
    hull_loop_fini(&p.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_fire_in_order),
        cmocka_unit_test(handlers_may_arm_again),
        cmocka_unit_test(earlier_wins),
        cmocka_unit_test(no_wake_is_lost),
        cmocka_unit_test(memory_is_zeroed_and_aligned),
        cmocka_unit_test(discarded_ram_reads_as_zero),
        cmocka_unit_test(no_post_is_lost),
        cmocka_unit_test(removed_sources_are_not_called),
    };
    return cmocka_run_group_tests_name("host/env", tests, NULL, NULL);
}
