// SPDX-License-Identifier: Apache-2.0
// Guests' memory: stage 2 (Sv39x4), the hypervisor's windows, and VMIDs.
#include "metal/common/vm_memory.h"

#include "lib/mem.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
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

// All at once, in the largest pages that fit.
static int map_fixed(struct vm_memory *memory)
{
    int error = 0;

    memset(phys_ptr(memory->base), 0, memory->size);
    for (uint64_t at = 0; at < memory->size && !error; at += BLOCK_SIZE)
        error = paging_window_map((uintptr_t)memory->window + at, memory->base + at);
    if (!error)
        error =
            page_table_map(&memory->stage2, memory->base, memory->base, memory->size, STAGE2_RAM);
    memory->blocks = memory->size / BLOCK_SIZE;
    return error;
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
    if (!fixed && !pages_commit(&machine.pages, size / BLOCK_SIZE))
        return -HULL_ENOMEM;
    memory->committed = !fixed;
    error = page_table_init(&memory->stage2, true, owner);
    if (!error) {
        memory->window = (uint8_t *)paging_window_alloc(memory, size);
        error = memory->window ? 0 : -HULL_ENOMEM;
    }
    memory->vmid = vmid_alloc();
    if (!error && fixed)
        error = map_fixed(memory);
    if (error)
        vm_memory_destroy(memory);
    return error;
}

// A hart that sees the guest's page must find it zeroed, and in the window too: the window comes first.
static int map_block(struct vm_memory *memory, uint64_t offset, hpa_t block)
{
    int error = paging_window_map((uintptr_t)memory->window + offset, block);

    if (!error)
        error =
            page_table_map(&memory->stage2, memory->base + offset, block, BLOCK_SIZE, STAGE2_RAM);
    return error;
}

int vm_memory_populate(struct vm_memory *memory, gpa_t gpa)
{
    uint64_t offset = (gpa - memory->base) & ~(BLOCK_SIZE - 1), size;
    hpa_t block;
    int error = 0;

    if (gpa < memory->base || gpa - memory->base >= memory->size)
        return -HULL_EFAULT;
    spin_lock(&memory->lock);
    if (!page_table_find(&memory->stage2, memory->base + offset, &size)) {
        block = pages_alloc_blocks(&machine.pages, 1, 1, true, memory->owner);
        error = block ? 0 : -HULL_ENOMEM;
        if (block) {
            memset(phys_ptr(block), 0, BLOCK_SIZE);
            error = map_block(memory, offset, block);
            memory->blocks += !error;
        }
        if (error && block) {
            paging_window_unmap((uintptr_t)memory->window + offset);
            pages_free_blocks(&machine.pages, block, 1, memory->owner);
            (void)pages_commit(&machine.pages, 1);
        }
    }
    spin_unlock(&memory->lock);
    return error;
}

void vm_memory_discard(struct vm_memory *memory, void *host, uint64_t len)
{
    uint64_t start = (uint64_t)((uint8_t *)host - memory->window), end = start + len, size;

    for (uint64_t at = start; at < end;) {
        uint64_t block = at & ~(BLOCK_SIZE - 1), next = block + BLOCK_SIZE;
        uint64_t stop = next < end ? next : end;

        // A block that is not there reads as zeroes already.
        if (page_table_find(&memory->stage2, memory->base + block, &size))
            memset(memory->window + at, 0, stop - at);
        at = stop;
    }
}

static void free_blocks(struct vm_memory *memory)
{
    uint64_t size;

    if (memory->fixed || !memory->stage2.root)
        return;
    for (uint64_t at = 0; at < memory->size; at += BLOCK_SIZE) {
        uint64_t pte = page_table_unmap(&memory->stage2, memory->base + at, &size);

        if (pte)
            pages_free_blocks(&machine.pages, pte_address(pte), 1, memory->owner);
    }
}

// The fences come before anybody else can get the blocks.
void vm_memory_destroy(struct vm_memory *memory)
{
    uint64_t reserved = memory->size / BLOCK_SIZE - memory->blocks;

    hfence_gvma_all();
    fw_remote_hfence_gvma_all();
    paging_window_free((uintptr_t)memory->window, memory->size);
    free_blocks(memory);
    page_table_destroy(&memory->stage2);
    vmid_free(memory->vmid);
    if (memory->committed)
        pages_uncommit(&machine.pages, reserved);
    memset(memory, 0, sizeof(*memory));
}
