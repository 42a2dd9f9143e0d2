// SPDX-License-Identifier: Apache-2.0
// Two CPUs that share one hart, and never sleep: each is told what the other one took. What the first one
// finds is printed as cases.
#include "bench/metal/guest.h"

#define SBI_STA 0x535441
#define PATIENCE 100000000u // ticks

struct steal_time {
    volatile uint32_t sequence, flags;
    volatile uint64_t steal;
    volatile uint8_t preempted;
    uint8_t rest[47];
};

static struct steal_time of[2] __attribute__((aligned(64)));
static volatile uint64_t rounds;

static bool tell(uint64_t hartid)
{
    return !sbi(SBI_STA, 0, (uint64_t)(uintptr_t)&of[hartid], 0, 0).error;
}

static uint64_t steal_of(const struct steal_time *at)
{
    uint32_t before;
    uint64_t steal;

    do {
        before = at->sequence;
        steal = at->steal;
    } while (before % 2 || before != at->sequence);
    return steal;
}

static void second(void)
{
    for (;;)
        rounds++;
}

void guest_main(uint64_t hartid)
{
    uint64_t begin = csr_get(time), steal, seen, self = 0, other = 0, looks = 0;

    if (!tell(hartid))
        put_text("not ok no steal time\n");
    if (hartid)
        second();
    sbi(SBI_HSM, 0, 1, 0x80200000, 0);
    while (!rounds && csr_get(time) - begin < PATIENCE)
        ;
    steal = steal_of(&of[0]);
    seen = rounds;
    // The other one's work has gone on: it had the hart meanwhile.
    while ((steal_of(&of[0]) == steal || rounds == seen) && csr_get(time) - begin < PATIENCE) {
        looks++;
        self += of[0].preempted;
        other += of[1].preempted;
    }
    put_text(steal_of(&of[0]) > steal && rounds > seen ? "ok steal time grows\n"
                                                       : "not ok steal time grows\n");
    put_text(!self ? "ok who runs is not preempted\n" : "not ok who runs is not preempted\n");
    put_text(other == looks && looks ? "ok who waits is preempted\n"
                                     : "not ok who waits is preempted\n");
    put_text("steal: done\n");
    power_off();
}
