// SPDX-License-Identifier: Apache-2.0
// Division and square root: as many quotient or root bits as the format needs and a sticky one
// from the remainder, by 64-bit divisions only.
#include "lib/fp/fp_core.h"

// The next 32 bits of a quotient (Knuth, TAOCP 4.3.1, algorithm D, with digits of 32 bits; the
// dividend's next digit is zero). d has bit 63 set; *rem < d on entry and on return.
FP_INLINE uint64_t quotient_digit(uint64_t *rem, uint64_t d)
{
    uint64_t d1 = d >> 32, d0 = d & UINT32_MAX;
    uint64_t q = *rem / d1, r = *rem % d1;
    // q may be too large by two; then q <= 2^32 + 1, and q * d0 still fits.
    bool too_large = q * d0 > r << 32;
    q -= too_large;
    r += fp_select(too_large, d1, 0);
    if (fp_unlikely((r <= UINT32_MAX) & (q * d0 > r << 32)))
        q--;
    *rem = (*rem << 32) - q * d; // modulo 2^64, where the true remainder lies
    return q;
}

// x / y for FP_LEADING <= y <= x < 2y, with FP_TOP bits after the point, the last one sticky.
FP_INLINE uint64_t divide_sig(struct fp_format f, uint64_t x, uint64_t y)
{
    if (fp_is_narrow(f)) {
        uint64_t d = y >> 32; // exact: y has at most 31 bits of precision
        uint64_t q = x / d;
        return q << (FP_TOP - 32) | (q * d != x);
    }
    uint64_t d = y << 1, rem = x >> 1;
    uint64_t q = quotient_digit(&rem, d) << 32;
    q |= quotient_digit(&rem, d);
    return q | (rem != 0);
}

FP_INLINE uint64_t divide_special(struct fp_format f, uint64_t a, uint64_t b, uint8_t *flags)
{
    bool sign = fp_sign(f, a) != fp_sign(f, b);
    uint64_t x = fp_magnitude(f, a), y = fp_magnitude(f, b), infinity = fp_infinity(f);
    if (x > infinity || y > infinity)
        return fp_propagate(f, a, b, flags);
    if (x == y) // 0 / 0 or inf / inf
        return fp_invalid(f, flags);
    if (x == infinity)
        return fp_signed(f, sign, infinity);
    if (y == 0) {
        *flags |= FP_DZ;
        return fp_signed(f, sign, infinity);
    }
    return fp_signed(f, sign, 0);
}

FP_INLINE uint64_t divide(struct fp_format f, uint64_t a, uint64_t b, enum fp_rm rm, uint8_t *flags)
{
    struct fp_parts x = fp_unpack_normal(f, a), y = fp_unpack_normal(f, b);
    if (fp_unlikely(!fp_exp_is_normal(f, x.exp) || !fp_exp_is_normal(f, y.exp))) {
        if (x.exp == fp_exp_max(f) || y.exp == fp_exp_max(f) || !fp_magnitude(f, a) ||
            !fp_magnitude(f, b))
            return divide_special(f, a, b, flags);
        x = fp_unpack(f, a);
        y = fp_unpack(f, b);
    }
    bool less = x.sig < y.sig;
    struct fp_parts p = {x.sign != y.sign, x.exp - y.exp + fp_bias(f) - less,
                         divide_sig(f, x.sig << less, y.sig)};
    return fp_pack(f, p, rm, flags);
}

// floor(sqrt(256 * i + 255)), for i from 64.
static const uint8_t roots[192] = {
    128, 129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 143, 144,
    145, 146, 147, 148, 149, 150, 150, 151, 152, 153, 154, 155, 155, 156, 157, 158, 159, 159,
    160, 161, 162, 163, 163, 164, 165, 166, 167, 167, 168, 169, 170, 170, 171, 172, 173, 173,
    174, 175, 175, 176, 177, 178, 178, 179, 180, 181, 181, 182, 183, 183, 184, 185, 185, 186,
    187, 187, 188, 189, 189, 190, 191, 191, 192, 193, 193, 194, 195, 195, 196, 197, 197, 198,
    199, 199, 200, 201, 201, 202, 203, 203, 204, 204, 205, 206, 206, 207, 207, 208, 209, 209,
    210, 211, 211, 212, 212, 213, 214, 214, 215, 215, 216, 217, 217, 218, 218, 219, 219, 220,
    221, 221, 222, 222, 223, 223, 224, 225, 225, 226, 226, 227, 227, 228, 229, 229, 230, 230,
    231, 231, 232, 232, 233, 234, 234, 235, 235, 236, 236, 237, 237, 238, 238, 239, 239, 240,
    241, 241, 242, 242, 243, 243, 244, 244, 245, 245, 246, 246, 247, 247, 248, 248, 249, 249,
    250, 250, 251, 251, 252, 252, 253, 253, 254, 254, 255, 255,
};

// floor(sqrt(x)) of increasing widths, each from the one before and one division (P. Zimmermann,
// "Karatsuba Square Root", INRIA RR-3805). x must have one of its two top bits set; *rem becomes
// x - root^2, which is at most 2 * root.
FP_INLINE uint32_t sqrt16(uint32_t x, uint32_t *rem)
{
    uint32_t root = roots[(x >> 8) - 64];
    root -= root * root > x;
    *rem = x - root * root;
    return root;
}

FP_INLINE uint32_t sqrt32(uint32_t x, uint32_t *rem)
{
    uint32_t high_rem, high = sqrt16(x >> 16, &high_rem);
    uint32_t part = high_rem << 8 | (x >> 8 & 0xff);
    uint32_t q = part / (2 * high), u = part % (2 * high);
    uint32_t root = (high << 8) + q;
    int32_t r = (int32_t)(u << 8 | (x & 0xff)) - (int32_t)(q * q);
    *rem = (uint32_t)r + (uint32_t)fp_select(r < 0, 2 * root - 1, 0);
    return root - (r < 0);
}

FP_INLINE uint64_t sqrt64(uint64_t x, uint64_t *rem)
{
    uint32_t high_rem;
    uint64_t high = sqrt32((uint32_t)(x >> 32), &high_rem);
    uint64_t part = (uint64_t)high_rem << 16 | (x >> 16 & 0xffff);
    uint64_t q = part / (2 * high), u = part % (2 * high);
    uint64_t root = (high << 16) + q;
    int64_t r = (int64_t)(u << 16 | (x & 0xffff)) - (int64_t)(q * q);
    *rem = (uint64_t)r + fp_select(r < 0, 2 * root - 1, 0);
    return root - (r < 0);
}

// floor(sqrt(x * 2^64)), and whether that is exact. What sqrt64 holds in one word would have up to
// 66 bits here: so both sides of the division are halved, and the remainder is only compared.
FP_INLINE uint64_t sqrt128(uint64_t x, bool *exact)
{
    uint64_t high_rem, high = sqrt64(x, &high_rem);
    uint64_t half_part = high_rem << 31; // high_rem <= 2 * high < 2^33
    uint64_t q = half_part / high, u = half_part % high * 2;
    fp_u128 square = (fp_u128)q * q, limit = (fp_u128)u << 32;
    *exact = square == limit;
    return (high << 32) + q - (square > limit); // modulo 2^64: q may be 2^32
}

FP_INLINE uint64_t square_root(struct fp_format f, uint64_t a, enum fp_rm rm, uint8_t *flags)
{
    struct fp_parts p = fp_unpack_normal(f, a);
    if (fp_unlikely(p.sign || !fp_exp_is_normal(f, p.exp))) {
        if (fp_is_nan(f, a))
            return fp_propagate(f, a, a, flags);
        if (!fp_magnitude(f, a))
            return a;
        if (p.sign)
            return fp_invalid(f, flags);
        if (p.exp == fp_exp_max(f))
            return a;
        p = fp_unpack(f, a);
    }
    // An odd exponent gives a factor of two to the significand. The bias is odd as well.
    bool odd = !(p.exp & 1);
    uint64_t x = p.sig << odd;
    p.exp = (p.exp + fp_bias(f) - odd) / 2;
    if (fp_is_narrow(f)) {
        uint64_t rem;
        p.sig = sqrt64(x, &rem) << (FP_TOP - 31) | (rem != 0);
    } else {
        bool exact;
        uint64_t root = sqrt128(x, &exact);
        p.sig = fp_shift_right_sticky(root, 1) | !exact;
    }
    return fp_pack(f, p, rm, flags);
}

#define DEFINE_FORMAT(F, T)                                 \
    T fp_##F##_div(T a, T b, enum fp_rm rm, uint8_t *flags) \
    {                                                       \
        return (T)divide(FP_FORMAT_##F, a, b, rm, flags);   \
    }                                                       \
    T fp_##F##_sqrt(T a, enum fp_rm rm, uint8_t *flags)     \
    {                                                       \
        return (T)square_root(FP_FORMAT_##F, a, rm, flags); \
    }

DEFINE_FORMAT(f16, uint16_t)
DEFINE_FORMAT(f32, uint32_t)
DEFINE_FORMAT(f64, uint64_t)
