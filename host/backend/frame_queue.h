// SPDX-License-Identifier: Apache-2.0
// A bounded queue of Ethernet frames: a ring of bytes, each frame behind its length. It starts over
// at its beginning whenever it runs empty, so that light traffic touches little memory.
#ifndef HOST_BACKEND_FRAME_QUEUE_H
#define HOST_BACKEND_FRAME_QUEUE_H

#include <hull/backend.h>

struct frame_queue {
    uint8_t *bytes;
    size_t size, head, used; // head: the oldest frame's length field
};

// A mapping of its own. 0 or -HULL_ENOMEM.
HULL_MUST_CHECK int hull_frame_queue_init(struct frame_queue *queue, size_t size);
void hull_frame_queue_fini(struct frame_queue *queue);

// False when there is no room: the frame is not taken.
bool hull_frame_queue_put(struct frame_queue *queue, const struct hull_iovec *iov,
                          unsigned iov_count);
// The oldest frame into `buf` (which must be large enough for any); its length, 0: none.
size_t hull_frame_queue_peek(const struct frame_queue *queue, uint8_t *buf, size_t size);
void hull_frame_queue_pop(struct frame_queue *queue); // what peek returned

#endif
