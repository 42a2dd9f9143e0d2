// SPDX-License-Identifier: Apache-2.0
// Supervisor-mode CSRs with rules of their own. Specification: Privileged ISA 1.13, chapter
// "Supervisor-Level ISA", and Sstc.
#include "guest/riscv/csr_table.h"
#include "guest/riscv/trap.h"

// sstatus: what S mode may change, and what else of mstatus it sees.
#define SSTATUS_WRITABLE \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)
#define SSTATUS_VISIBLE (SSTATUS_WRITABLE | MSTATUS_UXL_64 | MSTATUS_SD)

CSR_READER(sstatus)
{
    return riscv_mstatus_read(hart, csr) & SSTATUS_VISIBLE;
}

CSR_WRITER(sstatus)
{
    (void)csr;
    riscv_status_store(hart, SSTATUS_WRITABLE, value);
}

// sie and sip show the interrupts that are delegated, but for those that hie and hip show, and those that
// mvien makes virtual; the others read as zero.
static uint64_t shown(const struct hart *hart)
{
    return hart->s.mideleg & ~riscv_h_interrupts(hart->isa);
}

static uint64_t shown_virtual(const struct hart *hart)
{
    return hart->s.mvien & ~hart->s.mideleg;
}

CSR_READER(sie)
{
    (void)csr;
    return (hart->s.mie & shown(hart)) | (hart->s.sie & shown_virtual(hart));
}

CSR_WRITER(sie)
{
    uint64_t mask = shown(hart), virtual = shown_virtual(hart);

    (void)csr;
    hart->s.mie = (hart->s.mie & ~mask) | (value & mask);
    hart->s.sie = (hart->s.sie & ~virtual) | (value & virtual);
    hart->changed |= HART_CHANGED_IRQ;
}

CSR_READER(sip)
{
    uint64_t mip = riscv_mip(hart);

    (void)csr;
    return (mip & shown(hart)) | (riscv_mvip_read(hart, CSR_MVIP) & shown_virtual(hart));
}

CSR_WRITER(sip)
{
    (void)csr;
    riscv_mip_change(hart, true, ~0ull, value);
}

CSR_READER(stvec)
{
    (void)csr;
    return hart->s.stvec;
}

CSR_WRITER(stvec)
{
    (void)csr;
    hart->s.stvec = riscv_tvec_legal(hart->s.stvec, value);
}

CSR_READER(senvcfg)
{
    (void)csr;
    return hart->s.senvcfg;
}

CSR_WRITER(senvcfg)
{
    const uint64_t mask = ENVCFG_FIOM | ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE;

    (void)csr;
    hart->s.senvcfg = riscv_envcfg_legal(hart->isa, mask, hart->s.senvcfg, value);
}

CSR_READER(sepc)
{
    (void)csr;
    return hart->s.sepc;
}

CSR_WRITER(sepc)
{
    (void)csr;
    hart->s.sepc = riscv_epc_legal(hart->isa, value);
}

CSR_READER(stimecmp)
{
    (void)csr;
    return hart->s.stimecmp;
}

CSR_WRITER(stimecmp)
{
    (void)csr;
    hart->s.stimecmp = value;
    hart->changed |= HART_CHANGED_IRQ;
    riscv_stimer_update(hart);
}

CSR_READER(satp)
{
    (void)csr;
    return hart->s.satp;
}

// Modes by number of levels: Sv39 has three and is 8, and so on.
bool riscv_satp_legal(const struct riscv_isa *isa, uint64_t value)
{
    unsigned mode = (unsigned)(value >> SATP_MODE_SHIFT);
    unsigned levels = mode - SATP_MODE_SV39 + 3;

    return mode == SATP_MODE_BARE || (mode >= SATP_MODE_SV39 && levels <= isa->sv_levels);
}

// A write with a mode that there isn't changes nothing at all.
CSR_WRITER(satp)
{
    (void)csr;
    if (!riscv_satp_legal(hart->isa, value) || hart->s.satp == value)
        return;
    hart->s.satp = value;
    hart->changed |= HART_CHANGED_SATP;
}
