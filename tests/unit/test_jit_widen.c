// SPDX-License-Identifier: Apache-2.0
// Loads and stores that are widened: what becomes of what, and what is left alone; on random code that accesses
// memory byte by byte nothing else happens, whatever detours are taken.
#include "tests/unit/ir_subject.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/bytewise.h"
#include "tests/unit/encoding.h"

#define PC 0x80000000ull

enum { ZERO = 0, SP = 2, T0 = 5, A0 = 10, A1, A2, A3, A4, A5, A6 };

static uint32_t rrr(unsigned id, unsigned d, unsigned a, unsigned b)
{
    return riscv_insn_info[id].match | d << 7 | a << 15 | b << 20;
}

static uint32_t rri(unsigned id, unsigned d, unsigned a, int imm)
{
    return riscv_insn_info[id].match | d << 7 | a << 15 | (uint32_t)imm << 20;
}

static uint32_t store(unsigned id, unsigned b, unsigned a, int imm)
{
    return riscv_insn_info[id].match | b << 20 | a << 15 | store_offset(imm);
}

// What is done inline, "; " between two, without the pieces.
static void shows(struct subject *s, const char *want, const uint32_t *words, unsigned count)
{
    char text[2048] = "";
    size_t used = 0;

    assert_true(subject_prepare(s, PC, FLAVOR_FP, words, count * sizeof(*words)));
    assert_int_equal(s->draft.region.count, count);
    subject_well_formed(s);
    for (uint64_t seed = 0; seed < 40; seed++)
        subject_same_behaviour(s, seed);
    for (unsigned i = 0; i < s->widened.count; i++) {
        struct ir_insn in = s->widened.insns[i];

        if (in.code == IR_PIECE || in.path == IR_DETOUR)
            continue;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s", used ? "; " : "");
        if (ir_is_probe(&in)) {
            used += (size_t)snprintf(text + used, sizeof(text) - used, "probe");
            continue;
        }
        in.access = IR_LOOK_UP; // how is not what is looked at here
        in.path = IR_ALWAYS;
        used += (size_t)ir_print(&in, &s->draft.region, text + used, sizeof(text) - used);
        assert_true(used < sizeof(text));
    }
    if (strcmp(text, want))
        subject_print(s);
    assert_string_equal(text, want);
}

#define SHOWS(s, want, ...) \
    shows(s, want, (uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / 4)

#define LBU(d, a, imm) rri(INSN_LBU, d, a, imm)
#define SLLI(d, a, count) rri(INSN_SLLI, d, a, count)
#define SLLIW(d, a, count) rri(INSN_SLLIW, d, a, count)
#define SRLI(d, a, count) rri(INSN_SRLI, d, a, count)
#define SRLIW(d, a, count) rri(INSN_SRLIW, d, a, count)
#define OR(d, a, b) rrr(INSN_OR, d, a, b)
#define SB(b, a, imm) store(INSN_SB, b, a, imm)
#define SD(b, a, imm) store(INSN_SD, b, a, imm)
#define MV(d, a) rri(INSN_ADDI, d, a, 0)
#define LI(d, imm) rri(INSN_ADDI, d, ZERO, imm)

// a5 = the two bytes, by a4
#define HALF(low, high) LBU(A5, A0, high), LBU(A4, A0, low), SLLI(A5, A5, 8), OR(A5, A5, A4)

static void test_numbers_that_are_read(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "probe; a5 = load.u16 [a0]; a4 = const 0", HALF(0, 1), LI(A4, 0));
    SHOWS(s, "probe; a5 = load.u16 [a0 + 6], swapped; a4 = const 0", HALF(7, 6), LI(A4, 0));
    // An extension of what is one already.
    SHOWS(s, "probe; a5 = load.u16 [a0], swapped; a4 = const 0", HALF(1, 0), LI(A4, 0),
          rri(INSN_ADDIW, A5, A5, 0));
    SHOWS(s, "probe; a0 = load.i32 [a0]; a4 = const 0; a5 = const 0; a3 = const 0", HALF(0, 1),
          LBU(A3, A0, 2), LBU(A4, A0, 3), SLLI(A3, A3, 16), OR(A3, A3, A5), SLLI(A4, A4, 24),
          OR(A0, A3, A4), rri(INSN_ADDIW, A0, A0, 0), LI(A4, 0), LI(A5, 0), LI(A3, 0));
    SHOWS(s, "probe; a5 = load.i16 [a0]; a4 = const 0", rri(INSN_LB, A5, A0, 1), LBU(A4, A0, 0),
          SLLI(A5, A5, 8), OR(A5, A5, A4), LI(A4, 0));
    SHOWS(s, "probe; a5 = load.i64 [a0]; a4 = const 0", rri(INSN_LW, A5, A0, 4),
          rri(INSN_LWU, A4, A0, 0), SLLI(A5, A5, 32), rrr(INSN_ADD, A5, A5, A4), LI(A4, 0));
}

// What is left on the way in registers that nothing overwrites.
static void test_what_is_left_on_the_way(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "probe; a5 = load.u16 [a0]; a4 = and a5, 255", HALF(0, 1));
    SHOWS(s, "probe; a5 = load.u16 [a0]; a4 = shr a5, 8; a3 = const 0", LBU(A5, A0, 0),
          LBU(A4, A0, 1), MV(A3, A4), SLLI(A3, A3, 8), OR(A5, A5, A3), LI(A3, 0));
    SHOWS(s,
          "probe; a5 = load.i32 [a0], swapped; a4 = and a5, 255; "
          "a2 = and a5, 0xff0000; a3 = and a5, 0xffffffffff000000",
          LBU(A5, A0, 2), LBU(A2, A0, 1), LBU(A4, A0, 3), LBU(A3, A0, 0), SLLIW(A5, A5, 8),
          SLLIW(A2, A2, 16), OR(A5, A5, A2), OR(A5, A5, A4), SLLIW(A3, A3, 24), OR(A5, A5, A3));
    // Somebody looks at it before that.
    SHOWS(s,
          "a5 = load.u8 [a0 + 1]; a4 = load.u8 [a0]; a5 = shl a5, 8; a3 = sub a2, a5; "
          "a5 = or a5, a4; a4 = const 0",
          LBU(A5, A0, 1), LBU(A4, A0, 0), SLLI(A5, A5, 8), rrr(INSN_SUB, A3, A2, A5),
          OR(A5, A5, A4), LI(A4, 0));
}

static void test_accesses_in_between(void **state)
{
    struct subject *s = *state;

    // To other bytes behind the same value.
    SHOWS(s, "probe; store.i8 [a0 + 2], a2; a5 = load.u16 [a0]; a4 = const 0", LBU(A5, A0, 1),
          SB(A2, A0, 2), LBU(A4, A0, 0), SLLI(A5, A5, 8), OR(A5, A5, A4), LI(A4, 0));
    // To one of them, or to who knows where; a load keeps its place, too.
    SHOWS(s,
          "a5 = load.u8 [a0 + 1]; store.i8 [a0 + 1], a2; a4 = load.u8 [a0]; a5 = shl a5, 8; "
          "a5 = or a5, a4; a4 = const 0",
          LBU(A5, A0, 1), SB(A2, A0, 1), LBU(A4, A0, 0), SLLI(A5, A5, 8), OR(A5, A5, A4),
          LI(A4, 0));
    SHOWS(s,
          "a3 = load.u8 [a1]; a5 = load.u8 [a0 + 1]; store.i8 [a1 + 1], a2; a4 = load.u8 [a0]; "
          "a5 = shl a5, 8; a5 = or a5, a4; a4 = const 0",
          LBU(A3, A1, 0), LBU(A5, A0, 1), SB(A2, A1, 1), LBU(A4, A0, 0), SLLI(A5, A5, 8),
          OR(A5, A5, A4), LI(A4, 0));
    SHOWS(s,
          "a5 = load.u8 [a0 + 1]; a3 = load.u16 [a0]; a4 = load.u8 [a0]; a5 = shl a5, 8; "
          "a5 = or a5, a4; a4 = const 0",
          LBU(A5, A0, 1), rri(INSN_LHU, A3, A0, 0), LBU(A4, A0, 0), SLLI(A5, A5, 8), OR(A5, A5, A4),
          LI(A4, 0));
    // Another value in the register.
    SHOWS(s,
          "a5 = load.u8 [a0 + 1]; a0 = add a0, 4; a4 = load.u8 [a0 - 4]; a5 = shl a5, 8; "
          "a5 = or a5, a4; a4 = const 0",
          LBU(A5, A0, 1), rri(INSN_ADDI, A0, A0, 4), LBU(A4, A0, -4), SLLI(A5, A5, 8),
          OR(A5, A5, A4), LI(A4, 0));
    // The guest may be left in between.
    SHOWS(s,
          "a5 = load.u8 [a0 + 1]; a3 = load.u8 [a1]; a4 = load.u8 [a0]; a5 = shl a5, 8; "
          "a5 = or a5, a4; a4 = const 0",
          LBU(A5, A0, 1), LBU(A3, A1, 0), LBU(A4, A0, 0), SLLI(A5, A5, 8), OR(A5, A5, A4),
          LI(A4, 0));
    SHOWS(s,
          "a5 = load.u8 [a0 + 1]; guest fence; a4 = load.u8 [a0]; a5 = shl a5, 8; "
          "a5 = or a5, a4; a4 = const 0",
          LBU(A5, A0, 1), rri(INSN_FENCE, 0, 0, 0xff), LBU(A4, A0, 0), SLLI(A5, A5, 8),
          OR(A5, A5, A4), LI(A4, 0));
}

// Bytes that lie side by side, but by two look-ups: the first one's range has no room for all of them, and the pages
// may be different ones.
static void test_numbers_across_slots(void **state)
{
    struct subject *s = *state;

    SHOWS(s,
          "a2 = load.u8 [a0 + 1023]; a4 = load.u8 [a0 - 1]; a1 = load.u8 [a0]; "
          "a3 = load.u8 [a0 - 2]; a1 = shl a1, 8; a1 = or a1, a4; a4 = const 0",
          LBU(A2, A0, 1023), LBU(A4, A0, -1), LBU(A1, A0, 0), LBU(A3, A0, -2), SLLI(A1, A1, 8),
          OR(A1, A1, A4), LI(A4, 0));
    SHOWS(s,
          "store.i8 [a0 + 1023], a2; store.i8 [a0 - 1], zero; store.i8 [a0], zero; "
          "store.i8 [a0 - 3], a2",
          SB(A2, A0, 1023), SB(ZERO, A0, -1), SB(ZERO, A0, 0), SB(A2, A0, -3));
}

static void test_numbers_that_are_written(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "probe; store.i16 [a0], a1; a5 = const 0", SB(A1, A0, 0), SRLI(A5, A1, 8),
          SB(A5, A0, 1), LI(A5, 0));
    // The parts are made before: they are there if the first store traps.
    SHOWS(s,
          "a3 = shr.i32 a1, 24; a4 = shr.i32 a1, 16; a5 = shr.i32 a1, 8; probe; store.i32 [a0], a1",
          SRLIW(A3, A1, 24), SRLIW(A4, A1, 16), SRLIW(A5, A1, 8), SB(A1, A0, 0), SB(A5, A0, 1),
          SB(A4, A0, 2), SB(A3, A0, 3));
    SHOWS(s,
          "a3 = shr.i32 a1, 24; a4 = shr.i32 a1, 16; a5 = shr.i32 a1, 8; probe; "
          "store.i32 [a0], a1, swapped",
          SRLIW(A3, A1, 24), SRLIW(A4, A1, 16), SRLIW(A5, A1, 8), SB(A1, A0, 3), SB(A3, A0, 0),
          SB(A4, A0, 1), SB(A5, A0, 2));
    // Not worth it.
    SHOWS(s, "store.i8 [a0 + 3], a1; a5 = shr a1, 8; store.i8 [a0 + 2], a5", SB(A1, A0, 3),
          SRLI(A5, A1, 8), SB(A5, A0, 2));
    // Something that may be to the same bytes lies in between; another number.
    SHOWS(s,
          "a3 = load.u8 [a2]; store.i8 [a0], a1; a3 = load.u8 [a2 + 1]; a5 = shr a1, 8; "
          "store.i8 [a0 + 1], a5",
          LBU(A3, A2, 0), SB(A1, A0, 0), LBU(A3, A2, 1), SRLI(A5, A1, 8), SB(A5, A0, 1));
    SHOWS(s, "store.i8 [a0], a1; a5 = shr a2, 8; store.i8 [a0 + 1], a5", SB(A1, A0, 0),
          SRLI(A5, A2, 8), SB(A5, A0, 1));
}

static void test_memory_that_is_filled(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "probe; store.i64 [a0 + 4], zero", store(INSN_SW, ZERO, A0, 4),
          store(INSN_SW, ZERO, A0, 8));
    SHOWS(s, "probe; store.v128 [a0], a1; store.v128 [a0 + 16], a1; store.i64 [a0 + 32], a1",
          SD(A1, A0, 0), SD(A1, A0, 8), SD(A1, A0, 16), SD(A1, A0, 24), SD(A1, A0, 32));
    // Too few.
    SHOWS(s, "store.i64 [a0], zero; store.i64 [a0 + 8], zero", SD(ZERO, A0, 0), SD(ZERO, A0, 8));
    // Another value in between.
    SHOWS(s,
          "store.i64 [a0], a1; store.i64 [a0 + 8], a1; a1 = add a1, 1; store.i64 [a0 + 16], a1; "
          "store.i64 [a0 + 24], a1",
          SD(A1, A0, 0), SD(A1, A0, 8), rri(INSN_ADDI, A1, A1, 1), SD(A1, A0, 16), SD(A1, A0, 24));
}

static void test_extensions_of_what_is_read(void **state)
{
    struct subject *s = *state;

    SHOWS(s, "a0 = load.i64 [a1]; a2 = load.u32 [a1 + 8]", rri(INSN_LD, A0, A1, 0),
          rri(INSN_LW, A2, A1, 8), SLLI(A2, A2, 32), SRLI(A2, A2, 32));
}

// ---- Random code ----

static uint64_t first_seed(void)
{
    const char *wish = getenv("HULL_TEST_SEED");

    return wish ? strtoull(wish, NULL, 0) : 20;
}

static void test_random_numbers_keep_their_meaning(void **state)
{
    struct subject *s = *state;
    unsigned widened = 0;

    for (unsigned round = 0; round < 10000; round++) {
        struct bytewise p = {.rng = first_seed() << 32 | round};

        bytewise_items(&p, 6);
        assert_true(subject_prepare(s, PC, round & 4, p.words, p.count * 4));
        subject_well_formed(s);
        for (unsigned i = 0; i < s->widened.count; i++)
            widened += s->widened.insns[i].path == IR_INLINE;
        for (unsigned i = 0; i < 6; i++)
            subject_same_behaviour(s, ir_random(&p.rng));
    }
    // It is about what this test is for.
    assert_true(widened > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, subject_set_up, subject_tear_down)
        TEST(test_numbers_that_are_read),      TEST(test_what_is_left_on_the_way),
        TEST(test_accesses_in_between),        TEST(test_numbers_across_slots),
        TEST(test_numbers_that_are_written),   TEST(test_memory_that_is_filled),
        TEST(test_extensions_of_what_is_read), TEST(test_random_numbers_keep_their_meaning),
    };

    return cmocka_run_group_tests_name("jit_widen", tests, NULL, NULL);
}
