// SPDX-License-Identifier: Apache-2.0
// Jumps, branches and the ends of blocks.
#include "engine/interp/handler.h"

#ifndef INTERP_STEP
OP(block_end)
{
    FOLLOW(next, interp_pc(cpu, op));
}
#endif

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

    RD = cpu->block->pc + cpu->block->bytes;
    FOLLOW_INDIRECT(target);
}
