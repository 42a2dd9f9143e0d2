// SPDX-License-Identifier: Apache-2.0
// How far a region goes, and what of it is code: what can't be reached from its entry is not.
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "engine/jit/ir.h"
#include "engine/jit/translator.h"
#include "tests/unit/encoding.h"

#define PC 0x80000000ull

enum { ZERO, RA, A0 = 10, A1 };

#define NOTHING 0x00000013u
#define RETURN 0x00008067u // jalr zero, 0(ra)

static uint32_t beqz(int offset) // beq a0, zero
{
    return 0x63 | A0 << 15 | branch_offset(offset);
}

static uint32_t jump(unsigned rd, int offset) // jal
{
    return 0x6f | rd << 7 | jump_offset(offset);
}

static bool is_known(void *ctx, gva_t pc)
{
    return pc == *(const gva_t *)ctx;
}

static bool is_no_entry(void *ctx, gva_t pc)
{
    (void)ctx;
    (void)pc;
    return false;
}

// One character for each instruction: '.' is dead, '<' a backward jump's target, '>' another jump's, '|'
// another beginning of a piece, '-' the rest.
static void shows(const char *want, gva_t entry, const uint32_t *words, unsigned count)
{
    struct riscv_isa isa = riscv_isa_default();
    struct region_guide guide = {is_known, is_no_entry, 0, &entry};
    struct riscv_decoder decoder;
    struct region_draft d;
    char text[REGION_INSNS_MAX + 1] = "";
    struct ir ir;

    riscv_decoder_init(&decoder, &isa);
    assert_true(jit_region_draft(&d, &decoder, PC, 0, (const uint8_t *)words,
                                 count * (unsigned)sizeof(*words), &guide));
    for (unsigned i = 0; i < d.region.count; i++) {
        const struct region_op *op = &d.ops[i];

        text[i] = op->dead ? '.' : op->back ? '<' : op->target ? '>' : op->leader ? '|' : '-';
    }
    assert_string_equal(text, want);
    assert_int_equal(d.region.bytes, 4 * d.region.count);
    assert_null(ir_translate(&ir, &d.region, true));
    for (unsigned i = 0; i < ir.count; i++)
        assert_false(d.ops[ir.insns[i].op].dead);
}

#define SHOWS(want, entry, ...) \
    shows(want, entry, (uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / 4)

static void test_a_region_ends_behind_a_jump(void **state)
{
    (void)state;
    SHOWS("|-", 0, NOTHING, RETURN, NOTHING);
    SHOWS("||>-", 0, beqz(8), RETURN, NOTHING, RETURN, NOTHING);
    SHOWS("<|-", 0, beqz(0), NOTHING, RETURN);
}

// As in a switch: a branch leads over its computed jump and its cases.
static void test_what_stands_behind_a_jump_only_is_dead(void **state)
{
    (void)state;
    SHOWS("||..>", 0, beqz(16), RETURN, NOTHING, NOTHING, RETURN);
    // Its jumps make no loops, and keep nothing alive.
    SHOWS("||..>-", 0, beqz(16), RETURN, NOTHING, jump(ZERO, -12), NOTHING, RETURN);
    SHOWS("||.....>", 0, beqz(28), RETURN, beqz(8), NOTHING, RETURN, jump(ZERO, -4), NOTHING,
          RETURN);
    // Behind a call its return point is another region's.
    SHOWS("||.>", 0, beqz(12), jump(RA, 0x100), NOTHING, RETURN);
}

static void test_what_is_jumped_back_to_is_alive(void **state)
{
    (void)state;
    SHOWS("||<->|", 0, beqz(16), RETURN, NOTHING, RETURN, beqz(-8), RETURN);
    SHOWS("||.<->|", 0, beqz(20), RETURN, NOTHING, NOTHING, RETURN, beqz(-8), RETURN);
    // By way of others.
    SHOWS("||<-<-<|", 0, beqz(24), RETURN, NOTHING, RETURN, NOTHING, jump(ZERO, -12), beqz(-8),
          jump(ZERO, -4));
}

static void test_what_nothing_leads_to_is_cut_off(void **state)
{
    (void)state;
    // The branch that leads over the end is dead itself.
    SHOWS("||.>", 0, beqz(12), RETURN, beqz(24), RETURN, NOTHING, NOTHING, NOTHING, NOTHING);
}

static void test_a_region_stops_at_an_entry(void **state)
{
    (void)state;
    SHOWS("|", PC + 4, beqz(8), NOTHING, NOTHING, RETURN);
    // Not one that nothing here comes to, and not inside a loop.
    SHOWS("||.>", PC + 8, beqz(12), RETURN, NOTHING, RETURN);
    SHOWS("<-|", PC + 4, NOTHING, beqz(-4), RETURN);
    // What only led there behind the cut is gone as well.
    SHOWS("||", PC + 16, beqz(16), RETURN, NOTHING, NOTHING, beqz(8), NOTHING, RETURN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_region_ends_behind_a_jump),
        cmocka_unit_test(test_what_stands_behind_a_jump_only_is_dead),
        cmocka_unit_test(test_what_is_jumped_back_to_is_alive),
        cmocka_unit_test(test_what_nothing_leads_to_is_cut_off),
        cmocka_unit_test(test_a_region_stops_at_an_entry),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
