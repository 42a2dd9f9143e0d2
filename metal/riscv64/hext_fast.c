// SPDX-License-Identifier: Apache-2.0
// The short way: exits that are served without leaving guest_enter(), called by trap_vector with the vCPU
// still counted as in the guest. True: back into it at once. Nothing here may give the hart away.
#include "guest/riscv/sbi.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/vm.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/hext_parts.h"

#define A0 10
#define CALLEE_SAVED 0x0ffc0308u // gp, s0 to s11: trap_vector leaves them in the hart

// In a0 and a1: NULL, or the guest to go back to; and which of the registers that are still in the hart becomes
// regs.loaded (0: none).
struct fast_exit {
    struct hext *back;
    uint64_t reg;
};

struct hext *hext_fast_call(struct hext *x);
struct fast_exit hext_fast_exit(struct hext *x);

static bool tracing(void)
{
    return atomic_load_explicit(&machine.tracing, memory_order_relaxed);
}

static bool may_go_back(const struct hext *x)
{
    return !atomic_load_explicit(&x->vcpu->attention, memory_order_relaxed) &&
           !atomic_load_explicit(&this_hart()->resched, memory_order_relaxed);
}

// The long way, as after an exit of that cause.
static void leave_by(struct hext *x, uint64_t cause, uint64_t length)
{
    x->regs.sepc = csr_read(HW_SEPC) + length;
    x->regs.sstatus = csr_read(HW_SSTATUS);
    x->regs.scause = cause;
}

// Only a0 to a7 of the guest are looked at. No trap of ours can come in between, so that the registers of the guest's are
// still in the hart.
struct hext *hext_fast_call(struct hext *x)
{
    if (tracing() || !riscv_sbi_quick(x->vcpu, &x->regs.x[A0])) {
        leave_by(x, HW_CAUSE_ECALL_VS, 0);
        return NULL;
    }
    x->exits[HEXT_EXIT_SBI]++;
    if (!may_go_back(x)) {
        leave_by(x, CAUSE_IS_INTERRUPT, 4); // nothing is left to be done but what others want
        return NULL;
    }
    csr_write(HW_SEPC, csr_read(HW_SEPC) + 4);
    return x;
}

struct fast_exit hext_fast_exit(struct hext *x)
{
    uint64_t cause = x->regs.scause, reg = 0;

    if (cause & CAUSE_IS_INTERRUPT) {
        if (tracing())
            return (struct fast_exit){0};
        x->exits[HEXT_EXIT_INTERRUPT]++;
        arch_poll();
    } else {
        x->regs.stval = csr_read(HW_STVAL);
        x->regs.htval = csr_read(HW_HTVAL);
        x->regs.htinst = csr_read(HW_HTINST);
        if (tracing() ||
            (cause != HW_CAUSE_GUEST_LOAD_FAULT && cause != HW_CAUSE_GUEST_STORE_FAULT))
            return (struct fast_exit){0};
        reg = hext_guest_page_fault(x);
        if (!(CALLEE_SAVED >> reg & 1)) {
            x->regs.x[reg] = reg ? x->regs.loaded : 0;
            reg = 0;
        }
    }
    if (may_go_back(x))
        return (struct fast_exit){x, reg};
    x->regs.scause = CAUSE_IS_INTERRUPT; // as above
    return (struct fast_exit){NULL, reg};
}
