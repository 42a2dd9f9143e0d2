// SPDX-License-Identifier: Apache-2.0
// virtio-blk (virtio 1.2, 5.2): requests go to the backend asynchronously, several at a time, with
// the guest's buffers as they are. What a request is made of is in blk_request.c.
#include "core/dev/virtio/blk.h"

#include "lib/bytes.h"

static struct blk *blk_of(struct virtio_device *v)
{
    return hull_container_of(v, struct blk, vdev);
}

// A free request, or NULL when all that there may be are in flight. One was made at the start, so
// that a lack of memory only makes the disk slower.
static struct blk_io *io_take(struct blk *blk)
{
    struct blk_io *io = blk->free;

    if (io) {
        blk->free = io->next;
    } else if (blk->io_count < BLK_IN_FLIGHT_MAX) {
        io = hull_alloc(blk->vdev.env, sizeof(*io));
        if (io) {
            io->blk = blk;
            blk->io_count++;
        }
    }
    return io;
}

static void io_give(struct blk *blk, struct blk_io *io)
{
    io->next = blk->free;
    blk->free = io;
}

// Hands the request back to the driver. The status is the last byte of the writable part, so the
// length written counts it only when everything before it was written too.
static void io_finish(struct blk *blk, struct blk_io *io, enum blk_status status)
{
    struct virtq *q = &blk->vdev.queues[0];
    uint64_t in_len = io->chain.writable_len;
    uint64_t written = status == BLK_S_OK ? io->in_written : 0;

    *(volatile uint8_t *)io->status_host = (uint8_t)status;
    hull_memory_written(blk->vdev.memory, io->status_gpa, 1);
    virtq_chain_written(q, &io->chain, written);
    virtq_push(q, io->chain.head, (uint32_t)(written == in_len ? in_len + 1 : written));
    io_give(blk, io);
}

// Without FLUSH the driver cannot ask for durability, so each write is made durable before it
// completes; with CONFIG_WCE the driver chooses (5.2.6.2).
static bool write_through(const struct blk *blk)
{
    if (virtio_has(&blk->vdev, BLK_F_CONFIG_WCE))
        return !blk->writeback;
    return !virtio_has(&blk->vdev, BLK_F_FLUSH);
}

static void io_done(struct blk_request *req, int status)
{
    struct blk_io *io = hull_container_of(req, struct blk_io, req);
    struct blk *blk = io->blk;

    if (!status && io->then_flush) {
        io->then_flush = false;
        *req = (struct blk_request){.op = BLK_FLUSH, .done = io_done};
        blk->backend->submit(blk->backend->ctx, req);
        return;
    }
    virtio_lock(&blk->vdev);
    io_finish(blk, io, !status ? BLK_S_OK : status == -HULL_ENOTSUP ? BLK_S_UNSUPP : BLK_S_IOERR);
    virtq_interrupt(&blk->vdev.queues[0]);
    // The request counts as in flight until nothing here is going to touch the device again.
    blk_run(blk);
    blk->in_flight--;
    virtio_unlock(&blk->vdev);
}

// Takes requests out of the ring into a list for the backend; what needs no backend is answered here.
static struct blk_io *collect(struct blk *blk)
{
    struct virtq *q = &blk->vdev.queues[0];
    struct blk_io *first = NULL, **last = &first, *io;

    for (unsigned n = 0; (io = io_take(blk)) != NULL; n++) {
        enum blk_status status;

        if (n == VIRTIO_SLICE)
            virtio_run_later(&blk->vdev, 0);
        if (n == VIRTIO_SLICE || virtq_pop(q, &io->chain) <= 0 ||
            !blk_io_prepare(blk, io, &status)) {
            io_give(blk, io);
            break;
        }
        if (status != BLK_S_PENDING) {
            io_finish(blk, io, status);
            continue;
        }
        io->then_flush =
            (io->req.op == BLK_WRITE || io->req.op == BLK_WRITE_ZEROES) && write_through(blk);
        io->req.done = io_done;
        io->next = NULL;
        *last = io;
        last = &io->next;
        blk->in_flight++;
    }
    virtq_interrupt(q);
    return first;
}

// Submits without the lock, since the backend may complete at once. One thread at a time is at it;
// it finds what others would have found.
void blk_run(struct blk *blk)
{
    struct blk_io *io, *next;

    blk->run_again = true;
    if (blk->submitting)
        return;
    blk->submitting = true;
    while (blk->run_again) {
        blk->run_again = false;
        io = collect(blk);
        if (!io)
            continue;
        virtio_unlock(&blk->vdev);
        for (; io; io = next) {
            next = io->next; // the request is gone once it is submitted
            blk->backend->submit(blk->backend->ctx, &io->req);
        }
        virtio_lock(&blk->vdev);
    }
    blk->submitting = false;
}

static void blk_notify(struct virtio_device *v, unsigned queue)
{
    (void)queue;
    blk_run(blk_of(v));
}

static void blk_drain(struct virtio_device *v)
{
    struct blk *blk = blk_of(v);

    while (blk->in_flight || blk->submitting) {
        virtio_unlock(v);
        blk->backend->drain(blk->backend->ctx);
        v->env->ops->relax(v->env->ctx);
        virtio_lock(v);
    }
}

static void blk_reset(struct virtio_device *v)
{
    blk_of(v)->writeback = true;
}

static uint8_t blk_config_read(struct virtio_device *v, unsigned offset)
{
    struct blk *blk = blk_of(v);
    uint8_t c[BLK_CONFIG_SIZE] = {0};

    hull_store_le64(c + BLK_CONFIG_CAPACITY, blk->backend->size / BLK_SECTOR);
    hull_store_le32(c + BLK_CONFIG_SEG_MAX, VIRTQ_CHAIN_MAX - 2);
    hull_store_le32(c + BLK_CONFIG_BLK_SIZE, BLK_SECTOR);
    c[BLK_CONFIG_PHYSICAL_EXP] = 3; // 4 KiB, as the host's file systems and disks have them
    c[BLK_CONFIG_WRITEBACK] = blk->writeback;
    hull_store_le16(c + BLK_CONFIG_NUM_QUEUES, 1);
    hull_store_le32(c + BLK_CONFIG_MAX_DISCARD, BLK_DISCARD_SECTORS_MAX);
    hull_store_le32(c + BLK_CONFIG_MAX_DISCARD_SEG, 1);
    hull_store_le32(c + BLK_CONFIG_DISCARD_ALIGNMENT, 8);
    hull_store_le32(c + BLK_CONFIG_MAX_ZEROES, BLK_DISCARD_SECTORS_MAX);
    hull_store_le32(c + BLK_CONFIG_MAX_ZEROES_SEG, 1);
    c[BLK_CONFIG_ZEROES_MAY_UNMAP] = blk->backend->discard;
    return c[offset];
}

static void blk_config_write(struct virtio_device *v, unsigned offset, unsigned size,
                             uint32_t value)
{
    if (offset == BLK_CONFIG_WRITEBACK && size == 1 && virtio_has(v, BLK_F_CONFIG_WCE))
        blk_of(v)->writeback = value & 1;
}

// Nobody holds the lock, which may be gone already if the transport could not be made.
static void blk_destroy(struct virtio_device *v)
{
    struct blk *blk = blk_of(v);
    struct blk_io *io, *next;

    if (v->transport) {
        virtio_lock(v);
        v->quiescing = true;
        blk_drain(v);
        virtio_unlock(v);
    }
    for (io = blk->free; io; io = next) {
        next = io->next;
        hull_free(v->env, io, sizeof(*io));
    }
    hull_free(v->env, blk, sizeof(*blk));
}

static const struct virtio_device_ops blk_ops = {
    .name = "virtio-blk",
    .id = VIRTIO_ID_BLOCK,
    .queue_count = 1,
    .queue_size = VIRTQ_SIZE_MAX,
    .config_read = blk_config_read,
    .config_write = blk_config_write,
    .config_size = BLK_CONFIG_SIZE,
    .notify = blk_notify,
    .drain = blk_drain,
    .reset = blk_reset,
    .destroy = blk_destroy,
};

struct device *hull_virtio_blk_create(const struct virtio_bindings *b, struct blk_backend *backend)
{
    struct blk *blk = hull_alloc(b->env, sizeof(*blk));
    uint64_t features =
        BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_TOPOLOGY | BLK_F_CONFIG_WCE;

    if (!blk)
        return NULL;
    if (backend->read_only)
        features |= BLK_F_RO;
    else
        features |= BLK_F_WRITE_ZEROES | (backend->discard ? BLK_F_DISCARD : 0);
    blk->vdev.env = b->env;
    blk->backend = backend;
    blk->writeback = true;
    blk->free = io_take(blk);
    if (!blk->free) {
        hull_free(b->env, blk, sizeof(*blk));
        return NULL;
    }
    return virtio_mmio_create(&blk->vdev, &blk_ops, b, features);
}
