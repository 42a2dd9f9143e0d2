// SPDX-License-Identifier: Apache-2.0
// The scheduler. One lock guards every hart's queue and every thread's state; it is held across the switch of
// stacks, and released by whoever runs next, so that no thread is picked up before it has left its stack.
#include "metal/common/thread.h"

#include <hull/error.h>

#include "lib/mem.h"
#include "metal/common/arch.h"
#include "metal/common/hart.h"
#include "metal/common/machine.h"
#include "metal/common/timers.h"

#define VTIME_SCALE 1024u
#define SLICE_TICKS (timers_hz() / 200)                                 // 5 ms
#define VTIME_BONUS (SLICE_TICKS * VTIME_SCALE / THREAD_WEIGHT_DEFAULT) // for those who slept

static void thread_start(void *arg)
{
    struct thread *thread = arg;

    spin_unlock(&machine.sched_lock);
    thread->body(thread->arg);
    spin_lock(&machine.sched_lock);
    thread->state = THREAD_ENDED;
    spin_unlock(&machine.sched_lock);
    for (;;)
        thread_wait();
}

int thread_create(struct thread *thread, const char *name, void (*body)(void *arg), void *arg)
{
    memset(thread, 0, sizeof(*thread));
    thread->stack = arch_stack_alloc(THREAD_STACK_SIZE);
    if (!thread->stack)
        return -HULL_ENOMEM;
    hull_list_init(&thread->link);
    thread->name = name;
    thread->body = body;
    thread->arg = arg;
    thread->hart = this_hart();
    thread->weight = THREAD_WEIGHT_DEFAULT;
    thread->sp = arch_stack_prepare(thread->stack + THREAD_STACK_SIZE, thread_start, thread);
    thread->since = arch_time();
    return 0;
}

void thread_destroy(struct thread *thread)
{
    if (thread->stack)
        arch_stack_free(thread->stack, THREAD_STACK_SIZE);
    thread->stack = 0;
}

// What `thread` used while it was on the hart, or waited for while it was ready.
static void account(struct thread *thread, uint64_t now)
{
    uint64_t ticks = now - thread->since;

    thread->since = now;
    if (thread->state == THREAD_RUNNING) {
        thread->ran += ticks;
        thread->vtime += ticks * VTIME_SCALE / thread->weight;
    } else if (thread->state == THREAD_READY) {
        thread->stolen += ticks;
    }
}

static void enqueue(struct host_hart *hart, struct thread *thread)
{
    thread->hart = hart;
    thread->state = THREAD_READY;
    hull_list_push_back(&hart->ready, &thread->link);
    hart->ready_count++;
}

static void dequeue(struct thread *thread)
{
    hull_list_remove(&thread->link);
    thread->hart->ready_count--;
}

static bool before(const struct thread *a, const struct thread *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return (int64_t)(a->vtime - b->vtime) < 0;
}

static struct thread *best_of(struct host_hart *hart, bool to_steal)
{
    struct list_link *link;
    struct thread *best = NULL;

    HULL_LIST_FOR_EACH(link, &hart->ready)
    {
        struct thread *thread = hull_list_entry(link, struct thread, link);

        if (!(to_steal && thread->pinned) && (!best || before(thread, best)))
            best = thread;
    }
    return best;
}

// Whether `thread` may be on `hart` at all: one that belongs to pinned vCPUs takes no others, but the
// hypervisor's own.
static bool may_run(const struct host_hart *hart, const struct thread *thread)
{
    return thread->pinned
               ? thread->hart == hart
               : !atomic_load(&hart->reserved) || thread->priority >= THREAD_PRIORITY_OWN;
}

// For a hart that has nothing to do: something that waits elsewhere.
static struct thread *steal(struct host_hart *hart)
{
    for (unsigned i = 1; i < machine.hart_count; i++) {
        struct host_hart *other = machine.harts[(hart->index + i) % machine.hart_count];
        struct thread *thread = other->ready_count ? best_of(other, true) : NULL;

        if (thread && may_run(hart, thread))
            return thread;
    }
    return NULL;
}

// Where a thread that becomes ready goes: where it was, unless that hart is busy and another one is idle, or
// it must not be there (any more).
static struct host_hart *place(struct thread *thread)
{
    struct host_hart *hart = thread->hart, *least = NULL;

    if (may_run(hart, thread) && (thread->pinned || hart->current == &hart->idle))
        return hart;
    for (unsigned i = 0; i < machine.hart_count; i++) {
        struct host_hart *other = machine.harts[i];

        if (!may_run(other, thread))
            continue;
        if (other->current == &other->idle && !other->ready_count)
            return other;
        if (!least || other->ready_count < least->ready_count)
            least = other;
    }
    return may_run(hart, thread) || !least ? hart : least;
}

static void slice_begin(struct host_hart *hart, uint64_t now)
{
    hart->slice_end =
        hart->ready_count && hart->current != &hart->idle ? now + SLICE_TICKS : HULL_TIME_NEVER;
    timers_slice_changed(hart);
}

// The scheduler's lock is held, before and after. The current thread's state says whether it still wants to
// run. `other`: not the current one, if there is anybody else.
static void schedule(bool other)
{
    struct host_hart *hart = this_hart();
    struct thread *from = hart->current, *to;
    uint64_t now = arch_time();

    atomic_store(&hart->resched, false);
    account(from, now);
    to = best_of(hart, false);
    if (from->state == THREAD_RUNNING && from != &hart->idle && to && !other && !before(to, from))
        to = from;
    if (!to && from->state == THREAD_RUNNING && from != &hart->idle)
        to = from;
    if (!to)
        to = steal(hart);
    if (!to)
        to = &hart->idle;
    if (to == from) {
        slice_begin(hart, now);
        return;
    }
    if (to != &hart->idle) {
        account(to, now);
        dequeue(to);
        to->vtime += hart->vtime - to->hart->vtime;
        if ((int64_t)(to->vtime - hart->vtime) > 0)
            hart->vtime = to->vtime;
    }
    if (from->leave)
        from->leave(from);
    if (from == &hart->idle)
        from->state = THREAD_READY;
    else if (from->state == THREAD_RUNNING)
        enqueue(may_run(hart, from) ? hart : place(from), from);
    to->state = THREAD_RUNNING;
    to->hart = hart;
    to->since = now;
    hart->current = to;
    slice_begin(hart, now);
    arch_stack_switch(&from->sp, to->sp);
}

void thread_wait(void)
{
    struct thread *me;

    spin_lock(&machine.sched_lock);
    me = this_hart()->current;
    if (!me->woken) {
        account(me, arch_time()); // while its state still says that it ran
        if (me->state != THREAD_ENDED)
            me->state = THREAD_BLOCKED;
        schedule(false);
    }
    me->woken = false;
    spin_unlock(&machine.sched_lock);
}

void thread_wake(struct thread *thread)
{
    struct host_hart *hart, *poke = NULL;
    struct thread *current;

    spin_lock(&machine.sched_lock);
    if (thread->state != THREAD_BLOCKED) {
        thread->woken = true;
        spin_unlock(&machine.sched_lock);
        return;
    }
    hart = place(thread);
    current = hart->current;
    account(thread, arch_time());
    // Having slept earns no claim on the past.
    thread->vtime += hart->vtime - thread->hart->vtime;
    if ((int64_t)(hart->vtime - VTIME_BONUS - thread->vtime) > 0)
        thread->vtime = hart->vtime - VTIME_BONUS;
    enqueue(hart, thread);
    if (current == &hart->idle || before(thread, current)) {
        if (!atomic_exchange(&hart->resched, true) && hart != this_hart())
            poke = hart;
    } else if (hart->slice_end == HULL_TIME_NEVER) {
        // It ran alone until now and has no slice: have it look.
        if (!atomic_exchange(&hart->resched, true) && hart != this_hart())
            poke = hart;
    }
    spin_unlock(&machine.sched_lock);
    if (poke)
        arch_ipi(poke);
}

void thread_yield(void)
{
    arch_poll();
    spin_lock(&machine.sched_lock);
    schedule(true);
    spin_unlock(&machine.sched_lock);
}

void thread_preempt(void)
{
    spin_lock(&machine.sched_lock);
    schedule(false);
    spin_unlock(&machine.sched_lock);
}

void thread_poke(struct thread *thread)
{
    struct host_hart *hart = thread->hart;

    // If it has left this hart meanwhile, it has also left the guest.
    if (hart != this_hart())
        arch_ipi(hart);
}

uint64_t thread_ran(const struct thread *thread)
{
    uint64_t ran;

    spin_lock(&machine.sched_lock);
    ran = thread->ran + (thread->state == THREAD_RUNNING ? arch_time() - thread->since : 0);
    spin_unlock(&machine.sched_lock);
    return ran;
}

bool thread_ended(const struct thread *thread)
{
    bool ended;

    spin_lock(&machine.sched_lock);
    ended = thread->state == THREAD_ENDED && thread->hart->current != thread;
    spin_unlock(&machine.sched_lock);
    return ended;
}

static void sleep_over(void *ctx)
{
    thread_wake(ctx);
}

// A wake-up that came meanwhile was meant for something else: whoever waits next looks at once.
void thread_sleep_ns(uint64_t ns)
{
    struct thread *me = this_hart()->current;
    struct hull_timer timer = {.fire = sleep_over, .ctx = me};
    uint64_t end = arch_time() + timers_ticks(ns);

    timers_timer_init(&timer);
    while (arch_time() < end) {
        timers_arm(&timer, end);
        thread_wait();
    }
    timers_timer_destroy(&timer);
    spin_lock(&machine.sched_lock);
    me->woken = true;
    spin_unlock(&machine.sched_lock);
}

struct host_hart *scheduler_next_hart(void)
{
    struct host_hart *hart = NULL;

    for (unsigned i = 0; i < machine.hart_count; i++) {
        hart = machine.harts[atomic_fetch_add(&machine.next_hart, 1) % machine.hart_count];
        if (!atomic_load(&hart->reserved))
            break;
    }
    return hart;
}

void scheduler_init(struct host_hart *hart)
{
    hull_list_init(&hart->ready);
    hart->idle =
        (struct thread){.hart = hart, .state = THREAD_RUNNING, .weight = 1, .name = "idle"};
    hull_list_init(&hart->idle.link);
    hart->idle.since = arch_time();
    hart->current = &hart->idle;
    hart->slice_end = HULL_TIME_NEVER;
}

void scheduler_idle(void)
{
    for (;;) {
        arch_poll();
        spin_lock(&machine.sched_lock);
        schedule(false);
        spin_unlock(&machine.sched_lock);
        // Whatever comes in from here on leaves an interrupt pending, which ends the sleep.
        if (!atomic_load(&this_hart()->resched))
            arch_idle();
    }
}
