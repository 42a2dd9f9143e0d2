// SPDX-License-Identifier: Apache-2.0
// Control and status registers: numbers, fields, and the checked access that csrr* instructions use.
// Specification: The RISC-V Instruction Set Manual, Volume II (Privileged), version 1.13 with H, and the
// Sstc, Sscofpmf, Svadu, Zicbo* and Smstateen-free subsets of it that isa.h lists.
#ifndef HULL_RISCV_CSR_H
#define HULL_RISCV_CSR_H

#include "guest/riscv/hart.h"

// Those that code outside the table names.
enum riscv_csr {
    CSR_FFLAGS = 0x001,
    CSR_FRM = 0x002,
    CSR_FCSR = 0x003,
    CSR_SIE = 0x104,
    CSR_SIP = 0x144,
    CSR_STIMECMP = 0x14d,
    CSR_SATP = 0x180,
    CSR_VSIP = 0x244,
    CSR_MIE = 0x304,
    CSR_MVIP = 0x309,
    CSR_MIP = 0x344,
    CSR_HIP = 0x644,
    CSR_HVIP = 0x645,
    CSR_CYCLE = 0xc00,
    CSR_TIME = 0xc01,
    CSR_INSTRET = 0xc02,
};

// mstatus and sstatus.
#define MSTATUS_SIE (1ull << 1)
#define MSTATUS_MIE (1ull << 3)
#define MSTATUS_SPIE (1ull << 5)
#define MSTATUS_MPIE (1ull << 7)
#define MSTATUS_SPP (1ull << 8)
#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_MPP (3ull << MSTATUS_MPP_SHIFT)
#define MSTATUS_FS (3ull << 13)
#define MSTATUS_FS_INITIAL (1ull << 13)
#define MSTATUS_FS_CLEAN (2ull << 13)
#define MSTATUS_FS_DIRTY (3ull << 13)
#define MSTATUS_MPRV (1ull << 17)
#define MSTATUS_SUM (1ull << 18)
#define MSTATUS_MXR (1ull << 19)
#define MSTATUS_TVM (1ull << 20)
#define MSTATUS_TW (1ull << 21)
#define MSTATUS_TSR (1ull << 22)
#define MSTATUS_UXL_64 (2ull << 32)
#define MSTATUS_SXL_64 (2ull << 34)
#define MSTATUS_GVA (1ull << 38)
#define MSTATUS_MPV (1ull << 39)
#define MSTATUS_SD (1ull << 63) // never stored: set when read while FS is dirty

#define HSTATUS_GVA (1ull << 6)
#define HSTATUS_SPV (1ull << 7)
#define HSTATUS_SPVP (1ull << 8)
#define HSTATUS_HU (1ull << 9)
#define HSTATUS_VGEIN_SHIFT 12
#define HSTATUS_VGEIN (63ull << HSTATUS_VGEIN_SHIFT)
#define HSTATUS_VTVM (1ull << 20)
#define HSTATUS_VTW (1ull << 21)
#define HSTATUS_VTSR (1ull << 22)
#define HSTATUS_VSXL_64 (2ull << 32)

// menvcfg, henvcfg, and senvcfg (which has the low half only).
#define ENVCFG_FIOM (1ull << 0)
#define ENVCFG_CBIE (3ull << 4)
#define ENVCFG_CBIE_RESERVED (2ull << 4)
#define ENVCFG_CBCFE (1ull << 6)
#define ENVCFG_CBZE (1ull << 7)
#define MENVCFG_ADUE (1ull << 61)
#define MENVCFG_PBMTE (1ull << 62)
#define MENVCFG_STCE (1ull << 63)

#define SATP_MODE_SHIFT 60
#define SATP_MODE_BARE 0
#define SATP_MODE_SV39 8 // each following mode has one level more
#define SATP_ASID_SHIFT 44
#define SATP_PPN ((1ull << 44) - 1)

#define HGATP_VMID (0x3fffull << 44)

#define PMPCFG_R 0x01
#define PMPCFG_W 0x02
#define PMPCFG_X 0x04
#define PMPCFG_A 0x18
#define PMPCFG_TOR 0x08
#define PMPCFG_NA4 0x10
#define PMPCFG_NAPOT 0x18
#define PMPCFG_L 0x80

// Access by an instruction in the hart's mode. 0, or the exception to raise, an illegal or a virtual
// instruction; nothing changed then. `write` tells a read about to be followed by a write (csrrw
// and csrrs/c with rs1 != x0), so that read-only registers trap first. While V = 1 the
// supervisor's numbers mean the virtual supervisor's registers.
int riscv_csr_read(struct hart *hart, unsigned csr, bool write, uint64_t *value);
int riscv_csr_write(struct hart *hart, unsigned csr, uint64_t value);

// csrrw, csrrs and csrrc as one step (those that write: for a read alone use riscv_csr_read). `old`
// is what goes to rd. csrrs and csrrc on mip and sip need it: they must touch no other bit than
// those in `operand`, because wires, other harts' software interrupts, and mip.SEIP as read
// are not what software last wrote there.
enum riscv_csr_op { CSR_OP_WRITE, CSR_OP_SET, CSR_OP_CLEAR };
int riscv_csr_modify(struct hart *hart, unsigned csr, enum riscv_csr_op op, uint64_t operand,
                     uint64_t *old);

// Whether FP instructions are legal, and what they make of mstatus.FS; while V = 1 vsstatus.FS counts
// as well.
static inline bool riscv_fp_enabled(const struct hart_state *s)
{
    return (s->mstatus & MSTATUS_FS) && (!s->virt || (s->vsstatus & MSTATUS_FS));
}

static inline bool riscv_fp_dirty(const struct hart_state *s)
{
    return (s->mstatus & MSTATUS_FS) == MSTATUS_FS_DIRTY &&
           (!s->virt || (s->vsstatus & MSTATUS_FS) == MSTATUS_FS_DIRTY);
}

// henvcfg as it reads: fields that menvcfg has off are zero.
static inline uint64_t riscv_henvcfg(const struct hart_state *s)
{
    return s->henvcfg & (s->menvcfg | ~(MENVCFG_ADUE | MENVCFG_PBMTE | MENVCFG_STCE));
}

// The interrupts pending now: software bits, wires, and timers that have come due.
uint64_t riscv_mip(struct hart *hart);

// Arms hart->stimer for stimecmp and vstimecmp, or disarms it. For VCPU_ATTN_TIMER (a timer may fire early, and
// the guest's time may have been set) and after what the two depend on has changed.
void riscv_stimer_update(struct hart *hart);

#endif
