// SPDX-License-Identifier: Apache-2.0
// Four harts: software interrupts round a ring, timers of all harts, code written by one hart and run by
// another after fence.i, mhartid.
// run: cpus=4
#include "csr.h"

#define HARTS 4

static volatile uint64_t token, ids[HARTS], ready[HARTS];

static void note_id(uint64_t arg)
{
    ids[arg] = csr_read(mhartid);
}

static void identities(void)
{
    CHECK(rt_need(HARTS));
    for (unsigned i = 1; i < HARTS; i++)
        rt_start(i, note_id, i);
    for (unsigned i = 1; i < HARTS; i++) {
        rt_join(i);
        EQ(ids[i], i);
    }
    EQ(csr_read(mhartid), 0);
}

// Each hart sleeps until its software interrupt and passes it on.
static void pass_on(uint64_t hart)
{
    ready[hart] = 1; // the interrupt that started it has been taken
    rt_fence();
    for (unsigned i = 0; i < 200; i++) {
        csr_write(mie, BIT(IRQ_MSI));
        while (!(csr_read(mip) & BIT(IRQ_MSI)))
            __asm__ volatile("wfi");
        csr_write(mie, 0);
        wr32(MSIP(hart), 0);
        rt_fence();
        if (token % HARTS != hart)
            return;
        token++;
        rt_fence();
        wr32(MSIP((hart + 1) % HARTS), 1);
    }
}

static void ring(void)
{
    CHECK(rt_need(HARTS));
    token = 0;
    for (unsigned i = 1; i < HARTS; i++)
        rt_start(i, pass_on, i);
    for (unsigned i = 1; i < HARTS; i++)
        while (!ready[i])
            rt_fence();
    wr32(MSIP(0), 1);
    pass_on(0);
    for (unsigned i = 1; i < HARTS; i++)
        rt_join(i);
    wr32(MSIP(0), 0);
    EQ(token, 200 * HARTS);
}

static volatile uint64_t woke[HARTS];

static void sleep_until(uint64_t hart)
{
    uint64_t start = rd64(MTIME), end = start + (10 + 5 * hart) * RT_MS;

    wr64(MTIMECMP(hart), end);
    csr_write(mie, BIT(IRQ_MTI));
    while (!(csr_read(mip) & BIT(IRQ_MTI)))
        __asm__ volatile("wfi");
    csr_write(mie, 0);
    woke[hart] = rd64(MTIME) - end;
    wr64(MTIMECMP(hart), -1ul);
}

static void timers(void)
{
    CHECK(rt_need(HARTS));
    for (unsigned i = 1; i < HARTS; i++)
        rt_start(i, sleep_until, i);
    sleep_until(0);
    for (unsigned i = 0; i < HARTS; i++) {
        if (i)
            rt_join(i);
        CHECK((int64_t)woke[i] >= 0);
        CHECK(woke[i] < 2000 * RT_MS);
    }
}

static uint32_t code[2] __attribute__((aligned(64)));
static volatile uint64_t turn, result;

static void run_code(uint64_t hart)
{
    for (unsigned i = 1; i <= 200; i++) {
        while (turn != 2 * i - 1)
            __asm__ volatile(".word 0x0100000f");
        rt_fence();
        rt_fence_i();
        result = ((uint64_t(*)(void))code)();
        rt_fence();
        turn = 2 * i;
    }
}

static void code_from_another_hart(void)
{
    CHECK(rt_need(2));
    turn = 0;
    rt_start(1, run_code, 1);
    for (unsigned i = 1; i <= 200; i++) {
        code[0] = 0x00000513u | i << 20; // li a0, i
        code[1] = 0x00008067;
        rt_fence();
        turn = 2 * i - 1;
        while (turn != 2 * i)
            __asm__ volatile(".word 0x0100000f");
        EQ(result, i);
    }
    rt_join(1);
}

// sc fails when another hart has stored to the reservation in between.
static volatile uint64_t cell __attribute__((aligned(64)));

static void store_once(uint64_t arg)
{
    cell = arg;
}

static void broken_reservation(void)
{
    uint64_t failed, old;

    CHECK(rt_need(2));
    cell = 1;
    __asm__ volatile("lr.d %0, (%1)" : "=r"(old) : "r"(&cell) : "memory");
    rt_start(1, store_once, 5);
    rt_join(1);
    __asm__ volatile("sc.d %0, %1, (%2)" : "=r"(failed) : "r"(9), "r"(&cell) : "memory");
    EQ(failed, 1);
    EQ(cell, 5);
}

const struct rt_case rt_cases[] = {
    {"identities", identities},
    {"ring", ring},
    {"timers", timers},
    {"code-from-another-hart", code_from_another_hart},
    {"broken-reservation", broken_reservation},
    {0},
};
