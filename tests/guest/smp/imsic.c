// SPDX-License-Identifier: Apache-2.0
// MSIs between harts: none is lost, whoever sends them at the same time, and they wake who sleeps.
// run: cpus=4 hull=--interrupts hull=aia hull=--guest-files hull=3 qemu-arg=-M qemu-arg=virt,aia=aplic-imsic,aia-guests=3
#include "aia.h"

#define HARTS 4
#define ROUNDS 300

static volatile uint64_t token;

static void open_file(void)
{
    file_clear(m, -1ul);
    ireg_write(m, EIDELIVERY, 1);
}

// Sleeps until an MSI is there; its identity.
static uint64_t next(void)
{
    uint64_t top;

    csr_write(mie, BIT(IRQ_MEI));
    while (!(csr_read(mip) & BIT(IRQ_MEI)))
        __asm__ volatile("wfi");
    csr_write(mie, 0);
    top = csr_swap(mtopei, 0);
    return top >> 16;
}

static volatile uint64_t ready[HARTS];

static void pass_on(uint64_t hart)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (next() != 64 + hart)
            return;
        token++;
        rt_fence();
        wr32(IMSIC_M((hart + 1) % HARTS), 64 + (hart + 1) % HARTS);
    }
}

static void begin_and_pass_on(uint64_t hart)
{
    open_file();
    ready[hart] = 1;
    rt_fence();
    pass_on(hart);
}

static void ring(void)
{
    CHECK(rt_need(HARTS));
    open_file();
    token = 0;
    for (unsigned i = 1; i < HARTS; i++) {
        ready[i] = 0;
        rt_start(i, begin_and_pass_on, i);
    }
    for (unsigned i = 1; i < HARTS; i++)
        while (!ready[i])
            rt_fence();
    wr32(IMSIC_M(0), 64);
    pass_on(0);
    for (unsigned i = 1; i < HARTS; i++)
        rt_join(i);
    EQ(token, ROUNDS * HARTS);
    EQ(next(), 64); // the last one's
}

// Every other hart sends identities of its own, one after the other has been taken.
static volatile uint64_t taken[256];

static void send(uint64_t hart)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t identity = 1 + hart + HARTS * (i % 60), before = taken[identity];

        wr32(IMSIC_M(0), (uint32_t)identity);
        while (taken[identity] == before)
            rt_fence();
    }
}

static void many_senders(void)
{
    uint64_t sum = 0;

    CHECK(rt_need(HARTS));
    open_file();
    for (unsigned i = 0; i < 256; i++)
        taken[i] = 0;
    for (unsigned i = 1; i < HARTS; i++)
        rt_start(i, send, i);
    for (unsigned i = 0; i < ROUNDS * (HARTS - 1); i++) {
        uint64_t identity = next();

        CHECK(identity && identity % HARTS != 1);
        taken[identity]++;
        rt_fence();
    }
    for (unsigned i = 1; i < HARTS; i++)
        rt_join(i);
    for (unsigned i = 0; i < 256; i++)
        sum += taken[i];
    EQ(sum, ROUNDS * (HARTS - 1));
    EQ(csr_read(mtopei), 0);
}

const struct rt_case rt_cases[] = {
    {"ring", ring},
    {"many-senders", many_senders},
    {0},
};
