// SPDX-License-Identifier: Apache-2.0
// Ticks and nanoseconds: there and back, and rounded the right way.
#include "tests/unit/unit.h"

#include <hull/types.h>

#include "lib/ticks.h"

static const uint64_t clocks[] = {1000,     32768,    1000000,  3579545,  4000000,    10000000,
                                  19200000, 24000000, 62500000, 99999999, 1000000000, 999999937};

static void ticks_come_back_as_they_were(void **state)
{
    uint64_t seed = 88172645463325252;

    (void)state;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(clocks); i++)
        for (unsigned n = 0; n < 20000; n++) {
            uint64_t ticks, longest = UINT64_MAX / TICKS_NSEC_PER_SEC * clocks[i] - 1;

            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            ticks = (seed >> n % 64) % longest;
            assert_true(hull_ticks_of_ns(clocks[i], hull_ns_of_ticks(clocks[i], ticks)) == ticks);
        }
}

static void a_time_is_not_over_before_its_ticks_are(void **state)
{
    (void)state;
    assert_int_equal(hull_ns_of_ticks(3, 1), 333333334);
    assert_int_equal(hull_ticks_of_ns(3, 333333333), 0);
    assert_int_equal(hull_ticks_of_ns(3, 333333334), 1);
    assert_int_equal(hull_ns_of_ticks(10000000, 123), 12300);
    assert_int_equal(hull_ticks_of_ns(10000000, 12399), 123);
    assert_int_equal(hull_ticks_of_ns(24000000, 3600 * TICKS_NSEC_PER_SEC), 3600ull * 24000000);
}

static void what_is_too_long_is_for_ever(void **state)
{
    (void)state;
    assert_true(hull_ns_of_ticks(1000, UINT64_MAX) == UINT64_MAX);
    assert_true(hull_ns_of_ticks(10000000, UINT64_MAX / 100 + 1) == UINT64_MAX);
    assert_true(hull_ns_of_ticks(10000000, UINT64_MAX / 100) != UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ticks_come_back_as_they_were),
        cmocka_unit_test(a_time_is_not_over_before_its_ticks_are),
        cmocka_unit_test(what_is_too_long_is_for_ever),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
