// SPDX-License-Identifier: Apache-2.0
// A guest with AIA that has the machine's real clock (a Goldfish RTC) for itself, and has it interrupt: its wire into
// the APLIC becomes a message. The source is a level: when the handler is done, it says so to have the next one.
#include "bench/metal/aia.h"

#define RTC ((volatile uint32_t *)0x50000000ull)
#define SOURCE 20 // where the VM's file puts the clock's interrupt
#define IDENTITY 7
#define ROUNDS 5
#define DELAY_NS 20000000ull

enum rtc_register { TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED, CLEAR = 7 };

static uint64_t now(void)
{
    uint64_t low = RTC[TIME_LOW];

    return (uint64_t)RTC[TIME_HIGH] << 32 | low;
}

static bool interrupts(void)
{
    uint64_t due = now() + DELAY_NS;
    uint32_t identity = 0;

    RTC[ALARM_HIGH] = (uint32_t)(due >> 32);
    RTC[ALARM_LOW] = (uint32_t)due;
    for (uint64_t end = csr_get(time) + 50000000; !identity && csr_get(time) < end;)
        identity = file_claim();
    RTC[CLEAR] = 1;
    *aplic(0x2000) = SOURCE;
    return identity == IDENTITY && now() >= due;
}

void guest_main(uint64_t hartid)
{
    uint64_t passed = 0;

    (void)hartid;
    file_put(EIDELIVERY, 1);
    file_put(EITHRESHOLD, 0);
    file_put(EIE0, 1u << IDENTITY);
    *aplic(4 * SOURCE) = 6; // a level that is high
    *aplic(0x3000 + 4 * SOURCE) = IDENTITY;
    *aplic(0x1edc) = SOURCE;
    *aplic(0) = 0x100;
    RTC[IRQ_ENABLED] = 1;
    for (unsigned i = 0; i < ROUNDS; i++)
        passed += interrupts();
    put_text(passed == ROUNDS && !file_claim() ? "ok the clock interrupts, again and again\n"
                                               : "not ok the clock interrupts, again and again\n");
    power_off();
}
