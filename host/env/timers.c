// SPDX-License-Identifier: Apache-2.0
// A pairing heap of the armed timers, and the timerfd that stands for the earliest of them.
#include "host/env/timers.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

// Lives in hull_timer.opaque. `prev` is the left sibling, or the parent of a first child.
struct timer_node {
    uint64_t deadline;
    struct timer_node *child, *next, *prev;
    bool armed;
} __attribute__((may_alias));

_Static_assert(sizeof(struct timer_node) <= sizeof(((struct hull_timer *)0)->opaque),
               "a timer's node fits into its opaque room");

static struct timer_node *node_of(struct hull_timer *timer)
{
    return (struct timer_node *)timer->opaque;
}

static struct hull_timer *timer_of(struct timer_node *node)
{
    return hull_container_of((void *)node, struct hull_timer, opaque);
}

uint64_t hull_clock_monotonic_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * HULL_NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

// Two heaps into one; neither root has siblings. Either may be NULL.
static struct timer_node *heap_meld(struct timer_node *a, struct timer_node *b)
{
    if (!a || !b)
        return a ? a : b;
    if (b->deadline < a->deadline) {
        struct timer_node *swap = a;
        a = b;
        b = swap;
    }
    b->next = a->child;
    b->prev = a;
    if (a->child)
        a->child->prev = b;
    a->child = b;
    return a;
}

// The heap that a row of siblings makes: pairs from the left, then all pairs from the right.
static struct timer_node *heap_meld_row(struct timer_node *row)
{
    struct timer_node *pairs = NULL, *heap = NULL;

    while (row) {
        struct timer_node *a = row, *b = row->next;

        row = b ? b->next : NULL;
        a->next = a->prev = NULL;
        if (b)
            b->next = b->prev = NULL;
        a = heap_meld(a, b);
        a->next = pairs;
        pairs = a;
    }
    while (pairs) {
        struct timer_node *rest = pairs->next;

        pairs->next = NULL;
        heap = heap_meld(heap, pairs);
        pairs = rest;
    }
    return heap;
}

static void heap_insert(struct host_timers *timers, struct timer_node *node)
{
    node->child = node->next = node->prev = NULL;
    node->armed = true;
    timers->root = heap_meld(timers->root, node);
}

static void heap_remove(struct host_timers *timers, struct timer_node *node)
{
    struct timer_node *below = heap_meld_row(node->child);

    if (node == timers->root) {
        timers->root = below;
    } else {
        if (node->prev->child == node)
            node->prev->child = node->next;
        else
            node->prev->next = node->next;
        if (node->next)
            node->next->prev = node->prev;
        timers->root = heap_meld(timers->root, below);
    }
    node->child = node->next = node->prev = NULL;
    node->armed = false;
}

// Lock held: two threads must not program in the other order than they decided.
static void timerfd_program(struct host_timers *timers)
{
    uint64_t at = timers->root ? timers->root->deadline : HULL_TIME_NEVER;
    struct itimerspec spec = {0};

    if (at == timers->programmed)
        return;
    timers->programmed = at;
    if (at != HULL_TIME_NEVER) {
        spec.it_value.tv_sec = (time_t)(at / HULL_NSEC_PER_SEC);
        spec.it_value.tv_nsec = (long)(at % HULL_NSEC_PER_SEC);
        if (at == 0)
            spec.it_value.tv_nsec = 1; // all zero would disarm
    }
    timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &spec, NULL);
}

int hull_timers_init(struct host_timers *timers)
{
    *timers = (struct host_timers){.programmed = HULL_TIME_NEVER};
    timers->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (timers->fd < 0)
        return -HULL_EIO;
    pthread_mutex_init(&timers->lock, NULL);
    pthread_cond_init(&timers->fired, NULL);
    return 0;
}

void hull_timers_fini(struct host_timers *timers)
{
    close(timers->fd);
    pthread_cond_destroy(&timers->fired);
    pthread_mutex_destroy(&timers->lock);
}

static void timer_fire(struct host_timers *timers, struct timer_node *node)
{
    struct hull_timer *timer = timer_of(node);

    heap_remove(timers, node);
    timers->firing = node;
    timers->firing_thread = pthread_self();
    pthread_mutex_unlock(&timers->lock);
    timer->fire(timer->ctx);
    pthread_mutex_lock(&timers->lock);
    timers->firing = NULL;
    pthread_cond_broadcast(&timers->fired);
}

void hull_timers_run(struct host_timers *timers)
{
    uint64_t expirations, now = hull_clock_monotonic_ns();

    while (read(timers->fd, &expirations, sizeof(expirations)) < 0 && errno == EINTR)
        ;
    pthread_mutex_lock(&timers->lock);
    timers->programmed = HULL_TIME_NEVER;
    timers->running = true;
    // `now` stays as it was: a handler that arms for "at once" waits for the next round, so that the
    // loop gets to its other work.
    while (timers->root && timers->root->deadline <= now)
        timer_fire(timers, timers->root);
    timers->running = false;
    timerfd_program(timers);
    pthread_mutex_unlock(&timers->lock);
}

void hull_timers_timer_init(struct hull_timer *timer)
{
    *node_of(timer) = (struct timer_node){.deadline = HULL_TIME_NEVER};
}

void hull_timers_timer_destroy(struct host_timers *timers, struct hull_timer *timer)
{
    struct timer_node *node = node_of(timer);

    pthread_mutex_lock(&timers->lock);
    while (timers->firing == node && !pthread_equal(timers->firing_thread, pthread_self()))
        pthread_cond_wait(&timers->fired, &timers->lock);
    if (node->armed)
        heap_remove(timers, node);
    pthread_mutex_unlock(&timers->lock);
}

void hull_timers_arm(struct host_timers *timers, struct hull_timer *timer, uint64_t deadline_ns)
{
    struct timer_node *node = node_of(timer);

    pthread_mutex_lock(&timers->lock);
    if (node->armed)
        heap_remove(timers, node);
    node->deadline = deadline_ns;
    if (deadline_ns != HULL_TIME_NEVER)
        heap_insert(timers, node);
    // A timerfd that waits for too early a time only costs a wake-up, less often than a system call
    // for each timer that moves on: program it only when the earliest came nearer.
    if (!timers->running && timers->root && timers->root->deadline < timers->programmed)
        timerfd_program(timers);
    pthread_mutex_unlock(&timers->lock);
}
