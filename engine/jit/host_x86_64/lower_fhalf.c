// SPDX-License-Identifier: Apache-2.0
// Half precision, by F16C: operands become singles, and results halves again. Rounding twice is exact, flags
// included: a single has more than twice a half's digits and 2 more, so no sum, product, quotient or root of
// halves comes so close to a half, or to the middle of two, that the first rounding could reach it. Integers
// that are not exact as singles overflow as halves. Fused operations and conversions from doubles are not so
// lucky, and step. So do NaNs as results.
#include "engine/jit/host_x86_64/fp.h"
#include "lib/fp/fp.h"

// A half that is not boxed counts as a NaN: the interpreter's affair.
static void require(struct emitter *e, unsigned n)
{
    fp_settle_one(e, n);
    if (e->lazy.halves >> n & 1)
        return;
    gpr_from_f(e, RAX, n);
    x86_op(&e->a, 0xf7 | X_W, 2, x86_r(RAX)); // not
    x86_op(&e->a, 0xc1 | X_W, 5, x86_r(RAX)); // shr
    x86_byte(&e->a, 16);
    stub_step(e, x86_jcc(&e->a, CC_NE));
}

// xmm = f[n] as a single. The other elements are NaNs, quiet ones, which is what the box's halves are.
static void widen(struct emitter *e, unsigned xmm, unsigned n)
{
    x86_vex(&e->a, 0x13 | X_0F38 | X_66, xmm, 0, guest_f(e, n)); // vcvtph2ps
}

static void finish_half(struct emitter *e, unsigned n)
{
    finish_final(e, n, true);
    e->lazy.halves |= fp_bit(n);
}

// f[n] = the single in xmm0, boxed by the NaNs behind it.
static void finish_single(struct emitter *e, unsigned n)
{
    x86_vex(&e->a, 0x1d | X_0F3A | X_66, 0, 0, x86_r(define_f(e, n))); // vcvtps2ph
    x86_byte(&e->a, 4);                                                // by MXCSR's mode
    finish_half(e, n);
}

static void step_for_nan(struct emitter *e, unsigned a, unsigned b)
{
    x86_op(&e->a, 0x2e | X_0F, a, x86_r(b)); // ucomiss
    stub_step(e, x86_jcc(&e->a, CC_P));
}

static bool arithmetic(struct emitter *e, const struct op *op, unsigned opcode)
{
    if (!fp_mode(e, op))
        return false;
    require(e, op->rs1);
    require(e, op->rs2);
    widen(e, 0, op->rs1);
    widen(e, 1, op->rs2);
    x86_op(&e->a, opcode | X_0F | X_F3, 0, x86_r(1));
    step_for_nan(e, 0, 0);
    finish_single(e, op->rd);
    return true;
}

static bool square_root(struct emitter *e, const struct op *op)
{
    if (!fp_mode(e, op))
        return false;
    require(e, op->rs1);
    widen(e, 0, op->rs1);
    x86_op(&e->a, 0x51 | X_0F | X_F3, 0, x86_r(0));
    step_for_nan(e, 0, 0);
    finish_single(e, op->rd);
    return true;
}

// As in single precision: both orders, combined.
static bool minimum(struct emitter *e, const struct op *op, bool maximum)
{
    unsigned opcode = (maximum ? 0x5f : 0x5d) | X_0F | X_F3;

    require(e, op->rs1);
    require(e, op->rs2);
    widen(e, 0, op->rs1);
    widen(e, 1, op->rs2);
    step_for_nan(e, 0, 1);
    copy_f(e, 2, 0);
    x86_op(&e->a, opcode, 0, x86_r(1));
    x86_op(&e->a, opcode, 1, x86_r(2));
    x86_op(&e->a, (maximum ? 0x54 : 0x56) | X_0F, 0, x86_r(1)); // andps, orps
    finish_single(e, op->rd);
    return true;
}

static bool round_integral(struct emitter *e, const struct op *op, bool inexact)
{
    static const int8_t modes[] = {0, 3, 1, 2, -1, -1, -1, 4};
    int mode = modes[op->imm & 7];

    if (!(e->has & HAS_SSE41) || mode < 0)
        return false;
    require(e, op->rs1);
    widen(e, 0, op->rs1);
    x86_op(&e->a, 0x0a | X_0F3A | X_66, 0, x86_r(0)); // roundss
    x86_byte(&e->a, (uint8_t)(mode | (inexact ? 0 : 8)));
    step_for_nan(e, 0, 0);
    finish_single(e, op->rd);
    return true;
}

// The operands' signaling NaNs have signaled when they were widened.
static bool compare(struct emitter *e, const struct op *op, unsigned opcode, enum x86_cc cc)
{
    unsigned d = define_x(e, op->rd, RAX);

    require(e, op->rs1);
    require(e, op->rs2);
    widen(e, 0, op->rs1);
    widen(e, 1, op->rs2);
    if (cc == CC_E) {
        x86_op(&e->a, 0xc2 | X_0F | X_F3, 0, x86_r(1)); // cmpeqss
        x86_byte(&e->a, 0);
        x86_op(&e->a, 0x7e | X_0F | X_66, 0, x86_r(d)); // movd
        x86_alu_imm(&e->a, ALU_AND, false, x86_r(d), 1);
    } else {
        x86_op(&e->a, opcode | X_0F, 1, x86_r(0));
        x86_op(&e->a, 0x90 | cc | X_0F, 0, x86_r(RAX));
        x86_op(&e->a, 0xb6 | X_0F, d, x86_r(RAX)); // movzx d, al
    }
    finish_x(e, op->rd, d);
    return true;
}

static void finish_gpr(struct emitter *e, unsigned n)
{
    x86_op(&e->a, 0x6e | X_0F | X_66 | X_W, define_f(e, n), x86_r(RAX)); // movq
    finish_half(e, n);
}

enum sign { SIGN_COPY, SIGN_NEGATE, SIGN_XOR };

static bool sign_inject(struct emitter *e, const struct op *op, enum sign what)
{
    require(e, op->rs1);
    require(e, op->rs2);
    gpr_from_f(e, RAX, op->rs1);
    gpr_from_f(e, RCX, op->rs2);
    if (what == SIGN_NEGATE)
        x86_op(&e->a, 0xf7, 2, x86_r(RCX)); // not
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RCX), 0x8000);
    if (what != SIGN_XOR)
        x86_alu_imm(&e->a, ALU_AND, true, x86_r(RAX), ~0x8000);
    x86_op(&e->a, (ALU_XOR * 8 + 3) | X_W, RAX, x86_r(RCX));
    finish_gpr(e, op->rd);
    return true;
}

static void box_gpr(struct emitter *e)
{
    x86_alu_imm(&e->a, ALU_OR, true, x86_r(RAX), -0x10000);
}

void load_half(struct emitter *e, unsigned n, struct x86_operand from)
{
    x86_op(&e->a, 0xb7 | X_0F, RAX, from); // movzx
    box_gpr(e);
    finish_gpr(e, n);
}

void store_half(struct emitter *e, unsigned n, struct x86_operand to)
{
    gpr_from_f(e, RDX, n);
    x86_op(&e->a, 0x89 | X_66, RDX, to);
}

static bool move_to_x(struct emitter *e, const struct op *op)
{
    unsigned d = define_x(e, op->rd, RAX);

    fp_settle_one(e, op->rs1);
    gpr_from_f(e, RAX, op->rs1);
    x86_op(&e->a, 0xbf | X_0F | X_W, d, x86_r(RAX)); // movsx
    finish_x(e, op->rd, d);
    return true;
}

static bool move_from_x(struct emitter *e, const struct op *op)
{
    x86_op(&e->a, 0xb7 | X_0F, RAX, guest_x(e, op->rs1)); // movzx
    box_gpr(e);
    finish_gpr(e, op->rd);
    return true;
}

static bool constant(struct emitter *e, const struct op *op)
{
    x86_mov_imm(&e->a, RAX, fp_f16_fli((unsigned)op->imm) | 0xffffffffffff0000);
    finish_gpr(e, op->rd);
    return true;
}

static bool to_single(struct emitter *e, const struct op *op)
{
    unsigned d = define_f(e, op->rd), rm = op->imm & 7;

    if (rm == 5 || rm == 6)
        return false;
    require(e, op->rs1);
    widen(e, d, op->rs1);
    x86_op(&e->a, 0x56 | X_0F, d, fp_constant(FPC_BOX)); // orps
    finish_nan(e, &fp_single, op->rd, 0);
    return true;
}

static bool to_double(struct emitter *e, const struct op *op)
{
    unsigned d = define_f(e, op->rd), rm = op->imm & 7;

    if (rm == 5 || rm == 6)
        return false;
    require(e, op->rs1);
    widen(e, d, op->rs1);
    x86_op(&e->a, 0x5a | X_0F | X_F3, d, x86_r(d)); // cvtss2sd
    finish_nan(e, &fp_double, op->rd, 0);
    return true;
}

// The upper half of the register must not raise anything: zeros, of which the box is made again.
static bool from_single(struct emitter *e, const struct op *op)
{
    unsigned d = define_f(e, op->rd);

    if (!fp_mode(e, op))
        return false;
    fp_require(e, &fp_single, op->rs1);
    x86_op(&e->a, 0x7e | X_0F | X_F3, 0, guest_f(e, op->rs1));
    copy_f(e, 0, use_f(e, op->rs1, 0)); // movq
    step_for_nan(e, 0, 0);
    x86_vex(&e->a, 0x1d | X_0F3A | X_66, 0, 0, x86_r(d)); // vcvtps2ph
    x86_byte(&e->a, 4);
    x86_op(&e->a, 0x56 | X_0F, d, fp_constant(FPC_BOX));
    finish_half(e, op->rd);
    return true;
}

static bool to_integer(struct emitter *e, const struct op *op, bool w, bool is_unsigned)
{
    unsigned rm = op->imm & 7;

    // Nothing may have been raised when the interpreter finds the mode reserved.
    if (!(e->has & HAS_SSE41) || rm == 5 || rm == 6 || (is_unsigned && rm == FP_RMM))
        return false;
    require(e, op->rs1);
    widen(e, 2, op->rs1);
    return is_unsigned ? fp_to_unsigned(e, op, &fp_single, 2, w)
                       : fp_to_signed(e, op, &fp_single, x86_r(2), w);
}

static bool from_integer(struct emitter *e, const struct op *op, bool w, bool is_unsigned)
{
    if (!fp_mode(e, op))
        return false;
    if (w && is_unsigned)
        fp_from_u64(e, &fp_single, 0, op->rs1);
    else
        fp_from_integer(e, &fp_single, 0, op->rs1, w, is_unsigned);
    finish_single(e, op->rd);
    return true;
}

static bool lower_f16c(struct emitter *e, const struct region_op *rop)
{
    const struct op *op = &rop->op;

    switch (rop->id) {
    case INSN_FADD_H: return arithmetic(e, op, 0x58);
    case INSN_FSUB_H: return arithmetic(e, op, 0x5c);
    case INSN_FMUL_H: return arithmetic(e, op, 0x59);
    case INSN_FDIV_H: return arithmetic(e, op, 0x5e);
    case INSN_FSQRT_H: return square_root(e, op);
    case INSN_FMINM_H:
    case INSN_FMIN_H: return minimum(e, op, false);
    case INSN_FMAXM_H:
    case INSN_FMAX_H: return minimum(e, op, true);
    case INSN_FROUND_H: return round_integral(e, op, false);
    case INSN_FROUNDNX_H: return round_integral(e, op, true);
    case INSN_FEQ_H: return compare(e, op, 0x2e, CC_E);
    case INSN_FLT_H: return compare(e, op, 0x2f, CC_A);
    case INSN_FLE_H: return compare(e, op, 0x2f, CC_AE);
    case INSN_FLTQ_H: return compare(e, op, 0x2e, CC_A);
    case INSN_FLEQ_H: return compare(e, op, 0x2e, CC_AE);
    case INSN_FCVT_S_H: return to_single(e, op);
    case INSN_FCVT_D_H: return to_double(e, op);
    case INSN_FCVT_H_S: return from_single(e, op);
    case INSN_FCVT_W_H: return to_integer(e, op, false, false);
    case INSN_FCVT_WU_H: return to_integer(e, op, false, true);
    case INSN_FCVT_L_H: return to_integer(e, op, true, false);
    case INSN_FCVT_LU_H: return to_integer(e, op, true, true);
    case INSN_FCVT_H_W: return from_integer(e, op, false, false);
    case INSN_FCVT_H_WU: return from_integer(e, op, false, true);
    case INSN_FCVT_H_L: return from_integer(e, op, true, false);
    case INSN_FCVT_H_LU: return from_integer(e, op, true, true);
    default: return false;
    }
}

bool lower_fhalf(struct emitter *e, const struct region_op *rop)
{
    const struct op *op = &rop->op;

    switch (rop->id) {
    case INSN_FMV_X_H: return move_to_x(e, op);
    case INSN_FMV_H_X: return move_from_x(e, op);
    case INSN_FLI_H: return constant(e, op);
    case INSN_FSGNJ_H: return sign_inject(e, op, SIGN_COPY);
    case INSN_FSGNJN_H: return sign_inject(e, op, SIGN_NEGATE);
    case INSN_FSGNJX_H: return sign_inject(e, op, SIGN_XOR);
    default: return (e->has & HAS_F16C) && lower_f16c(e, rop);
    }
}
