// SPDX-License-Identifier: Apache-2.0
// The core that all operations share: formats as data, unpacking, and the one place that rounds.
// Everything is inlined into a wrapper per format, where the descriptor is a constant and its
// arithmetic folds away. What depends on the operands' values is computed without branches where
// it can be: they would be mispredicted half of the time.
#ifndef HULL_LIB_FP_FP_CORE_H
#define HULL_LIB_FP_FP_CORE_H

#include "lib/fp/fp.h"

#define FP_INLINE static inline __attribute__((always_inline))
#define fp_likely(x) __builtin_expect(!!(x), 1)
#define fp_unlikely(x) __builtin_expect(!!(x), 0)

__extension__ typedef unsigned __int128 fp_u128; // for 64 x 64 products only

struct fp_format {
    int exp_bits;
    int frac_bits;
};

#define FP_FORMAT_f16 ((struct fp_format){5, 10})
#define FP_FORMAT_f32 ((struct fp_format){8, 23})
#define FP_FORMAT_f64 ((struct fp_format){11, 52})

// A finite nonzero number: sig / 2^FP_TOP * 2^(exp - bias). Bit FP_TOP of sig is set and bit 63 is
// clear; exp has the format's bias but may lie outside its range.
#define FP_TOP 62
#define FP_LEADING (UINT64_C(1) << FP_TOP)

struct fp_parts {
    bool sign;
    int exp;
    uint64_t sig;
};

extern const uint8_t fp_leading_zeros[256];

// Not __builtin_clzll: without Zbb that is a call into libgcc. Most callers' numbers are nearly
// normalised already, so the first test is nearly always true.
FP_INLINE int fp_clz(uint64_t x)
{
    int n = 0;
    if (fp_likely(x >> 56))
        return fp_leading_zeros[x >> 56];
    if (!(x >> 32)) {
        n += 32;
        x <<= 32;
    }
    if (!(x >> 48)) {
        n += 16;
        x <<= 16;
    }
    if (!(x >> 56)) {
        n += 8;
        x <<= 8;
    }
    return n + fp_leading_zeros[x >> 56];
}

// `yes` or `no`, without a branch.
FP_INLINE uint64_t fp_select(bool condition, uint64_t yes, uint64_t no)
{
    return no ^ ((yes ^ no) & -(uint64_t)condition);
}

FP_INLINE uint64_t fp_negate_if(bool condition, uint64_t x)
{
    return (x ^ -(uint64_t)condition) + condition;
}

// Shifts right and keeps in bit 0 whether a one was lost ("sticky"); any count from 0.
FP_INLINE uint64_t fp_shift_right_sticky(uint64_t x, unsigned count)
{
    if (fp_unlikely(count > 63))
        return x != 0;
    return x >> count | ((x & ((UINT64_C(1) << count) - 1)) != 0);
}

// Products and quotients of such formats fit into 64 bits.
FP_INLINE bool fp_is_narrow(struct fp_format f)
{
    return f.frac_bits < 31;
}

FP_INLINE int fp_exp_max(struct fp_format f)
{
    return (1 << f.exp_bits) - 1;
}

FP_INLINE int fp_bias(struct fp_format f)
{
    return fp_exp_max(f) >> 1;
}

FP_INLINE uint64_t fp_sign_bit(struct fp_format f)
{
    return UINT64_C(1) << (f.exp_bits + f.frac_bits);
}

// The value of the hidden bit, and so the encoding of the smallest normal number.
FP_INLINE uint64_t fp_hidden(struct fp_format f)
{
    return UINT64_C(1) << f.frac_bits;
}

FP_INLINE uint64_t fp_infinity(struct fp_format f)
{
    return (uint64_t)fp_exp_max(f) << f.frac_bits;
}

FP_INLINE uint64_t fp_nan(struct fp_format f)
{
    return fp_infinity(f) | fp_hidden(f) >> 1;
}

FP_INLINE uint64_t fp_signed(struct fp_format f, bool sign, uint64_t magnitude)
{
    return (uint64_t)sign << (f.exp_bits + f.frac_bits) | magnitude;
}

FP_INLINE bool fp_sign(struct fp_format f, uint64_t x)
{
    return x >> (f.exp_bits + f.frac_bits) & 1;
}

FP_INLINE int fp_exp(struct fp_format f, uint64_t x)
{
    return (int)(x >> f.frac_bits) & fp_exp_max(f);
}

FP_INLINE uint64_t fp_magnitude(struct fp_format f, uint64_t x)
{
    return x & (fp_sign_bit(f) - 1);
}

FP_INLINE uint64_t fp_frac(struct fp_format f, uint64_t x)
{
    return x & (fp_hidden(f) - 1);
}

FP_INLINE bool fp_is_nan(struct fp_format f, uint64_t x)
{
    return fp_magnitude(f, x) > fp_infinity(f);
}

FP_INLINE bool fp_is_snan(struct fp_format f, uint64_t x)
{
    return fp_is_nan(f, x) && !(x & fp_hidden(f) >> 1);
}

FP_INLINE uint64_t fp_invalid(struct fp_format f, uint8_t *flags)
{
    *flags |= FP_NV;
    return fp_nan(f);
}

// The result of an arithmetic operation with a NaN among its operands.
FP_INLINE uint64_t fp_propagate(struct fp_format f, uint64_t a, uint64_t b, uint8_t *flags)
{
    if (fp_is_snan(f, a) || fp_is_snan(f, b))
        *flags |= FP_NV;
    return fp_nan(f);
}

// Neither zero nor subnormal nor infinite nor a NaN.
FP_INLINE bool fp_exp_is_normal(struct fp_format f, int exp)
{
    return (unsigned)exp - 1 < (unsigned)fp_exp_max(f) - 1;
}

FP_INLINE struct fp_parts fp_unpack_normal(struct fp_format f, uint64_t x)
{
    uint64_t sig = (fp_frac(f, x) | fp_hidden(f)) << (FP_TOP - f.frac_bits);
    return (struct fp_parts){fp_sign(f, x), fp_exp(f, x), sig};
}

// x must be finite and not zero.
FP_INLINE struct fp_parts fp_unpack(struct fp_format f, uint64_t x)
{
    struct fp_parts p = fp_unpack_normal(f, x);
    if (fp_unlikely(p.exp == 0)) {
        p.sig = fp_frac(f, x) << (FP_TOP - f.frac_bits);
        int shift = fp_clz(p.sig) - 1;
        p.sig <<= shift;
        p.exp = 1 - shift;
    }
    return p;
}

// The directed mode that increases magnitudes of this sign.
FP_INLINE enum fp_rm fp_away(bool sign)
{
    return (enum fp_rm)(FP_RUP - sign);
}

// Whether a magnitude is to be incremented: `rest` is what was cut off below its last bit `odd`,
// `half` is half of that bit's value.
FP_INLINE bool fp_rounds_up(enum fp_rm rm, bool sign, bool odd, uint64_t rest, uint64_t half)
{
    if (fp_likely(rm == FP_RNE))
        return rest + odd > half;
    if (rm == FP_RMM)
        return rest >= half;
    return (rm == fp_away(sign)) & (rest != 0);
}

// Cuts sig (with its leading one in bit FP_TOP, or below it for a subnormal) to the format's
// precision. The result still holds the hidden bit, and may have been carried to the next power.
FP_INLINE uint64_t fp_round_sig(struct fp_format f, bool sign, uint64_t sig, enum fp_rm rm)
{
    int drop = FP_TOP - f.frac_bits;
    uint64_t half = UINT64_C(1) << (drop - 1);
    uint64_t kept = sig >> drop, rest = sig & (2 * half - 1);
    return kept + fp_rounds_up(rm, sign, kept & 1, rest, half);
}

FP_INLINE bool fp_is_inexact(struct fp_format f, uint64_t sig)
{
    return (sig & ((UINT64_C(1) << (FP_TOP - f.frac_bits)) - 1)) != 0;
}

FP_INLINE uint64_t fp_overflow(struct fp_format f, bool sign, enum fp_rm rm, uint8_t *flags)
{
    bool to_infinity = rm == FP_RNE || rm == FP_RMM || rm == fp_away(sign);
    *flags |= FP_OF | FP_NX;
    return fp_signed(f, sign, fp_infinity(f) - !to_infinity);
}

// A number below the smallest normal one: it loses precision. It counts as tiny unless rounding
// to the full precision, with the exponent unbounded, would have made it normal.
FP_INLINE uint64_t fp_pack_tiny(struct fp_format f, struct fp_parts p, enum fp_rm rm,
                                uint8_t *flags)
{
    uint64_t sig = fp_shift_right_sticky(p.sig, (unsigned)(1 - p.exp));
    if (fp_is_inexact(f, sig)) {
        bool becomes_normal = p.exp == 0 && fp_round_sig(f, p.sign, p.sig, rm) == 2 * fp_hidden(f);
        *flags |= becomes_normal ? FP_NX : FP_NX | FP_UF;
    }
    return fp_signed(f, p.sign, fp_round_sig(f, p.sign, sig, rm));
}

// Rounds and encodes. Bit 0 of p.sig may be sticky.
FP_INLINE uint64_t fp_pack(struct fp_format f, struct fp_parts p, enum fp_rm rm, uint8_t *flags)
{
    if (fp_unlikely(p.exp <= 0))
        return fp_pack_tiny(f, p, rm, flags);
    if (fp_unlikely(p.exp >= fp_exp_max(f)))
        return fp_overflow(f, p.sign, rm, flags);
    // The hidden bit, and a carry out of the rounding, add to the exponent.
    uint64_t magnitude =
        ((uint64_t)(p.exp - 1) << f.frac_bits) + fp_round_sig(f, p.sign, p.sig, rm);
    if (fp_unlikely(magnitude >= fp_infinity(f)))
        return fp_overflow(f, p.sign, rm, flags);
    *flags |= fp_is_inexact(f, p.sig) * FP_NX; // without a branch: results are as often exact
    return fp_signed(f, p.sign, magnitude);
}

#endif
