// SPDX-License-Identifier: Apache-2.0
// Checked arithmetic at the edge of 64 bits, and ranges that end there.
#include "lib/checked.h"
#include "tests/unit/unit.h"

#define MAX UINT64_MAX

static void arithmetic_fails_instead_of_wrapping(void **state)
{
    (void)state;
    uint64_t r = 99;
    assert_true(hull_add_u64(MAX - 1, 1, &r) && r == MAX);
    r = 99;
    assert_false(hull_add_u64(MAX, 1, &r));
    assert_false(hull_add_u64(1, MAX, &r));
    assert_false(hull_sub_u64(1, 2, &r));
    assert_false(hull_mul_u64(1ull << 32, 1ull << 32, &r));
    assert_true(r == 99);
    assert_true(hull_sub_u64(2, 2, &r) && r == 0);
    assert_true(hull_mul_u64(1ull << 32, (1ull << 32) - 1, &r) && r == 0xffffffff00000000);
    assert_true(hull_mul_u64(MAX, 0, &r) && r == 0);
}

static void alignment(void **state)
{
    (void)state;
    uint64_t r = 99;
    assert_true(hull_align_up_u64(0, 4096, &r) && r == 0);
    assert_true(hull_align_up_u64(1, 4096, &r) && r == 4096);
    assert_true(hull_align_up_u64(4096, 4096, &r) && r == 4096);
    assert_true(hull_align_up_u64(MAX - 4095, 4096, &r) && r == MAX - 4095);
    r = 99;
    assert_false(hull_align_up_u64(MAX - 4094, 4096, &r));
    assert_false(hull_align_up_u64(MAX, 2, &r));
    assert_true(r == 99);
    assert_true(hull_align_up_u64(MAX, 1, &r) && r == MAX);
    assert_true(hull_align_down_u64(MAX, 4096) == MAX - 4095);
    assert_true(hull_is_aligned_u64(8192, 4096) && !hull_is_aligned_u64(8193, 4096));
}

static void ranges_may_end_at_2_to_the_64(void **state)
{
    (void)state;
    assert_true(hull_range_valid(MAX, 1));
    assert_true(hull_range_valid(0, MAX));
    assert_true(hull_range_valid(MAX, 0));
    assert_false(hull_range_valid(MAX, 2));
    assert_false(hull_range_valid(1ull << 63, MAX));
    assert_true(hull_range_has(MAX, 1, MAX));
    assert_false(hull_range_has(MAX - 1, 1, MAX));
    assert_false(hull_range_has(5, 0, 5));
    assert_false(hull_range_has(5, 2, 4));
}

// The slow way, on small numbers, where nothing can wrap.
static void overlap_and_containment(void **state)
{
    (void)state;
    for (uint64_t a = 0; a < 6; a++)
        for (uint64_t an = 0; an < 6; an++)
            for (uint64_t b = 0; b < 6; b++)
                for (uint64_t bn = 0; bn < 6; bn++) {
                    bool overlaps = false;
                    for (uint64_t x = a; x < a + an; x++)
                        overlaps |= x >= b && x < b + bn;
                    assert_int_equal(hull_range_overlaps(a, an, b, bn), overlaps);
                    assert_int_equal(hull_range_contains(a, an, b, bn), b >= a && b + bn <= a + an);
                    // The same at the other end of the address space.
                    assert_int_equal(hull_range_overlaps(MAX - 20 + a, an, MAX - 20 + b, bn),
                                     overlaps);
                }
    assert_true(hull_range_overlaps(0, MAX, MAX - 1, 1));
    assert_false(hull_range_overlaps(0, MAX, MAX, 1));
    assert_false(hull_range_contains(0x1000, 0x1000, 0x1800, MAX));
    assert_false(hull_range_contains(0x1000, 0x1000, 0xfff, 2));
    assert_true(hull_range_contains(MAX - 9, 10, MAX, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arithmetic_fails_instead_of_wrapping),
        cmocka_unit_test(alignment),
        cmocka_unit_test(ranges_may_end_at_2_to_the_64),
        cmocka_unit_test(overlap_and_containment),
    };
    return cmocka_run_group_tests_name("lib_checked", tests, NULL, NULL);
}
