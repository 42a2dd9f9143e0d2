// SPDX-License-Identifier: Apache-2.0
// Guest physical memory: the one checked path from a guest address and a length to a host pointer.
#ifndef HULL_MEMORY_H
#define HULL_MEMORY_H

#include <hull/error.h>
#include <hull/types.h>

#define HULL_MEM_REGIONS_MAX 8

// Memory that the VM's owner allocated (page-aligned, zeroed) and frees after the VM is gone.
struct mem_region {
    gpa_t base;
    uint64_t size;
    uint8_t *host;
};

// Called after each store into the watched page's range, by the vCPU that stored. Engines keep a
// watched page off their fast store path. One watch at a time; set it before vCPUs run.
struct mem_watch {
    gpa_t base;
    uint64_t size; // 0: none
    void (*written)(void *ctx, gpa_t gpa);
    void *ctx;
};

struct guest_memory {
    struct mem_region regions[HULL_MEM_REGIONS_MAX];
    unsigned count;
    struct mem_watch watch;
};

// -HULL_EINVAL: not page-aligned or empty; -HULL_EOVERFLOW: wraps; -HULL_EEXIST: overlaps;
// -HULL_ENOSPC: too many.
HULL_MUST_CHECK int hull_memory_add(struct guest_memory *mem, gpa_t base, uint64_t size,
                                    void *host);

// The host address of [gpa, gpa + len), or NULL unless the whole of it lies in one region. The
// memory may change under the caller's eyes: copy, validate, use. After writing through it, call
// hull_memory_written().
void *hull_memory_ptr(const struct guest_memory *mem, gpa_t gpa, uint64_t len);

// Copies out of or into guest memory: 0 or -HULL_EFAULT (then nothing was copied).
HULL_MUST_CHECK int hull_memory_read(const struct guest_memory *mem, gpa_t gpa, void *dst,
                                     uint64_t len);
HULL_MUST_CHECK int hull_memory_write(struct guest_memory *mem, gpa_t gpa, const void *src,
                                      uint64_t len);
HULL_MUST_CHECK int hull_memory_fill(struct guest_memory *mem, gpa_t gpa, uint8_t byte,
                                     uint64_t len);

// Says that [gpa, gpa + len) was stored to by other ways than hull_memory_write().
void hull_memory_written(struct guest_memory *mem, gpa_t gpa, uint64_t len);

static inline bool hull_memory_watched(const struct guest_memory *mem, gpa_t page)
{
    const struct mem_watch *w = &mem->watch;

    return w->size && page + HULL_PAGE_SIZE > w->base && page < w->base + w->size;
}

#endif
