// SPDX-License-Identifier: Apache-2.0
// virtio-blk: what each request does, its answer and its limits; what the device tells of the disk.
#include "tests/unit/fake_disk.h"

#include "lib/bytes.h"

static int set_up_read_only(void **state)
{
    struct fake_disk *disk = disk_prepare(state);

    disk->backend.read_only = true;
    disk->backend.discard = false;
    disk_create(disk);
    return 0;
}

static void config_space_describes_the_disk(void **state)
{
    struct fake_disk *disk = *state;
    struct rig *rig = &disk->rig;

    assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_ID), 2);
    assert_int_equal(rig_config(rig, BLK_CONFIG_CAPACITY, 8), DISK_SECTORS);
    assert_int_equal(rig_config(rig, BLK_CONFIG_CAPACITY, 4), DISK_SECTORS);
    assert_int_equal(rig_config(rig, BLK_CONFIG_CAPACITY + 4, 4), 0);
    assert_int_equal(rig_config(rig, BLK_CONFIG_SEG_MAX, 4), 254);
    assert_int_equal(rig_config(rig, BLK_CONFIG_BLK_SIZE, 4), 512);
    assert_int_equal(rig_config(rig, BLK_CONFIG_WRITEBACK, 1), 1);
    assert_int_equal(rig_config(rig, BLK_CONFIG_MAX_DISCARD_SEG, 4), 1);
    assert_int_equal(rig_config(rig, BLK_CONFIG_ZEROES_MAY_UNMAP, 1), 1);
    assert_int_equal(rig_config(rig, BLK_CONFIG_PHYSICAL_EXP, 1), 3);
    assert_int_equal(rig_config(rig, BLK_CONFIG_NUM_QUEUES, 2), 1);
    assert_int_equal(rig_config(rig, BLK_CONFIG_MAX_DISCARD, 4), BLK_DISCARD_SECTORS_MAX);
    assert_int_equal(rig_config(rig, BLK_CONFIG_DISCARD_ALIGNMENT, 4), 8);
    assert_int_equal(rig_config(rig, BLK_CONFIG_MAX_ZEROES, 4), BLK_DISCARD_SECTORS_MAX);
    assert_int_equal(rig_config(rig, BLK_CONFIG_MAX_ZEROES_SEG, 4), 1);
    assert_int_equal(rig_config(rig, BLK_CONFIG_SIZE, 4), 0);
    assert_int_equal(rig_config(rig, BLK_CONFIG_SIZE - 1, 8), 0);
}

static void reads_and_writes_reach_the_disk(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, DISK_FEATURES, 1, QUEUE_SIZE);
    assert_int_equal(disk_request(disk, BLK_T_IN, 3, 1024, true, &len), BLK_S_OK);
    assert_int_equal(len, 1025);
    assert_memory_equal(rig_ptr(&disk->rig, DATA), disk->data + 3 * 512, 1024);
    memset(rig_ptr(&disk->rig, DATA), 0x5a, 512);
    assert_int_equal(disk_request(disk, BLK_T_OUT, DISK_SECTORS - 1, 512, false, &len), BLK_S_OK);
    assert_int_equal(len, 1);
    assert_int_equal(disk->data[DISK_SECTORS * 512 - 1], 0x5a);
    assert_int_equal(disk->data[(DISK_SECTORS - 1) * 512 - 1],
                     (uint8_t)(((DISK_SECTORS - 1) * 512 - 1) * 7 + DISK_SECTORS - 2));
    assert_int_equal(disk->flushes, 0);
    assert_int_equal(disk->rig.irq_rises, 1);
    rig_ack(&disk->rig);
    assert_int_equal(disk_request(disk, 99, 0, 512, false, &len), BLK_S_UNSUPP); // answered at once
    assert_int_equal(disk->rig.irq_rises, 2);
}

static unsigned written_calls;

static void count_written(void *ctx, gpa_t gpa)
{
    (void)ctx;
    (void)gpa;
    written_calls++;
}

static void what_was_read_counts_as_written(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, DISK_FEATURES, 1, QUEUE_SIZE);
    written_calls = 0;
    disk->rig.memory.watch = (struct mem_watch){DATA + 511, 1, count_written, NULL};
    assert_int_equal(disk_request(disk, BLK_T_IN, 0, 512, true, &len), BLK_S_OK);
    assert_int_equal(written_calls, 1);
    assert_int_equal(disk_request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(written_calls, 1);
    disk->rig.memory.watch = (struct mem_watch){STATUS, 1, count_written, NULL};
    assert_int_equal(disk_request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(written_calls, 2);
    // A request object is used again: nothing of a read is left in it.
    assert_int_equal(disk_request(disk, BLK_T_IN, 0, 512, true, &len), BLK_S_OK);
    assert_int_equal(disk_request(disk, 99, 0, 512, true, &len), BLK_S_UNSUPP);
    assert_int_equal(len, 0);
    assert_int_equal(disk_request(disk, BLK_T_FLUSH, 0, 0, true, &len), BLK_S_OK);
    assert_int_equal(len, 1);
}

// Header and status may share descriptors with the data, and be cut anywhere.
static void framing_does_not_matter(void **state)
{
    struct fake_disk *disk = *state;
    struct rig *rig = &disk->rig;
    const struct rig_segment in[] = {{HEADER, 5, false},
                                     {HEADER + 5, 11, false},
                                     {DATA, 1, true},
                                     {DATA + 1, 510, true},
                                     {DATA + 0x1000, 2, true}};
    const struct rig_segment out[] = {
        {HEADER, 16 + 100, false}, {DATA, 412, false}, {STATUS, 1, true}};
    uint32_t head, len;

    rig_start(rig, DISK_FEATURES, 1, QUEUE_SIZE);
    disk_put_header(rig, HEADER, BLK_T_IN, 1);
    *(uint8_t *)rig_ptr(rig, DATA + 0x1001) = 0xee;
    rig_chain(rig, 0, in, 5);
    rig_kick(rig, 0);
    assert_true(rig_used(rig, 0, &head, &len));
    assert_int_equal(len, 513);
    assert_memory_equal(rig_ptr(rig, DATA), disk->data + 512, 511);
    assert_memory_equal(rig_ptr(rig, DATA + 0x1000), disk->data + 1023, 1);
    assert_int_equal(*(uint8_t *)rig_ptr(rig, DATA + 0x1001), BLK_S_OK);

    disk_put_header(rig, HEADER, BLK_T_OUT, 2);
    memset(rig_ptr(rig, HEADER + 16), 'h', 100);
    memset(rig_ptr(rig, DATA), 'd', 412);
    rig_chain(rig, 0, out, 3);
    rig_kick(rig, 0);
    assert_true(rig_used(rig, 0, &head, &len));
    assert_int_equal(disk->data[1024], 'h');
    assert_int_equal(disk->data[1024 + 99], 'h');
    assert_int_equal(disk->data[1024 + 100], 'd');
    assert_int_equal(disk->data[1024 + 511], 'd');
}

static void requests_past_the_end_fail(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, DISK_FEATURES, 1, QUEUE_SIZE);
    assert_int_equal(disk_request(disk, BLK_T_IN, DISK_SECTORS, 512, true, &len), BLK_S_IOERR);
    assert_int_equal(len, 0); // nothing in front of the status was written
    assert_int_equal(disk_request(disk, BLK_T_IN, DISK_SECTORS - 1, 1024, true, &len), BLK_S_IOERR);
    assert_int_equal(disk_request(disk, BLK_T_IN, UINT64_MAX, 512, true, &len), BLK_S_IOERR);
    assert_int_equal(disk_request(disk, BLK_T_OUT, 1ull << 55, 512, false, &len), BLK_S_IOERR);
    assert_int_equal(len, 1);
    assert_int_equal(disk_request(disk, BLK_T_IN, 0, 511, true, &len), BLK_S_IOERR);
    assert_int_equal(disk_request(disk, BLK_T_OUT, 0, 513, false, &len), BLK_S_IOERR);
    assert_int_equal(disk_request(disk, BLK_T_IN, DISK_SECTORS, 0, true, &len), BLK_S_OK);
    assert_int_equal(len, 1);
    assert_false(rig_needs_reset(&disk->rig));
}

static void unknown_types_are_unsupported(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, DISK_FEATURES, 1, QUEUE_SIZE);
    assert_int_equal(disk_request(disk, 2, 0, 512, true, &len), BLK_S_UNSUPP);
    assert_int_equal(disk_request(disk, 14, 0, 16, false, &len), BLK_S_UNSUPP);
    assert_int_equal(disk_request(disk, UINT32_MAX, 0, 512, true, &len), BLK_S_UNSUPP);
}

static void host_errors_become_status_bytes(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, DISK_FEATURES, 1, QUEUE_SIZE);
    disk->status = -HULL_EIO;
    assert_int_equal(disk_request(disk, BLK_T_IN, 0, 512, true, &len), BLK_S_IOERR);
    assert_int_equal(len, 0);
    assert_int_equal(disk_request(disk, BLK_T_FLUSH, 0, 0, false, &len), BLK_S_IOERR);
    disk->status = -HULL_ENOTSUP;
    assert_int_equal(disk_request(disk, BLK_T_FLUSH, 0, 0, false, &len), BLK_S_UNSUPP);
}

static void get_id_tells_the_serial(void **state)
{
    struct fake_disk *disk = *state;
    char *id = rig_ptr(&disk->rig, DATA);
    uint32_t len;

    rig_start(&disk->rig, DISK_FEATURES, 1, QUEUE_SIZE);
    assert_int_equal(disk_request(disk, BLK_T_GET_ID, 0, 20, true, &len), BLK_S_OK);
    assert_int_equal(len, 21);
    assert_memory_equal(id, "a-disk-of-20-letters", 20);
    disk->backend.serial = "short";
    memset(id, 'x', 30);
    assert_int_equal(disk_request(disk, BLK_T_GET_ID, 0, 30, true, &len), BLK_S_OK);
    assert_int_equal(len, 20);
    assert_memory_equal(id, "short\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x", 21);
    assert_int_equal(disk_request(disk, BLK_T_GET_ID, 0, 4, true, &len), BLK_S_OK);
    assert_int_equal(len, 5);
    disk->backend.serial = NULL;
    assert_int_equal(disk_request(disk, BLK_T_GET_ID, 0, 20, true, &len), BLK_S_OK);
    assert_int_equal(id[0], 0);
}

// One discard or write-zeroes request.
static uint8_t range_request(struct fake_disk *disk, uint32_t type, uint64_t sector,
                             uint32_t sectors, uint32_t flags)
{
    uint8_t *segment = rig_ptr(&disk->rig, DATA);
    uint32_t len;

    hull_store_le64(segment, sector);
    hull_store_le32(segment + 8, sectors);
    hull_store_le32(segment + 12, flags);
    return disk_request(disk, type, 0, 16, false, &len);
}

static void discard_and_write_zeroes(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, DISK_FEATURES, 1, QUEUE_SIZE);
    assert_int_equal(range_request(disk, BLK_T_DISCARD, 8, 16, 0), BLK_S_OK);
    assert_int_equal(disk->last_op, BLK_DISCARD);
    assert_int_equal(disk->last_offset, 8 * 512);
    assert_int_equal(disk->last_len, 16 * 512);
    assert_int_equal(range_request(disk, BLK_T_WRITE_ZEROES, 0, DISK_SECTORS, 1), BLK_S_OK);
    assert_int_equal(disk->last_op, BLK_WRITE_ZEROES);
    assert_true(disk->last_unmap);
    assert_int_equal(range_request(disk, BLK_T_WRITE_ZEROES, 1, 2, 0), BLK_S_OK);
    assert_false(disk->last_unmap);

    disk->last_op = BLK_FLUSH;
    assert_int_equal(range_request(disk, BLK_T_DISCARD, 0, 1, 1), BLK_S_UNSUPP); // unmap
    assert_int_equal(range_request(disk, BLK_T_WRITE_ZEROES, 0, 1, 2), BLK_S_UNSUPP);
    assert_int_equal(range_request(disk, BLK_T_DISCARD, DISK_SECTORS, 1, 0), BLK_S_IOERR);
    assert_int_equal(range_request(disk, BLK_T_DISCARD, UINT64_MAX, 2, 0), BLK_S_IOERR);
    assert_int_equal(range_request(disk, BLK_T_DISCARD, 0, UINT32_MAX, 0), BLK_S_IOERR);
    assert_int_equal(range_request(disk, BLK_T_DISCARD, 0, 0, 0), BLK_S_OK);
    assert_int_equal(disk_request(disk, BLK_T_DISCARD, 0, 32, false, &len), BLK_S_IOERR);
    assert_int_equal(disk_request(disk, BLK_T_DISCARD, 0, 15, false, &len), BLK_S_IOERR);
    assert_int_equal(disk->last_op, BLK_FLUSH);
}

static void a_read_only_disk_refuses_changes(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    assert_true(virtio_of(disk->rig.dev)->offered & BLK_F_RO);
    assert_false(virtio_of(disk->rig.dev)->offered & (BLK_F_DISCARD | BLK_F_WRITE_ZEROES));
    rig_start(&disk->rig, VIRTIO_F_VERSION_1 | BLK_F_RO | BLK_F_FLUSH, 1, QUEUE_SIZE);
    disk->last_op = BLK_READ;
    assert_int_equal(disk_request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_IOERR);
    assert_int_equal(range_request(disk, BLK_T_WRITE_ZEROES, 0, 1, 0), BLK_S_IOERR);
    assert_int_equal(range_request(disk, BLK_T_DISCARD, 0, 1, 0), BLK_S_IOERR);
    assert_int_equal(disk->last_op, BLK_READ);
    assert_int_equal(disk_request(disk, BLK_T_IN, 0, 512, true, &len), BLK_S_OK);
}

static void writes_are_durable_for_drivers_without_flush(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, VIRTIO_F_VERSION_1, 1, QUEUE_SIZE);
    assert_int_equal(disk_request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(disk->flushes, 1);
    assert_int_equal(range_request(disk, BLK_T_WRITE_ZEROES, 0, 1, 0), BLK_S_OK);
    assert_int_equal(disk->flushes, 2);
    assert_int_equal(disk_request(disk, BLK_T_IN, 0, 512, true, &len), BLK_S_OK);
    assert_int_equal(disk->flushes, 2);
    disk->at_once = false; // the flush, not the write, completes the request
    rig_chain(
        &disk->rig, 0,
        (const struct rig_segment[]){{HEADER, 16, false}, {DATA, 512, false}, {STATUS, 1, true}},
        3);
    disk_put_header(&disk->rig, HEADER, BLK_T_OUT, 0);
    rig_kick(&disk->rig, 0);
    disk_complete_last(disk);
    assert_false(rig_used(&disk->rig, 0, &len, &len));
    assert_int_equal(disk->last_op, BLK_FLUSH);
    disk_complete_last(disk);
    assert_true(rig_used(&disk->rig, 0, &len, &len));
}

static void the_driver_chooses_the_cache_mode(void **state)
{
    struct fake_disk *disk = *state;
    gpa_t writeback = RIG_DEVICE_BASE + VIRTIO_MMIO_CONFIG + BLK_CONFIG_WRITEBACK;
    uint32_t len;

    rig_start(&disk->rig, DISK_FEATURES | BLK_F_CONFIG_WCE, 1, QUEUE_SIZE);
    assert_int_equal(disk_request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(disk->flushes, 0);
    assert_int_equal(hull_bus_write(&disk->rig.bus, writeback, 1, 0), 0);
    assert_int_equal(rig_config(&disk->rig, BLK_CONFIG_WRITEBACK, 1), 0);
    assert_int_equal(disk_request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(disk->flushes, 1);
    assert_int_equal(hull_bus_write(&disk->rig.bus, writeback, 1, 1), 0);
    assert_int_equal(disk_request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(disk->flushes, 1);

    assert_int_equal(hull_bus_write(&disk->rig.bus, writeback, 1, 0), 0);
    rig_start(&disk->rig, DISK_FEATURES, 1, QUEUE_SIZE);
    assert_int_equal(rig_config(&disk->rig, BLK_CONFIG_WRITEBACK, 1), 1); // after a reset
    assert_int_equal(hull_bus_write(&disk->rig.bus, writeback, 1, 0), 0);
    assert_int_equal(rig_config(&disk->rig, BLK_CONFIG_WRITEBACK, 1), 1);
}

static void requests_without_header_or_status_break_the_device(void **state)
{
    struct fake_disk *disk = *state;
    struct rig *rig = &disk->rig;
    const struct rig_segment cases[][2] = {{{HEADER, 15, false}, {STATUS, 1, true}},
                                           {{HEADER, 16, false}, {DATA, 512, false}},
                                           {{DATA, 512, true}, {STATUS, 1, true}}};

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(cases); i++) {
        rig_start(rig, DISK_FEATURES, 1, QUEUE_SIZE);
        rig_chain(rig, 0, cases[i], 2);
        rig_kick(rig, 0);
        assert_true(rig_needs_reset(rig));
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, disk_set_up, disk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(config_space_describes_the_disk),
        TEST(reads_and_writes_reach_the_disk),
        TEST(what_was_read_counts_as_written),
        TEST(framing_does_not_matter),
        TEST(requests_past_the_end_fail),
        TEST(unknown_types_are_unsupported),
        TEST(host_errors_become_status_bytes),
        TEST(get_id_tells_the_serial),
        TEST(discard_and_write_zeroes),
        cmocka_unit_test_setup_teardown(a_read_only_disk_refuses_changes, set_up_read_only,
                                        disk_tear_down),
        TEST(writes_are_durable_for_drivers_without_flush),
        TEST(the_driver_chooses_the_cache_mode),
        TEST(requests_without_header_or_status_break_the_device),
    };
    return cmocka_run_group_tests_name("core/dev/virtio/blk", tests, NULL, NULL);
}
