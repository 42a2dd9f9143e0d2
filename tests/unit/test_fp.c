// SPDX-License-Identifier: Apache-2.0
// lib/fp against an independent exact reference, in every format and rounding mode, and against
// cases written down by hand. test_fp_host.c asks the host's FPU.
#include "tests/unit/unit.h"

#include "tests/unit/fp_operations.h"

#include <hull/types.h>
#include <math.h>
#include <stdio.h>

static int start(void **state)
{
    static struct fp_vectors vectors;
    fp_vectors_start(&vectors);
    *state = &vectors;
    return 0;
}

static void against(const struct fp_subject *s, enum fp_op op, ref_fn *reference,
                    const uint64_t operands[3])
{
    for (enum fp_rm rm = FP_RNE; rm <= FP_RMM; rm++) {
        uint8_t flags = 0;
        uint64_t expected = reference(s->format, operands[0], operands[1], operands[2], rm, &flags);
        fp_check(s, op, operands, rm, expected, flags);
    }
}

static void drive(struct fp_vectors *v, const char *name, enum fp_op op, ref_fn *reference)
{
    for (int i = 0; i < 3; i++) {
        const struct fp_subject *s = &fp_subjects[i];
        fp_vectors_begin(v, name, 70);
        while (fp_vectors_more(v)) {
            uint64_t x[3] = {fp_random_operand(v, s->format), 0, 0};
            fp_random_partners(v, s->format, x[0], &x[1], &x[2]);
            against(s, op, reference, x);
        }
        printf("%s: %lu operands\n", s->operations[op].name, v->done);
    }
}

static void adds_exactly(void **state)
{
    drive(*state, "add", FP_OP_ADD, ref_add);
}

static void subtracts_exactly(void **state)
{
    drive(*state, "sub", FP_OP_SUB, ref_sub);
}

static void multiplies_exactly(void **state)
{
    drive(*state, "mul", FP_OP_MUL, ref_mul);
}

static void divides_exactly(void **state)
{
    drive(*state, "div", FP_OP_DIV, ref_div);
}

static void fuses_exactly(void **state)
{
    drive(*state, "fma", FP_OP_FMA, ref_fma);
}

static void takes_roots_exactly(void **state)
{
    drive(*state, "sqrt", FP_OP_SQRT, ref_sqrt);
}

static void rounds_to_integral_values(void **state)
{
    drive(*state, "round", FP_OP_ROUND, ref_round);
    drive(*state, "roundnx", FP_OP_ROUNDNX, ref_roundnx);
}

static const struct ref_int int_types[] = {{32, true}, {32, false}, {64, true}, {64, false}};

static uint64_t extended(uint64_t x, struct ref_int type)
{
    if (type.bits == 64)
        return x;
    return type.is_signed ? (uint64_t)(int64_t)(int32_t)x : (uint32_t)x;
}

static void check_conversions(const struct fp_subject *s, uint64_t a)
{
    const struct ref_format *const formats[] = {&ref_f16, &ref_f32, &ref_f64};
    const uint64_t x[3] = {a, 0, 0};
    for (enum fp_rm rm = FP_RNE; rm <= FP_RMM; rm++) {
        for (unsigned i = 0; i < HULL_ARRAY_SIZE(int_types); i++) {
            uint8_t flags = 0;
            uint64_t expected = ref_to_int(s->format, a, int_types[i], rm, &flags);
            fp_check(s, FP_OP_TO_I32 + i, x, rm, extended(expected, int_types[i]), flags);
        }
        for (unsigned i = 0; i < HULL_ARRAY_SIZE(formats); i++) {
            uint8_t flags = 0;
            if (formats[i] == s->format)
                continue;
            uint64_t expected = ref_convert(formats[i], s->format, a, rm, &flags);
            fp_check(s, FP_OP_TO_F16 + i, x, rm, expected, flags);
        }
    }
}

static void converts_to_integers_and_formats(void **state)
{
    struct fp_vectors *v = *state;
    for (int i = 1; i < 3; i++) { // every binary16 is tried below
        const struct fp_subject *s = &fp_subjects[i];
        fp_vectors_begin(v, "convert", 150);
        while (fp_vectors_more(v))
            check_conversions(s, fp_random_operand(v, s->format));
        printf("fp_%s_to_*: %lu operands\n", s->format->name, v->done);
    }
}

static void converts_from_integers(void **state)
{
    struct fp_vectors *v = *state;
    fp_vectors_begin(v, "from", 150);
    while (fp_vectors_more(v)) {
        const struct fp_subject *s = &fp_subjects[v->done % 3];
        const uint64_t x[3] = {fp_random_int(v), 0, 0};
        for (enum fp_rm rm = FP_RNE; rm <= FP_RMM; rm++) {
            for (unsigned i = 0; i < HULL_ARRAY_SIZE(int_types); i++) {
                uint8_t flags = 0;
                uint64_t value = extended(x[0], int_types[i]);
                bool negative = int_types[i].is_signed && (int64_t)value < 0;
                uint64_t expected =
                    ref_from_int(s->format, negative, negative ? 0 - value : value, rm, &flags);
                fp_check(s, FP_OP_FROM_I32 + i, x, rm, expected, flags);
            }
        }
    }
    printf("fp_*_from_*: %lu operands\n", v->done);
}

static void every_half_has_its_root_and_conversions(void **state)
{
    (void)state;
    for (uint64_t a = 0; a <= UINT16_MAX; a++) {
        const uint64_t x[3] = {a, 0, 0};
        against(&fp_subjects[0], FP_OP_SQRT, ref_sqrt, x);
        against(&fp_subjects[0], FP_OP_ROUND, ref_round, x);
        against(&fp_subjects[0], FP_OP_ROUNDNX, ref_roundnx, x);
        check_conversions(&fp_subjects[0], a);
    }
}

static void check_order(const struct fp_subject *s, uint64_t a, uint64_t b)
{
    const struct ref_format *f = s->format;
    const uint64_t x[3] = {a, b, 0};
    bool nan_a = ref_is_nan(f, a), nan_b = ref_is_nan(f, b), nan = nan_a || nan_b;
    uint8_t quiet = ref_is_snan(f, a) || ref_is_snan(f, b) ? FP_NV : 0;
    uint8_t signaling = nan ? FP_NV : 0;
    double da = nan_a ? NAN : ref_to_double(f, a), db = nan_b ? NAN : ref_to_double(f, b);
    fp_check(s, FP_OP_EQ, x, FP_RNE, da == db, quiet);
    fp_check(s, FP_OP_LT, x, FP_RNE, isless(da, db), signaling);
    fp_check(s, FP_OP_LE, x, FP_RNE, islessequal(da, db), signaling);
    fp_check(s, FP_OP_LTQ, x, FP_RNE, isless(da, db), quiet);
    fp_check(s, FP_OP_LEQ, x, FP_RNE, islessequal(da, db), quiet);

    bool a_first = isless(da, db) || (da == db && signbit(da));
    uint64_t min = nan_a ? b : nan_b || a_first ? a : b;
    uint64_t max = nan_a ? b : nan_b ? a : a_first ? b : a;
    if (nan_a && nan_b)
        min = max = ref_nan(f);
    fp_check(s, FP_OP_MIN, x, FP_RNE, min, quiet);
    fp_check(s, FP_OP_MAX, x, FP_RNE, max, quiet);
    fp_check(s, FP_OP_MINM, x, FP_RNE, nan ? ref_nan(f) : min, quiet);
    fp_check(s, FP_OP_MAXM, x, FP_RNE, nan ? ref_nan(f) : max, quiet);
}

static void compares_as_the_numbers_do(void **state)
{
    struct fp_vectors *v = *state;
    fp_vectors_begin(v, "order", 150);
    while (fp_vectors_more(v)) {
        const struct fp_subject *s = &fp_subjects[v->done % 3];
        uint64_t a = fp_random_operand(v, s->format), b = fp_random_operand(v, s->format), c;
        check_order(s, a, b);
        check_order(s, a, a);
        check_order(s, a, a ^ UINT64_C(1) << (s->format->exp_bits + s->format->frac_bits));
        fp_random_partners(v, s->format, a, &b, &c);
        check_order(s, a, b);
    }
    printf("comparisons: %lu operands\n", v->done);
}

static void classifies(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        const struct ref_format *f = fp_subjects[i].format;
        uint64_t one = UINT64_C(1) << f->frac_bits, sign = one << f->exp_bits, inf = sign - one;
        const struct {
            uint64_t value;
            unsigned bit;
        } cases[] = {
            {0, 4},   {1, 5},       {one - 1, 5},           {one, 6},           {inf - 1, 6},
            {inf, 7}, {inf + 1, 8}, {inf + one / 2 - 1, 8}, {inf + one / 2, 9}, {sign - 1, 9},
        };
        for (unsigned k = 0; k < HULL_ARRAY_SIZE(cases); k++) {
            unsigned bit = cases[k].bit, mirrored = bit < 8 ? 7 - bit : bit;
            const uint64_t positive[3] = {cases[k].value}, negative[3] = {cases[k].value | sign};
            fp_check(&fp_subjects[i], FP_OP_CLASSIFY, positive, FP_RNE, 1u << bit, 0);
            fp_check(&fp_subjects[i], FP_OP_CLASSIFY, negative, FP_RNE, 1u << mirrored, 0);
        }
    }
}

static void loads_the_constants_of_fli(void **state)
{
    static const double values[] = {
        -1,    0,      0x1p-16, 0x1p-15, 0x1p-8, 0x1p-7, 0.0625, 0.125, 0.25,  0.3125,
        0.375, 0.4375, 0.5,     0.625,   0.75,   0.875,  1,      1.25,  1.5,   1.75,
        2,     2.5,    3,       4,       8,      16,     128,    256,   32768, 65536,
    };
    (void)state;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(values); i++) {
        if (i == 1)
            continue;
        float f32 = (float)values[i];
        uint64_t f64_bits;
        uint32_t f32_bits;
        memcpy(&f64_bits, &values[i], sizeof(f64_bits));
        memcpy(&f32_bits, &f32, sizeof(f32_bits));
        assert_int_equal(fp_f64_fli(i), f64_bits);
        assert_int_equal(fp_f32_fli(i), f32_bits);
        if (i != 29)
            assert_true(ref_to_double(&ref_f16, fp_f16_fli(i)) == values[i]);
    }
    assert_int_equal(fp_f16_fli(29), 0x7c00); // 2^16 is out of range
    assert_int_equal(fp_f16_fli(1), 0x0400);
    assert_int_equal(fp_f32_fli(1), 0x00800000);
    assert_int_equal(fp_f64_fli(1), 0x0010000000000000);
    assert_int_equal(fp_f16_fli(30), 0x7c00);
    assert_int_equal(fp_f32_fli(30), 0x7f800000);
    assert_int_equal(fp_f64_fli(30), 0x7ff0000000000000);
    assert_int_equal(fp_f16_fli(31), FP_F16_NAN);
    assert_int_equal(fp_f32_fli(31), FP_F32_NAN);
    assert_int_equal(fp_f64_fli(31), FP_F64_NAN);
}

static void converts_modulo_2_to_the_32(void **state)
{
    struct fp_vectors *v = *state;
    fp_vectors_begin(v, "mod", 50);
    while (fp_vectors_more(v)) {
        uint64_t a = fp_random_operand(v, &ref_f64);
        uint8_t flags = 0, expected_flags = 0;
        int64_t expected = 0;
        ref_to_int(&ref_f64, a, (struct ref_int){32, true}, FP_RTZ, &expected_flags);
        if (!ref_is_nan(&ref_f64, a) && isfinite(ref_to_double(&ref_f64, a)))
            expected = (int64_t)fmod(trunc(ref_to_double(&ref_f64, a)), 0x1p32);
        int32_t result = fp_f64_to_i32_mod(a, &flags);
        if ((uint32_t)result != (uint32_t)expected || flags != expected_flags)
            fail_msg("fp_f64_to_i32_mod(%#llx): %#x flags %#x, not %#x flags %#x",
                     (unsigned long long)a, result, flags, (uint32_t)expected, expected_flags);
    }
}

// What the specification singles out, and what implementations get wrong.
static void known_cases_hold(void **state)
{
    static const struct {
        enum fp_op op;
        uint64_t operands[3];
        enum fp_rm rm;
        uint64_t result;
        uint8_t flags;
    } cases[] = {
        // inf * 0 + qNaN is invalid.
        {FP_OP_FMA, {0x7f800000, 0, 0x7fc00001}, FP_RNE, FP_F32_NAN, FP_NV},
        {FP_OP_FMA, {0x7f800000, 0x3f800000, 0x7fc00001}, FP_RNE, FP_F32_NAN, 0},
        // (1 + 2^-23) * (2^-126 - 2^-149) rounds to the least normal number: tiny only while the
        // exponent decides before rounding.
        {FP_OP_MUL, {0x3f800001, 0x007fffff, 0}, FP_RNE, 0x00800000, FP_NX},
        {FP_OP_MUL, {0x3f800001, 0x007fffff, 0}, FP_RTZ, 0x007fffff, FP_NX | FP_UF},
        // Exact subnormal results raise nothing.
        {FP_OP_MUL, {0x3f000000, 0x00800000, 0}, FP_RNE, 0x00400000, 0},
        // Signs of zero sums.
        {FP_OP_ADD, {0x3f800000, 0xbf800000, 0}, FP_RNE, 0, 0},
        {FP_OP_ADD, {0x3f800000, 0xbf800000, 0}, FP_RDN, 0x80000000, 0},
        {FP_OP_ADD, {0x80000000, 0x80000000, 0}, FP_RUP, 0x80000000, 0},
        {FP_OP_SUB, {0, 0, 0}, FP_RDN, 0x80000000, 0},
        {FP_OP_FMA, {0x80000000, 0x3f800000, 0}, FP_RNE, 0, 0},
        // Overflow towards zero stops at the greatest number.
        {FP_OP_ADD, {0x7f7fffff, 0x7f7fffff, 0}, FP_RTZ, 0x7f7fffff, FP_OF | FP_NX},
        {FP_OP_ADD, {0x7f7fffff, 0x7f7fffff, 0}, FP_RMM, 0x7f800000, FP_OF | FP_NX},
        {FP_OP_DIV, {0x3f800000, 0x80000000, 0}, FP_RNE, 0xff800000, FP_DZ},
        {FP_OP_DIV, {0, 0, 0}, FP_RNE, FP_F32_NAN, FP_NV},
        {FP_OP_SQRT, {0x80000000, 0, 0}, FP_RNE, 0x80000000, 0},
        {FP_OP_SQRT, {0xbf800000, 0, 0}, FP_RNE, FP_F32_NAN, FP_NV},
        {FP_OP_MIN, {0, 0x80000000, 0}, FP_RNE, 0x80000000, 0},
        {FP_OP_MAX, {0x80000000, 0, 0}, FP_RNE, 0, 0},
        {FP_OP_MIN, {0x7f800001, 0x3f800000, 0}, FP_RNE, 0x3f800000, FP_NV},
        {FP_OP_MAX, {0x7fc00000, 0xff800001, 0}, FP_RNE, FP_F32_NAN, FP_NV},
        {FP_OP_MAXM, {0x7fc00000, 0x3f800000, 0}, FP_RNE, FP_F32_NAN, 0},
        // Saturation.
        {FP_OP_TO_I32, {0xffc00000, 0, 0}, FP_RNE, INT32_MAX, FP_NV},
        {FP_OP_TO_U64, {0xffc00000, 0, 0}, FP_RNE, UINT64_MAX, FP_NV},
        {FP_OP_TO_U32, {0xbf800000, 0, 0}, FP_RTZ, 0, FP_NV},
        {FP_OP_TO_U32, {0xbf7fffff, 0, 0}, FP_RTZ, 0, FP_NX},
        {FP_OP_TO_U32, {0xbf000000, 0, 0}, FP_RMM, 0, FP_NV},
        {FP_OP_TO_U32, {0x80000000, 0, 0}, FP_RNE, 0, 0},
        {FP_OP_TO_I32, {0xcf000000, 0, 0}, FP_RNE, (uint64_t)INT32_MIN, 0},
        {FP_OP_TO_I32, {0x4f000000, 0, 0}, FP_RNE, INT32_MAX, FP_NV},
        {FP_OP_TO_I64, {0xff800000, 0, 0}, FP_RNE, (uint64_t)INT64_MIN, FP_NV},
        {FP_OP_TO_F64, {0xff800001, 0, 0}, FP_RNE, FP_F64_NAN, FP_NV},
        {FP_OP_TO_F16, {0xffc12345, 0, 0}, FP_RNE, FP_F16_NAN, 0},
        {FP_OP_ROUND, {0xbe800000, 0, 0}, FP_RNE, 0x80000000, 0},
        {FP_OP_ROUNDNX, {0x40200000, 0, 0}, FP_RMM, 0x40400000, FP_NX},
    };
    (void)state;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(cases); i++)
        fp_check(&fp_subjects[1], cases[i].op, cases[i].operands, cases[i].rm, cases[i].result,
                 cases[i].flags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_cases_hold),
        cmocka_unit_test(classifies),
        cmocka_unit_test(loads_the_constants_of_fli),
        cmocka_unit_test(adds_exactly),
        cmocka_unit_test(subtracts_exactly),
        cmocka_unit_test(multiplies_exactly),
        cmocka_unit_test(divides_exactly),
        cmocka_unit_test(fuses_exactly),
        cmocka_unit_test(takes_roots_exactly),
        cmocka_unit_test(rounds_to_integral_values),
        cmocka_unit_test(converts_to_integers_and_formats),
        cmocka_unit_test(converts_from_integers),
        cmocka_unit_test(every_half_has_its_root_and_conversions),
        cmocka_unit_test(compares_as_the_numbers_do),
        cmocka_unit_test(converts_modulo_2_to_the_32),
    };
    return cmocka_run_group_tests_name("lib/fp", tests, start, NULL);
}
