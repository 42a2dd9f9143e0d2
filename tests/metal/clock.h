// SPDX-License-Identifier: Apache-2.0
// The machine's real clock (a Goldfish RTC), passed through to a guest with AIA: it raises a wire of the APLIC's.
#ifndef TESTS_METAL_CLOCK_H
#define TESTS_METAL_CLOCK_H

#include "bench/metal/aia.h"

#define RTC ((volatile uint32_t *)0x50000000ull) // where the VM's file puts it, and its interrupt
#define SOURCE 20
#define DOMAINCFG 0x0000
#define DOMAINCFG_IE 0x100
#define SOURCECFG (4 * SOURCE)
#define EDGE1 4
#define LEVEL1 6
#define SETIP 0x1c00
#define IN_CLRIP 0x1d00
#define CLRIPNUM 0x1ddc
#define SETIENUM 0x1edc
#define CLRIENUM 0x1fdc
#define SETIPNUM_LE 0x2000
#define TARGET (0x3000 + 4 * SOURCE)
#define TO(hart, file, identity) \
    ((uint32_t)(hart) << 18 | (uint32_t)(file) << 12 | (uint32_t)(identity))

enum rtc_register { TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, IRQ_ENABLED, CLEAR = 7 };

static inline uint64_t clock_now(void)
{
    uint64_t low = RTC[TIME_LOW];

    return (uint64_t)RTC[TIME_HIGH] << 32 | low;
}

// The wire rises in `ns`, or at once.
static inline void clock_alarm(uint64_t ns)
{
    uint64_t due = clock_now() + ns;

    RTC[ALARM_HIGH] = (uint32_t)(due >> 32);
    RTC[ALARM_LOW] = (uint32_t)due;
}

static inline void clock_clear(void) // it falls
{
    RTC[CLEAR] = 1;
}

static inline void clock_wire(uint32_t mode, uint32_t target)
{
    *aplic(SOURCECFG) = mode;
    *aplic(TARGET) = target;
    *aplic(SETIENUM) = SOURCE;
    *aplic(DOMAINCFG) = DOMAINCFG_IE;
    RTC[IRQ_ENABLED] = 1;
}

#endif
