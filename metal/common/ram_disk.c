// SPDX-License-Identifier: Apache-2.0
// Every request is done at once: it is a copy.
#include "metal/common/ram_disk.h"

#include "lib/mem.h"

static void copy(struct ram_disk *disk, struct blk_request *req)
{
    uint8_t *at = disk->data + req->offset;

    for (unsigned i = 0; i < req->iov_count; i++) {
        if (req->op == BLK_READ)
            memcpy(req->iov[i].base, at, req->iov[i].len);
        else
            memcpy(at, req->iov[i].base, req->iov[i].len);
        at += req->iov[i].len;
    }
}

static void ram_disk_submit(void *ctx, struct blk_request *req)
{
    struct ram_disk *disk = ctx;

    switch (req->op) {
    case BLK_READ:
    case BLK_WRITE: copy(disk, req); break;
    case BLK_DISCARD:
    case BLK_WRITE_ZEROES: memset(disk->data + req->offset, 0, req->len); break;
    case BLK_FLUSH: break;
    }
    req->done(req, 0);
}

static void ram_disk_drain(void *ctx)
{
    (void)ctx;
}

struct blk_backend *ram_disk_init(struct ram_disk *disk, const struct bundle_blob *blob,
                                  const struct disk_spec *spec)
{
    disk->data = (uint8_t *)(uintptr_t)blob->data;
    disk->backend = (struct blk_backend){
        .submit = ram_disk_submit,
        .drain = ram_disk_drain,
        .ctx = disk,
        .size = blob->size & ~511ull,
        .read_only = spec->read_only,
        .serial = spec->id ? spec->id : "disk",
    };
    return &disk->backend;
}
