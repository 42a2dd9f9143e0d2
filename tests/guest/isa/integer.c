// SPDX-License-Identifier: Apache-2.0
// RV64I, M and Zicond at their edges: shifts, division, comparisons, the word operations' signs.
#include "rt.h"

#define R2(name, insn)                                                   \
    static uint64_t name(uint64_t a, uint64_t b)                         \
    {                                                                    \
        uint64_t r;                                                      \
        __asm__ volatile(insn " %0, %1, %2" : "=r"(r) : "r"(a), "r"(b)); \
        return r;                                                        \
    }

R2(op_div, "div")
R2(op_divu, "divu")
R2(op_rem, "rem")
R2(op_remu, "remu")
R2(op_divw, "divw")
R2(op_divuw, "divuw")
R2(op_remw, "remw")
R2(op_remuw, "remuw")
R2(op_mulh, "mulh")
R2(op_mulhu, "mulhu")
R2(op_mulhsu, "mulhsu")
R2(op_mulw, "mulw")
R2(op_sll, "sll")
R2(op_srl, "srl")
R2(op_sra, "sra")
R2(op_sllw, "sllw")
R2(op_srlw, "srlw")
R2(op_sraw, "sraw")
R2(op_addw, "addw")
R2(op_subw, "subw")
R2(op_slt, "slt")
R2(op_sltu, "sltu")
R2(op_czero_eqz, ".insn r 0x33, 5, 7,")
R2(op_czero_nez, ".insn r 0x33, 7, 7,")

#define MIN64 0x8000000000000000ul
#define ALL (~0ul)

static const uint64_t edges[] = {0,
                                 1,
                                 2,
                                 3,
                                 ALL,
                                 ALL - 1,
                                 MIN64,
                                 MIN64 - 1,
                                 MIN64 + 1,
                                 0x7fffffff,
                                 0x80000000,
                                 0x80000001,
                                 0xffffffff,
                                 0x100000000,
                                 0xffffffff80000000,
                                 0xffffffff7fffffff,
                                 0x5555555555555555,
                                 0xaaaaaaaaaaaaaaaa,
                                 0x0123456789abcdef,
                                 0xfedcba9876543210,
                                 31,
                                 32,
                                 63,
                                 64};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

static uint64_t sext32(uint64_t v)
{
    return (uint64_t)(int64_t)(int32_t)v;
}

static void division(void)
{
    EQ(op_div(7, 0), ALL);
    EQ(op_div(-7ul, 2), -3ul);
    EQ(op_rem(-7ul, 2), -1ul);
    EQ(op_rem(7, -2ul), 1);
    EQ(op_div(MIN64, ALL), MIN64);
    EQ(op_rem(MIN64, ALL), 0);
    EQ(op_rem(-7ul, 0), -7ul);
    EQ(op_divu(7, 0), ALL);
    EQ(op_remu(7, 0), 7);
    EQ(op_divu(ALL, 2), ALL >> 1);
    EQ(op_divw(0x80000000, ALL), 0xffffffff80000000);
    EQ(op_divw(0x180000000, 0xffffffff), 0xffffffff80000000);
    EQ(op_remw(0x80000000, ALL), 0);
    EQ(op_divw(5, 0x100000000), ALL); // the divisor's low word is zero
    EQ(op_divuw(5, 0x100000000), ALL);
    EQ(op_remuw(0x80000000, 0), 0xffffffff80000000);
    EQ(op_remw(0x180000005, 0), 0xffffffff80000005);
    EQ(op_divuw(0xffffffff, 1), ALL);
    EQ(op_divuw(0xfffffffffffffff0, 2), 0x7ffffff8);
}

// Quotient times divisor plus remainder is the dividend, for every pair.
static void division_identity(void)
{
    for (unsigned i = 0; i < EDGES; i++)
        for (unsigned j = 0; j < EDGES; j++) {
            uint64_t a = edges[i], b = edges[j];

            EQ(op_div(a, b) * b + op_rem(a, b), a);
            EQ(op_divu(a, b) * b + op_remu(a, b), a);
            EQ(sext32(op_divw(a, b) * b + op_remw(a, b)), sext32(a));
            EQ(sext32(op_divuw(a, b) * b + op_remuw(a, b)), sext32(a));
            if (b)
                CHECK(op_remu(a, b) < b);
        }
}

// The upper half by four products of 32 bits.
static uint64_t mulhu_reference(uint64_t a, uint64_t b)
{
    uint64_t al = (uint32_t)a, ah = a >> 32, bl = (uint32_t)b, bh = b >> 32;
    uint64_t mid = ah * bl + (al * bl >> 32);
    uint64_t mid2 = al * bh + (uint32_t)mid;

    return ah * bh + (mid >> 32) + (mid2 >> 32);
}

static void multiplication(void)
{
    for (unsigned i = 0; i < EDGES; i++)
        for (unsigned j = 0; j < EDGES; j++) {
            uint64_t a = edges[i], b = edges[j], u = mulhu_reference(a, b);
            uint64_t minus_a = (int64_t)a < 0 ? b : 0, minus_b = (int64_t)b < 0 ? a : 0;

            EQ(op_mulhu(a, b), u);
            EQ(op_mulhsu(a, b), u - minus_a);
            EQ(op_mulh(a, b), u - minus_a - minus_b);
            EQ(op_mulw(a, b), sext32((uint32_t)a * (uint32_t)b));
        }
}

static void shifts(void)
{
    EQ(op_sll(1, 64), 1); // amounts are modulo 64 and 32
    EQ(op_sll(1, 127), MIN64);
    EQ(op_srl(MIN64, 63), 1);
    EQ(op_sra(MIN64, 63), ALL);
    EQ(op_sra(MIN64, ALL), ALL);
    EQ(op_sllw(1, 31), 0xffffffff80000000);
    EQ(op_sllw(1, 32), 1);
    EQ(op_srlw(0xffffffff80000000, 0), 0xffffffff80000000);
    EQ(op_srlw(0xffffffff80000000, 1), 0x40000000);
    EQ(op_srlw(0x180000000, 31), 1);
    EQ(op_sraw(0x80000000, 31), ALL);
    EQ(op_sraw(0x7fffffff80000000, 4), 0xfffffffff8000000);
    EQ(op_addw(0x7fffffff, 1), 0xffffffff80000000);
    EQ(op_subw(0x80000000, 1), 0x7fffffff);
    EQ(op_slt(MIN64, 0), 1);
    EQ(op_sltu(MIN64, 0), 0);
    EQ(op_sltu(0, ALL), 1);
    EQ(op_slt(0, ALL), 0);
}

static void immediates(void)
{
    uint64_t r, a = MIN64 | 5;

    __asm__("slli %0, %1, 63" : "=r"(r) : "r"(a));
    EQ(r, MIN64);
    __asm__("srai %0, %1, 63" : "=r"(r) : "r"(a));
    EQ(r, ALL);
    __asm__("srli %0, %1, 32" : "=r"(r) : "r"(a));
    EQ(r, 0x80000000);
    __asm__("addi %0, %1, -2048" : "=r"(r) : "r"(a));
    EQ(r, a - 2048);
    __asm__("sltiu %0, %1, -1" : "=r"(r) : "r"(a)); // sign-extended, then unsigned
    EQ(r, 1);
    __asm__("addiw %0, %1, 0" : "=r"(r) : "r"(0x80000000ul));
    EQ(r, 0xffffffff80000000);
    __asm__("xori %0, %1, -1" : "=r"(r) : "r"(a));
    EQ(r, ~a);
    __asm__("lui %0, 0x80000" : "=r"(r));
    EQ(r, 0xffffffff80000000);
    __asm__("sraiw %0, %1, 31" : "=r"(r) : "r"(0x80000000ul));
    EQ(r, ALL);
    __asm__("srliw %0, %1, 0" : "=r"(r) : "r"(0xf80000000ul));
    EQ(r, 0xffffffff80000000);
}

static void conditional(void)
{
    if (rt_on_qemu())
        return;
    EQ(op_czero_eqz(5, 0), 0);
    EQ(op_czero_eqz(5, MIN64), 5);
    EQ(op_czero_nez(5, 0), 5);
    EQ(op_czero_nez(5, 1ul << 32), 0);
}

// x0 stays zero whatever is written, and jumps that link into it don't.
static void zero_register(void)
{
    uint64_t r;

    __asm__ volatile(
        "lui x0, 0x12345\n add x0, %1, %1\n ld x0, (sp)\n auipc x0, 1\n jal x0, 1f\n1: "
        "amoadd.d x0, x0, (sp)\n csrrs x0, 0x340, x0\n mv %0, x0"
        : "=r"(r)
        : "r"(5ul)
        : "memory");
    EQ(r, 0);
}

static void jumps(void)
{
    uint64_t link, target;

    // jalr clears bit 0 of its target; rd = rs1 jumps to the old value.
    __asm__ volatile("la %0, 1f+1\n jalr %0, %0, 0\n .word 0\n 1: mv %1, %0\n la %0, 1b"
                     : "=&r"(target), "=&r"(link));
    EQ(link, target - 4);
    __asm__ volatile("jal %0, 1f\n 2: .word 0\n 1: la %1, 2b" : "=&r"(link), "=&r"(target));
    EQ(link, target);
}

const struct rt_case rt_cases[] = {
    {"division", division},
    {"division-identity", division_identity},
    {"multiplication", multiplication},
    {"shifts-and-comparisons", shifts},
    {"immediates", immediates},
    {"zicond", conditional},
    {"x0", zero_register},
    {"jumps", jumps},
    {0},
};
