// SPDX-License-Identifier: Apache-2.0
// The allocator of physical memory. A table has a few bytes for each block of 2 MiB; a block that is split into
// pages keeps a bitmap of them in one of its pages.
#include "metal/common/pages.h"

#include "lib/bits.h"
#include "lib/bytes.h"
#include "lib/checked.h"
#include "lib/mem.h"
#include "metal/common/arch.h"

enum block_state { BLOCK_FREE, BLOCK_USED, BLOCK_SPLIT, BLOCK_TAKEN };

struct page_block {
    uint8_t state;
    uint16_t free;   // SPLIT: pages
    uint16_t header; // SPLIT: the page that holds the bitmap of those in use
};

#define BITMAP_BYTES (BLOCK_PAGES / 8)

int pages_add_range(struct pages *pages, hpa_t base, uint64_t size)
{
    hpa_t start = (base + BLOCK_SIZE - 1) & ~(BLOCK_SIZE - 1),
          end = (base + size) & ~(BLOCK_SIZE - 1);

    if (end <= start)
        return 0;
    if (pages->range_count == PAGES_RANGES_MAX)
        return -HULL_ENOSPC;
    pages->ranges[pages->range_count++] =
        (struct pages_range){.base = start, .blocks = (unsigned)((end - start) >> BLOCK_SHIFT)};
    return 0;
}

static hpa_t block_base(const struct pages *pages, const struct page_block *block)
{
    for (unsigned i = 0; i < pages->range_count; i++) {
        const struct pages_range *r = &pages->ranges[i];

        if (block >= r->block && block < r->block + r->blocks)
            return r->base + ((hpa_t)(block - r->block) << BLOCK_SHIFT);
    }
    return 0;
}

static void block_release(struct pages *pages, struct page_block *block)
{
    for (unsigned i = 0; i < pages->range_count; i++) {
        struct pages_range *r = &pages->ranges[i];

        if (block >= r->block && block < r->block + r->full)
            r->full = (unsigned)(block - r->block);
    }
    block->state = BLOCK_FREE;
}

static struct page_block *block_at(struct pages *pages, hpa_t pa)
{
    for (unsigned i = 0; i < pages->range_count; i++) {
        struct pages_range *r = &pages->ranges[i];

        if (pa >= r->base && (pa - r->base) >> BLOCK_SHIFT < r->blocks)
            return &r->block[(pa - r->base) >> BLOCK_SHIFT];
    }
    return NULL;
}

static uint8_t *bitmap_of(const struct pages *pages, const struct page_block *block)
{
    return phys_ptr(block_base(pages, block) + (hpa_t)block->header * HULL_PAGE_SIZE);
}

static bool page_used(const uint8_t *bitmap, unsigned page)
{
    return bitmap[page / 8] >> page % 8 & 1;
}

static void pages_mark(uint8_t *bitmap, unsigned first, unsigned count, bool used)
{
    for (unsigned page = first; page < first + count; page++) {
        if (used)
            bitmap[page / 8] |= (uint8_t)(1 << page % 8);
        else
            bitmap[page / 8] &= (uint8_t) ~(1 << page % 8);
    }
}

static void take_holes(struct pages *pages, const struct pages_hole *holes, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        for (hpa_t at = holes[i].base & ~(BLOCK_SIZE - 1); at < holes[i].base + holes[i].size;
             at += BLOCK_SIZE) {
            struct page_block *block = block_at(pages, at);

            if (block)
                block->state = BLOCK_TAKEN;
        }
}

// The block of our image: pages from `scratch` on, after the table, are free.
static int split_first(struct pages *pages, hpa_t scratch, uint64_t table_size)
{
    struct page_block *block = block_at(pages, scratch);
    hpa_t free_from = (scratch + table_size + HULL_PAGE_SIZE - 1) & ~(hpa_t)(HULL_PAGE_SIZE - 1);
    hpa_t base = scratch & ~(BLOCK_SIZE - 1);
    unsigned first = (unsigned)((free_from - base) / HULL_PAGE_SIZE);

    if (!block || first + 1 >= BLOCK_PAGES)
        return -HULL_ENOMEM;
    *block = (struct page_block){.state = BLOCK_SPLIT,
                                 .free = (uint16_t)(BLOCK_PAGES - first - 1),
                                 .header = (uint16_t)first};
    memset(bitmap_of(pages, block), 0, BITMAP_BYTES);
    pages_mark(bitmap_of(pages, block), 0, first + 1, true);
    pages->free += block->free;
    pages->total += block->free;
    pages->split = block;
    return 0;
}

int pages_ready(struct pages *pages, hpa_t scratch, const struct pages_hole *holes,
                unsigned hole_count)
{
    struct page_block *table = phys_ptr(scratch);
    uint64_t blocks = 0;

    for (unsigned i = 0; i < pages->range_count; i++) {
        pages->ranges[i].block = table + blocks;
        blocks += pages->ranges[i].blocks;
    }
    if (blocks * sizeof(*table) > (scratch | (BLOCK_SIZE - 1)) - scratch)
        return -HULL_ENOMEM;
    memset(table, 0, blocks * sizeof(*table));
    take_holes(pages, holes, hole_count);
    for (uint64_t i = 0; i < blocks; i++)
        pages->free_blocks += table[i].state == BLOCK_FREE;
    pages->total = pages->free = pages->free_blocks * BLOCK_PAGES;
    return split_first(pages, scratch, blocks * sizeof(*table));
}

// ---- Blocks; the lock is held ----

static struct page_block *find_blocks(struct pages *pages, unsigned count, unsigned align)
{
    for (unsigned i = 0; i < pages->range_count; i++) {
        struct pages_range *r = &pages->ranges[i];
        unsigned run = 0;

        while (r->full < r->blocks && r->block[r->full].state != BLOCK_FREE)
            r->full++;
        if (count == 1 && align == 1 && r->full < r->blocks)
            return &r->block[r->full];
        for (unsigned n = r->full; n < r->blocks; n++) {
            bool starts = ((r->base >> BLOCK_SHIFT) + n) % align == 0;

            run = r->block[n].state != BLOCK_FREE || (!run && !starts) ? 0 : run + 1;
            if (run == count)
                return &r->block[n + 1 - count];
        }
    }
    return NULL;
}

static inline struct page_block *take_blocks(struct pages *pages, unsigned count, unsigned align,
                                             bool committed)
{
    struct page_block *first;

    if (!committed && pages->free_blocks - pages->committed < count)
        return NULL;
    first = find_blocks(pages, count, align);
    if (!first)
        return NULL;
    for (unsigned i = 0; i < count; i++)
        first[i].state = BLOCK_USED;
    pages->free_blocks -= count;
    if (committed)
        pages->committed -= count;
    return first;
}

hpa_t pages_alloc_blocks(struct pages *pages, unsigned count, unsigned align, bool committed,
                         struct page_count *owner)
{
    struct page_block *first;
    hpa_t base = 0;

    spin_lock(&pages->lock);
    first = take_blocks(pages, count, align, committed);
    if (first) {
        base = block_base(pages, first);
        pages->free -= (uint64_t)count * BLOCK_PAGES;
    }
    spin_unlock(&pages->lock);
    if (first && owner)
        atomic_fetch_add(&owner->pages, (uint64_t)count * BLOCK_PAGES);
    return base;
}

bool pages_take_blocks(struct pages *pages, hpa_t base, unsigned count)
{
    bool all = true;

    spin_lock(&pages->lock);
    for (unsigned i = 0; i < count && all; i++) {
        const struct page_block *block = block_at(pages, base + i * BLOCK_SIZE);

        all = block && block->state == BLOCK_FREE;
    }
    for (unsigned i = 0; i < count && all; i++)
        block_at(pages, base + i * BLOCK_SIZE)->state = BLOCK_USED;
    if (all) {
        pages->free_blocks -= count;
        pages->free -= (uint64_t)count * BLOCK_PAGES;
        pages->total -= (uint64_t)count * BLOCK_PAGES;
    }
    spin_unlock(&pages->lock);
    return all;
}

void pages_free_blocks(struct pages *pages, hpa_t base, unsigned count, struct page_count *owner)
{
    struct page_block *block = block_at(pages, base);

    spin_lock(&pages->lock);
    for (unsigned i = 0; i < count; i++)
        block_release(pages, &block[i]);
    pages->free_blocks += count;
    pages->free += (uint64_t)count * BLOCK_PAGES;
    spin_unlock(&pages->lock);
    if (owner)
        atomic_fetch_sub(&owner->pages, (uint64_t)count * BLOCK_PAGES);
}

bool pages_commit(struct pages *pages, uint64_t blocks)
{
    bool there;

    spin_lock(&pages->lock);
    there = pages->free_blocks - pages->committed >= blocks;
    if (there)
        pages->committed += blocks;
    spin_unlock(&pages->lock);
    return there;
}

void pages_uncommit(struct pages *pages, uint64_t blocks)
{
    spin_lock(&pages->lock);
    pages->committed -= blocks;
    spin_unlock(&pages->lock);
}

bool pages_is_ram(const struct pages *pages, hpa_t base, uint64_t size)
{
    for (unsigned i = 0; i < pages->range_count; i++)
        if (hull_range_overlaps(pages->ranges[i].base,
                                (uint64_t)pages->ranges[i].blocks << BLOCK_SHIFT, base, size))
            return true;
    return false;
}

// ---- Pages ----

// The pages of a block, 64 at a time, that an owner of these colours may have.
static uint64_t colour_pattern(const struct pages *pages, uint64_t colours)
{
    uint64_t pattern = colours;

    for (unsigned n = pages->colours; n && n < 64; n *= 2)
        pattern |= pattern << n;
    return colours && pages->colours ? pattern : UINT64_MAX;
}

static int find_page(const uint8_t *bitmap, uint64_t pattern)
{
    for (unsigned first = 0; first < BLOCK_PAGES; first += 64) {
        uint64_t able = ~hull_load_le64(bitmap + first / 8) & pattern;

        if (able)
            return (int)(first + hull_ctz64(able));
    }
    return -1;
}

static int find_in(const uint8_t *bitmap, unsigned count, unsigned align)
{
    for (unsigned first = 0; first + count <= BLOCK_PAGES; first += align) {
        unsigned n = 0;

        while (n < count && !page_used(bitmap, first + n))
            n++;
        if (n == count)
            return (int)first;
    }
    return -1;
}

static hpa_t take_from(struct pages *pages, struct page_block *block, unsigned count,
                       unsigned align, uint64_t pattern)
{
    uint8_t *bitmap;
    int first;

    if (!block || block->state != BLOCK_SPLIT || block->free < count)
        return 0;
    bitmap = bitmap_of(pages, block);
    first = count == 1 ? find_page(bitmap, pattern) : find_in(bitmap, count, align);
    if (first < 0)
        return 0;
    pages_mark(bitmap, (unsigned)first, count, true);
    block->free = (uint16_t)(block->free - count);
    pages->split = block;
    return block_base(pages, block) + (hpa_t)first * HULL_PAGE_SIZE;
}

static hpa_t take_pages(struct pages *pages, unsigned count, unsigned align, uint64_t pattern)
{
    hpa_t base = take_from(pages, pages->split, count, align, pattern);
    struct page_block *block;

    for (unsigned i = 0; i < pages->range_count && !base; i++)
        for (unsigned n = 0; n < pages->ranges[i].blocks && !base; n++)
            base = take_from(pages, &pages->ranges[i].block[n], count, align, pattern);
    if (base)
        return base;
    block = take_blocks(pages, 1, 1, false);
    if (!block)
        return 0;
    *block = (struct page_block){.state = BLOCK_SPLIT, .free = BLOCK_PAGES - 1};
    memset(bitmap_of(pages, block), 0, BITMAP_BYTES);
    pages_mark(bitmap_of(pages, block), 0, 1, true);
    pages->free--; // the bitmap's
    return take_from(pages, block, count, align, pattern);
}

hpa_t pages_alloc(struct pages *pages, unsigned count, unsigned align, struct page_count *owner)
{
    hpa_t base;

    spin_lock(&pages->lock);
    base = take_pages(pages, count, align, colour_pattern(pages, owner ? owner->colours : 0));
    if (base)
        pages->free -= count;
    spin_unlock(&pages->lock);
    if (!base)
        return 0;
    memset(phys_ptr(base), 0, (size_t)count * HULL_PAGE_SIZE);
    if (owner)
        atomic_fetch_add(&owner->pages, count);
    return base;
}

// A split block whose pages are all free becomes whole again; our image's never does.
void pages_free(struct pages *pages, hpa_t base, unsigned count, struct page_count *owner)
{
    struct page_block *block = block_at(pages, base);

    spin_lock(&pages->lock);
    pages_mark(bitmap_of(pages, block), (unsigned)((base & (BLOCK_SIZE - 1)) / HULL_PAGE_SIZE),
               count, false);
    block->free = (uint16_t)(block->free + count);
    pages->free += count;
    if (block->free == BLOCK_PAGES - 1) {
        block_release(pages, block);
        pages->free_blocks++;
        pages->free++;
    }
    spin_unlock(&pages->lock);
    if (owner)
        atomic_fetch_sub(&owner->pages, count);
}
