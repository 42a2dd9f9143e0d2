// SPDX-License-Identifier: Apache-2.0
// Hypervisor and virtual supervisor CSRs with rules of their own. Specification: Privileged ISA
// 1.13, chapter "H Extension for Hypervisor Support", and Sstc.
#include "guest/riscv/aia.h"
#include "guest/riscv/csr_table.h"
#include "guest/riscv/trap.h"

#define FIELD_READER(name)   \
    CSR_READER(name)         \
    {                        \
        (void)csr;           \
        return hart->s.name; \
    }

FIELD_READER(hstatus)
FIELD_READER(hedeleg)
FIELD_READER(hideleg)
FIELD_READER(htimedelta)
FIELD_READER(hgeie)
FIELD_READER(hvip)
FIELD_READER(hgatp)
FIELD_READER(vstvec)
FIELD_READER(vsepc)
FIELD_READER(vstimecmp)
FIELD_READER(vsatp)

// VGEIN keeps its value when there is no such guest external interrupt.
CSR_WRITER(hstatus)
{
    uint64_t mask = HSTATUS_GVA | HSTATUS_SPV | HSTATUS_SPVP | HSTATUS_HU | HSTATUS_VTVM |
                    HSTATUS_VTW | HSTATUS_VTSR;

    (void)csr;
    if ((value & HSTATUS_VGEIN) >> HSTATUS_VGEIN_SHIFT <= hart->isa->geilen)
        mask |= HSTATUS_VGEIN;
    hart->s.hstatus = (hart->s.hstatus & ~mask) | (value & mask);
    hart->changed |= HART_CHANGED_IRQ;
}

// What is the hypervisor's own affair can't be passed on: ecalls from VS mode and above, guest-page
// faults, virtual instructions.
CSR_WRITER(hedeleg)
{
    (void)csr;
    hart->s.hedeleg = value & 0xb1ff;
}

CSR_WRITER(hideleg)
{
    (void)csr;
    hart->s.hideleg = value & RISCV_VS_INTERRUPTS;
    hart->changed |= HART_CHANGED_IRQ;
}

CSR_READER(hie)
{
    (void)csr;
    return hart->s.mie & riscv_h_interrupts(hart->isa);
}

CSR_WRITER(hie)
{
    uint64_t mask = riscv_h_interrupts(hart->isa);

    (void)csr;
    hart->s.mie = (hart->s.mie & ~mask) | (value & mask);
    hart->changed |= HART_CHANGED_IRQ;
}

CSR_READER(hip)
{
    (void)csr;
    return riscv_mip(hart) & riscv_h_interrupts(hart->isa);
}

static void hvip_store(struct hart *hart, uint64_t mask, uint64_t value)
{
    hart->s.hvip = (hart->s.hvip & ~mask) | (value & mask);
    hart->changed |= HART_CHANGED_IRQ;
}

// Those for which hvip has bits beside the hypervisor extension's own.
static uint64_t local_interrupts(const struct hart *hart)
{
    return riscv_isa_has(hart->isa, EXT_SSAIA) ? AIA_LOCAL_INTERRUPTS : 0;
}

// VSSIP alone is writable, as the same bit of hvip.
CSR_WRITER(hip)
{
    (void)csr;
    hvip_store(hart, 1u << IRQ_VS_SOFT, value);
}

CSR_WRITER(hvip)
{
    (void)csr;
    hvip_store(hart, RISCV_VS_INTERRUPTS | local_interrupts(hart), value);
}

static uint64_t guest_externals(const struct hart *hart)
{
    return ((2ull << hart->isa->geilen) - 1) & ~1ull;
}

CSR_READER(hgeip)
{
    (void)csr;
    return atomic_load(&hart->hgeip) & guest_externals(hart);
}

CSR_WRITER(hgeie)
{
    (void)csr;
    hart->s.hgeie = value & guest_externals(hart);
    hart->changed |= HART_CHANGED_IRQ;
}

CSR_WRITER(htimedelta)
{
    (void)csr;
    hart->s.htimedelta = value;
    hart->changed |= HART_CHANGED_IRQ;
    riscv_stimer_update(hart);
}

CSR_READER(henvcfg)
{
    (void)csr;
    return riscv_henvcfg(&hart->s);
}

CSR_WRITER(henvcfg)
{
    const uint64_t plain = ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;
    const uint64_t gated = MENVCFG_ADUE | MENVCFG_PBMTE | MENVCFG_STCE;
    uint64_t old = hart->s.henvcfg, mask = plain | (gated & hart->s.menvcfg), changed;

    (void)csr;
    hart->s.henvcfg = riscv_envcfg_legal(hart->isa, mask, old, value);
    changed = old ^ hart->s.henvcfg;
    if (changed & (MENVCFG_ADUE | MENVCFG_PBMTE)) // what VS-stage page tables mean
        hart->changed |= HART_CHANGED_VS_TLB;
    if (changed & MENVCFG_STCE) {
        hart->changed |= HART_CHANGED_IRQ;
        riscv_stimer_update(hart);
    }
}

#define ROOT_ALIGNMENT 3ull // of ppn: the root table has four pages

// A mode that there isn't leaves the mode as it was; the other fields are taken, unlike satp's.
CSR_WRITER(hgatp)
{
    uint64_t mask = HGATP_VMID | (SATP_PPN & ~ROOT_ALIGNMENT), old = hart->s.hgatp;

    (void)csr;
    if (riscv_satp_legal(hart->isa, value))
        mask |= ~0ull << SATP_MODE_SHIFT;
    hart->s.hgatp = (old & ~mask) | (value & mask);
    if (hart->s.hgatp != old)
        hart->changed |= HART_CHANGED_VSATP;
}

#define VSSTATUS_WRITABLE \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)

CSR_READER(vsstatus)
{
    uint64_t vsstatus = hart->s.vsstatus;

    (void)csr;
    return (vsstatus & MSTATUS_FS) == MSTATUS_FS_DIRTY ? vsstatus | MSTATUS_SD : vsstatus;
}

void riscv_vsstatus_store(struct hart *hart, uint64_t mask, uint64_t value)
{
    uint64_t old = hart->s.vsstatus, changed;

    if (!riscv_isa_has(hart->isa, EXT_F))
        mask &= ~MSTATUS_FS;
    hart->s.vsstatus = (old & ~mask) | (value & mask);
    changed = old ^ hart->s.vsstatus;
    if (changed & (MSTATUS_SUM | MSTATUS_MXR | MSTATUS_FS))
        hart->changed |= HART_CHANGED_MODE;
    if (changed & MSTATUS_SIE)
        hart->changed |= HART_CHANGED_IRQ;
}

CSR_WRITER(vsstatus)
{
    (void)csr;
    riscv_vsstatus_store(hart, VSSTATUS_WRITABLE, value);
}

// vsie and vsip show those that hideleg passes on, under the supervisor's numbers: one lower; and those
// that hvien makes virtual.
CSR_READER(vsie)
{
    (void)csr;
    return (hart->s.mie & hart->s.hideleg) >> 1 | (hart->s.vsie & hart->s.hvien);
}

CSR_WRITER(vsie)
{
    uint64_t mask = hart->s.hideleg, virtual = hart->s.hvien;

    (void)csr;
    hart->s.mie = (hart->s.mie & ~mask) | (value << 1 & mask);
    hart->s.vsie = (hart->s.vsie & ~virtual) | (value & virtual);
    hart->changed |= HART_CHANGED_IRQ;
}

CSR_READER(vsip)
{
    (void)csr;
    return (riscv_mip(hart) & hart->s.hideleg) >> 1 | (hart->s.hvip & hart->s.hvien);
}

CSR_WRITER(vsip)
{
    (void)csr;
    hvip_store(hart, 1u << IRQ_VS_SOFT & hart->s.hideleg, value << 1);
    hvip_store(hart, hart->s.hvien, value);
}

CSR_WRITER(vstvec)
{
    (void)csr;
    hart->s.vstvec = riscv_tvec_legal(hart->s.vstvec, value);
}

CSR_WRITER(vsepc)
{
    (void)csr;
    hart->s.vsepc = riscv_epc_legal(hart->isa, value);
}

CSR_WRITER(vstimecmp)
{
    (void)csr;
    hart->s.vstimecmp = value;
    hart->changed |= HART_CHANGED_IRQ;
    riscv_stimer_update(hart);
}

// As satp: with a mode that there isn't, nothing changes.
CSR_WRITER(vsatp)
{
    (void)csr;
    if (!riscv_satp_legal(hart->isa, value) || hart->s.vsatp == value)
        return;
    hart->s.vsatp = value;
    hart->changed |= HART_CHANGED_VSATP;
}
