// SPDX-License-Identifier: Apache-2.0
// Data accesses off the fast path: TLB refill, misalignment, devices, watched pages.
#include <hull/device.h>

#include "engine/interp/cpu.h"
#include "guest/riscv/mmu.h"
#include "lib/mem.h"

#define PAGE_MASK (~(uint64_t)(HULL_PAGE_SIZE - 1))

static void clear_mode(struct cpu *cpu, unsigned mode)
{
    for (unsigned i = 0; i < TLB_ENTRIES; i++) {
        cpu->tlbs[mode][i].read_tag = TLB_NONE;
        cpu->tlbs[mode][i].write_tag = TLB_NONE;
    }
}

void interp_tlb_flush(struct cpu *cpu)
{
    for (unsigned mode = 0; mode < TLB_MODES; mode++)
        if (cpu->tlb_used >> mode & 1)
            clear_mode(cpu, mode);
    cpu->tlb_used = 0;
    for (unsigned i = 0; i < FETCH_ENTRIES; i++)
        cpu->fetch[i].tag = TLB_NONE;
    cpu->fetch_evicted = false;
    interp_context_renew(cpu);
}

static void drop_private(struct cpu *cpu)
{
    for (unsigned mode = 0; mode < TLB_MODES; mode++)
        for (unsigned i = 0; i < TLB_ENTRIES; i++) {
            struct tlb_entry *e = &cpu->tlbs[mode][i];

            if (!(e->gpa & TLB_GLOBAL))
                e->read_tag = e->write_tag = TLB_NONE;
        }
    for (unsigned i = 0; i < FETCH_ENTRIES; i++)
        if (!(cpu->fetch[i].gpa & TLB_GLOBAL))
            cpu->fetch[i].tag = TLB_NONE;
}

#define SATP_ASID (0xffffull << 44)

// Without ASIDs nothing is kept, as on harts that have none. With them, code that was checked under
// this very value of satp is still good: whoever changes its tables executes sfence.vma, which
// forgets all spaces.
void interp_tlb_switch_space(struct cpu *cpu)
{
    uint64_t satp = cpu->hart.s.satp;
    unsigned i = 0;

    if (!(satp & SATP_ASID)) {
        interp_tlb_flush(cpu);
        return;
    }
    drop_private(cpu);
    while (i < HULL_ARRAY_SIZE(cpu->spaces) && cpu->spaces[i].satp != satp)
        i++;
    cpu->fetch_dropped = i < HULL_ARRAY_SIZE(cpu->spaces); // none of a new space is in use
    if (i == HULL_ARRAY_SIZE(cpu->spaces)) {
        i = cpu->next_space++ % HULL_ARRAY_SIZE(cpu->spaces);
        cpu->spaces[i].satp = satp;
        cpu->spaces[i].epoch = ++cpu->epoch_count;
    }
    cpu->epoch = cpu->spaces[i].epoch;
    interp_context_select(cpu);
}

void interp_spaces_forget(struct cpu *cpu)
{
    memset(cpu->spaces, 0, sizeof(cpu->spaces));
    cpu->spaces[0].satp = cpu->hart.s.satp;
    cpu->spaces[0].epoch = cpu->epoch;
    cpu->next_space = 1;
}

// True when va lies in the page of the size noted in gpa's low bits around `tag`.
static bool covers(uint64_t tag, gpa_t gpa, gva_t va)
{
    return (tag ^ va) >> (gpa & 63) == 0;
}

void interp_tlb_flush_page(struct cpu *cpu, gva_t va)
{
    bool fetched = cpu->fetch_evicted;

    for (unsigned mode = 0; mode < TLB_MODES; mode++) {
        if (!(cpu->tlb_used >> mode & 1))
            continue;
        for (unsigned i = 0; i < TLB_ENTRIES; i++) {
            struct tlb_entry *e = &cpu->tlbs[mode][i];

            if ((e->read_tag != TLB_NONE && covers(e->read_tag, e->gpa, va)) ||
                (e->write_tag != TLB_NONE && covers(e->write_tag, e->gpa, va)))
                e->read_tag = e->write_tag = TLB_NONE;
        }
    }
    for (unsigned i = 0; i < FETCH_ENTRIES; i++) {
        struct fetch_entry *e = &cpu->fetch[i];

        if (e->tag != TLB_NONE && covers(e->tag, e->gpa, va)) {
            e->tag = TLB_NONE;
            fetched = true;
        }
    }
    if (fetched) {
        cpu->fetch_evicted = false;
        interp_context_renew(cpu);
        return;
    }
    // A space that came back has code in use that fetch[] need not know of.
    if (cpu->fetch_dropped) {
        cpu->fetch_dropped = false;
        cpu->epoch = ++cpu->epoch_count;
        interp_context_select(cpu);
    }
    interp_spaces_forget(cpu);
}

void interp_tlb_select(struct cpu *cpu)
{
    struct mmu_mode mode = riscv_mmu_data_mode(&cpu->hart);
    enum tlb_mode which = TLB_M;

    if (mode.priv == PRIV_U)
        which = TLB_U;
    else if (mode.priv == PRIV_S)
        which = mode.sum ? TLB_S_SUM : TLB_S;
    cpu->tlb = cpu->tlbs[which];
    if (mode.mxr != cpu->mxr) {
        cpu->mxr = mode.mxr;
        for (unsigned i = 0; i < TLB_MODES; i++)
            clear_mode(cpu, i);
    }
}

static unsigned page_shift(uint64_t page)
{
    return (unsigned)__builtin_ctzll(page);
}

static void refill(struct cpu *cpu, gva_t va, uint8_t *host, const struct mmu_result *r)
{
    struct tlb_entry *e = &cpu->tlb[va >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1)];
    gva_t page = va & PAGE_MASK;
    gpa_t gpa = r->gpa & PAGE_MASK;

    e->read_tag = r->perms >> MMU_LOAD & 1 ? page : TLB_NONE;
    e->write_tag = r->perms >> MMU_STORE & 1 ? page : TLB_NONE;
    if (hull_memory_watched(cpu->memory, gpa))
        e->write_tag = TLB_NONE;
    e->addend = (uintptr_t)host - va;
    e->gpa = gpa | (r->global ? TLB_GLOBAL : 0) | page_shift(r->page);
    cpu->tlb_used |= 1u << ((size_t)(cpu->tlb - cpu->tlbs[0]) / TLB_ENTRIES);
}

// Where an access that stays inside one page goes: *host is its place in RAM, or NULL for a
// device at *gpa. False: trapped.
static bool locate(struct cpu *cpu, const struct op *op, gva_t va, unsigned size,
                   enum mmu_access access, uint8_t **host, gpa_t *gpa)
{
    const struct tlb_entry *e = &cpu->tlb[va >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1)];
    struct mmu_result r;
    int cause;

    if ((access == MMU_LOAD ? e->read_tag : e->write_tag) == (va & PAGE_MASK)) {
        *host = (uint8_t *)(e->addend + va);
        *gpa = (e->gpa & PAGE_MASK) | (va & ~PAGE_MASK);
        return true;
    }
    cause = riscv_mmu_translate(&cpu->hart, va, size, access, riscv_mmu_data_mode(&cpu->hart), &r);
    if (cause) {
        interp_raise(cpu, op, (unsigned)cause, va);
        return false;
    }
    *gpa = r.gpa;
    *host = hull_memory_ptr(cpu->memory, r.gpa, size);
    if (*host && r.page >= HULL_PAGE_SIZE)
        refill(cpu, va, *host, &r);
    return true;
}

static unsigned bytes_in_page(gva_t va, unsigned size)
{
    unsigned room = HULL_PAGE_SIZE - (unsigned)(va & ~PAGE_MASK);

    return size < room ? size : room;
}

static uint64_t read_ram(const uint8_t *host, unsigned size)
{
    uint64_t value = 0;

    if (((uintptr_t)host & (size - 1)) == 0 && size == 8)
        return __atomic_load_n((const uint64_t *)host, __ATOMIC_RELAXED);
    if (((uintptr_t)host & (size - 1)) == 0 && size == 4)
        return __atomic_load_n((const uint32_t *)host, __ATOMIC_RELAXED);
    if (((uintptr_t)host & (size - 1)) == 0 && size == 2)
        return __atomic_load_n((const uint16_t *)host, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)__atomic_load_n(host + i, __ATOMIC_RELAXED) << 8 * i;
    return value;
}

static void write_ram(uint8_t *host, unsigned size, uint64_t value)
{
    bool aligned = ((uintptr_t)host & (size - 1)) == 0;

    if (aligned && size == 8)
        __atomic_store_n((uint64_t *)host, value, __ATOMIC_RELAXED);
    else if (aligned && size == 4)
        __atomic_store_n((uint32_t *)host, (uint32_t)value, __ATOMIC_RELAXED);
    else if (aligned && size == 2)
        __atomic_store_n((uint16_t *)host, (uint16_t)value, __ATOMIC_RELAXED);
    else
        for (unsigned i = 0; i < size; i++)
            __atomic_store_n(host + i, (uint8_t)(value >> 8 * i), __ATOMIC_RELAXED);
}

bool interp_load(struct cpu *cpu, const struct op *op, gva_t va, unsigned size)
{
    unsigned first = bytes_in_page(va, size);
    uint8_t *host, *rest = NULL;
    gpa_t gpa, rest_gpa;

    if (!locate(cpu, op, va, first, MMU_LOAD, &host, &gpa))
        return false;
    if (first < size) {
        if (!locate(cpu, op, va + first, size - first, MMU_LOAD, &rest, &rest_gpa))
            return false;
        if (host && rest) {
            cpu->loaded = read_ram(host, first) | read_ram(rest, size - first) << 8 * first;
            return true;
        }
    } else if (host) {
        cpu->loaded = read_ram(host, size);
        return true;
    } else if (!hull_bus_read(cpu->bus, gpa, size, &cpu->loaded)) {
        return true;
    }
    interp_raise(cpu, op, CAUSE_LOAD_ACCESS, host ? va + first : va);
    return false;
}

bool interp_store(struct cpu *cpu, const struct op *op, gva_t va, unsigned size, uint64_t value)
{
    unsigned first = bytes_in_page(va, size);
    uint8_t *host, *rest = NULL;
    gpa_t gpa, rest_gpa;

    if (!locate(cpu, op, va, first, MMU_STORE, &host, &gpa))
        return false;
    if (first < size) {
        if (!locate(cpu, op, va + first, size - first, MMU_STORE, &rest, &rest_gpa))
            return false;
        if (host && rest) {
            write_ram(host, first, value);
            write_ram(rest, size - first, value >> 8 * first);
            hull_memory_written(cpu->memory, gpa, first);
            hull_memory_written(cpu->memory, rest_gpa, size - first);
            return true;
        }
    } else if (host) {
        write_ram(host, size, value);
        hull_memory_written(cpu->memory, gpa, size);
        return true;
    } else if (!hull_bus_write(cpu->bus, gpa, size, value)) {
        return true;
    }
    interp_raise(cpu, op, CAUSE_STORE_ACCESS, host ? va + first : va); // the part at fault
    return false;
}

void *interp_atomic_ptr(struct cpu *cpu, const struct op *op, gva_t va, unsigned size, int access,
                        gpa_t *gpa)
{
    uint8_t *host;

    if (va & (size - 1)) {
        interp_raise(cpu, op, access == MMU_LOAD ? CAUSE_MISALIGNED_LOAD : CAUSE_MISALIGNED_STORE,
                     va);
        return NULL;
    }
    if (!locate(cpu, op, va, size, access, &host, gpa))
        return NULL;
    if (!host)
        interp_raise(cpu, op, access == MMU_LOAD ? CAUSE_LOAD_ACCESS : CAUSE_STORE_ACCESS, va);
    return host;
}

#define CBO_BLOCK 64

bool interp_zero_block(struct cpu *cpu, const struct op *op, gva_t va)
{
    gva_t block = va & ~(uint64_t)(CBO_BLOCK - 1);
    uint8_t *host;
    gpa_t gpa;

    if (!locate(cpu, op, block, CBO_BLOCK, MMU_STORE, &host, &gpa))
        return false;
    if (!host) {
        interp_raise(cpu, op, CAUSE_STORE_ACCESS, va);
        return false;
    }
    for (unsigned i = 0; i < CBO_BLOCK; i += 8)
        __atomic_store_n((uint64_t *)(host + i), 0, __ATOMIC_RELAXED);
    hull_memory_written(cpu->memory, gpa, CBO_BLOCK);
    return true;
}

bool interp_cbo_check(struct cpu *cpu, const struct op *op, gva_t va)
{
    struct mmu_mode mode = riscv_mmu_data_mode(&cpu->hart);
    struct mmu_result r;
    int cause = 0;

    // When neither a load nor a store is allowed, the fault is a store's.
    if (riscv_mmu_translate(&cpu->hart, va, 1, MMU_LOAD, mode, &r))
        cause = riscv_mmu_translate(&cpu->hart, va, 1, MMU_STORE, mode, &r);
    if (!cause && !hull_memory_ptr(cpu->memory, r.gpa, 1) && !hull_bus_has(cpu->bus, r.gpa))
        cause = CAUSE_STORE_ACCESS;
    if (!cause)
        return true;
    interp_raise(cpu, op, (unsigned)cause, va);
    return false;
}
