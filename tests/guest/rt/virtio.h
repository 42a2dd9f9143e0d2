// SPDX-License-Identifier: Apache-2.0
// The driver's side of virtio-mmio, laid open: programs fill descriptors and rings by hand, rightly
// or not.
#ifndef RT_VIRTIO_H
#define RT_VIRTIO_H

#include "rt.h"

#define V_MAGIC 0x00
#define V_VERSION 0x04
#define V_DEVICE_ID 0x08
#define V_DEVICE_FEATURES 0x10
#define V_DEVICE_FEATURES_SEL 0x14
#define V_DRIVER_FEATURES 0x20
#define V_DRIVER_FEATURES_SEL 0x24
#define V_QUEUE_SEL 0x30
#define V_QUEUE_NUM_MAX 0x34
#define V_QUEUE_NUM 0x38
#define V_QUEUE_READY 0x44
#define V_QUEUE_NOTIFY 0x50
#define V_INTERRUPT_STATUS 0x60
#define V_INTERRUPT_ACK 0x64
#define V_STATUS 0x70
#define V_QUEUE_DESC 0x80
#define V_QUEUE_DRIVER 0x90
#define V_QUEUE_DEVICE 0xa0
#define V_CONFIG_GENERATION 0xfc
#define V_CONFIG 0x100

#define V_ACKNOWLEDGE 1
#define V_DRIVER 2
#define V_DRIVER_OK 4
#define V_FEATURES_OK 8
#define V_NEEDS_RESET 64
#define V_FAILED 128

#define V_ID_NET 1
#define V_ID_BLOCK 2
#define V_ID_CONSOLE 3
#define V_ID_RNG 4
#define V_ID_BALLOON 5

#define V_F_INDIRECT (1ul << 28)
#define V_F_EVENT_IDX (1ul << 29)
#define V_F_VERSION_1 (1ul << 32)

#define V_NEXT 1
#define V_WRITE 2
#define V_INDIRECT 4

struct vdesc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

struct vused {
    uint32_t id, len;
};

struct vqueue {
    uintptr_t base; // of the device
    unsigned index;
    uint16_t size, taken; // taken: used elements that were seen
    volatile struct vdesc *desc;
    volatile uint16_t *avail; // flags, idx, ring[size], used_event
    volatile uint16_t *used;  // flags, idx, then elements, then avail_event
};

// The n-th device with this ID, or 0. Its wire goes to PLIC source 1 + slot.
uintptr_t v_find(unsigned id, unsigned n);
unsigned v_irq(uintptr_t base);

uint64_t v_features(uintptr_t base); // what it offers

// Reset, then all up to FEATURES_OK, with those of `wanted` that are offered. False: refused.
bool v_begin(uintptr_t base, uint64_t wanted);
bool v_queue(uintptr_t base, unsigned index, uint16_t size, struct vqueue *q);
void v_ready(uintptr_t base); // DRIVER_OK
uint32_t v_status(uintptr_t base);

void v_desc(struct vqueue *q, unsigned i, const volatile void *addr, uint32_t len, uint16_t flags,
            unsigned next);
void v_push(struct vqueue *q, uint16_t head); // makes it available; does not notify
void v_notify(struct vqueue *q);
// The next used element, when it comes within a few seconds.
bool v_wait(struct vqueue *q, struct vused *used);

static inline volatile struct vused *v_used(struct vqueue *q, unsigned i)
{
    return (volatile struct vused *)(q->used + 2) + i % q->size;
}

static inline volatile uint16_t *v_used_event(struct vqueue *q)
{
    return &q->avail[2 + q->size];
}

static inline volatile uint16_t *v_avail_event(struct vqueue *q)
{
    return &q->used[2 + 4 * q->size];
}

#endif
