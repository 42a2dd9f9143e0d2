// SPDX-License-Identifier: Apache-2.0
// Counting and moving bits, in plain C: the compiler's builtins become libgcc calls on a RISC-V
// without Zbb, which freestanding code may not make. GCC and Clang recognise most of these shapes.
#ifndef LIB_BITS_H
#define LIB_BITS_H

#include <stdbool.h>
#include <stdint.h>

static inline unsigned hull_popcount64(uint64_t x)
{
    x -= (x >> 1) & 0x5555555555555555u;
    x = (x & 0x3333333333333333u) + ((x >> 2) & 0x3333333333333333u);
    x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0fu;
    return (unsigned)((x * 0x0101010101010101u) >> 56);
}

// Zero bits below the lowest one; 64 for 0.
static inline unsigned hull_ctz64(uint64_t x)
{
    return hull_popcount64(~x & (x - 1));
}

// Zero bits above the highest one; 64 for 0.
static inline unsigned hull_clz64(uint64_t x)
{
    x |= x >> 1;
    x |= x >> 2;
    x |= x >> 4;
    x |= x >> 8;
    x |= x >> 16;
    x |= x >> 32;
    return 64 - hull_popcount64(x);
}

static inline unsigned hull_popcount32(uint32_t x)
{
    return hull_popcount64(x);
}

static inline unsigned hull_ctz32(uint32_t x)
{
    return hull_ctz64(x | (1ull << 32));
}

static inline unsigned hull_clz32(uint32_t x)
{
    return hull_clz64(x) - 32;
}

static inline uint64_t hull_rol64(uint64_t x, unsigned n)
{
    return x << (n & 63) | x >> (-n & 63);
}

static inline uint64_t hull_ror64(uint64_t x, unsigned n)
{
    return x >> (n & 63) | x << (-n & 63);
}

static inline uint32_t hull_rol32(uint32_t x, unsigned n)
{
    return x << (n & 31) | x >> (-n & 31);
}

static inline uint32_t hull_ror32(uint32_t x, unsigned n)
{
    return x >> (n & 31) | x << (-n & 31);
}

static inline uint16_t hull_bswap16(uint16_t x)
{
    return (uint16_t)(x << 8 | x >> 8);
}

static inline uint32_t hull_bswap32(uint32_t x)
{
    return x << 24 | (x & 0xff00) << 8 | (x >> 8 & 0xff00) | x >> 24;
}

static inline uint64_t hull_bswap64(uint64_t x)
{
    return (uint64_t)hull_bswap32((uint32_t)x) << 32 | hull_bswap32((uint32_t)(x >> 32));
}

static inline bool hull_is_pow2(uint64_t x)
{
    return x && !(x & (x - 1));
}

// The low `width` bits of x, sign-extended; width is 1 to 64.
static inline int64_t hull_sign_extend(uint64_t x, unsigned width)
{
    uint64_t sign = 1ull << (width - 1);
    uint64_t low = width == 64 ? x : x & ((1ull << width) - 1);
    return (int64_t)((low ^ sign) - sign);
}

#endif
