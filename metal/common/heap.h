// SPDX-License-Identifier: Apache-2.0
// Memory for the hypervisor's structures: objects of a few sizes in pages of their own, larger ones as
// whole pages. Empty pages go back at once.
#ifndef METAL_COMMON_HEAP_H
#define METAL_COMMON_HEAP_H

#include "metal/common/hart.h"
#include "metal/common/pages.h"

#define HEAP_SIZES 8

struct heap {
    struct spin lock;
    struct list_link partial[HEAP_SIZES]; // pages with room, by the size of their objects
};

void heap_init(struct heap *heap);
// Zeroed, aligned to 64 bytes (whole pages: to 4096); NULL: no memory.
void *heap_alloc(struct heap *heap, size_t size, struct page_count *owner);
// The size and the owner that were given; ptr may be NULL.
void heap_free(struct heap *heap, void *ptr, size_t size, struct page_count *owner);

#endif
