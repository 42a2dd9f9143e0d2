// SPDX-License-Identifier: Apache-2.0
// A 16-byte compare-and-swap on aligned guest memory, for amocas.q.
#ifndef HULL_ENGINE_INTERP_CAS128_H
#define HULL_ENGINE_INTERP_CAS128_H

#include <stdint.h>

// If *ptr equals `expected`, stores `value`; `expected` gets what was there. Sequentially
// consistent.
#ifdef __x86_64__
static inline void interp_cas128(void *ptr, uint64_t expected[2], const uint64_t value[2])
{
    uint64_t low = expected[0], high = expected[1];

    __asm__ volatile("lock cmpxchg16b %0"
                     : "+m"(*(unsigned __int128 *)ptr), "+a"(low), "+d"(high)
                     : "b"(value[0]), "c"(value[1])
                     : "cc", "memory");
    expected[0] = low;
    expected[1] = high;
}
#else
static inline void interp_cas128(void *ptr, uint64_t expected[2], const uint64_t value[2])
{
    unsigned __int128 old = (unsigned __int128)expected[1] << 64 | expected[0];
    unsigned __int128 new = (unsigned __int128)value[1] << 64 | value[0];

    __atomic_compare_exchange_n((unsigned __int128 *)ptr, &old, new, 0, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
    expected[0] = (uint64_t)old;
    expected[1] = (uint64_t)(old >> 64);
}
#endif

#endif
