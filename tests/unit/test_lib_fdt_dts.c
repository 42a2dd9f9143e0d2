// SPDX-License-Identifier: Apache-2.0
// DTS source: as expected where it is looked at, and by dtc back to the very same blob.
#include "lib/fdt.h"
#include "tests/unit/unit.h"
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct text {
    char bytes[8192];
    size_t length;
};

static void append(void *context, const char *piece, size_t length)
{
    struct text *text = context;
    assert_true(text->length + length < sizeof(text->bytes));
    memcpy(text->bytes + text->length, piece, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

// Values of every kind, and those whose kind is easily mistaken.
static size_t make_tree(uint8_t *blob, size_t size)
{
    const char *const list[] = {"one", "two\t\"2\"", "three\\"};
    const uint32_t cells[] = {0, 0xdeadbeef, 7};
    struct fdt_writer w;
    size_t total = 0;
    hull_fdt_writer_init(&w, blob, size);
    hull_fdt_reserve(&w, 0x80000000, 0x1000);
    hull_fdt_begin_node(&w, "");
    hull_fdt_prop_u32(&w, "#address-cells", 1);
    hull_fdt_prop_stringlist(&w, "list", list, 3);
    hull_fdt_prop_cells(&w, "cells", cells, 3);
    hull_fdt_begin_node_at(&w, "node", 0x10);
    hull_fdt_prop_u32(&w, "reg", 0x10);
    hull_fdt_prop_empty(&w, "empty");
    hull_fdt_prop_string(&w, "empty-string", "");
    hull_fdt_prop_bytes(&w, "bytes", "\x00\x01\xfe", 3);
    hull_fdt_prop_bytes(&w, "ends-in-zero", "ab\x01", 4);
    hull_fdt_prop_bytes(&w, "zeros", "\0\0\0\0\0", 5);
    hull_fdt_prop_bytes(&w, "text-and-zeros", "ab\0\0", 5);
    hull_fdt_prop_bytes(&w, "unterminated", "abc", 3);
    hull_fdt_prop_bytes(&w, "high", "\xc3\xa4", 3);
    hull_fdt_prop_string(&w, "controls", "\a\b\t\n\v\f\r");
    hull_fdt_begin_node(&w, "inner,node_+.-");
    hull_fdt_end_node(&w);
    hull_fdt_end_node(&w);
    hull_fdt_begin_node(&w, "last");
    hull_fdt_end_node(&w);
    hull_fdt_end_node(&w);
    assert_int_equal(hull_fdt_finish(&w, 0, &total), 0);
    return total;
}

static void source_reads_as_expected(void **state)
{
    (void)state;
    uint8_t blob[2048];
    struct fdt_view v;
    static struct text text;
    assert_int_equal(hull_fdt_open(&v, blob, make_tree(blob, sizeof(blob))), 0);
    text.length = 0;
    assert_int_equal(hull_fdt_print_dts(&v, append, &text), 0);
    assert_string_equal(text.bytes, "/dts-v1/;\n"
                                    "/memreserve/\t0x0000000080000000 0x0000000000001000;\n"
                                    "\n"
                                    "/ {\n"
                                    "\t#address-cells = <0x1>;\n"
                                    "\tlist = \"one\", \"two\\t\\\"2\\\"\", \"three\\\\\";\n"
                                    "\tcells = <0x0 0xdeadbeef 0x7>;\n"
                                    "\n"
                                    "\tnode@10 {\n"
                                    "\t\treg = <0x10>;\n"
                                    "\t\tempty;\n"
                                    "\t\tempty-string = [00];\n"
                                    "\t\tbytes = [00 01 fe];\n"
                                    "\t\tends-in-zero = <0x61620100>;\n"
                                    "\t\tzeros = [00 00 00 00 00];\n"
                                    "\t\ttext-and-zeros = [61 62 00 00 00];\n"
                                    "\t\tunterminated = [61 62 63];\n"
                                    "\t\thigh = [c3 a4 00];\n"
                                    "\t\tcontrols = \"\\a\\b\\t\\n\\v\\f\\r\";\n"
                                    "\n"
                                    "\t\tinner,node_+.- {\n"
                                    "\t\t};\n"
                                    "\t};\n"
                                    "\n"
                                    "\tlast {\n"
                                    "\t};\n"
                                    "};\n");
}

static void dtc_compiles_it_to_the_same_blob(void **state)
{
    (void)state;
    if (system("command -v dtc >/dev/null 2>&1"))
        skip();
    uint8_t blob[2048], compiled[4096];
    struct fdt_view v;
    static struct text text;
    size_t total = make_tree(blob, sizeof(blob));
    assert_int_equal(hull_fdt_open(&v, blob, total), 0);
    text.length = 0;
    assert_int_equal(hull_fdt_print_dts(&v, append, &text), 0);

    char source_name[] = "/tmp/hull-fdt-XXXXXX", command[128];
    int fd = mkstemp(source_name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text.bytes, text.length), text.length);
    close(fd);
    snprintf(command, sizeof(command), "dtc -q -I dts -O dtb %s", source_name);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    size_t size = fread(compiled, 1, sizeof(compiled), pipe);
    int status = pclose(pipe);
    unlink(source_name);
    assert_int_equal(status, 0);
    assert_int_equal(size, total);
    assert_memory_equal(compiled, blob, total);
}

static void names_that_break_source_are_refused(void **state)
{
    (void)state;
    const char *const bad[] = {"a b", "a;", "\x1b[2J", "a\"", "{", "\xc3\xa4"};
    for (size_t i = 0; i < 2 * sizeof(bad) / sizeof(bad[0]); i++) {
        uint8_t blob[512];
        struct fdt_writer w;
        struct fdt_view v;
        static struct text text;
        size_t total;
        hull_fdt_writer_init(&w, blob, sizeof(blob));
        hull_fdt_begin_node(&w, "");
        if (i % 2)
            hull_fdt_prop_empty(&w, bad[i / 2]);
        hull_fdt_begin_node(&w, i % 2 ? "good" : bad[i / 2]);
        hull_fdt_end_node(&w);
        hull_fdt_end_node(&w);
        assert_int_equal(hull_fdt_finish(&w, 0, &total), 0);
        assert_int_equal(hull_fdt_open(&v, blob, total), 0);
        text.length = 0;
        assert_int_equal(hull_fdt_print_dts(&v, append, &text), -HULL_EFORMAT);
        assert_null(strstr(text.bytes, bad[i / 2][0] == '{' ? "{ {" : bad[i / 2]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(source_reads_as_expected),
        cmocka_unit_test(dtc_compiles_it_to_the_same_blob),
        cmocka_unit_test(names_that_break_source_are_refused),
    };
    return cmocka_run_group_tests_name("lib_fdt_dts", tests, NULL, NULL);
}
