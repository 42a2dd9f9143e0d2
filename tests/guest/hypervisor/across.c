// SPDX-License-Identifier: Apache-2.0
// A guest's accesses and instructions that lie on both sides of a page's end, either stage failing in the
// second page: what the trap says, and that nothing of them was done.
#include "hyp.h"

#define GPA 0x1f2345000ul
#define VA 0x3f12345000ul
#define NEXT (VA + PAGE)
#define NEXT_GPA (GPA + 5 * PAGE)

static uint64_t *page;
static struct pt vs;

static struct rt_last *last(void)
{
    return &rt_last[rt_hart()];
}

static void begin(void)
{
    hyp_begin(4, 5);
    page = rt_page();
    pt_init(&vs, 3);
    for (unsigned i = 0; i < 4; i++) // the program itself, for VS mode
        pt_map(&vs, (uint64_t)i << 30, (uint64_t)i << 30, 2, PTE_LEAF);
    pt_map(&vs, VA, GPA, 0, PTE_LEAF);
    pt_map(&hyp_g, GPA, (uint64_t)page, 0, PTE_LEAF | PTE_U);
    csr_write(vsatp, pt_satp(&vs, 2));
    csr_write(hstatus, HSTATUS_SPVP);
}

static uint64_t load_at(uint64_t at)
{
    return rt_try_load(at, 8, NULL).cause;
}

static uint64_t store_at(uint64_t at)
{
    return rt_try_store(at, 8, -1ul).cause;
}

// hlv, hlvx, hsv, and VS mode's own, of bytes on both sides of NEXT: `first` of them, and what the second
// page answers to a load.
static void across(unsigned first, uint64_t cause, uint64_t want_tval2)
{
    uint64_t at = NEXT - first, loaded = 0;
    bool guest = cause == CAUSE_LOAD_GUEST_PAGE;
    uint64_t stores = guest ? CAUSE_STORE_GUEST_PAGE : CAUSE_STORE_PAGE;
    register uint64_t a4 __asm__("a4") = 0;
    register uint64_t a5 __asm__("a5") = at;

    TRAPS(TRY_OUT(".insn r 0x73, 4, 0x36, a4, a5, x0", a4, "r"(a5)), cause, NEXT);
    EQ(last()->tval2, want_tval2);
    EQ(last()->tinst, 0x6c004773 | first << 15); // hlv.d a4, the offset of the fault in a5's place
    EQ(last()->status & (STATUS_GVA | STATUS_MPV), STATUS_GVA);
    TRAPS(HSV(HSV_D, -1ul, at), stores, NEXT);
    EQ(last()->tval2, want_tval2);
    if (first < 4) {
        TRAPS(HLV(HLVX_WU, loaded, at), cause, NEXT);
        EQ(last()->tval2, want_tval2);
    }
    EQ(hyp_run(PRIV_VS, load_at, at), cause);
    EQ(last()->tval2, want_tval2);
    EQ(hyp_run(PRIV_VS, store_at, at), stores);
    EQ(last()->tval2, want_tval2);
    EQ(page[PAGE / 8 - 1], 0x1111111111111111); // nothing of the first page was written
}

static void fail_in_first_stage(void)
{
    pt_map(&vs, NEXT, NEXT_GPA, 0, 0);
    hfence_vvma();
}

static void fail_in_second_stage(void)
{
    pt_map(&vs, NEXT, NEXT_GPA, 0, PTE_LEAF);
    pt_map(&hyp_g, NEXT_GPA, 0, 0, 0);
    hfence_gvma();
    hfence_vvma();
}

static void data(void)
{
    NOT_ON_QEMU("htinst is zero there");
    begin();
    page[PAGE / 8 - 1] = 0x1111111111111111;
    for (unsigned first = 1; first < 8; first++) {
        fail_in_first_stage();
        across(first, CAUSE_LOAD_PAGE, 0);
        fail_in_second_stage();
        across(first, CAUSE_LOAD_GUEST_PAGE, NEXT_GPA >> 2);
    }
    hyp_end();
}

static uint64_t execute_at(uint64_t at)
{
    return rt_try_exec(at).cause;
}

static uint64_t executed_at(uint64_t at)
{
    return rt_try_exec(at).tval;
}

// An instruction of four bytes, two of them in the second page: its address is in xepc, the fault's in xtval.
static void instructions(void)
{
    NOT_ON_QEMU("htinst is zero there");
    begin();
    page[PAGE / 8 - 1] = 0x0513ul << 48; // li a0, ...
    rt_fence_i();
    for (unsigned i = 0; i < 3; i++) {
        fail_in_first_stage();
        EQ(hyp_run(PRIV_VS, execute_at, NEXT - 2), CAUSE_FETCH_PAGE);
        EQ(hyp_run(PRIV_VS, executed_at, NEXT - 2), NEXT);
        EQ(last()->epc, NEXT - 2);
        fail_in_second_stage();
        EQ(hyp_run(PRIV_VS, execute_at, NEXT - 2), CAUSE_FETCH_GUEST_PAGE);
        EQ(hyp_run(PRIV_VS, executed_at, NEXT - 2), NEXT);
        EQ(last()->tval2, NEXT_GPA >> 2);
        EQ(last()->tinst, 0);
        EQ(last()->status & (STATUS_GVA | STATUS_MPV), STATUS_GVA | STATUS_MPV);
        EQ(last()->epc, NEXT - 2);
    }
    hyp_end();
}

const struct rt_case rt_cases[] = {
    {"data", data},
    {"instructions", instructions},
    {0},
};
