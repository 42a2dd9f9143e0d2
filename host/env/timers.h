// SPDX-License-Identifier: Apache-2.0
// One-shot timers of the hosted program: a heap under one mutex, and one timerfd that the event loop
// watches. Any thread arms; the loop's thread fires, holding no lock.
#ifndef HOST_ENV_TIMERS_H
#define HOST_ENV_TIMERS_H

#include <hull/env.h>
#include <pthread.h>

struct timer_node;

struct host_timers {
    pthread_mutex_t lock;
    pthread_cond_t fired;
    struct timer_node *root;   // the earliest of a pairing heap
    struct timer_node *firing; // its handler runs now, on the loop's thread
    pthread_t firing_thread;
    bool running;        // run() programs the timerfd when it is through; arm() need not
    uint64_t programmed; // what the timerfd waits for
    int fd;
};

// 0 or -HULL_EIO (no file descriptor).
HULL_MUST_CHECK int hull_timers_init(struct host_timers *timers);
void hull_timers_fini(struct host_timers *timers);
// Fires what has come due; the loop calls it when `fd` is readable.
void hull_timers_run(struct host_timers *timers);

void hull_timers_timer_init(struct hull_timer *timer);
// Also waits for a handler that is running on another thread.
void hull_timers_timer_destroy(struct host_timers *timers, struct hull_timer *timer);
void hull_timers_arm(struct host_timers *timers, struct hull_timer *timer, uint64_t deadline_ns);

uint64_t hull_clock_monotonic_ns(void);

#endif
