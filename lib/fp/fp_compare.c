// SPDX-License-Identifier: Apache-2.0
// Comparisons, minimum and maximum, classification.
#include "lib/fp/fp_core.h"

// Whether the operands are ordered. NV is raised for signaling NaNs, and for all if `signaling`.
FP_INLINE bool ordered(struct fp_format f, uint64_t a, uint64_t b, bool signaling, uint8_t *flags)
{
    if (fp_likely(!fp_is_nan(f, a) && !fp_is_nan(f, b)))
        return true;
    if (signaling || fp_is_snan(f, a) || fp_is_snan(f, b))
        *flags |= FP_NV;
    return false;
}

// Unsigned integers in the order of the numbers, with -0 before +0.
FP_INLINE uint64_t order(struct fp_format f, uint64_t a)
{
    return a ^ fp_select(fp_sign(f, a), 2 * fp_sign_bit(f) - 1, fp_sign_bit(f));
}

FP_INLINE bool equal(struct fp_format f, uint64_t a, uint64_t b)
{
    bool zeros = !fp_magnitude(f, a | b);
    return (a == b) | zeros;
}

FP_INLINE bool eq(struct fp_format f, uint64_t a, uint64_t b, uint8_t *flags)
{
    return ordered(f, a, b, false, flags) && equal(f, a, b);
}

FP_INLINE bool lt(struct fp_format f, uint64_t a, uint64_t b, bool signaling, uint8_t *flags)
{
    bool same = equal(f, a, b), precedes = order(f, a) < order(f, b);
    return ordered(f, a, b, signaling, flags) && (!same & precedes);
}

FP_INLINE bool le(struct fp_format f, uint64_t a, uint64_t b, bool signaling, uint8_t *flags)
{
    bool same = equal(f, a, b), precedes = order(f, a) < order(f, b);
    return ordered(f, a, b, signaling, flags) && (same | precedes);
}

// `propagate`: Zfa's forms, where any NaN makes the result a NaN.
FP_INLINE uint64_t min(struct fp_format f, uint64_t a, uint64_t b, bool propagate, uint8_t *flags)
{
    if (fp_likely(ordered(f, a, b, false, flags)))
        return fp_select(order(f, a) < order(f, b), a, b);
    if (propagate || (fp_is_nan(f, a) && fp_is_nan(f, b)))
        return fp_nan(f);
    return fp_is_nan(f, a) ? b : a;
}

FP_INLINE uint64_t max(struct fp_format f, uint64_t a, uint64_t b, bool propagate, uint8_t *flags)
{
    if (fp_likely(ordered(f, a, b, false, flags)))
        return fp_select(order(f, a) < order(f, b), b, a);
    if (propagate || (fp_is_nan(f, a) && fp_is_nan(f, b)))
        return fp_nan(f);
    return fp_is_nan(f, a) ? b : a;
}

FP_INLINE unsigned classify(struct fp_format f, uint64_t a)
{
    if (fp_is_nan(f, a))
        return fp_is_snan(f, a) ? 1u << 8 : 1u << 9;
    unsigned kind; // 0 infinite, 1 normal, 2 subnormal, 3 zero: mirrored for positive numbers
    if (fp_exp(f, a) == fp_exp_max(f))
        kind = 0;
    else if (fp_exp(f, a))
        kind = 1;
    else
        kind = fp_frac(f, a) ? 2 : 3;
    return 1u << (fp_sign(f, a) ? kind : 7 - kind);
}

#define DEFINE_COMPARISON(F, T, NAME, ...)         \
    bool fp_##F##_##NAME(T a, T b, uint8_t *flags) \
    {                                              \
        return __VA_ARGS__;                        \
    }

#define DEFINE_CHOICE(F, T, NAME, GENERIC, PROPAGATE)             \
    T fp_##F##_##NAME(T a, T b, uint8_t *flags)                   \
    {                                                             \
        return (T)GENERIC(FP_FORMAT_##F, a, b, PROPAGATE, flags); \
    }

#define DEFINE_FORMAT(F, T)                                             \
    DEFINE_COMPARISON(F, T, eq, eq(FP_FORMAT_##F, a, b, flags))         \
    DEFINE_COMPARISON(F, T, lt, lt(FP_FORMAT_##F, a, b, true, flags))   \
    DEFINE_COMPARISON(F, T, le, le(FP_FORMAT_##F, a, b, true, flags))   \
    DEFINE_COMPARISON(F, T, ltq, lt(FP_FORMAT_##F, a, b, false, flags)) \
    DEFINE_COMPARISON(F, T, leq, le(FP_FORMAT_##F, a, b, false, flags)) \
    DEFINE_CHOICE(F, T, min, min, false)                                \
    DEFINE_CHOICE(F, T, max, max, false)                                \
    DEFINE_CHOICE(F, T, minm, min, true)                                \
    DEFINE_CHOICE(F, T, maxm, max, true)                                \
    unsigned fp_##F##_classify(T a)                                     \
    {                                                                   \
        return classify(FP_FORMAT_##F, a);                              \
    }

DEFINE_FORMAT(f16, uint16_t)
DEFINE_FORMAT(f32, uint32_t)
DEFINE_FORMAT(f64, uint64_t)
