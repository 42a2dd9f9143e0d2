// SPDX-License-Identifier: Apache-2.0
// A second, slow implementation of lib/fp for its tests: numbers are laid out in a fixed-point
// integer that is wide enough for every exact sum and product, and rounded in one place by looking
// at its bits. It shares no code with lib/fp.
#ifndef HULL_TESTS_FP_REFERENCE_H
#define HULL_TESTS_FP_REFERENCE_H

#include "lib/fp/fp.h"

struct ref_format {
    const char *name;
    int exp_bits;
    int frac_bits;
};

extern const struct ref_format ref_f16, ref_f32, ref_f64;

struct ref_int {
    int bits;
    bool is_signed;
};

typedef uint64_t ref_fn(const struct ref_format *f, uint64_t a, uint64_t b, uint64_t c,
                        enum fp_rm rm, uint8_t *flags);
ref_fn ref_add, ref_sub, ref_mul, ref_div, ref_sqrt, ref_fma, ref_round, ref_roundnx;

uint64_t ref_convert(const struct ref_format *to, const struct ref_format *from, uint64_t a,
                     enum fp_rm rm, uint8_t *flags);
uint64_t ref_from_int(const struct ref_format *f, bool negative, uint64_t magnitude, enum fp_rm rm,
                      uint8_t *flags);
// The result is extended to 64 bits according to the type.
uint64_t ref_to_int(const struct ref_format *f, uint64_t a, struct ref_int type, enum fp_rm rm,
                    uint8_t *flags);

bool ref_is_nan(const struct ref_format *f, uint64_t a);
bool ref_is_snan(const struct ref_format *f, uint64_t a);
uint64_t ref_nan(const struct ref_format *f);
double ref_to_double(const struct ref_format *f, uint64_t a); // a is not a NaN

#endif
