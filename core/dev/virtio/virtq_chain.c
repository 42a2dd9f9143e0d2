// SPDX-License-Identifier: Apache-2.0
// Bytes in and out of a descriptor chain, whatever way the driver cut it into segments (virtio 1.2,
// 2.7.4: devices make no assumptions on the framing).
#include "core/dev/virtio/virtio.h"
#include "lib/mem.h"

size_t virtq_chain_read(const struct virtq_chain *chain, uint64_t offset, void *buf, size_t len)
{
    size_t done = 0;

    for (unsigned i = 0; i < chain->readable_count && done < len; i++) {
        const struct hull_iovec *iov = &chain->readable[i];
        size_t n;

        if (offset >= iov->len) {
            offset -= iov->len;
            continue;
        }
        n = iov->len - offset < len - done ? iov->len - offset : len - done;
        memcpy((uint8_t *)buf + done, (const uint8_t *)iov->base + offset, n);
        done += n;
        offset = 0;
    }
    return done;
}

size_t virtq_chain_write(struct virtq *q, const struct virtq_chain *chain, uint64_t offset,
                         const void *buf, size_t len)
{
    size_t done = 0;

    for (unsigned i = 0; i < chain->writable_count && done < len; i++) {
        const struct hull_iovec *iov = &chain->writable[i];
        size_t n;

        if (offset >= iov->len) {
            offset -= iov->len;
            continue;
        }
        n = iov->len - offset < len - done ? iov->len - offset : len - done;
        memcpy((uint8_t *)iov->base + offset, (const uint8_t *)buf + done, n);
        hull_memory_written(q->vdev->memory, virtq_chain_gpa(chain, iov) + offset, n);
        done += n;
        offset = 0;
    }
    return done;
}

void virtq_chain_skip(struct virtq_chain *chain, uint64_t len)
{
    chain->readable_len -= len;
    while (len) {
        struct hull_iovec *iov = chain->readable;

        if (iov->len > len) {
            chain->gpa[iov - chain->iov] += len;
            iov->base = (uint8_t *)iov->base + len;
            iov->len -= len;
            return;
        }
        len -= iov->len;
        chain->readable++;
        chain->readable_count--;
    }
}

void virtq_chain_cut(struct virtq_chain *chain, uint64_t len)
{
    chain->writable_len -= len;
    while (len) {
        struct hull_iovec *iov = &chain->writable[chain->writable_count - 1];

        if (iov->len > len) {
            iov->len -= len;
            return;
        }
        len -= iov->len;
        chain->writable_count--;
    }
}

void virtq_chain_written(struct virtq *q, const struct virtq_chain *chain, uint64_t len)
{
    for (unsigned i = 0; i < chain->writable_count && len; i++) {
        const struct hull_iovec *iov = &chain->writable[i];
        uint64_t n = iov->len < len ? iov->len : len;

        hull_memory_written(q->vdev->memory, virtq_chain_gpa(chain, iov), n);
        len -= n;
    }
}
