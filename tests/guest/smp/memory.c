// SPDX-License-Identifier: Apache-2.0
// Four harts at once: atomic counters by AMO and LR/SC, compare-and-swap, message passing, store
// buffering with fences, and atomicity of aligned stores.
// run: cpus=4
#include "rt.h"

#define HARTS 4
#define ROUNDS 20000

static struct {
    uint64_t value __attribute__((aligned(64)));
} amo_d, lrsc_d, cas_d, lock, guarded;
static struct {
    uint32_t value __attribute__((aligned(64)));
} amo_w, lrsc_w;
static volatile uint64_t go, done;

static void on_all(void (*fn)(uint64_t))
{
    go = 0;
    if (!rt_need(HARTS)) {
        CHECK(!"harts came up");
        return;
    }
    for (unsigned i = 1; i < HARTS; i++)
        rt_start(i, fn, i);
    rt_fence();
    go = 1;
    fn(0);
    for (unsigned i = 1; i < HARTS; i++)
        rt_join(i);
}

static void wait_go(void)
{
    while (!go)
        ;
    rt_fence();
}

static void count_amo(uint64_t hart)
{
    wait_go();
    for (unsigned i = 0; i < ROUNDS; i++) {
        __asm__ volatile("amoadd.d zero, %0, (%1)" ::"r"(1), "r"(&amo_d.value) : "memory");
        __asm__ volatile("amoadd.w zero, %0, (%1)" ::"r"(3), "r"(&amo_w.value) : "memory");
    }
}

static void amo(void)
{
    amo_d.value = 0;
    amo_w.value = 0;
    on_all(count_amo);
    EQ(amo_d.value, HARTS * ROUNDS);
    EQ(amo_w.value, HARTS * ROUNDS * 3);
}

static void count_lrsc(uint64_t hart)
{
    uint64_t t, fail;

    wait_go();
    for (unsigned i = 0; i < ROUNDS; i++) {
        __asm__ volatile("1: lr.d %0, (%2)\n addi %0, %0, 1\n sc.d %1, %0, (%2)\n bnez %1, 1b"
                         : "=&r"(t), "=&r"(fail)
                         : "r"(&lrsc_d.value)
                         : "memory");
        __asm__ volatile("1: lr.w %0, (%2)\n addi %0, %0, 1\n sc.w %1, %0, (%2)\n bnez %1, 1b"
                         : "=&r"(t), "=&r"(fail)
                         : "r"(&lrsc_w.value)
                         : "memory");
    }
}

static void lrsc(void)
{
    lrsc_d.value = 0;
    lrsc_w.value = 0;
    on_all(count_lrsc);
    EQ(lrsc_d.value, HARTS * ROUNDS);
    EQ(lrsc_w.value, HARTS * ROUNDS);
}

static void count_cas(uint64_t hart)
{
    wait_go();
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t seen = *(volatile uint64_t *)&cas_d.value, expected;

        do {
            expected = seen;
            __asm__ volatile(".insn r 0x2f, 3, 0x14, %0, %2, %1" // amocas.d
                             : "+&r"(seen)
                             : "r"(expected + 1), "r"(&cas_d.value)
                             : "memory");
        } while (seen != expected);
    }
}

static void cas(void)
{
    NOT_ON_QEMU("7.2 has no Zacas");
    cas_d.value = 0;
    on_all(count_cas);
    EQ(cas_d.value, HARTS * ROUNDS);
}

// A spin lock by amoswap.aq and an ordinary store behind a fence.
static void count_guarded(uint64_t hart)
{
    wait_go();
    for (unsigned i = 0; i < ROUNDS / 10; i++) {
        uint64_t old;

        do
            __asm__ volatile("amoswap.d.aq %0, %1, (%2)"
                             : "=r"(old)
                             : "r"(1), "r"(&lock.value)
                             : "memory");
        while (old);
        guarded.value++;
        __asm__ volatile("fence rw, w\n sd zero, (%0)" ::"r"(&lock.value) : "memory");
    }
}

static void locked(void)
{
    lock.value = guarded.value = 0;
    on_all(count_guarded);
    EQ(guarded.value, HARTS * (ROUNDS / 10));
}

// ---- Litmus tests between harts 0 and 1; each round both meet at a barrier ----
static volatile uint64_t x __attribute__((aligned(64))), y __attribute__((aligned(64)));
static volatile uint64_t barrier __attribute__((aligned(64)));
static uint64_t seen[2][ROUNDS];

static void meet(unsigned round)
{
    __asm__ volatile("amoadd.d.aqrl zero, %0, (%1)" ::"r"(1), "r"(&barrier) : "memory");
    while (barrier < 2 * (round + 1))
        ;
}

#define LITMUS_ROUNDS 3000

// Store buffering: with a full fence both loads can't see the old values.
static void store_buffering(uint64_t hart)
{
    if (hart > 1)
        return;
    wait_go();
    for (unsigned i = 0; i < LITMUS_ROUNDS; i++) {
        volatile uint64_t *mine = hart ? &y : &x, *theirs = hart ? &x : &y;

        meet(2 * i);
        *mine = i + 1;
        __asm__ volatile("fence rw, rw" ::: "memory");
        seen[hart][i] = *theirs;
        meet(2 * i + 1);
    }
}

static void sb(void)
{
    x = y = barrier = 0;
    on_all(store_buffering);
    for (unsigned i = 0; i < LITMUS_ROUNDS; i++)
        if (seen[0][i] != i + 1 && seen[1][i] != i + 1)
            CHECK(!"both saw the old value");
}

// Message passing: who sees the flag sees the data.
static void message_passing(uint64_t hart)
{
    uint64_t flag, data;

    if (hart > 1)
        return;
    wait_go();
    for (unsigned i = 1; i <= ROUNDS; i++) {
        if (hart == 0) {
            x = i;
            __asm__ volatile("fence w, w" ::: "memory");
            y = i;
        } else {
            flag = y;
            __asm__ volatile("fence r, r" ::: "memory");
            data = x;
            seen[1][i - 1] = data >= flag;
        }
    }
}

static void mp(void)
{
    x = y = 0;
    on_all(message_passing);
    for (unsigned i = 0; i < ROUNDS; i++)
        if (!seen[1][i])
            CHECK(!"the flag came before the data");
}

// Aligned doublewords are never seen in halves; sc fails when another hart stored in between.
static void halves(uint64_t hart)
{
    if (hart > 1)
        return;
    wait_go();
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (hart == 0) {
            x = i & 1 ? -1ul : 0;
        } else {
            uint64_t v = x;

            seen[1][i] = v == 0 || v == -1ul;
        }
    }
}

static void tearing(void)
{
    x = 0;
    on_all(halves);
    for (unsigned i = 0; i < ROUNDS; i++)
        if (!seen[1][i])
            CHECK(!"half a store was seen");
}

const struct rt_case rt_cases[] = {
    {"amo", amo},
    {"lr-sc", lrsc},
    {"amocas", cas},
    {"lock", locked},
    {"store-buffering", sb},
    {"message-passing", mp},
    {"tearing", tearing},
    {0},
};
