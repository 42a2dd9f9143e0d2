// SPDX-License-Identifier: Apache-2.0
// Small objects: a page holds objects of one size behind a header with the list of its free ones. Pages are
// shared by all VMs, so that only whole pages count as a VM's.
#include "metal/common/heap.h"

#include "lib/mem.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"

#define HEADER_SIZE 64u

struct slab {
    struct list_link link; // in heap.partial, unless full
    void *free;            // each free object points to the next
    unsigned used, fresh;  // objects in use; those from `fresh` on were never given out
};

static const uint16_t sizes[HEAP_SIZES] = {64, 128, 192, 320, 448, 640, 1344, 1984};

_Static_assert(sizeof(struct slab) <= HEADER_SIZE, "the header has its room");

static unsigned size_class(size_t size)
{
    unsigned i = 0;

    while (i < HEAP_SIZES && sizes[i] < size)
        i++;
    return i;
}

static unsigned page_count_of(size_t size)
{
    return (unsigned)((size + HULL_PAGE_SIZE - 1) / HULL_PAGE_SIZE);
}

static unsigned objects_in(unsigned class)
{
    return (HULL_PAGE_SIZE - HEADER_SIZE) / sizes[class];
}

void heap_init(struct heap *heap)
{
    for (unsigned i = 0; i < HEAP_SIZES; i++)
        hull_list_init(&heap->partial[i]);
}

static void *slab_take(struct slab *slab, unsigned class)
{
    void *object = slab->free;

    if (object)
        slab->free = *(void **)object;
    else
        object = (char *)slab + HEADER_SIZE + sizes[class] * slab->fresh++;
    slab->used++;
    return object;
}

static void *large_alloc(size_t size, struct page_count *owner)
{
    unsigned count = page_count_of(size);
    hpa_t base = 0;

    if (count <= BLOCK_PAGES) {
        base = pages_alloc(&machine.pages, count, 1, owner);
    } else {
        unsigned blocks = (count + BLOCK_PAGES - 1) / BLOCK_PAGES;

        base = pages_alloc_blocks(&machine.pages, blocks, 1, false, owner);
        if (base)
            memset(phys_ptr(base), 0, blocks * BLOCK_SIZE);
    }
    return base ? phys_ptr(base) : NULL;
}

static void large_free(void *ptr, size_t size, struct page_count *owner)
{
    unsigned count = page_count_of(size);

    if (count <= BLOCK_PAGES)
        pages_free(&machine.pages, ptr_phys(ptr), count, owner);
    else
        pages_free_blocks(&machine.pages, ptr_phys(ptr), (count + BLOCK_PAGES - 1) / BLOCK_PAGES,
                          owner);
}

void *heap_alloc(struct heap *heap, size_t size, struct page_count *owner)
{
    unsigned class = size_class(size);
    struct slab *slab;
    void *object;

    if (class == HEAP_SIZES)
        return large_alloc(size, owner);
    spin_lock(&heap->lock);
    if (hull_list_empty(&heap->partial[class])) {
        hpa_t page = pages_alloc(&machine.pages, 1, 1, NULL);

        if (!page) {
            spin_unlock(&heap->lock);
            return NULL;
        }
        slab = phys_ptr(page);
        hull_list_push_front(&heap->partial[class], &slab->link);
    }
    slab = hull_list_entry(heap->partial[class].next, struct slab, link);
    object = slab_take(slab, class);
    if (slab->used == objects_in(class))
        hull_list_remove(&slab->link);
    spin_unlock(&heap->lock);
    memset(object, 0, sizes[class]);
    return object;
}

void heap_free(struct heap *heap, void *ptr, size_t size, struct page_count *owner)
{
    unsigned class = size_class(size);
    struct slab *slab = (struct slab *)((uintptr_t)ptr & ~(uintptr_t)(HULL_PAGE_SIZE - 1));

    if (!ptr)
        return;
    if (class == HEAP_SIZES) {
        large_free(ptr, size, owner);
        return;
    }
    spin_lock(&heap->lock);
    if (slab->used == objects_in(class))
        hull_list_push_back(&heap->partial[class], &slab->link);
    *(void **)ptr = slab->free;
    slab->free = ptr;
    if (--slab->used == 0) {
        hull_list_remove(&slab->link);
        pages_free(&machine.pages, ptr_phys(slab), 1, NULL);
    }
    spin_unlock(&heap->lock);
}
