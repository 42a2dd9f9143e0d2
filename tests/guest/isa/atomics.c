// SPDX-License-Identifier: Apache-2.0
// A and Zacas on one hart: results, sign extension, reservations, register overlaps.
#include "csr.h"

static uint64_t cell[4] __attribute__((aligned(16)));

#define AMO(name, insn)                                                                           \
    static uint64_t name(uint64_t start, uint64_t operand)                                        \
    {                                                                                             \
        uint64_t old;                                                                             \
        cell[0] = start;                                                                          \
        __asm__ volatile(insn " %0, %1, (%2)" : "=&r"(old) : "r"(operand), "r"(cell) : "memory"); \
        return old;                                                                               \
    }
#define BOTH(name) AMO(name##_w, #name ".w") AMO(name##_d, #name ".d.aqrl")
BOTH(amoswap)
BOTH(amoadd)
BOTH(amoxor)
BOTH(amoand)
BOTH(amoor)
BOTH(amomin)
BOTH(amomax)
BOTH(amominu)
BOTH(amomaxu)

#define HIGH 0x1122334400000000ul

static uint64_t word(uint32_t v)
{
    return HIGH | v;
}

// The word form leaves its neighbour alone and sign-extends what it returns.
static void words(void)
{
    EQ(amoswap_w(word(0x80000000), 5), 0xffffffff80000000);
    EQ(cell[0], word(5));
    EQ(amoadd_w(word(0xffffffff), 2), -1ul);
    EQ(cell[0], word(1));
    EQ(amoxor_w(word(0xf0f0f0f0), 0xffffffff0f0f0f0f), 0xfffffffff0f0f0f0);
    EQ(cell[0], word(0xffffffff));
    EQ(amoand_w(word(0xff00ff00), 0x0ff00ff0), 0xffffffffff00ff00);
    EQ(cell[0], word(0x0f000f00));
    EQ(amoor_w(word(1), 0x80000000), 1);
    EQ(cell[0], word(0x80000001));
    EQ(amomin_w(word(1), -1ul), 1);
    EQ(cell[0], word(0xffffffff));
    EQ(amomin_w(word(0x80000000), 0x7fffffff), 0xffffffff80000000);
    EQ(cell[0], word(0x80000000));
    EQ(amomax_w(word(0x80000000), 0x7fffffff), 0xffffffff80000000);
    EQ(cell[0], word(0x7fffffff));
    EQ(amominu_w(word(0xffffffff), 1), -1ul);
    EQ(cell[0], word(1));
    // Only the operand's low word counts.
    EQ(amomaxu_w(word(5), 0xff00000003), 5);
    EQ(cell[0], word(5));
    EQ(amominu_w(word(5), 0xff00000003), 5);
    EQ(cell[0], word(3));
}

static void doublewords(void)
{
    EQ(amoswap_d(1, -1ul), 1);
    EQ(cell[0], -1ul);
    EQ(amoadd_d(-1ul, 2), -1ul);
    EQ(cell[0], 1);
    EQ(amoxor_d(0xff, 0xf0), 0xff);
    EQ(cell[0], 0x0f);
    EQ(amoand_d(0xff, 0xf0), 0xff);
    EQ(cell[0], 0xf0);
    EQ(amoor_d(0x0f, 0xf0), 0x0f);
    EQ(cell[0], 0xff);
    EQ(amomin_d(1, -1ul), 1);
    EQ(cell[0], -1ul);
    EQ(amomax_d(-1ul, 1), -1ul);
    EQ(cell[0], 1);
    EQ(amominu_d(-1ul, 1), -1ul);
    EQ(cell[0], 1);
    EQ(amomaxu_d(1, -1ul), 1);
    EQ(cell[0], -1ul);
}

// rd may be the address or the operand.
static void overlaps(void)
{
    uint64_t r;

    cell[0] = 7;
    __asm__ volatile("mv %0, %1\n amoadd.d %0, %0, (%1)" : "=&r"(r) : "r"(cell) : "memory");
    EQ(r, 7);
    EQ(cell[0], 7 + (uint64_t)cell);
    cell[0] = 9;
    __asm__ volatile("mv %0, %1\n amoswap.d %0, %0, (%0)" : "=&r"(r) : "r"(cell) : "memory");
    EQ(r, 9);
    EQ(cell[0], (uint64_t)cell);
    cell[0] = 0x80000000;
    __asm__ volatile("mv %0, %1\n lr.w %0, (%0)" : "=&r"(r) : "r"(cell) : "memory");
    EQ(r, 0xffffffff80000000);
}

static void reservations(void)
{
    uint64_t old, failed;

    cell[0] = 10;
    __asm__ volatile("lr.d %0, (%2)\n sc.d %1, %3, (%2)"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(cell), "r"(11)
                     : "memory");
    EQ(old, 10);
    EQ(failed, 0);
    EQ(cell[0], 11);
    // Without a reservation, after one that was used up, and at another address, sc fails.
    __asm__ volatile("sc.d %0, %2, (%1)" : "=&r"(failed) : "r"(cell), "r"(12) : "memory");
    EQ(failed, 1);
    EQ(cell[0], 11);
    __asm__ volatile("lr.d %0, (%2)\n sc.d %1, %3, (%4)"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(cell), "r"(12), "r"(&cell[2])
                     : "memory");
    EQ(failed, 1);
    EQ(cell[2], 0);
    __asm__ volatile("sc.d %0, %2, (%1)" : "=&r"(failed) : "r"(cell), "r"(12) : "memory");
    EQ(failed, 1); // the failing one ended the reservation as well
    // Words: the result is sign-extended, the neighbour untouched.
    cell[0] = word(0x80000000);
    __asm__ volatile("lr.w %0, (%2)\n sc.w %1, %3, (%2)"
                     : "=&r"(old), "=&r"(failed)
                     : "r"(cell), "r"(-1ul)
                     : "memory");
    EQ(old, 0xffffffff80000000);
    EQ(failed, 0);
    EQ(cell[0], word(0xffffffff));
}

#define CAS_W(rd, rs2, rs1) ".insn r 0x2f, 2, 0x14, " rd ", " rs1 ", " rs2
#define CAS_D(rd, rs2, rs1) ".insn r 0x2f, 3, 0x14, " rd ", " rs1 ", " rs2
#define CAS_Q(rd, rs2, rs1) ".insn r 0x2f, 4, 0x14, " rd ", " rs1 ", " rs2

static uint64_t cas_w(uint64_t expected, uint64_t desired)
{
    __asm__ volatile(CAS_W("%0", "%1", "%2")
                     : "+&r"(expected)
                     : "r"(desired), "r"(cell)
                     : "memory");
    return expected;
}

static uint64_t cas_d(uint64_t expected, uint64_t desired)
{
    __asm__ volatile(CAS_D("%0", "%1", "%2")
                     : "+&r"(expected)
                     : "r"(desired), "r"(cell)
                     : "memory");
    return expected;
}

static void compare_and_swap(void)
{
    NOT_ON_QEMU("7.2 has no Zacas");
    cell[0] = word(0x80000001);
    EQ(cas_w(0x80000001, 5), 0xffffffff80000001); // compares the low words
    EQ(cell[0], word(5));
    EQ(cas_w(6, 7), 5);
    EQ(cell[0], word(5));
    cell[0] = -2ul;
    EQ(cas_d(-2ul, 5), -2ul);
    EQ(cell[0], 5);
    EQ(cas_d(-2ul, 6), 5);
    EQ(cell[0], 5);
    TRAPS(TRY(CAS_D("a0", "a1", "%2"), "r"((uint64_t)cell + 4)), CAUSE_STORE_MISALIGNED,
          (uint64_t)cell + 4);
    TRAPS(TRY(CAS_Q("a0", "a2", "%2"), "r"((uint64_t)cell + 8)), CAUSE_STORE_MISALIGNED,
          (uint64_t)cell + 8);
}

struct pair {
    uint64_t low, high;
};

// Expected and desired in a0, a1 and a2, a3.
static struct pair cas_q(uint64_t e0, uint64_t e1, uint64_t d0, uint64_t d1)
{
    struct pair r;

    __asm__ volatile("mv a0, %2\n mv a1, %3\n mv a2, %4\n mv a3, %5\n" CAS_Q(
                         "a0", "a2", "%6") "\n mv %0, a0\n mv %1, a1"
                     : "=&r"(r.low), "=&r"(r.high)
                     : "r"(e0), "r"(e1), "r"(d0), "r"(d1), "r"(cell)
                     : "a0", "a1", "a2", "a3", "memory");
    return r;
}

static void compare_and_swap_pairs(void)
{
    struct pair r;
    uint64_t x1;

    NOT_ON_QEMU("7.2 has no Zacas");
    cell[0] = 1;
    cell[1] = 2;
    r = cas_q(1, 2, 3, 4);
    EQ(r.low, 1);
    EQ(r.high, 2);
    EQ(cell[0], 3);
    EQ(cell[1], 4);
    r = cas_q(3, 5, 8, 9);
    EQ(r.low, 3);
    EQ(r.high, 4);
    EQ(cell[0], 3);
    EQ(cell[1], 4);
    // x0 as a pair compares with zeroes; as a destination nothing is written, x1 neither.
    cell[0] = cell[1] = 0;
    __asm__ volatile("mv t3, x1\n li x1, 77\n li a2, 3\n li a3, 4\n" CAS_Q(
                         "x0", "a2", "%1") "\n mv %0, x1\n mv x1, t3"
                     : "=&r"(x1)
                     : "r"(cell)
                     : "t3", "a2", "a3", "memory");
    EQ(x1, 77);
    EQ(cell[0], 3);
    EQ(cell[1], 4);
    // And as a source writes zeroes, whatever x1 holds.
    __asm__ volatile("li a0, 3\n li a1, 4\n" CAS_Q("a0", "x0", "%0")::"r"(cell)
                     : "a0", "a1", "memory");
    EQ(cell[0] | cell[1], 0);
}

const struct rt_case rt_cases[] = {
    {"words", words},
    {"doublewords", doublewords},
    {"overlaps", overlaps},
    {"reservations", reservations},
    {"compare-and-swap", compare_and_swap},
    {"compare-and-swap-pairs", compare_and_swap_pairs},
    {0},
};
