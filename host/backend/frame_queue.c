// SPDX-License-Identifier: Apache-2.0
// A bounded queue of Ethernet frames.
#include "host/backend/frame_queue.h"

#include <string.h>
#include <sys/mman.h>

int hull_frame_queue_init(struct frame_queue *queue, size_t size)
{
    *queue = (struct frame_queue){.size = size};
    queue->bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (queue->bytes != MAP_FAILED)
        return 0;
    queue->bytes = NULL;
    return -HULL_ENOMEM;
}

void hull_frame_queue_fini(struct frame_queue *queue)
{
    if (queue->bytes)
        munmap(queue->bytes, queue->size);
    queue->bytes = NULL;
}

static void bytes_in(struct frame_queue *queue, const void *from, size_t len)
{
    size_t tail = (queue->head + queue->used) % queue->size;
    size_t first = len < queue->size - tail ? len : queue->size - tail;

    memcpy(queue->bytes + tail, from, first);
    memcpy(queue->bytes, (const uint8_t *)from + first, len - first);
    queue->used += len;
}

static void bytes_out(const struct frame_queue *queue, size_t skip, void *to, size_t len)
{
    size_t at = (queue->head + skip) % queue->size;
    size_t first = len < queue->size - at ? len : queue->size - at;

    memcpy(to, queue->bytes + at, first);
    memcpy((uint8_t *)to + first, queue->bytes, len - first);
}

bool hull_frame_queue_put(struct frame_queue *queue, const struct hull_iovec *iov,
                          unsigned iov_count)
{
    uint32_t len = 0;

    for (unsigned i = 0; i < iov_count; i++) {
        if (iov[i].len > queue->size - len)
            return false;
        len += (uint32_t)iov[i].len;
    }
    if (len == 0 || len + sizeof(len) > queue->size - queue->used)
        return false;
    bytes_in(queue, &len, sizeof(len));
    for (unsigned i = 0; i < iov_count; i++)
        bytes_in(queue, iov[i].base, iov[i].len);
    return true;
}

size_t hull_frame_queue_peek(const struct frame_queue *queue, uint8_t *buf, size_t size)
{
    uint32_t len = 0;

    if (!queue->used)
        return 0;
    bytes_out(queue, 0, &len, sizeof(len));
    bytes_out(queue, sizeof(len), buf, len < size ? len : size);
    return len < size ? len : size;
}

void hull_frame_queue_pop(struct frame_queue *queue)
{
    uint32_t len;

    if (!queue->used)
        return;
    bytes_out(queue, 0, &len, sizeof(len));
    queue->used -= sizeof(len) + len;
    queue->head = queue->used ? (queue->head + sizeof(len) + len) % queue->size : 0;
}
