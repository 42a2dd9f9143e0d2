// SPDX-License-Identifier: Apache-2.0
// The JIT on a hart of its own against the interpreter: small programs, run by both from the same state
// until their ecall leaves to the SBI. State, memory and counted instructions must be equal, and what the
// program is about must have happened.
#include <pthread.h>
#include <unistd.h>

#include "tests/unit/jit_rig.h"

#define RESULT(rig, n) ((rig)->m[JIT].state.x[n])

// instret and cycle, read again and again within a region, count each instruction.
static void test_counters_are_exact_inside_regions(void **state)
{
    struct rig *rig = *state;
    uint64_t sum = 0;

    PROGRAM(rig, 0x00000513, // li a0, 0
            0x03200593,      // li a1, 50
            0x00150513,      // 1: addi a0, a0, 1
            0xc0202673,      // csrr a2, instret
            0x00c686b3,      // add a3, a3, a2
            0xc0002773,      // csrr a4, cycle
            0x40c70733,      // sub a4, a4, a2
            0x00e787b3,      // add a5, a5, a4
            0xfeb514e3,      // bne a0, a1, 1b
            ECALL);
    run(rig);
    for (unsigned i = 0; i < 50; i++)
        sum += 3 + 7 * i;
    assert_true(RESULT(rig, 13) == sum);
    assert_int_equal(RESULT(rig, 15), 50 * 2);
    assert_int_equal(instret(&rig->m[JIT]), 2 + 50 * 7 + 1);
}

// A load that faults each time round, its handler, and the way back into the region.
static void test_traps_in_the_middle_of_a_region(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00000513, // li a0, 0
            0x02800593,      // li a1, 40
            0x00150513,      // 1: addi a0, a0, 1
            0x00a686b3,      // add a3, a3, a0
            0x00073603,      // ld a2, 0(a4)
            0x00c686b3,      // add a3, a3, a2
            0x00a6c6b3,      // xor a3, a3, a0
            0xfeb516e3,      // bne a0, a1, 1b
            ECALL, 0x00000013, 0x00000013, 0x00000013,
            0x141022f3,  // the handler: csrr t0, sepc
            0x00428293,  // addi t0, t0, 4
            0x14129073,  // csrw sepc, t0
            0xc0202373,  // csrr t1, instret
            0x006383b3,  // add t2, t2, t1
            0x00500613,  // li a2, 5
            0x10200073); // sret
    SET(rig, stvec, CODE + 48);
    SET(rig, x[14], 0x123456789000);
    run(rig);
    assert_int_equal(rig->m[JIT].state.scause, CAUSE_LOAD_ACCESS);
    assert_true(rig->m[JIT].state.stval == 0x123456789000);
    assert_true(rig->m[JIT].state.sepc == CODE + 20);
    assert_int_equal(instret(&rig->m[JIT]), 2 + 40 * (5 + 7) + 1);
}

// Code that rewrites itself ahead of the fence, in the same region.
static void test_code_that_rewrites_itself(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00000513, // li a0, 0
            0x01e00593,      // li a1, 30
            0x00150513,      // 1: addi a0, a0, 1
            0x01451293,      // slli t0, a0, 20
            0x69328293,      // addi t0, t0, 0x693: "li a3, a0"
            0x00562023,      // sw t0, 0(a2)
            0x0000100f,      // fence.i
            0x00000693,      // li a3, 0
            0x00d70733,      // add a4, a4, a3
            0xfeb512e3,      // bne a0, a1, 1b
            ECALL);
    SET(rig, x[12], CODE + 28);
    run(rig);
    assert_int_equal(RESULT(rig, 14), 30 * 31 / 2);
}

// Entries at every instruction of a region, and in the middle of one.
static void test_jumps_into_the_middle(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00000513, // li a0, 0
            0x00058067,      // jr a1
            0x00150513,      // addi a0, a0, 1
            0x00250513,      // addi a0, a0, 2
            0x00450513,      // addi a0, a0, 4
            0x00850513,      // addi a0, a0, 8
            0xfff60613,      // addi a2, a2, -1
            0x00060663,      // beqz a2, 1f
            0x00458593,      // addi a1, a1, 4
            0x00058067,      // jr a1
            ECALL);          // 1:
    SET(rig, x[11], CODE + 8);
    SET(rig, x[12], 4);
    run(rig);
    assert_int_equal(RESULT(rig, 10), 15 + 14 + 12 + 8);

    PROGRAM(rig, 0x00158067, // jr 1(a1): bit 0 does not count
            0x45050513,      // its upper half is c.li a0, 1
            0x00000073);
    SET(rig, pc, CODE);
    SET(rig, x[11], CODE + 6);
    run(rig);
    assert_int_equal(RESULT(rig, 10), 1);
}

// A computed jump whose target is known when it is translated: an instruction of the same region that no
// other jump leads to, before it and behind it.
static void test_known_jumps_into_the_middle(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00000513, // li a0, 0
            0x00150513,      // 1: addi a0, a0, 1
            0x00300593,      // li a1, 3
            0x00b55863,      // bge a0, a1, 2f
            0x00000297,      // auipc t0, 0
            0xff428293,      // addi t0, t0, -12
            0x00028067,      // jr t0: to 1
            ECALL);          // 2:
    run(rig);
    assert_int_equal(RESULT(rig, 10), 3);

    PROGRAM(rig, 0x02050263, // beqz a0, 2f: so that the region goes on
            0x00000297,      // auipc t0, 0
            0x01428293,      // addi t0, t0, 20
            0x00028067,      // jr t0: to 1
            0x00150513,      // addi a0, a0, 1
            0x00250513,      // addi a0, a0, 2
            0x00450513,      // 1: addi a0, a0, 4
            0x00850513,      // addi a0, a0, 8
            ECALL, ECALL);   // 2:
    SET(rig, pc, CODE);
    SET(rig, x[10], 16);
    run(rig);
    assert_int_equal(RESULT(rig, 10), 16 + 4 + 8);
}

// A loop whose last instructions are the last ones of a page, one of them half on the next.
static void test_regions_at_a_page_end(void **state)
{
    static const uint16_t code[] = {
        0x0505,         // 1: c.addi a0, 1
        0x8693, 0x0036, // addi a3, a3, 3
        0x1de3, 0xfeb5, // bne a0, a1, 1b
        0x0073, 0x0000, // ecall
    };
    struct rig *rig = *state;

    for (unsigned before = 2; before <= 14; before += 2) {
        put(rig, CODE + 0x2000 - before, code, sizeof(code));
        SET(rig, pc, CODE + 0x2000 - before);
        SET(rig, x[10], 0);
        SET(rig, x[11], 100);
        SET(rig, x[13], 0);
        run(rig);
        assert_int_equal(RESULT(rig, 13), 300);
    }
}

// li a0, LENGTH; the loop of sums; ecall
#define SUM_LOOP                            \
    0x00000293,     /* li t0, 0 */          \
        0x00b282b3, /* 1: add t0, t0, a1 */ \
        0x00063303, /* ld t1, 0(a2) */      \
        0x006282b3, /* add t0, t0, t1 */    \
        0x02d2b333, /* mulhu t1, t0, a3 */  \
        0x0062c2b3, /* xor t0, t0, t1 */    \
        0xfff50513, /* addi a0, a0, -1 */   \
        0xfe0514e3, /* bnez a0, 1b */       \
        ECALL

// More instructions than translated code runs without looking up, in one loop.
static void test_a_loop_beyond_the_budget(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, SUM_LOOP);
    for (unsigned length = 9990; length < 10003; length++) {
        uint64_t before = instret(&rig->m[JIT]);

        SET(rig, pc, CODE);
        SET(rig, x[10], length);
        SET(rig, x[11], 0x123456789abcdef);
        SET(rig, x[12], CODE);
        SET(rig, x[13], 0xfedcba9876543211);
        run(rig);
        assert_int_equal(instret(&rig->m[JIT]) - before, 2 + length * 7);
    }
}

static void test_devices_are_reached_from_translated_code(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00b52223, // 1: sw a1, 4(a0)
            0x00054603,      // lbu a2, 0(a0)
            0x00c686b3,      // add a3, a3, a2
            0x00d53423,      // sd a3, 8(a0)
            0xfff58593,      // addi a1, a1, -1
            0xfe0596e3,      // bnez a1, 1b
            ECALL);
    SET(rig, x[10], DEVICE);
    SET(rig, x[11], 20);
    run(rig);
    assert_true(rig->m[JIT].device_sum != 0);
}

static void note_store(void *ctx, gpa_t gpa)
{
    struct machine *m = ctx;

    m->watched += 1 + (unsigned)(gpa & 0xfff);
}

// Stores to a watched range are told, whichever instruction makes them.
static void test_watched_stores_are_told(void **state)
{
    struct rig *rig = *state;

    for (unsigned i = 0; i < ENGINES; i++)
        rig->m[i].vm.memory.watch =
            (struct mem_watch){.base = DATA, .size = 64, .written = note_store, .ctx = &rig->m[i]};
    PROGRAM(rig, 0x00b53023, // 1: sd a1, 0(a0)
            0x00b50423,      // sb a1, 8(a0)
            0x00b5302f,      // amoadd.d zero, a1, (a0)
            0x1005362f,      // lr.d a2, (a0)
            0x18b536af,      // sc.d a3, a1, (a0)
            0x08b5362f,      // amoswap.d a2, a1, (a0)
            0xfff58593,      // addi a1, a1, -1
            0xfe0592e3,      // bnez a1, 1b
            ECALL);
    SET(rig, x[10], DATA + 16);
    SET(rig, x[11], 10);
    run(rig);
    assert_true(rig->m[JIT].watched >= 10 * 5);
}

static uint64_t bits(double value)
{
    uint64_t u;

    memcpy(&u, &value, 8);
    return u;
}

// Rounding modes that change on the way, flags that are read, cleared and carried over exits.
static void test_fp_flags_and_rounding(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x02c5f553, // fadd.d fa0, fa1, fa2
            0x00251073,      // fsrm a0
            0x1ac5f6d3,      // fdiv.d fa3, fa1, fa2
            0x001026f3,      // frflags a3
            0xc226f753,      // fcvt.l.d a4, fa3
            0x12d6f753,      // fmul.d fa4, fa3, fa3
            0x003027f3,      // frcsr a5
            0x00101073,      // fsflags zero
            0x5a0777d3,      // fsqrt.d fa5, fa4
            0x00f7f053,      // fadd.s ft0, fa5, fa5: not boxed
            0x2a0580d3,      // fmin.d ft1, fa1, ft0
            0x40177153,      // fcvt.s.d ft2, fa4
            0x00302873,      // frcsr a6
            ECALL);
    for (unsigned frm = 0; frm < 4; frm++) {
        SET(rig, pc, CODE);
        SET(rig, frm, (uint8_t)(3 - frm));
        SET(rig, fflags, (uint8_t)frm);
        SET(rig, x[10], frm);
        SET(rig, f[11], bits(1.0));
        SET(rig, f[12], bits(frm & 1 ? 3.0 : -1e-310));
        run(rig);
        assert_int_equal(RESULT(rig, 16) >> 5, frm);
        assert_int_equal(RESULT(rig, 15) & frm, frm);
    }
}

// Modes that the host does not have, and reserved ones: instructions trap or go to the interpreter.
// With FS off everything traps.
static void test_fp_modes_that_the_host_lacks(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00600513, // li a0, 6
            0x00259073,      // 1: fsrm a1
            0x02c5f553,      // fadd.d fa0, fa1, fa2
            0xd20507d3,      // fcvt.d.w fa5, a0
            0xfff50513,      // addi a0, a0, -1
            0xfe0518e3,      // bnez a0, 1b
            ECALL,           //
            0x141022f3,      // the handler: csrr t0, sepc
            0x00428293,      // addi t0, t0, 4
            0x14129073,      // csrw sepc, t0
            0x00138393,      // addi t2, t2, 1
            0x10200073);     // sret
    SET(rig, stvec, CODE + 28);
    SET(rig, f[11], bits(0.1));
    SET(rig, f[12], bits(0.7));
    for (unsigned frm = 0; frm < 16; frm++) {
        unsigned fs = frm >> 3 ? 0 : 3;

        SET(rig, pc, CODE);
        SET(rig, x[7], 0);
        SET(rig, x[11], frm & 7);
        SET(rig, mstatus, (rig->m[JIT].state.mstatus & ~MSTATUS_FS) | fs * (MSTATUS_FS / 3));
        run(rig);
        if (!fs)
            assert_int_equal(RESULT(rig, 7), 18);
        else
            assert_int_equal(RESULT(rig, 7), (frm & 7) > 4 ? 6 : 0);
    }
    // A static mode that is reserved: fcvt.d.w fa5, a0 and fcvt.d.s fa5, fa1 with mode 5.
    PROGRAM(rig, 0xd20557d3, 0x4205d7d3, ECALL);
    SET(rig, mstatus, rig->m[JIT].state.mstatus | MSTATUS_FS_DIRTY);
    SET(rig, frm, 0);
    SET(rig, x[7], 0);
    SET(rig, pc, CODE);
    run(rig);
    assert_int_equal(RESULT(rig, 7), 2);
}

// Far more code than the memory for it holds, all of it run several times.
static void test_a_cache_that_overflows(void **state)
{
    enum { FUNCTIONS = 2000 };
    struct rig *rig;
    static uint32_t words[FUNCTIONS * 6];

    setenv("HULL_JIT_CACHE", "64", 1);
    set_up((void **)&rig);
    unsetenv("HULL_JIT_CACHE");
    for (unsigned i = 0; i < FUNCTIONS; i++) { // each goes on to the next, by jumps of both kinds
        const uint32_t direct[] = {0x00150513, // addi a0, a0, 1
                                   0x00a5c5b3, // xor a1, a1, a0
                                   0x00b686b3, // add a3, a3, a1
                                   0x00c0006f, // j .+12
                                   0xffffffff, 0xffffffff};
        const uint32_t indirect[] = {0x00000297, // auipc t0, 0
                                     0x00a5c5b3, // xor a1, a1, a0
                                     0x00b686b3, // add a3, a3, a1
                                     0x01828067, // jr 24(t0)
                                     0xffffffff, 0xffffffff};

        memcpy(words + 6 * i, i % 2 ? direct : indirect, sizeof(direct));
    }
    put(rig, DATA, words, sizeof(words));
    {
        // Behind the last one: addi a2, a2, -1; beqz a2, 1f; jr a4; 1: ecall
        static const uint32_t end[] = {0xfff60613, 0x00060463, 0x00070067, ECALL};

        put(rig, DATA + sizeof(words), end, sizeof(end));
    }
    SET(rig, pc, DATA);
    SET(rig, x[12], 5);
    SET(rig, x[14], DATA);
    run(rig);
    assert_int_equal(RESULT(rig, 10), 5 * FUNCTIONS / 2);
    tear_down((void **)&rig);
    *state = NULL;
}

// Overflow interrupts of a counter come once each, and not much later than they should.
static void test_a_counter_overflows_inside_a_region(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, SUM_LOOP);
    put(rig, CODE + 0x100, (const uint32_t[]){ECALL}, 4); // the handler
    for (unsigned distance = 1; distance < 700; distance += 13) {
        for (unsigned i = 0; i < ENGINES; i++) {
            struct machine *m = &rig->m[i];
            uint64_t before = instret(m), taken;

            m->state.pc = CODE;
            m->state.x[10] = 1000;
            m->state.x[12] = CODE;
            m->state.stvec = CODE + 0x100;
            m->state.mip = 0;
            m->state.mie = 1u << IRQ_LCOF;
            m->state.mideleg |= 1u << IRQ_LCOF;
            m->state.mstatus |= MSTATUS_SIE;
            m->state.mhpmevent[0] = 2; // instructions
            m->state.mhpmcounter[0] = -(uint64_t)distance;
            run_one(m);
            assert_true(m->state.scause == ((1ull << 63) | IRQ_LCOF));
            assert_true(m->state.mhpmevent[0] >> 63);
            taken = instret(m) - before - 1;
            assert_in_range(taken, distance, distance + 128);
            // Exactly these instructions have been done.
            assert_true(m->state.mhpmcounter[0] == taken + 1 - distance);
            assert_int_equal(1000 - m->state.x[10], taken / 7);
        }
    }
}

static void *stop_soon(void *ctx)
{
    usleep(20000);
    hull_vcpu_kick(ctx, VCPU_ATTN_STOP);
    return NULL;
}

// Somebody who asks for attention gets it from a loop that never leaves translated code.
static void test_attention_ends_a_loop(void **state)
{
    struct rig *rig = *state;

    PROGRAM(rig, 0x00150513, // 1: addi a0, a0, 1
            0xffdff06f);     // j 1b
    for (unsigned i = 0; i < ENGINES; i++) {
        struct machine *m = &rig->m[i];
        struct vcpu *vcpu = &m->vm.vcpus[0];
        pthread_t thread;
        uint64_t before = instret(m);

        m->vm.engine->set_state(vcpu, &m->state);
        assert_int_equal(pthread_create(&thread, NULL, stop_soon, vcpu), 0);
        m->vm.engine->run(vcpu, &m->exit);
        pthread_join(thread, NULL);
        assert_int_equal(m->exit.reason, VCPU_EXIT_ATTENTION);
        m->vm.engine->get_state(vcpu, &m->state);
        // Every instruction has been done and counted, none twice.
        assert_true(m->state.pc == CODE || m->state.pc == CODE + 4);
        assert_true(instret(m) - before == 2 * m->state.x[10] - (m->state.pc == CODE + 4));
    }
}

// A state moves from one engine to the other and back while a program runs: an ecall in each round.
static void test_a_state_changes_engines(void **state)
{
    struct rig *rig = *state;
    struct hart_state s, start;

    PROGRAM(rig, 0x02c5f553, // 1: fadd.d fa0, fa1, fa2
            0x02c575d3,      // fadd.d fa1, fa0, fa2
            0x00a58533,      // add a0, a1, a0
            0x00550593,      // addi a1, a0, 5
            ECALL,           //
            0xfedff06f);     // j 1b
    SET(rig, f[12], bits(0.1));
    s = start = rig->m[INTERP].state;
    for (unsigned i = 0; i < 20; i++) {
        struct machine *m = &rig->m[i % 3 % 2];

        m->state = s;
        run_one(m);
        s = m->state;
    }
    rig->m[INTERP].state = start; // and on one engine alone
    for (unsigned i = 0; i < 20; i++)
        run_one(&rig->m[INTERP]);
    assert_memory_equal(s.x, rig->m[INTERP].state.x, sizeof(s.x));
    assert_memory_equal(s.f, rig->m[INTERP].state.f, sizeof(s.f));
    assert_true(s.pc == CODE + 20);
    assert_int_equal(s.fflags, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(test_counters_are_exact_inside_regions),
        TEST(test_traps_in_the_middle_of_a_region),
        TEST(test_code_that_rewrites_itself),
        TEST(test_jumps_into_the_middle),
        TEST(test_known_jumps_into_the_middle),
        TEST(test_regions_at_a_page_end),
        TEST(test_a_loop_beyond_the_budget),
        TEST(test_devices_are_reached_from_translated_code),
        TEST(test_watched_stores_are_told),
        TEST(test_fp_flags_and_rounding),
        TEST(test_fp_modes_that_the_host_lacks),
        cmocka_unit_test(test_a_cache_that_overflows),
        TEST(test_a_counter_overflows_inside_a_region),
        TEST(test_attention_ends_a_loop),
        TEST(test_a_state_changes_engines),
    };

    return cmocka_run_group_tests_name("jit", tests, NULL, NULL);
}
