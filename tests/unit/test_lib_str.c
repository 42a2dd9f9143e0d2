// SPDX-License-Identifier: Apache-2.0
// String functions against the libc's, numbers and sizes out of text, and suggestions.
#include "lib/str.h"
#include "tests/unit/unit.h"

static const char *const words[] = {"", "a", "b", "ab", "abc", "abd", "abcabc", "\xff", "\x7f"};
#define WORDS (sizeof(words) / sizeof(words[0]))

static int sign(int x)
{
    return (x > 0) - (x < 0);
}

static void comparisons_agree_with_libc(void **state)
{
    (void)state;
    for (size_t i = 0; i < WORDS; i++) {
        const char *a = words[i];
        assert_int_equal(hull_strlen(a), strlen(a));
        for (size_t j = 0; j < WORDS; j++) {
            const char *b = words[j];
            assert_int_equal(sign(hull_strcmp(a, b)), sign(strcmp(a, b)));
            assert_int_equal(hull_streq(a, b), !strcmp(a, b));
            for (size_t n = 0; n < 8; n++)
                assert_int_equal(sign(hull_strncmp(a, b, n)), sign(strncmp(a, b, n)));
        }
    }
}

static void strnlen_stops_at_the_limit(void **state)
{
    (void)state;
    const char open[3] = {'a', 'b', 'c'}; // no terminator to run past
    assert_int_equal(hull_strnlen(open, 3), 3);
    assert_int_equal(hull_strnlen("ab", 3), 2);
    assert_int_equal(hull_strncmp(open, open, 3), 0);
}

static void characters_are_found(void **state)
{
    (void)state;
    const char *s = "a/b/c";
    assert_ptr_equal(hull_strchr(s, '/'), s + 1);
    assert_ptr_equal(hull_strrchr(s, '/'), s + 3);
    assert_ptr_equal(hull_strchr(s, '\0'), s + 5);
    assert_ptr_equal(hull_strrchr(s, '\0'), s + 5);
    assert_null(hull_strchr(s, 'x'));
    assert_null(hull_strrchr(s, 'x'));
}

static void prefixes_and_suffixes(void **state)
{
    (void)state;
    assert_true(hull_str_starts("disk.img", "disk"));
    assert_true(hull_str_starts("disk", ""));
    assert_false(hull_str_starts("dis", "disk"));
    assert_true(hull_str_ends("disk.img", ".img"));
    assert_true(hull_str_ends("disk", ""));
    assert_false(hull_str_ends("mg", "img"));
}

static void strlcpy_cuts_and_terminates(void **state)
{
    (void)state;
    char to[4] = {'x', 'x', 'x', 'x'};
    assert_int_equal(hull_strlcpy(to, "abc", 4), 3);
    assert_string_equal(to, "abc");
    assert_int_equal(hull_strlcpy(to, "vwxyz", 4), 5);
    assert_string_equal(to, "vwx");
    assert_int_equal(hull_strlcpy(to, "abc", 1), 3);
    assert_string_equal(to, "");
    to[0] = 'k';
    assert_int_equal(hull_strlcpy(to, "abc", 0), 3);
    assert_int_equal(to[0], 'k');
}

static void expect_u64(const char *text, unsigned base, int error, uint64_t value)
{
    uint64_t got = 0xdead;
    assert_int_equal(hull_parse_u64(text, base, &got), error);
    assert_true(got == (error ? 0xdead : value));
}

static void numbers_are_read_whole(void **state)
{
    (void)state;
    expect_u64("0", 0, 0, 0);
    expect_u64("18446744073709551615", 0, 0, UINT64_MAX);
    expect_u64("18446744073709551616", 0, -HULL_ERANGE, 0);
    expect_u64("99999999999999999999999", 10, -HULL_ERANGE, 0);
    expect_u64("0xFFFFFFFFffffffff", 0, 0, UINT64_MAX);
    expect_u64("0x10000000000000000", 0, -HULL_ERANGE, 0);
    expect_u64("0b101", 0, 0, 5);
    expect_u64("0o17", 0, 0, 15);
    expect_u64("017", 0, 0, 17);
    expect_u64("ff", 16, 0, 255);
    expect_u64("z", 36, 0, 35);
    expect_u64("80000000", 16, 0, 0x80000000);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"", " 1", "1 ", "-1", "+1", "0x", "0b2", "1_0", "0xg", "12a", "x"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        expect_u64(bad[i], 0, -HULL_EINVAL, 0);
    expect_u64("99999999999999999999999x", 0, -HULL_EINVAL, 0);
    expect_u64("2", 2, -HULL_EINVAL, 0);
    expect_u64("0", 1, -HULL_EINVAL, 0);
    expect_u64("0", 37, -HULL_EINVAL, 0);
}

static void expect_size(const char *text, int error, uint64_t value)
{
    uint64_t got = 0xdead;
    assert_int_equal(hull_parse_size(text, &got), error);
    assert_true(got == (error ? 0xdead : value));
}

static void sizes_have_units(void **state)
{
    (void)state;
    expect_size("4096", 0, 4096);
    expect_size("1K", 0, 1024);
    expect_size("512M", 0, 512ull << 20);
    expect_size("2g", 0, 2ull << 30);
    expect_size("1GiB", 0, 1ull << 30);
    expect_size("3MB", 0, 3ull << 20);
    expect_size("0x10k", 0, 0x4000);
    expect_size("16777215T", 0, 16777215ull << 40);
    expect_size("16777216T", -HULL_ERANGE, 0);
    expect_size("99999999999999999999K", -HULL_ERANGE, 0);
    expect_size("99999999999999999999Q", -HULL_EINVAL, 0);
    expect_size("G", -HULL_EINVAL, 0);
    expect_size("1Gx", -HULL_EINVAL, 0);
    expect_size("1X", -HULL_EINVAL, 0);
    expect_size("", -HULL_EINVAL, 0);
    expect_size("-1G", -HULL_EINVAL, 0);
}

static void edit_distances(void **state)
{
    (void)state;
    const struct {
        const char *a, *b;
        unsigned distance;
    } cases[] = {
        {"", "", 0},
        {"", "abc", 3},
        {"memory", "memory", 0},
        {"memroy", "memory", 1},
        {"mem", "memory", 3},
        {"kitten", "sitting", 3},
        {"ab", "ba", 1},
        {"abcd", "badc", 2},
        {"kernel", "kernal", 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(hull_edit_distance(cases[i].a, cases[i].b), cases[i].distance);
        assert_int_equal(hull_edit_distance(cases[i].b, cases[i].a), cases[i].distance);
    }
    char longer[200];
    memset(longer, 'x', sizeof(longer));
    longer[199] = '\0';
    assert_int_equal(hull_edit_distance(longer, ""), HULL_EDIT_MAX);
}

static void suggestions_are_near(void **state)
{
    (void)state;
    const char *const names[] = {"cpus", "memory", "kernel", "initrd", "append"};
    assert_string_equal(hull_suggest("memmory", names, 5), "memory");
    assert_string_equal(hull_suggest("cpu", names, 5), "cpus");
    assert_string_equal(hull_suggest("initdr", names, 5), "initrd");
    assert_null(hull_suggest("network", names, 5));
    assert_null(hull_suggest("x", names, 5));
    assert_null(hull_suggest("memory", names, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comparisons_agree_with_libc),
        cmocka_unit_test(strnlen_stops_at_the_limit),
        cmocka_unit_test(characters_are_found),
        cmocka_unit_test(prefixes_and_suffixes),
        cmocka_unit_test(strlcpy_cuts_and_terminates),
        cmocka_unit_test(numbers_are_read_whole),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(sizes_have_units),
        cmocka_unit_test(edit_distances),
        cmocka_unit_test(suggestions_are_near),
    };
    return cmocka_run_group_tests_name("lib_str", tests, NULL, NULL);
}
