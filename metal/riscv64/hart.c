// SPDX-License-Identifier: Apache-2.0
// Harts: bringing them up, their time and interrupts, and the traps of the hypervisor itself.
#include "metal/riscv64/hart.h"

#include <hull/vm.h>

#include "lib/mem.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/timers.h"
#include "metal/common/vm.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/hext.h"
#include "metal/riscv64/hext_imsic.h"
#include "metal/riscv64/paging.h"
#include "metal/riscv64/regs.h"
#include "metal/riscv64/sbi.h"

#define TRAP_STACK_SIZE 4096u
#define CAUSE_LOAD_PAGE_FAULT_ 13
#define CAUSE_STORE_PAGE_FAULT_ 15

struct host_hart boot_hart; // tp of the first hart, from its first C function on

extern char guest_fetch_failed[], csr_probe_failed[], secondary_start[], image_start[];
extern char boot_stack_top[], boot_trap_stack_top[];
void metal_secondary(void);
void host_trap_handle(struct trap_frame *frame);

// ---- Traps of ours ----

// Instructions that may trap, and where they go on then.
static const struct {
    const void *at, *instead;
} fixups[] = {
    {(const void *)guest_fetch_half, guest_fetch_failed},
    {(const void *)guest_fetch_word, guest_fetch_failed},
    {(const void *)csr_probe_hstatus, csr_probe_failed},
    {(const void *)csr_probe_stimecmp, csr_probe_failed},
    {(const void *)csr_probe_hstateen0, csr_probe_failed},
};

static bool fix_up(struct trap_frame *frame)
{
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(fixups); i++)
        if (frame->sepc == (uintptr_t)fixups[i].at) {
            frame->sepc = (uintptr_t)fixups[i].instead;
            return true;
        }
    return false;
}

// Guest memory that nobody has touched yet; or another hart was quicker, and our TLB does not know it.
static bool window_fault(const struct trap_frame *frame)
{
    struct vm_memory *memory = paging_window_owner(frame->stval);
    gpa_t gpa;
    int error;

    if ((frame->scause != CAUSE_LOAD_PAGE_FAULT_ && frame->scause != CAUSE_STORE_PAGE_FAULT_) ||
        !memory)
        return false;
    gpa = memory->base + (frame->stval - (uintptr_t)memory->window);
    error = vm_memory_populate(memory, gpa);
    if (error == -HULL_ENOMEM) {
        vm_memory_stand_in(memory, gpa);
        metal_vm_starved(hull_container_of(memory, struct metal_vm, memory));
        error = 0;
    }
    sfence_vma_page(frame->stval);
    return !error;
}

void host_trap_handle(struct trap_frame *frame)
{
    struct host_hart *hart = this_hart();

    if (fix_up(frame))
        return;
    if (hart->in_trap)
        arch_halt();
    hart->in_trap = true;
    if (!window_fault(frame))
        panic_trap(frame);
    hart->in_trap = false;
}

// ---- Time, interrupts ----

uint64_t arch_time(void)
{
    return time_read();
}

void arch_timer_set(uint64_t ticks)
{
    if (machine.has_sstc) {
        csr_write(HW_STIMECMP, ticks);
    } else if (ticks == HULL_TIME_NEVER) {
        csr_clear(
            HW_SIE,
            HW_SIP_STIP); // takes no call, and the next time that is set takes the interrupt back
    } else {
        fw_set_timer(ticks);
        csr_set(HW_SIE, HW_SIP_STIP);
    }
}

void arch_ipi(struct host_hart *hart)
{
    if (!irqchip_ipi(&machine.platform.irqchip, &hart->irq))
        fw_send_ipi(hart->hartid);
}

static void serve_call(struct host_hart *hart)
{
    struct hart_call *call = atomic_load_explicit(&hart->call, memory_order_acquire);

    if (!call)
        return;
    call->body(call->arg);
    atomic_store(&hart->call, NULL);
    atomic_store(&call->state, HART_CALL_DONE);
    thread_wake(call->caller);
    atomic_store(&call->state, HART_CALL_OVER); // it is gone from here on
}

void arch_call(struct host_hart *hart, void (*body)(void *arg), void *arg)
{
    struct hart_call call = {.body = body, .arg = arg, .caller = this_hart()->current};
    struct hart_call *nobody = NULL;

    if (hart == this_hart()) {
        body(arg);
        return;
    }
    while (!atomic_compare_exchange_weak(&hart->call, &nobody, &call)) {
        nobody = NULL;
        thread_yield();
    }
    arch_ipi(hart);
    while (atomic_load(&call.state) == HART_CALL_ASKED)
        thread_wait();
    while (atomic_load(&call.state) != HART_CALL_OVER)
        ;
    thread_wake(call.caller); // for something else, it may have been woken as well
}

void arch_poll(void)
{
    uint64_t pending = csr_read(HW_SIP) & csr_read(HW_SIE);

    if (machine.panicked)
        arch_halt();
    if (pending & HW_SIP_SSIP)
        csr_clear(HW_SIP, HW_SIP_SSIP);
    if (pending & HW_SIP_STIP)
        timers_run();
    if (pending & HW_SIP_SEIP)
        machine_interrupt();
    if (machine.has_aia && csr_read(HW_HIP) & HW_HIP_SGEIP)
        hext_imsic_interrupt();
    // Behind what takes IPIs away: whoever asks from here on sends one that stays.
    serve_call(this_hart());
}

void arch_idle(void)
{
    wait_for_interrupt();
}

void arch_halt(void)
{
    csr_write(HW_SIE, 0);
    for (;;)
        wait_for_interrupt();
}

void arch_stack_switch(uint64_t *save_sp, uint64_t load_sp)
{
    stack_switch(save_sp, load_sp);
}

// As stack_switch() leaves a stack: ra, s0, s1, … at sp.
uint64_t arch_stack_prepare(uintptr_t top, void (*body)(void *arg), void *arg)
{
    uint64_t *frame = (uint64_t *)(top - 112);

    memset(frame, 0, 112);
    frame[0] = (uintptr_t)thread_entry;
    frame[1] = (uintptr_t)body;
    frame[2] = (uintptr_t)arg;
    return (uintptr_t)frame;
}

// ---- Bringing harts up ----

// With everything else in place: what each hart does for itself.
static void hart_setup(struct host_hart *hart)
{
    csr_write(HW_HSTATUS, HW_HSTATUS_VSXL_64);
    csr_write(HW_HVIP, 0);
    csr_write(HW_HGATP, 0);
    csr_write(HW_VSATP, 0);
    hext_hart_init();
    hext_imsic_hart_init();
    hfence_gvma_all();
    scheduler_init(hart);
    hull_list_init(&hart->timers);
    hart->timer_set = HULL_TIME_NEVER;
    irqchip_hart_init(&machine.platform.irqchip, &hart->irq);
    csr_write(HW_SIE, HW_SIP_SSIP | HW_SIP_STIP | HW_SIP_SEIP);
    arch_timer_set(HULL_TIME_NEVER);
}

// The first hart: before anything else runs.
void hart_boot_early(uint64_t hartid)
{
    boot_hart.hartid = hartid;
    boot_hart.idle_stack_top = (uintptr_t)boot_stack_top;
    boot_hart.trap_stack_top = (uintptr_t)boot_trap_stack_top;
    machine.harts[0] = &boot_hart;
    machine.hart_count = 1;
}

void hart_boot_late(void)
{
    hart_setup(&boot_hart);
    atomic_store(&boot_hart.online, true);
}

void metal_secondary(void)
{
    struct host_hart *hart = this_hart();

    hart_setup(hart);
    atomic_store(&hart->online, true);
    scheduler_idle();
}

static struct host_hart *hart_make(uint64_t hartid)
{
    struct host_hart *hart = heap_alloc(&machine.heap, sizeof(*hart), NULL);
    uintptr_t idle = arch_stack_alloc(THREAD_STACK_SIZE), trap = arch_stack_alloc(TRAP_STACK_SIZE);

    if (!hart || !idle || !trap)
        return NULL;
    hart->hartid = hartid;
    hart->satp = paging_satp();
    hart->idle_stack_top = idle + THREAD_STACK_SIZE;
    hart->trap_stack_top = trap + TRAP_STACK_SIZE;
    return hart;
}

int hart_start(const struct platform_hart *description)
{
    struct host_hart *hart = hart_make(description->hartid);
    uint64_t patience = arch_time() + timers_hz();
    hpa_t entry = machine.image + (hpa_t)(secondary_start - image_start);

    if (!hart)
        return -HULL_ENOMEM;
    hart->index = machine.hart_count;
    hart->irq = description->irq;
    if (fw_hart_start(hart->hartid, entry, ptr_phys(hart)))
        return -HULL_EIO;
    while (!atomic_load(&hart->online))
        if (arch_time() > patience)
            return -HULL_ETIMEDOUT;
    // It idles already; only now can others see it.
    machine.harts[machine.hart_count] = hart;
    machine.hart_count++;
    return 0;
}
