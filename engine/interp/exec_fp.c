// SPDX-License-Identifier: Apache-2.0
// Floating point: F, D, Zfh, Zfhmin, Zfa, over lib/fp. Registers hold NaN-boxed values.
#include "engine/interp/handler.h"
#include "guest/riscv/csr.h"
#include "lib/fp/fp.h"

#define FLAGS (&cpu->hart.s.fflags)
#define F(n) cpu->hart.s.f[n]

// Reading a narrower value that is not properly boxed gives the canonical NaN.
static inline uint16_t unbox16(uint64_t f)
{
    return f >> 16 == 0xffffffffffff ? (uint16_t)f : FP_F16_NAN;
}

static inline uint32_t unbox32(uint64_t f)
{
    return f >> 32 == 0xffffffff ? (uint32_t)f : FP_F32_NAN;
}

static inline uint64_t unbox64(uint64_t f)
{
    return f;
}

static inline uint64_t box16(uint16_t v)
{
    return v | 0xffffffffffff0000;
}

static inline uint64_t box32(uint32_t v)
{
    return v | 0xffffffff00000000;
}

static inline uint64_t box64(uint64_t v)
{
    return v;
}

// The instruction's rounding mode, or 5 to 7 when it is reserved.
static inline unsigned rounding_mode(const struct cpu *cpu, const struct op *op)
{
    unsigned rm = op->imm & 7;

    return rm == 7 ? cpu->hart.s.frm : rm;
}

// mstatus.FS off makes every FP instruction illegal; all others may write fflags or a register.
#define FP_BEGIN                                                     \
    do {                                                             \
        if (unlikely(!cpu->fp_ready && !interp_fp_begin(cpu, true))) \
            return HANDLER(ILLEGAL)(cpu, op);                        \
    } while (0)

#define FP_ROUND                          \
    unsigned rm = rounding_mode(cpu, op); \
    FP_BEGIN;                             \
    if (unlikely(rm > FP_RMM))            \
    return HANDLER(ILLEGAL)(cpu, op)

// An instruction without and with a rounding mode.
#define FP_OP(id, statement) \
    OP(id)                   \
    {                        \
        FP_BEGIN;            \
        statement;           \
        NEXT;                \
    }
#define FP_RM(id, statement) \
    OP(id)                   \
    {                        \
        FP_ROUND;            \
        statement;           \
        NEXT;                \
    }

// The whole set of one format: suffix S, width W (lib/fp's names), sign bit.
#define FP_FORMAT(S, W, SIGN)                                                                \
    FP_RM(FADD_##S, F(op->rd) = box##W(fp_f##W##_add(A(W), B(W), rm, FLAGS)))                \
    FP_RM(FSUB_##S, F(op->rd) = box##W(fp_f##W##_sub(A(W), B(W), rm, FLAGS)))                \
    FP_RM(FMUL_##S, F(op->rd) = box##W(fp_f##W##_mul(A(W), B(W), rm, FLAGS)))                \
    FP_RM(FDIV_##S, F(op->rd) = box##W(fp_f##W##_div(A(W), B(W), rm, FLAGS)))                \
    FP_RM(FSQRT_##S, F(op->rd) = box##W(fp_f##W##_sqrt(A(W), rm, FLAGS)))                    \
    FP_RM(FMADD_##S, F(op->rd) = box##W(fp_f##W##_fma(A(W), B(W), C(W), rm, FLAGS)))         \
    FP_RM(FMSUB_##S, F(op->rd) = box##W(fp_f##W##_fma(A(W), B(W), C(W) ^ SIGN, rm, FLAGS)))  \
    FP_RM(FNMSUB_##S, F(op->rd) = box##W(fp_f##W##_fma(A(W) ^ SIGN, B(W), C(W), rm, FLAGS))) \
    FP_RM(FNMADD_##S,                                                                        \
          F(op->rd) = box##W(fp_f##W##_fma(A(W) ^ SIGN, B(W), C(W) ^ SIGN, rm, FLAGS)))      \
    FP_OP(FSGNJ_##S, F(op->rd) = box##W((A(W) & (SIGN - 1)) | (B(W) & SIGN)))                \
    FP_OP(FSGNJN_##S, F(op->rd) = box##W((A(W) & (SIGN - 1)) | (~B(W) & SIGN)))              \
    FP_OP(FSGNJX_##S, F(op->rd) = box##W(A(W) ^ (B(W) & SIGN)))                              \
    FP_OP(FMIN_##S, F(op->rd) = box##W(fp_f##W##_min(A(W), B(W), FLAGS)))                    \
    FP_OP(FMAX_##S, F(op->rd) = box##W(fp_f##W##_max(A(W), B(W), FLAGS)))                    \
    FP_OP(FMINM_##S, F(op->rd) = box##W(fp_f##W##_minm(A(W), B(W), FLAGS)))                  \
    FP_OP(FMAXM_##S, F(op->rd) = box##W(fp_f##W##_maxm(A(W), B(W), FLAGS)))                  \
    FP_OP(FLE_##S, RD = fp_f##W##_le(A(W), B(W), FLAGS))                                     \
    FP_OP(FLT_##S, RD = fp_f##W##_lt(A(W), B(W), FLAGS))                                     \
    FP_OP(FEQ_##S, RD = fp_f##W##_eq(A(W), B(W), FLAGS))                                     \
    FP_OP(FLEQ_##S, RD = fp_f##W##_leq(A(W), B(W), FLAGS))                                   \
    FP_OP(FLTQ_##S, RD = fp_f##W##_ltq(A(W), B(W), FLAGS))                                   \
    FP_OP(FCLASS_##S, RD = fp_f##W##_classify(A(W)))                                         \
    FP_RM(FCVT_W_##S, RD = (uint64_t)(int64_t)fp_f##W##_to_i32(A(W), rm, FLAGS))             \
    FP_RM(FCVT_WU_##S, RD = (uint64_t)(int64_t)(int32_t)fp_f##W##_to_u32(A(W), rm, FLAGS))   \
    FP_RM(FCVT_L_##S, RD = (uint64_t)fp_f##W##_to_i64(A(W), rm, FLAGS))                      \
    FP_RM(FCVT_LU_##S, RD = fp_f##W##_to_u64(A(W), rm, FLAGS))                               \
    FP_RM(FCVT_##S##_W, F(op->rd) = box##W(fp_f##W##_from_i32((int32_t)RS1, rm, FLAGS)))     \
    FP_RM(FCVT_##S##_WU, F(op->rd) = box##W(fp_f##W##_from_u32((uint32_t)RS1, rm, FLAGS)))   \
    FP_RM(FCVT_##S##_L, F(op->rd) = box##W(fp_f##W##_from_i64((int64_t)RS1, rm, FLAGS)))     \
    FP_RM(FCVT_##S##_LU, F(op->rd) = box##W(fp_f##W##_from_u64(RS1, rm, FLAGS)))             \
    FP_RM(FROUND_##S, F(op->rd) = box##W(fp_f##W##_round(A(W), rm, FLAGS)))                  \
    FP_RM(FROUNDNX_##S, F(op->rd) = box##W(fp_f##W##_roundnx(A(W), rm, FLAGS)))              \
    FP_OP(FLI_##S, F(op->rd) = box##W(fp_f##W##_fli((unsigned)op->imm)))

#define A(W) unbox##W(F(op->rs1))
#define B(W) unbox##W(F(op->rs2))
#define C(W) unbox##W(F(op->imm >> 8))

FP_FORMAT(H, 16, UINT16_C(0x8000))
FP_FORMAT(S, 32, UINT32_C(0x80000000))
FP_FORMAT(D, 64, UINT64_C(0x8000000000000000))

// Between formats.
FP_RM(FCVT_S_D, F(op->rd) = box32(fp_f64_to_f32(A(64), rm, FLAGS)))
FP_RM(FCVT_D_S, F(op->rd) = fp_f32_to_f64(A(32), rm, FLAGS))
FP_RM(FCVT_S_H, F(op->rd) = box32(fp_f16_to_f32(A(16), rm, FLAGS)))
FP_RM(FCVT_H_S, F(op->rd) = box16(fp_f32_to_f16(A(32), rm, FLAGS)))
FP_RM(FCVT_D_H, F(op->rd) = fp_f16_to_f64(A(16), rm, FLAGS))
FP_RM(FCVT_H_D, F(op->rd) = box16(fp_f64_to_f16(A(64), rm, FLAGS)))
FP_OP(FCVTMOD_W_D, RD = (uint64_t)(int64_t)fp_f64_to_i32_mod(A(64), FLAGS))

// Moves take the bits as they are.
FP_OP(FMV_X_H, RD = (uint64_t)(int64_t)(int16_t)F(op->rs1))
FP_OP(FMV_X_W, RD = (uint64_t)(int64_t)(int32_t)F(op->rs1))
FP_OP(FMV_X_D, RD = F(op->rs1))
FP_OP(FMV_H_X, F(op->rd) = box16((uint16_t)RS1))
FP_OP(FMV_W_X, F(op->rd) = box32((uint32_t)RS1))
FP_OP(FMV_D_X, F(op->rd) = RS1)
