// SPDX-License-Identifier: Apache-2.0
// One computed call that leads to many places: what a hart once called there says nothing of the next time, nor
// of what other harts call there, in other address spaces, or behind code that was written anew.
// run: cpus=2 timeout=180
#include "csr.h"
#include "pt.h"

#define HARTS 2
#define TARGETS 4
#define ROUNDS 200
#define CALLS 400
#define SITE_VA 0x3f00000000ul
#define TARGET_VA 0x3f00001000ul

static struct pt pt;
static uint64_t (*volatile site)(uint64_t target);
static volatile uint64_t round, done, arrived[HARTS], bad[HARTS];
static uint32_t *targets[TARGETS];

// Calls what a0 says.
static void write_site(uint32_t *at)
{
    static const uint32_t words[] = {
        0xff010113, // addi sp, sp, -16
        0x00113423, // sd ra, 8(sp)
        0x000500e7, // jalr ra, (a0)
        0x00813083, // ld ra, 8(sp)
        0x01010113, // addi sp, sp, 16
        0x00008067, // ret
    };

    for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        at[i] = words[i];
}

static void write_target(uint32_t *at, unsigned n)
{
    at[0] = 0x00000513u | n << 20; // li a0, n
    at[1] = 0x00008067;            // ret
}

static uint64_t call_many(uint64_t target)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < CALLS; i++)
        sum += site(target);
    return sum;
}

static uint32_t *begin(void)
{
    uint32_t *page = rt_page();

    write_site(page);
    site = (uint64_t(*)(uint64_t))page;
    for (unsigned i = 0; i < TARGETS; i++) {
        targets[i] = rt_page();
        write_target(targets[i], i + 1);
        write_target(page + 64 * (i + 1), i + 11); // next to the site
    }
    rt_fence_i();
    return page;
}

static void call_all(const uint32_t *page)
{
    for (unsigned i = 0; i < TARGETS; i++) {
        EQ(call_many((uint64_t)targets[i]), CALLS * (i + 1));
        EQ(call_many((uint64_t)targets[i] | 1), CALLS * (i + 1)); // the same address
        EQ(call_many((uint64_t)(page + 64 * (i + 1))), CALLS * (i + 11));
    }
    for (unsigned i = 0; i < 10 * CALLS; i++)
        EQ(site((uint64_t)targets[i % TARGETS]), i % TARGETS + 1);
}

// Without FP, and where it is in use.
static void alternating(void)
{
    uint64_t status = csr_read(mstatus);

    csr_clear(mstatus, STATUS_FS);
    call_all(begin());
    csr_set(mstatus, STATUS_FS);
    call_all(begin());
    csr_write(mstatus, status);
}

static void rewritten(void)
{
    begin();
    for (unsigned n = 0; n < 30; n++) {
        write_target(targets[0], n);
        rt_fence_i();
        EQ(call_many((uint64_t)targets[0]), CALLS * n);
    }
}

// Site and target have the same addresses in both spaces; the target's page is another one.
static void spaces(void)
{
    static struct pt other;
    uint32_t *page = begin();

    pt_init(&pt, 3);
    pt_init(&other, 3);
    pt_map(&pt, SITE_VA, (uint64_t)page, 0, PTE_LEAF);
    pt_map(&other, SITE_VA, (uint64_t)page, 0, PTE_LEAF);
    pt_map(&pt, TARGET_VA, (uint64_t)targets[0], 0, PTE_LEAF);
    pt_map(&other, TARGET_VA, (uint64_t)targets[1], 0, PTE_LEAF);
    site = (uint64_t(*)(uint64_t))SITE_VA;
    for (unsigned n = 0; n < 20; n++) {
        // With ASIDs, without, and with what was mapped there exchanged.
        unsigned asid = n < 10 ? 1 : 0;

        csr_write(satp, pt_satp(n & 1 ? &other : &pt, asid + (asid ? n & 1 : 0)));
        if (n == 15) {
            pt_map(&other, TARGET_VA, (uint64_t)targets[2], 0, PTE_LEAF);
            __asm__ volatile("sfence.vma %0" ::"r"(TARGET_VA) : "memory");
        }
        EQ(rt_run_in(PRIV_S, call_many, TARGET_VA, 0), CALLS * (n & 1 ? n < 15 ? 2 : 3 : 1));
    }
    csr_write(satp, 0);
    pt_flush();
}

// Each hart with a target of its own, both at a site that neither has seen.
static void take_part(uint64_t hart)
{
    uint64_t target = (uint64_t)targets[hart];

    rt_fence_i();
    arrived[hart] = round;
    while (arrived[!hart] < round)
        ;
    for (unsigned i = 0; i < CALLS; i++)
        bad[hart] += site(target) != hart + 1;
}

static void follow(uint64_t hart)
{
    for (uint64_t n = 1; n <= ROUNDS; n++) {
        while (round < n)
            ;
        take_part(hart);
        rt_fence();
        done = n;
    }
}

static void shared(void)
{
    uint32_t *page = NULL;

    CHECK(rt_need(HARTS));
    begin();
    for (unsigned i = 0; i < HARTS; i++)
        arrived[i] = bad[i] = 0;
    round = done = 0;
    rt_start(1, follow, 1);
    for (uint64_t n = 1; n <= ROUNDS; n++) {
        if (n % 64 == 1)
            page = rt_page();
        write_site(page + 16 * (n % 64));
        site = (uint64_t(*)(uint64_t))(page + 16 * (n % 64));
        rt_fence();
        round = n;
        take_part(0);
        while (done < n)
            ;
    }
    rt_join(1);
    EQ(bad[0], 0);
    EQ(bad[1], 0);
}

const struct rt_case rt_cases[] = {
    {"alternating", alternating},
    {"rewritten", rewritten},
    {"spaces", spaces},
    {"shared", shared},
    {0},
};
