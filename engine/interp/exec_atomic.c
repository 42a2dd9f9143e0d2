// SPDX-License-Identifier: Apache-2.0
// Atomics: LR/SC as compare-and-swap on the value that was loaded, AMOs and Zacas as the host's own
// atomics. All are sequentially consistent, which covers aq and rl.
#include "engine/interp/cas128.h"
#include "engine/interp/handler.h"
#include "guest/riscv/mmu.h"

// A reservation's size is kept in bit 0 of its address (which is aligned): 1 means a word.
#define RESERVE(gpa, size) ((gpa) | ((size) == 4))

#define LR(id, type, stype)                                                                    \
    OP(id)                                                                                     \
    {                                                                                          \
        type *ptr = interp_atomic_ptr(cpu, op, RS1, sizeof(type), MMU_LOAD, &cpu->atomic_gpa); \
        if (!ptr)                                                                              \
            return NULL;                                                                       \
        cpu->hart.s.reservation_value = __atomic_load_n(ptr, __ATOMIC_SEQ_CST);                \
        cpu->hart.s.reservation_addr = RESERVE(cpu->atomic_gpa, sizeof(type));                 \
        RD = (uint64_t)(stype)cpu->hart.s.reservation_value;                                   \
        NEXT;                                                                                  \
    }

LR(LR_W, uint32_t, int32_t)
LR(LR_D, uint64_t, int64_t)

static bool store_conditional(struct cpu *cpu, void *ptr, unsigned size, uint64_t value)
{
    struct hart_state *s = &cpu->hart.s;
    uint32_t word = (uint32_t)s->reservation_value;
    uint64_t dword = s->reservation_value;

    if (s->reservation_addr != RESERVE(cpu->atomic_gpa, size))
        return false;
    if (size == 4)
        return __atomic_compare_exchange_n((uint32_t *)ptr, &word, (uint32_t)value, false,
                                           __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return __atomic_compare_exchange_n((uint64_t *)ptr, &dword, value, false, __ATOMIC_SEQ_CST,
                                       __ATOMIC_SEQ_CST);
}

// Every SC ends the reservation.
#define SC(id, size)                                                                    \
    OP(id)                                                                              \
    {                                                                                   \
        void *ptr = interp_atomic_ptr(cpu, op, RS1, size, MMU_STORE, &cpu->atomic_gpa); \
        if (!ptr)                                                                       \
            return NULL;                                                                \
        RD = !store_conditional(cpu, ptr, size, RS2);                                   \
        cpu->hart.s.reservation_addr = RISCV_RESERVATION_NONE;                          \
        interp_stored(cpu);                                                             \
        NEXT;                                                                           \
    }

SC(SC_W, 4)
SC(SC_D, 8)

// `old` is computed by `exchange` from ptr and the operand.
#define AMO(id, type, stype, exchange)                                                          \
    OP(id)                                                                                      \
    {                                                                                           \
        type *ptr = interp_atomic_ptr(cpu, op, RS1, sizeof(type), MMU_STORE, &cpu->atomic_gpa); \
        type operand = (type)RS2;                                                               \
        if (!ptr)                                                                               \
            return NULL;                                                                        \
        RD = (uint64_t)(stype)exchange(ptr, operand, __ATOMIC_SEQ_CST);                         \
        interp_stored(cpu);                                                                     \
        NEXT;                                                                                   \
    }

// Minima and maxima by compare-and-swap.
#define DEFINE_SELECT(name, type, stype, better)                                              \
    static type name(type *ptr, type operand, int order)                                      \
    {                                                                                         \
        type old = __atomic_load_n(ptr, __ATOMIC_RELAXED);                                    \
        (void)order;                                                                          \
        while (!__atomic_compare_exchange_n(ptr, &old,                                        \
                                            (stype)operand better(stype) old ? operand : old, \
                                            false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))       \
            ;                                                                                 \
        return old;                                                                           \
    }

DEFINE_SELECT(fetch_min_w, uint32_t, int32_t, <)
DEFINE_SELECT(fetch_max_w, uint32_t, int32_t, >)
DEFINE_SELECT(fetch_minu_w, uint32_t, uint32_t, <)
DEFINE_SELECT(fetch_maxu_w, uint32_t, uint32_t, >)
DEFINE_SELECT(fetch_min_d, uint64_t, int64_t, <)
DEFINE_SELECT(fetch_max_d, uint64_t, int64_t, >)
DEFINE_SELECT(fetch_minu_d, uint64_t, uint64_t, <)
DEFINE_SELECT(fetch_maxu_d, uint64_t, uint64_t, >)

#define AMO_BOTH(name, word, dword)        \
    AMO(name##_W, uint32_t, int32_t, word) \
    AMO(name##_D, uint64_t, int64_t, dword)

AMO_BOTH(AMOSWAP, __atomic_exchange_n, __atomic_exchange_n)
AMO_BOTH(AMOADD, __atomic_fetch_add, __atomic_fetch_add)
AMO_BOTH(AMOXOR, __atomic_fetch_xor, __atomic_fetch_xor)
AMO_BOTH(AMOAND, __atomic_fetch_and, __atomic_fetch_and)
AMO_BOTH(AMOOR, __atomic_fetch_or, __atomic_fetch_or)
AMO_BOTH(AMOMIN, fetch_min_w, fetch_min_d)
AMO_BOTH(AMOMAX, fetch_max_w, fetch_max_d)
AMO_BOTH(AMOMINU, fetch_minu_w, fetch_minu_d)
AMO_BOTH(AMOMAXU, fetch_maxu_w, fetch_maxu_d)

static uint32_t cas_w(uint32_t *ptr, uint32_t expected, uint32_t value)
{
    __atomic_compare_exchange_n(ptr, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

static uint64_t cas_d(uint64_t *ptr, uint64_t expected, uint64_t value)
{
    __atomic_compare_exchange_n(ptr, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return expected;
}

OP(AMOCAS_W)
{
    uint32_t *ptr = interp_atomic_ptr(cpu, op, RS1, 4, MMU_STORE, &cpu->atomic_gpa);

    if (!ptr)
        return NULL;
    RD = (uint64_t)(int64_t)(int32_t)cas_w(ptr, (uint32_t)RD, (uint32_t)RS2);
    interp_stored(cpu);
    NEXT;
}

OP(AMOCAS_D)
{
    uint64_t *ptr = interp_atomic_ptr(cpu, op, RS1, 8, MMU_STORE, &cpu->atomic_gpa);

    if (!ptr)
        return NULL;
    RD = cas_d(ptr, RD, RS2);
    interp_stored(cpu);
    NEXT;
}

// Register pairs: x0 as the first of a pair reads as zero, and is not written with its second.
static void cas_q(struct cpu *cpu, const struct op *op, void *ptr)
{
    unsigned rd = op->rd == 32 ? 0 : op->rd;
    uint64_t pair[2] = {rd ? X(rd) : 0, rd ? X(rd + 1) : 0};
    const uint64_t value[2] = {op->rs2 ? X(op->rs2) : 0, op->rs2 ? X(op->rs2 + 1) : 0};

    interp_cas128(ptr, pair, value);
    if (rd) {
        X(rd) = pair[0];
        X(rd + 1) = pair[1];
    }
}

OP(AMOCAS_Q)
{
    void *ptr = interp_atomic_ptr(cpu, op, RS1, 16, MMU_STORE, &cpu->atomic_gpa);

    if (!ptr)
        return NULL;
    cas_q(cpu, op, ptr);
    interp_stored(cpu);
    NEXT;
}
