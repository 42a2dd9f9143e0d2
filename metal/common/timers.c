// SPDX-License-Identifier: Apache-2.0
// Timers, in one sorted list for each hart: there are few of them.
#include "metal/common/timers.h"

#include <hull/vm.h>

#include "lib/ticks.h"
#include "metal/common/arch.h"
#include "metal/common/hart.h"
#include "metal/common/machine.h"

uint64_t timers_hz(void)
{
    return machine.platform.timebase_hz;
}

uint64_t timers_ns(uint64_t ticks)
{
    // The usual clock is spared the divisions.
    return timers_hz() == HULL_TIMEBASE_HZ ? ticks * (HULL_NSEC_PER_SEC / HULL_TIMEBASE_HZ)
                                           : hull_ns_of_ticks(timers_hz(), ticks);
}

uint64_t timers_ticks(uint64_t ns)
{
    uint64_t ticks = hull_ticks_of_ns(timers_hz(), ns);

    return ticks + (timers_ns(ticks) < ns);
}

struct timer_node {
    struct list_link link;
    uint64_t deadline;
    struct host_hart *hart; // in whose list it is; NULL: not armed
};

_Static_assert(sizeof(struct timer_node) <= sizeof(((struct hull_timer *)0)->opaque),
               "a node fits into struct hull_timer");

static struct timer_node *node_of(struct hull_timer *timer)
{
    return (struct timer_node *)(void *)timer->opaque;
}

static struct hull_timer *timer_of(struct timer_node *node)
{
    return hull_container_of((uint64_t(*)[6])(void *)node, struct hull_timer, opaque);
}

static void take_out(struct timer_node *node)
{
    hull_list_remove(&node->link);
    node->hart = NULL;
}

static void insert(struct host_hart *hart, struct timer_node *node)
{
    struct list_link *at;

    HULL_LIST_FOR_EACH(at, &hart->timers)
    if (hull_list_entry(at, struct timer_node, link)->deadline > node->deadline)
        break;
    hull_list_insert_before(at, &node->link);
    node->hart = hart;
}

// Only the hart itself changes when its interrupt comes; another one at most takes timers away, and then
// the interrupt comes for nothing.
static void timers_program(struct host_hart *hart)
{
    uint64_t deadline = hart->slice_end;

    if (!hull_list_empty(&hart->timers)) {
        struct timer_node *first = hull_list_entry(hart->timers.next, struct timer_node, link);

        if (first->deadline < deadline)
            deadline = first->deadline;
    }
    if (deadline != hart->timer_set) {
        hart->timer_set = deadline;
        arch_timer_set(deadline);
    }
}

// Too early an interrupt does no harm, so that only a nearer end is of interest.
void timers_slice_changed(struct host_hart *hart)
{
    if (hart->slice_end >= hart->timer_set)
        return;
    hart->timer_set = hart->slice_end;
    arch_timer_set(hart->slice_end);
}

void timers_timer_init(struct hull_timer *timer)
{
    struct timer_node *node = node_of(timer);

    hull_list_init(&node->link);
    node->hart = NULL;
}

void timers_arm(struct hull_timer *timer, uint64_t deadline)
{
    struct host_hart *hart = this_hart();
    struct timer_node *node = node_of(timer);

    spin_lock(&machine.timer_lock);
    if (node->hart)
        take_out(node);
    if (deadline != HULL_TIME_NEVER) {
        node->deadline = deadline;
        insert(hart, node);
        if (hart->timers.next == &node->link)
            timers_program(hart);
    }
    spin_unlock(&machine.timer_lock);
}

static bool fires_elsewhere(const struct hull_timer *timer)
{
    for (unsigned i = 0; i < machine.hart_count; i++)
        if (machine.harts[i]->firing == timer && machine.harts[i] != this_hart())
            return true;
    return false;
}

void timers_timer_destroy(struct hull_timer *timer)
{
    struct timer_node *node = node_of(timer);

    spin_lock(&machine.timer_lock);
    while (fires_elsewhere(timer)) {
        spin_unlock(&machine.timer_lock);
        spin_lock(&machine.timer_lock);
    }
    if (node->hart)
        take_out(node);
    spin_unlock(&machine.timer_lock);
}

void timers_run(void)
{
    struct host_hart *hart = this_hart();
    uint64_t now = arch_time();

    spin_lock(&machine.timer_lock);
    hart->timer_set = HULL_TIME_NEVER;
    // A handler that arms for "at once" waits for the next interrupt.
    while (!hull_list_empty(&hart->timers)) {
        struct timer_node *node = hull_list_entry(hart->timers.next, struct timer_node, link);

        if (node->deadline > now)
            break;
        take_out(node);
        hart->firing = timer_of(node);
        spin_unlock(&machine.timer_lock);
        hart->firing->fire(hart->firing->ctx);
        spin_lock(&machine.timer_lock);
        hart->firing = NULL;
    }
    if (hart->slice_end <= now) {
        hart->slice_end = HULL_TIME_NEVER;
        atomic_store(&hart->resched, true);
    }
    // Quiet until then, also if that is never: the interrupt is level-triggered.
    hart->timer_set = 0;
    timers_program(hart);
    spin_unlock(&machine.timer_lock);
}
