// SPDX-License-Identifier: Apache-2.0
// virtio-blk against a hostile driver; its requests complete at once, late, in any order, or fail.
#include <string.h>

#include "core/dev/virtio/virtio.h"
#include "tests/fuzz/virtio_driver.h"

#define DISK_SIZE (64 * 512u)
#define HELD_MAX 64

static struct {
    struct blk_request *held[HELD_MAX];
    unsigned count;
    bool at_once;
    int status;
    uint8_t data[DISK_SIZE];
} disk;

static void perform(struct blk_request *req)
{
    uint64_t at = req->offset, total = 0;

    for (unsigned i = 0; i < req->iov_count; i++) {
        total += req->iov[i].len;
        FUZZ_CHECK(total <= req->len);
        if (req->op == BLK_READ)
            memcpy(req->iov[i].base, disk.data + at, req->iov[i].len);
        else
            memcpy(disk.data + at, req->iov[i].base, req->iov[i].len);
        at += req->iov[i].len;
    }
    FUZZ_CHECK(!req->iov_count || total == req->len);
    req->done(req, disk.status);
}

static void submit(void *ctx, struct blk_request *req)
{
    (void)ctx;
    FUZZ_CHECK(req->offset <= DISK_SIZE && req->len <= DISK_SIZE - req->offset);
    FUZZ_CHECK((req->offset | req->len) % 512 == 0);
    if (disk.at_once) {
        perform(req);
        return;
    }
    FUZZ_CHECK(disk.count < HELD_MAX);
    disk.held[disk.count++] = req;
}

static void complete(unsigned which)
{
    struct blk_request *req = disk.held[which];

    disk.held[which] = disk.held[--disk.count];
    perform(req);
}

static void drain(void *ctx)
{
    (void)ctx;
    while (disk.count)
        complete(0);
}

static struct blk_backend backend = {
    .submit = submit, .drain = drain, .size = DISK_SIZE, .discard = true, .serial = "fuzz"};

static struct device *create(const struct virtio_bindings *b)
{
    disk.count = 0;
    disk.at_once = true;
    disk.status = 0;
    return hull_virtio_blk_create(b, &backend);
}

static void act(struct device *dev, uint8_t what, struct input *in)
{
    (void)dev;
    switch (what % 4) {
    case 0: disk.at_once = what & 4; break;
    case 1: disk.status = what & 4 ? -HULL_EIO : what & 8 ? -HULL_ENOTSUP : 0; break;
    default:
        if (disk.count)
            complete(input_byte(in) % disk.count);
        break;
    }
}

// A device that was reset has let go of the guest's memory.
static void check(struct device *dev)
{
    FUZZ_CHECK(virtio_of(dev)->status != 0 || disk.count == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct virtio_target target = {create, act, check};
    struct input in = {data, size};

    backend.read_only = input_byte(&in) & 1;
    virtio_drive(&target, &in);
    return 0;
}
