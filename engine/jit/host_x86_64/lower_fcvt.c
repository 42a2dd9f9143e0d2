// SPDX-License-Identifier: Apache-2.0
// FP conversions, moves between the register files, roundings to integral values, constants, fclass.
//
// A conversion to an integer that is out of range raises invalid and never inexact. Where the host's
// conversion might raise inexact first, the operand is rounded quietly (SSE4.1), converted, which is exact
// then, and the range checked; a second conversion, whose result is not used, raises inexact.
#include "engine/jit/host_x86_64/fp.h"
#include "lib/fp/fp.h"

#define QUIET 8   // roundsd: raises no inexact
#define DYNAMIC 4 // roundsd: MXCSR's mode

// roundsd's modes by rm, or -1.
static int round_mode(const struct op *op)
{
    static const int8_t modes[] = {0, 3, 1, 2, -1, -1, -1, DYNAMIC};

    return modes[op->imm & 7];
}

// Modes 5 and 6 make even an exact conversion illegal.
static bool reserved(const struct op *op)
{
    return (op->imm & 7) == 5 || (op->imm & 7) == 6;
}

static void round_to(struct emitter *e, const struct fp_format *f, unsigned d, struct x86_operand s,
                     int mode)
{
    x86_op(&e->a, (f->is_double ? 0x0b : 0x0a) | X_0F3A | X_66, d, s);
    x86_byte(&e->a, (uint8_t)mode);
}

// gpr = s as an integer of 64 bits or 32: truncated, or by MXCSR's mode.
static void convert(struct emitter *e, const struct fp_format *f, unsigned gpr,
                    struct x86_operand s, bool w, bool truncate)
{
    x86_op(&e->a, (truncate ? 0x2c : 0x2d) | X_0F | f->scalar | (w ? X_W : 0), gpr, s);
}

// Steps if RAX is the host's answer for what does not fit.
static void check_range(struct emitter *e, bool w)
{
    x86_alu_imm(&e->a, ALU_CMP, w, x86_r(RAX), 1); // only the most negative number less 1 overflows
    stub_step(e, x86_jcc(&e->a, CC_O));
}

static void finish_integer(struct emitter *e, const struct op *op, bool w)
{
    unsigned d = define_x(e, op->rd, RAX);

    fp_no_nans(e, fp_bit(op->rs1)); // or it would have stepped
    if (w)
        mov_rr(e, d, RAX);
    else
        x86_op(&e->a, 0x63 | X_W, d, x86_r(RAX));
    finish_x(e, op->rd, d);
}

// To nearest, ties away from zero: what is cut off is doubled, and cut off again.
static void convert_rmm(struct emitter *e, const struct fp_format *f, struct x86_operand s, bool w)
{
    round_to(e, f, 0, s, QUIET | 3);
    convert(e, f, RAX, x86_r(0), true, true);
    if (w) {
        check_range(e, true);
    } else { // not at the ends of the range, where inexact might be wrong
        x86_op(&e->a, 0x63 | X_W, RCX, x86_r(RAX)); // movsxd
        x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RCX, x86_r(RAX));
        stub_step(e, x86_jcc(&e->a, CC_NE));
        x86_op(&e->a, 0x8d, RCX, x86_m(RAX, 1)); // lea
        x86_alu_imm(&e->a, ALU_CMP, false, x86_r(RCX), INT32_MIN + 1);
        stub_step(e, x86_jcc(&e->a, CC_LE));
    }
    x86_op(&e->a, 0x10 | X_0F | f->scalar, 1, s); // movs
    x86_op(&e->a, 0x5c | X_0F | f->scalar, 1, x86_r(0));
    x86_op(&e->a, 0x58 | X_0F | f->scalar, 1, x86_r(1));
    convert(e, f, RCX, x86_r(1), false, true);
    x86_op(&e->a, 0x63 | X_W, RCX, x86_r(RCX));
    x86_op(&e->a, (ALU_ADD * 8 + 3) | X_W, RAX, x86_r(RCX));
    convert(e, f, RCX, s, true, true); // inexact
}

bool fp_to_signed(struct emitter *e, const struct op *op, const struct fp_format *f,
                  struct x86_operand s, bool w)
{
    unsigned rm = op->imm & 7;

    if (reserved(op) || (rm >= FP_RDN && rm <= FP_RMM && !(e->has & HAS_SSE41)))
        return false;
    if (rm == FP_RMM) {
        convert_rmm(e, f, s, w);
    } else if (rm == FP_RDN || rm == FP_RUP) {
        round_to(e, f, 0, s, QUIET | round_mode(op));
        convert(e, f, RAX, x86_r(0), w, true);
        check_range(e, w);
        convert(e, f, RCX, s, w, true); // inexact
    } else {
        if (rm == FP_RNE)
            fp_mode(e, op);
        convert(e, f, RAX, s, w, rm == FP_RTZ);
        check_range(e, w);
    }
    finish_integer(e, op, w);
    return true;
}

bool fp_to_unsigned(struct emitter *e, const struct op *op, const struct fp_format *f, unsigned xmm,
                    bool w)
{
    struct x86_operand s = x86_r(xmm);

    if (!(e->has & HAS_SSE41) || round_mode(op) < 0)
        return false;
    if (w) { // the upper half of the range has its sign bit set
        x86_op(&e->a, 0x2e | X_0F | f->packed, xmm, fp_constant(FPC_2_63 + f->is_double));
        stub_step(e, x86_jcc(&e->a, CC_AE));
    }
    round_to(e, f, 0, s, QUIET | round_mode(op));
    convert(e, f, RAX, x86_r(0), true, true);
    if (w) {
        x86_op(&e->a, 0x85 | X_W, RAX, x86_r(RAX));
        stub_step(e, x86_jcc(&e->a, CC_S));
    } else {
        x86_op(&e->a, 0x8b, RCX, x86_r(RAX));
        x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RCX, x86_r(RAX));
        stub_step(e, x86_jcc(&e->a, CC_NE));
    }
    convert(e, f, RCX, s, true, true); // inexact
    finish_integer(e, op, w);
    return true;
}

static bool to_integer(struct emitter *e, const struct op *op, const struct fp_format *f, bool w,
                       bool is_unsigned)
{
    fp_require(e, f, op->rs1);
    return is_unsigned ? fp_to_unsigned(e, op, f, use_f(e, op->rs1, 2), w)
                       : fp_to_signed(e, op, f, guest_f(e, op->rs1), w);
}

// A register whose low element will be written: boxed, or without a past that one would wait for.
static void prepare(struct emitter *e, const struct fp_format *f, unsigned d)
{
    if (f->is_double)
        x86_op(&e->a, 0x57 | X_0F, d, x86_r(d)); // xorps
    else
        x86_op(&e->a, 0x76 | X_0F | X_66, d, x86_r(d)); // pcmpeqd: ones
}

static void from_gpr(struct emitter *e, const struct fp_format *f, unsigned d, unsigned gpr, bool w)
{
    x86_op(&e->a, 0x2a | X_0F | f->scalar | (w ? X_W : 0), d, x86_r(gpr)); // cvtsi2s
}

// xmm d = x[n]
void fp_from_integer(struct emitter *e, const struct fp_format *f, unsigned d, unsigned n, bool w,
                     bool is_unsigned)
{
    unsigned s = use_x(e, n, RAX);

    if (is_unsigned) {
        x86_op(&e->a, 0x8b, RAX, x86_r(s));
        s = RAX;
        w = true;
    }
    prepare(e, f, d);
    from_gpr(e, f, d, s, w);
}

// The upper half of the range is halved, the lowest bit being kept where rounding sees it, and doubled.
void fp_from_u64(struct emitter *e, const struct fp_format *f, unsigned d, unsigned n)
{
    unsigned s = use_x(e, n, RAX);
    size_t large, done;

    prepare(e, f, d);
    x86_op(&e->a, 0x85 | X_W, s, x86_r(s));
    large = x86_jcc(&e->a, CC_S);
    from_gpr(e, f, d, s, true);
    done = x86_jmp(&e->a);
    x86_patch_here(&e->a, large);
    mov_rr(e, RCX, s);
    mov_rr(e, RAX, s);
    x86_op(&e->a, 0xd1 | X_W, 5, x86_r(RCX)); // shr
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RAX), 1);
    x86_op(&e->a, (ALU_OR * 8 + 3) | X_W, RCX, x86_r(RAX));
    from_gpr(e, f, d, RCX, true);
    x86_op(&e->a, 0x58 | X_0F | f->scalar, d, x86_r(d));
    x86_patch_here(&e->a, done);
}

// Steps if x[n] has more digits than the format. The C library's floor and its like come back from integers
// with the mode that took them there, where there is nothing left to round.
static void require_exact(struct emitter *e, const struct fp_format *f, unsigned n, bool w,
                          bool is_unsigned)
{
    uint8_t digits = f->is_double ? 53 : 24;
    unsigned s = use_x(e, n, RAX);

    if (w)
        mov_rr(e, RAX, s);
    else if (is_unsigned)
        x86_op(&e->a, 0x8b, RAX, x86_r(s));
    else
        x86_op(&e->a, 0x63 | X_W, RAX, x86_r(s)); // movsxd
    if (!is_unsigned) {
        x86_mov_imm(&e->a, RCX, 1ull << digits);
        x86_op(&e->a, (ALU_ADD * 8 + 3) | X_W, RAX, x86_r(RCX));
        digits++;
    }
    x86_op(&e->a, 0xc1 | X_W, 5, x86_r(RAX)); // shr
    x86_byte(&e->a, digits);
    stub_step(e, x86_jcc(&e->a, CC_NE));
}

// Words are exact in double precision, else the mode matters: it is the dynamic one, or nearest if that
// is, or there is nothing to round.
static bool from_integer(struct emitter *e, const struct op *op, const struct fp_format *f, bool w,
                         bool is_unsigned)
{
    unsigned rm = op->imm & 7;

    if (reserved(op))
        return false;
    if ((w || !f->is_double) && rm >= FP_RTZ && rm <= FP_RMM)
        require_exact(e, f, op->rs1, w, is_unsigned);
    else if (w || !f->is_double)
        fp_mode(e, op);
    if (w && is_unsigned)
        fp_from_u64(e, f, define_f(e, op->rd), op->rs1);
    else
        fp_from_integer(e, f, define_f(e, op->rd), op->rs1, w, is_unsigned);
    finish_final(e, op->rd, !f->is_double);
    return true;
}

static bool widen(struct emitter *e, const struct op *op)
{
    unsigned d = define_f(e, op->rd);

    if (reserved(op))
        return false;
    fp_require(e, &fp_single, op->rs1);
    if (e->xmm[op->rs1] != d)
        prepare(e, &fp_double, d);
    x86_op(&e->a, 0x5a | X_0F | X_F3, d, guest_f(e, op->rs1));
    finish_nan(e, &fp_double, op->rd, fp_bit(op->rs1));
    return true;
}

static bool narrow(struct emitter *e, const struct op *op)
{
    unsigned d = define_f(e, op->rd), to = d;

    if (!fp_mode(e, op))
        return false;
    if (e->xmm[op->rs1] == d)
        to = 0;
    prepare(e, &fp_single, to);
    x86_op(&e->a, 0x5a | X_0F | X_F2, to, guest_f(e, op->rs1));
    copy_f(e, d, to);
    finish_nan(e, &fp_single, op->rd, fp_bit(op->rs1));
    return true;
}

static bool move_to_x(struct emitter *e, const struct op *op, bool is_double)
{
    unsigned d = define_x(e, op->rd, RAX);

    fp_settle_one(e, op->rs1);
    if (is_double) {
        gpr_from_f(e, d, op->rs1);
    } else if (e->xmm[op->rs1] == IN_MEMORY) {
        x86_op(&e->a, 0x63 | X_W, d, guest_f(e, op->rs1)); // movsxd
    } else {
        x86_op(&e->a, 0x7e | X_0F | X_66, e->xmm[op->rs1], x86_r(d)); // movd
        x86_op(&e->a, 0x63 | X_W, d, x86_r(d));
    }
    finish_x(e, op->rd, d);
    return true;
}

static bool move_from_x(struct emitter *e, const struct op *op, bool is_double)
{
    unsigned s = use_x(e, op->rs1, RAX), d = define_f(e, op->rd);

    x86_op(&e->a, 0x6e | X_0F | X_66 | (is_double ? X_W : 0), d, x86_r(s)); // movd, movq
    if (!is_double)
        x86_op(&e->a, 0x56 | X_0F, d, fp_constant(FPC_BOX)); // orps
    finish_final(e, op->rd, !is_double);
    return true;
}

static bool constant(struct emitter *e, const struct op *op, bool is_double)
{
    uint64_t value = is_double ? fp_f64_fli((unsigned)op->imm)
                               : fp_f32_fli((unsigned)op->imm) | 0xffffffff00000000;

    x86_mov_imm(&e->a, RAX, value);
    x86_op(&e->a, 0x6e | X_0F | X_66 | X_W, define_f(e, op->rd), x86_r(RAX)); // movq
    finish_final(e, op->rd, !is_double);
    return true;
}

static bool round_integral(struct emitter *e, const struct op *op, const struct fp_format *f,
                           bool inexact)
{
    unsigned d = define_f(e, op->rd);

    if (!(e->has & HAS_SSE41) || round_mode(op) < 0)
        return false;
    fp_require(e, f, op->rs1);
    load_xmm(e, d, op->rs1);
    round_to(e, f, d, x86_r(d), round_mode(op) | (inexact ? 0 : QUIET));
    finish_nan(e, f, op->rd, fp_bit(op->rs1));
    return true;
}

// Normal numbers and zeros; all others step. EAX is 0 or -1 by the sign and chooses of two bits.
static bool classify(struct emitter *e, const struct op *op, const struct fp_format *f)
{
    unsigned w = f->is_double ? X_W : 0, d = define_x(e, op->rd, RAX);
    size_t zero, done;

    fp_require(e, f, op->rs1);
    gpr_from_f(e, RAX, op->rs1);
    x86_op(&e->a, 0x8d | w, RCX, x86_mi(RAX, RAX, 0)); // lea: without the sign
    x86_op(&e->a, 0xc1 | w, 7, x86_r(RAX));            // sar
    x86_byte(&e->a, f->is_double ? 63 : 31);
    x86_op(&e->a, 0x85 | w, RCX, x86_r(RCX));
    zero = x86_jcc(&e->a, CC_E);
    x86_op(&e->a, 0xc1 | w, 5, x86_r(RCX)); // shr: the exponent
    x86_byte(&e->a, f->is_double ? 53 : 24);
    x86_alu_imm(&e->a, ALU_SUB, false, x86_r(RCX), 1);
    x86_alu_imm(&e->a, ALU_CMP, false, x86_r(RCX), f->is_double ? 0x7fd : 0xfd);
    stub_step(e, x86_jcc(&e->a, CC_A));
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RAX), 1 << 6 | 1 << 1);
    x86_alu_imm(&e->a, ALU_XOR, false, x86_r(RAX), 1 << 6);
    done = x86_jmp(&e->a);
    x86_patch_here(&e->a, zero);
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RAX), 1 << 4 | 1 << 3);
    x86_alu_imm(&e->a, ALU_XOR, false, x86_r(RAX), 1 << 4);
    x86_patch_here(&e->a, done);
    fp_no_nans(e, fp_bit(op->rs1));
    mov_rr(e, d, RAX);
    finish_x(e, op->rd, d);
    return true;
}

static bool modulo(struct emitter *e, const struct op *op)
{
    convert(e, &fp_double, RAX, guest_f(e, op->rs1), false, true);
    check_range(e, false);
    finish_integer(e, op, false);
    return true;
}

bool lower_fcvt(struct emitter *e, const struct region_op *rop)
{
    const struct fp_format *s = &fp_single, *d = &fp_double;
    const struct op *op = &rop->op;

    switch (rop->id) {
    case INSN_FMV_X_W: return move_to_x(e, op, false);
    case INSN_FMV_X_D: return move_to_x(e, op, true);
    case INSN_FMV_W_X: return move_from_x(e, op, false);
    case INSN_FMV_D_X: return move_from_x(e, op, true);
    case INSN_FLI_S: return constant(e, op, false);
    case INSN_FLI_D: return constant(e, op, true);
    case INSN_FCLASS_S: return classify(e, op, s);
    case INSN_FCLASS_D: return classify(e, op, d);
    case INSN_FROUND_S: return round_integral(e, op, s, false);
    case INSN_FROUND_D: return round_integral(e, op, d, false);
    case INSN_FROUNDNX_S: return round_integral(e, op, s, true);
    case INSN_FROUNDNX_D: return round_integral(e, op, d, true);
    case INSN_FCVT_D_S: return widen(e, op);
    case INSN_FCVT_S_D: return narrow(e, op);
    case INSN_FCVT_W_S: return to_integer(e, op, s, false, false);
    case INSN_FCVT_W_D: return to_integer(e, op, d, false, false);
    case INSN_FCVT_L_S: return to_integer(e, op, s, true, false);
    case INSN_FCVT_L_D: return to_integer(e, op, d, true, false);
    case INSN_FCVT_WU_S: return to_integer(e, op, s, false, true);
    case INSN_FCVT_WU_D: return to_integer(e, op, d, false, true);
    case INSN_FCVT_LU_S: return to_integer(e, op, s, true, true);
    case INSN_FCVT_LU_D: return to_integer(e, op, d, true, true);
    case INSN_FCVTMOD_W_D: return modulo(e, op);
    case INSN_FCVT_S_W: return from_integer(e, op, s, false, false);
    case INSN_FCVT_D_W: return from_integer(e, op, d, false, false);
    case INSN_FCVT_S_WU: return from_integer(e, op, s, false, true);
    case INSN_FCVT_D_WU: return from_integer(e, op, d, false, true);
    case INSN_FCVT_S_L: return from_integer(e, op, s, true, false);
    case INSN_FCVT_D_L: return from_integer(e, op, d, true, false);
    case INSN_FCVT_S_LU: return from_integer(e, op, s, true, true);
    case INSN_FCVT_D_LU: return from_integer(e, op, d, true, true);
    default: return false;
    }
}
