// SPDX-License-Identifier: Apache-2.0
// Runs of bits, a word at a time.
#include "lib/bitmap.h"

void hull_bitmap_fill(uint64_t *map, size_t first, size_t count, bool value)
{
    while (count) {
        size_t start = first % 64;
        size_t run = 64 - start < count ? 64 - start : count;
        uint64_t mask = (run == 64 ? ~0ull : (1ull << run) - 1) << start;
        if (value)
            map[first / 64] |= mask;
        else
            map[first / 64] &= ~mask;
        first += run;
        count -= run;
    }
}
