// SPDX-License-Identifier: Apache-2.0
// Numbers that code reads and writes byte by byte, and memory that it fills, against the interpreter: at all places
// around the border of two pages, of which one is not there, can't be written, or is a device. Where one byte
// traps, those before it have been accessed, those behind it have not, and every register tells.
#include "tests/unit/bytewise.h"
#include "tests/unit/encoding.h"
#include "tests/unit/jit_window.h"

static uint64_t first_seed(void)
{
    const char *wish = getenv("HULL_TEST_SEED");

    return wish ? strtoull(wish, NULL, 0) : 7;
}

static void set_registers(struct rig *rig, struct bytewise *p, uint64_t around)
{
    SET(rig, pc, CODE);
    SET(rig, scause, NO_TRAP);
    for (unsigned n = 2; n < 32; n++) {
        uint64_t x = (uint64_t)bytewise_below(p, 1u << 31) << 33 ^ bytewise_below(p, 1u << 31);

        SET(rig, x[n], x);
    }
    for (unsigned i = 0; i < 3; i++) {
        uint64_t address = around - 40 + bytewise_below(p, 48);

        SET(rig, x[bytewise_bases[i]], address);
    }
}

// A loop that goes on a few bytes each time.
static void make_loop(struct bytewise *p, unsigned rounds, int step)
{
    unsigned start;

    bytewise_word(p, riscv_insn_info[INSN_ADDI].match | 5 << 7 | rounds << 20);
    start = p->count;
    bytewise_items(p, 3);
    for (unsigned i = 0; i < 3; i++)
        bytewise_word(p, riscv_insn_info[INSN_ADDI].match | (uint32_t)bytewise_bases[i] << 7 |
                             (uint32_t)bytewise_bases[i] << 15 | (uint32_t)step << 20);
    bytewise_word(p, riscv_insn_info[INSN_ADDI].match | 5 << 7 | 5 << 15 | 0xfffu << 20);
    bytewise_word(p, riscv_insn_info[INSN_BNE].match | 5 << 15 |
                         branch_offset(((int)start - (int)p->count) * 4));
    bytewise_word(p, ECALL);
}

static void test_numbers_at_page_borders(void **state)
{
    struct rig *rig = *state;
    unsigned whole = 0, faults = 0;

    for (unsigned round = 0; round < 1500; round++) {
        static const uint64_t some[] = {PTE_RW, PTE_RW, PTE_READ, 0};
        struct bytewise p = {.rng = first_seed() << 32 | round};
        const uint64_t flags[4] = {PTE_RW, PTE_RW, some[bytewise_below(&p, 4)], PTE_RW};

        window_map(rig, flags, true); // programs go astray
        window_fill(rig);
        make_loop(&p, 1 + bytewise_below(&p, 4), 3);
        put(rig, CODE, p.words, p.count * 4);
        for (unsigned i = 0; i < 4; i++) {
            set_registers(rig, &p, WINDOW + 0x1000 * (1 + i % 2));
            run(rig);
            if (rig->m[JIT].state.scause == NO_TRAP)
                whole++;
            else
                faults++;
        }
    }
    assert_true(whole > 1000 && faults > 500);
}

// A device counts its accesses and their sizes. Behind it is nothing.
static void test_numbers_in_devices(void **state)
{
    struct rig *rig = *state;

    for (unsigned round = 0; round < 500; round++) {
        struct bytewise p = {.rng = first_seed() << 32 | round};

        make_loop(&p, 2, 8);
        put(rig, CODE, p.words, p.count * 4);
        for (unsigned i = 0; i < 4; i++) {
            set_registers(rig, &p, DATA);
            SET(rig, x[bytewise_bases[i % 3]], DEVICE + 8 * i);
            run(rig);
        }
    }
}

// The same register has another value for the second half: neither half is written with the other's. In the first
// round the page is not known yet.
static void test_fills_with_values_that_change(void **state)
{
    struct rig *rig = *state;
    struct bytewise p = {.count = 0};

    bytewise_word(&p, riscv_insn_info[INSN_ADDI].match | 5 << 7 | 3 << 20);
    for (unsigned i = 0; i < 12; i++) {
        if (i == 4 || i == 8) // addi a1, a1, 1
            bytewise_word(&p, riscv_insn_info[INSN_ADDI].match | 11 << 7 | 11 << 15 | 1 << 20);
        bytewise_word(&p, riscv_insn_info[INSN_SD].match | 11 << 20 | 10 << 15 |
                              store_offset(8 * (int)i));
    }
    bytewise_word(&p, riscv_insn_info[INSN_ADDI].match | 5 << 7 | 5 << 15 | 0xfffu << 20);
    bytewise_word(&p, riscv_insn_info[INSN_BNE].match | 5 << 15 |
                          branch_offset((1 - (int)p.count) * 4));
    bytewise_word(&p, ECALL);
    put(rig, CODE, p.words, p.count * 4);
    SET(rig, pc, CODE);
    SET(rig, x[10], DATA);
    SET(rig, x[11], 0x8899aabbccddeeff);
    run(rig);
    assert_true(rig->m[JIT].state.x[11] == 0x8899aabbccddef05);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_numbers_at_page_borders),
        TEST(test_numbers_in_devices),
        TEST(test_fills_with_values_that_change),
    };

    return cmocka_run_group_tests_name("jit_widened", tests, NULL, NULL);
}
