// SPDX-License-Identifier: Apache-2.0
// Machine-mode CSRs with rules of their own. Specification: Privileged ISA 1.13, chapter
// "Machine-Level ISA". Where a field is WARL, a value that is not legal leaves the field as it was.
#include "guest/riscv/csr_table.h"
#include "guest/riscv/trap.h"

// misa reports, and cannot switch anything off.
uint64_t riscv_misa(const struct riscv_isa *isa)
{
    static const struct {
        char letter;
        uint8_t ext;
    } letters[] = {{'A', EXT_A}, {'C', EXT_C}, {'D', EXT_D}, {'F', EXT_F},
                   {'H', EXT_H}, {'I', EXT_I}, {'M', EXT_M}};
    uint64_t misa = 2ull << 62 | 1u << ('S' - 'A') | 1u << ('U' - 'A');

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(letters); i++)
        if (riscv_isa_has(isa, letters[i].ext))
            misa |= 1u << (letters[i].letter - 'A');
    // B is the three of them together.
    if (riscv_isa_has(isa, EXT_ZBA) && riscv_isa_has(isa, EXT_ZBB) && riscv_isa_has(isa, EXT_ZBS))
        misa |= 1u << ('B' - 'A');
    return misa;
}

CSR_READER(misa)
{
    (void)csr;
    return riscv_misa(hart->isa);
}

CSR_READER(mstatus)
{
    uint64_t mstatus = hart->s.mstatus;

    (void)csr;
    return (mstatus & MSTATUS_FS) == MSTATUS_FS_DIRTY ? mstatus | MSTATUS_SD : mstatus;
}

// Stores the fields in `mask`; FS reads as zero on a hart without F.
void riscv_status_store(struct hart *hart, uint64_t mask, uint64_t value)
{
    uint64_t old = hart->s.mstatus, changed;

    if (!riscv_isa_has(hart->isa, EXT_F))
        mask &= ~MSTATUS_FS;
    hart->s.mstatus = (old & ~mask) | (value & mask);
    changed = old ^ hart->s.mstatus;
    if (changed &
        (MSTATUS_MPRV | MSTATUS_MPP | MSTATUS_MPV | MSTATUS_SUM | MSTATUS_MXR | MSTATUS_FS))
        hart->changed |= HART_CHANGED_MODE;
    if (changed & (MSTATUS_MIE | MSTATUS_SIE))
        hart->changed |= HART_CHANGED_IRQ;
}

CSR_WRITER(mstatus)
{
    uint64_t mask = MSTATUS_SIE | MSTATUS_MIE | MSTATUS_SPIE | MSTATUS_MPIE | MSTATUS_SPP |
                    MSTATUS_FS | MSTATUS_MPRV | MSTATUS_SUM | MSTATUS_MXR | MSTATUS_TVM |
                    MSTATUS_TW | MSTATUS_TSR;

    (void)csr;
    if ((value & MSTATUS_MPP) != 2ull << MSTATUS_MPP_SHIFT)
        mask |= MSTATUS_MPP;
    if (riscv_isa_has(hart->isa, EXT_H))
        mask |= MSTATUS_GVA | MSTATUS_MPV;
    riscv_status_store(hart, mask, value);
}

uint64_t riscv_interrupts(const struct riscv_isa *isa, bool supervisor_only)
{
    uint64_t bits = 1u << IRQ_S_SOFT | 1u << IRQ_S_TIMER | 1u << IRQ_S_EXT;

    if (riscv_isa_has(isa, EXT_SSCOFPMF))
        bits |= 1u << IRQ_LCOF;
    if (!supervisor_only)
        bits |= 1u << IRQ_M_SOFT | 1u << IRQ_M_TIMER | 1u << IRQ_M_EXT;
    return bits;
}

uint64_t riscv_h_interrupts(const struct riscv_isa *isa)
{
    if (!riscv_isa_has(isa, EXT_H))
        return 0;
    return RISCV_VS_INTERRUPTS | (isa->geilen ? 1u << IRQ_S_GUEST_EXT : 0);
}

uint64_t riscv_medeleg_mask(const struct riscv_isa *isa)
{
    const uint64_t h = 1u << CAUSE_ECALL_VS | 1u << CAUSE_FETCH_GUEST_PAGE_FAULT |
                       1u << CAUSE_LOAD_GUEST_PAGE_FAULT | 1u << CAUSE_VIRTUAL_INSTRUCTION |
                       1u << CAUSE_STORE_GUEST_PAGE_FAULT;

    return 0xb3ff | (riscv_isa_has(isa, EXT_H) ? h : 0); // below: all but ecall from M, and 14
}

CSR_READER(medeleg)
{
    (void)csr;
    return hart->s.medeleg;
}

CSR_WRITER(medeleg)
{
    (void)csr;
    hart->s.medeleg = value & riscv_medeleg_mask(hart->isa);
}

CSR_READER(mideleg)
{
    (void)csr;
    return hart->s.mideleg;
}

CSR_WRITER(mideleg)
{
    (void)csr;
    hart->s.mideleg = (value & riscv_interrupts(hart->isa, true)) | riscv_h_interrupts(hart->isa);
    hart->changed |= HART_CHANGED_IRQ;
}

CSR_READER(mie)
{
    (void)csr;
    return hart->s.mie;
}

CSR_WRITER(mie)
{
    (void)csr;
    hart->s.mie = value & (riscv_interrupts(hart->isa, false) | riscv_h_interrupts(hart->isa));
    hart->changed |= HART_CHANGED_IRQ;
}

CSR_READER(mip)
{
    (void)csr;
    return riscv_mip(hart);
}

CSR_WRITER(mip)
{
    (void)csr;
    riscv_mip_change(hart, false, ~0ull, value);
}

// Modes 2 and 3 are reserved: the base is taken, the mode stays.
uint64_t riscv_tvec_legal(uint64_t old, uint64_t value)
{
    return value & 2 ? (value & ~3ull) | (old & 1) : value;
}

CSR_READER(mtvec)
{
    (void)csr;
    return hart->s.mtvec;
}

CSR_WRITER(mtvec)
{
    (void)csr;
    hart->s.mtvec = riscv_tvec_legal(hart->s.mtvec, value);
}

// Fields of menvcfg, henvcfg or senvcfg in `mask`, as far as their extensions are there.
uint64_t riscv_envcfg_legal(const struct riscv_isa *isa, uint64_t mask, uint64_t old,
                            uint64_t value)
{
    static const struct {
        uint64_t bits;
        uint8_t ext;
    } fields[] = {
        {ENVCFG_CBIE | ENVCFG_CBCFE, EXT_ZICBOM},
        {ENVCFG_CBZE, EXT_ZICBOZ},
        {MENVCFG_ADUE, EXT_SVADU},
        {MENVCFG_PBMTE, EXT_SVPBMT},
        {MENVCFG_STCE, EXT_SSTC},
    };

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(fields); i++)
        if (!riscv_isa_has(isa, fields[i].ext))
            mask &= ~fields[i].bits;
    if ((value & ENVCFG_CBIE) == ENVCFG_CBIE_RESERVED)
        value = (value & ~ENVCFG_CBIE) | (old & ENVCFG_CBIE);
    return value & mask;
}

CSR_READER(menvcfg)
{
    (void)csr;
    return hart->s.menvcfg;
}

CSR_WRITER(menvcfg)
{
    const uint64_t mask = ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE | MENVCFG_ADUE |
                          MENVCFG_PBMTE | MENVCFG_STCE;
    uint64_t old = hart->s.menvcfg, changed;

    (void)csr;
    hart->s.menvcfg = riscv_envcfg_legal(hart->isa, mask, old, value);
    changed = old ^ hart->s.menvcfg;
    if (changed & (MENVCFG_ADUE | MENVCFG_PBMTE)) // what page tables mean
        hart->changed |= HART_CHANGED_FETCH;
    if (changed & MENVCFG_STCE) {
        hart->changed |= HART_CHANGED_IRQ;
        riscv_stimer_update(hart);
    }
}

uint64_t riscv_epc_legal(const struct riscv_isa *isa, uint64_t value)
{
    bool compressed = riscv_isa_has(isa, EXT_C) || riscv_isa_has(isa, EXT_ZCA);

    return value & ~(compressed ? 1ull : 3ull);
}

CSR_READER(mepc)
{
    (void)csr;
    return hart->s.mepc;
}

CSR_WRITER(mepc)
{
    (void)csr;
    hart->s.mepc = riscv_epc_legal(hart->isa, value);
}
