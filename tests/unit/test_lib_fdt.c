// SPDX-License-Identifier: Apache-2.0
// The device tree writer, reader and printer: what is written is read back, a full buffer is an error
// and never an overrun, and no corruption of a blob makes the reader leave it.
#include "lib/bytes.h"
#include "lib/fdt.h"
#include "tests/unit/unit.h"
#include <stdlib.h>

#define BLOB_SIZE 2048

static void write_board(struct fdt_writer *w)
{
    const char *const compatible[] = {"hull,virt", "riscv-virtio"};
    const uint32_t interrupts[] = {1, 11, 1, 9};
    const uint64_t reg[] = {0x80000000, 0x40000000, 0x200000000, 0x1000};
    hull_fdt_reserve(w, 0x80000000, 0x1000);
    hull_fdt_reserve(w, 0xffffffff00000000, 0x20);
    hull_fdt_begin_node(w, "");
    hull_fdt_prop_u32(w, "#address-cells", 2);
    hull_fdt_prop_u32(w, "#size-cells", 2);
    hull_fdt_prop_stringlist(w, "compatible", compatible, 2);
    hull_fdt_prop_string(w, "model", "a \"quoted\"\\\n model");
    hull_fdt_begin_node(w, "chosen");
    hull_fdt_prop_string(w, "bootargs", "");
    hull_fdt_prop_u64(w, "linux,initrd-start", 0x123456789a);
    hull_fdt_prop_bytes(w, "rng-seed", "\x01\x02\xff", 3);
    hull_fdt_end_node(w);
    hull_fdt_begin_node_at(w, "memory", 0x80000000);
    hull_fdt_prop_string(w, "device_type", "memory");
    hull_fdt_prop_u64s(w, "reg", reg, 4);
    hull_fdt_end_node(w);
    hull_fdt_begin_node(w, "soc");
    hull_fdt_prop_empty(w, "ranges");
    hull_fdt_prop_string(w, "compatible", "simple-bus");
    hull_fdt_begin_node_at(w, "plic", 0xc000000);
    hull_fdt_prop_u32(w, "phandle", 3);
    hull_fdt_prop_cells(w, "interrupts-extended", interrupts, 4);
    hull_fdt_prop_string(w, "compatible", "riscv,plic0");
    hull_fdt_prop_cells(w, "reg", interrupts, 2);
    hull_fdt_end_node(w);
    hull_fdt_begin_node(w, "soc");
    hull_fdt_end_node(w);
    hull_fdt_end_node(w);
    hull_fdt_end_node(w);
}

static size_t make_board(uint8_t blob[BLOB_SIZE])
{
    struct fdt_writer w;
    size_t total = 0;
    memset(blob, 0xa5, BLOB_SIZE);
    hull_fdt_writer_init(&w, blob, BLOB_SIZE);
    write_board(&w);
    assert_int_equal(hull_fdt_finish(&w, 2, &total), 0);
    return total;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t blob[BLOB_SIZE];
    struct fdt_view v;
    size_t total = make_board(blob);
    const char *string;
    const uint8_t *data;
    uint32_t length, cell;
    uint64_t a, b;

    assert_int_equal(hull_fdt_open(&v, blob, total), 0);
    assert_int_equal(v.total, total);
    assert_int_equal(v.boot_cpu, 2);
    assert_int_equal(v.reservation_count, 2);
    hull_fdt_get_reservation(&v, 1, &a, &b);
    assert_true(a == 0xffffffff00000000 && b == 0x20);

    uint32_t chosen = hull_fdt_find_path(&v, "/chosen");
    assert_int_equal(hull_fdt_get_string(&v, chosen, "bootargs", &string), 0);
    assert_string_equal(string, "");
    assert_int_equal(hull_fdt_get_u64(&v, chosen, "linux,initrd-start", &a), 0);
    assert_true(a == 0x123456789a);
    assert_int_equal(hull_fdt_get(&v, chosen, "rng-seed", &data, &length), 0);
    assert_int_equal(length, 3);
    assert_memory_equal(data, "\x01\x02\xff", 3);
    assert_int_equal(hull_fdt_get_string(&v, hull_fdt_root(&v), "model", &string), 0);
    assert_string_equal(string, "a \"quoted\"\\\n model");

    assert_int_equal(hull_fdt_get(&v, chosen, "ranges", &data, &length), -HULL_ENOENT);
    assert_int_equal(hull_fdt_get_u32(&v, chosen, "rng-seed", &cell), -HULL_EFORMAT);
    assert_int_equal(hull_fdt_get_u64(&v, chosen, "rng-seed", &a), -HULL_EFORMAT);
    assert_int_equal(hull_fdt_get_string(&v, chosen, "rng-seed", &string), -HULL_EFORMAT);
    assert_int_equal(hull_fdt_get_u32(&v, HULL_FDT_NONE, "reg", &cell), -HULL_ENOENT);
}

static void nodes_are_found(void **state)
{
    (void)state;
    uint8_t blob[BLOB_SIZE];
    struct fdt_view v;
    assert_int_equal(hull_fdt_open(&v, blob, make_board(blob)), 0);

    uint32_t root = hull_fdt_root(&v);
    assert_int_equal(hull_fdt_find_path(&v, "/"), root);
    uint32_t soc = hull_fdt_find_path(&v, "/soc");
    uint32_t plic = hull_fdt_find_path(&v, "/soc/plic@c000000");
    assert_string_equal(hull_fdt_name(&v, plic), "plic@c000000");
    assert_int_equal(hull_fdt_find_path(&v, "/soc/plic"), plic);
    assert_int_equal(hull_fdt_find_path(&v, "//soc//plic/"), plic);
    assert_int_equal(hull_fdt_find_path(&v, "/soc/pli"), HULL_FDT_NONE);
    assert_int_equal(hull_fdt_find_path(&v, "/soc/plic@c0"), HULL_FDT_NONE);
    assert_int_equal(hull_fdt_find_path(&v, "/plic"), HULL_FDT_NONE);
    assert_int_equal(hull_fdt_find_path(&v, "soc"), HULL_FDT_NONE);
    assert_int_equal(hull_fdt_find_path(&v, ""), HULL_FDT_NONE);

    assert_int_equal(hull_fdt_parent(&v, plic), soc);
    assert_int_equal(hull_fdt_parent(&v, soc), root);
    assert_int_equal(hull_fdt_parent(&v, root), HULL_FDT_NONE);
    uint32_t inner = hull_fdt_next_sibling(&v, plic);
    assert_int_equal(hull_fdt_find_path(&v, "/soc/soc"), inner);
    assert_int_equal(hull_fdt_next_sibling(&v, inner), HULL_FDT_NONE);
    assert_int_equal(hull_fdt_first_child(&v, inner), HULL_FDT_NONE);
    assert_int_equal(hull_fdt_first_child(&v, soc), plic);

    assert_int_equal(hull_fdt_find_compatible(&v, HULL_FDT_NONE, "riscv-virtio"), root);
    assert_int_equal(hull_fdt_find_compatible(&v, HULL_FDT_NONE, "riscv,plic0"), plic);
    assert_int_equal(hull_fdt_find_compatible(&v, plic, "riscv,plic0"), HULL_FDT_NONE);
    assert_int_equal(hull_fdt_find_compatible(&v, HULL_FDT_NONE, "riscv"), HULL_FDT_NONE);
    assert_int_equal(hull_fdt_find_phandle(&v, 3), plic);
    assert_int_equal(hull_fdt_find_phandle(&v, 4), HULL_FDT_NONE);

    unsigned count = 0;
    for (uint32_t n = root; n != HULL_FDT_NONE; n = hull_fdt_next_node(&v, n))
        count++;
    assert_int_equal(count, 6);
}

static void reg_follows_the_parents_cells(void **state)
{
    (void)state;
    uint8_t blob[BLOB_SIZE];
    struct fdt_view v;
    uint64_t a = 0, s = 0;
    assert_int_equal(hull_fdt_open(&v, blob, make_board(blob)), 0);
    uint32_t memory = hull_fdt_find_path(&v, "/memory");
    assert_int_equal(hull_fdt_get_reg(&v, memory, 0, &a, &s), 0);
    assert_true(a == 0x80000000 && s == 0x40000000);
    assert_int_equal(hull_fdt_get_reg(&v, memory, 1, &a, &s), 0);
    assert_true(a == 0x200000000 && s == 0x1000);
    assert_int_equal(hull_fdt_get_reg(&v, memory, 2, &a, &s), -HULL_ENOENT);
    // Two cells are no whole entry by the default of two and one.
    assert_int_equal(hull_fdt_get_reg(&v, hull_fdt_find_path(&v, "/soc/plic"), 0, &a, &s),
                     -HULL_EFORMAT);
    assert_int_equal(hull_fdt_get_reg(&v, hull_fdt_root(&v), 0, &a, &s), -HULL_ENOENT);
}

static void a_small_buffer_is_an_error_at_every_size(void **state)
{
    (void)state;
    uint8_t blob[BLOB_SIZE];
    size_t total = make_board(blob), got = 0;
    for (size_t size = 0; size <= total; size++) {
        // On the heap and of the exact size: the address sanitizer sees a byte too many.
        uint8_t *small = malloc(size ? size : 1);
        struct fdt_writer w;
        hull_fdt_writer_init(&w, small, size);
        write_board(&w);
        int error = hull_fdt_finish(&w, 2, &got);
        assert_int_equal(error, size < total ? -HULL_ENOSPC : 0);
        if (!error)
            assert_memory_equal(small, blob, total);
        free(small);
    }
}

static int finish_after(void (*calls)(struct fdt_writer *w))
{
    uint8_t blob[BLOB_SIZE];
    struct fdt_writer w;
    size_t total;
    hull_fdt_writer_init(&w, blob, sizeof(blob));
    calls(&w);
    return hull_fdt_finish(&w, 0, &total);
}

static void call_nothing(struct fdt_writer *w)
{
    (void)w;
}

static void leave_root_open(struct fdt_writer *w)
{
    hull_fdt_begin_node(w, "");
}

static void close_too_often(struct fdt_writer *w)
{
    hull_fdt_begin_node(w, "");
    hull_fdt_end_node(w);
    hull_fdt_end_node(w);
}

static void open_two_roots(struct fdt_writer *w)
{
    hull_fdt_begin_node(w, "");
    hull_fdt_end_node(w);
    hull_fdt_begin_node(w, "");
    hull_fdt_end_node(w);
}

static void name_the_root(struct fdt_writer *w)
{
    hull_fdt_begin_node(w, "root");
    hull_fdt_end_node(w);
}

static void leave_a_node_unnamed(struct fdt_writer *w)
{
    hull_fdt_begin_node(w, "");
    hull_fdt_begin_node(w, "");
    hull_fdt_end_node(w);
    hull_fdt_end_node(w);
}

static void put_property_after_subnode(struct fdt_writer *w)
{
    hull_fdt_begin_node(w, "");
    hull_fdt_begin_node(w, "a");
    hull_fdt_end_node(w);
    hull_fdt_prop_empty(w, "late");
    hull_fdt_end_node(w);
}

static void put_property_outside(struct fdt_writer *w)
{
    hull_fdt_prop_empty(w, "early");
    hull_fdt_begin_node(w, "");
    hull_fdt_end_node(w);
}

static void reserve_late(struct fdt_writer *w)
{
    hull_fdt_begin_node(w, "");
    hull_fdt_reserve(w, 0, 1);
    hull_fdt_end_node(w);
}

static void nest_too_deep(struct fdt_writer *w)
{
    for (int i = 0; i <= HULL_FDT_DEPTH_MAX; i++)
        hull_fdt_begin_node(w, i ? "n" : "");
    for (int i = 0; i <= HULL_FDT_DEPTH_MAX; i++)
        hull_fdt_end_node(w);
}

static void misuse_of_the_writer_is_found(void **state)
{
    (void)state;
    void (*const misuses[])(struct fdt_writer *) = {
        call_nothing,
        leave_root_open,
        close_too_often,
        open_two_roots,
        name_the_root,
        leave_a_node_unnamed,
        put_property_after_subnode,
        put_property_outside,
        reserve_late,
        nest_too_deep,
    };
    for (size_t i = 0; i < sizeof(misuses) / sizeof(misuses[0]); i++)
        assert_int_equal(finish_after(misuses[i]), -HULL_EINVAL);
}

static void count_out(void *context, const char *text, size_t length)
{
    // Reads every byte, for the sanitizer.
    for (size_t i = 0; i < length; i++)
        *(size_t *)context += text[i] != '\0';
}

// Everything that the reader offers, on a blob that may be anything.
static void exercise(const uint8_t *blob, size_t size)
{
    struct fdt_view v;
    size_t printed = 0;
    uint64_t a, s;
    if (hull_fdt_open(&v, blob, size))
        return;
    for (uint32_t n = hull_fdt_root(&v); n != HULL_FDT_NONE; n = hull_fdt_next_node(&v, n)) {
        (void)!hull_fdt_get_reg(&v, n, 0, &a, &s);
        hull_fdt_parent(&v, n);
        hull_fdt_next_sibling(&v, n);
    }
    hull_fdt_find_path(&v, "/soc/plic");
    hull_fdt_find_compatible(&v, HULL_FDT_NONE, "riscv,plic0");
    hull_fdt_find_phandle(&v, 3);
    (void)!hull_fdt_print_dts(&v, count_out, &printed);
}

static void corrupt_blobs_are_survived(void **state)
{
    (void)state;
    uint8_t blob[BLOB_SIZE];
    size_t total = make_board(blob);
    const uint8_t values[] = {0, 1, 2, 3, 4, 9, 0x7f, 0x80, 0xff};
    for (size_t at = 0; at < total; at++)
        for (size_t i = 0; i < sizeof(values); i++) {
            uint8_t *copy = malloc(total);
            memcpy(copy, blob, total);
            copy[at] = values[i];
            exercise(copy, total);
            free(copy);
        }
}

static void cut_blobs_are_refused(void **state)
{
    (void)state;
    uint8_t blob[BLOB_SIZE];
    size_t total = make_board(blob);
    struct fdt_view v;
    for (size_t size = 0; size < total; size++) {
        uint8_t *copy = malloc(size ? size : 1);
        memcpy(copy, blob, size);
        assert_int_equal(hull_fdt_open(&v, copy, size), -HULL_EFORMAT);
        // Also when the header agrees to the cut.
        if (size >= 40) {
            hull_store_be32(copy + 4, (uint32_t)size);
            assert_int_equal(hull_fdt_open(&v, copy, size), -HULL_EFORMAT);
        }
        free(copy);
    }
}

static void expect_refused(size_t offset, uint32_t value, int error)
{
    uint8_t blob[BLOB_SIZE];
    struct fdt_view v;
    size_t total = make_board(blob);
    hull_store_be32(blob + offset, value);
    assert_int_equal(hull_fdt_open(&v, blob, total), error);
}

static void malformed_fields_are_refused(void **state)
{
    (void)state;
    uint8_t blob[BLOB_SIZE];
    make_board(blob);
    uint32_t structure = hull_load_be32(blob + 8), structure_size = hull_load_be32(blob + 36);
    expect_refused(0, 0xd00dfeee, -HULL_EFORMAT);              // magic
    expect_refused(4, UINT32_MAX, -HULL_EFORMAT);              // totalsize
    expect_refused(8, structure + 1, -HULL_EFORMAT);           // unaligned structure
    expect_refused(8, 0xfffffff0, -HULL_EFORMAT);              // structure outside
    expect_refused(12, 0xfffffff0, -HULL_EFORMAT);             // strings outside
    expect_refused(16, 44, -HULL_EFORMAT);                     // unaligned reservations
    expect_refused(16, 0xfffffff8, -HULL_EFORMAT);             // reservations outside
    expect_refused(20, 2, -HULL_EVERSION);                     // version
    expect_refused(24, 18, -HULL_EVERSION);                    // last compatible version
    expect_refused(32, UINT32_MAX, -HULL_EFORMAT);             // size of strings
    expect_refused(36, UINT32_MAX, -HULL_EFORMAT);             // size of structure
    expect_refused(36, structure_size - 4, -HULL_EFORMAT);     // no end token
    expect_refused(structure, 2, -HULL_EFORMAT);               // ends before it begins
    expect_refused(structure, 9, -HULL_EFORMAT);               // no root
    expect_refused(structure, 7, -HULL_EFORMAT);               // no such token
    expect_refused(structure + 4, 0x41000000, -HULL_EFORMAT);  // a root with a name
    expect_refused(structure + 12, UINT32_MAX, -HULL_EFORMAT); // length of the first property
    expect_refused(structure + 16, UINT32_MAX, -HULL_EFORMAT); // its name
    expect_refused(structure + structure_size - 8, 4, -HULL_EFORMAT); // the root left open
    expect_refused(structure + structure_size - 12, 9, -HULL_EFORMAT);
}

static void nops_are_skipped(void **state)
{
    (void)state;
    uint8_t blob[BLOB_SIZE];
    struct fdt_view v;
    size_t total = make_board(blob);
    uint32_t structure = hull_load_be32(blob + 8), cell;
    // The whole first property, four words of it, becomes NOPs.
    for (int i = 0; i < 4; i++)
        hull_store_be32(blob + structure + 8 + 4 * i, 4);
    assert_int_equal(hull_fdt_open(&v, blob, total), 0);
    assert_int_equal(hull_fdt_get_u32(&v, hull_fdt_root(&v), "#address-cells", &cell),
                     -HULL_ENOENT);
    assert_int_equal(hull_fdt_get_u32(&v, hull_fdt_root(&v), "#size-cells", &cell), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(nodes_are_found),
        cmocka_unit_test(reg_follows_the_parents_cells),
        cmocka_unit_test(a_small_buffer_is_an_error_at_every_size),
        cmocka_unit_test(misuse_of_the_writer_is_found),
        cmocka_unit_test(corrupt_blobs_are_survived),
        cmocka_unit_test(cut_blobs_are_refused),
        cmocka_unit_test(malformed_fields_are_refused),
        cmocka_unit_test(nops_are_skipped),
    };
    return cmocka_run_group_tests_name("lib_fdt", tests, NULL, NULL);
}
