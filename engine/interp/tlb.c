// SPDX-License-Identifier: Apache-2.0
// Data accesses off the fast path: TLB refill, misalignment, devices, watched pages.
#include <hull/device.h>

#include "engine/interp/cpu.h"
#include "guest/riscv/mmu.h"
#include "lib/mem.h"

#define PAGE_MASK (~(uint64_t)(HULL_PAGE_SIZE - 1))

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
        interp_tlb_clear(cpu);
    }
}

static unsigned page_shift(uint64_t page)
{
    return (unsigned)__builtin_ctzll(page);
}

static void refill(struct cpu *cpu, gva_t va, uint8_t *host, const struct mmu_result *r)
{
    gva_t page = va & PAGE_MASK;
    gpa_t gpa = r->gpa & PAGE_MASK;
    bool writable = r->perms >> MMU_STORE & 1 && !hull_memory_watched(cpu->memory, gpa);
    struct tlb_entry e = {
        .read_tag = r->perms >> MMU_LOAD & 1 ? page : TLB_NONE,
        .write_tag = writable ? page : TLB_NONE,
        .addend = (uintptr_t)host - va,
        .gpa = gpa | (r->global ? TLB_GLOBAL : 0) | page_shift(r->page),
    };

    interp_tlb_fill(cpu, va, &e);
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
