// SPDX-License-Identifier: Apache-2.0
// The middle of the translator does what it is there for: each fold and each fusion where it is right, and not
// where it is not; and a broken pass would be found. That meanings are kept is tested here as well, but on
// more code in test_jit_ir_random.c.
#include "tests/unit/ir_subject.h"

#include <stdio.h>

#include "tests/unit/encoding.h"

#define PC 0x80000000ull

enum { ZERO = 0, RA = 1, SP = 2, T0 = 5, A0 = 10, A1, A2, A3, A4, A5 };

static uint32_t rrr(unsigned id, unsigned d, unsigned a, unsigned b)
{
    return riscv_insn_info[id].match | d << 7 | a << 15 | b << 20;
}

static uint32_t rri(unsigned id, unsigned d, unsigned a, int imm)
{
    return riscv_insn_info[id].match | d << 7 | a << 15 | (uint32_t)imm << 20;
}

static uint32_t ru(unsigned id, unsigned d, uint32_t upper)
{
    return riscv_insn_info[id].match | d << 7 | upper << 12;
}

static uint32_t store(unsigned id, unsigned b, unsigned a, int imm)
{
    return riscv_insn_info[id].match | b << 20 | a << 15 | store_offset(imm);
}

static uint32_t branch(unsigned id, unsigned a, unsigned b, int offset)
{
    return riscv_insn_info[id].match | a << 15 | b << 20 | branch_offset(offset);
}

#define LI(d, imm) rri(INSN_ADDI, d, ZERO, imm)
#define MV(d, a) rri(INSN_ADDI, d, a, 0)
#define NOTHING rri(INSN_ADDI, ZERO, ZERO, 0)

// Every operation in the end, "; " between two, without the pieces.
static void shows(struct subject *s, const char *want, const uint32_t *words, unsigned count)
{
    char text[2048] = "";
    size_t used = 0;

    assert_true(subject_prepare(s, PC, FLAVOR_FP, words, count * sizeof(*words)));
    assert_int_equal(s->draft.region.count, count);
    subject_well_formed(s);
    for (uint64_t seed = 0; seed < 40; seed++)
        subject_same_behaviour(s, seed);
    for (unsigned i = 0; i < s->shared.count; i++) {
        if (s->shared.insns[i].code == IR_PIECE)
            continue;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", used ? "; " : "");
        used += (size_t)ir_print(&s->shared.insns[i], &s->draft.region, text + used,
                                 sizeof(text) - used);
        assert_true(used < sizeof(text));
    }
    if (strcmp(text, want))
        subject_print(s);
    assert_string_equal(text, want);
}

#define SHOWS(s, want, ...) \
    shows(s, want, (uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / 4)

static void test_constants(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = const 0x12345678", ru(INSN_LUI, A0, 0x12345), rri(INSN_ADDI, A0, A0, 0x678));
    SHOWS(s, "a0 = const 0x7fffffff", ru(INSN_LUI, A0, 0x80000), rri(INSN_ADDIW, A0, A0, -1));
    SHOWS(s, "a0 = const 0x7ffff010; a1 = const 0x7ffff014", ru(INSN_AUIPC, A0, 0xfffff),
          rri(INSN_ADDI, A0, A0, 16), rri(INSN_ADDI, A1, A0, 4));
    SHOWS(s, "a1 = const 0x8000000000000000; a0 = sub a2, a1", LI(A1, 1),
          rri(INSN_SLLI, A1, A1, 63), rrr(INSN_SUB, A0, A2, A1));
    SHOWS(s, "a1 = const 5; a0 = add a2, -5", LI(A1, 5), rrr(INSN_SUB, A0, A2, A1));
    SHOWS(s, "a1 = const 40; a0 = shl.i32 a2, 8", LI(A1, 40), rrr(INSN_SLLW, A0, A2, A1));
    SHOWS(s, "a0 = move a1; a2 = extend.u8 a1; a3 = extend.i32 a1", MV(A0, A1),
          rri(INSN_ANDI, A2, A1, 255), rri(INSN_ADDIW, A3, A1, 0));
    // Behind the target of a jump nothing is known.
    SHOWS(s, "a0 = const 5; a1 = add a0, 1; branch a1 != a2, 0x80000004", LI(A0, 5),
          rri(INSN_ADDI, A1, A0, 1), branch(INSN_BNE, A1, A2, -4));
    // A branch that leads past it changes nothing.
    SHOWS(s, "a0 = const 5; branch a1 != a2, out to 0x8000000c; a1 = const 6", LI(A0, 5),
          branch(INSN_BNE, A1, A2, 8), rri(INSN_ADDI, A1, A0, 1));
}

static void test_division_by_x0(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = const -1; a1 = const -1", rrr(INSN_DIV, A0, A2, ZERO),
          rrr(INSN_DIVUW, A1, A2, ZERO));
    SHOWS(s, "a0 = move a2; a1 = extend.i32 a2", rrr(INSN_REMU, A0, A2, ZERO),
          rrr(INSN_REMW, A1, A2, ZERO));
}

static void test_shifts_left_and_right(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = extend.u32 a0", rri(INSN_SLLI, A0, A0, 32), rri(INSN_SRLI, A0, A0, 32));
    SHOWS(s, "a1 = extend.i16 a0", rri(INSN_SLLI, A1, A0, 48), rri(INSN_SRAI, A1, A1, 48));
    SHOWS(s, "a1 = extend.u8 a0", rri(INSN_SLLI, A1, A0, 56), rri(INSN_SRLI, A1, A1, 56));
    SHOWS(s, "a1 = shadd.u32 a0 << 3, zero", rri(INSN_SLLI, A1, A0, 32),
          rri(INSN_SRLI, A1, A1, 29));
    SHOWS(s, "a1 = shl a0, 32; a2 = extend.u32 a0", rri(INSN_SLLI, A1, A0, 32),
          rri(INSN_SRLI, A2, A1, 32));
    // Not: other counts, what is overwritten in between, what something looked at.
    SHOWS(s, "a0 = shl a0, 33; a0 = shr a0, 33", rri(INSN_SLLI, A0, A0, 33),
          rri(INSN_SRLI, A0, A0, 33));
    SHOWS(s, "a0 = shl a0, 56; a0 = shr a0, 48", rri(INSN_SLLI, A0, A0, 56),
          rri(INSN_SRLI, A0, A0, 48));
    SHOWS(s, "a1 = shl a0, 32; a0 = add a0, 1; a1 = shr a1, 32", rri(INSN_SLLI, A1, A0, 32),
          rri(INSN_ADDI, A0, A0, 1), rri(INSN_SRLI, A1, A1, 32));
    SHOWS(s, "a0 = shl a0, 32; a2 = move a0; a0 = shr a0, 32", rri(INSN_SLLI, A0, A0, 32),
          MV(A2, A0), rri(INSN_SRLI, A0, A0, 32));
    SHOWS(s, "a0 = shl a0, 32; a2 = load.i64 [a1]; a0 = shr a0, 32", rri(INSN_SLLI, A0, A0, 32),
          rri(INSN_LD, A2, A1, 0), rri(INSN_SRLI, A0, A0, 32));
    SHOWS(s, "a0 = shl a0, 32; a2 = shr a0, 32", rri(INSN_SLLI, A0, A0, 32),
          rri(INSN_SRLI, A2, A0, 32));
    SHOWS(s, "a0 = shl.i32 a0, 8, loose; a0 = sar.i32 a0, 8", rri(INSN_SLLIW, A0, A0, 8),
          rri(INSN_SRAIW, A0, A0, 8));
}

static void test_shifts_and_additions(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a5 = shadd a1 << 3, a2", rri(INSN_SLLI, A5, A1, 3), rrr(INSN_ADD, A5, A5, A2));
    SHOWS(s, "a1 = shadd a1 << 2, a2", rri(INSN_SLLI, A1, A1, 2), rrr(INSN_ADD, A1, A2, A1));
    SHOWS(s, "a1 = shadd.u32 a1 << 2, a2", rri(INSN_SLLI, A1, A1, 32), rri(INSN_SRLI, A1, A1, 30),
          rrr(INSN_ADD, A1, A2, A1));
    SHOWS(s, "a5 = shl a1, 4; a5 = add a5, a2", rri(INSN_SLLI, A5, A1, 4),
          rrr(INSN_ADD, A5, A5, A2));
    SHOWS(s, "a5 = shl a1, 2; a5 = add a5, a5", rri(INSN_SLLI, A5, A1, 2),
          rrr(INSN_ADD, A5, A5, A5));
    SHOWS(s, "a1 = shl a1, 2; a5 = add a1, a2", rri(INSN_SLLI, A1, A1, 2),
          rrr(INSN_ADD, A5, A1, A2));
    SHOWS(s, "a1 = shl a1, 2; a1 = add.i32 a1, a2", rri(INSN_SLLI, A1, A1, 2),
          rrr(INSN_ADDW, A1, A1, A2));
}

static void test_rotations(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a4 = shl.i32 a0, 7; a0 = ror.i32 a0, 25", rri(INSN_SLLIW, A4, A0, 7),
          rri(INSN_SRLIW, A0, A0, 25), rrr(INSN_OR, A0, A0, A4));
    SHOWS(s, "a4 = shr a0, 13; a5 = ror a0, 13", rri(INSN_SRLI, A4, A0, 13),
          rri(INSN_SLLI, A5, A0, 51), rrr(INSN_XOR, A5, A4, A5));
    SHOWS(s, "a4 = shl a0, 7; a0 = shr a0, 56; a0 = or a0, a4", rri(INSN_SLLI, A4, A0, 7),
          rri(INSN_SRLI, A0, A0, 56), rrr(INSN_OR, A0, A0, A4));
    SHOWS(s, "a4 = shl a0, 7; a0 = shr a1, 57; a0 = or a0, a4", rri(INSN_SLLI, A4, A0, 7),
          rri(INSN_SRLI, A0, A1, 57), rrr(INSN_OR, A0, A0, A4));
    SHOWS(s, "a4 = shl a0, 7; a0 = load.i64 [a1]; a5 = shr a0, 57; a0 = or a4, a5",
          rri(INSN_SLLI, A4, A0, 7), rri(INSN_LD, A0, A1, 0), rri(INSN_SRLI, A5, A0, 57),
          rrr(INSN_OR, A0, A4, A5));
}

static void test_dead_results(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = const 2", LI(A0, 1), LI(A0, 2));
    SHOWS(s, "a1 = const 4; a0 = const 2", LI(A0, 1), rri(INSN_ADDI, A1, A0, 3), LI(A0, 2));
    // Where the guest may be left every register counts.
    SHOWS(s, "a0 = const 1; a1 = load.i64 [a2]; a0 = const 2", LI(A0, 1), rri(INSN_LD, A1, A2, 0),
          LI(A0, 2));
    SHOWS(s, "a0 = const 1; a1 = div a2, a3; a0 = const 2", LI(A0, 1), rrr(INSN_DIV, A1, A2, A3),
          LI(A0, 2));
    SHOWS(s, "a0 = const 1; a1 = clz a2; a0 = const 2", LI(A0, 1), rri(INSN_CLZ, A1, A2, 0x600),
          LI(A0, 2));
    SHOWS(s, "a0 = const 1; guest fence; a0 = const 2", LI(A0, 1), rri(INSN_FENCE, 0, 0, 0xff),
          LI(A0, 2));
    SHOWS(s, "a0 = const 1; branch a1 == a2, out to 0x80000010; a0 = const 2", LI(A0, 1),
          branch(INSN_BEQ, A1, A2, 12), LI(A0, 2));
}

static void test_jumps_to_known_places(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "t0 = const 0x80001000; jump out to 0x80001010", ru(INSN_AUIPC, T0, 1),
          rri(INSN_JALR, ZERO, T0, 17));
    SHOWS(s, "ra = const 0x80000008; jump out to 0x80001010", ru(INSN_AUIPC, RA, 1),
          rri(INSN_JALR, RA, RA, 16));
    SHOWS(s, "t0 = const 0x80000000; jump.to t0 +4", ru(INSN_AUIPC, T0, 0),
          rri(INSN_JALR, ZERO, T0, 4));
    SHOWS(s, "a0 = jump.to a0 -2", rri(INSN_JALR, A0, A0, -2));
    // The link register is not the one that names the place, or was looked at.
    SHOWS(s, "t0 = const 0x80001000; ra = jump.to t0 +16", ru(INSN_AUIPC, T0, 1),
          rri(INSN_JALR, RA, T0, 16));
    SHOWS(s, "ra = const 0x80001000; a0 = add a1, ra; ra = jump.to ra +16", ru(INSN_AUIPC, RA, 1),
          rrr(INSN_ADD, A0, A1, RA), rri(INSN_JALR, RA, RA, 16));
}

static void test_words(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = add.i32 a1, a2", rrr(INSN_ADDW, A0, A1, A2), rri(INSN_ADDIW, A0, A0, 0));
    SHOWS(s, "a0 = load.i32 [a1]; a2 = move a0", rri(INSN_LW, A0, A1, 0),
          rri(INSN_ADDIW, A2, A0, 0));
    SHOWS(s, "a0 = load.u32 [a1]; a0 = extend.i32 a0", rri(INSN_LWU, A0, A1, 0),
          rri(INSN_ADDIW, A0, A0, 0));
    SHOWS(s, "a0 = add a1, a2; a0 = extend.i32 a0", rrr(INSN_ADD, A0, A1, A2),
          rri(INSN_ADDIW, A0, A0, 0));
    SHOWS(s, "a0 = extend.u32 a1; a2 = extend.i32 a0", rri(INSN_SLLI, A0, A1, 32),
          rri(INSN_SRLI, A0, A0, 32), rri(INSN_ADDIW, A2, A0, 0));
    // Upper halves that nothing looks at.
    SHOWS(s, "a0 = add.i32 a1, a2, loose; a0 = add.i32 a0, a3", rrr(INSN_ADDW, A0, A1, A2),
          rrr(INSN_ADDW, A0, A0, A3));
    SHOWS(s, "a0 = add.i32 a1, a2; a3 = add a0, a0; a0 = const 1", rrr(INSN_ADDW, A0, A1, A2),
          rrr(INSN_ADD, A3, A0, A0), LI(A0, 1));
    SHOWS(s, "a0 = add.i32 a1, a2; a0 = load.i64 [a0]", rrr(INSN_ADDW, A0, A1, A2),
          rri(INSN_LD, A0, A0, 0));
}

static void test_pages_that_are_shared(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = load.i64 [a2 + 8], opens slot 0 -8..+8; a1 = load.i32 [a2], by slot 0",
          rri(INSN_LD, A0, A2, 8), rri(INSN_LW, A1, A2, 0));
    SHOWS(s,
          "a0 = load.i64 [a2 + 8], opens slot 0 -12..+8 for stores; a2 = add a2, -16; "
          "store.i8 [a2 + 12], a0, by slot 0",
          rri(INSN_LD, A0, A2, 8), rri(INSN_ADDI, A2, A2, -16), store(INSN_SB, A0, A2, 12));
    // The stack's page is remembered, and it is the same one behind a place that is jumped to.
    SHOWS(s,
          "store.i64 [sp], a0, stream slot 0 +0..+24 for stores; branch a0 == zero, 0x8000000c; "
          "a1 = load.i64 [sp + 16], by slot 0; sp = add sp, 16; "
          "a2 = load.i64 [sp], stream slot 0 +0..+8 for stores",
          store(INSN_SD, A0, SP, 0), branch(INSN_BEQ, A0, ZERO, 8), rri(INSN_LD, A1, SP, 16),
          rri(INSN_ADDI, SP, SP, 16), rri(INSN_LD, A2, SP, 0));
    // A constant address in a loop is looked up in one place of the TLB.
    SHOWS(s, "a0 = load.i64 [8]; branch a0 == zero, 0x80000000", rri(INSN_LD, A0, ZERO, 8),
          branch(INSN_BEQ, A0, ZERO, -4));
    SHOWS(s,
          "fa0 = fload.f64 [a1], opens slot 0 +0..+16 for stores; fstore.f32 [a1 + 12], fa0, by "
          "slot 0",
          rri(INSN_FLD, A0, A1, 0), store(INSN_FSW, A0, A1, 12));
    // Not: behind another register, the same one with another value, too far away, another width of it.
    SHOWS(s, "a0 = load.i64 [a1]; a0 = load.i64 [a2]", rri(INSN_LD, A0, A1, 0),
          rri(INSN_LD, A0, A2, 0));
    SHOWS(s, "a1 = load.i64 [a1]; a0 = load.i64 [a1]", rri(INSN_LD, A1, A1, 0),
          rri(INSN_LD, A0, A1, 0));
    SHOWS(s, "a0 = load.i64 [a1]; a0 = load.i64 [a1 + 1020]", rri(INSN_LD, A0, A1, 0),
          rri(INSN_LD, A0, A1, 1020));
    SHOWS(s, "a0 = load.i64 [a1]; a1 = add.i32 a1, 8; a0 = load.i64 [a1]", rri(INSN_LD, A0, A1, 0),
          rri(INSN_ADDIW, A1, A1, 8), rri(INSN_LD, A0, A1, 0));
    // What may change translations lies in between: csrrw satp; what can't, does not matter.
    SHOWS(s, "a0 = load.i64 [a1]; guest csrrw; a0 = load.i64 [a1]", rri(INSN_LD, A0, A1, 0),
          rri(INSN_CSRRW, ZERO, A2, 0x180), rri(INSN_LD, A0, A1, 0));
    SHOWS(s, "a0 = load.i64 [a1], opens slot 0 +0..+8; guest fence; a0 = load.i64 [a1], by slot 0",
          rri(INSN_LD, A0, A1, 0), rri(INSN_FENCE, 0, 0, 0xff), rri(INSN_LD, A0, A1, 0));
    // A place that is jumped to.
    SHOWS(s,
          "a0 = load.i64 [a1]; a0 = load.i64 [a1], stream slot 0 +0..+8; "
          "branch a0 != a2, 0x80000004",
          rri(INSN_LD, A0, A1, 0), rri(INSN_LD, A0, A1, 0), branch(INSN_BNE, A0, A2, -4));
}

static void test_pages_at_the_ends_of_the_address_space(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = load.i64 [-8], opens slot 0 +0..+16; a1 = load.i64 [0], by slot 0",
          rri(INSN_LD, A0, ZERO, -8), rri(INSN_LD, A1, ZERO, 0));
    SHOWS(s,
          "a2 = const 2047; a0 = load.i64 [2047], opens slot 0 +0..+16; "
          "a1 = load.i64 [2055], by slot 0",
          LI(A2, 0x7ff), rri(INSN_LD, A0, A2, 0), rri(INSN_LD, A1, A2, 8));
    // 2^63 - 1 and 2^63
    SHOWS(s, "a2 = const 0x7fffffffffffffff; a0 = load.i8 [a2]; a1 = load.i8 [a2 + 1]", LI(A2, -1),
          rri(INSN_SRLI, A2, A2, 1), rri(INSN_LB, A0, A2, 0), rri(INSN_LB, A1, A2, 1));
}

static void test_pages_in_loops(void **state)
{
    struct subject *s = *state;

    SHOWS(s,
          "a0 = load.i64 [a1], stream slot 0 +0..+16; a3 = load.i64 [a1 + 8], by slot 0; "
          "a1 = add a1, 16; branch a1 != a2, 0x80000000",
          rri(INSN_LD, A0, A1, 0), rri(INSN_LD, A3, A1, 8), rri(INSN_ADDI, A1, A1, 16),
          branch(INSN_BNE, A1, A2, -12));
    // No steps that are known: it may give up when it runs.
    SHOWS(s, "a1 = load.i64 [a1], stream slot 0 +0..+8; branch a1 != zero, 0x80000000",
          rri(INSN_LD, A1, A1, 0), branch(INSN_BNE, A1, ZERO, -4));
    // Behind a place where jumps meet, the same register goes on with the same slot, as a stream.
    SHOWS(s,
          "a0 = load.i64 [a1], stream slot 0 +0..+8; branch a0 == zero, 0x8000000c; "
          "a1 = add a1, 8; a3 = load.i64 [a1], stream slot 0 +0..+8; branch a1 != a2, 0x80000000",
          rri(INSN_LD, A0, A1, 0), branch(INSN_BEQ, A0, ZERO, 8), rri(INSN_ADDI, A1, A1, 8),
          rri(INSN_LD, A3, A1, 0), branch(INSN_BNE, A1, A2, -16));
    // In the same run it must not.
    SHOWS(s,
          "a0 = load.i64 [a1], stream slot 0 +0..+8; a1 = add a1, a0; "
          "a3 = load.i64 [a1], stream slot 1 +0..+8; branch a1 != a2, 0x80000000",
          rri(INSN_LD, A0, A1, 0), rrr(INSN_ADD, A1, A1, A0), rri(INSN_LD, A3, A1, 0),
          branch(INSN_BNE, A1, A2, -12));
    // A border in the loop: nothing lasts from round to round.
    SHOWS(s, "a0 = load.i64 [a1]; guest csrrw; a1 = add a1, 8; branch a1 != a2, 0x80000000",
          rri(INSN_LD, A0, A1, 0), rri(INSN_CSRRW, ZERO, A2, 0x180), rri(INSN_ADDI, A1, A1, 8),
          branch(INSN_BNE, A1, A2, -12));
}

// What a broken pass could make: each is refused, with its reason.
static void test_what_is_wrong_is_found(void **state)
{
    struct subject *s = *state;
    const uint32_t words[] = {
        rri(INSN_LD, A0, A1, 0),    rri(INSN_LD, A2, A1, 8),       rrr(INSN_DIV, A3, A0, A2),
        rrr(INSN_ADDW, A0, A0, A3), branch(INSN_BNE, A0, A2, -12), rri(INSN_ADDI, A0, A0, 1),
    };
    struct ir good;
    enum { PIECE, OPEN, PIECE_2, STREAM, DIV, ADDW, BRANCH, PIECE_3, ADDI };

#define WRONG(reason, change)                                                 \
    do {                                                                      \
        struct ir_insn *in = s->shared.insns;                                 \
        s->shared = good;                                                     \
        (void)in;                                                             \
        change;                                                               \
        assert_non_null(ir_verify(&s->shared, &s->draft.region));             \
        assert_string_equal(ir_verify(&s->shared, &s->draft.region), reason); \
    } while (0)

    assert_true(subject_prepare(s, PC, 0, words, sizeof(words)));
    subject_well_formed(s);
    good = s->shared;
    assert_int_equal(good.insns[STREAM].access, IR_STREAM);
    WRONG("does not begin with a piece", in[PIECE].code = IR_NOP);
    WRONG("instructions out of order", in[DIV].op = 0);
    WRONG("instructions out of order", in[ADDI].op = 6);
    WRONG("no such operation", in[ADDI].code = IR_COUNT);
    WRONG("a piece is missing", in[PIECE_2].code = IR_NOP);
    WRONG("a piece that is none", in[PIECE_3].imm = 2);
    WRONG("a piece that is none", in[DIV].code = IR_PIECE);
    WRONG("no such d", in[ADDI].d = 33);
    WRONG("a pure operation without a result", in[ADDI].d = IR_NO_REG);
    WRONG("no such a", in[ADDI].a = 32);
    WRONG("no such b", in[ADDW].b = 32);
    WRONG("a constant that does not fit", in[ADDI].imm = 1ll << 31);
    WRONG("a shift by more than there are bits", (in[ADDI].code = IR_SHL, in[ADDI].imm = 64));
    WRONG("wrong type", in[ADDI].type = IR_I16);
    WRONG("wrong type", in[OPEN].type = IR_F64);
    WRONG("extends from no smaller type", (in[ADDI].code = IR_EXTEND, in[ADDI].imm_b = false));
    WRONG("no such condition", in[BRANCH].type = 6);
    WRONG("other operands than the guest's", in[DIV].b = A3);
    WRONG("an access of another register than the guest's", in[OPEN].d = A4);
    WRONG("no such slot", in[STREAM].slot = 1);
    WRONG("follows a slot that nothing opened", in[STREAM].access = IR_FOLLOW);
    WRONG("a slot's range without its own access", in[STREAM].high = 4);
    WRONG("a slot's range without its own access", in[STREAM].low = 8);
    WRONG("a slot's range that does not fit", (in[STREAM].imm = INT32_MIN, in[STREAM].low = -8));
    WRONG("a stream that is not announced", s->shared.streams = 0);
    WRONG("a range that is longer than its slot's", in[STREAM].high++);
    WRONG("a jump to where none is expected", in[BRANCH].imm = 20);
    WRONG("a jump back to where the budget is not looked at", s->draft.ops[1].back = 0);
    s->draft.ops[1].back = 1;
    WRONG("a loose register where the guest may be left",
          (in[ADDW].loose = true, in[ADDW].word = true));
    WRONG("a loose result of what can't have one", in[ADDI].loose = true);
    WRONG("too long", s->shared.slots = IR_SLOTS + 1);
#undef WRONG
}

static void test_text_that_does_not_fit_is_cut(void **state)
{
    struct subject *s = *state;
    const uint32_t words[] = {rri(INSN_LD, A0, A1, -16)};
    char text[64] = "";

    assert_true(subject_prepare(s, PC, 0, words, sizeof(words)));
    assert_int_equal(ir_print(&s->made.insns[1], &s->draft.region, text, 9), 23);
    assert_string_equal(text, "a0 = loa");
    assert_int_equal(ir_print(&s->made.insns[1], &s->draft.region, text, sizeof(text)), 23);
    assert_string_equal(text, "a0 = load.i64 [a1 - 16]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject_set_up, subject_tear_down)
        TEST(test_constants),
        TEST(test_division_by_x0),
        TEST(test_shifts_left_and_right),
        TEST(test_shifts_and_additions),
        TEST(test_rotations),
        TEST(test_dead_results),
        TEST(test_jumps_to_known_places),
        TEST(test_words),
        TEST(test_pages_that_are_shared),
        TEST(test_pages_at_the_ends_of_the_address_space),
        TEST(test_pages_in_loops),
        TEST(test_what_is_wrong_is_found),
        TEST(test_text_that_does_not_fit_is_cut),
    };

    return cmocka_run_group_tests_name("jit_ir", tests, NULL, NULL);
}
