// SPDX-License-Identifier: Apache-2.0
// Pages of code that one hart maps elsewhere while others run them, each with fences of its own kind: after
// its fence a hart runs what was mapped when the change was published, or something newer. Code goes from one
// page to the next by a jump, and both are changed.
// run: cpus=4 qemu=no
#include "csr.h"
#include "pt.h"
#include "versions.h"

#define VERSIONS 100
#define VA 0x3f00000000ul

static uint32_t *first[VERSIONS + 1], *second[VERSIONS + 1];
static volatile uint64_t *first_entry, *second_entry;
static struct pt pt;

// The first page's code goes on in the second one: a0 = n << 12 | n.
static void make_pages(void)
{
    for (uint32_t n = 0; n <= VERSIONS; n++) {
        first[n] = rt_page();
        second[n] = rt_page();
        first[n][0] = 0x00000513u | n << 20;  // li a0, n
        first[n][1] = 0x7fd0006fu;            // j .+4092: the next page
        second[n][0] = 0x00c51513;            // slli a0, a0, 12
        second[n][1] = 0x00050513u | n << 20; // addi a0, a0, n
        second[n][2] = 0x00008067;
    }
}

// Every other time the first page stays: the jump out of it leads to other code all the same.
static void map(uint64_t n)
{
    *second_entry = pt_pte((uint64_t)second[n], PTE_LEAF);
    if (n % 2 == 0)
        *first_entry = pt_pte((uint64_t)first[n], PTE_LEAF);
    rt_fence();
}

static bool wrong(uint64_t at_least)
{
    uint64_t result = ((uint64_t(*)(void))VA)(), newest = version + 1;
    uint64_t a = result >> 12, b = result & 0xfff;

    return a < (at_least & ~1ul) || b < at_least || a > newest || b > newest;
}

static void fence_all(unsigned round)
{
    (void)round;
    pt_flush();
}

static void fence_pages(unsigned round)
{
    (void)round;
    __asm__ volatile("sfence.vma %0\n sfence.vma %1" ::"r"(VA), "r"(VA + 4096) : "memory");
}

// Two address spaces with the same tables in turn; a fence is for both.
static void change_space(unsigned round)
{
    csr_write(satp, pt_satp(&pt, 5 + round % 2));
}

static void follow(uint64_t hart, void (*fence)(unsigned), void (*always)(unsigned))
{
    unsigned rounds = 0;

    while (seen[hart] < VERSIONS) {
        uint64_t published = version;

        rt_fence();
        if (published != seen[hart]) {
            fence(rounds);
            bad[hart] += wrong(published);
            seen[hart] = published;
        }
        for (unsigned i = 0; i < 20; i++) {
            if (always)
                always(++rounds);
            bad[hart] += wrong(seen[hart]);
        }
        rt_fence();
        acknowledged[hart] = published;
    }
}

static uint64_t follow_in_s(uint64_t hart)
{
    if (hart == 1)
        follow(hart, fence_all, NULL);
    else if (hart == 2)
        follow(hart, fence_pages, NULL);
    else
        follow(hart, fence_all, change_space);
    return 0;
}

static void follow_mapped(uint64_t hart)
{
    rt_fence_i();
    csr_write(satp, pt_satp(&pt, 7));
    pt_flush();
    rt_run_in(PRIV_S, follow_in_s, hart, 0);
    csr_write(satp, 0);
    pt_flush();
}

static void (*body(unsigned hart))(uint64_t)
{
    (void)hart;
    return follow_mapped;
}

static void start(void)
{
    CHECK(rt_need(HARTS));
    make_pages();
    pt_init(&pt, 3);
    pt_map(&pt, VA, (uint64_t)first[0], 0, PTE_LEAF);
    pt_map(&pt, VA + 4096, (uint64_t)second[0], 0, PTE_LEAF);
    first_entry = pt_entry(&pt, VA, 0);
    second_entry = pt_entry(&pt, VA + 4096, 0);
    versions_start(body);
}

static void in_step(void)
{
    start();
    versions_in_step(VERSIONS, map);
}

static void at_will(void)
{
    start();
    versions_at_will(VERSIONS, map);
}

const struct rt_case rt_cases[] = {
    {"in-step", in_step},
    {"at-will", at_will},
    {0},
};
