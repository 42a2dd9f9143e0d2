// SPDX-License-Identifier: Apache-2.0
// Names of guest code: lists as the kernel prints them, ELF files whole and broken, and what holds an address.
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/run/symbols.h"
#include "lib/bytes.h"

static int load(struct symbols *s, const void *data, size_t size)
{
    char path[] = "/tmp/hull-symbols-XXXXXX";
    int fd = mkstemp(path), err;

    assert_true(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    close(fd);
    err = hull_symbols_load(s, path);
    unlink(path);
    return err;
}

static int load_text(struct symbols *s, const char *text)
{
    return load(s, text, strlen(text));
}

static void names(const struct symbols *s, uint64_t address, const char *want, uint64_t offset)
{
    uint64_t start = 0;
    const char *name = hull_symbols_find(s, address, &start);

    if (!want) {
        assert_null(name);
        return;
    }
    assert_non_null(name);
    assert_string_equal(name, want);
    assert_true(address - start == offset);
}

static void test_lists_of_the_kernel(void **state)
{
    struct symbols s = {0};

    (void)state;
    assert_int_equal(load_text(&s, "ffffffff80002010 T second\n"
                                   "ffffffff80002000 t first\r\n"
                                   "ffffffff80002018 D data\n"
                                   "ffffffff80002020 W weak\t[module]\n"
                                   "ffffffff80002024 t .L123\n"
                                   "ffffffff80002024 t $x\n"
                                   "80002024 t short\n"
                                   "ffffffff80002024 tt two\n"
                                   "ffffffff80002024 t \x1b[31mred\n"
                                   "\n"
                                   "0000000000001000 T last"),
                     0);
    assert_int_equal(s.count, 4);
    names(&s, 0xfff, NULL, 0);
    names(&s, 0x1000, "last", 0);
    names(&s, 0x1000 + 0xfffff, "last", 0xfffff);
    names(&s, 0x1000 + 0x100000, NULL, 0);
    names(&s, 0xffffffff80001fff, NULL, 0);
    names(&s, 0xffffffff80002000, "first", 0);
    names(&s, 0xffffffff8000200f, "first", 15);
    names(&s, 0xffffffff80002018, "second", 8);
    names(&s, 0xffffffff80002025, "weak", 5);
    hull_symbols_free(&s);
    names(&s, 0x1000, NULL, 0);
}

static void test_files_that_have_none(void **state)
{
    struct symbols s = {0};

    (void)state;
    assert_int_equal(hull_symbols_load(&s, "/nonexistent/System.map"), -HULL_EIO);
    assert_int_equal(load_text(&s, ""), -HULL_EFORMAT);
    assert_int_equal(load_text(&s, "no symbols here\n"), -HULL_EFORMAT);
    assert_int_equal(load_text(&s, "\177ELF"), -HULL_EFORMAT);
    assert_int_equal(s.count, 0);
    hull_symbols_free(&s);
}

// A header, a table of symbols with two of them, their names, and three section headers.
#define SYMBOLS 64
#define NAMES (SYMBOLS + 3 * 24)
#define SECTIONS (NAMES + 16)
#define ELF_SIZE (SECTIONS + 3 * 64)

static void make_elf(uint8_t *elf)
{
    memset(elf, 0, ELF_SIZE);
    memcpy(elf, "\177ELF\2\1\1", 7);
    hull_store_le16(elf + 18, 243);
    hull_store_le64(elf + 40, SECTIONS);
    hull_store_le16(elf + 58, 64);
    hull_store_le16(elf + 60, 3);
    for (unsigned i = 1; i < 3; i++) {
        uint8_t *symbol = elf + SYMBOLS + 24 * i;

        hull_store_le32(symbol, i == 1 ? 1 : 6);
        symbol[4] = 0x12; // a global function
        hull_store_le16(symbol + 6, 1);
        hull_store_le64(symbol + 8, 0x80000000 + 0x100 * i);
        hull_store_le64(symbol + 16, i == 1 ? 0x20 : 0);
    }
    memcpy(elf + NAMES, "\0main\0exit", 11);
    hull_store_le32(elf + SECTIONS + 64 + 4, 2); // SHT_SYMTAB
    hull_store_le64(elf + SECTIONS + 64 + 24, SYMBOLS);
    hull_store_le64(elf + SECTIONS + 64 + 32, 3 * 24);
    hull_store_le32(elf + SECTIONS + 64 + 40, 2); // its names
    hull_store_le32(elf + SECTIONS + 128 + 4, 3);
    hull_store_le64(elf + SECTIONS + 128 + 24, NAMES);
    hull_store_le64(elf + SECTIONS + 128 + 32, 16);
}

static void test_elf_files(void **state)
{
    struct symbols s = {0};
    uint8_t elf[ELF_SIZE];

    (void)state;
    make_elf(elf);
    assert_int_equal(load(&s, elf, sizeof(elf)), 0);
    assert_int_equal(s.count, 2);
    names(&s, 0x80000100, "main", 0);
    names(&s, 0x8000011f, "main", 0x1f);
    names(&s, 0x80000120, NULL, 0); // behind its size
    names(&s, 0x80000204, "exit", 4);
    hull_symbols_free(&s);
}

// Cut anywhere, and with any field wrong: fewer symbols, never more than the file holds.
static void test_broken_elf_files(void **state)
{
    uint8_t elf[ELF_SIZE];

    (void)state;
    for (size_t size = 0; size < ELF_SIZE; size++) {
        struct symbols s = {0};

        make_elf(elf);
        (void)!load(&s, elf, size);
        assert_true(s.count <= 2);
        hull_symbols_free(&s);
    }
    for (size_t at = 0; at < ELF_SIZE; at++) {
        struct symbols s = {0};

        make_elf(elf);
        elf[at] ^= 0xff;
        (void)!load(&s, elf, sizeof(elf));
        assert_true(s.count <= 4);
        hull_symbols_free(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists_of_the_kernel),
        cmocka_unit_test(test_files_that_have_none),
        cmocka_unit_test(test_elf_files),
        cmocka_unit_test(test_broken_elf_files),
    };

    return cmocka_run_group_tests_name("host_symbols", tests, NULL, NULL);
}
