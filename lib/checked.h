// SPDX-License-Identifier: Apache-2.0
// Arithmetic on sizes and addresses that somebody else chose: every result is checked, none wraps.
// The functions with an out parameter return false, and leave it alone, when the result won't fit.
#ifndef LIB_CHECKED_H
#define LIB_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

static inline bool hull_add_u64(uint64_t a, uint64_t b, uint64_t *sum)
{
    if (b > UINT64_MAX - a)
        return false;
    *sum = a + b;
    return true;
}

static inline bool hull_sub_u64(uint64_t a, uint64_t b, uint64_t *difference)
{
    if (b > a)
        return false;
    *difference = a - b;
    return true;
}

static inline bool hull_mul_u64(uint64_t a, uint64_t b, uint64_t *product)
{
    uint64_t result;
    if (__builtin_mul_overflow(a, b, &result))
        return false;
    *product = result;
    return true;
}

// `alignment` is a power of two, here and below.
static inline bool hull_align_up_u64(uint64_t x, uint64_t alignment, uint64_t *aligned)
{
    if (x > UINT64_MAX - (alignment - 1))
        return false;
    *aligned = (x + alignment - 1) & ~(alignment - 1);
    return true;
}

static inline uint64_t hull_align_down_u64(uint64_t x, uint64_t alignment)
{
    return x & ~(alignment - 1);
}

static inline bool hull_is_aligned_u64(uint64_t x, uint64_t alignment)
{
    return !(x & (alignment - 1));
}

// Ranges are [base, base + size). The end may be 2^64; a range that goes past that is not valid.
// Empty ranges overlap nothing and are contained where their base lies inside or at the end.
static inline bool hull_range_valid(uint64_t base, uint64_t size)
{
    return size == 0 || size - 1 <= UINT64_MAX - base;
}

static inline bool hull_range_overlaps(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
    if (!a_size || !b_size)
        return false;
    return a <= b ? b - a < a_size : a - b < b_size;
}

// Whether [inner, inner + inner_size) lies wholly inside of [outer, outer + outer_size).
static inline bool hull_range_contains(uint64_t outer, uint64_t outer_size, uint64_t inner,
                                       uint64_t inner_size)
{
    if (inner < outer || inner_size > outer_size)
        return false;
    return inner - outer <= outer_size - inner_size;
}

static inline bool hull_range_has(uint64_t base, uint64_t size, uint64_t address)
{
    return address >= base && address - base < size;
}

#endif
