// SPDX-License-Identifier: Apache-2.0
// A guest with AIA on several harts and a physical device: each interrupt goes to another vCPU, and the hypervisor moves
// those about, with their interrupt files. Who has it sets the next one: if one is lost, there is none any more.
#include "tests/metal/clock.h"

#define IDENTITY 9
#define INTERRUPTS 3000 // or as many as there are in that time, on a slow machine
#define TIME 200000000ull
#define HARTS_MAX 8
#define SIE_STIE 0x20
#define NAP 2000 // ticks
#define WORK 1000
#define PATIENCE 150000000ull // ticks

static volatile uint64_t harts, up, count, extra, begun, last;
static volatile bool over;
static volatile uint64_t lap = 88172645463325252ull;

static uint64_t random_number(void)
{
    uint64_t x = lap;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    lap = x;
    return x;
}

// Only the vCPU that has the interrupt is here.
static void next(void)
{
    uint64_t random = random_number(), to = random % harts;

    clock_clear();
    last = csr_get(time);
    if (++count == INTERRUPTS || last - begun > TIME) {
        over = true;
        return;
    }
    if (random >> 8 & 3)
        *aplic(TARGET) = TO(to, 0, IDENTITY + to);
    __asm__ volatile("fence w, o" ::: "memory");
    clock_alarm((random >> 16) % 400000);
}

// Sleeping and working in turn, of random lengths: harts become idle, and take others' vCPUs.
static void nap(uint64_t *mine)
{
    *mine = *mine * 6364136223846793005ull + 1442695040888963407ull;
    sbi(SBI_TIME, 0, csr_get(time) + (*mine >> 40) % NAP, 0, 0);
    __asm__ volatile("wfi" ::: "memory");
    for (uint64_t end = csr_get(time) + (*mine >> 48) % WORK; csr_get(time) < end;)
        ;
}

// The clock is read last: `last` may be another hart's.
static bool late(void)
{
    uint64_t since = last;

    return csr_get(time) - since > PATIENCE;
}

static void run(uint64_t hart)
{
    uint64_t mine = hart;
    uint32_t identity;

    file_put(EITHRESHOLD, 0);
    file_put(EIE0, UINT64_MAX);
    file_put(EIDELIVERY, 1);
    csr_on(sie, SIE_SEIE | SIE_STIE);
    __atomic_add_fetch(&up, 1, __ATOMIC_SEQ_CST);
    while (!over) {
        identity = file_claim();
        if (identity == IDENTITY + hart)
            next();
        else if (identity)
            extra++;
        else
            nap(&mine);
        if (!hart && up == harts && late())
            break;
    }
}

void guest_main(uint64_t hartid)
{
    if (hartid) {
        run(hartid);
        for (;;)
            __asm__ volatile("wfi" ::: "memory");
    }
    harts = start_harts(HARTS_MAX);
    while (up < harts - 1)
        ;
    clock_clear();
    clock_wire(EDGE1, TO(0, 0, IDENTITY));
    begun = last = csr_get(time);
    clock_alarm(1000);
    run(0);
    put_text(over ? "ok none is lost\n" : "not ok none is lost\n");
    put_text(extra ? "not ok none goes astray\n" : "ok none goes astray\n");
    put_text("moves: ");
    put_number(count);
    put_text(" interrupts\n");
    for (;;)
        __asm__ volatile("wfi" ::: "memory");
}
