// SPDX-License-Identifier: Apache-2.0
// The program and docs/schema/vm.schema.json judge alike: both are held to one table of documents
// (the schema's side is tests/e2e/cli-schema.py), and know the same keys and words.
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/config/config.h"
#include "host/config/json_board.h"
#include "host/config/json_spec.h"

static json_t *load(const char *file)
{
    json_error_t error;
    json_t *root = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
    if (!root)
        fail_msg("%s:%d: %s", file, error.line, error.text);
    return root;
}

// Whether `field` is the one that the case expects to be blamed, or inside of it.
static bool blames(const struct vm_config *config, const char *field)
{
    size_t length = strlen(field);
    for (unsigned i = 0; i < config->fault_count; i++)
        if (strncmp(config->faults[i].field, field, length) == 0)
            return true;
    return false;
}

static void judge_board_spec(void *ctx, unsigned vm, const struct spec_error *error)
{
    (void)vm;
    hull_config_judge(ctx, ((struct vm_config *)ctx)->fault_count, error);
}

static bool read_board(struct vm_config *config, const char *text)
{
    const struct spec_sink sink = {judge_board_spec, config};
    struct board_spec board;
    hull_board_defaults(&board);
    bool read = !hull_config_parse_board(config, "board.json", text, strlen(text), &board);
    return !hull_board_validate(&board, &sink) && read;
}

static bool read_vm(struct vm_config *config, const char *text)
{
    return !hull_config_parse(config, "vm.json", text, strlen(text)) &&
           !hull_config_check(config, false);
}

static unsigned judge(const json_t *one, bool (*read)(struct vm_config *config, const char *text))
{
    const char *name = json_string_value(json_object_get(one, "case"));
    const char *verdict = json_string_value(json_object_get(one, "verdict"));
    const char *field = json_string_value(json_object_get(one, "fault"));
    char *text = json_dumps(json_object_get(one, "document"), JSON_INDENT(2));
    struct vm_config config;
    unsigned wrong = 0;
    hull_config_init(&config);
    bool valid = read(&config, text);
    if (valid != (strcmp(verdict, "valid") == 0)) {
        print_error("%s: is %s, but hull says %s\n", name, verdict, valid ? "fine" : "wrong");
        wrong = 1;
    } else if (!valid && !blames(&config, field)) {
        print_error("%s: blames %s, not %s\n", name, config.faults[0].field, field);
        wrong = 1;
    } else if (!valid && !config.faults[0].place.line) {
        print_error("%s: has no place in the file\n", name);
        wrong = 1;
    }
    hull_config_free(&config);
    free(text);
    return wrong;
}

static void documents_are_judged_as_the_table_says(void **state)
{
    (void)state;
    json_t *cases = load("tests/unit/data/config/cases.json");
    unsigned wrong = 0;
    assert_true(json_array_size(cases) > 100);
    for (size_t i = 0; i < json_array_size(cases); i++)
        wrong += judge(json_array_get(cases, i), read_vm);
    json_decref(cases);
    assert_int_equal(wrong, 0);
}

static void boards_are_judged_as_the_table_says(void **state)
{
    (void)state;
    json_t *cases = load("tests/unit/data/config/boards.json");
    unsigned wrong = 0;
    assert_true(json_array_size(cases) > 30);
    for (size_t i = 0; i < json_array_size(cases); i++)
        wrong += judge(json_array_get(cases, i), read_board);
    json_decref(cases);
    assert_int_equal(wrong, 0);
}

// The object schema at a path of keys and indices in the schema's document.
static const json_t *schema_at(const json_t *schema, const char *const *path)
{
    for (; *path; path++)
        schema = json_is_array(schema) ? json_array_get(schema, (size_t)atoi(*path))
                                       : json_object_get(schema, *path);
    assert_non_null(schema);
    return schema;
}

static void assert_same_names(const char *const names[], unsigned count, const json_t *object)
{
    const json_t *properties = json_object_get(object, "properties");
    for (unsigned i = 0; i < count; i++)
        if (!json_object_get(properties, names[i]))
            fail_msg("the schema does not know %s", names[i]);
    assert_int_equal(json_object_size(properties), count);
    assert_true(json_is_false(json_object_get(object, "additionalProperties")));
}

static void assert_same_keys(enum json_object_kind kind, const json_t *object)
{
    const char *names[32];
    unsigned count = hull_json_spec_keys(kind, names, 32);
    assert_same_names(names, count, object);
}

static void assert_same_board_keys(enum json_board_object kind, const json_t *object)
{
    const char *names[32];
    unsigned count = hull_json_keys(hull_json_board_keys(kind), names, 32);
    assert_same_names(names, count, object);
}

static void the_schema_has_the_same_keys(void **state)
{
    (void)state;
    json_t *schema = load("docs/schema/vm.schema.json");
    const char *const boot[] = {"properties", "boot", NULL};
    const char *const disk[] = {"properties", "disks", "items", NULL};
    const char *const net[] = {"properties", "net", "items", NULL};
    const char *const console[] = {"properties", "console", "oneOf", "1", NULL};
    const char *const cpus[] = {"properties", "cpus", "oneOf", "1", NULL};
    const char *const memory[] = {"properties", "memory", "oneOf", "2", NULL};
    const char *const policy[] = {"properties", "policy", NULL};
    const char *const shared[] = {"properties", "shared_memory", "items", NULL};
    const char *const passthrough[] = {"properties", "passthrough", "items", NULL};
    assert_same_keys(JSON_OBJECT_VM, schema);
    assert_same_keys(JSON_OBJECT_CPUS, schema_at(schema, cpus));
    assert_same_keys(JSON_OBJECT_MEMORY, schema_at(schema, memory));
    assert_same_keys(JSON_OBJECT_POLICY, schema_at(schema, policy));
    assert_same_keys(JSON_OBJECT_SHARED, schema_at(schema, shared));
    assert_same_keys(JSON_OBJECT_PASSTHROUGH, schema_at(schema, passthrough));
    assert_same_keys(JSON_OBJECT_BOOT, schema_at(schema, boot));
    assert_same_keys(JSON_OBJECT_DISK, schema_at(schema, disk));
    assert_same_keys(JSON_OBJECT_NET, schema_at(schema, net));
    assert_same_keys(JSON_OBJECT_CONSOLE, schema_at(schema, console));
    json_decref(schema);
}

static void assert_same_words(const struct config_word *words, const json_t *list)
{
    size_t count = 0;
    for (; words[count].word; count++) {
        bool found = false;
        for (size_t i = 0; i < json_array_size(list); i++)
            found |= strcmp(json_string_value(json_array_get(list, i)), words[count].word) == 0;
        if (!found)
            fail_msg("the schema does not know %s", words[count].word);
    }
    assert_int_equal(json_array_size(list), count);
}

static void the_boards_schema_has_the_same_keys(void **state)
{
    (void)state;
    json_t *schema = load("docs/schema/board.schema.json");
    const char *const memory[] = {"properties", "memory", "items", NULL};
    const char *const reserved[] = {"properties", "reserved", "items", NULL};
    const char *const uart[] = {"properties", "uart", NULL};
    const char *const plic[] = {"properties", "plic", NULL};
    const char *const aplic[] = {"properties", "aplic", NULL};
    const char *const imsic[] = {"properties", "imsic", NULL};
    const char *const device[] = {"properties", "devices", "items", NULL};
    assert_same_board_keys(JSON_BOARD, schema);
    assert_same_board_keys(JSON_BOARD_MEMORY, schema_at(schema, memory));
    assert_same_board_keys(JSON_BOARD_RESERVED, schema_at(schema, reserved));
    assert_same_board_keys(JSON_BOARD_UART, schema_at(schema, uart));
    assert_same_board_keys(JSON_BOARD_IRQCHIP, schema_at(schema, plic));
    assert_same_board_keys(JSON_BOARD_IRQCHIP, schema_at(schema, aplic));
    assert_same_board_keys(JSON_BOARD_IMSIC, schema_at(schema, imsic));
    assert_same_board_keys(JSON_BOARD_DEVICE, schema_at(schema, device));
    json_decref(schema);
}

static void the_schema_has_the_same_words_and_limits(void **state)
{
    (void)state;
    json_t *schema = load("docs/schema/vm.schema.json");
    const char *const engine[] = {"properties", "engine", "enum", NULL};
    const char *const backend[] = {"properties", "net",  "items", "properties",
                                   "backend",    "enum", NULL};
    const char *const kind[] = {"properties", "console", "oneOf", "1",
                                "properties", "kind",    "enum",  NULL};
    const char *const disks[] = {"properties", "disks", "maxItems", NULL};
    const char *const action[] = {"$defs", "action", "enum", NULL};
    const char *const colour[] = {"properties", "console", "oneOf", "1",
                                  "properties", "colour",  "enum",  NULL};
    const char *const nets[] = {"properties", "net", "maxItems", NULL};
    const char *const cpus[] = {"properties", "cpus", "oneOf", "0", "maximum", NULL};
    const char *const append[] = {"properties", "boot", "properties", "append", "maxLength", NULL};
    assert_same_words(hull_engine_words, schema_at(schema, engine));
    assert_same_words(hull_backend_words, schema_at(schema, backend));
    assert_same_words(hull_policy_words, schema_at(schema, action));
    assert_same_words(hull_colour_words, schema_at(schema, colour));
    assert_same_words(hull_console_words, schema_at(schema, kind));
    assert_int_equal(json_integer_value(schema_at(schema, disks)), HULL_SPEC_DISKS_MAX);
    assert_int_equal(json_integer_value(schema_at(schema, nets)), HULL_SPEC_NETS_MAX);
    assert_int_equal(json_integer_value(schema_at(schema, cpus)), HULL_CPUS_MAX);
    assert_int_equal(json_integer_value(schema_at(schema, append)), HULL_SPEC_APPEND_MAX);
    json_decref(schema);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(documents_are_judged_as_the_table_says),
        cmocka_unit_test(boards_are_judged_as_the_table_says),
        cmocka_unit_test(the_schema_has_the_same_keys),
        cmocka_unit_test(the_boards_schema_has_the_same_keys),
        cmocka_unit_test(the_schema_has_the_same_words_and_limits),
    };
    return cmocka_run_group_tests_name("host/config schema", tests, NULL, NULL);
}
