// SPDX-License-Identifier: Apache-2.0
// lib/fp's functions with three operands and a result of 64 bits each, so that one loop can drive
// all formats.
#ifndef HULL_TESTS_FP_OPERATIONS_H
#define HULL_TESTS_FP_OPERATIONS_H

#include "fp_vectors.h"

typedef uint64_t fp_op_fn(uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm, uint8_t *flags);

struct fp_operation {
    const char *name;
    fp_op_fn *run;
};

enum fp_op {
    FP_OP_ADD,
    FP_OP_SUB,
    FP_OP_MUL,
    FP_OP_DIV,
    FP_OP_SQRT,
    FP_OP_FMA,
    FP_OP_ROUND,
    FP_OP_ROUNDNX,
    FP_OP_MIN,
    FP_OP_MAX,
    FP_OP_MINM,
    FP_OP_MAXM,
    FP_OP_EQ,
    FP_OP_LT,
    FP_OP_LE,
    FP_OP_LTQ,
    FP_OP_LEQ,
    FP_OP_CLASSIFY,
    FP_OP_TO_I32, // results extended to 64 bits according to the type
    FP_OP_TO_U32,
    FP_OP_TO_I64,
    FP_OP_TO_U64,
    FP_OP_FROM_I32, // these take the lower bits of a
    FP_OP_FROM_U32,
    FP_OP_FROM_I64,
    FP_OP_FROM_U64,
    FP_OP_TO_F16, // to its own format: NULL
    FP_OP_TO_F32,
    FP_OP_TO_F64,
    FP_OP_COUNT,
};

struct fp_subject {
    const struct ref_format *format;
    const struct fp_operation *operations; // by enum fp_op
};

extern const struct fp_subject fp_subjects[3]; // f16, f32, f64

// Fails the running test with everything that is needed to see the case again.
void fp_check(const struct fp_subject *s, enum fp_op op, const uint64_t operands[3], enum fp_rm rm,
              uint64_t expected, uint8_t expected_flags);

#endif
