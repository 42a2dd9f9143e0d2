// SPDX-License-Identifier: Apache-2.0
// Integer instructions: RV64I, M, Zicond, Zba, Zbb, Zbc, Zbkb, Zbkx, Zbs.
#include "engine/interp/handler.h"

// `op` writes rd from an expression.
#define ALU(id, expression)          \
    OP(id)                           \
    {                                \
        RD = (uint64_t)(expression); \
        NEXT;                        \
    }

static inline int64_t sext32(uint64_t value)
{
    return (int32_t)value;
}

ALU(LUI, IMM)
ALU(AUIPC, interp_pc(cpu, op) + (uint64_t)IMM)
ALU(ADDI, RS1 + (uint64_t)IMM)
ALU(SLTI, (int64_t)RS1 < IMM)
ALU(SLTIU, RS1 < (uint64_t)IMM)
ALU(XORI, RS1 ^ (uint64_t)IMM)
ALU(ORI, RS1 | (uint64_t)IMM)
ALU(ANDI, RS1 &(uint64_t)IMM)
ALU(SLLI, RS1 << op->imm)
ALU(SRLI, RS1 >> op->imm)
ALU(SRAI, (int64_t)RS1 >> op->imm)
ALU(ADD, RS1 + RS2)
ALU(SUB, RS1 - RS2)
ALU(SLL, RS1 << (RS2 & 63))
ALU(SLT, (int64_t)RS1 < (int64_t)RS2)
ALU(SLTU, RS1 < RS2)
ALU(XOR, RS1 ^ RS2)
ALU(SRL, RS1 >> (RS2 & 63))
ALU(SRA, (int64_t)RS1 >> (RS2 & 63))
ALU(OR, RS1 | RS2)
ALU(AND, RS1 &RS2)
ALU(ADDIW, sext32(RS1 + (uint64_t)IMM))
ALU(SLLIW, sext32((uint32_t)RS1 << op->imm))
ALU(SRLIW, sext32((uint32_t)RS1 >> op->imm))
ALU(SRAIW, (int32_t)RS1 >> op->imm)
ALU(ADDW, sext32(RS1 + RS2))
ALU(SUBW, sext32(RS1 - RS2))
ALU(SLLW, sext32((uint32_t)RS1 << (RS2 & 31)))
ALU(SRLW, sext32((uint32_t)RS1 >> (RS2 & 31)))
ALU(SRAW, (int32_t)RS1 >> (RS2 & 31))

// M. Division by zero and the one overflow have results, not traps.

static inline int64_t div_signed(int64_t a, int64_t b)
{
    if (b == 0)
        return -1;
    return b == -1 ? (int64_t)(0 - (uint64_t)a) : a / b;
}

static inline int64_t rem_signed(int64_t a, int64_t b)
{
    if (b == 0)
        return a;
    return b == -1 ? 0 : a % b;
}

ALU(MUL, RS1 *RS2)
ALU(MULH, (__int128)(int64_t)RS1 *(int64_t)RS2 >> 64)
ALU(MULHSU, (__int128)(int64_t)RS1 *(__int128)RS2 >> 64)
ALU(MULHU, (unsigned __int128)RS1 *RS2 >> 64)
ALU(DIV, div_signed((int64_t)RS1, (int64_t)RS2))
ALU(DIVU, RS2 ? RS1 / RS2 : UINT64_MAX)
ALU(REM, rem_signed((int64_t)RS1, (int64_t)RS2))
ALU(REMU, RS2 ? RS1 % RS2 : RS1)
ALU(MULW, sext32(RS1 *RS2))
ALU(DIVW, sext32((uint64_t)div_signed((int32_t)RS1, (int32_t)RS2)))
ALU(DIVUW, (uint32_t)RS2 ? sext32((uint32_t)RS1 / (uint32_t)RS2) : -1)
ALU(REMW, sext32((uint64_t)rem_signed((int32_t)RS1, (int32_t)RS2)))
ALU(REMUW, (uint32_t)RS2 ? sext32((uint32_t)RS1 % (uint32_t)RS2) : sext32(RS1))

ALU(CZERO_EQZ, RS2 ? RS1 : 0)
ALU(CZERO_NEZ, RS2 ? 0 : RS1)

// Zba

ALU(ADD_UW, (uint32_t)RS1 + RS2)
ALU(SH1ADD, (RS1 << 1) + RS2)
ALU(SH2ADD, (RS1 << 2) + RS2)
ALU(SH3ADD, (RS1 << 3) + RS2)
ALU(SH1ADD_UW, ((uint64_t)(uint32_t)RS1 << 1) + RS2)
ALU(SH2ADD_UW, ((uint64_t)(uint32_t)RS1 << 2) + RS2)
ALU(SH3ADD_UW, ((uint64_t)(uint32_t)RS1 << 3) + RS2)
ALU(SLLI_UW, (uint64_t)(uint32_t)RS1 << op->imm)

// Zbb, Zbkb

static inline uint64_t rotate_right(uint64_t value, unsigned by)
{
    return value >> (by & 63) | value << (-by & 63);
}

static inline uint32_t rotate_right32(uint32_t value, unsigned by)
{
    return value >> (by & 31) | value << (-by & 31);
}

// 0xff in each byte that is not zero.
static uint64_t or_combine(uint64_t v)
{
    v |= v >> 1 & 0x7f7f7f7f7f7f7f7f;
    v |= v >> 2 & 0x3f3f3f3f3f3f3f3f;
    v |= v >> 4 & 0x0f0f0f0f0f0f0f0f;
    return (v & 0x0101010101010101) * 255;
}

static uint64_t reverse_bits_in_bytes(uint64_t v)
{
    v = (v & 0x5555555555555555) << 1 | (v >> 1 & 0x5555555555555555);
    v = (v & 0x3333333333333333) << 2 | (v >> 2 & 0x3333333333333333);
    return (v & 0x0f0f0f0f0f0f0f0f) << 4 | (v >> 4 & 0x0f0f0f0f0f0f0f0f);
}

ALU(ANDN, RS1 & ~RS2)
ALU(ORN, RS1 | ~RS2)
ALU(XNOR, ~(RS1 ^ RS2))
ALU(ROL, rotate_right(RS1, -(unsigned)RS2))
ALU(ROR, rotate_right(RS1, (unsigned)RS2))
ALU(RORI, rotate_right(RS1, (unsigned)op->imm))
ALU(ROLW, sext32(rotate_right32((uint32_t)RS1, -(unsigned)RS2)))
ALU(RORW, sext32(rotate_right32((uint32_t)RS1, (unsigned)RS2)))
ALU(RORIW, sext32(rotate_right32((uint32_t)RS1, (unsigned)op->imm)))
ALU(REV8, __builtin_bswap64(RS1))
ALU(CLZ, RS1 ? __builtin_clzll(RS1) : 64)
ALU(CTZ, RS1 ? __builtin_ctzll(RS1) : 64)
ALU(CPOP, __builtin_popcountll(RS1))
ALU(CLZW, (uint32_t)RS1 ? __builtin_clz((uint32_t)RS1) : 32)
ALU(CTZW, (uint32_t)RS1 ? __builtin_ctz((uint32_t)RS1) : 32)
ALU(CPOPW, __builtin_popcount((uint32_t)RS1))
ALU(SEXT_B, (int8_t)RS1)
ALU(SEXT_H, (int16_t)RS1)
ALU(ZEXT_H, (uint16_t)RS1)
ALU(MIN, (int64_t)RS1 < (int64_t)RS2 ? RS1 : RS2)
ALU(MINU, RS1 < RS2 ? RS1 : RS2)
ALU(MAX, (int64_t)RS1 > (int64_t)RS2 ? RS1 : RS2)
ALU(MAXU, RS1 > RS2 ? RS1 : RS2)
ALU(ORC_B, or_combine(RS1))
ALU(PACK, (uint32_t)RS1 | RS2 << 32)
ALU(PACKH, (RS1 & 255) | (RS2 & 255) << 8)
ALU(PACKW, sext32((RS1 & 0xffff) | (RS2 & 0xffff) << 16))
ALU(BREV8, reverse_bits_in_bytes(RS1))

// Zbkx: a table look-up of nibbles or bytes; indices outside the table give 0.

static uint64_t crossbar(uint64_t table, uint64_t indices, unsigned width)
{
    uint64_t mask = (1ull << width) - 1, result = 0;

    for (unsigned i = 0; i < 64; i += width) {
        uint64_t index = indices >> i & mask;

        if (index < 64 / width)
            result |= (table >> index * width & mask) << i;
    }
    return result;
}

ALU(XPERM4, crossbar(RS1, RS2, 4))
ALU(XPERM8, crossbar(RS1, RS2, 8))

// Zbc

static unsigned __int128 carryless_product(uint64_t a, uint64_t b)
{
    unsigned __int128 product = 0;

    for (unsigned i = 0; i < 64; i++)
        if (b >> i & 1)
            product ^= (unsigned __int128)a << i;
    return product;
}

ALU(CLMUL, carryless_product(RS1, RS2))
ALU(CLMULH, carryless_product(RS1, RS2) >> 64)
ALU(CLMULR, carryless_product(RS1, RS2) >> 63)

// Zbs

ALU(BCLR, RS1 & ~(1ull << (RS2 & 63)))
ALU(BCLRI, RS1 & ~(1ull << op->imm))
ALU(BEXT, RS1 >> (RS2 & 63) & 1)
ALU(BEXTI, RS1 >> op->imm & 1)
ALU(BINV, RS1 ^ 1ull << (RS2 & 63))
ALU(BINVI, RS1 ^ 1ull << op->imm)
ALU(BSET, RS1 | 1ull << (RS2 & 63))
ALU(BSETI, RS1 | 1ull << op->imm)
