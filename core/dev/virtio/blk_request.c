// SPDX-License-Identifier: Apache-2.0
// Reading one virtio-blk request (virtio 1.2, 5.2.6): header, data and status are found whatever
// the framing, and every number in them is checked against the disk.
#include "core/dev/virtio/blk.h"
#include "lib/bytes.h"
#include "lib/str.h"

#define HEADER_SIZE 16
#define SEGMENT_SIZE 16 // of discard and write zeroes
#define SEGMENT_F_UNMAP 1u

struct header {
    uint32_t type;
    uint64_t sector;
};

static bool inside_disk(const struct blk *blk, uint64_t sector, uint64_t sectors)
{
    uint64_t capacity = blk->backend->size / BLK_SECTOR;

    return sector <= capacity && sectors <= capacity - sector;
}

static enum blk_status prepare_transfer(struct blk *blk, struct blk_io *io, const struct header *h)
{
    bool write = h->type == BLK_T_OUT;
    struct virtq_chain *chain = &io->chain;
    uint64_t len = write ? chain->readable_len : chain->writable_len;

    if (write && blk->backend->read_only)
        return BLK_S_IOERR;
    if (len % BLK_SECTOR || !inside_disk(blk, h->sector, len / BLK_SECTOR))
        return BLK_S_IOERR;
    if (!len)
        return BLK_S_OK;
    io->req.op = write ? BLK_WRITE : BLK_READ;
    io->req.offset = h->sector * BLK_SECTOR;
    io->req.len = len;
    io->req.iov = write ? chain->readable : chain->writable;
    io->req.iov_count = write ? chain->readable_count : chain->writable_count;
    io->in_written = write ? 0 : len;
    return BLK_S_PENDING;
}

// One segment a request, as the configuration space says.
static enum blk_status prepare_range(struct blk *blk, struct blk_io *io, bool discard)
{
    uint8_t raw[SEGMENT_SIZE];
    uint64_t sector;
    uint32_t sectors, flags;

    if (blk->backend->read_only)
        return BLK_S_IOERR;
    if (discard && !blk->backend->discard)
        return BLK_S_UNSUPP;
    if (io->chain.readable_len != SEGMENT_SIZE)
        return BLK_S_IOERR;
    virtq_chain_read(&io->chain, 0, raw, sizeof(raw));
    sector = hull_load_le64(raw);
    sectors = hull_load_le32(raw + 8);
    flags = hull_load_le32(raw + 12);
    if (flags & ~(discard ? 0 : SEGMENT_F_UNMAP)) // 5.2.6.2: unknown flags, and unmap on discard
        return BLK_S_UNSUPP;
    if (sectors > BLK_DISCARD_SECTORS_MAX || !inside_disk(blk, sector, sectors))
        return BLK_S_IOERR;
    if (!sectors)
        return BLK_S_OK;
    io->req.op = discard ? BLK_DISCARD : BLK_WRITE_ZEROES;
    io->req.unmap = flags & SEGMENT_F_UNMAP;
    io->req.offset = sector * BLK_SECTOR;
    io->req.len = (uint64_t)sectors * BLK_SECTOR;
    return BLK_S_PENDING;
}

// The serial, padded with zeroes, not terminated.
static enum blk_status get_id(struct blk *blk, struct blk_io *io)
{
    char id[BLK_ID_BYTES] = {0};

    if (blk->backend->serial)
        memcpy(id, blk->backend->serial, hull_strnlen(blk->backend->serial, sizeof(id)));
    io->in_written = virtq_chain_write(&blk->vdev.queues[0], &io->chain, 0, id, sizeof(id));
    return BLK_S_OK;
}

static enum blk_status prepare(struct blk *blk, struct blk_io *io, const struct header *h)
{
    switch (h->type) {
    case BLK_T_IN:
    case BLK_T_OUT: return prepare_transfer(blk, io, h);
    case BLK_T_FLUSH: io->req.op = BLK_FLUSH; return BLK_S_PENDING;
    case BLK_T_GET_ID: return get_id(blk, io);
    case BLK_T_DISCARD: return prepare_range(blk, io, true);
    case BLK_T_WRITE_ZEROES: return prepare_range(blk, io, false);
    default: return BLK_S_UNSUPP;
    }
}

bool blk_io_prepare(struct blk *blk, struct blk_io *io, enum blk_status *status)
{
    struct virtq_chain *chain = &io->chain;
    const struct hull_iovec *last;
    uint8_t raw[HEADER_SIZE];
    struct header h;

    if (chain->readable_len < HEADER_SIZE || !chain->writable_len) {
        virtio_broken(&blk->vdev, "a request without room for header and status");
        return false;
    }
    virtq_chain_read(chain, 0, raw, sizeof(raw));
    h = (struct header){.type = hull_load_le32(raw), .sector = hull_load_le64(raw + 8)};
    last = &chain->writable[chain->writable_count - 1];
    io->status_host = (uint8_t *)last->base + last->len - 1;
    io->status_gpa = virtq_chain_gpa(chain, last) + last->len - 1;
    virtq_chain_skip(chain, HEADER_SIZE);
    virtq_chain_cut(chain, 1);
    io->req = (struct blk_request){0};
    io->in_written = 0;
    *status = prepare(blk, io, &h);
    return true;
}
