// SPDX-License-Identifier: Apache-2.0
// The run loop, and what exits mean.
#include "guest/riscv/csr.h"
#include "guest/riscv/sbi.h"
#include "guest/riscv/trap.h"
#include "lib/mem.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/trace.h"
#include "metal/common/vm.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/hext_parts.h"

#define A0 10
#define INSN_WFI_RAW 0x10500073u
#define INSN_WRS_NTO_RAW 0x00d00073u

// As the hart would have entered the guest's handler (Privileged ISA, "Trap entry").
void hext_inject(struct hext *x, unsigned cause, uint64_t tval)
{
    uint64_t status = csr_read(HW_VSSTATUS);

    status &= ~(MSTATUS_SPP | MSTATUS_SPIE);
    status |= x->regs.sstatus & HW_SSTATUS_SPP ? MSTATUS_SPP : 0;
    status |= status & MSTATUS_SIE ? MSTATUS_SPIE : 0;
    csr_write(HW_VSSTATUS, status & ~MSTATUS_SIE);
    csr_write(HW_VSEPC, x->regs.sepc);
    csr_write(HW_VSCAUSE, cause);
    csr_write(HW_VSTVAL, tval);
    x->regs.sepc = csr_read(HW_VSTVEC) & ~3ull;
    x->regs.sstatus |= HW_SSTATUS_SPP;
}

unsigned hext_guest_page_fault(struct hext *x)
{
    struct vm_memory *memory = &metal_vm_of(x->vcpu->vm)->memory;
    gpa_t gpa = x->regs.htval << 2 | (x->regs.stval & 3);
    static const uint8_t access_fault[] = {CAUSE_FETCH_ACCESS, CAUSE_LOAD_ACCESS, 0,
                                           CAUSE_STORE_ACCESS};
    int error = -HULL_EFAULT;

    if (gpa - memory->base < memory->size) {
        error = vm_memory_populate(memory, gpa);
        if (!error) {
            x->exits[HEXT_EXIT_MEMORY]++;
            return 0;
        }
    }
    if (error == -HULL_ENOMEM) {
        metal_vm_starved(metal_vm_of(x->vcpu->vm));
        return 0;
    }
    x->exits[HEXT_EXIT_MMIO]++;
    if (error == -HULL_EFAULT && x->regs.scause != HW_CAUSE_GUEST_FETCH_FAULT)
        return hext_mmio(x, gpa);
    hext_inject(x, access_fault[x->regs.scause - HW_CAUSE_GUEST_FETCH_FAULT], x->regs.stval);
    return 0;
}

static void page_fault(struct hext *x)
{
    unsigned reg = hext_guest_page_fault(x);

    if (reg)
        x->regs.x[reg] = x->regs.loaded;
}

// Counters that no guest gets (hcounteren) read as zero: the SBI's PMU promises that they exist.
static bool reads_counter(uint32_t raw)
{
    unsigned csr = raw >> 20;

    return (raw & 0x7f) == 0x73 && (raw >> 12 & 7) == 2 && !(raw >> 15 & 31) && csr >= 0xc03 &&
           csr <= 0xc1f;
}

// True: a wfi with nothing pending.
static bool virtual_instruction(struct hext *x)
{
    uint32_t raw = (uint32_t)x->regs.stval;
    bool supervisor = x->regs.sstatus & HW_SSTATUS_SPP;

    if (!raw)
        raw = hext_fetch(x);
    if (!raw)
        return false; // whatever is wrong with the fetch, the guest meets it itself
    if (supervisor && (raw == INSN_WFI_RAW || raw == INSN_WRS_NTO_RAW)) {
        x->exits[HEXT_EXIT_WFI]++;
        x->regs.sepc += 4;
        if (raw == INSN_WFI_RAW)
            return !hext_wakeup_pending(x->vcpu);
        return false;
    }
    x->exits[HEXT_EXIT_OTHER]++;
    if (hext_imsic_instruction(x, raw))
        return false;
    if (reads_counter(raw)) {
        if (raw >> 7 & 31)
            x->regs.x[raw >> 7 & 31] = 0;
        x->regs.sepc += 4;
        return false;
    }
    hext_inject(x, CAUSE_ILLEGAL_INSTRUCTION, raw);
    return false;
}

static void fill_sbi(struct hext *x, struct vcpu_exit *exit)
{
    x->exits[HEXT_EXIT_SBI]++;
    x->regs.sepc += 4;
    exit->reason = VCPU_EXIT_SBI;
    memcpy(exit->sbi.args, &x->regs.x[A0], sizeof(exit->sbi.args));
    exit->sbi.skip_ret = false;
    x->sbi_pending = true;
}

// True: the caller of run() has something to do.
static bool handle_exit(struct hext *x, struct vcpu_exit *exit)
{
    if (x->regs.scause & CAUSE_IS_INTERRUPT) {
        arch_poll();
        return false;
    }
    switch (x->regs.scause) {
    case HW_CAUSE_ECALL_VS: fill_sbi(x, exit); return true;
    case HW_CAUSE_GUEST_FETCH_FAULT:
    case HW_CAUSE_GUEST_LOAD_FAULT:
    case HW_CAUSE_GUEST_STORE_FAULT: page_fault(x); return false;
    case HW_CAUSE_VIRTUAL_INSTRUCTION: exit->reason = VCPU_EXIT_WFI; return virtual_instruction(x);
    case CAUSE_ILLEGAL_INSTRUCTION:
        x->exits[HEXT_EXIT_FP]++;
        hext_fp_take(x); // if it was no FP instruction, it comes to the guest next time
        return false;
    default:
        x->exits[HEXT_EXIT_OTHER]++;
        hext_inject(x, CAUSE_ILLEGAL_INSTRUCTION, x->regs.stval);
        return false;
    }
}

static void trace(const struct hext *x)
{
    uint64_t cause = x->regs.scause, value = x->regs.stval;

    if (cause == HW_CAUSE_ECALL_VS)
        value = x->regs.x[17];
    else if (cause >= HW_CAUSE_GUEST_FETCH_FAULT && cause <= HW_CAUSE_GUEST_STORE_FAULT)
        value = x->regs.htval << 2;
    trace_exit(metal_vm_of(x->vcpu->vm)->index, x->vcpu->index, cause, x->regs.sepc, value);
}

static void complete_sbi(struct hext *x, const struct vcpu_exit *exit)
{
    if (x->sbi_pending && !exit->sbi.skip_ret) {
        x->regs.x[A0] = exit->sbi.ret[0];
        x->regs.x[A0 + 1] = exit->sbi.ret[1];
    }
    x->sbi_pending = false;
}

// Others get the hart, if they are due. Its guest is told first: within the scheduler nobody may touch
// guest memory. load() takes that back, or nobody else was due.
static void give_way(struct hext *x)
{
    riscv_sbi_sta_preempted(hext_sbi(x), x->vcpu, true);
    thread_preempt();
    if (x->loaded)
        riscv_sbi_sta_preempted(hext_sbi(x), x->vcpu, false);
}

// A pinned vCPU that nobody waits for sleeps in its guest: whatever is to wake it, or wants the hart, comes as
// an interrupt, after which this is decided anew. A watchdog wants to see its sleep.
static void wfi_choose(struct hext *x)
{
    const struct metal_vcpu *mine = x->vcpu->host_data;
    const struct metal_vm *vm = metal_vm_of(x->vcpu->vm);

    if (mine->thread.pinned && !this_hart()->ready_count && !vm->spec->metal.watchdog)
        x->regs.hstatus &= ~HW_HSTATUS_VTW;
    else
        x->regs.hstatus |= HW_HSTATUS_VTW;
}

void hext_run(struct vcpu *vcpu, struct vcpu_exit *exit)
{
    struct hext *x = hext_of(vcpu);

    complete_sbi(x, exit);
    for (;;) {
        if (atomic_load_explicit(&this_hart()->resched, memory_order_relaxed))
            give_way(x);
        wfi_choose(x);
        if (!x->loaded)
            hext_imsic_bring(x);
        if (!hull_vcpu_enter_guest(vcpu)) {
            if (hext_serve_attention(x)) {
                exit->reason = VCPU_EXIT_ATTENTION;
                return;
            }
            continue;
        }
        if (!x->loaded)
            hext_load(x);
        guest_enter(&x->regs);
        hull_vcpu_leave_guest(vcpu);
        if (atomic_load_explicit(&machine.tracing, memory_order_relaxed))
            trace(x);
        if (handle_exit(x, exit))
            return;
    }
}
