// SPDX-License-Identifier: Apache-2.0
// IEEE 754 binary16, binary32 and binary64 arithmetic in integers, exact to the bit, with the
// semantics of RISC-V's F, D, Zfh and Zfa: canonical NaNs, tininess detected after rounding,
// saturating conversions. Operands and results are raw encodings; NaN-boxing is the caller's.
//
// Every function ORs the exceptions that it raises into *flags and never clears one. A rounding
// mode must be one of the five: the caller resolves the dynamic mode and traps the reserved ones.
#ifndef HULL_LIB_FP_FP_H
#define HULL_LIB_FP_FP_H

#include <stdbool.h>
#include <stdint.h>

// Values of the rm field and of fcsr.frm.
enum fp_rm {
    FP_RNE = 0, // to nearest, ties to even
    FP_RTZ = 1, // towards zero
    FP_RDN = 2, // down
    FP_RUP = 3, // up
    FP_RMM = 4, // to nearest, ties to max magnitude
};

// Bits of fcsr.fflags.
enum fp_flag {
    FP_NX = 1 << 0, // inexact
    FP_UF = 1 << 1, // underflow
    FP_OF = 1 << 2, // overflow
    FP_DZ = 1 << 3, // divide by zero
    FP_NV = 1 << 4, // invalid operation
};

#define FP_F16_NAN UINT16_C(0x7e00)
#define FP_F32_NAN UINT32_C(0x7fc00000)
#define FP_F64_NAN UINT64_C(0x7ff8000000000000)

// The functions that every format has; F is the format's name, T its raw type.
//
// fma is a * b + c rounded once; the negated forms are made by flipping sign bits of a and c, and
// of nothing else. inf * 0 + qNaN raises NV.
// min and max are minimumNumber and maximumNumber of IEEE 754-2019: one NaN operand gives the
// other operand, -0 is less than +0. minm and maxm (Zfa) give the canonical NaN for any NaN.
// eq, ltq and leq raise NV for signaling NaNs only, lt and le for every NaN.
// classify returns fclass's mask: bit 0 -inf, 1 -normal, 2 -subnormal, 3 -0, 4 +0, 5 +subnormal,
// 6 +normal, 7 +inf, 8 signaling NaN, 9 quiet NaN.
// to_i32 and its like saturate: out of range (after rounding) raises NV and never NX, a NaN gives
// the greatest value. A 32-bit result is to be sign-extended by the caller, also the unsigned one.
// round gives an integral value and never raises NX (fround), roundnx does (froundnx).
// fli is the constant that Zfa's fli loads for an rs1 field of 0 to 31.
#define FP_DECLARE_FORMAT(F, T)                                     \
    T fp_##F##_add(T a, T b, enum fp_rm rm, uint8_t *flags);        \
    T fp_##F##_sub(T a, T b, enum fp_rm rm, uint8_t *flags);        \
    T fp_##F##_mul(T a, T b, enum fp_rm rm, uint8_t *flags);        \
    T fp_##F##_div(T a, T b, enum fp_rm rm, uint8_t *flags);        \
    T fp_##F##_sqrt(T a, enum fp_rm rm, uint8_t *flags);            \
    T fp_##F##_fma(T a, T b, T c, enum fp_rm rm, uint8_t *flags);   \
    T fp_##F##_min(T a, T b, uint8_t *flags);                       \
    T fp_##F##_max(T a, T b, uint8_t *flags);                       \
    T fp_##F##_minm(T a, T b, uint8_t *flags);                      \
    T fp_##F##_maxm(T a, T b, uint8_t *flags);                      \
    bool fp_##F##_eq(T a, T b, uint8_t *flags);                     \
    bool fp_##F##_lt(T a, T b, uint8_t *flags);                     \
    bool fp_##F##_le(T a, T b, uint8_t *flags);                     \
    bool fp_##F##_ltq(T a, T b, uint8_t *flags);                    \
    bool fp_##F##_leq(T a, T b, uint8_t *flags);                    \
    unsigned fp_##F##_classify(T a);                                \
    int32_t fp_##F##_to_i32(T a, enum fp_rm rm, uint8_t *flags);    \
    uint32_t fp_##F##_to_u32(T a, enum fp_rm rm, uint8_t *flags);   \
    int64_t fp_##F##_to_i64(T a, enum fp_rm rm, uint8_t *flags);    \
    uint64_t fp_##F##_to_u64(T a, enum fp_rm rm, uint8_t *flags);   \
    T fp_##F##_from_i32(int32_t a, enum fp_rm rm, uint8_t *flags);  \
    T fp_##F##_from_u32(uint32_t a, enum fp_rm rm, uint8_t *flags); \
    T fp_##F##_from_i64(int64_t a, enum fp_rm rm, uint8_t *flags);  \
    T fp_##F##_from_u64(uint64_t a, enum fp_rm rm, uint8_t *flags); \
    T fp_##F##_round(T a, enum fp_rm rm, uint8_t *flags);           \
    T fp_##F##_roundnx(T a, enum fp_rm rm, uint8_t *flags);         \
    T fp_##F##_fli(unsigned index);

FP_DECLARE_FORMAT(f16, uint16_t)
FP_DECLARE_FORMAT(f32, uint32_t)
FP_DECLARE_FORMAT(f64, uint64_t)

// fcvtmod.w.d: truncated, modulo 2^32; the flags are those of to_i32 with FP_RTZ, infinities and
// NaNs give 0.
int32_t fp_f64_to_i32_mod(uint64_t a, uint8_t *flags);

// Between formats. A NaN becomes the canonical one; widening is exact, its rm has no effect.
uint32_t fp_f16_to_f32(uint16_t a, enum fp_rm rm, uint8_t *flags);
uint64_t fp_f16_to_f64(uint16_t a, enum fp_rm rm, uint8_t *flags);
uint16_t fp_f32_to_f16(uint32_t a, enum fp_rm rm, uint8_t *flags);
uint64_t fp_f32_to_f64(uint32_t a, enum fp_rm rm, uint8_t *flags);
uint16_t fp_f64_to_f16(uint64_t a, enum fp_rm rm, uint8_t *flags);
uint32_t fp_f64_to_f32(uint64_t a, enum fp_rm rm, uint8_t *flags);

#endif
