// SPDX-License-Identifier: Apache-2.0
// Guest physical memory: a short list of regions, and the one place where a guest address becomes a
// pointer.
#include <hull/memory.h>

#include "lib/checked.h"
#include "lib/mem.h"

int hull_memory_add(struct guest_memory *mem, gpa_t base, uint64_t size, void *host)
{
    if (!size || !host || !hull_is_aligned_u64(base | size, HULL_PAGE_SIZE) ||
        !hull_is_aligned_u64((uintptr_t)host, HULL_PAGE_SIZE))
        return -HULL_EINVAL;
    if (!hull_range_valid(base, size))
        return -HULL_EOVERFLOW;
    for (unsigned i = 0; i < mem->count; i++)
        if (hull_range_overlaps(mem->regions[i].base, mem->regions[i].size, base, size))
            return -HULL_EEXIST;
    if (mem->count == HULL_MEM_REGIONS_MAX)
        return -HULL_ENOSPC;
    mem->regions[mem->count++] = (struct mem_region){.base = base, .size = size, .host = host};
    return 0;
}

void *hull_memory_ptr(const struct guest_memory *mem, gpa_t gpa, uint64_t len)
{
    for (unsigned i = 0; i < mem->count; i++) {
        const struct mem_region *r = &mem->regions[i];

        if (hull_range_has(r->base, r->size, gpa))
            return hull_range_contains(r->base, r->size, gpa, len) ? r->host + (gpa - r->base)
                                                                   : NULL;
    }
    return NULL;
}

int hull_memory_read(const struct guest_memory *mem, gpa_t gpa, void *dst, uint64_t len)
{
    const void *src = hull_memory_ptr(mem, gpa, len);

    if (!src)
        return -HULL_EFAULT;
    memcpy(dst, src, len);
    return 0;
}

int hull_memory_write(struct guest_memory *mem, gpa_t gpa, const void *src, uint64_t len)
{
    void *dst = hull_memory_ptr(mem, gpa, len);

    if (!dst)
        return -HULL_EFAULT;
    memcpy(dst, src, len);
    hull_memory_written(mem, gpa, len);
    return 0;
}

int hull_memory_fill(struct guest_memory *mem, gpa_t gpa, uint8_t byte, uint64_t len)
{
    void *dst = hull_memory_ptr(mem, gpa, len);

    if (!dst)
        return -HULL_EFAULT;
    memset(dst, byte, len);
    hull_memory_written(mem, gpa, len);
    return 0;
}

void hull_memory_written(struct guest_memory *mem, gpa_t gpa, uint64_t len)
{
    const struct mem_watch *w = &mem->watch;

    if (w->size && hull_range_overlaps(w->base, w->size, gpa, len))
        w->written(w->ctx, gpa);
}
