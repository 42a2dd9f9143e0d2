// SPDX-License-Identifier: Apache-2.0
// The formatter against the libc's, over every combination of flags, widths and precisions.
#include "lib/format.h"
#include "tests/unit/unit.h"
#include <limits.h>
#include <stdio.h>

// Every combination is meant, also those that a compiler would warn about.
#pragma GCC diagnostic ignored "-Wformat"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wformat-overflow"
#endif

#define EXPECT_SAME(...)                                                    \
    do {                                                                    \
        char ours_[128], libc_[128];                                        \
        int ours_length = hull_snprintf(ours_, sizeof(ours_), __VA_ARGS__); \
        int libc_length = snprintf(libc_, sizeof(libc_), __VA_ARGS__);      \
        assert_string_equal(ours_, libc_);                                  \
        assert_int_equal(ours_length, libc_length);                         \
    } while (0)

static const char *const flags[] = {"",   "-",  "0",  "+",  " ",  "#",
                                    "-0", "+0", "#0", "-#", " 0", "+-"};
static const char *const widths[] = {"", "1", "5", "12", "30"};
static const char *const precisions[] = {"", ".", ".0", ".1", ".7", ".25"};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

// Calls back with each of "%<flags><width><precision><length><conversion>".
static void for_each_format(const char *length, char conversion, void (*check)(const char *format))
{
    for (size_t f = 0; f < COUNT(flags); f++)
        for (size_t w = 0; w < COUNT(widths); w++)
            for (size_t p = 0; p < COUNT(precisions); p++) {
                char format[32];
                snprintf(format, sizeof(format), "<%%%s%s%s%s%c>", flags[f], widths[w],
                         precisions[p], length, conversion);
                check(format);
            }
}

static void check_int(const char *format)
{
    const int values[] = {0, 1, -1, 42, INT_MAX, INT_MIN};
    for (size_t i = 0; i < COUNT(values); i++)
        EXPECT_SAME(format, values[i]);
}

static void check_long(const char *format)
{
    const long values[] = {0, 1, -1, LONG_MAX, LONG_MIN, 0x123456789abcdef};
    for (size_t i = 0; i < COUNT(values); i++)
        EXPECT_SAME(format, values[i]);
}

static void check_string(const char *format)
{
    EXPECT_SAME(format, "");
    EXPECT_SAME(format, "word");
    EXPECT_SAME(format, "a rather long text of words");
}

static void integers_agree_with_libc(void **state)
{
    (void)state;
    for (const char *c = "diuxXo"; *c; c++) {
        for_each_format("", *c, check_int);
        for_each_format("h", *c, check_int);
        for_each_format("hh", *c, check_int);
        for_each_format("l", *c, check_long);
        for_each_format("ll", *c, check_long);
        for_each_format("z", *c, check_long);
        for_each_format("j", *c, check_long);
        for_each_format("t", *c, check_long);
    }
}

static void strings_agree_with_libc(void **state)
{
    (void)state;
    for (size_t w = 0; w < COUNT(widths); w++)
        for (size_t p = 0; p < COUNT(precisions); p++) {
            char format[32];
            snprintf(format, sizeof(format), "<%%%s%ss>", widths[w], precisions[p]);
            check_string(format);
            snprintf(format, sizeof(format), "<%%-%s%ss>", widths[w], precisions[p]);
            check_string(format);
        }
    char text[16];
    hull_snprintf(text, sizeof(text), "%s", (const char *)NULL);
    assert_string_equal(text, "(null)");
}

static void the_rest_agrees_with_libc(void **state)
{
    (void)state;
    EXPECT_SAME("no conversion");
    EXPECT_SAME("100%% of %c%c", 'i', 't');
    EXPECT_SAME("%5c|%-5c|", 'x', 'y');
    EXPECT_SAME("%p", (void *)0x1234abcd);
    EXPECT_SAME("%20p|%-20p|", (void *)0x80000000, (void *)0x1000);
    EXPECT_SAME("%*d|%-*d|%*d", 7, 1, 7, 2, -7, 3);
    EXPECT_SAME("%.*s|%.*s", 2, "abcdef", -1, "abcdef");
    EXPECT_SAME("%.*d|%.*d", 4, 7, -4, 7);
    EXPECT_SAME("%s=%#lx, %zu of %08x", "satp", 0x8000000000080000ul, (size_t)3, 0xbeefu);
}

static void precision_bounds_the_read(void **state)
{
    (void)state;
    const char open[3] = {'a', 'b', 'c'}; // no terminator to run past
    char text[8];
    hull_snprintf(text, sizeof(text), "%.3s", open);
    assert_string_equal(text, "abc");
}

static void output_is_cut_and_terminated(void **state)
{
    (void)state;
    char text[8];
    for (size_t size = 0; size <= sizeof(text); size++) {
        memset(text, '#', sizeof(text));
        assert_int_equal(hull_snprintf(text, size, "%d%s", 123, "4567890"), 10);
        for (size_t i = 0; i < sizeof(text); i++)
            assert_int_equal(text[i], i + 1 < size ? "1234567890"[i] : i + 1 == size ? 0 : '#');
    }
    assert_int_equal(hull_snprintf(NULL, 0, "%s", "abc"), 3);
}

static void unknown_conversions_are_kept(void **state)
{
    (void)state;
    char text[32];
    hull_snprintf(text, sizeof(text), "%y %5.2f %");
    assert_string_equal(text, "%y %5.2f %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integers_agree_with_libc),
        cmocka_unit_test(strings_agree_with_libc),
        cmocka_unit_test(the_rest_agrees_with_libc),
        cmocka_unit_test(precision_bounds_the_read),
        cmocka_unit_test(output_is_cut_and_terminated),
        cmocka_unit_test(unknown_conversions_are_kept),
    };
    return cmocka_run_group_tests_name("lib_format", tests, NULL, NULL);
}
