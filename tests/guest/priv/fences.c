// SPDX-License-Identifier: Apache-2.0
// Data in address spaces that are left and come back: what each sees is its own, and what moved under an
// sfence.vma of one address, one ASID or both is seen at its new place.
#include "csr.h"
#include "pt.h"

static struct pt pt, other;

#define VA 0x3f12400000ul
#define BIG 0x3e40000000ul
#define MANY 1500u
#define ROUNDS 24

static volatile uint64_t *at(uint64_t va, unsigned page)
{
    return (volatile uint64_t *)(va + page * PAGE);
}

// A page that begins with `word`.
static uint64_t marked(uint64_t word)
{
    uint64_t *page = rt_page();

    page[0] = word;
    return (uint64_t)page;
}

static void begin(void)
{
    pt_init(&pt, 3);
    pt_init(&other, 3);
    csr_write(satp, pt_satp(&pt, 1));
    pt_flush();
}

static void end(void)
{
    csr_write(satp, 0);
    pt_flush();
}

static void each_its_own(void)
{
    begin();
    pt_map(&pt, VA, marked(0), 0, PTE_LEAF);
    pt_map(&other, VA, marked(1000), 0, PTE_LEAF);
    for (unsigned i = 0; i < ROUNDS; i++) {
        csr_write(satp, pt_satp(&pt, 1));
        EQ(++*at(VA, 0), i + 1);
        csr_write(satp, pt_satp(&other, 2));
        EQ(++*at(VA, 0), i + 1001);
    }
    end();
}

// More pages than anybody keeps, the same addresses in both.
static void many_pages(void)
{
    uint64_t pages[2][16];

    begin();
    for (unsigned i = 0; i < 16; i++) {
        pages[0][i] = marked(i);
        pages[1][i] = marked(100 + i);
    }
    for (unsigned i = 0; i < MANY; i++) {
        pt_map(&pt, VA + i * PAGE, pages[0][i % 16], 0, PTE_LEAF);
        pt_map(&other, VA + i * PAGE, pages[1][i % 16], 0, PTE_LEAF);
    }
    for (unsigned round = 0; round < 4; round++) {
        csr_write(satp, pt_satp(&pt, 1));
        for (unsigned i = 0; i < MANY; i++)
            EQ(*at(VA, i), i % 16 + (round & 1 ? 100 : 0));
        for (unsigned i = 0; i < MANY; i++)
            pt_map(&pt, VA + i * PAGE, pages[~round & 1][i % 16], 0, PTE_LEAF);
        if (round & 2)
            csr_write(satp, pt_satp(&other, 2));
        __asm__ volatile("sfence.vma zero, %0" ::"r"(1) : "memory");
        csr_write(satp, pt_satp(&other, 2));
        for (unsigned i = 0; i < MANY; i++)
            EQ(*at(VA, i), 100 + i % 16);
    }
    end();
}

// Every form of the fence that names the page, from inside its space and from outside.
static void a_page_moves(void)
{
    uint64_t pages[2];

    begin();
    pages[0] = marked(0);
    pages[1] = marked(1);
    pt_map(&other, VA, marked(2), 0, PTE_LEAF);
    for (unsigned i = 0; i < ROUNDS; i++) {
        pt_map(&pt, VA, pages[i & 1], 0, PTE_LEAF);
        switch (i % 3) {
        case 0: __asm__ volatile("sfence.vma %0, zero" ::"r"(VA) : "memory"); break;
        case 1: __asm__ volatile("sfence.vma %0, %1" ::"r"(VA), "r"(1) : "memory"); break;
        case 2: __asm__ volatile("sfence.vma zero, %0" ::"r"(1) : "memory"); break;
        }
        csr_write(satp, pt_satp(&pt, 1));
        EQ(*at(VA, 0), i & 1);
        if (i >= ROUNDS / 2) {
            csr_write(satp, pt_satp(&other, 2));
            EQ(*at(VA, 0), 2);
        }
    }
    end();
}

// A megapage moves; the fence names a page of it that was not touched.
static void a_superpage_moves(void)
{
    const uint64_t place[2] = {RAM + (52ul << 20), RAM + (54ul << 20)};

    begin();
    for (unsigned i = 0; i < 8; i++) {
        *(volatile uint64_t *)(place[0] + i * 5 * PAGE) = i;
        *(volatile uint64_t *)(place[1] + i * 5 * PAGE) = 50 + i;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        pt_map(&pt, BIG, place[round & 1], 1, PTE_LEAF);
        __asm__ volatile("sfence.vma %0, zero" ::"r"(BIG + 511 * PAGE) : "memory");
        for (unsigned i = 0; i < 8; i++)
            EQ(*at(BIG, i * 5), i + (round & 1 ? 50 : 0));
    }
    end();
}

// Global pages are found in both, and the fence that has no ASID is for them too.
static void a_global_page(void)
{
    uint64_t pages[2];

    begin();
    pages[0] = marked(0);
    pages[1] = marked(1);
    for (unsigned i = 0; i < ROUNDS; i++) {
        pt_map(&pt, VA, pages[i & 1], 0, PTE_LEAF | PTE_G);
        pt_map(&other, VA, pages[i & 1], 0, PTE_LEAF | PTE_G);
        __asm__ volatile("sfence.vma %0, zero" ::"r"(VA) : "memory");
        csr_write(satp, pt_satp(&pt, 1));
        EQ(*at(VA, 0), i & 1);
        csr_write(satp, pt_satp(&other, 2));
        EQ(*at(VA, 0), i & 1);
    }
    end();
}

// A user's page, read under SUM: a mode of its own, which fences must not forget.
static void a_user_page(void)
{
    uint64_t pages[2];

    begin();
    pages[0] = marked(0);
    pages[1] = marked(1);
    csr_set(sstatus, STATUS_SUM);
    for (unsigned i = 0; i < ROUNDS; i++) {
        pt_map(&pt, VA, pages[i & 1], 0, PTE_LEAF | PTE_U);
        csr_clear(sstatus, STATUS_SUM);
        __asm__ volatile("sfence.vma %0, %1" ::"r"(VA), "r"(1) : "memory");
        TRAPS(rt_try_load(VA, 8, NULL), CAUSE_LOAD_PAGE, VA);
        csr_set(sstatus, STATUS_SUM);
        EQ(*at(VA, 0), i & 1);
    }
    csr_clear(sstatus, STATUS_SUM);
    end();
}

IN_S_MODE(each_its_own)
IN_S_MODE(many_pages)
IN_S_MODE(a_page_moves)
IN_S_MODE(a_superpage_moves)
IN_S_MODE(a_global_page)
IN_S_MODE(a_user_page)

const struct rt_case rt_cases[] = {
    {"each-its-own", each_its_own_in_s},
    {"many-pages", many_pages_in_s},
    {"a-page-moves", a_page_moves_in_s},
    {"a-superpage-moves", a_superpage_moves_in_s},
    {"a-global-page", a_global_page_in_s},
    {"a-user-page", a_user_page_in_s},
    {0},
};
