// SPDX-License-Identifier: Apache-2.0
// The little of a virtio driver that guests of tests need: one request at a time, waited for.
#ifndef TESTS_METAL_VIRTIO_H
#define TESTS_METAL_VIRTIO_H

#include "bench/metal/guest.h"

#define VIRTIO_BASE 0x10001000ull
#define VIRTIO_SLOTS 8
#define VIRTIO_BLK 2
#define VIRTIO_BALLOON 5
#define QUEUE_SIZE 8u
#define PATIENCE 100000000u
#define DESC_NEXT 1
#define DESC_WRITE 2

enum virtio_register {
    REG_ID = 8,
    REG_FEATURES = 0x20,
    REG_FEATURES_SELECT = 0x24,
    REG_QUEUE = 0x30,
    REG_QUEUE_SIZE = 0x38,
    REG_QUEUE_READY = 0x44,
    REG_NOTIFY = 0x50,
    REG_STATUS = 0x70,
    REG_DESC = 0x80,
    REG_AVAIL = 0x90,
    REG_USED = 0xa0,
};

struct ring {
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } desc[QUEUE_SIZE];
    volatile uint16_t avail[4 + QUEUE_SIZE];
    volatile uint32_t used[2 + 2 * QUEUE_SIZE];
};

struct buffer {
    const void *at;
    uint32_t length;
    bool written; // by the device
};

static inline void reg_put(uint64_t device, unsigned reg, uint64_t value)
{
    *(volatile uint32_t *)(device + reg) = (uint32_t)value;
}

// The device with its first queue at `ring`; 0: there is none.
static inline uint64_t device_begin(unsigned id, struct ring *ring)
{
    uint64_t device = VIRTIO_BASE;

    while (*(volatile uint32_t *)(device + REG_ID) != id)
        if ((device += 0x1000) == VIRTIO_BASE + VIRTIO_SLOTS * 0x1000)
            return 0;
    *ring = (struct ring){0};
    reg_put(device, REG_STATUS, 0);
    reg_put(device, REG_STATUS, 3);
    reg_put(device, REG_FEATURES_SELECT, 0);
    reg_put(device, REG_FEATURES, 0);
    reg_put(device, REG_FEATURES_SELECT, 1);
    reg_put(device, REG_FEATURES, 1); // version 1
    reg_put(device, REG_STATUS, 11);
    reg_put(device, REG_QUEUE, 0);
    reg_put(device, REG_QUEUE_SIZE, QUEUE_SIZE);
    reg_put(device, REG_DESC, (uintptr_t)ring->desc);
    reg_put(device, REG_AVAIL, (uintptr_t)ring->avail);
    reg_put(device, REG_USED, (uintptr_t)ring->used);
    reg_put(device, REG_QUEUE_READY, 1);
    reg_put(device, REG_STATUS, 15);
    return device;
}

// False: it did not answer.
static inline bool device_do(uint64_t device, struct ring *ring, const struct buffer *buffers,
                             unsigned count)
{
    volatile uint16_t *used = (volatile uint16_t *)&ring->used[0] + 1;
    uint16_t before = *used;

    for (unsigned i = 0; i < count; i++) {
        ring->desc[i].address = (uintptr_t)buffers[i].at;
        ring->desc[i].length = buffers[i].length;
        ring->desc[i].flags =
            (uint16_t)((buffers[i].written ? DESC_WRITE : 0) | (i + 1 < count ? DESC_NEXT : 0));
        ring->desc[i].next = (uint16_t)(i + 1);
    }
    ring->avail[2 + ring->avail[1] % QUEUE_SIZE] = 0;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    ring->avail[1]++;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    reg_put(device, REG_NOTIFY, 0);
    for (unsigned i = 0; *used == before; i++)
        if (i == PATIENCE)
            return false;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return true;
}

// `count` pages (at most 512) from `at` on, or this one again and again.
static inline bool give_back(uint64_t device, struct ring *ring, uint64_t at, unsigned count,
                             bool same)
{
    static uint32_t pages[512];
    const struct buffer buffer = {pages, 4 * count, false};

    for (unsigned i = 0; i < count; i++)
        pages[i] = (uint32_t)(at >> 12) + (same ? 0 : i);
    return device_do(device, ring, &buffer, 1);
}

#endif
