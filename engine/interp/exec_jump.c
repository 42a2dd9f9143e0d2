// SPDX-License-Identifier: Apache-2.0
// Jumps, branches and the ends of blocks.
#include "engine/interp/handler.h"

OP(block_end)
{
    FOLLOW(next, interp_pc(cpu, op));
}

// Misaligned targets cannot occur: with C every even address is aligned, and jalr clears bit 0.
#define BRANCH(id, condition)                                  \
    OP(id)                                                     \
    {                                                          \
        if (condition)                                         \
            FOLLOW(taken, interp_pc(cpu, op) + (uint64_t)IMM); \
        FOLLOW(next, cpu->block->pc + cpu->block->bytes);      \
    }

BRANCH(BEQ, RS1 == RS2)
BRANCH(BNE, RS1 != RS2)
BRANCH(BLT, (int64_t)RS1 < (int64_t)RS2)
BRANCH(BGE, (int64_t)RS1 >= (int64_t)RS2)
BRANCH(BLTU, RS1 < RS2)
BRANCH(BGEU, RS1 >= RS2)

OP(JAL)
{
    RD = cpu->block->pc + cpu->block->bytes;
    FOLLOW(taken, interp_pc(cpu, op) + (uint64_t)IMM);
}

OP(JALR)
{
    gva_t target = (RS1 + (uint64_t)IMM) & ~1ull;
    struct block *b = cpu->jumps[jump_index(target)];

    RD = cpu->block->pc + cpu->block->bytes;
    if (likely(b && b->pc == target && b->context == cpu->context))
        ENTER(b);
    cpu->hart.s.pc = target;
    return NULL;
}
