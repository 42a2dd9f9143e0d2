// SPDX-License-Identifier: Apache-2.0
// Single instructions in a given mode: the page, the mode, and what the trap says.
#include "probe.h"

#ifndef RT_SMODE
#include "csr.h"
#include "pt.h"

static uint64_t old_status;

void *probe_begin(unsigned mode, bool fp)
{
    struct pt pt = {.levels = 3, .root = rt_page()};
    void *page = rt_page();

    pt_map(&pt, PROBE_VA, (uint64_t)page, 0, PTE_V | PTE_X | PTE_A | (mode == PRIV_U ? PTE_U : 0));
    old_status = csr_read(mstatus);
    csr_clear(mstatus, STATUS_MPP | STATUS_FS | STATUS_MIE | STATUS_SIE | STATUS_MPIE);
    csr_set(mstatus, (uint64_t)mode << 11 | (fp ? STATUS_FS_INITIAL : 0));
    if (!rt_on_qemu()) {
        csr_set(menvcfg, ENVCFG_CBIE_INVAL | ENVCFG_CBCFE | ENVCFG_CBZE);
        csr_set(senvcfg, ENVCFG_CBIE_INVAL | ENVCFG_CBCFE | ENVCFG_CBZE);
    }
    csr_write(medeleg, 0);
    csr_write(mideleg, 0);
    csr_write(sepc, 0);
    csr_write(satp, pt_satp(&pt, 0));
    pt_flush();
    return page;
}

void probe_end(void)
{
    csr_write(satp, 0);
    pt_flush();
    csr_write(mstatus, old_status);
}

void probe_failed(uint32_t insn, const char *what, uint64_t got, uint64_t want)
{
    if (rt_check_counts())
        rt_printf("# instruction 0x%x: %s: 0x%lx, not 0x%lx\n", insn, what, got, want);
}

bool probe_legal(unsigned offset, uint32_t insn)
{
    uintptr_t pc = PROBE_VA + offset;
    struct rt_outcome outcome = rt_probe(pc);

    if (outcome.cause != CAUSE_ILLEGAL || rt_probe_epc != pc)
        return true;
    // QEMU 7.2 sometimes has the instruction before there.
    if (outcome.tval != insn && !rt_on_qemu())
        probe_failed(insn, "tval", outcome.tval, insn);
    if (rt_probe_regs)
        probe_failed(insn, "its registers", rt_probe_regs, 0);
    return false;
}
#endif
