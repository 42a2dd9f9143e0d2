// SPDX-License-Identifier: Apache-2.0
// Memory that a guest gives back, by its balloon: it goes to others in whole blocks, when all of one has come
// back, so that stage 2 keeps its large pages. The right to a block goes with it. A guest may touch what it gave
// back, and is given a new block, as long as there are any.
#include "metal/common/vm_memory.h"

#include "lib/bytes.h"
#include "lib/mem.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/sbi.h"

#define GIVEN_BACK UINT16_MAX
#define STAND_IN (PTE_R | PTE_W | PTE_G | PTE_V | PTE_AD)

bool vm_memory_given_back(const struct vm_memory *memory, uint64_t offset)
{
    return memory->returned[offset / BLOCK_SIZE] == GIVEN_BACK;
}

// Afterwards no hart reaches the block, neither from the guest nor for a device of ours.
static void unmap(struct vm_memory *memory, uint64_t offset)
{
    uintptr_t va = (uintptr_t)memory->window + offset;
    uint64_t size;

    page_table_unmap(&memory->stage2, memory->base + offset, &size);
    paging_window_unmap(va);
    hfence_gvma_all();
    fw_remote_hfence_gvma(memory->base + offset, BLOCK_SIZE, memory->vmid);
    sfence_vma_page(va);
    fw_remote_sfence(va, BLOCK_SIZE);
}

static unsigned zero_pages(hpa_t block)
{
    const uint8_t *at = phys_ptr(block);
    unsigned zero = 0;

    for (unsigned page = 0; page < BLOCK_PAGES; page++, at += HULL_PAGE_SIZE) {
        unsigned i = 0;

        while (i < HULL_PAGE_SIZE && !hull_load_le64(at + i))
            i += 8;
        zero += i == HULL_PAGE_SIZE;
    }
    return zero;
}

// A page counts as often as it is given back, and the guest may have taken some of them again: with the block
// out of everybody's reach, its content tells. False: it goes on where it was, and is not looked at again
// before the guest has paid for that.
static bool is_all_back(struct vm_memory *memory, uint64_t offset, hpa_t block)
{
    unsigned zero = zero_pages(block);

    if (zero == BLOCK_PAGES)
        return true;
    memory->returned[offset / BLOCK_SIZE] = (uint16_t)(zero / 2);
    (void)vm_memory_map_block(memory, offset, block); // the tables are there: it takes no memory
    return false;
}

static void zero(struct vm_memory *memory, uint64_t at, uint64_t len)
{
    uint64_t size, step;

    for (; len; at += step, len -= step) {
        uint64_t pte = page_table_find(&memory->stage2, memory->base + at, &size);
        uint64_t inside = (memory->base + at) & (size - 1);

        step = size - inside < len ? size - inside : len;
        if (pte)
            memset(phys_ptr(pte_address(pte) + inside), 0, step);
    }
}

// A page, and a table that has it everywhere: without memory there will be none for them.
static bool stand_in_ready(struct vm_memory *memory)
{
    hpa_t base = memory->stand_in ? 0 : pages_alloc(&machine.pages, 2, 1, memory->owner);

    if (!base)
        return memory->stand_in;
    memory->stand_in = phys_ptr(base);
    for (unsigned i = 0; i < BLOCK_PAGES; i++)
        memory->stand_in[i] =
            (base + HULL_PAGE_SIZE) >> HULL_PAGE_SHIFT << PTE_PPN_SHIFT | STAND_IN;
    return true;
}

// Part of one block, or all of it.
static void give_back(struct vm_memory *memory, uint64_t at, uint64_t len)
{
    uint64_t offset = at & ~(BLOCK_SIZE - 1), size;
    uint64_t pte = page_table_find(&memory->stage2, memory->base + offset, &size);
    uint16_t *returned = &memory->returned[at / BLOCK_SIZE];

    if (*returned == GIVEN_BACK)
        return;
    *returned = (uint16_t)(*returned + len / HULL_PAGE_SIZE);
    if (*returned < BLOCK_PAGES || !stand_in_ready(memory)) {
        zero(memory, at, len);
        *returned = *returned < BLOCK_PAGES ? *returned : 0;
        return;
    }
    if (pte) {
        if (len < BLOCK_SIZE)
            zero(memory, at, len);
        unmap(memory, offset);
        if (len < BLOCK_SIZE && !is_all_back(memory, offset, pte_address(pte)))
            return;
        pages_free_blocks(&machine.pages, pte_address(pte), 1, memory->owner);
    } else {
        memory->promised--;
        pages_uncommit(&machine.pages, 1);
    }
    *returned = GIVEN_BACK;
}

void vm_memory_discard(struct vm_memory *memory, void *host, uint64_t len)
{
    uint64_t at = (uint64_t)((uint8_t *)host - memory->window), end = at + len;

    while (at < end) {
        uint64_t next = (at | (BLOCK_SIZE - 1)) + 1, part = (next < end ? next : end) - at;

        spin_lock(&memory->lock);
        if (memory->returned)
            give_back(memory, at, part);
        else
            zero(memory, at, part);
        spin_unlock(&memory->lock);
        at += part;
    }
}

void vm_memory_stand_in(struct vm_memory *memory, gpa_t gpa)
{
    spin_lock(&memory->lock);
    memory->starved = true;
    paging_window_link((uintptr_t)memory->window + ((gpa - memory->base) & ~(BLOCK_SIZE - 1)),
                       memory->stand_in);
    spin_unlock(&memory->lock);
}

void vm_memory_forget(struct vm_memory *memory)
{
    uint64_t blocks = memory->size / BLOCK_SIZE;

    if (memory->starved) {
        for (uint64_t i = 0; i < blocks; i++)
            if (memory->returned[i] == GIVEN_BACK)
                paging_window_link((uintptr_t)memory->window + i * BLOCK_SIZE, NULL);
        sfence_vma_all();
        fw_remote_sfence_all();
    }
    if (memory->stand_in)
        pages_free(&machine.pages, ptr_phys(memory->stand_in), 2, memory->owner);
    heap_free(&machine.heap, memory->returned, blocks * sizeof(*memory->returned), memory->owner);
}
