// SPDX-License-Identifier: Apache-2.0
// What translated code remembers of pages, against the interpreter: loops that walk over page borders, groups
// of accesses that lie in two pages, faults in the middle of either with exact state, pages that are
// remapped, devices and watched stores where memory was. Random loops of all that: test_jit_loops.c.
#include "tests/unit/jit_window.h"

#define RESULT(rig, n) ((rig)->m[JIT].state.x[n])

// From any alignment, upward and downward, over all borders.
static void test_loops_over_page_borders(void **state)
{
    struct rig *rig = *state;

    window_map(rig, window_writable, false);
    PROGRAM(rig, 0x00053603, // 1: ld a2, 0(a0)
            0x00c686b3,      // add a3, a3, a2
            0x00852703,      // lw a4, 8(a0)
            0x00d53023,      // sd a3, 0(a0)
            0x00e6c6b3,      // xor a3, a3, a4
            0xfed50fa3,      // sb a3, -1(a0)
            0x00f50533,      // add a0, a0, a5
            0xfff58593,      // addi a1, a1, -1
            0xfe0590e3,      // bnez a1, 1b
            ECALL);
    for (int step = -24; step <= 24; step += 3) {
        window_fill(rig);
        SET(rig, pc, CODE);
        SET(rig, x[10], WINDOW + 0x2000 + (unsigned)(step & 7));
        SET(rig, x[11], 300);
        SET(rig, x[15], (uint64_t)step);
        run(rig);
        assert_int_equal(RESULT(rig, 11), 0);
    }
    // By constant steps, which the translator sees; longer than the budget.
    PROGRAM(rig, 0x00753603, // 1: ld a2, 7(a0)
            0x00c686b3,      // add a3, a3, a2
            0x00d53423,      // sd a3, 8(a0)
            0x00350513,      // addi a0, a0, 3
            0x00b51463,      // bne a0, a1, 2f
            0x00078513,      // mv a0, a5
            0xfff70713,      // 2: addi a4, a4, -1
            0xfe0712e3,      // bnez a4, 1b
            ECALL);
    window_fill(rig);
    SET(rig, pc, CODE);
    SET(rig, x[10], WINDOW);
    SET(rig, x[15], WINDOW);
    SET(rig, x[11], WINDOW + 3 * 1000);
    SET(rig, x[14], 10000);
    run(rig);
    assert_int_equal(RESULT(rig, 14), 0);
}

#define GROUP                             \
    0x00053583,     /* ld a1, 0(a0) */    \
        0x00b606bb, /* addw a3, a2, a1 */ \
        0x00d52c23, /* sw a3, 24(a0) */   \
        0x02154703, /* lbu a4, 33(a0) */  \
        0x00e687bb, /* addw a5, a3, a4 */ \
        0xfef53823, /* sd a5, -16(a0) */  \
        0x02f53023, /* sd a5, 32(a0) */   \
        0x00f585bb, /* addw a1, a1, a5 */ \
        ECALL

// A structure at every place around a border, where the next page is there, is not, or is read-only.
static void test_structures_at_page_borders(void **state)
{
    static const uint64_t next[] = {PTE_RW, 0, PTE_READ};
    struct rig *rig = *state;
    unsigned faults = 0;

    PROGRAM(rig, GROUP);
    for (unsigned n = 0; n < 3; n++) {
        const uint64_t flags[4] = {PTE_RW, next[n], PTE_RW, PTE_RW};

        window_map(rig, flags, false);
        for (unsigned offset = 0xfc0; offset < 0x1040; offset++) {
            window_fill(rig);
            SET(rig, pc, CODE);
            SET(rig, scause, NO_TRAP);
            SET(rig, x[10], WINDOW + offset);
            SET(rig, x[12], 0x7ffffff0);
            SET(rig, x[13], 0x123456789abcdef);
            run(rig);
            faults += rig->m[JIT].state.scause != NO_TRAP;
        }
    }
    assert_in_range(faults, 128, 256);
}

// The page behind an address changes between two looks at it, with sfence.vma in between: also inside a
// loop whose accesses remember it.
static void test_pages_that_are_remapped(void **state)
{
    struct rig *rig = *state;

    window_map(rig, window_writable, false);
    window_fill(rig);
    PROGRAM(rig, 0x00053603, // 1: ld a2, 0(a0)
            0x00c686b3,      // add a3, a3, a2
            0x00d53023,      // sd a3, 0(a0)
            0x0005b703,      // ld a4, 0(a1)
            0x0085b783,      // ld a5, 8(a1)
            0x00f5b023,      // sd a5, 0(a1)
            0x00e5b423,      // sd a4, 8(a1)
            0x12050073,      // sfence.vma a0
            0x00853603,      // ld a2, 8(a0)
            0x00c6c6b3,      // xor a3, a3, a2
            0x00d53823,      // sd a3, 16(a0)
            0xfff80813,      // addi a6, a6, -1
            0xfc0818e3,      // bnez a6, 1b
            ECALL);
    SET(rig, x[10], WINDOW);
    SET(rig, x[11], WINDOW_PTE);
    SET(rig, x[16], 51);
    run(rig);
    assert_int_equal(RESULT(rig, 16), 0);
    // Both pages were written to.
    assert_true(*(uint64_t *)(void *)(rig->m[JIT].ram + (window_page(0) - CODE)) != 0);
    assert_true(*(uint64_t *)(void *)(rig->m[JIT].ram + (window_page(1) - CODE)) !=
                512 * 0x9e3779b97f4a7c15);
}

// The same loop again, after its page has become another one while the loop was not running.
static void test_loops_that_come_back(void **state)
{
    struct rig *rig = *state;
    uint64_t sum = 0;

    window_map(rig, window_writable, false);
    window_fill(rig);
    PROGRAM(rig, 0x02000593, // 1: li a1, 32
            0x00050613,      // mv a2, a0
            0x034000ef,      // jal 2f
            0x00f73023,      // sd a5, 0(a4)
            0x12000073,      // sfence.vma
            0xfff80813,      // addi a6, a6, -1
            0xfe0814e3,      // bnez a6, 1b
            ECALL);
    {
        static const uint32_t loop[] = {0x00063883,  // 2: ld a7, 0(a2)
                                        0x011686b3,  // add a3, a3, a7
                                        0x00860613,  // addi a2, a2, 8
                                        0xfff58593,  // addi a1, a1, -1
                                        0xfe0598e3,  // bnez a1, 2b
                                        0x00008067}; // ret

        put(rig, CODE + 0x3c, loop, sizeof(loop));
    }
    SET(rig, x[10], WINDOW);
    SET(rig, x[13], 0);
    SET(rig, x[14], WINDOW_PTE);
    SET(rig, x[15], window_pte(window_page(1), PTE_RW));
    SET(rig, x[16], 2);
    run(rig);
    for (uint64_t i = 0; i < 32; i++)
        sum += (i + 512 + i) * 0x9e3779b97f4a7c15;
    assert_true(RESULT(rig, 13) == sum);
}

// A function's stack becomes another page after each two calls, of which the second one remembers it, with
// an sfence.vma of the address, in code that has nothing to do with the function's.
static void test_stacks_that_are_remapped(void **state)
{
    static const uint32_t function[] = {0xff010113,  // 2: addi sp, sp, -16
                                        0x00e13423,  // sd a4, 8(sp)
                                        0x00d13023,  // sd a3, 0(sp)
                                        0x00813603,  // ld a2, 8(sp)
                                        0x00c686b3,  // add a3, a3, a2
                                        0x00013603,  // ld a2, 0(sp)
                                        0x01010113,  // addi sp, sp, 16
                                        0x00008067}; // ret
    struct rig *rig = *state;

    window_map(rig, window_writable, false);
    window_fill(rig);
    PROGRAM(rig, 0x00050113, // 1: mv sp, a0
            0x038000ef,      // jal 2f
            0x034000ef,      // jal 2f
            0x0005b783,      // ld a5, 0(a1)
            0x0085b803,      // ld a6, 8(a1)
            0x0105b023,      // sd a6, 0(a1)
            0x00f5b423,      // sd a5, 8(a1)
            0x12050073,      // sfence.vma a0
            0xfff70713,      // addi a4, a4, -1
            0xfc071ee3,      // bnez a4, 1b
            ECALL);
    put(rig, CODE + 0x3c, function, sizeof(function));
    SET(rig, x[10], WINDOW + 0x100);
    SET(rig, x[11], WINDOW_PTE);
    SET(rig, x[13], 0);
    SET(rig, x[14], 9);
    run(rig);
    for (unsigned page = 0; page < 2; page++) {
        const uint8_t *ram = rig->m[JIT].ram + (window_page(page) - CODE);

        assert_int_equal(*(const uint64_t *)(const void *)(ram + 0xf8), page ? 2 : 1);
    }
    assert_int_equal(RESULT(rig, 13), 9 * 10);
}

// One access that jumps about in two pages, or in a bit more: apart in memory, side by side there, and the
// first one becomes another page now and then.
static void test_accesses_that_jump_about(void **state)
{
    static const uint16_t ids[] = {INSN_LBU, INSN_LH, INSN_LW, INSN_LD, INSN_SB, INSN_SH, INSN_SD};
    static const uint64_t bases[] = {WINDOW, WINDOW + 0x800, WINDOW_PA, WINDOW_PA + 0xffc};
    struct rig *rig = *state;

    for (unsigned n = 0; n < 4 * sizeof(ids) / sizeof(ids[0]); n++) {
        const struct insn_info *info = &riscv_insn_info[ids[n / 4]];
        uint32_t access = info->match | 15 << 15 | (info->format == FMT_STORE ? 13 << 20 : 12 << 7);

        window_map(rig, window_writable, false);
        window_fill(rig);
        PROGRAM(rig, 0x0c800593, // 2: li a1, 200
                0x02e686b3,      // 1: mul a3, a3, a4
                0x06168693,      // addi a3, a3, 97
                0x0216d793,      // srli a5, a3, 33
                0x0107f7b3,      // and a5, a5, a6
                0x00a787b3,      // add a5, a5, a0
                0x00000013,      // the access, by a5
                0x00c888b3,      // add a7, a7, a2
                0xfff58593,      // addi a1, a1, -1
                0xfe0590e3,      // bnez a1, 1b
                0x00093283,      // ld t0, 0(s2)
                0x01093303,      // ld t1, 16(s2)
                0x00693023,      // sd t1, 0(s2)
                0x00593823,      // sd t0, 16(s2)
                0x12000073,      // sfence.vma
                0xfff98993,      // addi s3, s3, -1
                0xfc0990e3,      // bnez s3, 2b
                ECALL);
        put(rig, CODE + 24, &access, sizeof(access));
        SET(rig, pc, CODE);
        SET(rig, x[10], bases[n % 4]);
        SET(rig, x[12], 0);
        SET(rig, x[13], n);
        SET(rig, x[14], 0x5851f42d4c957f2d);
        SET(rig, x[16], 0x1fff);
        SET(rig, x[18], WINDOW_PTE);
        SET(rig, x[19], 9);
        run(rig);
        assert_int_equal(RESULT(rig, 19), 0);
    }
}

// By turns memory and a device behind the same instructions.
static void test_devices_in_loops(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00052603, // 1: lw a2, 0(a0)
            0x00c686b3,      // add a3, a3, a2
            0x00d52223,      // sw a3, 4(a0)
            0x00d53c23,      // sd a3, 24(a0)
            0x00f54533,      // xor a0, a0, a5
            0xfff58593,      // addi a1, a1, -1
            0xfe0594e3,      // bnez a1, 1b
            ECALL);
    SET(rig, x[10], DEVICE);
    SET(rig, x[15], DEVICE ^ DATA);
    SET(rig, x[11], 30);
    run(rig);
    assert_true(rig->m[JIT].device_sum != 0);
    assert_true(*(uint32_t *)(void *)(rig->m[JIT].ram + (DATA - CODE) + 4) != 0);
}

static void note_store(void *ctx, gpa_t gpa)
{
    struct machine *m = ctx;

    m->watched += 1 + (unsigned)(gpa & 0xfff);
}

// A watched range in the middle of a page that a loop walks through, and groups touch.
static void test_watched_stores_in_loops(void **state)
{
    struct rig *rig = *state;

    for (unsigned i = 0; i < ENGINES; i++)
        rig->m[i].vm.memory.watch = (struct mem_watch){
            .base = DATA + 0x1100, .size = 64, .written = note_store, .ctx = &rig->m[i]};
    PROGRAM(rig, 0x00b53023, // 1: sd a1, 0(a0)
            0x00053603,      // ld a2, 0(a0)
            0x00b52823,      // sw a1, 16(a0)
            0x00850513,      // addi a0, a0, 8
            0xfff58593,      // addi a1, a1, -1
            0xfe0596e3,      // bnez a1, 1b
            ECALL);
    SET(rig, x[10], DATA + 0xf00);
    SET(rig, x[11], 200);
    run(rig);
    assert_true(rig->m[JIT].watched >= 8 * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_loops_over_page_borders),  TEST(test_structures_at_page_borders),
        TEST(test_pages_that_are_remapped),  TEST(test_loops_that_come_back),
        TEST(test_stacks_that_are_remapped), TEST(test_accesses_that_jump_about),
        TEST(test_devices_in_loops),         TEST(test_watched_stores_in_loops),
    };

    return cmocka_run_group_tests_name("jit_memory", tests, NULL, NULL);
}
