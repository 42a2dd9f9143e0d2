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
    CAUSE_ECALL_VS = 10,
    CAUSE_ECALL_M = 11,
    CAUSE_FETCH_PAGE_FAULT = 12,
    CAUSE_LOAD_PAGE_FAULT = 13,
    CAUSE_STORE_PAGE_FAULT = 15,
    CAUSE_FETCH_GUEST_PAGE_FAULT = 20,
    CAUSE_LOAD_GUEST_PAGE_FAULT = 21,
    CAUSE_VIRTUAL_INSTRUCTION = 22,
    CAUSE_STORE_GUEST_PAGE_FAULT = 23,
    CAUSE_INTERRUPT = 1u << 31, // here; in xcause it is bit 63
};

enum riscv_irq {
    IRQ_S_SOFT = 1,
    IRQ_VS_SOFT = 2,
    IRQ_M_SOFT = 3,
    IRQ_S_TIMER = 5,
    IRQ_VS_TIMER = 6,
    IRQ_M_TIMER = 7,
    IRQ_S_EXT = 9,
    IRQ_VS_EXT = 10,
    IRQ_M_EXT = 11,
    IRQ_S_GUEST_EXT = 12,
    IRQ_LCOF = 13,
};

// Enters the handler for `cause` (an exception; interrupts via riscv_take_interrupt): sets xepc from
// hart->s.pc, which must be the trapping instruction's address, xcause, xtval, xstatus, pc, priv, V
// and the hypervisor's trap registers; sets hart->changed. Delegation by medeleg and hedeleg.
void riscv_trap(struct hart *hart, enum riscv_cause cause, uint64_t tval);

// The same for the access of a load, store, atomic or cache-block instruction: `va` is the address at
// fault, `virt` whether that is a guest virtual address (the data mode's V, or HLV and its like),
// `tinst` the instruction as mtinst and htinst show it (riscv_transform_insn()), or 0.
void riscv_trap_access(struct hart *hart, enum riscv_cause cause, gva_t va, bool virt,
                       uint32_t tinst);

// An instruction for mtinst and htinst: `raw` as fetched, `offset` from the address of its access to
// the one at fault. 0 for an instruction that the specification does not transform. Specification:
// Privileged ISA 1.13, "Transformed Instruction or Pseudoinstruction for mtinst or htinst".
uint32_t riscv_transform_insn(const struct riscv_isa *isa, uint32_t raw, unsigned offset);
#define TINST_PTE_READ 0x3000u // pseudoinstructions: the VS-stage's implicit accesses
#define TINST_PTE_WRITE 0x3020u

// The enabled interrupt of highest priority (an enum riscv_irq, on harts with AIA perhaps another number
// to 63 or with where it goes), or -1; and its entry. hart->s.pc is the address of the next instruction.
#define RISCV_IRQ_TO_S (1 << 16)  // to HS or S mode, whatever mideleg says
#define RISCV_IRQ_TO_VS (1 << 17) // to VS mode, under the supervisor's number
int riscv_pending_interrupt(struct hart *hart);
void riscv_take_interrupt(struct hart *hart, int irq);

// True when an interrupt is pending that ends a wfi: (mip & mie) != 0 whatever xstatus says.
bool riscv_wfi_wakes(struct hart *hart);

// Instructions that are not allowed everywhere: 0, or the exception to raise
// (CAUSE_ILLEGAL_INSTRUCTION or CAUSE_VIRTUAL_INSTRUCTION). mret and sret, when allowed, set pc,
// priv, V and hart->changed; the others only check.
int riscv_mret(struct hart *hart);
int riscv_sret(struct hart *hart);
int riscv_wfi_check(const struct hart *hart);          // mstatus.TW, hstatus.VTW
int riscv_sfence_vma_check(const struct hart *hart);   // also sinval.vma (TVM, VTVM)
int riscv_sfence_inval_check(const struct hart *hart); // sfence.w.inval, sfence.inval.ir
int riscv_hfence_vvma_check(const struct hart *hart);  // also hinval.vvma
int riscv_hfence_gvma_check(const struct hart *hart);  // also hinval.gvma (TVM)
int riscv_hlsv_check(const struct hart *hart);         // hlv, hlvx, hsv (hstatus.HU)

enum riscv_cbo { CBO_INVAL, CBO_CLEAN, CBO_FLUSH, CBO_ZERO };
int riscv_cbo_check(const struct hart *hart, enum riscv_cbo op); // menvcfg, henvcfg, senvcfg

#endif
