// SPDX-License-Identifier: Apache-2.0
// Threads of the hypervisor: one for each vCPU, and the manager's. Each hart runs those of its queue, by
// priority, then by weight; an idle hart takes some from others. They give the hart away when they wait, and
// vCPUs also when their time slice is over.
#ifndef METAL_COMMON_THREAD_H
#define METAL_COMMON_THREAD_H

#include <stdatomic.h>

#include <hull/types.h>

#include "lib/list.h"

struct host_hart;

#define THREAD_STACK_SIZE 12288u
#define THREAD_WEIGHT_DEFAULT 100
#define THREAD_PRIORITY_OWN 254 // the hypervisor's threads
#define THREAD_PRIORITY_MANAGER 255

enum thread_state { THREAD_BLOCKED, THREAD_READY, THREAD_RUNNING, THREAD_ENDED };

struct thread {
    struct list_link link; // in its hart's queue, when READY
    uint64_t sp;
    struct host_hart *hart; // where it runs, waits, or ran last
    uint32_t state;         // enum thread_state
    bool woken;             // a wake-up that came before the wait
    bool pinned;            // stays on its hart
    uint8_t priority;       // the higher one runs
    uint16_t weight;        // of those with equal priority, each gets its share
    uint64_t vtime;         // time run, divided by the weight
    uint64_t ran, stolen;   // ticks: on a hart; ready, but another one had the hart
    uint64_t since;         // of the present state
    uintptr_t stack;        // its lowest address
    void (*body)(void *arg);
    void *arg;
    void (*leave)(struct thread *thread); // before another one gets the hart; may be NULL
    const char *name;
};

// 0 or -HULL_ENOMEM. The thread is blocked until the first wake-up. The owner fills in pinned, priority,
// weight, leave and hart (NULL: this one) after it.
int thread_create(struct thread *thread, const char *name, void (*body)(void *arg), void *arg);
void thread_destroy(struct thread *thread); // one that has ended, or never ran

void thread_wait(void);                  // returns after a wake-up, also one that came before
void thread_wake(struct thread *thread); // from anywhere
void thread_yield(void);                 // lets others have the hart, whatever their priority
void thread_sleep_ns(uint64_t ns);
void thread_poke(struct thread *thread);          // has it leave the guest, if it is in one
uint64_t thread_ran(const struct thread *thread); // ticks on a hart, up to now
bool thread_ended(const struct thread *thread);

// On the way back to a guest: whether this_hart()->resched; and giving the hart away then.
void thread_preempt(void);

struct host_hart *scheduler_next_hart(void); // where a thread that may go anywhere begins
void scheduler_init(struct host_hart *hart); // on that hart; its idle thread is who calls
__attribute__((noreturn)) void scheduler_idle(void);

#endif
