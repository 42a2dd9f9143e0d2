// SPDX-License-Identifier: Apache-2.0
// Compressed instructions: each expands to the 32-bit instruction that it abbreviates, so that the
// rest of Hull knows one encoding only. Specification: ISA Manual, chapters "C" and "Zc*" (Zca, Zcd,
// Zcb); reserved encodings give 0.
#include "guest/riscv/decode.h"

#define ZERO 0
#define RA 1
#define SP 2

// Encoders of the 32-bit formats. Immediates may carry sign bits above their field.
static uint32_t enc_r(uint32_t base, unsigned rd, unsigned rs1, unsigned rs2)
{
    return base | rd << 7 | rs1 << 15 | rs2 << 20;
}

static uint32_t enc_i(uint32_t base, unsigned rd, unsigned rs1, int32_t imm)
{
    return base | rd << 7 | rs1 << 15 | (uint32_t)imm << 20;
}

static uint32_t enc_s(uint32_t base, unsigned rs1, unsigned rs2, uint32_t imm)
{
    return base | rs1 << 15 | rs2 << 20 | (imm & 31) << 7 | (imm >> 5 & 127) << 25;
}

static uint32_t enc_b(uint32_t base, unsigned rs1, int32_t imm)
{
    uint32_t u = (uint32_t)imm;

    return base | rs1 << 15 | (u >> 12 & 1) << 31 | (u >> 5 & 63) << 25 | (u >> 1 & 15) << 8 |
           (u >> 11 & 1) << 7;
}

static uint32_t enc_j(unsigned rd, int32_t imm)
{
    uint32_t u = (uint32_t)imm;

    return 0x6f | rd << 7 | (u >> 20 & 1) << 31 | (u >> 1 & 1023) << 21 | (u >> 11 & 1) << 20 |
           (u >> 12 & 255) << 12;
}

// Bits [hi:lo] of the instruction, moved to bit `to`.
static uint32_t field(uint16_t c, unsigned hi, unsigned lo, unsigned to)
{
    return (uint32_t)(c >> lo & ((1u << (hi - lo + 1)) - 1)) << to;
}

static int32_t sign_extend(uint32_t value, unsigned bits)
{
    return (int32_t)(value << (32 - bits)) >> (32 - bits);
}

static int32_t imm6(uint16_t c)
{
    return sign_extend(field(c, 12, 12, 5) | field(c, 6, 2, 0), 6);
}

// Base words of what the expansions use.
#define W_ADDI 0x00000013u
#define W_XORI 0x00004013u
#define W_ANDI 0x00007013u
#define W_SLLI 0x00001013u
#define W_SRLI 0x00005013u
#define W_SRAI 0x40005013u
#define W_ADDIW 0x0000001bu
#define W_LUI 0x00000037u
#define W_ADD 0x00000033u
#define W_SUB 0x40000033u
#define W_XOR 0x00004033u
#define W_OR 0x00006033u
#define W_AND 0x00007033u
#define W_SUBW 0x4000003bu
#define W_ADDW 0x0000003bu
#define W_MUL 0x02000033u
#define W_SEXT_B 0x60401013u
#define W_SEXT_H 0x60501013u
#define W_ZEXT_H 0x0800403bu
#define W_ADD_UW 0x0800003bu
#define W_LH 0x00001003u
#define W_LW 0x00002003u
#define W_LD 0x00003003u
#define W_LBU 0x00004003u
#define W_LHU 0x00005003u
#define W_FLD 0x00003007u
#define W_SB 0x00000023u
#define W_SH 0x00001023u
#define W_SW 0x00002023u
#define W_SD 0x00003023u
#define W_FSD 0x00003027u
#define W_JALR 0x00000067u
#define W_BEQ 0x00000063u
#define W_BNE 0x00001063u
#define W_EBREAK 0x00100073u

static uint32_t expand_zcb_memory(uint16_t c, unsigned rs1, unsigned r2,
                                  const struct riscv_isa *isa)
{
    uint32_t byte = field(c, 6, 6, 0) | field(c, 5, 5, 1), half = field(c, 5, 5, 1);

    if (!riscv_isa_has(isa, EXT_ZCB))
        return 0;
    switch (field(c, 12, 10, 0)) {
    case 0: return enc_i(W_LBU, r2, rs1, (int32_t)byte);
    case 1: return enc_i(c & 64 ? W_LH : W_LHU, r2, rs1, (int32_t)half);
    case 2: return enc_s(W_SB, rs1, r2, byte);
    case 3: return c & 64 ? 0 : enc_s(W_SH, rs1, r2, half);
    default: return 0;
    }
}

static uint32_t expand_quadrant0(uint16_t c, const struct riscv_isa *isa)
{
    unsigned rs1 = 8 + (c >> 7 & 7), r2 = 8 + (c >> 2 & 7);
    uint32_t word = field(c, 12, 10, 3) | field(c, 6, 6, 2) | field(c, 5, 5, 6);
    uint32_t dword = field(c, 12, 10, 3) | field(c, 6, 5, 6);
    uint32_t spn = field(c, 12, 11, 4) | field(c, 10, 7, 6) | field(c, 6, 6, 2) | field(c, 5, 5, 3);

    switch (c >> 13) {
    case 0: return spn ? enc_i(W_ADDI, r2, SP, (int32_t)spn) : 0;
    case 1: return enc_i(W_FLD, r2, rs1, (int32_t)dword);
    case 2: return enc_i(W_LW, r2, rs1, (int32_t)word);
    case 3: return enc_i(W_LD, r2, rs1, (int32_t)dword);
    case 4: return expand_zcb_memory(c, rs1, r2, isa);
    case 5: return enc_s(W_FSD, rs1, r2, dword);
    case 6: return enc_s(W_SW, rs1, r2, word);
    default: return enc_s(W_SD, rs1, r2, dword);
    }
}

// c.lui and c.addi16sp; a zero immediate is reserved.
static uint32_t expand_lui(uint16_t c, unsigned rd)
{
    int32_t sp = sign_extend(field(c, 12, 12, 9) | field(c, 6, 6, 4) | field(c, 5, 5, 6) |
                                 field(c, 4, 3, 7) | field(c, 2, 2, 5),
                             10);

    if (rd == SP)
        return sp ? enc_i(W_ADDI, SP, SP, sp) : 0;
    return imm6(c) ? W_LUI | rd << 7 | (uint32_t)imm6(c) << 12 : 0;
}

static uint32_t expand_zcb_unary(uint16_t c, unsigned rd, const struct riscv_isa *isa)
{
    if (!riscv_isa_has(isa, EXT_ZCB))
        return 0;
    switch (c >> 2 & 7) {
    case 0: return enc_i(W_ANDI, rd, rd, 255);
    case 1: return enc_r(W_SEXT_B, rd, rd, 0);
    case 2: return enc_r(W_ZEXT_H, rd, rd, 0);
    case 3: return enc_r(W_SEXT_H, rd, rd, 0);
    case 4: return enc_r(W_ADD_UW, rd, rd, ZERO);
    case 5: return enc_i(W_XORI, rd, rd, -1);
    default: return 0;
    }
}

static uint32_t expand_arith(uint16_t c, const struct riscv_isa *isa)
{
    static const uint32_t ops[] = {W_SUB, W_XOR, W_OR, W_AND, W_SUBW, W_ADDW};
    unsigned rd = 8 + (c >> 7 & 7), rs2 = 8 + (c >> 2 & 7);
    unsigned which = field(c, 12, 12, 2) | field(c, 6, 5, 0);

    switch (c >> 10 & 3) {
    case 0: return enc_i(W_SRLI, rd, rd, imm6(c) & 63);
    case 1: return enc_i(W_SRAI, rd, rd, imm6(c) & 63);
    case 2: return enc_i(W_ANDI, rd, rd, imm6(c));
    }
    if (which == 6)
        return riscv_isa_has(isa, EXT_ZCB) ? enc_r(W_MUL, rd, rd, rs2) : 0;
    if (which == 7)
        return expand_zcb_unary(c, rd, isa);
    return enc_r(ops[which], rd, rd, rs2);
}

static uint32_t expand_quadrant1(uint16_t c, const struct riscv_isa *isa)
{
    unsigned rd = c >> 7 & 31, rs1 = 8 + (c >> 7 & 7);
    int32_t jump = sign_extend(field(c, 12, 12, 11) | field(c, 11, 11, 4) | field(c, 10, 9, 8) |
                                   field(c, 8, 8, 10) | field(c, 7, 7, 6) | field(c, 6, 6, 7) |
                                   field(c, 5, 3, 1) | field(c, 2, 2, 5),
                               12);
    int32_t branch = sign_extend(field(c, 12, 12, 8) | field(c, 11, 10, 3) | field(c, 6, 5, 6) |
                                     field(c, 4, 3, 1) | field(c, 2, 2, 5),
                                 9);

    switch (c >> 13) {
    case 0: return enc_i(W_ADDI, rd, rd, imm6(c));
    case 1: return rd ? enc_i(W_ADDIW, rd, rd, imm6(c)) : 0;
    case 2: return enc_i(W_ADDI, rd, ZERO, imm6(c));
    case 3: return expand_lui(c, rd);
    case 4: return expand_arith(c, isa);
    case 5: return enc_j(ZERO, jump);
    case 6: return enc_b(W_BEQ, rs1, branch);
    default: return enc_b(W_BNE, rs1, branch);
    }
}

static uint32_t expand_jump_or_add(uint16_t c)
{
    unsigned rd = c >> 7 & 31, rs2 = c >> 2 & 31;
    bool second = c & 1 << 12;

    if (rs2)
        return enc_r(W_ADD, rd, second ? rd : ZERO, rs2);
    if (rd)
        return enc_i(W_JALR, second ? RA : ZERO, rd, 0);
    return second ? W_EBREAK : 0;
}

static uint32_t expand_quadrant2(uint16_t c)
{
    unsigned rd = c >> 7 & 31, rs2 = c >> 2 & 31;
    int32_t load_word = (int32_t)(field(c, 12, 12, 5) | field(c, 6, 4, 2) | field(c, 3, 2, 6));
    int32_t load_dword = (int32_t)(field(c, 12, 12, 5) | field(c, 6, 5, 3) | field(c, 4, 2, 6));
    uint32_t store_word = field(c, 12, 9, 2) | field(c, 8, 7, 6);
    uint32_t store_dword = field(c, 12, 10, 3) | field(c, 9, 7, 6);

    switch (c >> 13) {
    case 0: return enc_i(W_SLLI, rd, rd, imm6(c) & 63);
    case 1: return enc_i(W_FLD, rd, SP, load_dword);
    case 2: return rd ? enc_i(W_LW, rd, SP, load_word) : 0;
    case 3: return rd ? enc_i(W_LD, rd, SP, load_dword) : 0;
    case 4: return expand_jump_or_add(c);
    case 5: return enc_s(W_FSD, SP, rs2, store_dword);
    case 6: return enc_s(W_SW, SP, rs2, store_word);
    default: return enc_s(W_SD, SP, rs2, store_dword);
    }
}

uint32_t riscv_expand_compressed(uint16_t raw, const struct riscv_isa *isa)
{
    if (!riscv_isa_has(isa, EXT_ZCA) && !riscv_isa_has(isa, EXT_C))
        return 0;
    switch (raw & 3) {
    case 0: return expand_quadrant0(raw, isa);
    case 1: return expand_quadrant1(raw, isa);
    case 2: return expand_quadrant2(raw);
    default: return 0;
    }
}
