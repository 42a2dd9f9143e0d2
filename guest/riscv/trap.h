// SPDX-License-Identifier: Apache-2.0
// Traps: causes, delegation, entry and return.
#ifndef HULL_RISCV_TRAP_H
#define HULL_RISCV_TRAP_H

#include "guest/riscv/hart.h"

enum riscv_cause {
    CAUSE_MISALIGNED_FETCH = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL_INSTRUCTION = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_MISALIGNED_LOAD = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_MISALIGNED_STORE = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_ECALL_U = 8,
    CAUSE_ECALL_S = 9,
    CAUSE_ECALL_M = 11,
    CAUSE_FETCH_PAGE_FAULT = 12,
    CAUSE_LOAD_PAGE_FAULT = 13,
    CAUSE_STORE_PAGE_FAULT = 15,
    CAUSE_INTERRUPT = 1u << 31, // here; in xcause it is bit 63
};

enum riscv_irq {
    IRQ_S_SOFT = 1,
    IRQ_M_SOFT = 3,
    IRQ_S_TIMER = 5,
    IRQ_M_TIMER = 7,
    IRQ_S_EXT = 9,
    IRQ_M_EXT = 11,
    IRQ_LCOF = 13,
};

// Enters the handler for `cause` (an exception; interrupts via riscv_take_interrupt): sets xepc from
// hart->s.pc, which must be the trapping instruction's address, xcause, xtval, xstatus, pc, priv;
// sets hart->changed. Delegation by medeleg.
void riscv_trap(struct hart *hart, enum riscv_cause cause, uint64_t tval);

// The enabled interrupt of highest priority (an enum riscv_irq), or -1; and its entry. hart->s.pc is
// the address of the next instruction.
int riscv_pending_interrupt(struct hart *hart);
void riscv_take_interrupt(struct hart *hart, int irq);

// True when an interrupt is pending that ends a wfi: (mip & mie) != 0 whatever xstatus says.
bool riscv_wfi_wakes(struct hart *hart);

// The instructions mret, sret, wfi, sfence.vma and their like: false = illegal here. mret and sret
// set pc, priv and hart->changed; wfi only checks (mstatus.TW).
bool riscv_mret(struct hart *hart);
bool riscv_sret(struct hart *hart);
bool riscv_wfi_allowed(const struct hart *hart);
bool riscv_sfence_vma_allowed(const struct hart *hart);   // also sinval.vma (mstatus.TVM)
bool riscv_sfence_inval_allowed(const struct hart *hart); // sfence.w.inval, sfence.inval.ir

enum riscv_cbo { CBO_INVAL, CBO_CLEAN, CBO_FLUSH, CBO_ZERO };
bool riscv_cbo_allowed(const struct hart *hart, enum riscv_cbo op); // menvcfg, senvcfg

#endif
