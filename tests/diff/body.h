// SPDX-License-Identifier: Apache-2.0
// What the generator and the program around its code agree on: addresses, the body's header, the state.
#ifndef DIFF_BODY_H
#define DIFF_BODY_H

// Both programs lie at the same addresses, so that the code computes the same ones.
#define WRAPPER_BASE 0x80000000
#define SEQUENCE_END (WRAPPER_BASE + 16)
#define STATE_BASE 0x80100000 // struct state; tp in the code
#define AREA_BASE 0x80110800  // 2 KiB of operands below gp, 2 KiB of memory to work on from gp on
#define AREA_HALF 2048
#define BODY_BASE 0x80400000

// Offsets in struct state, for the assembly.
#define STATE_F 256
#define STATE_FCSR 512
#define STATE_RETURN_RA 520
#define STATE_RETURN_SP 528
#define STATE_SAVED 536

#define POOL_SIZE 4096 // operands, of each kind

// FP operands lie in turn: element i of the pool, word i of the area below gp.
#define OPERAND_CLASSES 4

#ifndef __ASSEMBLER__
#include <stdint.h>

enum operand_class { OPERAND_S, OPERAND_D, OPERAND_H, OPERAND_BAD };

struct state {
    uint64_t x[32], f[32], fcsr;
    uint64_t return_ra, return_sp, saved[16];
};

struct body {
    uint64_t seed;
    uint32_t sequences, states; // each sequence is run from so many initial states
    uint32_t dump, first;       // dump: print whole states. first: the number of the first sequence
    uint64_t entries;           // address of an array of the sequences' addresses
    uint64_t integers[POOL_SIZE], floats[POOL_SIZE];
};

// The generator and the programs number things by it (Steele, Lea, Flood 2014).
static inline uint64_t splitmix(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}
#endif

#endif
