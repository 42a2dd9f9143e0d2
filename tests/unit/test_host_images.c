// SPDX-License-Identifier: Apache-2.0
// Images: plain, gzip and zboot kernels; damaged, endless and changing ones.
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "host/run/images.h"
#include "lib/bytes.h"

#define PAYLOAD 300000u

struct fixture {
    char name[64];
    uint8_t payload[PAYLOAD];
    uint8_t packed[2 * PAYLOAD];
    size_t packed_size;
    struct images images;
};

static int fixture_setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    z_stream z = {0};

    for (unsigned i = 0; i < PAYLOAD; i++)
        f->payload[i] = (uint8_t)(i % 7 ? i >> 3 : (unsigned)rand());
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    z.next_in = f->payload;
    z.avail_in = PAYLOAD;
    z.next_out = f->packed;
    z.avail_out = sizeof(f->packed);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    f->packed_size = z.total_out;
    deflateEnd(&z);
    strcpy(f->name, "/tmp/hull-image-XXXXXX");
    close(mkstemp(f->name));
    *state = f;
    return 0;
}

static int fixture_teardown(void **state)
{
    struct fixture *f = *state;

    unlink(f->name);
    free(f);
    return 0;
}

static void file_write(const struct fixture *f, const void *head, size_t head_size,
                       const void *data, size_t size)
{
    FILE *file = fopen(f->name, "wb");

    assert_non_null(file);
    if (head_size)
        assert_int_equal(fwrite(head, 1, head_size, file), head_size);
    assert_int_equal(fwrite(data, 1, size, file), size);
    fclose(file);
}

static int kernel_open(struct fixture *f, uint64_t limit)
{
    struct boot_spec boot = {.kernel = f->name};

    return hull_images_open(&f->images, &boot, limit);
}

// Also after the memory was given back and filled again, at the same place.
static void kernel_is_payload(struct fixture *f)
{
    struct board_images board;
    const void *where;

    hull_images_describe(&f->images, &board);
    assert_int_equal(board.kernel.size, PAYLOAD);
    assert_memory_equal(board.kernel.data, f->payload, PAYLOAD);
    assert_string_equal(board.kernel.name, f->name);
    assert_null(board.initrd.data);
    where = board.kernel.data;
    hull_images_drop(&f->images);
    assert_int_equal(*(const uint64_t *)where, 0);
    assert_int_equal(hull_images_refill(&f->images), 0);
    hull_images_describe(&f->images, &board);
    assert_ptr_equal(board.kernel.data, where);
    assert_memory_equal(board.kernel.data, f->payload, PAYLOAD);
    hull_images_close(&f->images);
}

static void plain_is_taken_as_it_is(void **state)
{
    struct fixture *f = *state;

    file_write(f, NULL, 0, f->payload, PAYLOAD);
    assert_int_equal(kernel_open(f, PAYLOAD), 0);
    kernel_is_payload(f);
    assert_int_equal(kernel_open(f, PAYLOAD - 1), -HULL_ENOSPC);
}

static void gzip_is_unpacked(void **state)
{
    struct fixture *f = *state;

    file_write(f, NULL, 0, f->packed, f->packed_size);
    assert_int_equal(kernel_open(f, 64 << 20), 0);
    kernel_is_payload(f);
    assert_int_equal(kernel_open(f, PAYLOAD), 0); // exactly fits
    kernel_is_payload(f);
    assert_int_equal(kernel_open(f, PAYLOAD - 1), -HULL_ENOSPC);
}

static void initrds_stay_packed(void **state)
{
    struct fixture *f = *state;
    struct boot_spec boot = {.initrd = f->name};
    struct board_images board;

    file_write(f, NULL, 0, f->packed, f->packed_size);
    assert_int_equal(hull_images_open(&f->images, &boot, 64 << 20), 0);
    hull_images_describe(&f->images, &board);
    assert_int_equal(board.initrd.size, f->packed_size);
    assert_memory_equal(board.initrd.data, f->packed, f->packed_size);
    hull_images_close(&f->images);
}

static void damaged_gzip_is_refused(void **state)
{
    struct fixture *f = *state;

    for (size_t size = 64; size < f->packed_size; size += f->packed_size / 4) {
        file_write(f, NULL, 0, f->packed, size);
        assert_int_equal(kernel_open(f, 64 << 20), -HULL_EFORMAT);
    }
    f->packed[f->packed_size / 2] ^= 0x10;
    file_write(f, NULL, 0, f->packed, f->packed_size);
    assert_int_equal(kernel_open(f, 64 << 20), -HULL_EFORMAT);
}

static void zboot_header(uint8_t *head, uint32_t offset, uint32_t size, const char *how)
{
    memset(head, 0, 64);
    memcpy(head, "MZ", 2);
    memcpy(head + 4, "zimg", 4);
    hull_store_le32(head + 8, offset);
    hull_store_le32(head + 12, size);
    memcpy(head + 24, how, strlen(how));
}

static void zboot_is_unpacked(void **state)
{
    struct fixture *f = *state;
    uint8_t head[64];

    zboot_header(head, 64, (uint32_t)f->packed_size, "gzip");
    file_write(f, head, 64, f->packed, f->packed_size);
    assert_int_equal(kernel_open(f, 64 << 20), 0);
    kernel_is_payload(f);
    zboot_header(head, 64, (uint32_t)f->packed_size + 1, "gzip");
    file_write(f, head, 64, f->packed, f->packed_size);
    assert_int_equal(kernel_open(f, 64 << 20), -HULL_EFORMAT);
    zboot_header(head, UINT32_MAX, 2, "gzip");
    file_write(f, head, 64, f->packed, f->packed_size);
    assert_int_equal(kernel_open(f, 64 << 20), -HULL_EFORMAT);
    zboot_header(head, 64, (uint32_t)f->packed_size, "zstd");
    file_write(f, head, 64, f->packed, f->packed_size);
    assert_int_equal(kernel_open(f, 64 << 20), -HULL_EFORMAT);
}

static void a_changed_file_is_refused_at_reset(void **state)
{
    struct fixture *f = *state;

    file_write(f, NULL, 0, f->payload, PAYLOAD);
    assert_int_equal(kernel_open(f, 64 << 20), 0);
    hull_images_drop(&f->images);
    assert_int_equal(truncate(f->name, PAYLOAD / 2), 0);
    assert_int_equal(hull_images_refill(&f->images), -HULL_EIO);
    hull_images_close(&f->images);
}

static void missing_and_empty_files_are_refused(void **state)
{
    struct fixture *f = *state;
    struct boot_spec boot = {.kernel = "/nonexistent/kernel"};

    assert_int_equal(hull_images_open(&f->images, &boot, 64 << 20), -HULL_ENOENT);
    boot.kernel = "/tmp";
    assert_int_equal(hull_images_open(&f->images, &boot, 64 << 20), -HULL_ENOENT);
    assert_int_equal(kernel_open(f, 64 << 20), -HULL_EFORMAT);
    boot.kernel = NULL;
    assert_int_equal(hull_images_open(&f->images, &boot, 64 << 20), 0);
    hull_images_close(&f->images);
}

#define image_test(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        image_test(plain_is_taken_as_it_is),
        image_test(gzip_is_unpacked),
        image_test(initrds_stay_packed),
        image_test(damaged_gzip_is_refused),
        image_test(zboot_is_unpacked),
        image_test(a_changed_file_is_refused_at_reset),
        image_test(missing_and_empty_files_are_refused),
    };
    return cmocka_run_group_tests_name("host/images", tests, NULL, NULL);
}
