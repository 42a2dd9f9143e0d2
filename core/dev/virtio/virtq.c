// SPDX-License-Identifier: Apache-2.0
// Split virtqueues: walking descriptor chains, the two rings, and who is notified when.
//
// Ordering against the driver on another CPU (virtio 1.2, 2.7.13, 2.7.14):
// - the available index is loaded with acquire, so ring entries and descriptors behind it are seen;
// - the used index is stored with release, after the entries and the data it publishes;
// - before deciding that nobody need be told, each side stores its own word, passes a full fence,
//   and looks at the other's word: a wake-up cannot fall between.
#include "core/dev/virtio/virtq.h"

#include "core/dev/virtio/virtio.h"
#include "lib/bits.h"
#include "lib/bytes.h"
#include "lib/mem.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "rings are accessed as they stand");

#define DESC_SIZE 16
#define DESC_F_NEXT 1
#define DESC_F_WRITE 2
#define DESC_F_INDIRECT 4

// Both rings: flags, index, entries, event index of the other side.
#define RING_FLAGS 0
#define RING_IDX 2
#define RING_ENTRIES 4
#define AVAIL_F_NO_INTERRUPT 1
#define USED_F_NO_NOTIFY 1

#define CHAIN_BYTES_MAX (1ull << 32) // 2.7.4.2

struct desc {
    gpa_t addr;
    uint32_t len;
    uint16_t flags, next;
};

static uint64_t driver_area_size(uint32_t size)
{
    return RING_ENTRIES + 2ull * size + 2;
}

static uint64_t device_area_size(uint32_t size)
{
    return RING_ENTRIES + 8ull * size + 2;
}

static uint16_t load16(const uint8_t *at)
{
    return __atomic_load_n((const uint16_t *)(const void *)at, __ATOMIC_ACQUIRE);
}

static void store16(struct virtq *q, unsigned offset, uint16_t value)
{
    __atomic_store_n((uint16_t *)(void *)(q->device_host + offset), value, __ATOMIC_RELEASE);
    hull_memory_written(q->vdev->memory, q->device + offset, 2);
}

static void full_fence(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static uint16_t avail_idx(const struct virtq *q)
{
    return load16(q->driver_host + RING_IDX);
}

// The indices are 0: deactivation left them so.
int virtq_activate(struct virtq *q)
{
    const struct guest_memory *mem = q->vdev->memory;

    if (!hull_is_pow2(q->size) || q->size > q->vdev->ops->queue_size)
        return -HULL_EINVAL;
    if ((q->desc & 15) || (q->driver & 1) || (q->device & 3))
        return -HULL_EINVAL;
    q->desc_host = hull_memory_ptr(mem, q->desc, (uint64_t)q->size * DESC_SIZE);
    q->driver_host = hull_memory_ptr(mem, q->driver, driver_area_size(q->size));
    q->device_host = hull_memory_ptr(mem, q->device, device_area_size(q->size));
    if (!q->desc_host || !q->driver_host || !q->device_host)
        return -HULL_EINVAL;
    q->ready = true;
    return 0;
}

void virtq_deactivate(struct virtq *q)
{
    struct virtio_device *v = q->vdev;

    memset(q, 0, sizeof(*q));
    q->vdev = v;
}

// Notifications from the driver. With event indices the driver notifies for entry number avail_event;
// it stays behind, and so silent, until the queue has run empty. Without them there is a flag.
static void request_kicks(struct virtq *q)
{
    if (virtio_has(q->vdev, VIRTIO_F_EVENT_IDX))
        store16(q, RING_ENTRIES + 8 * q->size, q->last_avail);
    else if (load16(q->device_host + RING_FLAGS) & USED_F_NO_NOTIFY)
        store16(q, RING_FLAGS, 0);
    full_fence();
}

static void suppress_kicks(struct virtq *q)
{
    if (virtio_has(q->vdev, VIRTIO_F_EVENT_IDX))
        return;
    if (!(load16(q->device_host + RING_FLAGS) & USED_F_NO_NOTIFY))
        store16(q, RING_FLAGS, USED_F_NO_NOTIFY);
}

static int malformed(struct virtq *q, const char *why)
{
    virtio_broken(q->vdev, why);
    return -HULL_EFORMAT;
}

// The number of entries that wait, or an error.
static int count_waiting(struct virtq *q)
{
    uint16_t waiting;

    if (!q->ready || !virtio_running(q->vdev))
        return 0;
    waiting = (uint16_t)(avail_idx(q) - q->last_avail);
    if (!waiting) {
        request_kicks(q);
        waiting = (uint16_t)(avail_idx(q) - q->last_avail);
    }
    if (waiting > q->size)
        return malformed(q, "the available index jumped by more than the queue's size");
    return waiting;
}

unsigned virtq_waiting(struct virtq *q)
{
    int waiting = count_waiting(q);

    return waiting > 0 ? (unsigned)waiting : 0;
}

static struct desc desc_load(const uint8_t *table, uint32_t index)
{
    uint8_t raw[DESC_SIZE];

    memcpy(raw, table + (size_t)index * DESC_SIZE, sizeof(raw));
    return (struct desc){
        .addr = hull_load_le64(raw),
        .len = hull_load_le32(raw + 8),
        .flags = hull_load_le16(raw + 12),
        .next = hull_load_le16(raw + 14),
    };
}

// Adds one buffer. NULL, or what is wrong with it.
static const char *chain_add(struct virtq *q, struct virtq_chain *chain, const struct desc *d)
{
    unsigned at = chain->readable_count + chain->writable_count;
    void *host;

    if (!d->len)
        return NULL;
    if (chain->writable_count && !(d->flags & DESC_F_WRITE))
        return "a device-readable descriptor follows a device-writable one";
    host = hull_memory_ptr(q->vdev->memory, d->addr, d->len);
    if (!host)
        return "a descriptor points outside of memory";
    if (at == VIRTQ_CHAIN_MAX)
        return "a chain is too long";
    chain->iov[at] = (struct hull_iovec){.base = host, .len = d->len};
    chain->gpa[at] = d->addr;
    if (d->flags & DESC_F_WRITE) {
        chain->writable_count++;
        chain->writable_len += d->len;
    } else {
        chain->readable_count++;
        chain->readable_len += d->len;
    }
    if (chain->readable_len + chain->writable_len > CHAIN_BYTES_MAX)
        return "a chain holds more than 2^32 bytes";
    return NULL;
}

struct walk { // where in which descriptor table a walk is
    const uint8_t *table;
    uint32_t size, index;
    bool indirect;
};

// Enters the table that an indirect descriptor names, the last of its chain (2.7.5.3).
static const char *walk_indirect(struct virtq *q, struct walk *w, const struct desc *d)
{
    if (!virtio_has(q->vdev, VIRTIO_F_INDIRECT_DESC))
        return "an indirect descriptor was not negotiated";
    if (w->indirect)
        return "an indirect descriptor inside of an indirect table";
    if (d->flags & DESC_F_NEXT)
        return "a descriptor is both indirect and chained";
    if (!d->len || d->len % DESC_SIZE)
        return "an indirect table has a broken length";
    w->table = hull_memory_ptr(q->vdev->memory, d->addr, d->len);
    if (!w->table)
        return "an indirect table lies outside of memory";
    w->size = d->len / DESC_SIZE;
    w->index = 0;
    w->indirect = true;
    return NULL;
}

// Follows the chain. No more steps than a chain may have descriptors: loops end there. NULL, or what
// is wrong.
static const char *walk_chain(struct virtq *q, struct virtq_chain *chain)
{
    struct walk w = {.table = q->desc_host, .size = q->size, .index = chain->head};
    const char *why;

    for (unsigned step = 0; step <= VIRTQ_CHAIN_MAX; step++) {
        struct desc d;

        if (!w.indirect && step >= q->size)
            break;
        if (w.index >= w.size)
            return "a descriptor index is out of range";
        d = desc_load(w.table, w.index);
        if (d.flags & DESC_F_INDIRECT) {
            why = walk_indirect(q, &w, &d);
            if (why)
                return why;
            continue;
        }
        why = chain_add(q, chain, &d);
        if (why)
            return why;
        if (!(d.flags & DESC_F_NEXT))
            return NULL;
        w.index = d.next;
    }
    return "a chain is too long or loops";
}

int virtq_pop(struct virtq *q, struct virtq_chain *chain)
{
    int waiting = count_waiting(q);
    const char *why;

    if (waiting <= 0)
        return waiting;
    suppress_kicks(q);
    chain->head = load16(q->driver_host + RING_ENTRIES + 2 * (q->last_avail & (q->size - 1)));
    chain->readable_count = chain->writable_count = 0;
    chain->readable_len = chain->writable_len = 0;
    why = walk_chain(q, chain);
    if (why)
        return malformed(q, why);
    chain->readable = chain->iov;
    chain->writable = chain->iov + chain->readable_count;
    q->last_avail++;
    return 1;
}

void virtq_unpop(struct virtq *q, unsigned count)
{
    q->last_avail -= (uint16_t)count;
}

static void used_entry(struct virtq *q, uint16_t number, uint16_t head, uint32_t len)
{
    unsigned offset = RING_ENTRIES + 8 * (number & (q->size - 1));

    hull_store_le32(q->device_host + offset, head);
    hull_store_le32(q->device_host + offset + 4, len);
    hull_memory_written(q->vdev->memory, q->device + offset, 8);
}

void virtq_push_many(struct virtq *q, const uint16_t *heads, const uint32_t *lens, unsigned count)
{
    if (!q->ready)
        return;
    for (unsigned i = 0; i < count; i++)
        used_entry(q, q->used + i, heads[i], lens[i]);
    q->used += (uint16_t)count;
    store16(q, RING_IDX, q->used);
}

void virtq_push(struct virtq *q, uint16_t head, uint32_t len)
{
    virtq_push_many(q, &head, &len, 1);
}

// Whether the driver wants to hear of the entries since it was interrupted last.
static bool interrupt_wanted(struct virtq *q)
{
    uint16_t event, old = q->signalled;

    full_fence();
    if (!virtio_has(q->vdev, VIRTIO_F_EVENT_IDX))
        return !(load16(q->driver_host + RING_FLAGS) & AVAIL_F_NO_INTERRUPT);
    event = load16(q->driver_host + RING_ENTRIES + 2 * q->size);
    // The event lies in [old, used), all of it modulo 2^16.
    return (uint16_t)(q->used - event - 1) < (uint16_t)(q->used - old);
}

void virtq_interrupt(struct virtq *q)
{
    bool wanted;

    if (!q->ready || q->signalled == q->used)
        return;
    wanted = interrupt_wanted(q);
    q->signalled = q->used;
    if (wanted)
        q->vdev->transport->interrupt(q->vdev->transport, VIRTIO_INTERRUPT_QUEUE);
}
