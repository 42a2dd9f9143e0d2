// SPDX-License-Identifier: Apache-2.0
// How seldom translated code has to look for the memory behind an address; that it finds the right one is
// test_jit_memory.c's.
#include "engine/jit/translator.h"
#include "tests/unit/jit_window.h"

#define RESULT(rig, n) ((rig)->m[JIT].state.x[n])
#define CHECKED "\x48\x85\xc9\x0f\x84" // test rcx, rcx; je: is the slot empty?

// How often translated code looks whether a slot is empty.
static unsigned checks_of_slots(const struct rig *rig)
{
    const struct jit_cache *cache = rig->m[JIT].vm.engine_data;
    unsigned count = 0;

    for (size_t at = cache->code_start; at + 5 <= cache->code_used; at++)
        count += !memcmp(cache->code_rx + at, CHECKED, 5);
    return count;
}

// Single steps of loads and stores of 64 bits.
static uint64_t steps(const struct rig *rig)
{
    const struct jit *jit = rig->m[JIT].vm.vcpus[0].engine_data;

    return jit->steps[INSN_LD] + jit->steps[INSN_SD];
}

// Those who follow who opened a slot need not look whether it is filled: who can't fill it goes another way.
static void test_slots_that_are_not_looked_at(void **state)
{
    struct rig *rig = *state;

    window_map(rig, window_writable, false);
    PROGRAM(rig, 0x00053583, // ld a1, 0(a0)
            0x00b606bb,      // addw a3, a2, a1
            0x00d52c23,      // sw a3, 24(a0)
            0x02154703,      // lbu a4, 33(a0)
            0x00e687bb,      // addw a5, a3, a4
            0xfef53823,      // sd a5, -16(a0)
            0x02f53023,      // sd a5, 32(a0)
            ECALL);
    SET(rig, x[10], WINDOW + 0x100);
    run(rig);
    assert_int_equal(checks_of_slots(rig), 0);
}

// Where another way leads in between, they have to.
static void test_slots_that_are_looked_at(void **state)
{
    struct rig *rig = *state;

    window_map(rig, window_writable, false);
    PROGRAM(rig, 0x00053583, // ld a1, 0(a0)
            0x00058463,      // beqz a1, 1f
            0x00853603,      // ld a2, 8(a0)
            0x01053683,      // 1: ld a3, 16(a0)
            ECALL);
    SET(rig, x[10], WINDOW + 0x100);
    run(rig);
    assert_true(checks_of_slots(rig) > 0);
}

// A structure that lies in two pages: each access finds its own page, without the interpreter.
static void test_the_other_way(void **state)
{
    struct rig *rig = *state;

    window_map(rig, window_writable, false);
    window_fill(rig);
    PROGRAM(rig, 0x00053583, // 1: ld a1, 0(a0)
            0x00853603,      // ld a2, 8(a0)
            0x00c585b3,      // add a1, a1, a2
            0x00b53823,      // sd a1, 16(a0)
            0x00b53c23,      // sd a1, 24(a0)
            0xfff78793,      // addi a5, a5, -1
            0xfe0796e3,      // bnez a5, 1b
            ECALL);
    SET(rig, x[10], WINDOW + 0xff0);
    SET(rig, x[15], 1000);
    run(rig);
    assert_int_equal(RESULT(rig, 15), 0);
    assert_true(steps(rig) < 10);
}

#define MANY 16384 // pages: 64 MiB
#define FAR 0xc0000000ull
#define FAR_TABLES (CODE + 0x80000)

// All of them are one page of memory.
static void map_many(struct rig *rig)
{
    uint64_t table[512] = {0};

    for (unsigned i = 0; i < MANY / 512; i++)
        table[i] = window_pte(FAR_TABLES + (i + 1) * 4096, 1);
    put(rig, FAR_TABLES, table, sizeof(table));
    for (unsigned i = 0; i < 512; i++)
        table[i] = window_pte(WINDOW_PA, PTE_RW);
    for (unsigned i = 0; i < MANY / 512; i++)
        put(rig, FAR_TABLES + (i + 1) * 4096, table, sizeof(table));
    put(rig, TABLES + (FAR >> 30) * 8, &(uint64_t){window_pte(FAR_TABLES, 1)}, 8);
}

// However often a program walks through 64 MiB, their pages are translated once.
static void test_large_working_sets_stay(void **state)
{
    struct rig *rig = *state;

    window_map(rig, window_writable, false);
    map_many(rig);
    PROGRAM(rig, 0x00090513, // 2: mv a0, s2
            0x00098593,      // mv a1, s3
            0x00053603,      // 1: ld a2, 0(a0)
            0x00c686b3,      // add a3, a3, a2
            0x00f50533,      // add a0, a0, a5
            0xfff58593,      // addi a1, a1, -1
            0xfe0598e3,      // bnez a1, 1b
            0xfff80813,      // addi a6, a6, -1
            0xfe0810e3,      // bnez a6, 2b
            ECALL);
    SET(rig, x[15], 4096);
    SET(rig, x[16], 4);
    SET(rig, x[18], FAR);
    SET(rig, x[19], MANY);
    run(rig);
    assert_int_equal(RESULT(rig, 16), 0);
    for (unsigned i = 0; i < ENGINES; i++) {
        struct vcpu_counts n;

        hull_vcpu_count(&rig->m[i].vm.vcpus[0], &n);
        assert_int_equal(n.data_fills, MANY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_slots_that_are_not_looked_at),
        TEST(test_slots_that_are_looked_at),
        TEST(test_the_other_way),
        TEST(test_large_working_sets_stay),
    };

    return cmocka_run_group_tests_name("jit_lookup", tests, NULL, NULL);
}
