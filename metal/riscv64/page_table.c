// SPDX-License-Identifier: Apache-2.0
// One walker for page tables of three levels, whatever they translate.
#include "metal/riscv64/paging.h"

#include "metal/common/arch.h"
#include "metal/common/machine.h"

#define LEVELS 3
#define INDEX_BITS 9
#define LEAF (PTE_R | PTE_W | PTE_X)

static uint64_t level_size(unsigned level)
{
    return 1ull << (HULL_PAGE_SHIFT + INDEX_BITS * level);
}

static unsigned index_at(const struct page_table *table, uint64_t va, unsigned level)
{
    unsigned bits = level == LEVELS - 1 ? table->top_bits : INDEX_BITS;

    return (unsigned)(va >> (HULL_PAGE_SHIFT + INDEX_BITS * level)) & ((1u << bits) - 1);
}

static unsigned root_pages(const struct page_table *table)
{
    return 1u << (table->top_bits - INDEX_BITS);
}

int page_table_init(struct page_table *table, bool stage2, struct page_count *owner)
{
    hpa_t root;

    table->top_bits = stage2 ? INDEX_BITS + 2 : INDEX_BITS;
    table->owner = owner;
    root = pages_alloc(&machine.pages, root_pages(table), root_pages(table), owner);
    table->root = root ? phys_ptr(root) : NULL;
    return root ? 0 : -HULL_ENOMEM;
}

static bool is_table(uint64_t pte)
{
    return (pte & PTE_V) && !(pte & LEAF);
}

static void free_below(struct page_table *table, uint64_t *ptes, unsigned level)
{
    for (unsigned i = 0; level > 0 && i < 1u << INDEX_BITS; i++)
        if (is_table(ptes[i]))
            free_below(table, phys_ptr(pte_address(ptes[i])), level - 1);
    pages_free(&machine.pages, ptr_phys(ptes), 1, table->owner);
}

void page_table_prune(struct page_table *table, uint64_t va, uint64_t size)
{
    for (uint64_t at = va; at - va < size; at += level_size(LEVELS - 1)) {
        uint64_t *pte = &table->root[index_at(table, at, LEVELS - 1)];

        if (is_table(*pte))
            free_below(table, phys_ptr(pte_address(*pte)), LEVELS - 2);
        *pte = 0;
    }
}

void page_table_destroy(struct page_table *table)
{
    if (!table->root)
        return;
    page_table_prune(table, 0, level_size(LEVELS - 1) << table->top_bits);
    pages_free(&machine.pages, ptr_phys(table->root), root_pages(table), table->owner);
    table->root = NULL;
}

// The entry for `va` at `level`, with the tables on the way; NULL: no memory.
static uint64_t *entry_make(struct page_table *table, uint64_t va, unsigned level)
{
    uint64_t *ptes = table->root;

    for (unsigned at = LEVELS - 1; at > level; at--) {
        uint64_t *pte = &ptes[index_at(table, va, at)];

        if (!(*pte & PTE_V)) {
            hpa_t page = pages_alloc(&machine.pages, 1, 1, table->owner);

            if (!page)
                return NULL;
            // Another hart may walk here already: it must find the page zeroed.
            __atomic_store_n(pte, page >> HULL_PAGE_SHIFT << PTE_PPN_SHIFT | PTE_V,
                             __ATOMIC_RELEASE);
        }
        ptes = phys_ptr(pte_address(*pte));
    }
    return &ptes[index_at(table, va, level)];
}

// The same where the tables are there, which is the rule: without calls, so without registers to save.
static inline uint64_t *entry_there(const struct page_table *table, uint64_t va, unsigned level)
{
    uint64_t *ptes = table->root;

    for (unsigned at = LEVELS - 1; at > level; at--) {
        uint64_t pte = ptes[index_at(table, va, at)];

        if (!(pte & PTE_V))
            return NULL;
        ptes = phys_ptr(pte_address(pte));
    }
    return &ptes[index_at(table, va, level)];
}

int page_table_map(struct page_table *table, uint64_t va, hpa_t pa, uint64_t size, uint64_t flags)
{
    while (size) {
        unsigned level = LEVELS - 1;
        uint64_t step = level_size(level), *pte;

        for (; level && (((va | pa) & (step - 1)) || size < step); level--)
            step >>= INDEX_BITS;
        pte = entry_there(table, va, level);
        if (!pte)
            pte = entry_make(table, va, level);
        if (!pte)
            return -HULL_ENOMEM;
        // The entries after it in the same table, as long as no larger page would do.
        do {
            __atomic_store_n(pte++, pa >> HULL_PAGE_SHIFT << PTE_PPN_SHIFT | flags | PTE_V | PTE_AD,
                             __ATOMIC_RELEASE);
            va += step;
            pa += step;
            size -= step;
        } while (size >= step && va & ((step << INDEX_BITS) - 1));
    }
    return 0;
}

int page_table_prepare(struct page_table *table, uint64_t va, uint64_t size)
{
    uint64_t end = va + size;

    for (; va < end; va = (va | (level_size(2) - 1)) + 1)
        if (!entry_make(table, va, 1))
            return -HULL_ENOMEM;
    return 0;
}

void page_table_link(struct page_table *table, uint64_t va, const uint64_t *below)
{
    uint64_t *pte = entry_make(table, va, 1);
    uint64_t link = below ? ptr_phys(below) >> HULL_PAGE_SHIFT << PTE_PPN_SHIFT | PTE_V : 0;

    if (pte)
        __atomic_store_n(pte, link, __ATOMIC_RELEASE);
}

static inline uint64_t *entry_find(const struct page_table *table, uint64_t va, uint64_t *size)
{
    uint64_t *ptes = table->root;

    for (unsigned level = LEVELS - 1;; level--) {
        uint64_t *pte = &ptes[index_at(table, va, level)];

        *size = level_size(level);
        if (!is_table(*pte))
            return pte;
        if (!level)
            return NULL;
        ptes = phys_ptr(pte_address(*pte));
    }
}

uint64_t page_table_find(const struct page_table *table, uint64_t va, uint64_t *size)
{
    uint64_t *pte = entry_find(table, va, size);

    return pte && (*pte & PTE_V) ? *pte : 0;
}

uint64_t page_table_unmap(struct page_table *table, uint64_t va, uint64_t *size)
{
    uint64_t *pte = entry_find(table, va, size), old;

    if (!pte || !(*pte & PTE_V))
        return 0;
    old = *pte;
    __atomic_store_n(pte, 0, __ATOMIC_RELEASE);
    return old;
}
