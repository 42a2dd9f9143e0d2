// SPDX-License-Identifier: Apache-2.0
// A guest that has the machine's real clock (a Goldfish RTC) for itself: reads it, and has it interrupt.
#include "bench/metal/guest.h"

#define RTC ((volatile uint32_t *)0x50000000ull)
#define PLIC 0x0c000000ull
#define SOURCE 20 // where the VM's file puts the clock's interrupt
#define ROUNDS 3
#define DELAY_NS 20000000ull
#define PATIENCE 50000000ull // ticks

enum rtc_register {
    TIME_LOW = 0,
    TIME_HIGH = 1,
    ALARM_LOW = 2,
    ALARM_HIGH = 3,
    IRQ_ENABLED = 4,
    CLEAR = 7
};

static uint64_t now(void)
{
    uint64_t low = RTC[TIME_LOW];

    return (uint64_t)RTC[TIME_HIGH] << 32 | low;
}

static volatile uint32_t *plic(uint64_t offset)
{
    return (volatile uint32_t *)(PLIC + offset);
}

static uint64_t alarm(void)
{
    uint64_t due = now() + DELAY_NS;

    RTC[ALARM_HIGH] = (uint32_t)(due >> 32);
    RTC[ALARM_LOW] = (uint32_t)due;
    return due;
}

// Waits for an interrupt: the source, or 0.
static uint32_t claim(uint64_t patience)
{
    uint32_t source = 0;

    for (uint64_t end = csr_get(time) + patience; !source && csr_get(time) < end;)
        source = *plic(0x201004);
    return source;
}

static void complete(uint32_t source)
{
    *plic(0x201004) = source;
}

static bool interrupts(void)
{
    uint64_t due = alarm();
    uint32_t source = claim(PATIENCE);

    RTC[CLEAR] = 1;
    complete(source);
    return source == SOURCE && now() >= due;
}

// Not every interrupt controller looks at a wire that did not move.
static bool comes_again(void)
{
    uint32_t source;

    alarm();
    complete(claim(PATIENCE));
    source = claim(PATIENCE / 5);
    RTC[CLEAR] = 1;
    complete(source);
    return source == SOURCE;
}

// What an earlier life may have left.
static void settle(void)
{
    uint32_t source;

    RTC[CLEAR] = 1;
    while ((source = claim(PATIENCE / 20)))
        complete(source);
}

void guest_main(uint64_t hartid)
{
    uint64_t first = now(), passed = 0;

    (void)hartid;
    put_text(first > 1600000000ull * 1000000000ull ? "ok the clock tells the date\n"
                                                   : "not ok the clock tells the date\n");
    *plic(4 * SOURCE) = 1;
    *plic(0x2000 + 0x80 + SOURCE / 32 * 4) = 1u << SOURCE % 32;
    *plic(0x201000) = 0;
    RTC[IRQ_ENABLED] = 1;
    settle();
    for (unsigned i = 0; i < ROUNDS; i++)
        passed += interrupts();
    put_text(passed == ROUNDS ? "ok the clock interrupts, again and again\n"
                              : "not ok the clock interrupts, again and again\n");
    put_text(comes_again() ? "rtc: comes again while it is there\n" : "rtc: comes once\n");
    alarm();
    put_text(claim(PATIENCE) == SOURCE ? "rtc: ends in its handler\n" : "rtc: ends\n");
    power_off();
}
