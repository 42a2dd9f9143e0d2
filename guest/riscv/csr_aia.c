// SPDX-License-Identifier: Apache-2.0
// The CSRs of Smaia and Ssaia. Specification: RISC-V AIA 1.0, "Control and Status Registers (CSRs) Added
// to Harts", and the chapters about each.
#include "guest/riscv/aia.h"
#include "guest/riscv/csr_table.h"
#include "guest/riscv/imsic.h"
#include "guest/riscv/trap.h"

#define IPRIO_FIRST 0x30u // indirect registers, of which the even ones exist
#define IPRIO_LAST 0x3fu
#define CSR_SIREG 0x151
#define CSR_VSIREG 0x251
#define CSR_VSTOPEI 0x25c

#define MIP_SSIP (1ull << IRQ_S_SOFT)
#define MIP_STIP (1ull << IRQ_S_TIMER)
#define MIP_SEIP (1ull << IRQ_S_EXT)
#define VIRTUAL_S (AIA_LOCAL_INTERRUPTS | MIP_SSIP | MIP_SEIP) // what mvien can have

static int legal_if(bool condition)
{
    return condition ? 0 : CAUSE_ILLEGAL_INSTRUCTION;
}

int riscv_aia_check(const struct hart *hart, unsigned csr)
{
    (void)csr;
    return legal_if(riscv_isa_has(hart->isa, EXT_SSAIA));
}

int riscv_aia_h_check(const struct hart *hart, unsigned csr)
{
    (void)csr;
    return legal_if(riscv_isa_has(hart->isa, EXT_SSAIA) && riscv_isa_has(hart->isa, EXT_H));
}

// sip and sie, from VS mode.
int riscv_aia_vti_check(const struct hart *hart, unsigned csr)
{
    (void)csr;
    return hart->s.virt && (hart->s.hvictl & HVICTL_VTI) ? CAUSE_VIRTUAL_INSTRUCTION : 0;
}

static bool is_priority(unsigned select)
{
    return select >= IPRIO_FIRST && select <= IPRIO_LAST;
}

static bool is_imsic(unsigned select)
{
    return select >= IMSIC_SELECT_FIRST && select <= IMSIC_SELECT_LAST;
}

// With mvien.SEIP the supervisor's file is M mode's to give.
static bool file_withheld(const struct hart *hart)
{
    return hart->s.priv != PRIV_M && (hart->s.mvien & MIP_SEIP);
}

// mireg, and sireg outside of a guest.
static int ireg_check(unsigned select, bool withheld)
{
    if (is_priority(select))
        return legal_if(!(select & 1));
    return legal_if(is_imsic(select) && riscv_imsic_register_exists(select) && !withheld);
}

// vsireg, which a guest means by sireg. What it can't have but exists at other levels is its
// hypervisor's affair; what is reserved is nobody's.
static int vsireg_check(const struct hart *hart)
{
    unsigned select = (unsigned)hart->s.vsiselect;
    int inaccessible = hart->s.virt ? CAUSE_VIRTUAL_INSTRUCTION : CAUSE_ILLEGAL_INSTRUCTION;

    if (is_priority(select))
        return inaccessible;
    if (!is_imsic(select))
        return CAUSE_ILLEGAL_INSTRUCTION;
    return riscv_aia_guest_file(hart) && riscv_imsic_register_exists(select) ? 0 : inaccessible;
}

// In VU mode, and for a hypervisor's numbers in a guest, the rule for all CSRs follows.
int riscv_aia_ireg_check(const struct hart *hart, unsigned csr)
{
    const struct hart_state *s = &hart->s;
    int cause = csr == CSR_VSIREG ? riscv_aia_h_check(hart, csr) : riscv_aia_check(hart, csr);

    if (cause || (s->virt && (s->priv == PRIV_U || csr == CSR_VSIREG)))
        return cause;
    if (csr == CSR_VSIREG || s->virt)
        return vsireg_check(hart);
    return csr == CSR_SIREG ? ireg_check((unsigned)s->siselect, file_withheld(hart))
                            : ireg_check((unsigned)s->miselect, false);
}

int riscv_aia_topei_check(const struct hart *hart, unsigned csr)
{
    const struct hart_state *s = &hart->s;
    bool vs = csr == CSR_VSTOPEI;
    int cause = vs ? riscv_aia_h_check(hart, csr) : riscv_aia_check(hart, csr);

    if (cause || (s->virt && (s->priv == PRIV_U || vs)))
        return cause;
    if (s->virt)
        return riscv_aia_guest_file(hart) ? 0 : CAUSE_VIRTUAL_INSTRUCTION;
    return legal_if(vs ? riscv_aia_guest_file(hart) != 0 : !file_withheld(hart));
}

// The numbers that can be set now; the others are zero, but for what they hold against better times.
static uint64_t iprio_read(const uint8_t numbers[64], uint64_t settable, unsigned select)
{
    unsigned first = (select - IPRIO_FIRST) * 4;
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++)
        if (settable >> (first + i) & 1)
            value |= (uint64_t)numbers[first + i] << 8 * i;
    return value;
}

static void iprio_write(struct hart *hart, uint8_t numbers[64], uint64_t settable, unsigned select,
                        uint64_t value)
{
    unsigned first = (select - IPRIO_FIRST) * 4;

    for (unsigned i = 0; i < 8; i++)
        if (settable >> (first + i) & 1)
            numbers[first + i] = (uint8_t)(value >> 8 * i);
    hart->changed |= HART_CHANGED_IRQ;
}

#define INDIRECT(name, select, numbers, machine, file)                              \
    CSR_READER(name)                                                                \
    {                                                                               \
        (void)csr;                                                                  \
        if (is_imsic((unsigned)hart->s.select))                                     \
            return riscv_imsic_read(hart, file, (unsigned)hart->s.select);          \
        return iprio_read(hart->s.numbers, riscv_aia_priorities(hart, machine),     \
                          (unsigned)hart->s.select);                                \
    }                                                                               \
    CSR_WRITER(name)                                                                \
    {                                                                               \
        (void)csr;                                                                  \
        if (is_imsic((unsigned)hart->s.select))                                     \
            riscv_imsic_write(hart, file, (unsigned)hart->s.select, value);         \
        else                                                                        \
            iprio_write(hart, hart->s.numbers, riscv_aia_priorities(hart, machine), \
                        (unsigned)hart->s.select, value);                           \
    }

INDIRECT(mireg, miselect, miprio, true, HULL_MSI_FILE_M)
INDIRECT(sireg, siselect, siprio, false, HULL_MSI_FILE_S)

CSR_READER(vsireg)
{
    (void)csr;
    return riscv_imsic_read(hart, riscv_aia_guest_file(hart), (unsigned)hart->s.vsiselect);
}

CSR_WRITER(vsireg)
{
    (void)csr;
    riscv_imsic_write(hart, riscv_aia_guest_file(hart), (unsigned)hart->s.vsiselect, value);
}

#define TOPEI(name, file)                     \
    CSR_READER(name)                          \
    {                                         \
        (void)csr;                            \
        return riscv_imsic_topei(hart, file); \
    }                                         \
    CSR_WRITER(name)                          \
    {                                         \
        (void)csr, (void)value;               \
        riscv_imsic_claim(hart, file);        \
    }

TOPEI(mtopei, HULL_MSI_FILE_M)
TOPEI(stopei, HULL_MSI_FILE_S)
TOPEI(vstopei, riscv_aia_guest_file(hart))

#define TOPI(name)                                      \
    CSR_READER(name)                                    \
    {                                                   \
        (void)csr;                                      \
        return riscv_aia_##name(hart, riscv_mip(hart)); \
    }

TOPI(mtopi)
TOPI(stopi)
TOPI(vstopi)

#define FIELD(name, mask)                  \
    CSR_READER(name)                       \
    {                                      \
        (void)csr;                         \
        return hart->s.name;               \
    }                                      \
    CSR_WRITER(name)                       \
    {                                      \
        (void)csr;                         \
        hart->s.name = value & (mask);     \
        hart->changed |= HART_CHANGED_IRQ; \
    }

FIELD(miselect, 0x1ff)
FIELD(siselect, 0x1ff)
FIELD(vsiselect, 0x1ff)
FIELD(hvien, AIA_LOCAL_INTERRUPTS)
FIELD(hvictl, HVICTL_VTI | 0x3fu << HVICTL_IID_SHIFT | HVICTL_DPR | HVICTL_IPRIOM | HVICTL_IPRIO)
FIELD(hviprio1, 0xffffff00ff00ff00)
FIELD(hviprio2, ~0ull)
FIELD(mvien, VIRTUAL_S)

// Bits that mvien does not make virtual are those of mip that software writes.
CSR_READER(mvip)
{
    const struct hart_state *s = &hart->s;
    uint64_t aliases =
        (s->mvien & MIP_SSIP ? 0 : MIP_SSIP) | (riscv_stip_writable(hart) ? MIP_STIP : 0);

    (void)csr;
    return (s->mvip & (AIA_LOCAL_INTERRUPTS | (s->mvien & MIP_SSIP))) | (s->mip & MIP_SEIP) |
           (riscv_mip(hart) & aliases);
}

void riscv_mvip_change(struct hart *hart, uint64_t bits, uint64_t value)
{
    struct hart_state *s = &hart->s;
    uint64_t own = bits & (AIA_LOCAL_INTERRUPTS | (s->mvien & MIP_SSIP));

    s->mvip = (s->mvip & ~own) | (value & own);
    if (bits & MIP_SEIP)
        s->mip = (s->mip & ~MIP_SEIP) | (value & MIP_SEIP);
    riscv_mip_change(hart, false, bits & ~s->mvien & (MIP_SSIP | MIP_STIP), value);
}

CSR_WRITER(mvip)
{
    (void)csr;
    riscv_mvip_change(hart, ~0ull, value);
}
