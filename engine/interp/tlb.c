// SPDX-License-Identifier: Apache-2.0
// Data accesses off the fast path: TLB refill, misalignment, devices, watched pages.
#include <hull/device.h>

#include "engine/interp/cpu.h"
#include "guest/riscv/mmu.h"
#include "lib/mem.h"

#define PAGE_MASK (~(uint64_t)(HULL_PAGE_SIZE - 1))

// The TLB for a mode, which holds nothing that was filled under another MXR.
static struct tlb_entry *tlb_of(struct cpu *cpu, struct mmu_mode mode)
{
    unsigned which = TLB_M, mxr = mode.mxr | mode.g_mxr << 1;

    if (mode.priv == PRIV_U)
        which = TLB_U;
    else if (mode.priv == PRIV_S)
        which = mode.sum ? TLB_S_SUM : TLB_S;
    if (mode.virt)
        which |= TLB_V;
    if (!(cpu->tlbs_made >> which & 1))
        interp_tlb_make(cpu, which);
    if (mxr != cpu->sets[mode.virt].mxr) {
        cpu->sets[mode.virt].mxr = (uint8_t)mxr;
        interp_tlb_clear(cpu, mode.virt);
    }
    return cpu->tlbs[which];
}

void interp_tlb_select(struct cpu *cpu)
{
    cpu->tlb = tlb_of(cpu, riscv_mmu_data_mode(&cpu->hart));
}

static unsigned page_shift(uint64_t page)
{
    return (unsigned)__builtin_ctzll(page);
}

static void refill(struct cpu *cpu, struct tlb_entry *tlb, gva_t va, uint8_t *host,
                   const struct mmu_result *r)
{
    gva_t page = va & PAGE_MASK;
    gpa_t gpa = r->gpa & PAGE_MASK;
    bool writable = r->perms >> MMU_STORE & 1 && !hull_memory_watched(cpu->memory, gpa);
    struct tlb_entry e = {
        .read_tag = r->perms >> MMU_LOAD & 1 ? page : TLB_NONE,
        .write_tag = writable ? page : TLB_NONE,
        .addend = (uintptr_t)host - va,
        .gpa = gpa | (r->global ? TLB_GLOBAL : 0) | page_shift(r->fenced),
    };

    cpu->data_fills++;
    interp_tlb_fill(cpu, tlb, va, &e);
}

// Who accesses: the mode, and the TLB for it, or NULL.
struct way {
    struct mmu_mode mode;
    struct tlb_entry *tlb;
};

static bool hits(const struct tlb_entry *tlb, gva_t va, enum mmu_access access)
{
    const struct tlb_entry *e = &tlb[va >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1)];

    return (access == MMU_LOAD ? e->read_tag : e->write_tag) == (va & PAGE_MASK);
}

// Where an access that stays inside one page goes: *host is its place in RAM, or NULL for a
// device at *gpa. False: trapped.
static bool locate_by(struct cpu *cpu, const struct op *op, const struct way *way, gva_t va,
                      unsigned size, enum mmu_access access, uint8_t **host, gpa_t *gpa)
{
    struct mmu_result r;
    int cause;

    if (way->tlb && hits(way->tlb, va, access)) {
        const struct tlb_entry *e = &way->tlb[va >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1)];

        *host = (uint8_t *)(e->addend + va);
        *gpa = (e->gpa & PAGE_MASK) | (va & ~PAGE_MASK);
        return true;
    }
    cpu->data_misses++;
    cause = riscv_mmu_translate(&cpu->hart, va, size, access, way->mode, &r);
    if (cause) {
        interp_raise_access(cpu, op, (unsigned)cause, va, way->mode.virt);
        return false;
    }
    *gpa = r.gpa;
    *host = hull_memory_ptr(cpu->memory, r.gpa, size);
    if (way->tlb && *host && r.page >= HULL_PAGE_SIZE)
        refill(cpu, way->tlb, va, *host, &r);
    return true;
}

static struct way data_way(struct cpu *cpu)
{
    return (struct way){.mode = riscv_mmu_data_mode(&cpu->hart), .tlb = cpu->tlb};
}

static bool locate(struct cpu *cpu, const struct op *op, gva_t va, unsigned size,
                   enum mmu_access access, uint8_t **host, gpa_t *gpa)
{
    struct way way = data_way(cpu);

    return locate_by(cpu, op, &way, va, size, access, host, gpa);
}

static void raise_data(struct cpu *cpu, const struct op *op, unsigned cause, gva_t va)
{
    interp_raise_access(cpu, op, cause, va, riscv_mmu_data_mode(&cpu->hart).virt);
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

static bool load_by(struct cpu *cpu, const struct op *op, const struct way *way, gva_t va,
                    unsigned size)
{
    unsigned first = bytes_in_page(va, size);
    uint8_t *host, *rest = NULL;
    gpa_t gpa, rest_gpa;

    if (!locate_by(cpu, op, way, va, first, MMU_LOAD, &host, &gpa))
        return false;
    if (first < size) {
        if (!locate_by(cpu, op, way, va + first, size - first, MMU_LOAD, &rest, &rest_gpa))
            return false;
        if (host && rest) {
            cpu->loaded = read_ram(host, first) | read_ram(rest, size - first) << 8 * first;
            return true;
        }
    } else if (host) {
        cpu->loaded = read_ram(host, size);
        return true;
    } else if (!hull_bus_read(cpu->bus, gpa, size, &cpu->loaded)) {
        cpu->device_accesses++;
        return true;
    }
    interp_raise_access(cpu, op, CAUSE_LOAD_ACCESS, host ? va + first : va, way->mode.virt);
    return false;
}

static bool store_by(struct cpu *cpu, const struct op *op, const struct way *way, gva_t va,
                     unsigned size, uint64_t value)
{
    unsigned first = bytes_in_page(va, size);
    uint8_t *host, *rest = NULL;
    gpa_t gpa, rest_gpa;

    if (!locate_by(cpu, op, way, va, first, MMU_STORE, &host, &gpa))
        return false;
    if (first < size) {
        if (!locate_by(cpu, op, way, va + first, size - first, MMU_STORE, &rest, &rest_gpa))
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
        cpu->device_accesses++;
        return true;
    }
    // The part at fault.
    interp_raise_access(cpu, op, CAUSE_STORE_ACCESS, host ? va + first : va, way->mode.virt);
    return false;
}

bool interp_load(struct cpu *cpu, const struct op *op, gva_t va, unsigned size)
{
    struct way way = data_way(cpu);

    return load_by(cpu, op, &way, va, size);
}

bool interp_store(struct cpu *cpu, const struct op *op, gva_t va, unsigned size, uint64_t value)
{
    struct way way = data_way(cpu);

    return store_by(cpu, op, &way, va, size, value);
}

bool interp_guest_load(struct cpu *cpu, const struct op *op, gva_t va, unsigned size,
                       bool executable)
{
    struct way way = {.mode = riscv_mmu_hlsv_mode(&cpu->hart)};

    if (executable)
        way.mode.hlvx = true; // what the TLB says about loads is no answer
    else
        way.tlb = tlb_of(cpu, way.mode);
    return load_by(cpu, op, &way, va, size);
}

bool interp_guest_store(struct cpu *cpu, const struct op *op, gva_t va, unsigned size,
                        uint64_t value)
{
    struct way way = {.mode = riscv_mmu_hlsv_mode(&cpu->hart)};

    way.tlb = tlb_of(cpu, way.mode);
    return store_by(cpu, op, &way, va, size, value);
}

void *interp_atomic_ptr(struct cpu *cpu, const struct op *op, gva_t va, unsigned size, int access,
                        gpa_t *gpa)
{
    uint8_t *host;

    if (va & (size - 1)) {
        raise_data(cpu, op, access == MMU_LOAD ? CAUSE_MISALIGNED_LOAD : CAUSE_MISALIGNED_STORE,
                   va);
        return NULL;
    }
    if (!locate(cpu, op, va, size, access, &host, gpa))
        return NULL;
    if (!host)
        raise_data(cpu, op, access == MMU_LOAD ? CAUSE_LOAD_ACCESS : CAUSE_STORE_ACCESS, va);
    return host;
}

#define CBO_BLOCK 64

// Whether PMP, which may cut a page, lets all of the block be written.
static bool block_writable(struct cpu *cpu, gva_t va)
{
    struct mmu_result r;

    return hits(cpu->tlb, va, MMU_STORE) ||
           !riscv_mmu_translate(&cpu->hart, va & ~(gva_t)(CBO_BLOCK - 1), CBO_BLOCK, MMU_STORE,
                                riscv_mmu_data_mode(&cpu->hart), &r);
}

// Faults are reported at the address that the instruction gave, which may be any in the block.
bool interp_zero_block(struct cpu *cpu, const struct op *op, gva_t va)
{
    uint8_t *host;
    gpa_t gpa;

    if (!locate(cpu, op, va, 1, MMU_STORE, &host, &gpa))
        return false;
    if (!host || !block_writable(cpu, va)) {
        raise_data(cpu, op, CAUSE_STORE_ACCESS, va);
        return false;
    }
    host -= va % CBO_BLOCK;
    gpa -= va % CBO_BLOCK;
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
    raise_data(cpu, op, (unsigned)cause, va);
    return false;
}
