// SPDX-License-Identifier: Apache-2.0
// Guests' memory: stage 2 (Sv39x4), the hypervisor's windows, and VMIDs.
#include "metal/common/vm_memory.h"

#include "lib/mem.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/thread.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/sbi.h"

#define HGATP_SV39X4 (8ull << 60)
#define HGATP_VMID_SHIFT 44
#define HGATP_VMID_MASK 0x3fffull
#define STAGE2_RAM (PTE_R | PTE_W | PTE_X | PTE_U)

static struct {
    unsigned count;        // VMIDs that the harts have
    _Atomic uint64_t used; // of the first 64; 0 is everybody's
} vmids;

void vmid_init(void)
{
    csr_write(HW_HGATP, HGATP_VMID_MASK << HGATP_VMID_SHIFT);
    vmids.count = (unsigned)(csr_read(HW_HGATP) >> HGATP_VMID_SHIFT & HGATP_VMID_MASK) + 1;
    csr_write(HW_HGATP, 0);
    atomic_store(&vmids.used, 1);
}

static unsigned vmid_alloc(void)
{
    uint64_t used = atomic_load(&vmids.used);

    for (unsigned id = 1; id < 64 && id < vmids.count; id++)
        if (!(used >> id & 1) && !(atomic_fetch_or(&vmids.used, 1ull << id) >> id & 1))
            return id;
    return 0;
}

static void vmid_free(unsigned vmid)
{
    if (vmid)
        atomic_fetch_and(&vmids.used, ~(1ull << vmid));
}

bool vmid_shared(unsigned vmid)
{
    return !vmid;
}

uint64_t vm_memory_hgatp(const struct vm_memory *memory)
{
    return HGATP_SV39X4 | (uint64_t)memory->vmid << HGATP_VMID_SHIFT |
           ptr_phys(memory->stage2.root) >> HULL_PAGE_SHIFT;
}

// A VM with colours: all of it at once, in pages.
static int map_coloured(struct vm_memory *memory)
{
    int error = 0;

    for (uint64_t at = 0; at < memory->size && !error; at += HULL_PAGE_SIZE) {
        hpa_t page = pages_alloc(&machine.pages, 1, 1, memory->owner);

        if (!page)
            return -HULL_ENOMEM;
        error =
            page_table_map(&memory->stage2, memory->base + at, page, HULL_PAGE_SIZE, STAGE2_RAM);
        if (error)
            pages_free(&machine.pages, page, 1, memory->owner);
        else
            error = paging_window_map((uintptr_t)memory->window + at, page, HULL_PAGE_SIZE);
        if (at % BLOCK_SIZE == 0)
            thread_yield(); // others have waited long enough
    }
    return error;
}

// All at once, in the largest pages that fit.
static int map_fixed(struct vm_memory *memory)
{
    int error = paging_window_map((uintptr_t)memory->window, memory->base, memory->size);

    if (!error)
        error =
            page_table_map(&memory->stage2, memory->base, memory->base, memory->size, STAGE2_RAM);
    for (uint64_t at = 0; at < memory->size && !error; at += BLOCK_SIZE) {
        memset(phys_ptr(memory->base + at), 0, BLOCK_SIZE);
        thread_yield();
    }
    return error;
}

// Block by block, later.
static int promise(struct vm_memory *memory)
{
    uint64_t blocks = memory->size / BLOCK_SIZE;

    memory->returned = heap_alloc(&machine.heap, blocks * sizeof(*memory->returned), memory->owner);
    if (!memory->returned || !pages_commit(&machine.pages, blocks))
        return -HULL_ENOMEM;
    memory->promised = blocks;
    return page_table_prepare(&memory->stage2, memory->base, memory->size);
}

int vm_memory_create(struct vm_memory *memory, gpa_t base, uint64_t size, bool fixed,
                     struct page_count *owner)
{
    int error;

    memset(memory, 0, sizeof(*memory));
    memory->base = base;
    memory->size = size;
    memory->owner = owner;
    memory->fixed = fixed;
    error = page_table_init(&memory->stage2, true, owner);
    if (!error) {
        memory->window = (uint8_t *)paging_window_alloc(memory, size);
        error = memory->window ? 0 : -HULL_ENOMEM;
    }
    memory->vmid = vmid_alloc();
    if (!error)
        error = fixed ? map_fixed(memory) : owner->colours ? map_coloured(memory) : promise(memory);
    if (error)
        vm_memory_destroy(memory);
    return error;
}

// A hart that sees the guest's page must find it in the window too: that comes first.
int vm_memory_map_block(struct vm_memory *memory, uint64_t offset, hpa_t block)
{
    int error = paging_window_map((uintptr_t)memory->window + offset, block, BLOCK_SIZE);

    if (!error)
        error =
            page_table_map(&memory->stage2, memory->base + offset, block, BLOCK_SIZE, STAGE2_RAM);
    return error;
}

// The lock is held. The tables are there already.
static int populate(struct vm_memory *memory, uint64_t offset)
{
    bool promised = !vm_memory_given_back(memory, offset);
    hpa_t block =
        memory->starved ? 0 : pages_alloc_blocks(&machine.pages, 1, 1, promised, memory->owner);

    if (!block)
        return -HULL_ENOMEM;
    memset(phys_ptr(block), 0, BLOCK_SIZE);
    memory->promised -= promised;
    memory->returned[offset / BLOCK_SIZE] = 0;
    return vm_memory_map_block(memory, offset, block);
}

int vm_memory_populate(struct vm_memory *memory, gpa_t gpa)
{
    uint64_t offset = (gpa - memory->base) & ~(BLOCK_SIZE - 1), size;
    int error = 0;

    if (gpa < memory->base || gpa - memory->base >= memory->size)
        return -HULL_EFAULT;
    spin_lock(&memory->lock);
    if (!page_table_find(&memory->stage2, memory->base + offset, &size))
        error = populate(memory, offset);
    spin_unlock(&memory->lock);
    return error;
}

int vm_memory_map_page(struct vm_memory *memory, gpa_t gpa, hpa_t page)
{
    uint64_t size;
    int error;

    spin_lock(&memory->lock);
    // Something larger stands there: no VM's file should have come to this.
    if (page_table_find(&memory->stage2, gpa, &size) && size != HULL_PAGE_SIZE)
        error = -HULL_EEXIST;
    else
        error = page_table_map(&memory->stage2, gpa, page, HULL_PAGE_SIZE, PTE_R | PTE_W | PTE_U);
    spin_unlock(&memory->lock);
    return error;
}

void vm_memory_unmap_page(struct vm_memory *memory, gpa_t gpa)
{
    uint64_t size;

    spin_lock(&memory->lock);
    page_table_unmap(&memory->stage2, gpa, &size);
    spin_unlock(&memory->lock);
}

void vm_memory_survey(struct vm_memory *memory, uint64_t sizes[3], uint64_t colours[64])
{
    uint64_t size;

    spin_lock(&memory->lock);
    for (uint64_t at = 0; at < memory->size; at = (at | (size - 1)) + 1) {
        uint64_t pte = page_table_find(&memory->stage2, memory->base + at, &size);

        if (pte)
            sizes[size == HULL_PAGE_SIZE ? 0 : size == BLOCK_SIZE ? 1 : 2]++;
        if (pte && size == HULL_PAGE_SIZE && machine.pages.colours)
            colours[pte_address(pte) / HULL_PAGE_SIZE % machine.pages.colours]++;
    }
    spin_unlock(&memory->lock);
}

static void free_memory(struct vm_memory *memory)
{
    uint64_t size;

    if (memory->fixed || !memory->stage2.root)
        return;
    for (uint64_t at = 0; at < memory->size; at = (at | (size - 1)) + 1) {
        uint64_t pte = page_table_unmap(&memory->stage2, memory->base + at, &size);

        if (pte && size == HULL_PAGE_SIZE)
            pages_free(&machine.pages, pte_address(pte), 1, memory->owner);
        else if (pte)
            pages_free_blocks(&machine.pages, pte_address(pte), (unsigned)(size / BLOCK_SIZE),
                              memory->owner);
    }
}

// The fences come before anybody else can get the blocks.
void vm_memory_destroy(struct vm_memory *memory)
{
    hfence_gvma_all();
    fw_remote_hfence_gvma_all();
    vm_memory_forget(memory);
    paging_window_free((uintptr_t)memory->window, memory->size);
    free_memory(memory);
    page_table_destroy(&memory->stage2);
    vmid_free(memory->vmid);
    pages_uncommit(&machine.pages, memory->promised);
    memset(memory, 0, sizeof(*memory));
}
