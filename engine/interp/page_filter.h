// SPDX-License-Identifier: Apache-2.0
// A set of pages, which may say yes to one that it does not hold, never no to one that it does.
#ifndef HULL_ENGINE_INTERP_PAGE_FILTER_H
#define HULL_ENGINE_INTERP_PAGE_FILTER_H

#include <hull/types.h>

#include "lib/mem.h"

#define PAGE_FILTER_SHIFT 16
struct page_filter {
    uint64_t shifts; // bit n: it holds pages of 2^n bytes
    uint32_t count;
    uint64_t bits[(1u << PAGE_FILTER_SHIFT) / 64];
};

static inline unsigned filter_bit(gva_t va, unsigned shift, uint64_t space)
{
    uint64_t h = ((va >> shift) + space * 0x632be59bd9b4e019 + shift) * 0x9e3779b97f4a7c15;

    return (unsigned)(h >> (64 - PAGE_FILTER_SHIFT));
}

static inline void filter_add(struct page_filter *f, gva_t va, unsigned shift, uint64_t space)
{
    unsigned bit = filter_bit(va, shift, space);

    f->shifts |= 1ull << shift;
    f->count++;
    f->bits[bit / 64] |= 1ull << bit % 64;
}

static inline bool filter_test(const struct page_filter *f, gva_t va, uint64_t space)
{
    for (uint64_t left = f->shifts; left; left &= left - 1) {
        unsigned bit = filter_bit(va, (unsigned)__builtin_ctzll(left), space);

        if (f->bits[bit / 64] >> bit % 64 & 1)
            return true;
    }
    return false;
}

static inline void filter_clear(struct page_filter *f)
{
    if (f->count)
        memset(f, 0, sizeof(*f));
}

#endif
