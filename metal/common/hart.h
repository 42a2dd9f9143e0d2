// SPDX-License-Identifier: Apache-2.0
// A physical hart as the hypervisor uses it, and its lock. In the hypervisor, tp points to the hart's
// structure. Interrupts are off in HS mode: code of ours is never interrupted, and gives the hart away
// only where it calls the scheduler.
#ifndef METAL_COMMON_HART_H
#define METAL_COMMON_HART_H

#include <stdatomic.h>

#include <hull/env.h>
#include <hull/types.h>

#include "lib/list.h"
#include "metal/board/irqchip.h"
#include "metal/common/thread.h"

#define METAL_HARTS_MAX 64
#define HART_GUEST_FILES_MAX 63

// Taken in the order of arrival. Nobody sleeps, or gives the hart away, while holding one.
struct spin {
    _Atomic uint32_t next, serving;
};

static inline void spin_lock(struct spin *spin)
{
    uint32_t ticket = atomic_fetch_add_explicit(&spin->next, 1, memory_order_relaxed);

    while (atomic_load_explicit(&spin->serving, memory_order_acquire) != ticket)
        ;
}

static inline void spin_unlock(struct spin *spin)
{
    uint32_t ticket = atomic_load_explicit(&spin->serving, memory_order_relaxed);

    atomic_store_explicit(&spin->serving, ticket + 1, memory_order_release);
}

enum hart_call_state { HART_CALL_ASKED, HART_CALL_DONE, HART_CALL_OVER };

// What one hart wants of another: arch_call().
struct hart_call {
    void (*body)(void *arg);
    void *arg;
    struct thread *caller;
    _Atomic uint32_t state; // enum hart_call_state
};

struct host_hart {
    // For assembly.
    uint64_t satp;
    uint64_t idle_stack_top, trap_stack_top, trap_sp;
    void *guest; // struct guest_regs of the guest that guest_enter() is in

    unsigned index;  // in machine.harts
    uint64_t hartid; // the firmware's number
    _Atomic bool online;
    bool in_trap; // a second fault meanwhile is the end

    // The scheduler's, under its lock.
    struct thread *current, *ended;
    struct thread idle;
    struct list_link ready;
    unsigned ready_count;
    _Atomic uint32_t reserved; // vCPUs that are pinned here: nobody else's may run
    uint64_t vtime;            // of whoever ran last; each hart counts its own
    uint64_t slice_end;        // ticks; HULL_TIME_NEVER: nobody else wants the hart
    _Atomic uint32_t resched;  // a word: exchanges of bytes are slow

    // Timers by deadline, under the timers' lock.
    struct list_link timers;
    struct hull_timer *firing;
    uint64_t timer_set; // when the interrupt is to come

    void *loaded;   // struct hext: whose state was in the VS registers last
    void *fp_owner; // the same of the FP registers
    struct irqchip_hart irq;

    unsigned guest_files;                            // of AIA, for vCPUs: numbers 1 to this
    _Atomic(void *) files[HART_GUEST_FILES_MAX + 1]; // struct hext: whose each is; NULL: nobody's
    _Atomic(struct hart_call *) call;                // of another hart
};

static inline struct host_hart *this_hart(void)
{
    struct host_hart *hart;

    // Volatile: a thread may go on on another hart.
    __asm__ volatile("mv %0, tp" : "=r"(hart));
    return hart;
}

#endif
