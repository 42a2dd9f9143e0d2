// SPDX-License-Identifier: Apache-2.0
// virtio memory balloon (virtio 1.2, 5.5): pages that the guest gives up, or reports as free, go
// back to the host. Both are plain RAM again as soon as the guest touches them.
#include "core/dev/virtio/virtio.h"
#include "lib/bytes.h"

#define BALLOON_F_DEFLATE_ON_OOM (1ull << 2)
#define BALLOON_F_PAGE_POISON (1ull << 4)
#define BALLOON_F_PAGE_REPORTING (1ull << 5)

enum balloon_config { // offsets in the configuration space
    BALLOON_CONFIG_NUM_PAGES = 0,
    BALLOON_CONFIG_ACTUAL = 4,
    BALLOON_CONFIG_POISON_VAL = 12,
    BALLOON_CONFIG_SIZE = 16,
};

// statsq (2) and free_page_vq (3) belong to features that are not offered. The standard has reporting_vq at 4;
// Linux before 6.11 leaves no gaps in its numbering and looks for it at 2. The gaps report too.
#define QUEUE_INFLATE 0
#define QUEUE_DEFLATE 1
#define QUEUE_COUNT 5

#define QUEUE_SIZE 128
#define PFNS_MAX 4096 // of a longer list the rest is left alone: ballooning is advice
#define PFNS_CHUNK 256
#define SLICE 16 // requests before the lock is let go

struct balloon {
    struct virtio_device vdev;
    uint32_t target, actual; // pages
    uint32_t poison;
    struct virtq_chain chain;
};

struct range { // guest pages that lie side by side
    gpa_t base;
    uint64_t size;
};

static struct balloon *balloon_of(struct virtio_device *v)
{
    return hull_container_of(v, struct balloon, vdev);
}

static void discard(struct balloon *b, gpa_t gpa, uint64_t size)
{
    const struct hull_env *env = b->vdev.env;
    void *host = hull_memory_ptr(b->vdev.memory, gpa, size);

    if (!size || !host)
        return;
    env->ops->memory_discard(env->ctx, host, size);
    hull_memory_written(b->vdev.memory, gpa, size);
}

// Adds a page to the range, or discards the range and starts another. A page that is none of RAM's
// is left out.
static void range_add(struct balloon *b, struct range *range, uint32_t pfn)
{
    gpa_t gpa = (gpa_t)pfn << HULL_PAGE_SHIFT;

    if (!hull_memory_ptr(b->vdev.memory, gpa, HULL_PAGE_SIZE))
        return;
    if (gpa == range->base + range->size &&
        hull_memory_ptr(b->vdev.memory, range->base, range->size + HULL_PAGE_SIZE)) {
        range->size += HULL_PAGE_SIZE;
    } else if (gpa + HULL_PAGE_SIZE == range->base && // Linux hands pages out downwards too
               hull_memory_ptr(b->vdev.memory, gpa, range->size + HULL_PAGE_SIZE)) {
        range->base = gpa;
        range->size += HULL_PAGE_SIZE;
    } else {
        discard(b, range->base, range->size);
        *range = (struct range){.base = gpa, .size = HULL_PAGE_SIZE};
    }
}

// The chain holds page numbers of 32 bits, in units of 4096 bytes.
static void inflate(struct balloon *b)
{
    uint8_t pfns[PFNS_CHUNK * 4];
    struct range range = {0};
    uint64_t at = 0;
    size_t n;

    do {
        n = virtq_chain_read(&b->chain, at, pfns, sizeof(pfns));
        for (size_t i = 0; i + 4 <= n; i += 4)
            range_add(b, &range, hull_load_le32(pfns + i));
        at += n;
    } while (n == sizeof(pfns) && at < PFNS_MAX * 4);
    discard(b, range.base, range.size);
}

// Reported pages must come back with the poison that the guest expects in them; zero is all that a
// discarded page can hold (5.5.6.7).
static void report(struct balloon *b)
{
    if (virtio_has(&b->vdev, BALLOON_F_PAGE_POISON) && b->poison)
        return;
    for (unsigned i = 0; i < b->chain.writable_count; i++) {
        const struct hull_iovec *iov = &b->chain.writable[i];
        gpa_t gpa = virtq_chain_gpa(&b->chain, iov);
        uint64_t skip = -gpa & (HULL_PAGE_SIZE - 1);

        if (iov->len > skip)
            discard(b, gpa + skip, (iov->len - skip) & ~(uint64_t)(HULL_PAGE_SIZE - 1));
    }
}

static void balloon_notify(struct virtio_device *v, unsigned queue)
{
    struct balloon *b = balloon_of(v);
    struct virtq *q = &v->queues[queue];
    unsigned n = 0;

    while (n < SLICE && virtq_pop(q, &b->chain) > 0) {
        if (queue == QUEUE_INFLATE)
            inflate(b);
        else if (queue != QUEUE_DEFLATE && virtio_has(v, BALLOON_F_PAGE_REPORTING))
            report(b);
        virtq_push(q, b->chain.head, 0);
        n++;
    }
    if (n == SLICE)
        virtio_run_later(v, queue);
    virtq_interrupt(q);
}

static uint8_t balloon_config_read(struct virtio_device *v, unsigned offset)
{
    struct balloon *b = balloon_of(v);
    uint8_t c[BALLOON_CONFIG_SIZE] = {0};

    hull_store_le32(c + BALLOON_CONFIG_NUM_PAGES, b->target);
    hull_store_le32(c + BALLOON_CONFIG_ACTUAL, b->actual);
    hull_store_le32(c + BALLOON_CONFIG_POISON_VAL, b->poison);
    return c[offset];
}

static void balloon_config_write(struct virtio_device *v, unsigned offset, unsigned size,
                                 uint32_t value)
{
    struct balloon *b = balloon_of(v);

    if (size != 4)
        return;
    if (offset == BALLOON_CONFIG_ACTUAL)
        b->actual = value;
    else if (offset == BALLOON_CONFIG_POISON_VAL && virtio_has(v, BALLOON_F_PAGE_POISON))
        b->poison = value;
}

static void balloon_reset(struct virtio_device *v)
{
    balloon_of(v)->actual = 0; // a new driver has given nothing yet; the target stays
    balloon_of(v)->poison = 0;
}

static void balloon_destroy(struct virtio_device *v)
{
    hull_free(v->env, balloon_of(v), sizeof(struct balloon));
}

void hull_virtio_balloon_set_target(struct device *dev, uint64_t pages)
{
    struct virtio_device *v = virtio_of(dev);
    uint32_t target = pages < UINT32_MAX ? (uint32_t)pages : UINT32_MAX;

    virtio_lock(v);
    if (target != balloon_of(v)->target) {
        balloon_of(v)->target = target;
        virtio_config_changed(v);
    }
    virtio_unlock(v);
}

uint64_t hull_virtio_balloon_actual(struct device *dev)
{
    struct virtio_device *v = virtio_of(dev);
    uint64_t actual;

    virtio_lock(v);
    actual = balloon_of(v)->actual;
    virtio_unlock(v);
    return actual;
}

static const struct virtio_device_ops balloon_ops = {
    .name = "virtio-balloon",
    .id = VIRTIO_ID_BALLOON,
    .queue_count = QUEUE_COUNT,
    .queue_size = QUEUE_SIZE,
    .config_read = balloon_config_read,
    .config_write = balloon_config_write,
    .config_size = BALLOON_CONFIG_SIZE,
    .notify = balloon_notify,
    .reset = balloon_reset,
    .destroy = balloon_destroy,
};

struct device *hull_virtio_balloon_create(const struct virtio_bindings *b)
{
    struct balloon *balloon = hull_alloc(b->env, sizeof(*balloon));
    uint64_t features = BALLOON_F_DEFLATE_ON_OOM | BALLOON_F_PAGE_POISON | BALLOON_F_PAGE_REPORTING;

    return balloon ? virtio_mmio_create(&balloon->vdev, &balloon_ops, b, features) : NULL;
}
