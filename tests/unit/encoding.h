// SPDX-License-Identifier: Apache-2.0
// The fields of instruction words whose bits lie apart, for tests that make code.
#ifndef TESTS_UNIT_ENCODING_H
#define TESTS_UNIT_ENCODING_H

#include <stdint.h>

// Format B.
static inline uint32_t branch_offset(int offset)
{
    uint32_t imm = (uint32_t)offset;

    return (imm >> 12 & 1) << 31 | (imm >> 5 & 63) << 25 | (imm >> 1 & 15) << 8 |
           (imm >> 11 & 1) << 7;
}

// Format J.
static inline uint32_t jump_offset(int offset)
{
    uint32_t imm = (uint32_t)offset;

    return (imm >> 20 & 1) << 31 | (imm >> 1 & 1023) << 21 | (imm >> 11 & 1) << 20 |
           (imm & 0xff000);
}

// Format S.
static inline uint32_t store_offset(int offset)
{
    uint32_t imm = (uint32_t)offset;

    return (imm & 31) << 7 | (imm >> 5) << 25;
}

#endif
