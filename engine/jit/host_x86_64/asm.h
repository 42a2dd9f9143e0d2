// SPDX-License-Identifier: Apache-2.0
// An emitter of x86-64 machine code: opcodes, operands, nothing about guests.
#ifndef HULL_ENGINE_JIT_X86_ASM_H
#define HULL_ENGINE_JIT_X86_ASM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum x86_reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };

// Conditions, as in jcc and setcc.
enum x86_cc {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G
};

struct x86_asm {
    uint8_t *base; // writable
    size_t used, size;
    bool full;      // something did not fit; nothing more is written
    uint32_t named; // registers, and XMM registers of the same numbers, named by instructions since
                    // somebody cleared it, other than in addresses
};

// A register or [base + (index << scale) + disp]. Index RSP: none. Or [rip + disp].
struct x86_operand {
    bool memory, rip;
    uint8_t reg; // register, or the base
    uint8_t index, scale;
    int32_t disp;
};

static inline struct x86_operand x86_r(unsigned reg)
{
    return (struct x86_operand){.reg = (uint8_t)reg};
}

// In the code itself: the distance is patched afterwards, as a jump's.
static inline struct x86_operand x86_rip(void)
{
    return (struct x86_operand){.memory = true, .rip = true, .index = RSP};
}

static inline struct x86_operand x86_m(unsigned base, int32_t disp)
{
    return (struct x86_operand){.memory = true, .reg = (uint8_t)base, .index = RSP, .disp = disp};
}

static inline struct x86_operand x86_mi(unsigned base, unsigned index, int32_t disp)
{
    return (struct x86_operand){
        .memory = true, .reg = (uint8_t)base, .index = (uint8_t)index, .disp = disp};
}

static inline struct x86_operand x86_mis(unsigned base, unsigned index, unsigned scale,
                                         int32_t disp)
{
    return (struct x86_operand){.memory = true,
                                .reg = (uint8_t)base,
                                .index = (uint8_t)index,
                                .scale = (uint8_t)scale,
                                .disp = disp};
}

// Opcodes are the last byte, with escapes and prefixes as flags.
enum {
    X_0F = 1 << 8,
    X_0F38 = 2 << 8,
    X_0F3A = 3 << 8,
    X_66 = 1 << 10,
    X_F3 = 2 << 10,
    X_F2 = 3 << 10,
    X_W = 1 << 12,    // 64-bit
    X_BYTE = 1 << 13, // the register operands are byte registers (sil and not dh)
};

void x86_byte(struct x86_asm *a, uint8_t byte);
void x86_u32(struct x86_asm *a, uint32_t value);
void x86_u64(struct x86_asm *a, uint64_t value);

// `opcode` with a ModRM byte; `reg` is the register operand or the opcode's extension.
void x86_op(struct x86_asm *a, unsigned opcode, unsigned reg, struct x86_operand rm);
// The same with VEX: vvvv is the second source; X_W and prefix and escape flags as above.
void x86_vex(struct x86_asm *a, unsigned opcode, unsigned reg, unsigned vvvv,
             struct x86_operand rm);

// ALU operations by their extension number in opcodes 81 and 83 (and, times 8, in 01 and 03).
enum x86_alu { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
void x86_alu_imm(struct x86_asm *a, enum x86_alu alu, bool w, struct x86_operand rm, int32_t imm);
void x86_mov_imm(struct x86_asm *a, unsigned reg, uint64_t value);
void x86_clear(struct x86_asm *a, unsigned reg); // to 0; the flags stay

// Jumps with a 32-bit distance; the return value is the offset of that distance, for x86_patch().
size_t x86_jmp(struct x86_asm *a);
size_t x86_jcc(struct x86_asm *a, enum x86_cc cc);
size_t x86_call(struct x86_asm *a);
// Does nothing for so many bytes that a distance behind `opcode` bytes comes to lie aligned, as
// something that is patched while others execute it has to. Flags stay.
void x86_align_distance(struct x86_asm *a, unsigned opcode);
void x86_patch(struct x86_asm *a, size_t at, size_t target);
static inline void x86_patch_here(struct x86_asm *a, size_t at)
{
    x86_patch(a, at, a->used);
}

#endif
