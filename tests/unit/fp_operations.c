// SPDX-License-Identifier: Apache-2.0
// See fp_operations.h.
#include "tests/unit/unit.h"

#include "tests/unit/fp_operations.h"

#include <inttypes.h>

#define ADAPT(F, NAME, CALL)                                                                      \
    static uint64_t F##_##NAME(uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm, uint8_t *flags) \
    {                                                                                             \
        (void)a, (void)b, (void)c, (void)rm, (void)flags;                                         \
        return (uint64_t)fp_##F##_##NAME CALL;                                                    \
    }

#define ADAPT_FORMAT(F, T)                       \
    ADAPT(F, add, ((T)a, (T)b, rm, flags))       \
    ADAPT(F, sub, ((T)a, (T)b, rm, flags))       \
    ADAPT(F, mul, ((T)a, (T)b, rm, flags))       \
    ADAPT(F, div, ((T)a, (T)b, rm, flags))       \
    ADAPT(F, sqrt, ((T)a, rm, flags))            \
    ADAPT(F, fma, ((T)a, (T)b, (T)c, rm, flags)) \
    ADAPT(F, round, ((T)a, rm, flags))           \
    ADAPT(F, roundnx, ((T)a, rm, flags))         \
    ADAPT(F, min, ((T)a, (T)b, flags))           \
    ADAPT(F, max, ((T)a, (T)b, flags))           \
    ADAPT(F, minm, ((T)a, (T)b, flags))          \
    ADAPT(F, maxm, ((T)a, (T)b, flags))          \
    ADAPT(F, eq, ((T)a, (T)b, flags))            \
    ADAPT(F, lt, ((T)a, (T)b, flags))            \
    ADAPT(F, le, ((T)a, (T)b, flags))            \
    ADAPT(F, ltq, ((T)a, (T)b, flags))           \
    ADAPT(F, leq, ((T)a, (T)b, flags))           \
    ADAPT(F, classify, ((T)a))                   \
    ADAPT(F, to_i32, ((T)a, rm, flags))          \
    ADAPT(F, to_u32, ((T)a, rm, flags))          \
    ADAPT(F, to_i64, ((T)a, rm, flags))          \
    ADAPT(F, to_u64, ((T)a, rm, flags))          \
    ADAPT(F, from_i32, ((int32_t)a, rm, flags))  \
    ADAPT(F, from_u32, ((uint32_t)a, rm, flags)) \
    ADAPT(F, from_i64, ((int64_t)a, rm, flags))  \
    ADAPT(F, from_u64, (a, rm, flags))

ADAPT_FORMAT(f16, uint16_t)
ADAPT_FORMAT(f32, uint32_t)
ADAPT_FORMAT(f64, uint64_t)
ADAPT(f16, to_f32, ((uint16_t)a, rm, flags))
ADAPT(f16, to_f64, ((uint16_t)a, rm, flags))
ADAPT(f32, to_f16, ((uint32_t)a, rm, flags))
ADAPT(f32, to_f64, ((uint32_t)a, rm, flags))
ADAPT(f64, to_f16, (a, rm, flags))
ADAPT(f64, to_f32, (a, rm, flags))
#define f16_to_f16 NULL
#define f32_to_f32 NULL
#define f64_to_f64 NULL

#define ROW(F, OP, NAME) [FP_OP_##OP] = {"fp_" #F "_" #NAME, F##_##NAME}
#define TABLE(F)                                                     \
    static const struct fp_operation F##_operations[FP_OP_COUNT] = { \
        ROW(F, ADD, add),                                            \
        ROW(F, SUB, sub),                                            \
        ROW(F, MUL, mul),                                            \
        ROW(F, DIV, div),                                            \
        ROW(F, SQRT, sqrt),                                          \
        ROW(F, FMA, fma),                                            \
        ROW(F, ROUND, round),                                        \
        ROW(F, ROUNDNX, roundnx),                                    \
        ROW(F, MIN, min),                                            \
        ROW(F, MAX, max),                                            \
        ROW(F, MINM, minm),                                          \
        ROW(F, MAXM, maxm),                                          \
        ROW(F, EQ, eq),                                              \
        ROW(F, LT, lt),                                              \
        ROW(F, LE, le),                                              \
        ROW(F, LTQ, ltq),                                            \
        ROW(F, LEQ, leq),                                            \
        ROW(F, CLASSIFY, classify),                                  \
        ROW(F, TO_I32, to_i32),                                      \
        ROW(F, TO_U32, to_u32),                                      \
        ROW(F, TO_I64, to_i64),                                      \
        ROW(F, TO_U64, to_u64),                                      \
        ROW(F, FROM_I32, from_i32),                                  \
        ROW(F, FROM_U32, from_u32),                                  \
        ROW(F, FROM_I64, from_i64),                                  \
        ROW(F, FROM_U64, from_u64),                                  \
        ROW(F, TO_F16, to_f16),                                      \
        ROW(F, TO_F32, to_f32),                                      \
        ROW(F, TO_F64, to_f64),                                      \
    };

TABLE(f16)
TABLE(f32)
TABLE(f64)

const struct fp_subject fp_subjects[3] = {
    {&ref_f16, f16_operations},
    {&ref_f32, f32_operations},
    {&ref_f64, f64_operations},
};

void fp_check(const struct fp_subject *s, enum fp_op op, const uint64_t operands[3], enum fp_rm rm,
              uint64_t expected, uint8_t expected_flags)
{
    static const char *const modes[] = {"RNE", "RTZ", "RDN", "RUP", "RMM"};
    uint64_t a = operands[0], b = operands[1], c = operands[2];
    // Flags accumulate: what stood there before stays, and only what is expected is added.
    uint8_t before = (uint8_t)((a ^ b ^ c) >> 3 & 0x1f & ~expected_flags);
    uint8_t flags = before;
    uint64_t result = s->operations[op].run(a, b, c, rm, &flags);
    if (result == expected && flags == (before | expected_flags))
        return;
    fail_msg("%s(%#" PRIx64 ", %#" PRIx64 ", %#" PRIx64 ") %s: %#" PRIx64
             " flags %#x, not %#" PRIx64 " flags %#x",
             s->operations[op].name, a, b, c, modes[rm], result, flags & ~before, expected,
             expected_flags);
}
