// SPDX-License-Identifier: Apache-2.0
// Every error code has a text of its own, whatever its sign.
#include "tests/unit/unit.h"
#include <hull/error.h>
#include <limits.h>

static void codes_have_distinct_texts(void **state)
{
    (void)state;
    for (int a = HULL_EINVAL; a <= HULL_ECANCELED; a++) {
        assert_string_equal(hull_strerror(a), hull_strerror(-a));
        assert_string_not_equal(hull_strerror(a), hull_strerror(INT_MAX));
        for (int b = 0; b < a; b++)
            assert_string_not_equal(hull_strerror(a), hull_strerror(b));
    }
}

static void other_numbers_are_unknown(void **state)
{
    (void)state;
    assert_string_equal(hull_strerror(INT_MIN), "unknown error");
    assert_string_equal(hull_strerror(INT_MAX), "unknown error");
    assert_string_equal(hull_strerror(HULL_ECANCELED + 1000), "unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_distinct_texts),
        cmocka_unit_test(other_numbers_are_unknown),
    };
    return cmocka_run_group_tests_name("lib_error", tests, NULL, NULL);
}
