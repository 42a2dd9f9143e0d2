// SPDX-License-Identifier: Apache-2.0
// Code that other harts write while it runs: a hart that has executed fence.i after a write was published
// runs it, whether it runs it by itself, in a loop, or through another mapping: that or something newer.
// run: cpus=4 qemu=no timeout=180
#include "csr.h"
#include "pt.h"
#include "versions.h"

#define VERSIONS 400
#define VA 0x3f00000000ul

static uint32_t *code;
static struct pt pt;

// Returns n + 1.
static void write_version(uint64_t n)
{
    code[0] = 0x00000513u | (uint32_t)n << 20; // li a0, n
    code[1] = 0x00150513;                      // addi a0, a0, 1
    code[2] = 0x00008067;
    rt_fence();
}

static uint64_t call(uint64_t at)
{
    return ((uint64_t(*)(void))at)() - 1;
}

// Runs the code all the time; fence.i and the answer when a new version has been published.
static void follow(uint64_t hart)
{
    uint64_t at = hart == 3 ? VA : (uint64_t)code;

    rt_fence_i(); // the page held other code in another case
    while (seen[hart] < VERSIONS) {
        uint64_t published = version, result;

        rt_fence();
        if (published != seen[hart]) {
            rt_fence_i();
            result = call(at);
            bad[hart] += result < published || result > version + 1;
            seen[hart] = published;
        }
        for (unsigned i = 0; i < 20; i++) {
            result = call(at);
            bad[hart] += result < seen[hart] || result > version + 1;
        }
        rt_fence();
        acknowledged[hart] = published;
    }
}

static uint64_t follow_in_s(uint64_t hart)
{
    follow(hart);
    return 0;
}

static void follow_mapped(uint64_t hart)
{
    csr_write(satp, pt_satp(&pt, 7));
    pt_flush();
    rt_run_in(PRIV_S, follow_in_s, hart, 0);
    csr_write(satp, 0);
    pt_flush();
}

static void (*body(unsigned hart))(uint64_t)
{
    return hart == 3 ? follow_mapped : follow;
}

static void start(void)
{
    CHECK(rt_need(HARTS));
    code = rt_page();
    pt_init(&pt, 3);
    pt_map(&pt, VA, (uint64_t)code, 0, PTE_LEAF);
    write_version(0);
    versions_start(body);
}

static void in_step(void)
{
    start();
    versions_in_step(VERSIONS, write_version);
}

static void at_will(void)
{
    start();
    versions_at_will(VERSIONS, write_version);
}

const struct rt_case rt_cases[] = {
    {"in-step", in_step},
    {"at-will", at_will},
    {0},
};
