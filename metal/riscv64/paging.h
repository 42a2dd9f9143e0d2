// SPDX-License-Identifier: Apache-2.0
// Page tables: the hypervisor's own (Sv39) and those of stage 2 (Sv39x4) in one walker.
// Addresses of the hypervisor: RAM and devices at their physical addresses, never executable; from WINDOW_BASE
// the guests' memories, each in one piece; stacks with guard pages; the image itself.
#ifndef METAL_RISCV64_PAGING_H
#define METAL_RISCV64_PAGING_H

#include <hull/error.h>
#include <hull/types.h>

#include "metal/common/pages.h"

#define PTE_V 0x01ull
#define PTE_R 0x02ull
#define PTE_W 0x04ull
#define PTE_X 0x08ull
#define PTE_U 0x10ull
#define PTE_G 0x20ull
#define PTE_AD 0xc0ull
#define PTE_PPN_SHIFT 10

#define WINDOW_BASE 0xffffffc000000000ull
#define WINDOW_SLOTS 250u // of 1 GiB each
#define WINDOW_SHIFT 30
#define STACKS_BASE 0xffffffff80000000ull
#define STACKS_SIZE (1ull << 30)
#define IMAGE_VA 0xffffffffc0000000ull

struct page_table {
    uint64_t *root;
    unsigned top_bits; // of the root's index: 9, or 11 for stage 2
    struct page_count *owner;
};

HULL_MUST_CHECK int page_table_init(struct page_table *table, bool stage2,
                                    struct page_count *owner);
void page_table_destroy(struct page_table *table); // tables only: what they map is the caller's
// Maps with the largest pages that fit. What was mapped there must have been unmapped. 0 or -HULL_ENOMEM.
HULL_MUST_CHECK int page_table_map(struct page_table *table, uint64_t va, hpa_t pa, uint64_t size,
                                   uint64_t flags);
// Takes out the page at `va`: its PTE as it was, and its size; 0: there was none.
uint64_t page_table_unmap(struct page_table *table, uint64_t va, uint64_t *size);
uint64_t page_table_find(const struct page_table *table, uint64_t va, uint64_t *size);
// Tables down to that of 2 MiB pages, so that these can be mapped later without memory. 0 or -HULL_ENOMEM.
HULL_MUST_CHECK int page_table_prepare(struct page_table *table, uint64_t va, uint64_t size);
// A table for what a page of 2 MiB would map; NULL: it is taken out. Whoever made it owns it.
void page_table_link(struct page_table *table, uint64_t va, const uint64_t *below);
void page_table_prune(struct page_table *table, uint64_t va,
                      uint64_t size); // whole GiB: frees tables

static inline hpa_t pte_address(uint64_t pte)
{
    return (pte >> PTE_PPN_SHIFT & ((1ull << 44) - 1)) << HULL_PAGE_SHIFT;
}

// ---- The hypervisor's own ----
struct paging {
    struct page_table table;
    struct spin lock;
    struct vm_memory *windows[WINDOW_SLOTS]; // whose guest memory lies there
};

HULL_MUST_CHECK int paging_init(hpa_t image);
uint64_t paging_satp(void);
bool paging_is_mapped(uintptr_t va);                                    // takes no lock
uintptr_t paging_window_alloc(struct vm_memory *memory, uint64_t size); // 0: no room
void paging_window_free(uintptr_t window, uint64_t size);
HULL_MUST_CHECK int paging_window_map(uintptr_t va, hpa_t pa, uint64_t size);
void paging_window_unmap(uintptr_t va); // no fence
void paging_window_link(uintptr_t va, const uint64_t *below);
struct vm_memory *paging_window_owner(uintptr_t va); // NULL: no window

#endif
