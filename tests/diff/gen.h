// SPDX-License-Identifier: Apache-2.0
// The generator: random instructions (gen_items.c), operands (gen_pool.c), and the programs made of them
// (gen.c).
#ifndef DIFF_GEN_H
#define DIFF_GEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/diff/body.h"

struct gen {
    uint64_t rng;
    uint8_t *image; // of the body, from BODY_BASE on
    size_t size, room;
    uint32_t reserved; // integer registers that must not be written now
    unsigned depth;    // of loops and skipped parts
};

static inline uint64_t gen_random(struct gen *gen)
{
    return splitmix(&gen->rng);
}

static inline unsigned gen_below(struct gen *gen, unsigned limit)
{
    return (unsigned)(gen_random(gen) % limit);
}

void gen_fill_pools(struct gen *gen, struct body *body);

// One piece of a sequence: an instruction, or a few that belong together.
void gen_item(struct gen *gen);
void gen_word(struct gen *gen, uint32_t insn);
void gen_half(struct gen *gen, uint16_t insn);

// gen_bytes.c: a number of four bytes, read by these registers into the last of them; written; doublewords or zeros.
// 80 bytes behind the base's register and the offset are written at most.
void gen_bytes_in(struct gen *gen, const uint8_t regs[4], unsigned base, int offset);
void gen_bytes_out(struct gen *gen, const uint8_t regs[4], unsigned value, unsigned base,
                   int offset);
void gen_filled(struct gen *gen, unsigned value, unsigned base, int offset);

// Sorts out which instructions of insn.def can be used; before the first gen_item().
void gen_prepare(void);

#endif
