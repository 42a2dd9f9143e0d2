// SPDX-License-Identifier: Apache-2.0
// A driver's side of a virtio-mmio device, for tests: guest RAM, registers over a bus, queues that can
// be filled rightly and wrongly.
#ifndef TESTS_UNIT_VIRTIO_RIG_H
#define TESTS_UNIT_VIRTIO_RIG_H

#include <hull/device.h>
#include <hull/memory.h>

#include "core/dev/virtio/mmio.h"
#include "core/dev/virtio/virtio.h"
#include "tests/unit/fake_env.h"

#define RIG_RAM_BASE 0x80000000ull
#define RIG_RAM_SIZE 0x400000ull
#define RIG_DEVICE_BASE 0x10001000ull
#define RIG_QUEUES 5
#define RIG_BUFFERS (RIG_RAM_BASE + 0x100000) // RAM that no queue lies in

enum { DESC_NEXT = 1, DESC_WRITE = 2, DESC_INDIRECT = 4 };

struct rig_queue {
    uint16_t size;
    gpa_t desc, driver, device;
    uint16_t avail; // next available index
    uint16_t used;  // used entries seen
    uint16_t next_desc;
};

struct rig {
    struct fake_env fake;
    struct guest_memory memory;
    uint8_t *ram;
    struct bus bus;
    struct device *dev;
    bool irq;
    unsigned irq_rises;
    struct rig_queue q[RIG_QUEUES];
};

struct rig_segment {
    gpa_t gpa;
    uint32_t len;
    bool write;
};

void rig_init(struct rig *rig);
struct virtio_bindings rig_bindings(struct rig *rig);
void rig_add(struct rig *rig, struct device *dev); // NULL fails the test
void rig_fini(struct rig *rig);                    // also checks that all memory came back

uint32_t rig_get(struct rig *rig, uint64_t reg);
void rig_set(struct rig *rig, uint64_t reg, uint32_t value);
uint64_t rig_config(struct rig *rig, unsigned offset, unsigned size);
void *rig_ptr(struct rig *rig, gpa_t gpa);

// From reset up to FEATURES_OK; true when that was accepted.
bool rig_negotiate(struct rig *rig, uint64_t features);
void rig_queue_setup(struct rig *rig, unsigned queue, uint16_t size); // and makes it ready
// All of it: negotiation, `queues` queues of `size`, DRIVER_OK.
void rig_start(struct rig *rig, uint64_t features, unsigned queues, uint16_t size);

void rig_desc(struct rig *rig, unsigned queue, uint16_t index, gpa_t addr, uint32_t len,
              uint16_t flags, uint16_t next);
void rig_make_available(struct rig *rig, unsigned queue, uint16_t head);
// Puts a chain of descriptors into the table and the ring; its head.
uint16_t rig_chain(struct rig *rig, unsigned queue, const struct rig_segment *segments, unsigned n);
void rig_kick(struct rig *rig, unsigned queue);
// The next used entry: true, *head and *len; false: none.
bool rig_used(struct rig *rig, unsigned queue, uint32_t *head, uint32_t *len);
uint16_t rig_used_flags(struct rig *rig, unsigned queue);
uint16_t rig_avail_event(struct rig *rig, unsigned queue);
void rig_set_used_event(struct rig *rig, unsigned queue, uint16_t event);
void rig_set_avail_flags(struct rig *rig, unsigned queue, uint16_t flags);
void rig_ack(struct rig *rig); // acknowledges every interrupt
bool rig_needs_reset(struct rig *rig);

#endif
