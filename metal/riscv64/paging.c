// SPDX-License-Identifier: Apache-2.0
// The hypervisor's own address space.
#include "metal/riscv64/paging.h"

#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/sbi.h"

#define SATP_SV39 (8ull << 60)
#define RW (PTE_R | PTE_W | PTE_G)
#define LOW_GIB 256u // physical addresses that our half of Sv39 reaches

extern char image_start[], image_text_end[], image_rodata_end[], image_end[];
extern char boot_stack_guard[], boot_trap_stack_guard[];

static struct paging paging; // the one address space, beside struct machine

// Before paging is on, by our physical address: all physical memory as data, and the image where it is linked.
// Must not touch anything but what it is given.
uint64_t boot_map(uint64_t *tables, hpa_t image);
uint64_t boot_map(uint64_t *tables, hpa_t image)
{
    uint64_t *root = tables, *high = tables + 512;

    for (uint64_t i = 0; i < LOW_GIB; i++)
        root[i] = i << (30 - HULL_PAGE_SHIFT + PTE_PPN_SHIFT) | RW | PTE_V | PTE_AD;
    root[511] = (uint64_t)(uintptr_t)high >> HULL_PAGE_SHIFT << PTE_PPN_SHIFT | PTE_V;
    high[0] = image >> HULL_PAGE_SHIFT << PTE_PPN_SHIFT | RW | PTE_X | PTE_V | PTE_AD;
    return SATP_SV39 | (uint64_t)(uintptr_t)root >> HULL_PAGE_SHIFT;
}

static int map_image(hpa_t image)
{
    struct page_table *table = &paging.table;
    uint64_t text = (uint64_t)(image_text_end - image_start);
    uint64_t rodata = (uint64_t)(image_rodata_end - image_start);
    uint64_t end = (uint64_t)(image_end - image_start);
    int error = page_table_map(table, IMAGE_VA, image, text, PTE_R | PTE_X | PTE_G);

    if (!error)
        error = page_table_map(table, IMAGE_VA + text, image + text, rodata - text, PTE_R | PTE_G);
    if (!error)
        error = page_table_map(
            table, IMAGE_VA + rodata, image + rodata,
            (end - rodata + HULL_PAGE_SIZE - 1) & ~(uint64_t)(HULL_PAGE_SIZE - 1), RW);
    if (!error) {
        page_table_unmap(table, (uintptr_t)boot_stack_guard, &end);
        page_table_unmap(table, (uintptr_t)boot_trap_stack_guard, &end);
    }
    return error;
}

int arch_map_device(hpa_t base, uint64_t size)
{
    hpa_t start = base & ~(hpa_t)(HULL_PAGE_SIZE - 1);
    hpa_t end = (base + size + HULL_PAGE_SIZE - 1) & ~(hpa_t)(HULL_PAGE_SIZE - 1);
    int error = 0;

    if (!size || end < start || end > (uint64_t)LOW_GIB << 30)
        return size ? -HULL_ERANGE : 0;
    spin_lock(&paging.lock);
    for (hpa_t at = start, step; at < end && !error; at += step) {
        uint64_t found;

        // In 2 MiB pages where nothing of one is mapped yet: `found` is how far an entry that is not there reaches.
        step = HULL_PAGE_SIZE;
        if (page_table_find(&paging.table, at, &found))
            continue;
        if (!(at % BLOCK_SIZE) && end - at >= BLOCK_SIZE && found >= BLOCK_SIZE)
            step = BLOCK_SIZE;
        error = page_table_map(&paging.table, at, at, step, RW);
    }
    spin_unlock(&paging.lock);
    return error;
}

// All of the memory but the image's code and constants, which must not be writable under another address.
static int map_memory(hpa_t base, hpa_t end, hpa_t image)
{
    hpa_t constants_end = image + (uint64_t)(image_rodata_end - image_start);
    int error = 0;

    if (base < image && image < end) {
        error = page_table_map(&paging.table, base, base, image - base, RW);
        base = image;
    }
    if (base >= image && base < constants_end)
        base = constants_end;
    return error || base >= end ? error : page_table_map(&paging.table, base, base, end - base, RW);
}

int paging_init(hpa_t image)
{
    const struct platform *p = &machine.platform;
    int error = page_table_init(&paging.table, false, NULL);

    if (!error)
        error = map_image(image);
    for (unsigned i = 0; i < p->memory_count && !error; i++)
        error = map_memory(p->memory[i].base, p->memory[i].base + p->memory[i].size, image);
    if (!error)
        error = arch_map_device(p->uart.base, p->uart.size);
    if (!error)
        error = arch_map_device(p->irqchip.regs.base, p->irqchip.regs.size);
    for (unsigned i = 0; i < p->irqchip.imsic.range_count && !error; i++)
        error = arch_map_device(p->irqchip.imsic.ranges[i].base, p->irqchip.imsic.ranges[i].size);
    if (error)
        return error;
    csr_write(HW_SATP, paging_satp());
    sfence_vma_all();
    return 0;
}

bool paging_is_mapped(uintptr_t va)
{
    uint64_t size;

    return page_table_find(&paging.table, va, &size);
}

uint64_t paging_satp(void)
{
    return SATP_SV39 | ptr_phys(paging.table.root) >> HULL_PAGE_SHIFT;
}

// ---- Stacks: their pages stay mapped when freed, and are used again ----

static int stack_map(uintptr_t base, size_t size)
{
    int error = 0;

    for (size_t at = 0; at < size && !error; at += HULL_PAGE_SIZE) {
        hpa_t page = pages_alloc(&machine.pages, 1, 1, NULL);

        error = page ? page_table_map(&paging.table, base + at, page, HULL_PAGE_SIZE, RW)
                     : -HULL_ENOMEM;
        if (error && page)
            pages_free(&machine.pages, page, 1, NULL);
    }
    return error;
}

static void stack_unmap(uintptr_t base, size_t size)
{
    uint64_t found;

    for (size_t at = 0; at < size; at += HULL_PAGE_SIZE) {
        uint64_t pte = page_table_unmap(&paging.table, base + at, &found);

        if (pte)
            pages_free(&machine.pages, pte_address(pte), 1, NULL);
    }
}

uintptr_t arch_stack_alloc(size_t size)
{
    uint64_t slot = size + HULL_PAGE_SIZE; // the page below stays unmapped
    uintptr_t stack = 0;

    spin_lock(&paging.lock);
    for (uint64_t at = 0; at + slot <= STACKS_SIZE && !stack; at += slot) {
        uint64_t found;

        if (!page_table_find(&paging.table, STACKS_BASE + at + HULL_PAGE_SIZE, &found))
            stack = STACKS_BASE + at + HULL_PAGE_SIZE;
    }
    if (stack && stack_map(stack, size)) {
        stack_unmap(stack, size);
        stack = 0;
    }
    spin_unlock(&paging.lock);
    return stack;
}

void arch_stack_free(uintptr_t stack, size_t size)
{
    spin_lock(&paging.lock);
    stack_unmap(stack, size);
    sfence_vma_all();
    fw_remote_sfence_all(); // before another one gets the pages' addresses
    spin_unlock(&paging.lock);
}

// ---- Windows onto guest memory ----

uintptr_t paging_window_alloc(struct vm_memory *memory, uint64_t size)
{
    unsigned slots = (unsigned)((size + (1ull << WINDOW_SHIFT) - 1) >> WINDOW_SHIFT), run = 0;
    uintptr_t window = 0;

    spin_lock(&paging.lock);
    for (unsigned i = 0; i < WINDOW_SLOTS && !window; i++) {
        run = paging.windows[i] ? 0 : run + 1;
        if (run == slots) {
            unsigned first = i + 1 - slots;

            window = WINDOW_BASE + ((uintptr_t)first << WINDOW_SHIFT);
            if (page_table_prepare(&paging.table, window, size)) {
                page_table_prune(&paging.table, window, (uint64_t)slots << WINDOW_SHIFT);
                window = 0;
                break;
            }
            for (unsigned n = first; n <= i; n++)
                paging.windows[n] = memory;
        }
    }
    spin_unlock(&paging.lock);
    return window;
}

void paging_window_free(uintptr_t window, uint64_t size)
{
    unsigned first = (unsigned)((window - WINDOW_BASE) >> WINDOW_SHIFT);
    unsigned slots = (unsigned)((size + (1ull << WINDOW_SHIFT) - 1) >> WINDOW_SHIFT);

    if (!window)
        return;
    spin_lock(&paging.lock);
    page_table_prune(&paging.table, window, (uint64_t)slots << WINDOW_SHIFT);
    sfence_vma_all();
    fw_remote_sfence_all();
    for (unsigned i = first; i < first + slots; i++)
        paging.windows[i] = NULL;
    spin_unlock(&paging.lock);
}

int paging_window_map(uintptr_t va, hpa_t pa, uint64_t size)
{
    int error;

    spin_lock(&paging.lock);
    error = page_table_map(&paging.table, va, pa, size, RW);
    spin_unlock(&paging.lock);
    return error;
}

void paging_window_unmap(uintptr_t va)
{
    uint64_t size;

    spin_lock(&paging.lock);
    page_table_unmap(&paging.table, va, &size);
    spin_unlock(&paging.lock);
}

void paging_window_link(uintptr_t va, const uint64_t *below)
{
    spin_lock(&paging.lock);
    page_table_link(&paging.table, va, below);
    spin_unlock(&paging.lock);
}

struct vm_memory *paging_window_owner(uintptr_t va)
{
    uint64_t slot = (va - WINDOW_BASE) >> WINDOW_SHIFT;

    return va >= WINDOW_BASE && slot < WINDOW_SLOTS ? paging.windows[slot] : NULL;
}
