// SPDX-License-Identifier: Apache-2.0
// A guest with AIA. First its own file's registers; then tokens, each an identity, go round the harts as messages. A
// hart that has none sleeps. One message that is lost, and its token is gone: the guest never ends.
#include "bench/metal/aia.h"

#ifndef TOKENS
#define TOKENS 8
#define ROUNDS 100 // of each token through all harts
#endif
#define HARTS_MAX 8
#define END 40   // the identity that says so
#define ABOVE 50 // one that is at each hart's threshold, and stays pending until the end
#define ALL_TOKENS ((2ull << TOKENS) - 2)

static volatile uint64_t harts, up, finished, kept, down;
static volatile uint64_t hops[TOKENS + 1];

static void check(bool good, const char *what)
{
    put_text(good ? "ok " : "not ok ");
    put_text(what);
    put_text("\n");
}

// An external interrupt is pending (sip would say so too, but not in QEMU's VS mode).
static bool seip(void)
{
    return aia_get(STOPI) >> 16 == 9;
}

// Messages to itself arrive before what comes next: the fence has the store done, and a file that is not the hart's
// takes it in at once.
static void self(uint64_t hart, uint32_t identity)
{
    message(hart, identity);
    __asm__ volatile("fence o, ir" ::: "memory");
    for (uint64_t end = csr_get(time) + 1000000;
         !(file_get(EIP0) >> identity & 1) && csr_get(time) < end;)
        ;
}

static void check_file(void)
{
    bool good;

    csr_on(sie, SIE_SEIE);
    file_put(EIDELIVERY, 0);
    file_put(EITHRESHOLD, 0);
    for (unsigned word = 0; word < 8; word += 2) {
        file_put(EIE0 + word, 0);
        file_put(EIP0 + word, 0);
    }
    check(!aia_get(STOPEI) && !seip(), "a file with nothing in it");
    file_put(EIE0, UINT64_MAX);
    check(file_get(EIE0) == ~1ull, "there is no identity 0");
    self(0, 5);
    self(0, 4);
    check(aia_get(STOPEI) == (4u << 16 | 4) && !seip(), "without delivery there is no interrupt");
    file_put(EIDELIVERY, 1);
    check(seip(), "with delivery there is one");
    file_put(EITHRESHOLD, 4);
    check(!aia_get(STOPEI) && !seip(), "none at or above the threshold");
    file_put(EITHRESHOLD, 5);
    good = file_claim() == 4 && !file_claim() && !seip();
    file_put(EITHRESHOLD, 0);
    check(good && file_claim() == 5 && !file_claim() && !seip(), "the lowest first, each once");
    file_put(EIE0, 0);
    self(0, 9);
    good = !aia_get(STOPEI) && !seip();
    file_on(EIE0, 1u << 9);
    check(good && aia_get(STOPEI) >> 16 == 9 && seip(), "one that is not enabled waits");
    file_put(EIP0, 0);
    check(!aia_get(STOPEI) && !seip(), "one that is taken back");
    file_on(EIP0 + 6, 1ull << 63);
    file_on(EIE0 + 6, 1ull << 63);
    check(file_claim() == 255 && !file_claim(), "the last identity");
    file_put(0x30, UINT64_MAX); // does nothing, or is what is read back
    check(file_get(0x30) == file_get(0x30), "priorities of major interrupts are there");
}

static void pass_on(uint64_t hart, uint32_t token)
{
    if (++hops[token] < ROUNDS * harts) {
        message((hart + 1) % harts, token);
    } else if (__atomic_add_fetch(&finished, 1, __ATOMIC_SEQ_CST) == TOKENS) {
        for (uint64_t i = 0; i < harts; i++)
            message(i, END);
    }
}

// Wherever its file has been: what was above the threshold is there when the threshold is not.
static bool has_kept(void)
{
    if (file_get(EITHRESHOLD) != ABOVE || file_claim())
        return false;
    file_put(EITHRESHOLD, 0);
    return file_claim() == ABOVE && !file_claim();
}

static void run(uint64_t hart)
{
    uint32_t identity;

    file_put(EITHRESHOLD, ABOVE);
    file_put(EIE0, ALL_TOKENS | 1ull << END | 1ull << ABOVE);
    self(hart, ABOVE);
    file_put(EIDELIVERY, 1);
    csr_on(sie, SIE_SEIE);
    __atomic_add_fetch(&up, 1, __ATOMIC_SEQ_CST);
    for (;;) {
        while ((identity = file_claim())) {
            if (identity == END) {
                __atomic_add_fetch(&kept, has_kept(), __ATOMIC_SEQ_CST);
                __atomic_add_fetch(&down, 1, __ATOMIC_SEQ_CST);
                return;
            }
            if (identity <= TOKENS)
                pass_on(hart, identity);
        }
        __asm__ volatile("wfi" ::: "memory");
    }
}

void guest_main(uint64_t hartid)
{
    if (hartid) {
        run(hartid);
        for (;;)
            __asm__ volatile("wfi" ::: "memory");
    }
    check_file();
    harts = start_harts(HARTS_MAX);
    while (up < harts - 1)
        ;
    for (uint32_t token = 1; token <= TOKENS; token++)
        message(token % harts, token);
    run(0);
    for (uint32_t token = 1; token <= TOKENS; token++)
        if (hops[token] != ROUNDS * harts)
            put_text("not ok a token went too far\n");
    while (down < harts)
        ;
    check(kept == harts, "what waits at a threshold");
    put_text("aia: ");
    put_number(TOKENS * ROUNDS * harts);
    put_text(" messages are through\n");
    for (;;)
        __asm__ volatile("wfi" ::: "memory");
}
