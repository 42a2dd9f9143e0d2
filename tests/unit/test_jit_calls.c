// SPDX-License-Identifier: Apache-2.0
// Calls on the JIT: next to what they compute, how often code was left for the run loop. The target lies in a
// page of its own: CODE + 0x1000.
#include "engine/jit/translator.h"
#include "tests/unit/jit_rig.h"

#define TARGET (CODE + 0x1000)
#define ROUNDS 1000
// Code is left after 20000 instructions, at new code, and when targets are first met.
#define ENTRIES_FEW 60

static uint64_t entries(const struct rig *rig)
{
    return ((const struct jit *)rig->m[JIT].vm.vcpus[0].engine_data)->entries;
}

// A computed and a direct call, again and again; in between the target is written anew.
static void put_caller(struct rig *rig)
{
    PROGRAM(rig, 0x3e800413, // li s0, ROUNDS
            0x000500e7,      // 1: jalr ra, (a0)
            0x7f9000ef,      // jal ra, TARGET
            0xfff40413,      // addi s0, s0, -1
            0xfe041ae3,      // bnez s0, 1b
            0x00d52023,      // sw a3, (a0)
            0x0000100f,      // fence.i
            0x3e800413,      // li s0, ROUNDS
            0xfff48493,      // addi s1, s1, -1
            0xfe0490e3,      // bnez s1, 1b
            ECALL);
    put(rig, TARGET, ((const uint32_t[]){0x00178793, 0x00008067}), 8); // addi a5, a5, 1; ret
    SET(rig, x[10], TARGET);
    SET(rig, x[13], 0x00278793); // addi a5, a5, 2
}

static void test_calls_stay_in_translated_code(void **state)
{
    struct rig *rig = *state;

    put_caller(rig);
    SET(rig, x[9], 1);
    run(rig);
    assert_int_equal(rig->m[JIT].state.x[15], 2 * ROUNDS);
    assert_true(entries(rig) < ENTRIES_FEW);
}

// What was pointed at the page that was replaced finds its successor.
static void test_calls_of_code_that_was_replaced(void **state)
{
    struct rig *rig = *state;

    put_caller(rig);
    SET(rig, x[9], 2);
    run(rig);
    assert_int_equal(rig->m[JIT].state.x[15], 2 * ROUNDS + 4 * ROUNDS);
    assert_true(entries(rig) < ENTRIES_FEW);
}

// With FP on, and off: both count in the same register.
static void test_calls_to_several_targets(void **state)
{
    struct rig *rig = *state;

    for (unsigned fp = 0; fp < 2; fp++) {
        uint64_t before = entries(rig);

        PROGRAM(rig, 0x3e800413, // li s0, ROUNDS
                0x000500e7,      // 1: jalr ra, (a0)
                0x00b545b3,      // xor a1, a0, a1
                0x00b54533,      // xor a0, a0, a1: a0 and a1 change places
                0x00b545b3,      // xor a1, a0, a1
                0xfff40413,      // addi s0, s0, -1
                0xfe0416e3,      // bnez s0, 1b
                ECALL);
        put(rig, TARGET, ((const uint32_t[]){0x00178793, 0x00008067}), 8);
        put(rig, TARGET + 64, ((const uint32_t[]){0x00378793, 0x00008067}), 8);
        SET(rig, x[10], TARGET);
        SET(rig, x[11], TARGET + 65); // the lowest bit does not count
        SET(rig, x[15], 0);
        SET(rig, mstatus, rig->m[INTERP].state.mstatus | (fp ? MSTATUS_FS : 0));
        SET(rig, pc, CODE);
        run(rig);
        assert_int_equal(rig->m[JIT].state.x[15], ROUNDS / 2 * (1 + 3));
        assert_true(entries(rig) - before < ENTRIES_FEW);
    }
}

// Each fence makes the vCPU look everything up again: it finds what was translated, and interprets nothing.
static void test_code_is_found_again_after_fences(void **state)
{
    struct rig *rig = *state;
    struct jit *jit = rig->m[JIT].vm.vcpus[0].engine_data;

    jit->hot = 50;
    PROGRAM(rig, 0x3e800413, // li s0, ROUNDS
            0x000500e7,      // 1: jalr ra, (a0)
            0x0000100f,      // fence.i
            0xfff40413,      // addi s0, s0, -1
            0xfe041ae3,      // bnez s0, 1b
            ECALL);
    put(rig, TARGET, ((const uint32_t[]){0x00178793, 0x00008067}), 8);
    SET(rig, x[10], TARGET);
    run(rig);
    assert_int_equal(rig->m[JIT].state.x[15], ROUNDS);
    assert_true(jit->entries > ROUNDS);
    assert_true(jit->cold_blocks < 6 * 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_calls_stay_in_translated_code),
        TEST(test_calls_of_code_that_was_replaced),
        TEST(test_calls_to_several_targets),
        TEST(test_code_is_found_again_after_fences),
    };

    return cmocka_run_group_tests_name("jit calls", tests, NULL, NULL);
}
