// SPDX-License-Identifier: Apache-2.0
// Loads and stores. An aligned access that hits the TLB is done here; all else takes the slow path.
#include "engine/interp/handler.h"
#include "guest/riscv/csr.h"

#define PAGE_MASK (~(uint64_t)(HULL_PAGE_SIZE - 1))

static inline bool hits(uint64_t tag, gva_t va, unsigned size)
{
    return tag == (va & (PAGE_MASK | (size - 1)));
}

// Guest accesses are relaxed atomics: other harts' threads see whole values.
#define LOAD(id, type, target, value)                                                     \
    static __attribute__((noinline))                                                      \
    const struct op *load_slow_##id(struct cpu *cpu, const struct op *op)                 \
    {                                                                                     \
        type raw;                                                                         \
        if (!interp_load(cpu, op, RS1 + (uint64_t)IMM, sizeof(type)))                     \
            return NULL;                                                                  \
        raw = (type)cpu->loaded;                                                          \
        target = (value);                                                                 \
        LOADED_##target;                                                                  \
        NEXT;                                                                             \
    }                                                                                     \
    OP(id)                                                                                \
    {                                                                                     \
        gva_t va = RS1 + (uint64_t)IMM;                                                   \
        const struct tlb_entry *e = &cpu->tlb[va >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1)]; \
        type raw;                                                                         \
        LOAD_GUARD_##target;                                                              \
        if (unlikely(!hits(e->read_tag, va, sizeof(type))))                               \
            HULL_TAIL return load_slow_##id(cpu, op);                                     \
        raw = __atomic_load_n((type *)(e->addend + va), __ATOMIC_RELAXED);                \
        target = (value);                                                                 \
        LOADED_##target;                                                                  \
        NEXT;                                                                             \
    }

#define STORE(id, type, guard, value)                                                     \
    static __attribute__((noinline))                                                      \
    const struct op *store_slow_##id(struct cpu *cpu, const struct op *op)                \
    {                                                                                     \
        if (!interp_store(cpu, op, RS1 + (uint64_t)IMM, sizeof(type), (type)(value)))     \
            return NULL;                                                                  \
        NEXT;                                                                             \
    }                                                                                     \
    OP(id)                                                                                \
    {                                                                                     \
        gva_t va = RS1 + (uint64_t)IMM;                                                   \
        const struct tlb_entry *e = &cpu->tlb[va >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1)]; \
        guard;                                                                            \
        if (unlikely(!hits(e->write_tag, va, sizeof(type))))                              \
            HULL_TAIL return store_slow_##id(cpu, op);                                    \
        __atomic_store_n((type *)(e->addend + va), (type)(value), __ATOMIC_RELAXED);      \
        NEXT;                                                                             \
    }

#define FP_GUARD                                                      \
    do {                                                              \
        if (unlikely(!cpu->fp_ready && !interp_fp_begin(cpu, false))) \
            return HANDLER(ILLEGAL)(cpu, op);                         \
    } while (0)

// The registers that loads go to, what must hold first, and what a load that succeeds makes dirty.
#define FD cpu->hart.s.f[op->rd]
#define LOAD_GUARD_RD (void)0
#define LOAD_GUARD_FD FP_GUARD
#define LOADED_RD (void)0
#define LOADED_FD                       \
    do {                                \
        if (unlikely(!cpu->fp_ready))   \
            interp_fp_begin(cpu, true); \
    } while (0)

LOAD(LB, uint8_t, RD, (uint64_t)(int64_t)(int8_t)raw)
LOAD(LH, uint16_t, RD, (uint64_t)(int64_t)(int16_t)raw)
LOAD(LW, uint32_t, RD, (uint64_t)(int64_t)(int32_t)raw)
LOAD(LD, uint64_t, RD, raw)
LOAD(LBU, uint8_t, RD, raw)
LOAD(LHU, uint16_t, RD, raw)
LOAD(LWU, uint32_t, RD, raw)
LOAD(FLH, uint16_t, FD, raw | 0xffffffffffff0000)
LOAD(FLW, uint32_t, FD, raw | 0xffffffff00000000)
LOAD(FLD, uint64_t, FD, raw)

STORE(SB, uint8_t, (void)0, RS2)
STORE(SH, uint16_t, (void)0, RS2)
STORE(SW, uint32_t, (void)0, RS2)
STORE(SD, uint64_t, (void)0, RS2)
STORE(FSH, uint16_t, FP_GUARD, cpu->hart.s.f[op->rs2])
STORE(FSW, uint32_t, FP_GUARD, cpu->hart.s.f[op->rs2])
STORE(FSD, uint64_t, FP_GUARD, cpu->hart.s.f[op->rs2])
