// SPDX-License-Identifier: Apache-2.0
// The console's escape keys.
#include "unit.h"

#include <string.h>

#include "host/console/keys.h"

// Feeds `in`; the bytes that pass are collected in `out`, the last other action is returned.
static enum keys_action feed(struct keys *keys, const char *in, char *out)
{
    enum keys_action last = KEYS_NONE;

    for (; *in; in++) {
        uint8_t byte;
        enum keys_action action = hull_keys_feed(keys, (uint8_t)*in, &byte);

        if (action == KEYS_BYTE)
            *out++ = (char)byte;
        else if (action != KEYS_NONE)
            last = action;
    }
    *out = '\0';
    return last;
}

static void text_passes(void **state)
{
    struct keys keys = {0};
    char out[64];

    (void)state;
    assert_int_equal(feed(&keys, "xch\x02\x03\x1a\x1b[A\xff", out), KEYS_NONE);
    assert_string_equal(out, "xch\x02\x03\x1a\x1b[A\xff");
}

static void escapes_act(void **state)
{
    static const struct {
        const char *in;
        enum keys_action action;
    } cases[] = {{"\1x", KEYS_QUIT},    {"\1X", KEYS_QUIT}, {"\1c", KEYS_MONITOR},
                 {"\1C", KEYS_MONITOR}, {"\1h", KEYS_HELP}, {"\1?", KEYS_HELP},
                 {"\1z", KEYS_NONE}};
    char out[64];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct keys keys = {0};

        assert_int_equal(feed(&keys, cases[i].in, out), cases[i].action);
        assert_string_equal(out, "");
        // The state is back: the next letters are text.
        assert_int_equal(feed(&keys, "xc", out), KEYS_NONE);
        assert_string_equal(out, "xc");
    }
}

static void ctrl_a_can_be_sent(void **state)
{
    struct keys keys = {0};
    char out[64];

    (void)state;
    assert_int_equal(feed(&keys, "a\1\1b\1ac\1A", out), KEYS_NONE);
    assert_string_equal(out, "a\1b\1c\1");
}

// The two bytes may come in two reads.
static void escapes_span_reads(void **state)
{
    struct keys keys = {0};
    char out[64];

    (void)state;
    assert_int_equal(feed(&keys, "\1", out), KEYS_NONE);
    assert_int_equal(feed(&keys, "x", out), KEYS_QUIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_passes),
        cmocka_unit_test(escapes_act),
        cmocka_unit_test(ctrl_a_can_be_sent),
        cmocka_unit_test(escapes_span_reads),
    };
    return cmocka_run_group_tests_name("host/keys", tests, NULL, NULL);
}
