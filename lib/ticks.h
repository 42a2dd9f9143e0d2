// SPDX-License-Identifier: Apache-2.0
// Ticks of a clock and nanoseconds. There and back is the same number of ticks, for clocks up to 1 GHz.
#ifndef LIB_TICKS_H
#define LIB_TICKS_H

#include "lib/checked.h"

#define TICKS_NSEC_PER_SEC 1000000000ull

// Rounded down.
static inline uint64_t hull_ticks_of_ns(uint64_t hz, uint64_t ns)
{
    return ns / TICKS_NSEC_PER_SEC * hz + ns % TICKS_NSEC_PER_SEC * hz / TICKS_NSEC_PER_SEC;
}

// Rounded up; UINT64_MAX for what is longer.
static inline uint64_t hull_ns_of_ticks(uint64_t hz, uint64_t ticks)
{
    uint64_t ns, rest = (ticks % hz * TICKS_NSEC_PER_SEC + hz - 1) / hz;

    return hull_mul_u64(ticks / hz, TICKS_NSEC_PER_SEC, &ns) && hull_add_u64(ns, rest, &ns)
               ? ns
               : UINT64_MAX;
}

#endif
