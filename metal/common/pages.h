// SPDX-License-Identifier: Apache-2.0
// Physical memory: 2 MiB blocks, some of them split into 4 KiB pages, and runs of 512 blocks (1 GiB). What
// belongs to a VM is counted in its struct page_count.
#ifndef METAL_COMMON_PAGES_H
#define METAL_COMMON_PAGES_H

#include <hull/error.h>
#include <hull/types.h>

#include "metal/common/hart.h"

#define BLOCK_SHIFT 21
#define BLOCK_SIZE (1ull << BLOCK_SHIFT)
#define BLOCK_PAGES 512u
#define PAGES_RANGES_MAX 8

struct page_count {
    _Atomic uint64_t pages;
    uint64_t colours; // a bit for each that its pages may have, unless they come in a row; 0: any
};

struct page_block;

struct pages_range {
    hpa_t base; // a multiple of BLOCK_SIZE
    unsigned blocks;
    unsigned full; // so many of its first blocks, at least, are not free
    struct page_block *block;
};

struct pages {
    struct spin lock;
    struct pages_range ranges[PAGES_RANGES_MAX];
    unsigned range_count;
    uint64_t total, free;     // pages; what boot took is in neither
    uint64_t free_blocks;     // whole ones
    uint64_t committed;       // of them: VMs have a right to these
    struct page_block *split; // one that may have free pages
    unsigned colours;         // of pages, by the lowest bits of their number; a power of two, or 0
};

// A part of memory that is taken when we start.
struct pages_hole {
    hpa_t base;
    uint64_t size;
};

// At boot: all ranges first, then pages_ready() with what is taken of them. `scratch` lies in a block that is
// taken in part; its rest becomes the first pages to be given out, after the table itself.
HULL_MUST_CHECK int pages_add_range(struct pages *pages, hpa_t base, uint64_t size);
HULL_MUST_CHECK int pages_ready(struct pages *pages, hpa_t scratch, const struct pages_hole *holes,
                                unsigned hole_count);

// Zeroed. `count` pages in a row (at most BLOCK_PAGES), aligned to `align` pages; 0: none.
hpa_t pages_alloc(struct pages *pages, unsigned count, unsigned align, struct page_count *owner);
void pages_free(struct pages *pages, hpa_t base, unsigned count, struct page_count *owner);

// `count` blocks in a row, aligned to `align` blocks; not zeroed; 0: none. `committed`: of those that were set
// aside.
hpa_t pages_alloc_blocks(struct pages *pages, unsigned count, unsigned align, bool committed,
                         struct page_count *owner);
// These very blocks, for good; false: not all of them are free.
bool pages_take_blocks(struct pages *pages, hpa_t base, unsigned count);
void pages_free_blocks(struct pages *pages, hpa_t base, unsigned count, struct page_count *owner);

// Sets whole blocks aside for later; false: there are not so many.
bool pages_commit(struct pages *pages, uint64_t blocks);
void pages_uncommit(struct pages *pages, uint64_t blocks);

bool pages_is_ram(const struct pages *pages, hpa_t base, uint64_t size); // any of it

#endif
