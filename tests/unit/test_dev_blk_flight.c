// SPDX-License-Identifier: Apache-2.0
// virtio-blk: several requests in flight, those that wait for their turn, reset meanwhile; a lack of memory.
#include "tests/unit/fake_disk.h"

#include "lib/bytes.h"

// Puts `count` reads of sector i into the ring, each with data and status of its own.
static void queue_reads(struct fake_disk *disk, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct rig_segment segments[] = {{HEADER + 16 * i, 16, false},
                                               {DATA + 0x200 * i, 512, true},
                                               {DATA + 0x20000 + i, 1, true}};

        disk_put_header(&disk->rig, HEADER + 16 * i, BLK_T_IN, i);
        *(uint8_t *)rig_ptr(&disk->rig, DATA + 0x20000 + i) = 0xee;
        disk->rig.q[0].next_desc = (uint16_t)(3 * i);
        rig_chain(&disk->rig, 0, segments, 3);
    }
}

static void several_requests_are_in_flight(void **state)
{
    struct fake_disk *disk = *state;
    struct rig *rig = &disk->rig;
    uint32_t head, len, expected = 57;

    disk->at_once = false;
    rig_start(rig, DISK_FEATURES, 1, QUEUE_SIZE);
    queue_reads(disk, 20);
    rig_kick(rig, 0);
    assert_int_equal(disk->held_count, 20);
    while (disk->held_count) { // in another order than they came
        rig_ack(rig);
        disk_complete_last(disk);
        assert_true(rig->irq);
        assert_true(rig_used(rig, 0, &head, &len));
        assert_int_equal(head, expected);
        expected -= 3;
        assert_memory_equal(rig_ptr(rig, DATA + 0x200 * (head / 3)), disk->data + 512 * (head / 3),
                            512);
    }
}

static void a_ring_full_of_requests_is_served_in_turns(void **state)
{
    struct fake_disk *disk = *state;
    struct rig *rig = &disk->rig;
    uint32_t head, len;

    disk->at_once = false;
    rig_start(rig, DISK_FEATURES, 1, 256);
    queue_reads(disk, 60);
    rig_kick(rig, 0);
    assert_int_equal(disk->held_count, BLK_IN_FLIGHT_MAX);
    for (unsigned i = 0; i < 60; i++) { // completions fetch what waits, without a kick
        disk_complete_last(disk);
        assert_true(rig_used(rig, 0, &head, &len));
    }
    assert_int_equal(disk->most_held, BLK_IN_FLIGHT_MAX);
    assert_int_equal(disk->held_count, 0);
}

static void requests_that_complete_at_once_do_not_recurse(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t head, len, count = 0;

    rig_start(&disk->rig, DISK_FEATURES, 1, 256);
    queue_reads(disk, 80);
    rig_kick(&disk->rig, 0);
    while (rig_used(&disk->rig, 0, &head, &len))
        count++;
    assert_int_equal(count, 80);
}

// Many requests that need no backend: the lock is let go in between, the rest follows soon.
static void answers_without_the_backend_come_in_slices(void **state)
{
    struct fake_disk *disk = *state;
    struct rig *rig = &disk->rig;
    const struct rig_segment segments[] = {{HEADER, 16, false}, {STATUS, 1, true}};
    uint8_t *ring;

    rig_start(rig, DISK_FEATURES, 1, 256);
    disk_put_header(rig, HEADER, 99, 0);
    rig_chain(rig, 0, segments, 2);
    ring = rig_ptr(rig, rig->q[0].driver);
    hull_store_le16(ring + 2, 256); // all entries name chain 0
    rig_kick(rig, 0);
    assert_int_equal(hull_load_le16(rig_ptr(rig, rig->q[0].device + 2)), VIRTIO_SLICE);
    hull_store_le16(ring + 2, 300); // nobody kicks
    fake_env_advance(&rig->fake, 1);
    assert_int_equal(hull_load_le16(rig_ptr(rig, rig->q[0].device + 2)), 300);
}

static void reset_waits_for_what_is_in_flight(void **state)
{
    struct fake_disk *disk = *state;
    struct rig *rig = &disk->rig;

    for (unsigned way = 0; way < 3; way++) {
        disk->drains = 0;
        disk->at_once = false;
        rig_start(rig, DISK_FEATURES, 1, 256);
        queue_reads(disk, 40);
        rig_kick(rig, 0);
        assert_int_equal(disk->held_count, BLK_IN_FLIGHT_MAX);
        disk->performed = 0;
        disk->kick_while_draining = true;
        if (way == 0)
            rig_set(rig, VIRTIO_MMIO_STATUS, 0);
        else if (way == 1)
            hull_bus_reset(&rig->bus);
        else
            rig_set(rig, VIRTIO_MMIO_QUEUE_READY, 0);
        disk->kick_while_draining = false;
        assert_int_equal(disk->drains, 1);
        assert_int_equal(disk->performed, BLK_IN_FLIGHT_MAX); // and none of those behind them
        assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
    }
}

// A VM that ends with requests in flight.
static void destruction_waits_too(void **state)
{
    struct fake_disk *disk = *state;

    disk->at_once = false;
    rig_start(&disk->rig, DISK_FEATURES, 1, 256);
    queue_reads(disk, 40);
    rig_kick(&disk->rig, 0);
    hull_bus_destroy(&disk->rig.bus);
    assert_int_equal(disk->performed, BLK_IN_FLIGHT_MAX);
    assert_int_equal(disk->rig.fake.allocated, 0);
}

static void a_lack_of_memory_only_slows_down(void **state)
{
    struct fake_disk *disk = *state;
    struct rig *rig = &disk->rig;
    uint32_t head, len;

    disk->at_once = false;
    rig_start(rig, DISK_FEATURES, 1, QUEUE_SIZE);
    queue_reads(disk, 3);
    disk->starving = true;
    rig->fake.fail_alloc = 0;
    rig_kick(rig, 0);
    assert_int_equal(disk->held_count, 1);
    for (unsigned i = 0; i < 3; i++) {
        rig->fake.fail_alloc = 0;
        disk_complete_last(disk);
        assert_true(rig_used(rig, 0, &head, &len));
        assert_int_equal(head, 3 * i);
    }
}

static void creation_fails_cleanly(void **state)
{
    struct fake_disk *disk = *state;
    struct virtio_bindings b = rig_bindings(&disk->rig);
    size_t before = disk->rig.fake.allocated;

    for (long n = 0; n < 3; n++) {
        disk->rig.fake.fail_alloc = n;
        assert_null(hull_virtio_blk_create(&b, &disk->backend));
        assert_int_equal(disk->rig.fake.allocated, before);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, disk_set_up, disk_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(several_requests_are_in_flight),
        TEST(a_ring_full_of_requests_is_served_in_turns),
        TEST(requests_that_complete_at_once_do_not_recurse),
        TEST(answers_without_the_backend_come_in_slices),
        TEST(reset_waits_for_what_is_in_flight),
        TEST(destruction_waits_too),
        TEST(a_lack_of_memory_only_slows_down),
        TEST(creation_fails_cleanly),
    };
    return cmocka_run_group_tests_name("core/dev/virtio/blk, in flight", tests, NULL, NULL);
}
