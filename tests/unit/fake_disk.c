// SPDX-License-Identifier: Apache-2.0
// See fake_disk.h.
#include "tests/unit/fake_disk.h"

#include "lib/bytes.h"

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

void disk_complete_last(struct fake_disk *disk)
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
        disk_complete_last(disk);
}

void disk_create(struct fake_disk *disk)
{
    struct virtio_bindings b = rig_bindings(&disk->rig);

    rig_add(&disk->rig, hull_virtio_blk_create(&b, &disk->backend));
}

struct fake_disk *disk_prepare(void **state)
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

int disk_set_up(void **state)
{
    disk_create(disk_prepare(state));
    return 0;
}

int disk_tear_down(void **state)
{
    struct fake_disk *disk = *state;

    rig_fini(&disk->rig);
    return 0;
}

void disk_put_header(struct rig *rig, gpa_t at, uint32_t type, uint64_t sector)
{
    hull_store_le32(rig_ptr(rig, at), type);
    hull_store_le32(rig_ptr(rig, at + 4), 0);
    hull_store_le64(rig_ptr(rig, at + 8), sector);
}

uint8_t disk_request(struct fake_disk *disk, uint32_t type, uint64_t sector, uint32_t len,
                     bool data_writable, uint32_t *used_len)
{
    struct rig *rig = &disk->rig;
    const struct rig_segment segments[] = {
        {HEADER, 16, false}, {DATA, len, data_writable}, {STATUS, 1, true}};
    uint32_t head;

    disk_put_header(rig, HEADER, type, sector);
    *(uint8_t *)rig_ptr(rig, STATUS) = 0xee;
    rig_chain(rig, 0, segments, 3);
    rig_kick(rig, 0);
    assert_true(rig_used(rig, 0, &head, used_len));
    return *(uint8_t *)rig_ptr(rig, STATUS);
}
