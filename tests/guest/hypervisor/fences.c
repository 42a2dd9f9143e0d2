// SPDX-License-Identifier: Apache-2.0
// Translations of guests, of data and of code, that come to mean something else: hfence.vvma, hfence.gvma,
// hinval, a guest's own sfence.vma, VMIDs and ASIDs that are left and come back.
#include "hyp.h"

#define GPA 0x1f2345000ul
#define VA 0x3f12345000ul

static uint64_t *pages[4];
static struct pt vs, other_vs, other_g;

// Each page returns its number when called, and holds it behind that.
static void make_pages(void)
{
    for (unsigned i = 0; i < 4; i++) {
        uint32_t *code = rt_page();

        code[0] = 0x00000513u | (i + 1) << 20; // li a0, i + 1
        code[1] = 0x00008067;
        pages[i] = (uint64_t *)code;
        pages[i][1] = i + 1;
    }
    rt_fence_i();
}

static void begin(void)
{
    hyp_begin(3, 1);
    make_pages();
    pt_init(&vs, 3);
    pt_map(&vs, VA, GPA, 0, PTE_LEAF);
    pt_map(&hyp_g, GPA, (uint64_t)pages[0], 0, PTE_LEAF | PTE_U);
    csr_write(vsatp, pt_satp(&vs, 1));
    hfence_vvma();
    hfence_gvma();
}

// Code and data of VA, as one number; often enough to be translated.
static uint64_t look(uint64_t arg)
{
    uint64_t sum = 0;

    (void)arg;
    for (unsigned i = 0; i < 40; i++)
        sum += ((uint64_t(*)(void))VA)() * 10 + ((volatile uint64_t *)VA)[1];
    return sum / 40;
}

#define SEES(n) EQ(hyp_run(PRIV_VS, look, 0), (n)*11)

static void fence_v(unsigned form, unsigned asid)
{
    switch (form) {
    case 0: __asm__ volatile(".insn r 0x73, 0, 0x11, x0, x0, x0" ::: "memory"); break;
    case 1: __asm__ volatile(".insn r 0x73, 0, 0x11, x0, %0, x0" ::"r"(VA) : "memory"); break;
    case 2: __asm__ volatile(".insn r 0x73, 0, 0x11, x0, x0, %0" ::"r"(asid) : "memory"); break;
    case 3:
        __asm__ volatile(".insn r 0x73, 0, 0x11, x0, %0, %1" ::"r"(VA), "r"(asid) : "memory");
        break;
    default: // hinval.vvma between its fences
        __asm__ volatile(
            ".word 0x18000073\n\t.insn r 0x73, 0, 0x13, x0, %0, %1\n\t.word 0x18100073" ::"r"(VA),
            "r"(asid)
            : "memory");
    }
}

static void fence_g(unsigned form, unsigned vmid)
{
    switch (form) {
    case 0: __asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, x0" ::: "memory"); break;
    case 1: __asm__ volatile(".insn r 0x73, 0, 0x31, x0, %0, x0" ::"r"(GPA >> 2) : "memory"); break;
    case 2: __asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, %0" ::"r"(vmid) : "memory"); break;
    case 3:
        __asm__ volatile(".insn r 0x73, 0, 0x31, x0, %0, %1" ::"r"(GPA >> 2), "r"(vmid) : "memory");
        break;
    default:
        __asm__ volatile(
            ".word 0x18000073\n\t.insn r 0x73, 0, 0x33, x0, %0, %1\n\t.word 0x18100073" ::"r"(GPA >>
                                                                                              2),
            "r"(vmid)
            : "memory");
    }
}

// The G-stage moves the page.
static void second_stage_moves(void)
{
    begin();
    for (unsigned form = 0; form < 5; form++)
        for (unsigned i = 0; i < 8; i++) {
            SEES(i % 4 ? i % 4 + 1 : 1);
            pt_map(&hyp_g, GPA, (uint64_t)pages[(i + 1) % 4], 0, PTE_LEAF | PTE_U);
            fence_g(form, 1);
        }
    hyp_end();
}

// The first stage moves it; the fence is the hypervisor's.
static void first_stage_moves(void)
{
    begin();
    for (unsigned i = 0; i < 4; i++)
        pt_map(&hyp_g, GPA + i * PAGE, (uint64_t)pages[i], 0, PTE_LEAF | PTE_U);
    fence_g(0, 0);
    for (unsigned form = 0; form < 5; form++)
        for (unsigned i = 0; i < 8; i++) {
            SEES(i % 4 + 1);
            pt_map(&vs, VA, GPA + (i + 1) % 4 * PAGE, 0, PTE_LEAF);
            fence_v(form, 1);
        }
    hyp_end();
}

static uint64_t move_inside(uint64_t arg)
{
    uint64_t wrong = 0;

    for (unsigned i = 0; i < 8; i++) {
        wrong += look(0) != (i % 4 + 1) * 11;
        pt_map(&vs, VA, GPA + (i + 1) % 4 * PAGE, 0, PTE_LEAF);
        if (arg == 0)
            __asm__ volatile("sfence.vma" ::: "memory");
        else if (arg == 1)
            __asm__ volatile("sfence.vma %0, zero" ::"r"(VA) : "memory");
        else if (arg == 2)
            __asm__ volatile("sfence.vma zero, %0" ::"r"(1ul) : "memory");
        else
            __asm__ volatile("sfence.vma %0, %1" ::"r"(VA), "r"(1ul) : "memory");
    }
    return wrong;
}

// The guest's own fences.
static void guest_moves(void)
{
    begin();
    for (unsigned i = 0; i < 4; i++)
        pt_map(&hyp_g, GPA + i * PAGE, (uint64_t)pages[i], 0, PTE_LEAF | PTE_U);
    fence_g(0, 0);
    for (unsigned form = 0; form < 4; form++)
        EQ(hyp_run(PRIV_VS, move_inside, form), 0);
    hyp_end();
}

// Two virtual machines with other memory behind the same addresses, without a fence in between; global
// pages as well, which are so within their machine.
static void machines(void)
{
    for (unsigned global = 0; global < 2; global++) {
        uint64_t flags = PTE_LEAF | (global ? PTE_G : 0);

        begin();
        hyp_g_init(&other_g, 3);
        pt_map(&other_g, GPA, (uint64_t)pages[1], 0, PTE_LEAF | PTE_U);
        pt_map(&vs, VA, GPA, 0, flags);
        fence_g(0, 0);
        fence_v(0, 0);
        for (unsigned i = 0; i < 30; i++) {
            csr_write(hgatp, hyp_hgatp(i & 1 ? &other_g : &hyp_g, 1 + (i & 1)));
            SEES(1 + (i & 1));
        }
        // One of them moves while the other one runs.
        for (unsigned i = 0; i < 12; i++) {
            pt_map(&hyp_g, GPA, (uint64_t)pages[2 + (i & 1)], 0, PTE_LEAF | PTE_U);
            fence_g(i % 5, 1);
            csr_write(hgatp, hyp_hgatp(&hyp_g, 1));
            SEES(3 + (i & 1));
            csr_write(hgatp, hyp_hgatp(&other_g, 2));
            SEES(2);
        }
        hyp_end();
    }
}

// Address spaces within one.
static void spaces(void)
{
    begin();
    for (unsigned i = 0; i < 4; i++)
        pt_map(&hyp_g, GPA + i * PAGE, (uint64_t)pages[i], 0, PTE_LEAF | PTE_U);
    fence_g(0, 0);
    pt_init(&other_vs, 3);
    pt_map(&other_vs, VA, GPA + PAGE, 0, PTE_LEAF);
    for (unsigned i = 0; i < 30; i++) {
        csr_write(vsatp, pt_satp(i & 1 ? &other_vs : &vs, 1 + (i & 1)));
        SEES(1 + (i & 1));
    }
    for (unsigned i = 0; i < 20; i++) { // the one that does not run moves
        csr_write(vsatp, pt_satp(&vs, 1));
        SEES(1);
        pt_map(&other_vs, VA, GPA + (2 + (i & 1)) * PAGE, 0, PTE_LEAF);
        fence_v(i % 5, 2);
        csr_write(vsatp, pt_satp(&other_vs, 2));
        SEES(3 + (i & 1));
    }
    // The same ASID in another machine is another space.
    hyp_g_init(&other_g, 3);
    pt_map(&other_g, GPA, (uint64_t)pages[3], 0, PTE_LEAF | PTE_U);
    for (unsigned i = 0; i < 10; i++) {
        csr_write(vsatp, pt_satp(&vs, 1));
        csr_write(hgatp, hyp_hgatp(i & 1 ? &other_g : &hyp_g, 1 + (i & 1)));
        SEES(i & 1 ? 4 : 1);
    }
    for (unsigned i = 0; i < 10; i++) { // another number, which may have the same place in a table
        csr_write(hgatp, hyp_hgatp(i & 1 ? &other_g : &hyp_g, 1 + 8 * (i & 1)));
        SEES(i & 1 ? 4 : 1);
    }
    hyp_end();
}

// The hypervisor's own translations and those of the guest are apart: neither fence is the other's, and
// both see the change that is theirs.
static void apart(void)
{
    struct pt own;

    begin();
    pt_init(&own, 3);
    pt_map(&own, VA, (uint64_t)pages[3], 0, PTE_LEAF);
    csr_write(satp, pt_satp(&own, 1));
    pt_flush();
    for (unsigned i = 0; i < 20; i++) {
        EQ(hyp_run(PRIV_S, look, 0), 44);
        SEES(1);
    }
    for (unsigned i = 0; i < 8; i++) {
        pt_map(&own, VA, (uint64_t)pages[2 + (i & 1)], 0, PTE_LEAF);
        pt_flush();
        EQ(hyp_run(PRIV_S, look, 0), 33 + 11 * (i & 1));
        SEES(i & 1 ? 2 : 1);
        pt_map(&hyp_g, GPA, (uint64_t)pages[i & 1 ? 0 : 1], 0, PTE_LEAF | PTE_U);
        fence_g(i % 5, 1);
    }
    csr_write(satp, 0);
    pt_flush();
    hyp_end();
}

// A large page of the first stage in small ones of the second: a fence for any of its addresses is for all.
static void superpages(void)
{
    const uint64_t base = 0x3f00000000ul, g_base = 0x1f00000000ul;

    begin();
    for (unsigned i = 0; i < 4; i++)
        pt_map(&hyp_g, g_base + i * PAGE, (uint64_t)pages[i], 0, PTE_LEAF | PTE_U);
    for (unsigned i = 0; i < 4; i++) // another machine address behind the second large page
        pt_map(&hyp_g, g_base + (1ul << 21) + i * PAGE, (uint64_t)pages[3 - i], 0,
               PTE_LEAF | PTE_U);
    pt_map(&vs, base, g_base, 1, PTE_LEAF);
    fence_g(0, 0);
    fence_v(0, 0);
    for (unsigned i = 0; i < 8; i++) {
        for (unsigned n = 0; n < 4; n++) {
            uint64_t value = 0;

            csr_write(hstatus, HSTATUS_SPVP);
            NO_TRAPS(HLV(HLV_D, value, base + n * PAGE + 8));
            EQ(value, i & 1 ? 4 - n : n + 1);
        }
        pt_map(&vs, base, g_base + (i & 1 ? 0 : 1ul << 21), 1, PTE_LEAF);
        __asm__ volatile(".insn r 0x73, 0, 0x11, x0, %0, x0" ::"r"(base + 0x7000) : "memory");
    }
    hyp_end();
}

const struct rt_case rt_cases[] = {
    {"second-stage", second_stage_moves},
    {"first-stage", first_stage_moves},
    {"guest", guest_moves},
    {"machines", machines},
    {"spaces", spaces},
    {"apart", apart},
    {"superpages", superpages},
    {0},
};
