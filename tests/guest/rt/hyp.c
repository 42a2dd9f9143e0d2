// SPDX-License-Identifier: Apache-2.0
// VS and VU mode, and G-stage tables, for the guest programs.
#ifndef RT_SMODE
#include "hyp.h"

extern char rt_stacks[], rt_leave_stub[], rt_trap_vs[];
uint64_t rt_enter(uint64_t pc, uint64_t arg, uint64_t sp, uint64_t ra, uint64_t status);

struct pt hyp_g;

const uint64_t page_fault[] = {CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE};
const uint64_t access_fault[] = {CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS};
const uint64_t guest_page_fault[] = {CAUSE_LOAD_GUEST_PAGE, CAUSE_STORE_GUEST_PAGE,
                                     CAUSE_FETCH_GUEST_PAGE};

void hyp_g_init(struct pt *pt, unsigned levels)
{
    uint64_t root = (uint64_t)rt_pages(7);

    *pt = (struct pt){.levels = levels, .wide = true};
    pt->root = (uint64_t *)((root + 3 * PAGE) & ~(4 * PAGE - 1));
    for (uint64_t gb = 0; gb < 4; gb++)
        pt_map(pt, gb << 30, gb << 30, 2, PTE_LEAF | PTE_U);
}

uint64_t hyp_hgatp(const struct pt *pt, unsigned vmid)
{
    return (uint64_t)(pt->levels + 5) << 60 | (uint64_t)vmid << 44 | (uint64_t)pt->root >> 12;
}

static void defaults(void)
{
    csr_write(medeleg, 0);
    csr_write(mideleg, 0);
    csr_write(mie, 0);
    csr_write(hstatus, 0);
    csr_write(hedeleg, 0);
    csr_write(hideleg, 0);
    csr_write(hvip, 0);
    csr_write(hcounteren, -1ul);
    csr_write(mcounteren, -1ul);
    csr_write(scounteren, -1ul);
    csr_write(htimedelta, 0);
    csr_write(henvcfg, 0);
    csr_write(vsstatus, 0);
    csr_write(vsatp, 0);
    csr_write(satp, 0);
    csr_clear(mstatus, STATUS_TVM | STATUS_TW | STATUS_TSR | STATUS_SUM | STATUS_MXR | STATUS_SIE |
                           STATUS_MIE | STATUS_MPV | STATUS_MPRV);
}

void hyp_begin(unsigned levels, unsigned vmid)
{
    uint64_t top = (uint64_t)rt_stacks + (uint64_t)rt_hart() * RT_STACK_SIZE + RT_STRAP_TOP;

    defaults();
    hyp_g_init(&hyp_g, levels);
    csr_write(hgatp, hyp_hgatp(&hyp_g, vmid));
    csr_write(vstvec, rt_trap_vs);
    csr_write(vsscratch, top);
    hfence_gvma();
    hfence_vvma();
}

void hyp_end(void)
{
    defaults();
    csr_write(menvcfg, 0);
    csr_write(hgatp, 0);
    csr_write(mcounteren, 7);
    csr_write(scounteren, 7);
    hfence_gvma();
    hfence_vvma();
}

uint64_t hyp_run_in(unsigned mode, uint64_t (*fn)(uint64_t), uint64_t arg, uint64_t offset)
{
    uint64_t sp = (uint64_t)rt_stacks + (uint64_t)rt_hart() * RT_STACK_SIZE + RT_STRAP_TOP + 0x2800;
    uint64_t status = (uint64_t)(mode & 3) << 11 | (mode & VIRT ? STATUS_MPV : 0);

    return rt_enter((uint64_t)fn + offset, arg, sp + offset, (uint64_t)rt_leave_stub + offset,
                    status);
}

struct rt_outcome hyp_access(unsigned mode, enum access access, uint64_t va)
{
    static struct rt_request r;

    r.access = access;
    r.va = va;
    hyp_run(mode, rt_access, (uint64_t)&r);
    return r.outcome;
}
#endif
