// SPDX-License-Identifier: Apache-2.0
// The places of values in a JSON text: what a message's line and column say.
#include "tests/unit/unit.h"

#include "host/config/json_place.h"

static const char document[] =
    "{\n"
    "  \"a\": 1,\n"
    "\t\"list\" : [ 10, [\"x]\", {\"k\\\"}\": 2}],\r\n"
    "    {\"b\": {\"c\": true}}, \"last\" ],\n"
    "  \"gr\xc3\xbc\xc3\x9f\": \"\xe2\x82\xac\xe2\x82\xac\", \"after\": 0,\n"
    "  \"\\u0065sc\\n\\ud83d\\ude00\": -1.5e3\n"
    "}\n";

static void assert_place(const struct json_step *step, enum json_part part, unsigned line,
                         unsigned column)
{
    struct json_place place;
    assert_true(hull_json_locate(document, sizeof(document) - 1, step, part, &place));
    assert_int_equal(place.line, line);
    assert_int_equal(place.column, column);
}

static void members_are_found_by_key_and_by_value(void **state)
{
    (void)state;
    const struct json_step a = {NULL, "a", 0};
    assert_place(NULL, JSON_PART_VALUE, 1, 1);
    assert_place(&a, JSON_PART_KEY, 2, 3);
    assert_place(&a, JSON_PART_VALUE, 2, 8);
}

static void items_are_found_behind_nested_brackets(void **state)
{
    (void)state;
    const struct json_step list = {NULL, "list", 0};
    const struct json_step first = {&list, NULL, 0}, third = {&list, NULL, 2};
    const struct json_step fourth = {&list, NULL, 3}, fifth = {&list, NULL, 4};
    const struct json_step b = {&third, "b", 0}, c = {&b, "c", 0};
    struct json_place place;
    assert_place(&list, JSON_PART_VALUE, 3, 11);
    assert_place(&first, JSON_PART_VALUE, 3, 13);
    assert_place(&third, JSON_PART_VALUE, 4, 5);
    assert_place(&c, JSON_PART_KEY, 4, 12);
    assert_place(&c, JSON_PART_VALUE, 4, 17);
    assert_place(&fourth, JSON_PART_VALUE, 4, 25);
    assert_false(hull_json_locate(document, sizeof(document) - 1, &fifth, JSON_PART_VALUE, &place));
}

static void columns_count_characters(void **state)
{
    (void)state;
    const struct json_step utf8 = {NULL, "gr\xc3\xbc\xc3\x9f", 0}, after = {NULL, "after", 0};
    assert_place(&utf8, JSON_PART_VALUE, 5, 11);
    assert_place(&after, JSON_PART_KEY, 5, 17);
}

static void escaped_keys_are_the_same_keys(void **state)
{
    (void)state;
    const struct json_step step = {NULL, "esc\n\xf0\x9f\x98\x80", 0};
    const struct json_step shorter = {NULL, "esc\n", 0},
                           longer = {NULL, "esc\n\xf0\x9f\x98\x80x", 0};
    struct json_place place;
    assert_place(&step, JSON_PART_KEY, 6, 3);
    assert_place(&step, JSON_PART_VALUE, 6, 29);
    assert_false(
        hull_json_locate(document, sizeof(document) - 1, &shorter, JSON_PART_VALUE, &place));
    assert_false(
        hull_json_locate(document, sizeof(document) - 1, &longer, JSON_PART_VALUE, &place));
}

// Cut anywhere: an answer or none, and never a byte past the end (ASan sees the heap copy).
static void cut_texts_end_the_search(void **state)
{
    (void)state;
    const struct json_step list = {NULL, "list", 0}, third = {&list, NULL, 2}, b = {&third, "b", 0};
    const struct json_step last = {NULL, "esc\n\xf0\x9f\x98\x80", 0};
    unsigned found = 0;
    for (size_t size = 0; size < sizeof(document); size++) {
        struct json_place place;
        char *copy = test_malloc(size + 1);
        memcpy(copy, document, size);
        copy = test_realloc(copy, size ? size : 1);
        found += hull_json_locate(copy, size, &b, JSON_PART_VALUE, &place);
        assert_false(size < 120 && hull_json_locate(copy, size, &last, JSON_PART_VALUE, &place));
        test_free(copy);
    }
    assert_true(found > 0 && found < sizeof(document));
}

static void text_that_is_no_json_has_no_places(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "   ",
                                        "{",
                                        "{\"a\"",
                                        "{\"a\":",
                                        "{]",
                                        "{a:1}",
                                        "[1,2",
                                        "{\"b\":,",
                                        "}",
                                        "nope",
                                        "{\"a\" 1}",
                                        "\"a",
                                        "{\"\\ud83dx\":1}",
                                        "{\"b\":[}]}",
                                        "{\"b\":1 \"a\":2}"};
    const struct json_step a = {NULL, "a", 0}, deep = {&a, "a", 0}, item = {&a, NULL, 1};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct json_place place;
        assert_false(hull_json_locate(texts[i], strlen(texts[i]), &deep, JSON_PART_VALUE, &place));
        assert_false(hull_json_locate(texts[i], strlen(texts[i]), &item, JSON_PART_VALUE, &place));
        assert_false(hull_json_locate(texts[i], strlen(texts[i]), &a, JSON_PART_KEY, &place));
    }
}

static void paths_are_printed_and_cut(void **state)
{
    (void)state;
    const struct json_step net = {NULL, "net", 0}, item = {&net, NULL, 12}, key = {&item, "mac", 0};
    char text[32], little[8];
    hull_json_step_print(&key, text, sizeof(text));
    assert_string_equal(text, "net[12].mac");
    hull_json_step_print(&key, little, sizeof(little));
    assert_string_equal(little, "net[12]");
    hull_json_step_print(NULL, text, sizeof(text));
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_key_and_by_value),
        cmocka_unit_test(items_are_found_behind_nested_brackets),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(escaped_keys_are_the_same_keys),
        cmocka_unit_test(cut_texts_end_the_search),
        cmocka_unit_test(text_that_is_no_json_has_no_places),
        cmocka_unit_test(paths_are_printed_and_cut),
    };
    return cmocka_run_group_tests_name("host/config/json_place", tests, NULL, NULL);
}
