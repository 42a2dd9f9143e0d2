// SPDX-License-Identifier: Apache-2.0
// Conversions to and from integers and between formats, rounding to integral values, and the
// constants of fli.
#include "lib/fp/fp_core.h"

// The magnitude of a finite number as a fixed-point one: an integer, and a fraction in units of
// 2^-64 whose last bit is sticky. The number must be less than 2^64.
struct fixed {
    uint64_t integer;
    uint64_t fraction;
};

FP_INLINE struct fixed to_fixed(struct fp_format f, uint64_t a)
{
    int exp = fp_exp(f, a) - fp_bias(f);
    if (exp < -1) // less than a half
        return (struct fixed){0, fp_magnitude(f, a) != 0};
    uint64_t sig = fp_unpack_normal(f, a).sig;
    if (exp == -1)
        return (struct fixed){0, sig << (64 - FP_TOP - 1)};
    if (exp >= FP_TOP)
        return (struct fixed){sig << (exp - FP_TOP), 0};
    return (struct fixed){sig >> (FP_TOP - exp), sig << (64 - FP_TOP + exp)};
}

struct int_type {
    int bits;
    bool is_signed;
};

FP_INLINE uint64_t to_int(struct fp_format f, uint64_t a, struct int_type type, enum fp_rm rm,
                          uint8_t *flags)
{
    uint64_t range = UINT64_MAX >> (64 - type.bits);
    uint64_t max = type.is_signed ? range >> 1 : range;
    uint64_t min_magnitude = range - max; // of the least value, -2^(bits - 1) or 0
    bool nan = fp_is_nan(f, a), sign = fp_sign(f, a) & !nan; // a NaN saturates as +inf does
    if (fp_likely(fp_exp(f, a) - fp_bias(f) < 64 && fp_exp(f, a) != fp_exp_max(f))) {
        struct fixed x = to_fixed(f, a);
        x.integer += fp_rounds_up(rm, sign, x.integer & 1, x.fraction, UINT64_C(1) << 63);
        if (fp_likely(x.integer <= fp_select(sign, min_magnitude, max))) {
            *flags |= (x.fraction != 0) * FP_NX;
            return fp_negate_if(sign, x.integer);
        }
    }
    *flags |= FP_NV;
    return sign ? -min_magnitude : max;
}

FP_INLINE uint64_t from_int(struct fp_format f, bool sign, uint64_t magnitude, enum fp_rm rm,
                            uint8_t *flags)
{
    if (magnitude == 0)
        return 0;
    int zeros = fp_clz(magnitude);
    uint64_t sig = zeros ? magnitude << (zeros - 1) : fp_shift_right_sticky(magnitude, 1);
    return fp_pack(f, (struct fp_parts){sign, fp_bias(f) + 63 - zeros, sig}, rm, flags);
}

FP_INLINE uint64_t from_signed(struct fp_format f, int64_t a, enum fp_rm rm, uint8_t *flags)
{
    return from_int(f, a < 0, fp_negate_if(a < 0, (uint64_t)a), rm, flags);
}

FP_INLINE uint64_t convert(struct fp_format to, struct fp_format from, uint64_t a, enum fp_rm rm,
                           uint8_t *flags)
{
    if (fp_unlikely(!fp_exp_is_normal(from, fp_exp(from, a)))) {
        if (fp_is_snan(from, a))
            *flags |= FP_NV;
        if (fp_is_nan(from, a))
            return fp_nan(to);
        if (fp_exp(from, a))
            return fp_signed(to, fp_sign(from, a), fp_infinity(to));
        if (!fp_magnitude(from, a))
            return fp_signed(to, fp_sign(from, a), 0);
    }
    struct fp_parts p = fp_unpack(from, a);
    p.exp += fp_bias(to) - fp_bias(from);
    return fp_pack(to, p, rm, flags);
}

FP_INLINE uint64_t round_integral(struct fp_format f, uint64_t a, enum fp_rm rm, unsigned inexact,
                                  uint8_t *flags)
{
    int exp = fp_exp(f, a) - fp_bias(f);
    bool sign = fp_sign(f, a);
    if (fp_is_nan(f, a))
        return fp_propagate(f, a, a, flags);
    if (exp >= f.frac_bits || !fp_magnitude(f, a))
        return a;
    if (exp < 0) { // the result is 0 or 1
        struct fixed x = to_fixed(f, a);
        bool one = fp_rounds_up(rm, sign, false, x.fraction, UINT64_C(1) << 63);
        *flags |= inexact;
        return fp_signed(f, sign, one ? (uint64_t)fp_bias(f) << f.frac_bits : 0);
    }
    // In place: a carry goes into the exponent. The bit of weight one may be the hidden one; then
    // the exponent's last bit stands there, which is set as well.
    int drop = f.frac_bits - exp;
    uint64_t unit = UINT64_C(1) << drop, rest = a & (unit - 1);
    if (rest)
        *flags |= inexact;
    return a - rest + (fp_rounds_up(rm, sign, a >> drop & 1, rest, unit >> 1) ? unit : 0);
}

int32_t fp_f64_to_i32_mod(uint64_t a, uint8_t *flags)
{
    struct fp_format f = FP_FORMAT_f64;
    int exp = fp_exp(f, a) - fp_bias(f);
    uint32_t integer = 0; // all multiples of 2^64 and more give 0
    (void)fp_f64_to_i32(a, FP_RTZ, flags);
    if (exp < 64)
        integer = (uint32_t)to_fixed(f, a).integer;
    else if (exp - FP_TOP < 64)
        integer = (uint32_t)(fp_unpack_normal(f, a).sig << (exp - FP_TOP));
    return (int32_t)(fp_sign(f, a) ? -integer : integer);
}

// The upper 16 bits of the constants as binary64; what lies below is zero. Entry 1 is a place
// holder: the smallest normal number depends on the format.
static const uint16_t fli_constants[32] = {
    0xbff0, 0x0010, 0x3ef0, 0x3f00, // -1, min, 2^-16, 2^-15
    0x3f70, 0x3f80, 0x3fb0, 0x3fc0, // 2^-8, 2^-7, 2^-4, 2^-3
    0x3fd0, 0x3fd4, 0x3fd8, 0x3fdc, // 0.25, 0.3125, 0.375, 0.4375
    0x3fe0, 0x3fe4, 0x3fe8, 0x3fec, // 0.5, 0.625, 0.75, 0.875
    0x3ff0, 0x3ff4, 0x3ff8, 0x3ffc, // 1, 1.25, 1.5, 1.75
    0x4000, 0x4004, 0x4008, 0x4010, // 2, 2.5, 3, 4
    0x4020, 0x4030, 0x4060, 0x4070, // 8, 16, 128, 256
    0x40e0, 0x40f0, 0x7ff0, 0x7ff8, // 2^15, 2^16, inf, NaN
};

FP_INLINE uint64_t fli(struct fp_format f, unsigned index)
{
    uint8_t none = 0; // 2^16 becomes an infinity in binary16 without an exception
    if (index == 1)
        return fp_hidden(f);
    return convert(f, FP_FORMAT_f64, (uint64_t)fli_constants[index & 31] << 48, FP_RNE, &none);
}

#define INT_TYPE_i32 ((struct int_type){32, true})
#define INT_TYPE_u32 ((struct int_type){32, false})
#define INT_TYPE_i64 ((struct int_type){64, true})
#define INT_TYPE_u64 ((struct int_type){64, false})

#define DEFINE_TO_INT(F, T, NAME, INT)                                    \
    INT fp_##F##_to_##NAME(T a, enum fp_rm rm, uint8_t *flags)            \
    {                                                                     \
        return (INT)to_int(FP_FORMAT_##F, a, INT_TYPE_##NAME, rm, flags); \
    }

#define DEFINE_FORMAT(F, T)                                           \
    DEFINE_TO_INT(F, T, i32, int32_t)                                 \
    DEFINE_TO_INT(F, T, u32, uint32_t)                                \
    DEFINE_TO_INT(F, T, i64, int64_t)                                 \
    DEFINE_TO_INT(F, T, u64, uint64_t)                                \
    T fp_##F##_from_i64(int64_t a, enum fp_rm rm, uint8_t *flags)     \
    {                                                                 \
        return (T)from_signed(FP_FORMAT_##F, a, rm, flags);           \
    }                                                                 \
    T fp_##F##_from_u64(uint64_t a, enum fp_rm rm, uint8_t *flags)    \
    {                                                                 \
        return (T)from_int(FP_FORMAT_##F, false, a, rm, flags);       \
    }                                                                 \
    T fp_##F##_from_i32(int32_t a, enum fp_rm rm, uint8_t *flags)     \
    {                                                                 \
        return fp_##F##_from_i64(a, rm, flags);                       \
    }                                                                 \
    T fp_##F##_from_u32(uint32_t a, enum fp_rm rm, uint8_t *flags)    \
    {                                                                 \
        return fp_##F##_from_u64(a, rm, flags);                       \
    }                                                                 \
    T fp_##F##_round(T a, enum fp_rm rm, uint8_t *flags)              \
    {                                                                 \
        return (T)round_integral(FP_FORMAT_##F, a, rm, 0, flags);     \
    }                                                                 \
    T fp_##F##_roundnx(T a, enum fp_rm rm, uint8_t *flags)            \
    {                                                                 \
        return (T)round_integral(FP_FORMAT_##F, a, rm, FP_NX, flags); \
    }                                                                 \
    T fp_##F##_fli(unsigned index)                                    \
    {                                                                 \
        return (T)fli(FP_FORMAT_##F, index);                          \
    }

#define DEFINE_CONVERSION(FROM, TO, T_FROM, T_TO)                             \
    T_TO fp_##FROM##_to_##TO(T_FROM a, enum fp_rm rm, uint8_t *flags)         \
    {                                                                         \
        return (T_TO)convert(FP_FORMAT_##TO, FP_FORMAT_##FROM, a, rm, flags); \
    }

DEFINE_FORMAT(f16, uint16_t)
DEFINE_FORMAT(f32, uint32_t)
DEFINE_FORMAT(f64, uint64_t)

DEFINE_CONVERSION(f16, f32, uint16_t, uint32_t)
DEFINE_CONVERSION(f16, f64, uint16_t, uint64_t)
DEFINE_CONVERSION(f32, f16, uint32_t, uint16_t)
DEFINE_CONVERSION(f32, f64, uint32_t, uint64_t)
DEFINE_CONVERSION(f64, f16, uint64_t, uint16_t)
DEFINE_CONVERSION(f64, f32, uint64_t, uint32_t)
