// SPDX-License-Identifier: Apache-2.0
// Code whose page moves while nobody runs it: in address spaces that are left and come back, behind global
// pages, superpages and other mappings. What was found under an old address must be forgotten then.
#include "csr.h"
#include "pt.h"

static struct pt pt, other;
static uint32_t *pages[3];

#define VA 0x3f12346000ul
#define ALIAS 0x3e45670000ul
#define ROUNDS 24

// li a0, n; ret
static void write_function(uint32_t *at, unsigned n)
{
    at[0] = 0x00000513u | n << 20;
    at[1] = 0x00008067;
}

// The cases run in S mode as a whole: what M mode executes in between would hide what they are after.
static void begin(uint64_t flags)
{
    pt_init(&pt, 3);
    pt_init(&other, 3);
    for (unsigned i = 0; i < 3; i++) {
        pages[i] = rt_page();
        write_function(pages[i], i + 1);
    }
    pt_map(&pt, VA, (uint64_t)pages[0], 0, PTE_LEAF | flags);
    pt_map(&other, VA, (uint64_t)pages[flags ? 0 : 2], 0, PTE_LEAF | flags);
    csr_write(satp, pt_satp(&pt, 1));
    pt_flush();
    rt_fence_i();
}

static void end(void)
{
    csr_write(satp, 0);
    pt_flush();
}

static uint64_t call_many(uint64_t va)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < 50; i++)
        sum += ((uint64_t(*)(void))va)();
    return sum;
}

static void flush_page(unsigned form, unsigned asid)
{
    if (form & 1)
        __asm__ volatile("sfence.vma %0, %1" ::"r"(VA), "r"(asid) : "memory");
    else
        __asm__ volatile("sfence.vma %0, zero" ::"r"(VA) : "memory");
}

// The page moves in a space that has just come back, and has not run it since.
static void a_space_comes_back(void)
{
    begin(0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        EQ(call_many(VA), 50 * (1 + (i & 1)));
        csr_write(satp, pt_satp(&other, 2));
        if (i & 4) // if not, what is kept by address is still the first space's
            EQ(call_many(VA), 150);
        csr_write(satp, pt_satp(&pt, 1));
        pt_map(&pt, VA, (uint64_t)pages[~i & 1], 0, PTE_LEAF);
        flush_page(i >> 1, 1);
    }
    end();
}

// The page of a space moves while another one runs; the fence names the address, or the space.
static void a_space_that_is_away(void)
{
    begin(0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        EQ(call_many(VA), 50 * (1 + (i & 1)));
        csr_write(satp, pt_satp(&other, 2));
        EQ(call_many(VA), 150);
        pt_map(&pt, VA, (uint64_t)pages[~i & 1], 0, PTE_LEAF);
        if (i & 4)
            __asm__ volatile("sfence.vma zero, %0" ::"r"(1) : "memory");
        else
            flush_page(i >> 1, 1);
        csr_write(satp, pt_satp(&pt, 1));
    }
    end();
}

// More spaces than anybody keeps, all with one table, whose page moves.
static void many_spaces(void)
{
    begin(0);
    for (unsigned i = 0; i < ROUNDS; i++) {
        for (unsigned asid = 1; asid <= 20; asid++) {
            csr_write(satp, pt_satp(&pt, asid));
            EQ(call_many(VA), 50 * (1 + (i & 1)));
        }
        csr_write(satp, pt_satp(&pt, 18));
        EQ(call_many(VA), 50 * (1 + (i & 1)));
        pt_map(&pt, VA, (uint64_t)pages[~i & 1], 0, PTE_LEAF);
        flush_page(0, 0);
    }
    end();
}

// A global page moves in every space at once.
static void a_global_page(void)
{
    begin(PTE_G);
    for (unsigned i = 0; i < ROUNDS; i++) {
        EQ(call_many(VA), 50 * (1 + (i & 1)));
        csr_write(satp, pt_satp(&other, 2));
        EQ(call_many(VA), 50 * (1 + (i & 1)));
        if (i & 4)
            csr_write(satp, pt_satp(&pt, 1));
        pt_map(&pt, VA, (uint64_t)pages[~i & 1], 0, PTE_LEAF | PTE_G);
        pt_map(&other, VA, (uint64_t)pages[~i & 1], 0, PTE_LEAF | PTE_G);
        flush_page(0, 0);
        csr_write(satp, pt_satp(&pt, 1));
    }
    end();
}

// A page is global, then not: the same address is another page elsewhere.
static void global_no_more(void)
{
    begin(PTE_G);
    EQ(call_many(VA), 50);
    csr_write(satp, pt_satp(&other, 2));
    EQ(call_many(VA), 50);
    pt_map(&pt, VA, (uint64_t)pages[1], 0, PTE_LEAF);
    pt_map(&other, VA, (uint64_t)pages[2], 0, PTE_LEAF);
    pt_flush();
    for (unsigned i = 0; i < ROUNDS; i++) {
        csr_write(satp, pt_satp(&pt, 1));
        EQ(call_many(VA), 100);
        csr_write(satp, pt_satp(&other, 2));
        EQ(call_many(VA), 150);
    }
    end();
}

// One page of code at two addresses, written through the one and run through the other.
static void written_through_an_alias(void)
{
    begin(0);
    pt_map(&pt, ALIAS, (uint64_t)pages[0], 0, PTE_LEAF);
    pt_flush();
    for (unsigned i = 1; i < ROUNDS; i++) {
        write_function(pages[0], i);
        rt_fence_i();
        EQ(call_many(VA), 50 * i);
        EQ(call_many(ALIAS), 50 * i);
        write_function(pages[0], i + 100);
        rt_fence_i();
        EQ(call_many(ALIAS), 50 * (i + 100));
        EQ(call_many(VA), 50 * (i + 100));
    }
    end();
}

// A function of two pages that jumps from the first to the second and back; the second one moves.
static void the_other_end_of_a_jump(void)
{
    begin(0);
    for (unsigned i = 0; i < 3; i++) { // li a0, n; j back
        pages[i][0] = 0x00000513u | (i + 1) << 20;
        pages[i][1] = 0xff9ff06f; // j .-8: the last word of the page before
    }
    pages[0][1023] = 0x00008067;
    pages[0][1022] = 0x0080006f; // j .+8: the next page
    pt_map(&pt, ALIAS, (uint64_t)pages[0], 0, PTE_LEAF);
    for (unsigned i = 0; i < ROUNDS; i++) {
        pt_map(&pt, ALIAS + PAGE, (uint64_t)pages[i % 3], 0, PTE_LEAF);
        __asm__ volatile("sfence.vma %0, zero" ::"r"(ALIAS + PAGE) : "memory");
        EQ(call_many(ALIAS + PAGE - 8), 50 * (1 + i % 3));
    }
    end();
}

IN_S_MODE(a_space_comes_back)
IN_S_MODE(a_space_that_is_away)
IN_S_MODE(many_spaces)
IN_S_MODE(a_global_page)
IN_S_MODE(global_no_more)
IN_S_MODE(written_through_an_alias)
IN_S_MODE(the_other_end_of_a_jump)

const struct rt_case rt_cases[] = {
    {"a-space-comes-back", a_space_comes_back_in_s},
    {"a-space-that-is-away", a_space_that_is_away_in_s},
    {"many-spaces", many_spaces_in_s},
    {"a-global-page", a_global_page_in_s},
    {"global-no-more", global_no_more_in_s},
    {"written-through-an-alias", written_through_an_alias_in_s},
    {"the-other-end-of-a-jump", the_other_end_of_a_jump_in_s},
    {0},
};
