// SPDX-License-Identifier: Apache-2.0
// virtio-blk: requests, their limits, several in flight, reset meanwhile.
#include "core/dev/virtio/blk.h"
#include "lib/bytes.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio_rig.h"

#define DISK_SECTORS 64
#define HEADER RIG_BUFFERS
#define DATA (RIG_BUFFERS + 0x1000)
#define STATUS (RIG_BUFFERS + 0x800)
#define FEATURES (VIRTIO_F_VERSION_1 | BLK_F_FLUSH | BLK_F_DISCARD | BLK_F_WRITE_ZEROES)
#define QUEUE_SIZE 64

struct fake_disk {
    struct rig rig;
    struct blk_backend backend;
    uint8_t data[DISK_SECTORS * 512];
    bool starving; // each submit makes the next allocation fail
    bool at_once;  // complete from inside submit()
    int status;    // what to complete with
    struct blk_request *held[BLK_IN_FLIGHT_MAX + 1];
    unsigned held_count, most_held, drains, flushes, performed, depth;
    bool kick_while_draining;
    enum blk_op last_op;
    uint64_t last_offset, last_len;
    bool last_unmap;
};

static void perform(struct fake_disk *disk, struct blk_request *req)
{
    uint64_t at = req->offset;

    for (unsigned i = 0; i < req->iov_count && !disk->status; i++) {
        if (req->op == BLK_READ)
            memcpy(req->iov[i].base, disk->data + at, req->iov[i].len);
        else
            memcpy(disk->data + at, req->iov[i].base, req->iov[i].len);
        at += req->iov[i].len;
    }
    disk->performed++;
    if (req->iov_count)
        assert_int_equal(disk->status ? req->len : at - req->offset, req->len);
    req->done(req, disk->status);
}

static void disk_submit(void *ctx, struct blk_request *req)
{
    struct fake_disk *disk = ctx;

    assert_int_equal(disk->rig.fake.locks_held, 0);
    assert_true(req->offset + req->len <= sizeof(disk->data));
    assert_int_equal((req->offset | req->len) % 512, 0);
    disk->last_op = req->op;
    if (disk->starving)
        disk->rig.fake.fail_alloc = 0;
    disk->last_offset = req->offset;
    disk->last_len = req->len;
    disk->last_unmap = req->unmap;
    disk->flushes += req->op == BLK_FLUSH;
    if (disk->at_once) {
        assert_true(disk->depth < 2); // a flush after a write, but no chain of requests
        disk->depth++;
        perform(disk, req);
        disk->depth--;
        return;
    }
    assert_true(disk->held_count < BLK_IN_FLIGHT_MAX);
    disk->held[disk->held_count++] = req;
    if (disk->held_count > disk->most_held)
        disk->most_held = disk->held_count;
}

static void complete_last(struct fake_disk *disk)
{
    assert_true(disk->held_count > 0);
    perform(disk, disk->held[--disk->held_count]);
}

static void disk_drain(void *ctx)
{
    struct fake_disk *disk = ctx;

    assert_int_equal(disk->rig.fake.locks_held, 0);
    disk->drains++;
    if (disk->kick_while_draining) { // another vCPU is still at it
        rig_kick(&disk->rig, 0);
        rig_set(&disk->rig, VIRTIO_MMIO_STATUS, 15);
        assert_true(rig_get(&disk->rig, VIRTIO_MMIO_STATUS) != 0);
    }
    while (disk->held_count)
        complete_last(disk);
}

static void create(struct fake_disk *disk)
{
    struct virtio_bindings b = rig_bindings(&disk->rig);

    rig_add(&disk->rig, hull_virtio_blk_create(&b, &disk->backend));
}

static struct fake_disk *prepare(void **state)
{
    static struct fake_disk disk;

    memset(&disk, 0, sizeof(disk));
    rig_init(&disk.rig);
    disk.at_once = true;
    disk.backend = (struct blk_backend){.submit = disk_submit,
                                        .drain = disk_drain,
                                        .ctx = &disk,
                                        .size = sizeof(disk.data),
                                        .discard = true,
                                        .serial = "a-disk-of-20-letters"};
    for (unsigned i = 0; i < sizeof(disk.data); i++)
        disk.data[i] = (uint8_t)(i * 7 + i / 512);
    *state = &disk;
    return &disk;
}

static int setup(void **state)
{
    create(prepare(state));
    return 0;
}

static int setup_read_only(void **state)
{
    struct fake_disk *disk = prepare(state);

    disk->backend.read_only = true;
    disk->backend.discard = false;
    create(disk);
    return 0;
}

static int teardown(void **state)
{
    struct fake_disk *disk = *state;

    rig_fini(&disk->rig);
    return 0;
}

static void put_header(struct rig *rig, gpa_t at, uint32_t type, uint64_t sector)
{
    hull_store_le32(rig_ptr(rig, at), type);
    hull_store_le32(rig_ptr(rig, at + 4), 0);
    hull_store_le64(rig_ptr(rig, at + 8), sector);
}

// Sends one request with `len` bytes of data; its status, and the length of the used entry.
static uint8_t request(struct fake_disk *disk, uint32_t type, uint64_t sector, uint32_t len,
                       bool data_writable, uint32_t *used_len)
{
    struct rig *rig = &disk->rig;
    const struct rig_segment segments[] = {
        {HEADER, 16, false}, {DATA, len, data_writable}, {STATUS, 1, true}};
    uint32_t head;

    put_header(rig, HEADER, type, sector);
    *(uint8_t *)rig_ptr(rig, STATUS) = 0xee;
    rig_chain(rig, 0, segments, 3);
    rig_kick(rig, 0);
    assert_true(rig_used(rig, 0, &head, used_len));
    return *(uint8_t *)rig_ptr(rig, STATUS);
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

    rig_start(&disk->rig, FEATURES, 1, QUEUE_SIZE);
    assert_int_equal(request(disk, BLK_T_IN, 3, 1024, true, &len), BLK_S_OK);
    assert_int_equal(len, 1025);
    assert_memory_equal(rig_ptr(&disk->rig, DATA), disk->data + 3 * 512, 1024);
    memset(rig_ptr(&disk->rig, DATA), 0x5a, 512);
    assert_int_equal(request(disk, BLK_T_OUT, DISK_SECTORS - 1, 512, false, &len), BLK_S_OK);
    assert_int_equal(len, 1);
    assert_int_equal(disk->data[DISK_SECTORS * 512 - 1], 0x5a);
    assert_int_equal(disk->data[(DISK_SECTORS - 1) * 512 - 1],
                     (uint8_t)(((DISK_SECTORS - 1) * 512 - 1) * 7 + DISK_SECTORS - 2));
    assert_int_equal(disk->flushes, 0);
    assert_int_equal(disk->rig.irq_rises, 1);
    rig_ack(&disk->rig);
    assert_int_equal(request(disk, 99, 0, 512, false, &len), BLK_S_UNSUPP); // answered at once
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

    rig_start(&disk->rig, FEATURES, 1, QUEUE_SIZE);
    written_calls = 0;
    disk->rig.memory.watch = (struct mem_watch){DATA + 511, 1, count_written, NULL};
    assert_int_equal(request(disk, BLK_T_IN, 0, 512, true, &len), BLK_S_OK);
    assert_int_equal(written_calls, 1);
    assert_int_equal(request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(written_calls, 1);
    disk->rig.memory.watch = (struct mem_watch){STATUS, 1, count_written, NULL};
    assert_int_equal(request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(written_calls, 2);
    // A request object is used again: nothing of a read is left in it.
    assert_int_equal(request(disk, BLK_T_IN, 0, 512, true, &len), BLK_S_OK);
    assert_int_equal(request(disk, 99, 0, 512, true, &len), BLK_S_UNSUPP);
    assert_int_equal(len, 0);
    assert_int_equal(request(disk, BLK_T_FLUSH, 0, 0, true, &len), BLK_S_OK);
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

    rig_start(rig, FEATURES, 1, QUEUE_SIZE);
    put_header(rig, HEADER, BLK_T_IN, 1);
    *(uint8_t *)rig_ptr(rig, DATA + 0x1001) = 0xee;
    rig_chain(rig, 0, in, 5);
    rig_kick(rig, 0);
    assert_true(rig_used(rig, 0, &head, &len));
    assert_int_equal(len, 513);
    assert_memory_equal(rig_ptr(rig, DATA), disk->data + 512, 511);
    assert_memory_equal(rig_ptr(rig, DATA + 0x1000), disk->data + 1023, 1);
    assert_int_equal(*(uint8_t *)rig_ptr(rig, DATA + 0x1001), BLK_S_OK);

    put_header(rig, HEADER, BLK_T_OUT, 2);
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

    rig_start(&disk->rig, FEATURES, 1, QUEUE_SIZE);
    assert_int_equal(request(disk, BLK_T_IN, DISK_SECTORS, 512, true, &len), BLK_S_IOERR);
    assert_int_equal(len, 0); // nothing in front of the status was written
    assert_int_equal(request(disk, BLK_T_IN, DISK_SECTORS - 1, 1024, true, &len), BLK_S_IOERR);
    assert_int_equal(request(disk, BLK_T_IN, UINT64_MAX, 512, true, &len), BLK_S_IOERR);
    assert_int_equal(request(disk, BLK_T_OUT, 1ull << 55, 512, false, &len), BLK_S_IOERR);
    assert_int_equal(len, 1);
    assert_int_equal(request(disk, BLK_T_IN, 0, 511, true, &len), BLK_S_IOERR);
    assert_int_equal(request(disk, BLK_T_OUT, 0, 513, false, &len), BLK_S_IOERR);
    assert_int_equal(request(disk, BLK_T_IN, DISK_SECTORS, 0, true, &len), BLK_S_OK);
    assert_int_equal(len, 1);
    assert_false(rig_needs_reset(&disk->rig));
}

static void unknown_types_are_unsupported(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, FEATURES, 1, QUEUE_SIZE);
    assert_int_equal(request(disk, 2, 0, 512, true, &len), BLK_S_UNSUPP);
    assert_int_equal(request(disk, 14, 0, 16, false, &len), BLK_S_UNSUPP);
    assert_int_equal(request(disk, UINT32_MAX, 0, 512, true, &len), BLK_S_UNSUPP);
}

static void host_errors_become_status_bytes(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, FEATURES, 1, QUEUE_SIZE);
    disk->status = -HULL_EIO;
    assert_int_equal(request(disk, BLK_T_IN, 0, 512, true, &len), BLK_S_IOERR);
    assert_int_equal(len, 0);
    assert_int_equal(request(disk, BLK_T_FLUSH, 0, 0, false, &len), BLK_S_IOERR);
    disk->status = -HULL_ENOTSUP;
    assert_int_equal(request(disk, BLK_T_FLUSH, 0, 0, false, &len), BLK_S_UNSUPP);
}

static void get_id_tells_the_serial(void **state)
{
    struct fake_disk *disk = *state;
    char *id = rig_ptr(&disk->rig, DATA);
    uint32_t len;

    rig_start(&disk->rig, FEATURES, 1, QUEUE_SIZE);
    assert_int_equal(request(disk, BLK_T_GET_ID, 0, 20, true, &len), BLK_S_OK);
    assert_int_equal(len, 21);
    assert_memory_equal(id, "a-disk-of-20-letters", 20);
    disk->backend.serial = "short";
    memset(id, 'x', 30);
    assert_int_equal(request(disk, BLK_T_GET_ID, 0, 30, true, &len), BLK_S_OK);
    assert_int_equal(len, 20);
    assert_memory_equal(id, "short\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0x", 21);
    assert_int_equal(request(disk, BLK_T_GET_ID, 0, 4, true, &len), BLK_S_OK);
    assert_int_equal(len, 5);
    disk->backend.serial = NULL;
    assert_int_equal(request(disk, BLK_T_GET_ID, 0, 20, true, &len), BLK_S_OK);
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
    return request(disk, type, 0, 16, false, &len);
}

static void discard_and_write_zeroes(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, FEATURES, 1, QUEUE_SIZE);
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
    assert_int_equal(request(disk, BLK_T_DISCARD, 0, 32, false, &len), BLK_S_IOERR);
    assert_int_equal(request(disk, BLK_T_DISCARD, 0, 15, false, &len), BLK_S_IOERR);
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
    assert_int_equal(request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_IOERR);
    assert_int_equal(range_request(disk, BLK_T_WRITE_ZEROES, 0, 1, 0), BLK_S_IOERR);
    assert_int_equal(range_request(disk, BLK_T_DISCARD, 0, 1, 0), BLK_S_IOERR);
    assert_int_equal(disk->last_op, BLK_READ);
    assert_int_equal(request(disk, BLK_T_IN, 0, 512, true, &len), BLK_S_OK);
}

static void writes_are_durable_for_drivers_without_flush(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t len;

    rig_start(&disk->rig, VIRTIO_F_VERSION_1, 1, QUEUE_SIZE);
    assert_int_equal(request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(disk->flushes, 1);
    assert_int_equal(range_request(disk, BLK_T_WRITE_ZEROES, 0, 1, 0), BLK_S_OK);
    assert_int_equal(disk->flushes, 2);
    assert_int_equal(request(disk, BLK_T_IN, 0, 512, true, &len), BLK_S_OK);
    assert_int_equal(disk->flushes, 2);
    disk->at_once = false; // the flush, not the write, completes the request
    rig_chain(
        &disk->rig, 0,
        (const struct rig_segment[]){{HEADER, 16, false}, {DATA, 512, false}, {STATUS, 1, true}},
        3);
    put_header(&disk->rig, HEADER, BLK_T_OUT, 0);
    rig_kick(&disk->rig, 0);
    complete_last(disk);
    assert_false(rig_used(&disk->rig, 0, &len, &len));
    assert_int_equal(disk->last_op, BLK_FLUSH);
    complete_last(disk);
    assert_true(rig_used(&disk->rig, 0, &len, &len));
}

static void the_driver_chooses_the_cache_mode(void **state)
{
    struct fake_disk *disk = *state;
    gpa_t writeback = RIG_DEVICE_BASE + VIRTIO_MMIO_CONFIG + BLK_CONFIG_WRITEBACK;
    uint32_t len;

    rig_start(&disk->rig, FEATURES | BLK_F_CONFIG_WCE, 1, QUEUE_SIZE);
    assert_int_equal(request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(disk->flushes, 0);
    assert_int_equal(hull_bus_write(&disk->rig.bus, writeback, 1, 0), 0);
    assert_int_equal(rig_config(&disk->rig, BLK_CONFIG_WRITEBACK, 1), 0);
    assert_int_equal(request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(disk->flushes, 1);
    assert_int_equal(hull_bus_write(&disk->rig.bus, writeback, 1, 1), 0);
    assert_int_equal(request(disk, BLK_T_OUT, 0, 512, false, &len), BLK_S_OK);
    assert_int_equal(disk->flushes, 1);

    assert_int_equal(hull_bus_write(&disk->rig.bus, writeback, 1, 0), 0);
    rig_start(&disk->rig, FEATURES, 1, QUEUE_SIZE);
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
        rig_start(rig, FEATURES, 1, QUEUE_SIZE);
        rig_chain(rig, 0, cases[i], 2);
        rig_kick(rig, 0);
        assert_true(rig_needs_reset(rig));
    }
}

// Puts `count` reads of sector i into the ring, each with data and status of its own.
static void queue_reads(struct fake_disk *disk, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        const struct rig_segment segments[] = {{HEADER + 16 * i, 16, false},
                                               {DATA + 0x200 * i, 512, true},
                                               {DATA + 0x20000 + i, 1, true}};

        put_header(&disk->rig, HEADER + 16 * i, BLK_T_IN, i);
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
    rig_start(rig, FEATURES, 1, QUEUE_SIZE);
    queue_reads(disk, 20);
    rig_kick(rig, 0);
    assert_int_equal(disk->held_count, 20);
    while (disk->held_count) { // in another order than they came
        rig_ack(rig);
        complete_last(disk);
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
    rig_start(rig, FEATURES, 1, 256);
    queue_reads(disk, 60);
    rig_kick(rig, 0);
    assert_int_equal(disk->held_count, BLK_IN_FLIGHT_MAX);
    for (unsigned i = 0; i < 60; i++) { // completions fetch what waits, without a kick
        complete_last(disk);
        assert_true(rig_used(rig, 0, &head, &len));
    }
    assert_int_equal(disk->most_held, BLK_IN_FLIGHT_MAX);
    assert_int_equal(disk->held_count, 0);
}

static void requests_that_complete_at_once_do_not_recurse(void **state)
{
    struct fake_disk *disk = *state;
    uint32_t head, len, count = 0;

    rig_start(&disk->rig, FEATURES, 1, 256);
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

    rig_start(rig, FEATURES, 1, 256);
    put_header(rig, HEADER, 99, 0);
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
        rig_start(rig, FEATURES, 1, 256);
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
    rig_start(&disk->rig, FEATURES, 1, 256);
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
    rig_start(rig, FEATURES, 1, QUEUE_SIZE);
    queue_reads(disk, 3);
    disk->starving = true;
    rig->fake.fail_alloc = 0;
    rig_kick(rig, 0);
    assert_int_equal(disk->held_count, 1);
    for (unsigned i = 0; i < 3; i++) {
        rig->fake.fail_alloc = 0;
        complete_last(disk);
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
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
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
        cmocka_unit_test_setup_teardown(a_read_only_disk_refuses_changes, setup_read_only,
                                        teardown),
        TEST(writes_are_durable_for_drivers_without_flush),
        TEST(the_driver_chooses_the_cache_mode),
        TEST(requests_without_header_or_status_break_the_device),
        TEST(several_requests_are_in_flight),
        TEST(a_ring_full_of_requests_is_served_in_turns),
        TEST(requests_that_complete_at_once_do_not_recurse),
        TEST(answers_without_the_backend_come_in_slices),
        TEST(reset_waits_for_what_is_in_flight),
        TEST(destruction_waits_too),
        TEST(a_lack_of_memory_only_slows_down),
        TEST(creation_fails_cleanly),
    };
    return cmocka_run_group_tests_name("core/dev/virtio/blk", tests, NULL, NULL);
}
