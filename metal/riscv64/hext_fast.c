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
#define EXT_BASE_ID 0x10
#define EXT_TIME_ID 0x54494d45
#define EXT_IPI_ID 0x735049

static bool may_go_back(const struct hext *x)
{
    return !atomic_load_explicit(&x->vcpu->attention, memory_order_relaxed) &&
           !atomic_load_explicit(&this_hart()->resched, memory_order_relaxed) && x->loaded;
}

// So that the long way finds nothing more to do.
static bool done(struct hext *x)
{
    if (may_go_back(x))
        return true;
    x->regs.scause = CAUSE_IS_INTERRUPT;
    return false;
}

// Calls that only look at their arguments: s0 to s11 of the guest are still in the hart.
bool hext_fast_call(struct hext *x);
bool hext_fast_call(struct hext *x)
{
    struct riscv_board *board = x->vcpu->vm->board;
    uint64_t extension = x->regs.x[A0 + 7];
    struct vcpu_exit exit;

    if ((extension != EXT_BASE_ID && extension != EXT_TIME_ID && extension != EXT_IPI_ID) ||
        atomic_load_explicit(&machine.tracing, memory_order_relaxed))
        return false;
    for (unsigned i = 0; i < 8; i++)
        exit.sbi.args[i] = x->regs.x[A0 + i];
    riscv_sbi_call(board->sbi, x->vcpu, &exit);
    x->regs.x[A0] = exit.sbi.ret[0];
    x->regs.x[A0 + 1] = exit.sbi.ret[1];
    x->regs.sepc += 4;
    x->exits[HEXT_EXIT_SBI]++;
    return done(x);
}

bool hext_fast_exit(struct hext *x);
bool hext_fast_exit(struct hext *x)
{
    uint64_t cause = x->regs.scause;

    if (atomic_load_explicit(&machine.tracing, memory_order_relaxed))
        return false;
    if (cause == HW_CAUSE_GUEST_LOAD_FAULT || cause == HW_CAUSE_GUEST_STORE_FAULT) {
        hext_guest_page_fault(x);
        return done(x);
    }
    if (cause & CAUSE_IS_INTERRUPT) {
        x->exits[HEXT_EXIT_INTERRUPT]++;
        arch_poll();
        return done(x);
    }
    return false;
}
