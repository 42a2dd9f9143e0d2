// SPDX-License-Identifier: Apache-2.0
// A queue of bytes in an array of the owner's, whose size is a power of two. The device's lock
// protects it.
#ifndef HULL_CORE_DEV_BYTE_RING_H
#define HULL_CORE_DEV_BYTE_RING_H

#include <hull/types.h>

#include "lib/mem.h"

struct byte_ring {
    uint8_t *data;
    uint32_t size;       // a power of two
    uint32_t head, tail; // taken and put so far, running freely
};

static inline void byte_ring_init(struct byte_ring *ring, uint8_t *data, uint32_t size)
{
    *ring = (struct byte_ring){.data = data, .size = size};
}

static inline uint32_t byte_ring_used(const struct byte_ring *ring)
{
    return ring->tail - ring->head;
}

static inline uint32_t byte_ring_room(const struct byte_ring *ring)
{
    return ring->size - byte_ring_used(ring);
}

static inline void byte_ring_clear(struct byte_ring *ring)
{
    ring->head = ring->tail;
}

// How many bytes stand in one piece at the front; *front points to them.
static inline uint32_t byte_ring_front(const struct byte_ring *ring, const uint8_t **front)
{
    uint32_t at = ring->head & (ring->size - 1);
    uint32_t used = byte_ring_used(ring);

    *front = ring->data + at;
    return used < ring->size - at ? used : ring->size - at;
}

// Both return how many bytes were moved.
static inline uint32_t byte_ring_put(struct byte_ring *ring, const void *from, size_t len)
{
    const uint8_t *bytes = from;
    uint32_t room = byte_ring_room(ring);
    uint32_t n = len < room ? (uint32_t)len : room;

    for (uint32_t i = 0; i < n; i++)
        ring->data[ring->tail++ & (ring->size - 1)] = bytes[i];
    return n;
}

static inline uint32_t byte_ring_take(struct byte_ring *ring, void *to, size_t len)
{
    uint8_t *bytes = to;
    uint32_t used = byte_ring_used(ring);
    uint32_t n = len < used ? (uint32_t)len : used;

    for (uint32_t i = 0; i < n; i++)
        bytes[i] = ring->data[ring->head++ & (ring->size - 1)];
    return n;
}

#endif
