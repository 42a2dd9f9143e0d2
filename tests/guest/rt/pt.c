// SPDX-License-Identifier: Apache-2.0
// Page tables for the guest programs.
#include "pt.h"

uint64_t *pt_entry(struct pt *pt, uint64_t va, unsigned level)
{
    uint64_t *table = pt->root;

    for (unsigned l = pt->levels - 1;; l--) {
        unsigned mask = pt->wide && l == pt->levels - 1 ? 2047 : 511;
        uint64_t *entry = &table[va >> (12 + 9 * l) & mask];

        if (l == level)
            return entry;
        if (!(*entry & PTE_V))
            *entry = pt_pte((uint64_t)rt_page(), PTE_V);
        table = (uint64_t *)((*entry >> 10 & ((1ul << 44) - 1)) << 12);
    }
}

void pt_map(struct pt *pt, uint64_t va, uint64_t pa, unsigned level, uint64_t flags)
{
    *pt_entry(pt, va, level) = pt_pte(pa, flags);
}

void pt_init(struct pt *pt, unsigned levels)
{
    pt->levels = levels;
    pt->wide = false;
    pt->root = rt_page();
    for (uint64_t gb = 0; gb < 4; gb++)
        pt_map(pt, gb << 30, gb << 30, 2, PTE_LEAF);
}

uint64_t pt_satp(const struct pt *pt, unsigned asid)
{
    return (uint64_t)(pt->levels + 5) << 60 | (uint64_t)asid << 44 | (uint64_t)pt->root >> 12;
}
