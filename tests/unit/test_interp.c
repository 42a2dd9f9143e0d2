// SPDX-License-Identifier: Apache-2.0
// The interpreter on a hart of its own: small programs in RAM, run until their ecall leaves to the
// SBI. Programs are given as instruction words.
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "engine/interp/interp.h"
#include "guest/riscv/board.h"
#include "guest/riscv/hart.h"
#include "guest/riscv/sbi.h"
#include "tests/unit/fake_env.h"

#define RAM_SIZE (1u << 20)
#define CODE 0x80000000ull
#define DATA 0x80010000ull

struct rig {
    struct fake_env fake;
    struct vm vm;
    struct riscv_board board;
    struct riscv_sbi sbi;
    uint8_t *ram;
    struct hart_state state;
    struct vcpu_exit exit;
};

static void request(void *ctx, enum vm_request what, int code)
{
    (void)ctx;
    (void)what;
    (void)code;
}

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    const struct vm_owner owner = {.request = request, .ctx = rig};

    fake_env_init(&rig->fake);
    rig->ram = aligned_alloc(4096, RAM_SIZE);
    memset(rig->ram, 0, RAM_SIZE);
    assert_int_equal(hull_vm_init(&rig->vm, &rig->fake.env, &owner, &interp_engine, 1), 0);
    assert_int_equal(hull_memory_add(&rig->vm.memory, CODE, RAM_SIZE, rig->ram), 0);
    rig->board.vm = &rig->vm;
    rig->board.isa = riscv_isa_default();
    rig->board.sbi = &rig->sbi;
    riscv_decoder_init(&rig->board.decoder, &rig->board.isa);
    rig->vm.board = &rig->board;
    riscv_hart_reset(&rig->state, &rig->board.isa, true, 0, CODE, 0);
    rig->state.mstatus |= 0x6000;
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *rig = *state;

    hull_vm_fini(&rig->vm);
    assert_int_equal(rig->fake.allocated, 0);
    free(rig->ram);
    free(rig);
    return 0;
}

static void load(struct rig *rig, uint64_t at, const uint32_t *words, size_t count)
{
    memcpy(rig->ram + (at - CODE), words, 4 * count);
}

// Runs from rig->state until an ecall, and fetches the state back.
static void run(struct rig *rig)
{
    struct vcpu *vcpu = &rig->vm.vcpus[0];

    interp_engine.set_state(vcpu, &rig->state);
    memset(&rig->exit, 0, sizeof(rig->exit));
    interp_engine.run(vcpu, &rig->exit);
    assert_int_equal(rig->exit.reason, VCPU_EXIT_SBI);
    interp_engine.get_state(vcpu, &rig->state);
}

#define PROGRAM(rig, ...)                               \
    do {                                                \
        static const uint32_t words_[] = {__VA_ARGS__}; \
        load(rig, CODE, words_, sizeof(words_) / 4);    \
    } while (0)

#define ECALL 0x00000073u

static void test_loop_counts_its_instructions(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00000513, // li a0, 0
            0x06400593,      // li a1, 100
            0x00150513,      // 1: addi a0, a0, 1
            0xfeb51ee3,      // bne a0, a1, 1b
            ECALL);
    run(rig);
    assert_int_equal(rig->state.x[10], 100);
    assert_int_equal(rig->state.pc, CODE + 20);
    assert_int_equal(interp_engine.instret(&rig->vm.vcpus[0]), 2 + 200 + 1);
}

static void test_x0_stays_zero(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00700013, // addi zero, zero, 7
            0x80000037,      // lui zero, 0x80000
            0x00052003,      // lw zero, 0(a0)
            0x00000533,      // add a0, zero, zero
            ECALL);
    rig->state.x[10] = CODE;
    run(rig);
    assert_int_equal(rig->state.x[10], 0);
    assert_int_equal(rig->state.x[0], 0);
}

static void test_stored_code_shows_after_fence_i(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00c5a023, // sw a2, 0(a1): "li a0, 1" over the instruction at 1:
            0x0000100f,      // fence.i
            0x00000013,      // nop
            0x00000513,      // 1: li a0, 0
            0x00d5a023,      // sw a3, 0(a1)
            0x00070463,      // beqz a4, 2f
            ECALL,           //
            0xfff70713,      // 2: addi a4, a4, -1
            0xfe5ff06f);     // j start + 4 (fence.i)
    rig->state.x[11] = CODE + 12;
    rig->state.x[12] = 0x00100513; // li a0, 1
    rig->state.x[13] = 0x00200513; // li a0, 2
    run(rig);
    assert_int_equal(rig->state.x[10], 2);
}

static void test_misaligned_accesses_cross_pages(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00b53023, // sd a1, 0(a0)
            0x00053603,      // ld a2, 0(a0)
            0x00452683,      // lw a3, 4(a0)
            ECALL);
    rig->state.x[10] = DATA + 0xffd;
    rig->state.x[11] = 0x8877665544332211;
    run(rig);
    assert_true(rig->state.x[12] == 0x8877665544332211);
    assert_true(rig->state.x[13] == 0xffffffff88776655);
    assert_int_equal(rig->ram[DATA - CODE + 0x1000], 0x44);
}

static void test_sc_succeeds_once(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x100525af, // lr.w a1, (a0)
            0x18d5262f,      // sc.w a2, a3, (a0)
            0x18d5272f,      // sc.w a4, a3, (a0)
            ECALL);
    // The reservation is gone with the first one.
    rig->state.x[10] = DATA;
    rig->state.x[13] = 42;
    run(rig);
    assert_int_equal(rig->state.x[12], 0);
    assert_int_equal(rig->state.x[14], 1);
    assert_int_equal(rig->ram[DATA - CODE], 42);
}

static void test_illegal_instruction_tells_its_bits(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00000013, // nop
            0xffffffff,      // illegal
            0x00000013, 0x00000013,
            ECALL); // the handler at stvec
    rig->state.stvec = CODE + 16;
    run(rig);
    assert_int_equal(rig->state.scause, 2);
    assert_true(rig->state.stval == 0xffffffff);
    assert_int_equal(rig->state.sepc, CODE + 4);
    assert_int_equal(interp_engine.instret(&rig->vm.vcpus[0]), 1 + 1);
}

// Every limit within a loop with a trap in it: exactly there, the trap not yet taken; and one thing
// more, which may be the trap alone.
static void test_limits_are_exact(void **state)
{
    struct rig *rig = *state;
    struct vcpu *vcpu = &rig->vm.vcpus[0];
    static const uint64_t offsets[] = {0, 4, 8, 24};
    const struct hart_state start = rig->state;

    PROGRAM(rig, 0x00150513, // addi a0, a0, 1
            0x00160613,      // addi a2, a2, 1
            0xffffffff,      // illegal: to stvec
            0x00000013, 0x00000013,
            0x00a585b3,  // add a1, a1, a0: the handler
            0xfe9ff06f); // j start
    rig->state.stvec = CODE + 20;
    interp_engine.set_state(vcpu, &rig->state);
    for (uint64_t n = 1; n < 200; n++) {
        interp_engine.set_limit(vcpu, n);
        interp_engine.run(vcpu, &rig->exit);
        assert_int_equal(rig->exit.reason, VCPU_EXIT_LIMIT);
        assert_int_equal(interp_engine.instret(vcpu), n);
        interp_engine.get_state(vcpu, &rig->state);
        assert_int_equal(rig->state.pc, CODE + offsets[n % 4]);
    }
    assert_int_equal(rig->state.x[10], start.x[10] + 50);
    interp_engine.set_limit(vcpu, 202); // in one go, and one thing more
    interp_engine.run(vcpu, &rig->exit);
    for (unsigned i = 0; i < 2; i++) {
        interp_engine.get_state(vcpu, &rig->state);
        assert_int_equal(rig->state.pc, CODE + (i ? 20 : 8));
        assert_int_equal(interp_engine.instret(vcpu), 202);
        interp_engine.set_limit(vcpu, 202);
        interp_engine.run(vcpu, &rig->exit);
    }
    assert_int_equal(interp_engine.instret(vcpu), 203);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_loop_counts_its_instructions),
        TEST(test_x0_stays_zero),
        TEST(test_stored_code_shows_after_fence_i),
        TEST(test_misaligned_accesses_cross_pages),
        TEST(test_sc_succeeds_once),
        TEST(test_illegal_instruction_tells_its_bits),
        TEST(test_limits_are_exact),
    };

    return cmocka_run_group_tests_name("interp", tests, NULL, NULL);
}
