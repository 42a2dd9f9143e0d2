// SPDX-License-Identifier: Apache-2.0
// Bitmaps over the caller's array of 64-bit words. Indices are checked by nobody: they are ours.
// Nothing here is atomic.
#ifndef LIB_BITMAP_H
#define LIB_BITMAP_H

#include "lib/bits.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// How many words hold `bits` bits; a constant expression, for array sizes.
#define HULL_BITMAP_WORDS(bits) (((bits) + 63) / 64)

static inline void hull_bitmap_set(uint64_t *map, size_t bit)
{
    map[bit / 64] |= 1ull << (bit % 64);
}

static inline void hull_bitmap_clear(uint64_t *map, size_t bit)
{
    map[bit / 64] &= ~(1ull << (bit % 64));
}

static inline bool hull_bitmap_test(const uint64_t *map, size_t bit)
{
    return map[bit / 64] >> (bit % 64) & 1;
}

static inline void hull_bitmap_assign(uint64_t *map, size_t bit, bool value)
{
    if (value)
        hull_bitmap_set(map, bit);
    else
        hull_bitmap_clear(map, bit);
}

// The first set bit at or after `from`; `bits` when there is none.
static inline size_t hull_bitmap_next_set(const uint64_t *map, size_t bits, size_t from)
{
    while (from < bits) {
        uint64_t word = map[from / 64] >> (from % 64);
        if (word) {
            size_t found = from + hull_ctz64(word);
            return found < bits ? found : bits;
        }
        from = (from / 64 + 1) * 64;
    }
    return bits;
}

// The first clear bit at or after `from`; `bits` when there is none.
static inline size_t hull_bitmap_next_clear(const uint64_t *map, size_t bits, size_t from)
{
    while (from < bits) {
        uint64_t word = ~map[from / 64] >> (from % 64);
        if (word) {
            size_t found = from + hull_ctz64(word);
            return found < bits ? found : bits;
        }
        from = (from / 64 + 1) * 64;
    }
    return bits;
}

static inline size_t hull_bitmap_count(const uint64_t *map, size_t bits)
{
    size_t count = 0;
    for (size_t i = 0; i < bits / 64; i++)
        count += hull_popcount64(map[i]);
    if (bits % 64)
        count += hull_popcount64(map[bits / 64] & ((1ull << (bits % 64)) - 1));
    return count;
}

// Sets or clears `count` bits from `first` on.
void hull_bitmap_fill(uint64_t *map, size_t first, size_t count, bool value);

#endif
