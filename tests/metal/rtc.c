// SPDX-License-Identifier: Apache-2.0
// A guest that has the machine's real clock (a Goldfish RTC) for itself: reads it, and has it interrupt.
#include "bench/metal/guest.h"

#define RTC ((volatile uint32_t *)0x50000000ull)
#define PLIC 0x0c000000ull
#define SOURCE 20 // where the VM's file puts the clock's interrupt
#define ROUNDS 3
#define DELAY_NS 20000000ull

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

static bool interrupts(void)
{
    uint64_t due = now() + DELAY_NS;
    uint32_t source = 0;

    RTC[ALARM_HIGH] = (uint32_t)(due >> 32);
    RTC[ALARM_LOW] = (uint32_t)due;
    for (uint64_t end = csr_get(time) + 50000000; !source && csr_get(time) < end;)
        source = *plic(0x201004);
    RTC[CLEAR] = 1;
    *plic(0x201004) = source;
    return source == SOURCE && now() >= due;
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
    for (unsigned i = 0; i < ROUNDS; i++)
        passed += interrupts();
    put_text(passed == ROUNDS ? "ok the clock interrupts, again and again\n"
                              : "not ok the clock interrupts, again and again\n");
    put_text("rtc: done\n");
    power_off();
}
