// SPDX-License-Identifier: Apache-2.0
// Addition, subtraction, multiplication and fused multiply-add.
#include "lib/fp/fp_core.h"

// The sum of two numbers that cancel exactly, or of zeros of different signs.
FP_INLINE uint64_t zero_sum(struct fp_format f, enum fp_rm rm)
{
    return fp_signed(f, rm == FP_RDN, 0);
}

// a has the larger magnitude, and is infinite or a NaN.
FP_INLINE uint64_t add_special(struct fp_format f, uint64_t a, uint64_t b, uint8_t *flags)
{
    if (fp_is_nan(f, a))
        return fp_propagate(f, a, b, flags);
    if (a == (b ^ fp_sign_bit(f)))
        return fp_invalid(f, flags);
    return a;
}

FP_INLINE uint64_t add(struct fp_format f, uint64_t a, uint64_t b, enum fp_rm rm, uint8_t *flags)
{
    uint64_t swap = (a ^ b) & -(uint64_t)(fp_magnitude(f, a) < fp_magnitude(f, b));
    a ^= swap;
    b ^= swap;
    int exp_a = fp_exp(f, a), exp_b = fp_exp(f, b);
    if (fp_unlikely(exp_a == fp_exp_max(f)))
        return add_special(f, a, b, flags);

    // One bit below FP_TOP, for the carry. Subnormals have the exponent of the smallest normal.
    int shift = FP_TOP - 1 - f.frac_bits;
    uint64_t sig_a = (fp_frac(f, a) | (exp_a ? fp_hidden(f) : 0)) << shift;
    uint64_t sig_b = (fp_frac(f, b) | (exp_b ? fp_hidden(f) : 0)) << shift;
    exp_a += !exp_a;
    exp_b += !exp_b;

    bool sign = fp_sign(f, a), subtract = sign != fp_sign(f, b);
    sig_b = fp_shift_right_sticky(sig_b, (unsigned)(exp_a - exp_b));
    uint64_t sig = sig_a + fp_negate_if(subtract, sig_b);
    if (fp_unlikely(sig == 0))
        return subtract ? zero_sum(f, rm) : fp_signed(f, sign, 0);

    int normalise = fp_clz(sig) - 1;
    return fp_pack(f, (struct fp_parts){sign, exp_a + 1 - normalise, sig << normalise}, rm, flags);
}

// At least one operand is zero, infinite or a NaN.
FP_INLINE uint64_t mul_special(struct fp_format f, uint64_t a, uint64_t b, uint8_t *flags)
{
    bool sign = fp_sign(f, a) != fp_sign(f, b);
    if (fp_is_nan(f, a) || fp_is_nan(f, b))
        return fp_propagate(f, a, b, flags);
    bool zero = !fp_magnitude(f, a) || !fp_magnitude(f, b);
    if (fp_exp(f, a) != fp_exp_max(f) && fp_exp(f, b) != fp_exp_max(f))
        return fp_signed(f, sign, 0);
    return zero ? fp_invalid(f, flags) : fp_signed(f, sign, fp_infinity(f));
}

FP_INLINE bool is_finite_nonzero(struct fp_format f, uint64_t x)
{
    return fp_exp(f, x) != fp_exp_max(f) && fp_magnitude(f, x);
}

FP_INLINE uint64_t mul(struct fp_format f, uint64_t a, uint64_t b, enum fp_rm rm, uint8_t *flags)
{
    struct fp_parts x = fp_unpack_normal(f, a), y = fp_unpack_normal(f, b);
    if (fp_unlikely(!fp_exp_is_normal(f, x.exp) || !fp_exp_is_normal(f, y.exp))) {
        if (!is_finite_nonzero(f, a) || !is_finite_nonzero(f, b))
            return mul_special(f, a, b, flags);
        x = fp_unpack(f, a);
        y = fp_unpack(f, b);
    }
    // The product has its leading one in bit 125 or 126.
    fp_u128 product = (fp_u128)(x.sig << 1) * y.sig;
    uint64_t sig = (uint64_t)(product >> 64) | ((uint64_t)product != 0);
    bool low = !(sig & FP_LEADING);
    struct fp_parts p = {x.sign != y.sign, x.exp + y.exp - fp_bias(f) + !low, sig << low};
    return fp_pack(f, p, rm, flags);
}

// A 128-bit significand, the point below bit 61 of hi. Narrow formats have exact products in hi
// alone; for them lo stays zero and folds away.
#define WIDE_TOP 61

struct wide {
    uint64_t hi;
    uint64_t lo;
};

FP_INLINE struct wide wide_shift_right_sticky(struct fp_format f, struct wide x, unsigned count)
{
    if (fp_is_narrow(f))
        return (struct wide){fp_shift_right_sticky(x.hi, count), 0};
    if (fp_unlikely(count > 63)) // of what is not zero, hi leaves a one: lo need not
        return (struct wide){0, fp_shift_right_sticky(x.hi, count - 64)};
    uint64_t moved_down = x.hi << 1 << (63 - count);
    return (struct wide){x.hi >> count, fp_shift_right_sticky(x.lo, count) | moved_down};
}

FP_INLINE struct wide wide_add(struct wide x, struct wide y)
{
    uint64_t lo = x.lo + y.lo;
    return (struct wide){x.hi + y.hi + (lo < x.lo), lo};
}

FP_INLINE struct wide wide_negate_if(bool condition, struct wide x)
{
    uint64_t ones = -(uint64_t)condition;
    return wide_add((struct wide){x.hi ^ ones, x.lo ^ ones}, (struct wide){0, condition});
}

FP_INLINE void wide_swap_if(bool condition, struct wide *x, struct wide *y)
{
    struct wide was = *x;
    x->hi = fp_select(condition, y->hi, x->hi);
    x->lo = fp_select(condition, y->lo, x->lo);
    y->hi = fp_select(condition, was.hi, y->hi);
    y->lo = fp_select(condition, was.lo, y->lo);
}

// Rounds and encodes a sum that is not zero, wherever below bit 63 of hi its leading one is.
FP_INLINE uint64_t wide_pack(struct fp_format f, bool sign, int exp, struct wide x, enum fp_rm rm,
                             uint8_t *flags)
{
    exp += FP_TOP - WIDE_TOP;
    if (!fp_is_narrow(f) && fp_unlikely(x.hi == 0)) {
        // Much has cancelled, so nothing was shifted out: lo is as coarse as the product was.
        exp -= 63;
        x = (struct wide){x.lo >> 1, 0};
    }
    int shift = fp_clz(x.hi) - 1;
    uint64_t sig = x.hi << shift | x.lo >> 1 >> (63 - shift) | (x.lo << shift != 0);
    return fp_pack(f, (struct fp_parts){sign, exp - shift, sig}, rm, flags);
}

// One of the three is infinite or a NaN, or one of the factors is zero.
FP_INLINE uint64_t mul_add_special(struct fp_format f, uint64_t a, uint64_t b, uint64_t c,
                                   enum fp_rm rm, uint8_t *flags)
{
    bool nan_c = fp_is_nan(f, c);
    if (fp_is_snan(f, c))
        *flags |= FP_NV;
    if (is_finite_nonzero(f, a) && is_finite_nonzero(f, b))
        return nan_c ? fp_nan(f) : c; // c is not finite
    uint64_t product = mul_special(f, a, b, flags);
    if (nan_c || fp_is_nan(f, product))
        return fp_nan(f);
    if (fp_exp(f, product) == fp_exp_max(f)) {
        bool opposite = c == (product ^ fp_sign_bit(f));
        return opposite ? fp_invalid(f, flags) : product;
    }
    if (fp_magnitude(f, c) || c == product)
        return c; // the product is an exact zero
    return zero_sum(f, rm);
}

FP_INLINE uint64_t mul_add(struct fp_format f, uint64_t a, uint64_t b, uint64_t c, enum fp_rm rm,
                           uint8_t *flags)
{
    struct fp_parts x = fp_unpack_normal(f, a), y = fp_unpack_normal(f, b);
    struct fp_parts z = fp_unpack_normal(f, c);
    bool rare = !fp_exp_is_normal(f, x.exp) || !fp_exp_is_normal(f, y.exp);
    if (fp_unlikely(rare || !fp_exp_is_normal(f, z.exp))) {
        if (!is_finite_nonzero(f, a) || !is_finite_nonzero(f, b) || z.exp == fp_exp_max(f))
            return mul_add_special(f, a, b, c, rm, flags);
        x = fp_unpack(f, a);
        y = fp_unpack(f, b);
        if (fp_magnitude(f, c))
            z = fp_unpack(f, c);
        else // any exponent will do, as long as the zero is shifted, not the product
            z = (struct fp_parts){z.sign, x.exp + y.exp - fp_bias(f) - 1, 0};
    }

    // The product's leading one is in bit 61 or 60 of hi.
    fp_u128 product = (fp_u128)x.sig * y.sig;
    struct wide large = {(uint64_t)(product >> 64), fp_is_narrow(f) ? 0 : (uint64_t)product};
    struct wide small = {z.sig >> (FP_TOP - WIDE_TOP), 0};
    int exp = x.exp + y.exp - fp_bias(f) + 1, distance = exp - z.exp;
    bool sign = x.sign != y.sign, subtract = sign != z.sign, swap = distance < 0;
    wide_swap_if(swap, &large, &small);
    sign ^= swap & subtract;
    exp = swap ? z.exp : exp;
    distance = swap ? -distance : distance;
    // Bits are only lost where the exponents differ by so much that at most two bits can cancel.
    small = wide_shift_right_sticky(f, small, (unsigned)distance);
    struct wide sum = wide_add(large, wide_negate_if(subtract, small));
    if (fp_unlikely(!(sum.hi | sum.lo)))
        return zero_sum(f, rm);
    bool negative = sum.hi >> 63; // the exponents were equal or the product's leading bit was 60
    return wide_pack(f, sign ^ negative, exp, wide_negate_if(negative, sum), rm, flags);
}

#define DEFINE_FORMAT(F, T)                                                           \
    T fp_##F##_add(T a, T b, enum fp_rm rm, uint8_t *flags)                           \
    {                                                                                 \
        return (T)add(FP_FORMAT_##F, a, b, rm, flags);                                \
    }                                                                                 \
    T fp_##F##_sub(T a, T b, enum fp_rm rm, uint8_t *flags)                           \
    {                                                                                 \
        /* b's sign is flipped whatever b is: a NaN's has no effect on the result. */ \
        return fp_##F##_add(a, (T)(b ^ fp_sign_bit(FP_FORMAT_##F)), rm, flags);       \
    }                                                                                 \
    T fp_##F##_mul(T a, T b, enum fp_rm rm, uint8_t *flags)                           \
    {                                                                                 \
        return (T)mul(FP_FORMAT_##F, a, b, rm, flags);                                \
    }                                                                                 \
    T fp_##F##_fma(T a, T b, T c, enum fp_rm rm, uint8_t *flags)                      \
    {                                                                                 \
        return (T)mul_add(FP_FORMAT_##F, a, b, c, rm, flags);                         \
    }

DEFINE_FORMAT(f16, uint16_t)
DEFINE_FORMAT(f32, uint32_t)
DEFINE_FORMAT(f64, uint64_t)
