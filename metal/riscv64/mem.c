// SPDX-License-Identifier: Apache-2.0
// The four functions that compilers may call. Many doublewords at a time where both sides are aligned: guests'
// memory is cleared and filled with these.
#include "lib/mem.h"

#include <stdint.h>

// Otherwise the compiler makes calls of memcpy out of memcpy.
#define NO_IDIOMS __attribute__((optimize("no-tree-loop-distribute-patterns")))

typedef uint64_t __attribute__((may_alias)) word;

NO_IDIOMS void *memset(void *to, int byte, size_t size)
{
    uint8_t *at = to;
    uint64_t value = (uint8_t)byte * 0x0101010101010101ull;

    for (; size && (uintptr_t)at % 8; size--)
        *at++ = (uint8_t)byte;
    for (; size >= 256; size -= 256, at += 256) {
        word *w = (word *)at;

#pragma GCC unroll 32
        for (unsigned i = 0; i < 32; i++)
            w[i] = value;
    }
    for (; size >= 8; size -= 8, at += 8)
        *(word *)at = value;
    for (; size; size--)
        *at++ = (uint8_t)byte;
    return to;
}

NO_IDIOMS void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
    uint8_t *d = to;
    const uint8_t *s = from;

    if (((uintptr_t)d ^ (uintptr_t)s) % 8 == 0) {
        for (; size && (uintptr_t)d % 8; size--)
            *d++ = *s++;
        for (; size >= 64; size -= 64, d += 64, s += 64) {
            word *a = (word *)d;
            const word *b = (const word *)s;
            uint64_t b0 = b[0], b1 = b[1], b2 = b[2], b3 = b[3];
            uint64_t b4 = b[4], b5 = b[5], b6 = b[6], b7 = b[7];

            a[0] = b0, a[1] = b1, a[2] = b2, a[3] = b3;
            a[4] = b4, a[5] = b5, a[6] = b6, a[7] = b7;
        }
        for (; size >= 8; size -= 8, d += 8, s += 8)
            *(word *)d = *(const word *)s;
    }
    for (; size; size--)
        *d++ = *s++;
    return to;
}

NO_IDIOMS void *memmove(void *to, const void *from, size_t size)
{
    uint8_t *d = to;
    const uint8_t *s = from;

    if (d <= s || d >= s + size) {
        for (; size; size--)
            *d++ = *s++;
        return to;
    }
    while (size--)
        d[size] = s[size];
    return to;
}

NO_IDIOMS int memcmp(const void *a, const void *b, size_t size)
{
    const uint8_t *x = a, *y = b;

    for (; size; size--, x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}
