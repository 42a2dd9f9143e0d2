// SPDX-License-Identifier: Apache-2.0
// virtio entropy device (virtio 1.2, 5.4): fills buffers with the environment's random bytes.
#include "core/dev/virtio/virtio.h"

#define QUEUE_SIZE 64
#define REQUEST_MAX 65536u // of a larger buffer the start is filled, as 5.4.6.1 allows
#define SLICE 16           // requests before the lock is let go

struct rng {
    struct virtio_device vdev;
    struct virtq_chain chain;
};

static struct rng *rng_of(struct virtio_device *v)
{
    return hull_container_of(v, struct rng, vdev);
}

// How many bytes were filled; 0: the host has none to give.
static uint32_t fill(struct rng *rng)
{
    const struct hull_env *env = rng->vdev.env;
    uint32_t done = 0;

    for (unsigned i = 0; i < rng->chain.writable_count && done < REQUEST_MAX; i++) {
        const struct hull_iovec *iov = &rng->chain.writable[i];
        size_t n = iov->len < REQUEST_MAX - done ? iov->len : REQUEST_MAX - done;

        if (env->ops->random(env->ctx, iov->base, n))
            break;
        done += (uint32_t)n;
    }
    virtq_chain_written(&rng->vdev.queues[0], &rng->chain, done);
    return done;
}

static void rng_notify(struct virtio_device *v, unsigned queue)
{
    struct rng *rng = rng_of(v);
    struct virtq *q = &v->queues[queue];
    unsigned n = 0;

    while (n < SLICE && virtq_pop(q, &rng->chain) > 0) {
        uint32_t filled = fill(rng);

        // A used buffer without a byte in it would pass for entropy with some drivers.
        if (!filled) {
            virtio_broken(v, rng->chain.writable_len ? "the host has no random bytes"
                                                     : "a request without a buffer");
            break;
        }
        virtq_push(q, rng->chain.head, filled);
        n++;
    }
    if (n == SLICE)
        virtio_run_later(v, queue);
    virtq_interrupt(q);
}

static void rng_destroy(struct virtio_device *v)
{
    hull_free(v->env, rng_of(v), sizeof(struct rng));
}

static const struct virtio_device_ops rng_ops = {
    .name = "virtio-rng",
    .id = VIRTIO_ID_ENTROPY,
    .queue_count = 1,
    .queue_size = QUEUE_SIZE,
    .notify = rng_notify,
    .destroy = rng_destroy,
};

struct device *hull_virtio_rng_create(const struct virtio_bindings *b)
{
    struct rng *rng = hull_alloc(b->env, sizeof(*rng));

    return rng ? virtio_mmio_create(&rng->vdev, &rng_ops, b, 0) : NULL;
}
