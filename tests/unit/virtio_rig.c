// SPDX-License-Identifier: Apache-2.0
// A driver's side of a virtio-mmio device, for tests.
#include "tests/unit/virtio_rig.h"

#include <stdlib.h>

#include "lib/bytes.h"
#include "tests/unit/unit.h"

static void rig_irq(void *ctx, unsigned line, bool level)
{
    struct rig *rig = ctx;

    assert_int_equal(line, 7);
    if (level && !rig->irq)
        rig->irq_rises++;
    rig->irq = level;
}

void rig_init(struct rig *rig)
{
    memset(rig, 0, sizeof(*rig));
    fake_env_init(&rig->fake);
    rig->ram = aligned_alloc(HULL_PAGE_SIZE, RIG_RAM_SIZE);
    assert_non_null(rig->ram);
    memset(rig->ram, 0, RIG_RAM_SIZE);
    assert_int_equal(hull_memory_add(&rig->memory, RIG_RAM_BASE, RIG_RAM_SIZE, rig->ram), 0);
}

struct virtio_bindings rig_bindings(struct rig *rig)
{
    return (struct virtio_bindings){
        .env = &rig->fake.env,
        .memory = &rig->memory,
        .irq = {.set = rig_irq, .ctx = rig, .line = 7},
    };
}

void rig_add(struct rig *rig, struct device *dev)
{
    assert_non_null(dev);
    rig->dev = dev;
    assert_int_equal(hull_bus_add(&rig->bus, dev, RIG_DEVICE_BASE, 0x1000), 0);
}

void rig_fini(struct rig *rig)
{
    hull_bus_destroy(&rig->bus);
    assert_int_equal(rig->fake.locks_held, 0);
    assert_int_equal(rig->fake.allocated, 0);
    assert_null(rig->fake.timers);
    free(rig->ram);
}

uint32_t rig_get(struct rig *rig, uint64_t reg)
{
    uint64_t value = 0;

    assert_int_equal(hull_bus_read(&rig->bus, RIG_DEVICE_BASE + reg, 4, &value), 0);
    assert_true(value <= UINT32_MAX);
    return (uint32_t)value;
}

void rig_set(struct rig *rig, uint64_t reg, uint32_t value)
{
    assert_int_equal(hull_bus_write(&rig->bus, RIG_DEVICE_BASE + reg, 4, value), 0);
}

uint64_t rig_config(struct rig *rig, unsigned offset, unsigned size)
{
    uint64_t value = 0;
    gpa_t gpa = RIG_DEVICE_BASE + VIRTIO_MMIO_CONFIG + offset;

    assert_int_equal(hull_bus_read(&rig->bus, gpa, size, &value), 0);
    return value;
}

void *rig_ptr(struct rig *rig, gpa_t gpa)
{
    assert_true(gpa >= RIG_RAM_BASE && gpa < RIG_RAM_BASE + RIG_RAM_SIZE);
    return rig->ram + (gpa - RIG_RAM_BASE);
}

bool rig_negotiate(struct rig *rig, uint64_t features)
{
    rig_set(rig, VIRTIO_MMIO_STATUS, 0);
    rig_set(rig, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
    rig_set(rig, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
    for (unsigned half = 0; half < 2; half++) {
        rig_set(rig, VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        rig_set(rig, VIRTIO_MMIO_DRIVER_FEATURES, (uint32_t)(features >> 32 * half));
    }
    rig_set(rig, VIRTIO_MMIO_STATUS,
            VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_FEATURES_OK);
    return rig_get(rig, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_FEATURES_OK;
}

void rig_queue_setup(struct rig *rig, unsigned queue, uint16_t size)
{
    struct rig_queue *q = &rig->q[queue];
    gpa_t base = RIG_RAM_BASE + 0x10000 * queue;

    *q = (struct rig_queue){
        .size = size, .desc = base, .driver = base + 0x4000, .device = base + 0x8000};
    memset(rig_ptr(rig, base), 0, 0x10000);
    rig_set(rig, VIRTIO_MMIO_QUEUE_SEL, queue);
    rig_set(rig, VIRTIO_MMIO_QUEUE_NUM, size);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)q->desc);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DESC_HIGH, q->desc >> 32);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DRIVER_LOW, (uint32_t)q->driver);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DRIVER_HIGH, q->driver >> 32);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DEVICE_LOW, (uint32_t)q->device);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DEVICE_HIGH, q->device >> 32);
    rig_set(rig, VIRTIO_MMIO_QUEUE_READY, 1);
}

void rig_start(struct rig *rig, uint64_t features, unsigned queues, uint16_t size)
{
    assert_true(rig_negotiate(rig, features));
    for (unsigned i = 0; i < queues; i++) {
        rig_queue_setup(rig, i, size);
        assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 1);
    }
    rig_set(rig, VIRTIO_MMIO_STATUS, rig_get(rig, VIRTIO_MMIO_STATUS) | VIRTIO_STATUS_DRIVER_OK);
}

void rig_desc(struct rig *rig, unsigned queue, uint16_t index, gpa_t addr, uint32_t len,
              uint16_t flags, uint16_t next)
{
    uint8_t *d = (uint8_t *)rig_ptr(rig, rig->q[queue].desc) + 16 * index;

    hull_store_le64(d, addr);
    hull_store_le32(d + 8, len);
    hull_store_le16(d + 12, flags);
    hull_store_le16(d + 14, next);
}

void rig_make_available(struct rig *rig, unsigned queue, uint16_t head)
{
    struct rig_queue *q = &rig->q[queue];
    uint8_t *ring = rig_ptr(rig, q->driver);

    hull_store_le16(ring + 4 + 2 * (q->avail & (q->size - 1)), head);
    hull_store_le16(ring + 2, ++q->avail);
}

uint16_t rig_chain(struct rig *rig, unsigned queue, const struct rig_segment *segments, unsigned n)
{
    struct rig_queue *q = &rig->q[queue];
    uint16_t head = q->next_desc;

    for (unsigned i = 0; i < n; i++) {
        uint16_t at = q->next_desc;
        uint16_t flags = (segments[i].write ? DESC_WRITE : 0) | (i + 1 < n ? DESC_NEXT : 0);

        q->next_desc = (uint16_t)((at + 1) & (q->size - 1));
        rig_desc(rig, queue, at, segments[i].gpa, segments[i].len, flags, q->next_desc);
    }
    rig_make_available(rig, queue, head);
    return head;
}

void rig_kick(struct rig *rig, unsigned queue)
{
    rig_set(rig, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
}

bool rig_used(struct rig *rig, unsigned queue, uint32_t *head, uint32_t *len)
{
    struct rig_queue *q = &rig->q[queue];
    const uint8_t *ring = rig_ptr(rig, q->device);
    const uint8_t *entry = ring + 4 + 8 * (q->used & (q->size - 1));

    if (hull_load_le16(ring + 2) == q->used)
        return false;
    *head = hull_load_le32(entry);
    *len = hull_load_le32(entry + 4);
    q->used++;
    return true;
}

uint16_t rig_used_flags(struct rig *rig, unsigned queue)
{
    return hull_load_le16(rig_ptr(rig, rig->q[queue].device));
}

uint16_t rig_avail_event(struct rig *rig, unsigned queue)
{
    const struct rig_queue *q = &rig->q[queue];

    return hull_load_le16(rig_ptr(rig, q->device + 4 + 8 * q->size));
}

void rig_set_used_event(struct rig *rig, unsigned queue, uint16_t event)
{
    const struct rig_queue *q = &rig->q[queue];

    hull_store_le16(rig_ptr(rig, q->driver + 4 + 2 * q->size), event);
}

void rig_set_avail_flags(struct rig *rig, unsigned queue, uint16_t flags)
{
    hull_store_le16(rig_ptr(rig, rig->q[queue].driver), flags);
}

void rig_ack(struct rig *rig)
{
    rig_set(rig, VIRTIO_MMIO_INTERRUPT_ACK, rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS));
}

bool rig_needs_reset(struct rig *rig)
{
    return rig_get(rig, VIRTIO_MMIO_STATUS) & VIRTIO_STATUS_DEVICE_NEEDS_RESET;
}
