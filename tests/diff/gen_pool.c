// SPDX-License-Identifier: Apache-2.0
// Operands at which results change: powers of two and their neighbours, FP numbers at the borders of
// their ranges and of rounding, NaNs of all kinds, badly boxed values.
#include "tests/diff/gen.h"

static uint64_t integer(struct gen *gen)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     ~0ull,
                                     1ull << 63,
                                     (1ull << 63) - 1,
                                     0x80000000,
                                     0x7fffffff,
                                     0xffffffff,
                                     0xffffffff80000000,
                                     0x100000000,
                                     0x5555555555555555,
                                     0x00ff00ff00ff00ff};
    uint64_t r = gen_random(gen);

    switch (gen_below(gen, 8)) {
    case 0:
    case 1: return edges[r % (sizeof(edges) / sizeof(edges[0]))];
    case 2: return 1ull << r % 64;
    case 3: return (1ull << r % 64) + gen_below(gen, 3) - 1;
    case 4: return r >> gen_below(gen, 64);
    case 5: return (uint64_t)((int64_t)r >> gen_below(gen, 64));
    case 6: return (uint64_t)(int64_t)(int32_t)r;
    default: return r;
    }
}

// A number of a format: sign, exponent and fraction from places where something changes.
static uint64_t fp_number(struct gen *gen, unsigned exponent_bits, unsigned fraction_bits)
{
    uint64_t fraction_mask = (1ull << fraction_bits) - 1, fraction = gen_random(gen);
    unsigned max = (1u << exponent_bits) - 1, bias = max >> 1, exponent;

    switch (gen_below(gen, 8)) {
    case 0: exponent = 0; break;
    case 1: exponent = max; break;
    case 2: exponent = gen_below(gen, 3); break;
    case 3: exponent = max - gen_below(gen, 3); break;
    case 4: exponent = bias + gen_below(gen, 4) - 2; break;
    case 5: exponent = bias + gen_below(gen, 70); break; // what integers reach
    case 6: exponent = bias - gen_below(gen, fraction_bits + 4); break;
    default: exponent = (unsigned)gen_random(gen); break;
    }
    switch (gen_below(gen, 6)) {
    case 0: fraction = 0; break;
    case 1: fraction = fraction_mask; break;
    case 2: fraction = 1ull << gen_below(gen, fraction_bits); break;
    case 3: fraction = fraction_mask << gen_below(gen, fraction_bits); break;
    case 4: fraction = gen_below(gen, 3); break;
    }
    return (gen_random(gen) & 1) << (exponent_bits + fraction_bits) |
           (uint64_t)(exponent & max) << fraction_bits | (fraction & fraction_mask);
}

static uint64_t fp_of_class(struct gen *gen, enum operand_class class)
{
    switch (class) {
    case OPERAND_S: return fp_number(gen, 8, 23) | 0xffffffff00000000;
    case OPERAND_D: return fp_number(gen, 11, 52);
    case OPERAND_H: return fp_number(gen, 5, 10) | 0xffffffffffff0000;
    default: break;
    }
    switch (gen_below(gen, 4)) { // boxed badly
    case 0: return gen_random(gen);
    case 1: return fp_number(gen, 8, 23) | (uint64_t)(uint32_t)gen_random(gen) << 32;
    case 2: return fp_number(gen, 5, 10) | 0xffffffff00000000;
    default: return fp_number(gen, 8, 23);
    }
}

void gen_fill_pools(struct gen *gen, struct body *body)
{
    for (unsigned i = 0; i < POOL_SIZE; i++) {
        body->integers[i] = integer(gen);
        body->floats[i] = fp_of_class(gen, i % OPERAND_CLASSES);
    }
}
