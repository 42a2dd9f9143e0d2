// SPDX-License-Identifier: Apache-2.0
// The driver's side of virtio-mmio.
#include "virtio.h"

#define SLOTS 8

uintptr_t v_find(unsigned id, unsigned n)
{
    for (unsigned slot = 0; slot < SLOTS; slot++)
        if (rd32(VIRTIO(slot) + V_DEVICE_ID) == id && n-- == 0)
            return VIRTIO(slot);
    return 0;
}

unsigned v_irq(uintptr_t base)
{
    return (unsigned)((base - VIRTIO(0)) >> 12) + 1;
}

uint32_t v_status(uintptr_t base)
{
    return rd32(base + V_STATUS);
}

uint64_t v_features(uintptr_t base)
{
    uint64_t low;

    wr32(base + V_DEVICE_FEATURES_SEL, 0);
    low = rd32(base + V_DEVICE_FEATURES);
    wr32(base + V_DEVICE_FEATURES_SEL, 1);
    return low | (uint64_t)rd32(base + V_DEVICE_FEATURES) << 32;
}

bool v_begin(uintptr_t base, uint64_t wanted)
{
    uint64_t features;

    wr32(base + V_STATUS, 0);
    while (v_status(base))
        ;
    wr32(base + V_STATUS, V_ACKNOWLEDGE);
    wr32(base + V_STATUS, V_ACKNOWLEDGE | V_DRIVER);
    features = v_features(base) & (wanted | V_F_VERSION_1);
    wr32(base + V_DRIVER_FEATURES_SEL, 0);
    wr32(base + V_DRIVER_FEATURES, (uint32_t)features);
    wr32(base + V_DRIVER_FEATURES_SEL, 1);
    wr32(base + V_DRIVER_FEATURES, (uint32_t)(features >> 32));
    wr32(base + V_STATUS, V_ACKNOWLEDGE | V_DRIVER | V_FEATURES_OK);
    return v_status(base) & V_FEATURES_OK;
}

static void set_address(uintptr_t at, uintptr_t address)
{
    wr32(at, (uint32_t)address);
    wr32(at + 4, (uint32_t)(address >> 32));
}

bool v_queue(uintptr_t base, unsigned index, uint16_t size, struct vqueue *q)
{
    wr32(base + V_QUEUE_SEL, index);
    if (rd32(base + V_QUEUE_NUM_MAX) < size)
        return false;
    *q = (struct vqueue){.base = base, .index = index, .size = size};
    q->desc = rt_pages(2);
    q->avail = rt_page();
    q->used = rt_pages(2);
    wr32(base + V_QUEUE_NUM, size);
    set_address(base + V_QUEUE_DESC, (uintptr_t)q->desc);
    set_address(base + V_QUEUE_DRIVER, (uintptr_t)q->avail);
    set_address(base + V_QUEUE_DEVICE, (uintptr_t)q->used);
    wr32(base + V_QUEUE_READY, 1);
    return rd32(base + V_QUEUE_READY) == 1;
}

void v_ready(uintptr_t base)
{
    wr32(base + V_STATUS, v_status(base) | V_DRIVER_OK);
}

void v_desc(struct vqueue *q, unsigned i, const volatile void *addr, uint32_t len, uint16_t flags,
            unsigned next)
{
    q->desc[i].addr = (uint64_t)addr;
    q->desc[i].len = len;
    q->desc[i].flags = flags;
    q->desc[i].next = (uint16_t)next;
}

void v_push(struct vqueue *q, uint16_t head)
{
    q->avail[2 + q->avail[1] % q->size] = head;
    rt_fence();
    q->avail[1]++;
    rt_fence();
}

void v_notify(struct vqueue *q)
{
    wr32(q->base + V_QUEUE_NOTIFY, q->index);
}

bool v_wait(struct vqueue *q, struct vused *used)
{
    uint64_t end = rt_time() + 5000 * RT_MS;

    while (q->used[1] == q->taken)
        if (rt_time() > end)
            return false;
    rt_fence();
    *used = (struct vused){v_used(q, q->taken)->id, v_used(q, q->taken)->len};
    q->taken++;
    return true;
}
