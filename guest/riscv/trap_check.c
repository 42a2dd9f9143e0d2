// SPDX-License-Identifier: Apache-2.0
// Instructions that mstatus, hstatus and the envcfg registers can forbid, and what mtinst and htinst
// show of one that trapped. Specification: Privileged ISA 1.13; of the hypervisor extension
// "Traps"; CMO extensions.
#include "guest/riscv/csr.h"
#include "guest/riscv/decode.h"
#include "guest/riscv/trap.h"

// What is forbidden to a guest but allowed to its hypervisor is that one's affair.
static int refusal(const struct hart *hart)
{
    return hart->s.virt ? CAUSE_VIRTUAL_INSTRUCTION : CAUSE_ILLEGAL_INSTRUCTION;
}

// The bounded time after which a wfi that may not wait traps is zero here. In U mode it always
// traps, as it must where S mode exists and it does not end within such a bound.
int riscv_wfi_check(const struct hart *hart)
{
    const struct hart_state *s = &hart->s;

    if (s->priv == PRIV_M)
        return 0;
    if (s->mstatus & MSTATUS_TW)
        return CAUSE_ILLEGAL_INSTRUCTION;
    if (s->priv == PRIV_U || (s->virt && (s->hstatus & HSTATUS_VTW)))
        return refusal(hart);
    return 0;
}

int riscv_sfence_vma_check(const struct hart *hart)
{
    const struct hart_state *s = &hart->s;
    bool trapped = s->virt ? s->hstatus & HSTATUS_VTVM : s->mstatus & MSTATUS_TVM;

    return s->priv == PRIV_M || (s->priv == PRIV_S && !trapped) ? 0 : refusal(hart);
}

int riscv_sfence_inval_check(const struct hart *hart)
{
    return hart->s.priv == PRIV_U ? refusal(hart) : 0;
}

int riscv_hfence_vvma_check(const struct hart *hart)
{
    return hart->s.virt || hart->s.priv == PRIV_U ? refusal(hart) : 0;
}

int riscv_hfence_gvma_check(const struct hart *hart)
{
    if (!hart->s.virt && hart->s.priv == PRIV_S && (hart->s.mstatus & MSTATUS_TVM))
        return CAUSE_ILLEGAL_INSTRUCTION;
    return riscv_hfence_vvma_check(hart);
}

int riscv_hlsv_check(const struct hart *hart)
{
    const struct hart_state *s = &hart->s;

    return s->virt || (s->priv == PRIV_U && !(s->hstatus & HSTATUS_HU)) ? refusal(hart) : 0;
}

// CBIE has two bits: 1 turns cbo.inval into a flush and 3 lets it be. Memory is coherent here, so
// that both do the same.
int riscv_cbo_check(const struct hart *hart, enum riscv_cbo op)
{
    static const uint64_t enable[] = {[CBO_INVAL] = ENVCFG_CBIE,
                                      [CBO_CLEAN] = ENVCFG_CBCFE,
                                      [CBO_FLUSH] = ENVCFG_CBCFE,
                                      [CBO_ZERO] = ENVCFG_CBZE};
    const struct hart_state *s = &hart->s;

    if (s->priv == PRIV_M)
        return 0;
    if (!(s->menvcfg & enable[op]))
        return CAUSE_ILLEGAL_INSTRUCTION;
    if ((s->virt && !(s->henvcfg & enable[op])) ||
        (s->priv == PRIV_U && !(s->senvcfg & enable[op])))
        return refusal(hart);
    return 0;
}

#define FIELD_RS1 (31u << 15)
#define IMM_LOAD (0xfffu << 20)
#define IMM_STORE (0x7fu << 25 | 31u << 7)
#define BIT_32 2u // clear in what was a compressed instruction

// Immediates go, rs1 is replaced by the offset; a compressed instruction appears expanded, with the
// bit cleared by which longer ones are told apart.
uint32_t riscv_transform_insn(const struct riscv_isa *isa, uint32_t raw, unsigned offset)
{
    bool compressed = riscv_insn_length(raw) == 2;
    uint32_t word = compressed ? riscv_expand_compressed((uint16_t)raw, isa) : raw;

    switch (word & 0x7f) {
    case 0x03: // loads, and those of FP
    case 0x07: word &= ~IMM_LOAD; break;
    case 0x23: // stores
    case 0x27: word &= ~IMM_STORE; break;
    case 0x2f:        // atomics
    case 0x73: break; // hlv, hlvx, hsv
    default: return 0;
    }
    word = (word & ~FIELD_RS1) | (offset & 31) << 15;
    return compressed ? word & ~BIT_32 : word;
}
