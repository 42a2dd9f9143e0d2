// SPDX-License-Identifier: Apache-2.0
// The JSON file: what a whole one becomes, where its faults are said to be, and how it is read.
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/config/config.h"

struct fixture {
    struct vm_config config;
    char folder[32];
};

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    strcpy(f->folder, "/tmp/hull-config-XXXXXX");
    if (!mkdtemp(f->folder))
        return -1;
    hull_config_init(&f->config);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[64];
    snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
    hull_config_free(&f->config);
    int rc = system(command);
    free(f);
    return rc;
}

static int parse(struct vm_config *config, const char *text)
{
    return hull_config_parse(config, "dir/vm.json", text, strlen(text));
}

static void assert_fault(const struct vm_config *config, unsigned i, unsigned line, unsigned column,
                         const char *field, const char *reason)
{
    assert_true(i < config->fault_count);
    assert_string_equal(config->faults[i].field, field);
    if (!strstr(config->faults[i].reason.text, reason))
        fail_msg("'%s' does not say '%s'", config->faults[i].reason.text, reason);
    assert_int_equal(config->faults[i].place.line, line);
    assert_int_equal(config->faults[i].place.column, column);
}

static void a_whole_file_becomes_the_spec(void **state)
{
    struct fixture *f = *state;
    const struct vm_spec *spec = &f->config.spec;
    const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
    assert_int_equal(
        parse(&f->config,
              "{\"$schema\":\"x\",\"name\":\"web\",\"cpus\":4,\"memory\":\"512M\",\"engine\":"
              "\"interp\",\"boot\":{\"kernel\":\"k\",\"initrd\":\"/abs/i\",\"append\":\"a b\","
              "\"firmware\":\"../f\"},\"disks\":[{\"file\":\"d0\"},{\"file\":\"/d1\",\"id\":\"r\","
              "\"readonly\":true}],\"net\":[{\"backend\":\"user\",\"mac\":\"52:54:00:12:34:56\","
              "\"publish\":[\"2222:22\",\"0.0.0.0:53:5353/udp\"]},{\"backend\":\"tap\",\"tap\":"
              "\"t0\"}],\"console\":{\"path\":\"log\",\"kind\":\"file\"},\"virtio_console\":true,"
              "\"rng\":false,\"balloon\":false}"),
        0);
    assert_int_equal(hull_config_check(&f->config, false), 0);
    assert_string_equal(spec->name, "web");
    assert_int_equal(spec->cpus, 4);
    assert_int_equal(spec->memory, 512 << 20);
    assert_int_equal(spec->engine, ENGINE_INTERP);
    assert_string_equal(spec->boot.kernel, "dir/k");
    assert_string_equal(spec->boot.initrd, "/abs/i");
    assert_string_equal(spec->boot.append, "a b");
    assert_string_equal(spec->boot.firmware, "dir/../f");
    assert_int_equal(spec->disk_count, 2);
    assert_string_equal(spec->disks[0].file, "dir/d0");
    assert_null(spec->disks[0].id);
    assert_false(spec->disks[0].read_only);
    assert_string_equal(spec->disks[1].file, "/d1");
    assert_string_equal(spec->disks[1].id, "r");
    assert_true(spec->disks[1].read_only);
    assert_int_equal(spec->net_count, 2);
    assert_memory_equal(spec->nets[0].mac, mac, 6);
    assert_int_equal(spec->nets[0].publish_count, 2);
    assert_null(spec->nets[0].publish[0].host_addr);
    assert_int_equal(spec->nets[0].publish[0].host_port, 2222);
    assert_int_equal(spec->nets[0].publish[0].guest_port, 22);
    assert_false(spec->nets[0].publish[0].udp);
    assert_string_equal(spec->nets[0].publish[1].host_addr, "0.0.0.0");
    assert_true(spec->nets[0].publish[1].udp);
    assert_int_equal(spec->nets[1].kind, NET_TAP);
    assert_string_equal(spec->nets[1].tap, "t0");
    assert_int_equal(spec->console, CONSOLE_FILE);
    assert_string_equal(spec->console_path, "dir/log");
    assert_true(spec->virtio_console);
    assert_false(spec->rng);
    assert_false(spec->balloon);
}

static void what_the_file_leaves_out_keeps_its_default(void **state)
{
    struct fixture *f = *state;
    struct vm_spec defaults;
    hull_spec_defaults(&defaults);
    assert_int_equal(parse(&f->config, "{}"), 0);
    assert_memory_equal(&f->config.spec, &defaults, sizeof(defaults));
}

static void the_console_as_text_is_relative_too(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(&f->config, "{\"console\": \"unix:sock\"}"), 0);
    assert_int_equal(f->config.spec.console, CONSOLE_UNIX);
    assert_string_equal(f->config.spec.console_path, "dir/sock");
}

static void every_fault_is_reported_with_its_place(void **state)
{
    struct fixture *f = *state;
    assert_int_not_equal(parse(&f->config, "{\n"
                                           "  \"cpus\": \"2\",\n"
                                           "  \"memroy\": \"1G\",\n"
                                           "  \"net\": [ {\"backend\": \"user\"},\n"
                                           "    {\"backend\": \"tab\", \"mac\": \"x\"} ],\n"
                                           "  \"disks\": [{}]\n"
                                           "}\n"),
                         0);
    assert_int_equal(f->config.fault_count, 5);
    assert_fault(&f->config, 0, 2, 11, "cpus", "must be a whole number or an object, not a string");
    assert_fault(&f->config, 1, 3, 3, "memroy", "did you mean 'memory'?");
    assert_fault(&f->config, 2, 5, 17, "net[1].backend", "did you mean 'tap'?");
    assert_fault(&f->config, 3, 5, 31, "net[1].mac", "is not a MAC address");
    assert_fault(&f->config, 4, 6, 13, "disks[0]", "\"file\" is missing");
}

static void what_the_validator_finds_has_a_place_as_well(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(&f->config, "{\"boot\": {\"kernel\": \"k\"},\n"
                                       " \"net\": [{\"backend\": \"tap\", \"tap\": \"t\"},\n"
                                       "         {\"backend\": \"tap\", \"tap\": \"t\"}]}"),
                     0);
    assert_int_not_equal(hull_config_check(&f->config, false), 0);
    assert_fault(&f->config, 0, 3, 36, "net[1].tap", "also by net[0]");
}

static void what_is_missing_is_placed_where_it_should_be(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(&f->config, "{\n \"boot\": {}}"), 0);
    assert_int_not_equal(hull_config_check(&f->config, false), 0);
    assert_fault(&f->config, 0, 2, 10, "boot", "needs a kernel or firmware");
}

static void faults_of_an_option_are_not_blamed_on_the_file(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(parse(&f->config, "{\"cpus\": 2, \"boot\": {\"kernel\": \"k\"}}"), 0);
    f->config.spec.cpus = 1000;
    hull_config_override(&f->config, "cpus", "--cpus");
    assert_int_not_equal(hull_config_check(&f->config, false), 0);
    assert_fault(&f->config, 0, 0, 0, "--cpus", "is 1000");
}

static void syntax_errors_and_doubled_keys_have_their_line(void **state)
{
    static const struct {
        const char *text;
        unsigned line;
    } cases[] = {
        {"", 1},
        {"[]", 1},
        {"{\"cpus\": 1", 1},
        {"{\n\"cpus\": 01}", 2},
        {"{\n\n,}", 3},
        {"{} {}", 1},
        {"{\"a\": \"\\u0000\"}", 1},
        {"\xff{}", 1},
        {"{\"name\": \"\xc3\"}", 1},
        {"{\"cpus\": 1,\n \"cpus\": 2}", 2},
        {"{\"cpus\": 99999999999999999999}", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct vm_config config;
        hull_config_init(&config);
        assert_int_not_equal(parse(&config, cases[i].text), 0);
        assert_int_equal(config.fault_count, 1);
        assert_int_equal(config.faults[0].place.line, cases[i].line);
        hull_config_free(&config);
    }
}

static void deep_nesting_is_refused(void **state)
{
    struct fixture *f = *state;
    size_t depth = 100000;
    char *text = malloc(depth);
    memset(text, '[', depth);
    assert_int_not_equal(hull_config_parse(&f->config, "vm.json", text, depth), 0);
    free(text);
}

static void many_faults_are_counted_not_kept(void **state)
{
    struct fixture *f = *state;
    char *text = malloc(8000), *out = NULL;
    size_t used = 1, size;
    text[0] = '{';
    for (int i = 0; i < 200; i++)
        used += (size_t)sprintf(text + used, "%s\"key%d\": 0", i ? "," : "", i);
    strcpy(text + used, "}");
    assert_int_not_equal(parse(&f->config, text), 0);
    assert_int_equal(f->config.fault_count, CONFIG_FAULTS_MAX);
    assert_int_equal(f->config.faults_left_out, 200 - CONFIG_FAULTS_MAX);
    FILE *to = open_memstream(&out, &size);
    hull_config_print_faults(&f->config, to, "");
    fclose(to);
    assert_non_null(strstr(out, "dir/vm.json:1:2: key0: there is no such key\n"));
    assert_non_null(strstr(out, "and 136 more\n"));
    free(out);
    free(text);
}

static void messages_hold_no_control_characters(void **state)
{
    struct fixture *f = *state;
    assert_int_not_equal(parse(&f->config, "{\"\\u001b[2J\": 1, \"engine\": \"\\n\\u0007\"}"), 0);
    assert_fault(&f->config, 0, 1, 2, "?[2J", "no such key");
    assert_fault(&f->config, 1, 1, 28, "engine", "'\?\?' is not one of");
}

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static void files_are_read_from_where_they_are(void **state)
{
    struct fixture *f = *state;
    char name[64], kernel[64];
    snprintf(name, sizeof(name), "%s/vm.json", f->folder);
    snprintf(kernel, sizeof(kernel), "%s/k", f->folder);
    write_file(name, "{\"boot\": {\"kernel\": \"k\"}}");
    write_file(kernel, "");
    assert_int_equal(hull_config_load(&f->config, name), 0);
    assert_string_equal(f->config.spec.boot.kernel, kernel);
    assert_int_equal(hull_config_check(&f->config, true), 0);
    hull_config_settle(&f->config);
    assert_string_equal(f->config.spec.boot.kernel, kernel);
}

static void assert_unreadable(const char *name, const char *reason)
{
    struct vm_config config;
    hull_config_init(&config);
    assert_int_not_equal(hull_config_load(&config, name), 0);
    assert_fault(&config, 0, 0, 0, "", reason);
    hull_config_free(&config);
}

static void unreadable_files_are_refused(void **state)
{
    struct fixture *f = *state;
    char name[64];
    assert_unreadable(f->folder, "directory");
    snprintf(name, sizeof(name), "%s/none.json", f->folder);
    assert_unreadable(name, "No such file");
    assert_unreadable("/dev/zero", "larger than 1 MiB");
}

static void missing_files_are_found_before_the_start(void **state)
{
    struct fixture *f = *state;
    char name[64], text[512];
    snprintf(name, sizeof(name), "%s/present", f->folder);
    write_file(name, "");
    snprintf(text, sizeof(text),
             "{\"boot\": {\"kernel\": \"%s\", \"initrd\": \"nope\"},\n"
             "\"disks\": [{\"file\": \"%s\"}, {\"file\": \"/none\"}, {\"file\": \"/dev/null\"}],\n"
             "\"console\": \"file:none/x\"}",
             f->folder, name);
    assert_int_equal(parse(&f->config, text), 0);
    assert_int_not_equal(hull_config_check(&f->config, true), 0);
    assert_fault(&f->config, 0, 1, 21, "boot.kernel", "is a folder, not a file");
    assert_fault(&f->config, 1, 1, (unsigned)(strstr(text, "\"nope\"") - text) + 1, "boot.initrd",
                 "dir/nope: No such file");
    assert_string_equal(f->config.faults[2].field, "disks[1].file");
    assert_string_equal(f->config.faults[3].field, "disks[2].file");
    assert_string_equal(f->config.faults[4].field, "console.path");
    assert_int_equal(f->config.faults[4].place.line, 3);
    assert_int_equal(f->config.fault_count, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_whole_file_becomes_the_spec),
        TEST(what_the_file_leaves_out_keeps_its_default),
        TEST(the_console_as_text_is_relative_too),
        TEST(every_fault_is_reported_with_its_place),
        TEST(what_the_validator_finds_has_a_place_as_well),
        TEST(what_is_missing_is_placed_where_it_should_be),
        TEST(faults_of_an_option_are_not_blamed_on_the_file),
        TEST(syntax_errors_and_doubled_keys_have_their_line),
        TEST(deep_nesting_is_refused),
        TEST(many_faults_are_counted_not_kept),
        TEST(messages_hold_no_control_characters),
        TEST(files_are_read_from_where_they_are),
        TEST(unreadable_files_are_refused),
        TEST(missing_files_are_found_before_the_start),
    };
    return cmocka_run_group_tests_name("host/config file", tests, NULL, NULL);
}
