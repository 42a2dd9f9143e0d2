// SPDX-License-Identifier: Apache-2.0
// Split virtqueues as the device sees them (virtio 1.2, 2.7). All in guest memory is copied once and
// checked before it is used; whatever is wrong ends in virtio_broken().
#ifndef HULL_CORE_DEV_VIRTIO_VIRTQ_H
#define HULL_CORE_DEV_VIRTIO_VIRTQ_H

#include <hull/backend.h>
#include <hull/memory.h>

struct virtio_device;

#define VIRTQ_SIZE_MAX 256
#define VIRTQ_CHAIN_MAX VIRTQ_SIZE_MAX // segments of a chain, indirect ones included

struct virtq {
    struct virtio_device *vdev;
    uint32_t size;              // as the driver wrote it; a power of two once `ready`
    gpa_t desc, driver, device; // descriptor table, available ring, used ring
    bool ready;
    uint8_t *desc_host, *driver_host, *device_host; // while `ready`
    uint16_t last_avail;                            // the available entry to take next
    uint16_t used;                                  // entries put into the used ring
    uint16_t signalled;                             // `used` when the driver was interrupted last
};

// One chain of descriptors, copied out of guest memory. The segments point into guest memory, whose
// contents may change all the time. Empty descriptors are left out.
struct virtq_chain {
    uint16_t head;
    unsigned readable_count, writable_count;
    uint64_t readable_len, writable_len;
    struct hull_iovec *readable, *writable; // into `iov`
    struct hull_iovec iov[VIRTQ_CHAIN_MAX];
    gpa_t gpa[VIRTQ_CHAIN_MAX];
};

// Takes the queue's three areas as the driver wrote them: 0, or -HULL_EINVAL when they are not what
// they may be.
HULL_MUST_CHECK int virtq_activate(struct virtq *q);
void virtq_deactivate(struct virtq *q); // and forgets what the driver wrote

// 1: a chain; 0: none, and the driver will notify when there is one; -HULL_EFORMAT: malformed,
// the device is broken.
HULL_MUST_CHECK int virtq_pop(struct virtq *q, struct virtq_chain *chain);
// Gives back the last `count` chains that were popped and not pushed.
void virtq_unpop(struct virtq *q, unsigned count);
// How many chains wait; asks for a notification when there is none. 0 also when malformed.
unsigned virtq_waiting(struct virtq *q);
// Hands a chain back with `len` bytes written to its start. The driver is told by virtq_interrupt(),
// once for several.
void virtq_push(struct virtq *q, uint16_t head, uint32_t len);
// Publishes `count` chains at once.
void virtq_push_many(struct virtq *q, const uint16_t *heads, const uint32_t *lens, unsigned count);
void virtq_interrupt(struct virtq *q);

// Copy between a chain and `buf`, from `offset` on; return how many bytes there were.
size_t virtq_chain_read(const struct virtq_chain *chain, uint64_t offset, void *buf, size_t len);
size_t virtq_chain_write(struct virtq *q, const struct virtq_chain *chain, uint64_t offset,
                         const void *buf, size_t len);
// Drop `len` bytes at the front of the readable part (at the end of the writable part): the caller
// knows that there are as many.
void virtq_chain_skip(struct virtq_chain *chain, uint64_t len);
void virtq_chain_cut(struct virtq_chain *chain, uint64_t len);
// Says that the first `len` writable bytes were written to by other ways.
void virtq_chain_written(struct virtq *q, const struct virtq_chain *chain, uint64_t len);
// The guest address of a segment.
static inline gpa_t virtq_chain_gpa(const struct virtq_chain *chain, const struct hull_iovec *iov)
{
    return chain->gpa[iov - chain->iov];
}

#endif
