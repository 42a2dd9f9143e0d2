// SPDX-License-Identifier: Apache-2.0
// Regions with several entries: behind calls that a loop leads over, where a loop is entered in its middle, and
// those that are added to code that is there. Whoever enters, nothing is known but the guest's registers.
#include "engine/jit/translator.h"
#include "tests/unit/encoding.h"
#include "tests/unit/jit_rig.h"

enum { ZERO, RA, T0 = 5, T1, A0 = 10, A1, A2, A3, A4, A5, A6, A7, S2, S3, S4, S5 };

#define RESULT(rig, n) ((rig)->m[JIT].state.x[n])
#define NOTHING 0x00000013u
#define RETURN 0x00008067u
#define WFI 0x10500073u
#define FENCE_I 0x0000100fu

static uint32_t addi(unsigned rd, unsigned rs1, int imm)
{
    return 0x13 | rd << 7 | rs1 << 15 | (uint32_t)imm << 20;
}

static uint32_t add(unsigned rd, unsigned rs1, unsigned rs2)
{
    return 0x33 | rd << 7 | rs1 << 15 | rs2 << 20;
}

static uint32_t bnez(unsigned rs1, int offset)
{
    return 0x1063 | rs1 << 15 | branch_offset(offset);
}

static uint32_t jal(unsigned rd, int offset)
{
    return 0x6f | rd << 7 | jump_offset(offset);
}

static uint32_t jalr(unsigned rd, unsigned rs1, int imm)
{
    return 0x67 | rd << 7 | rs1 << 15 | (uint32_t)imm << 20;
}

static uint32_t load(unsigned rd, unsigned rs1, int imm) // ld
{
    return 0x3003 | rd << 7 | rs1 << 15 | (uint32_t)imm << 20;
}

// ---- Extents ----

#define PC 0x80000000ull

struct plan {
    const char *returned; // 'r': that call has been returned from; in the order of instructions
    unsigned wanted;      // instruction; 0: none
    unsigned known;       // the same
};

static bool is_known(void *ctx, gva_t pc)
{
    const struct plan *plan = ctx;

    return plan->known && pc == PC + 4 * plan->known;
}

static bool is_entry(void *ctx, gva_t pc)
{
    const struct plan *plan = ctx;
    unsigned i = (unsigned)((pc - PC) / 4);

    return (plan->wanted && i == plan->wanted) ||
           (i <= strlen(plan->returned) && plan->returned[i - 1] == 'r');
}

// One character for each instruction: 'E' is an entry, '.' dead, '<' a backward jump's target, '>' another's,
// '|' another beginning of a piece, '-' the rest.
static void shows(const char *want, struct plan plan, const uint32_t *words, unsigned count)
{
    struct riscv_isa isa = riscv_isa_default();
    struct region_guide guide = {is_known, is_entry, 4 * plan.wanted, &plan};
    struct riscv_decoder decoder;
    struct region_draft d;
    char text[REGION_INSNS_MAX + 1] = "";
    struct ir ir;

    riscv_decoder_init(&decoder, &isa);
    assert_true(jit_region_draft(&d, &decoder, PC, 0, (const uint8_t *)words,
                                 count * (unsigned)sizeof(*words), &guide));
    assert_true(d.ops[0].entry);
    for (unsigned i = 0; i < d.region.count; i++) {
        const struct region_op *op = &d.ops[i];

        text[i] = op->entry && i ? 'E'
                  : op->dead     ? '.'
                  : op->back     ? '<'
                  : op->target   ? '>'
                  : op->leader   ? '|'
                                 : '-';
    }
    assert_string_equal(text, want);
    assert_null(ir_translate(&ir, &d.region, true));
}

#define SHOWS(want, returned, wanted, known, ...)                                        \
    shows(want, (struct plan){returned, wanted, known}, (const uint32_t[]){__VA_ARGS__}, \
          sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static void test_what_follows_a_call_in_a_loop_is_an_entry(void **state)
{
    (void)state;
    SHOWS("<-E-|", " r", 0, 0, NOTHING, jal(RA, 0x400), NOTHING, bnez(A0, -12), RETURN);
    SHOWS("<E-|", "r", 0, 0, jalr(RA, A1, 0), NOTHING, bnez(A0, -8), RETURN);
    SHOWS("<E-|", "r", 0, 0, jalr(T0, A1, 0), NOTHING, bnez(A0, -8), RETURN);
    SHOWS("<EE-|", "rr", 0, 0, jal(RA, 0x400), jal(RA, 0x400), NOTHING, bnez(A0, -12), RETURN);
    // Traps, and what waits, come back as well.
    SHOWS("<-E|", " r", 0, 0, NOTHING, ECALL, bnez(A0, -8), RETURN);
    SHOWS("<E|", "r", 0, 0, WFI, bnez(A0, -4), RETURN);
    SHOWS("<E|", "r", 0, 0, FENCE_I, bnez(A0, -4), RETURN);
    // Other jumps don't.
    SHOWS("|", "r", 0, 0, jalr(ZERO, A1, 0), bnez(A0, -4), RETURN);
    SHOWS("|", "r", 0, 0, jal(A2, 0x400), bnez(A0, -4), RETURN);
}

static void test_other_calls_end_the_region(void **state)
{
    (void)state;
    // Never returned from; in no loop; another call is.
    SHOWS("|-", "", 0, 0, NOTHING, jal(RA, 0x400), NOTHING, bnez(A0, -12), RETURN);
    SHOWS("|-", " r", 0, 0, NOTHING, jal(RA, 0x400), NOTHING, bnez(A0, 8), NOTHING, RETURN);
    SHOWS("<E|", "r rr", 0, 0, jal(RA, 0x400), bnez(A0, -4), jal(RA, 0x400), NOTHING, RETURN);
    // Recursion.
    SHOWS("<-", " r", 0, 0, NOTHING, jal(RA, -4), NOTHING, bnez(A0, -12), RETURN);
    // What a branch leads to behind the call stays.
    SHOWS("||.>", " r", 0, 0, bnez(A0, 12), jal(RA, 0x400), NOTHING, RETURN);
    // The loop was one by the call's return only.
    SHOWS("|-", " r  r", 0, 2, NOTHING, jal(RA, 0x400), NOTHING, NOTHING, jal(RA, 0x400), NOTHING,
          bnez(A0, -8), RETURN);
}

// What is to be executed now is one, however seldom it was before.
static void test_a_loop_can_be_entered_in_its_middle(void **state)
{
    (void)state;
    SHOWS("<-E-|", "", 2, 0, NOTHING, jal(RA, 0x400), NOTHING, bnez(A0, -12), RETURN);
    // Behind a jump that does not come back, and in straight code, it is none.
    SHOWS("|-", "", 2, 0, NOTHING, jal(ZERO, 0x400), NOTHING, bnez(A0, -12), RETURN);
    SHOWS("<---|", "", 2, 0, NOTHING, NOTHING, NOTHING, bnez(A0, -12), RETURN);
    // No loop leads over it.
    SHOWS("|-", "", 2, 0, NOTHING, jal(RA, 0x400), NOTHING, RETURN);
}

// ---- Code ----

static const struct jit_cache *cache_of(struct rig *rig)
{
    return rig->m[JIT].vm.engine_data;
}

static void expect(struct rig *rig, unsigned regions, unsigned entries, unsigned added)
{
    const struct jit_cache *cache = cache_of(rig);

    assert_int_equal(cache->regions_made, regions);
    assert_int_equal(cache->entries_made, entries);
    assert_int_equal(cache->entries_added, added);
}

#define CODE_AT(rig, at, ...) \
    put(rig, CODE + (at), (const uint32_t[]){__VA_ARGS__}, sizeof((const uint32_t[]){__VA_ARGS__}))

// Uses registers that lie in memory between regions, so that the loop takes host registers for them.
#define MUCH_USE                                                                             \
    add(S2, S2, S3), add(S3, S3, S4), add(S4, S4, S5), add(S5, S5, S2), add(S2, S2, S4),     \
        add(S3, S3, S5), add(S4, S4, S2), add(S5, S5, S3), add(S2, S2, S5), add(S3, S3, S2), \
        add(S4, S4, S3), add(S5, S5, S4), add(S2, S2, S3), add(S3, S3, S4), add(S4, S4, S5), \
        add(S5, S5, S2), add(S2, S2, S4), add(S3, S3, S5), add(S4, S4, S2), add(S5, S5, S3), \
        add(S2, S2, S5), add(S3, S3, S2), add(S4, S4, S3), add(S5, S5, S4)
#define MUCH 24

static void set_registers(struct rig *rig)
{
    SET(rig, pc, CODE);
    for (unsigned n = 1; n < 32; n++)
        SET(rig, x[n], 0x1234567 * n);
}

// Beyond the budget, so that the loop is left and entered where it is looked at.
static void test_a_loop_with_a_call_is_one_region(void **state)
{
    struct rig *rig = *state;

    CODE_AT(rig, 0, addi(A0, ZERO, 2000), addi(A0, A0, -1), MUCH_USE,
            jal(RA, 0x200 - 4 * (2 + MUCH)), add(A2, A2, A3), add(S2, S2, A2),
            bnez(A0, -4 * (MUCH + 4)), ECALL);
    CODE_AT(rig, 0x200, add(A3, A3, S2), add(S4, S4, A4), addi(A4, A4, 7), RETURN);
    set_registers(rig);
    run(rig);
    // The start, behind the call, the function; where the budget ended an entry was added.
    assert_int_equal(cache_of(rig)->regions_made, 2);
    assert_int_equal(cache_of(rig)->entries_made, 3);
    assert_true(cache_of(rig)->entries_added <= 1);
}

// What is entered first, the jump's target in the loop, has a region of its own: the loop's begins at its
// start only for what comes back from a call.
static void test_a_loop_begins_before_calls_only(void **state)
{
    struct rig *rig = *state;

    CODE_AT(rig, 0, addi(A0, ZERO, 50), addi(T1, ZERO, 7), jal(ZERO, 0x100 + 4 * MUCH - 8));
    CODE_AT(rig, 0x100, MUCH_USE, addi(A0, A0, -1), add(A2, A2, T1), bnez(A0, -4 * (MUCH + 2)),
            ECALL);
    set_registers(rig);
    run(rig);
    expect(rig, 3, 3, 0);
}

// To places that a region has for jumps of its own, with other registers than those between regions.
static void test_entries_are_added(void **state)
{
    struct rig *rig = *state;

    CODE_AT(rig, 0, addi(A0, ZERO, 9), jalr(ZERO, A7, 0));
    CODE_AT(rig, 0x100, addi(A1, ZERO, 5), MUCH_USE, bnez(A5, 8), addi(A6, A6, 3),
            /* from inside and outside */ add(A2, A2, S3), addi(A0, A0, -1),
            bnez(A0, -4 * (MUCH + 4)), ECALL);
    set_registers(rig);
    SET(rig, x[A7], CODE + 0x100);
    run(rig);
    expect(rig, 2, 2, 0);
    // Where the branch forward leads, and where the one back does.
    set_registers(rig);
    SET(rig, x[A7], CODE + 0x100 + 4 * (MUCH + 3));
    run(rig);
    expect(rig, 2, 2, 1);
    set_registers(rig);
    SET(rig, x[A7], CODE + 0x104);
    run(rig);
    expect(rig, 2, 2, 2);
    // Behind the branch, where something is known, another region begins, and ends at the entry.
    set_registers(rig);
    SET(rig, x[A7], CODE + 0x100 + 4 * (MUCH + 2));
    run(rig);
    expect(rig, 3, 3, 2);
}

static void run_from(struct rig *rig, gva_t pc, uint64_t a0)
{
    set_registers(rig);
    SET(rig, pc, pc);
    SET(rig, x[A0], a0);
    run(rig);
}

// Entries where the budget is not looked at otherwise: two regions that jump into each other's middle.
static void test_added_entries_look_at_the_budget(void **state)
{
    struct rig *rig = *state;
    const struct jit *jit = rig->m[JIT].vm.vcpus[0].engine_data;

    CODE_AT(rig, 0, bnez(A5, 8), addi(A6, A6, 3), addi(A0, A0, -1), bnez(A0, 0x108 - 12), ECALL);
    CODE_AT(rig, 0x100, bnez(A5, 8), addi(A6, A6, 5), add(A2, A2, A0), jal(ZERO, 8 - 0x10c));
    run_from(rig, CODE, 1);
    run_from(rig, CODE + 0x100, 1);
    expect(rig, 2, 2, 1);
    run_from(rig, CODE + 0x100, 100000);
    expect(rig, 2, 2, 2);
    assert_true(jit->entries > 15);
}

// What is there already is not translated again, also where nobody has entered it yet.
static void test_a_region_ends_where_another_can_be_entered(void **state)
{
    struct rig *rig = *state;

    CODE_AT(rig, 0, bnez(A5, 8), bnez(ZERO, 12), addi(A0, A0, -1), NOTHING, ECALL);
    CODE_AT(rig, 0x100, addi(A6, A6, 5), jal(ZERO, 4 - 0x104));
    run_from(rig, CODE, 1);
    assert_int_equal(cache_of(rig)->translated, 5);
    run_from(rig, CODE + 0x100, 1);
    expect(rig, 3, 3, 1);
    assert_int_equal(cache_of(rig)->translated, 5 + 2 + 1);
}

// Constants, words and pages that are known before a call are not behind it.
static void test_nothing_is_known_behind_a_call(void **state)
{
    struct rig *rig = *state;

    CODE_AT(rig, 0, addi(A0, ZERO, 20), /* loop */ addi(A2, ZERO, 5), load(A3, A4, 0), 0x0006071bu,
            jal(RA, 0x100 - 16), add(A5, A5, A2), add(A5, A5, A4), load(T1, A4, 8), add(A5, A5, T1),
            0x00c7073bu /* addw a4, a4, a2 */, add(A5, A5, A4), NOTHING, add(A4, ZERO, A6),
            addi(A0, A0, -1), bnez(A0, -4 * 13), ECALL);
    CODE_AT(rig, 0x100, add(A2, A2, A0), add(A4, A6, A1), addi(A1, A1, 16), RETURN);
    set_registers(rig);
    SET(rig, x[A4], DATA);
    SET(rig, x[A6], DATA + 4000);
    SET(rig, x[A1], 0);
    for (unsigned i = 0; i < 600; i++)
        put(rig, DATA + 4000 + 8 * i, &(uint64_t){0x123456789abcdefull * (i + 1)}, 8);
    run(rig);
    expect(rig, 2, 3, 0);
}

#define FDIV_S(rd, rs1, rs2) (0x18000053u | 7u << 12 | (rd) << 7 | (rs1) << 15 | (rs2) << 20)
#define FADD_S(rd, rs1, rs2) (0x00000053u | 7u << 12 | (rd) << 7 | (rs1) << 15 | (rs2) << 20)
#define FADD_D(rd, rs1, rs2) (0x02000053u | 7u << 12 | (rd) << 7 | (rs1) << 15 | (rs2) << 20)
#define FMV_X_D(rd, rs1) (0xe2000053u | (rd) << 7 | (rs1) << 15)
#define FMV_D_X(rd, rs1) (0xf2000053u | (rd) << 7 | (rs1) << 15)

// fa0 is boxed wherever the loop comes from, but not what the function leaves in it; its NaNs have been
// looked at where the function is.
static void test_boxes_and_nans_across_calls(void **state)
{
    struct rig *rig = *state;

    CODE_AT(rig, 0, addi(A0, ZERO, 6), /* loop */ FADD_S(10u, 11u, 12u), FDIV_S(13u, 14u, 14u),
            jal(RA, 0x100 - 12), FADD_S(15u, 10u, 11u), FMV_X_D(A3, 15u), add(A2, A2, A3),
            FADD_D(16u, 13u, 13u), addi(A0, A0, -1), bnez(A0, -4 * 8), ECALL);
    CODE_AT(rig, 0x100, FMV_X_D(A4, 13u), add(A5, A5, A4), FMV_X_D(A4, 10u),
            0x00157693u, // andi a3, a0, 1
            bnez(A3, 8), FMV_D_X(10u, A0), RETURN);
    set_registers(rig);
    for (unsigned n = 0; n < 32; n++)
        SET(rig, f[n], 0xffffffff3f800000 + n * 0x1001);
    SET(rig, f[14], 0xffffffff00000000); // 0 / 0
    run(rig);
    assert_true(RESULT(rig, A4) != 0);
    assert_int_equal(cache_of(rig)->entries_made, cache_of(rig)->regions_made + 1);
}

// Code behind the call is other code in the next round.
static void test_code_behind_a_call_that_changes(void **state)
{
    struct rig *rig = *state;

    CODE_AT(rig, 0, addi(A0, ZERO, 40), /* loop */ addi(A0, A0, -1), jal(RA, 0x100 - 8),
            /* written to */ addi(A2, A2, 1), bnez(A0, -12), ECALL);
    CODE_AT(rig, 0x100, 0x01859793u, // slli a5, a1, 24; the word behind is made of it
            add(A5, A5, A6), 0x00f72023u /* sw a5, 0(a4) */, addi(A1, A1, 1), FENCE_I, RETURN);
    set_registers(rig);
    SET(rig, x[A4], CODE + 12);
    SET(rig, x[A6], addi(A2, A2, 0));
    SET(rig, x[A1], 0);
    SET(rig, x[A2], 0);
    run(rig);
    assert_true(RESULT(rig, A2) == 16 * (39 * 40 / 2));
}

// A trap that comes back into a loop, to its next instruction.
static void test_a_trap_comes_back(void **state)
{
    struct rig *rig = *state;

    CODE_AT(rig, 0, addi(A0, ZERO, 30), /* loop */ MUCH_USE, 0x00100073u /* ebreak */,
            add(A2, A2, S2), addi(A0, A0, -1), bnez(A0, -4 * (MUCH + 3)), ECALL);
    CODE_AT(rig, 0x200, 0x141022f3u, addi(T0, T0, 4), 0x14129073u, addi(S3, S3, 9), 0x10200073u);
    SET(rig, stvec, CODE + 0x200);
    set_registers(rig);
    run(rig);
    assert_int_equal(rig->m[JIT].state.scause, CAUSE_BREAKPOINT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_follows_a_call_in_a_loop_is_an_entry),
        cmocka_unit_test(test_other_calls_end_the_region),
        cmocka_unit_test(test_a_loop_can_be_entered_in_its_middle),
        CASE(test_a_loop_with_a_call_is_one_region),
        CASE(test_a_loop_begins_before_calls_only),
        CASE(test_entries_are_added),
        CASE(test_added_entries_look_at_the_budget),
        CASE(test_a_region_ends_where_another_can_be_entered),
        CASE(test_nothing_is_known_behind_a_call),
        CASE(test_boxes_and_nans_across_calls),
        CASE(test_code_behind_a_call_that_changes),
        CASE(test_a_trap_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
