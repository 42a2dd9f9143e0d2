// SPDX-License-Identifier: Apache-2.0
// Numbers that are read and written byte by byte, and memory that is filled, as compilers for harts without
// misaligned accesses do: what the translator makes one access of.
#include "tests/diff/gen.h"

#define SLLI 0x1013u
#define SLLIW 0x101bu
#define SRLI 0x5013u
#define SRLIW 0x501bu
#define OR 0x6033u
#define ADD 0x33u
#define SEXT_W 0x1bu
#define LBU 0x4003u
#define LB 0x3u
#define SB 0x23u
#define SD 0x3023u
#define SW 0x2023u

static void load(struct gen *gen, uint32_t op, unsigned d, unsigned base, int offset)
{
    gen_word(gen, op | d << 7 | base << 15 | (uint32_t)offset << 20);
}

static void store(struct gen *gen, uint32_t op, unsigned b, unsigned base, int offset)
{
    gen_word(gen, op | b << 20 | base << 15 | ((uint32_t)offset & 31) << 7 |
                      ((uint32_t)offset >> 5 & 127) << 25);
}

static void shift(struct gen *gen, uint32_t op, unsigned d, unsigned a, unsigned count)
{
    if (count)
        gen_word(gen, op | d << 7 | a << 15 | count << 20);
}

// Registers may be the same ones: then it is just some code. Only the last may be the address's.
void gen_bytes_in(struct gen *gen, const uint8_t regs[4], unsigned base, int offset)
{
    unsigned first = base == regs[3] ? 0 : gen_below(gen, 4);
    unsigned reversed = gen_below(gen, 2) ? 3 : 0, d = regs[3];

    for (unsigned i = 0; i < 4; i++) {
        unsigned k = (first + i) % 4;

        load(gen, gen_below(gen, 8) ? LBU : LB, regs[k], base, offset + (int)k);
    }
    for (unsigned k = 0; k < 4; k++)
        shift(gen, gen_below(gen, 4) ? SLLI : SLLIW, regs[k], regs[k], 8 * (k ^ reversed));
    for (unsigned k = 1; k < 4; k++)
        gen_word(gen, (gen_below(gen, 4) ? OR : ADD) | (k == 3 ? d : regs[k]) << 7 |
                          (unsigned)regs[k - 1] << 15 | (unsigned)regs[k] << 20);
    if (gen_below(gen, 2))
        gen_word(gen, SEXT_W | d << 7 | d << 15);
}

void gen_bytes_out(struct gen *gen, const uint8_t regs[4], unsigned value, unsigned base,
                   int offset)
{
    unsigned first = gen_below(gen, 4), reversed = gen_below(gen, 2) ? 3 : 0;
    uint32_t op = gen_below(gen, 2) ? SRLI : SRLIW;
    bool before = gen_below(gen, 2);

    for (unsigned k = 0; before && k < 4; k++)
        shift(gen, op, regs[k], value, 8 * (k ^ reversed));
    for (unsigned i = 0; i < 4; i++) {
        unsigned k = (first + i) % 4, part = 8 * (k ^ reversed);

        if (!before)
            shift(gen, op, regs[k], value, part);
        store(gen, SB, part ? regs[k] : value, base, offset + (int)k);
    }
}

void gen_filled(struct gen *gen, unsigned value, unsigned base, int offset)
{
    bool words = gen_below(gen, 4) == 0;

    for (unsigned n = 2 + gen_below(gen, 8); n; n--) {
        store(gen, words ? SW : SD, words ? 0 : value, base, offset);
        offset += words ? 4 : 8;
    }
}
