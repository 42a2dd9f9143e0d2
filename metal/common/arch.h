// SPDX-License-Identifier: Apache-2.0
// What metal/common takes from the machine's architecture (metal/riscv64).
#ifndef METAL_COMMON_ARCH_H
#define METAL_COMMON_ARCH_H

#include <hull/types.h>

struct host_hart;
struct thread;
struct vm_memory;

// ---- Time and interrupts ----
uint64_t arch_time(void);              // ticks, timers_hz() of them in a second
void arch_timer_set(uint64_t ticks);   // this hart's next timer interrupt
void arch_ipi(struct host_hart *hart); // interrupts a hart's guest, or its sleep
void arch_poll(void);                  // handles this hart's pending interrupts
void arch_idle(void);                  // sleeps until one is pending
// Has that hart run `body`; the calling thread waits until it is done. No lock is held.
void arch_call(struct host_hart *hart, void (*body)(void *arg), void *arg);

// ---- Threads ----
void arch_stack_switch(uint64_t *save_sp, uint64_t load_sp);
uint64_t arch_stack_prepare(uintptr_t top, void (*body)(void *arg), void *arg); // the sp to load

// ---- The hypervisor's own address space ----
// All RAM and devices lie at their physical addresses.
static inline void *phys_ptr(hpa_t pa)
{
    return (void *)(uintptr_t)pa;
}

static inline hpa_t ptr_phys(const void *ptr)
{
    return (hpa_t)(uintptr_t)ptr;
}

uintptr_t
arch_stack_alloc(size_t size); // its lowest address, with a guard page below; 0: no memory
void arch_stack_free(uintptr_t stack, size_t size);
int arch_map_device(hpa_t base, uint64_t size); // 0 or -HULL_ENOMEM

__attribute__((noreturn)) void arch_halt(void);

#endif
