// SPDX-License-Identifier: Apache-2.0
// Encodings. Specification: Intel 64 SDM, volume 2, chapter 2.
#include "engine/jit/host_x86_64/asm.h"

#include <string.h>

void x86_byte(struct x86_asm *a, uint8_t byte)
{
    if (a->used < a->size)
        a->base[a->used++] = byte;
    else
        a->full = true;
}

void x86_u32(struct x86_asm *a, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        x86_byte(a, (uint8_t)(value >> 8 * i));
}

void x86_u64(struct x86_asm *a, uint64_t value)
{
    x86_u32(a, (uint32_t)value);
    x86_u32(a, (uint32_t)(value >> 32));
}

// ModRM, SIB and displacement. RBP and R13 as a base always have a displacement, RSP and R12 a SIB.
static void modrm(struct x86_asm *a, unsigned reg, struct x86_operand rm)
{
    unsigned r = (reg & 7) << 3, mod;

    if (!rm.memory) {
        x86_byte(a, (uint8_t)(0xc0 | r | (rm.reg & 7)));
        return;
    }
    if (rm.rip) {
        x86_byte(a, (uint8_t)(r | 5));
        x86_u32(a, (uint32_t)rm.disp);
        return;
    }
    if (rm.disp == 0 && (rm.reg & 7) != RBP)
        mod = 0;
    else
        mod = rm.disp == (int8_t)rm.disp ? 1 : 2;
    if (rm.index != RSP || (rm.reg & 7) == RSP) {
        x86_byte(a, (uint8_t)(mod << 6 | r | 4));
        x86_byte(a, (uint8_t)(rm.scale << 6 | (rm.index & 7) << 3 | (rm.reg & 7)));
    } else {
        x86_byte(a, (uint8_t)(mod << 6 | r | (rm.reg & 7)));
    }
    if (mod == 1)
        x86_byte(a, (uint8_t)rm.disp);
    else if (mod == 2)
        x86_u32(a, (uint32_t)rm.disp);
}

static void name_registers(struct x86_asm *a, unsigned reg, struct x86_operand rm)
{
    a->named |= 1u << reg | (rm.memory ? 0 : 1u << rm.reg);
}

static const uint8_t prefixes[] = {0, 0x66, 0xf3, 0xf2};

void x86_op(struct x86_asm *a, unsigned opcode, unsigned reg, struct x86_operand rm)
{
    unsigned rex = 0, escape = opcode >> 8 & 3;

    name_registers(a, reg, rm);
    if (opcode >> 10 & 3)
        x86_byte(a, prefixes[opcode >> 10 & 3]);
    if (opcode & X_W)
        rex |= 0x48;
    if (reg & 8)
        rex |= 0x44;
    if (rm.memory && rm.index & 8)
        rex |= 0x42;
    if (rm.reg & 8)
        rex |= 0x41;
    if (opcode & X_BYTE && (reg >= RSP || (!rm.memory && rm.reg >= RSP)))
        rex |= 0x40;
    if (rex)
        x86_byte(a, (uint8_t)rex);
    if (escape)
        x86_byte(a, 0x0f);
    if (escape > 1)
        x86_byte(a, escape == 2 ? 0x38 : 0x3a);
    x86_byte(a, (uint8_t)opcode);
    modrm(a, reg, rm);
}

void x86_vex(struct x86_asm *a, unsigned opcode, unsigned reg, unsigned vvvv, struct x86_operand rm)
{
    unsigned pp = opcode >> 10 & 3, map = opcode >> 8 & 3;
    bool x = rm.memory && rm.index & 8;

    name_registers(a, reg, rm);
    if (map == 1 && !x && !(rm.reg & 8) && !(opcode & X_W)) { // the short form
        x86_byte(a, 0xc5);
        x86_byte(a, (uint8_t)((reg & 8 ? 0 : 0x80) | (~vvvv & 15) << 3 | pp));
        x86_byte(a, (uint8_t)opcode);
        modrm(a, reg, rm);
        return;
    }
    x86_byte(a, 0xc4);
    x86_byte(a, (uint8_t)((reg & 8 ? 0 : 0x80) | (x ? 0 : 0x40) | (rm.reg & 8 ? 0 : 0x20) | map));
    x86_byte(a, (uint8_t)((opcode & X_W ? 0x80 : 0) | (~vvvv & 15) << 3 | pp));
    x86_byte(a, (uint8_t)opcode);
    modrm(a, reg, rm);
}

void x86_alu_imm(struct x86_asm *a, enum x86_alu alu, bool w, struct x86_operand rm, int32_t imm)
{
    unsigned flags = w ? X_W : 0;

    if (imm == (int8_t)imm) {
        x86_op(a, 0x83 | flags, alu, rm);
        x86_byte(a, (uint8_t)imm);
    } else {
        x86_op(a, 0x81 | flags, alu, rm);
        x86_u32(a, (uint32_t)imm);
    }
}

void x86_mov_imm(struct x86_asm *a, unsigned reg, uint64_t value)
{
    name_registers(a, reg, x86_r(reg));
    if (value == 0) {
        x86_op(a, 0x31, reg, x86_r(reg)); // xor: touches the flags
    } else if (value == (uint32_t)value) {
        if (reg & 8)
            x86_byte(a, 0x41);
        x86_byte(a, (uint8_t)(0xb8 | (reg & 7)));
        x86_u32(a, (uint32_t)value);
    } else if ((int64_t)value == (int32_t)value) {
        x86_op(a, 0xc7 | X_W, 0, x86_r(reg));
        x86_u32(a, (uint32_t)value);
    } else {
        x86_byte(a, reg & 8 ? 0x49 : 0x48);
        x86_byte(a, (uint8_t)(0xb8 | (reg & 7)));
        x86_u64(a, value);
    }
}

void x86_clear(struct x86_asm *a, unsigned reg)
{
    name_registers(a, reg, x86_r(reg));
    if (reg & 8)
        x86_byte(a, 0x41);
    x86_byte(a, (uint8_t)(0xb8 | (reg & 7)));
    x86_u32(a, 0);
}

static size_t distance(struct x86_asm *a)
{
    x86_u32(a, 0);
    return a->used - 4;
}

void x86_align_distance(struct x86_asm *a, unsigned opcode)
{
    static const uint8_t nops[4][3] = {{0}, {0x90}, {0x66, 0x90}, {0x0f, 0x1f, 0x00}};
    unsigned bytes = -(unsigned)(a->used + opcode) & 3;

    for (unsigned i = 0; i < bytes; i++)
        x86_byte(a, nops[bytes][i]);
}

size_t x86_jmp(struct x86_asm *a)
{
    x86_byte(a, 0xe9);
    return distance(a);
}

size_t x86_jcc(struct x86_asm *a, enum x86_cc cc)
{
    x86_byte(a, 0x0f);
    x86_byte(a, (uint8_t)(0x80 | cc));
    return distance(a);
}

size_t x86_call(struct x86_asm *a)
{
    x86_byte(a, 0xe8);
    return distance(a);
}

void x86_patch(struct x86_asm *a, size_t at, size_t target)
{
    int32_t rel = (int32_t)(target - (at + 4));

    if (!a->full)
        memcpy(a->base + at, &rel, 4);
}
