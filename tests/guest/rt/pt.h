// SPDX-License-Identifier: Apache-2.0
// Page tables: made entry by entry, so that programs can put anything into any of them.
#ifndef RT_PT_H
#define RT_PT_H

#include "rt.h"

#define PTE_V 1ul
#define PTE_R 2ul
#define PTE_W 4ul
#define PTE_X 8ul
#define PTE_U 16ul
#define PTE_G 32ul
#define PTE_A 64ul
#define PTE_D 128ul
#define PTE_RSW 0x300ul
#define PTE_AD (PTE_A | PTE_D)
#define PTE_RWX (PTE_R | PTE_W | PTE_X)
#define PTE_LEAF (PTE_V | PTE_RWX | PTE_AD) // for S mode, nothing faults
#define PTE_NC (1ul << 61)
#define PTE_IO (2ul << 61)
#define PTE_N (1ul << 63)

struct pt {
    unsigned levels; // 3, 4, 5
    uint64_t *root;
    bool wide; // a G-stage's: the root has four pages
};

// Tables whose first gigabytes are mapped to themselves for S mode by the largest pages of Sv39.
void pt_init(struct pt *pt, unsigned levels);

// The entry for va at a level (0: 4 KiB pages); the tables above are made as needed.
uint64_t *pt_entry(struct pt *pt, uint64_t va, unsigned level);

void pt_map(struct pt *pt, uint64_t va, uint64_t pa, unsigned level, uint64_t flags);

static inline uint64_t pt_pte(uint64_t pa, uint64_t flags)
{
    return (pa >> 12) << 10 | flags;
}

uint64_t pt_satp(const struct pt *pt, unsigned asid);

static inline void pt_flush(void)
{
    __asm__ volatile("sfence.vma" ::: "memory");
}

#endif
