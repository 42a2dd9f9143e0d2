// SPDX-License-Identifier: Apache-2.0
// Single and double precision on the host's FPU, exact: MXCSR's sticky bits are the accrued flags and its
// rounding mode is frm. Results are made in the register where they are to stay; NaNs are made canonical
// later, and operands have been found boxed before (fp_lazy.c). Hosts with AVX save the moves that
// forms with two operands need.
#include "engine/jit/host_x86_64/fp.h"

#define RM_DYN 7

const struct fp_format fp_single = {X_F3, 0, 0, false}, fp_double = {X_F2, X_66, X_W, true};

void load_xmm(struct emitter *e, unsigned to, unsigned n)
{
    if (e->xmm[n] == IN_MEMORY)
        x86_op(&e->a, 0x7e | X_0F | X_F3, to, guest_f(e, n)); // movq
    else
        copy_f(e, to, e->xmm[n]);
}

unsigned use_f(struct emitter *e, unsigned n, unsigned scratch)
{
    if (e->xmm[n] != IN_MEMORY)
        return e->xmm[n];
    load_xmm(e, scratch, n);
    return scratch;
}

void copy_f(struct emitter *e, unsigned to, unsigned from)
{
    if (to != from)
        x86_op(&e->a, 0x28 | X_0F, to, x86_r(from)); // movaps
}

void gpr_from_f(struct emitter *e, unsigned gpr, unsigned n)
{
    if (e->xmm[n] != IN_MEMORY)
        x86_op(&e->a, 0x7e | X_0F | X_66 | X_W, e->xmm[n], x86_r(gpr)); // movq
    else
        x86_op(&e->a, 0x8b | X_W, gpr, guest_f(e, n));
}

bool fp_mode(struct emitter *e, const struct op *op)
{
    unsigned rm = op->imm & 7;

    if (rm == RM_DYN)
        return true;
    if (rm > 3)
        return false;
    x86_op(&e->a, 0x80, ALU_CMP, x86_m(RBP, FIELD(cpu.hart.s.frm))); // byte
    x86_byte(&e->a, (uint8_t)rm);
    stub_step(e, x86_jcc(&e->a, CC_NE));
    return true;
}

static uint32_t two(const struct op *op)
{
    return fp_bit(op->rs1) | fp_bit(op->rs2);
}

// d = a `opcode` b
static void two_operands(struct emitter *e, const struct op *op, const struct fp_format *f,
                         unsigned opcode, bool commutes)
{
    unsigned d = define_f(e, op->rd), rs1 = op->rs1, rs2 = op->rs2, to = d;

    if (commutes && e->xmm[rs2] != IN_MEMORY && (e->xmm[rs1] == IN_MEMORY || e->xmm[rs2] == d)) {
        rs1 = op->rs2;
        rs2 = op->rs1;
    }
    opcode |= X_0F | f->scalar;
    if (e->has & HAS_AVX) {
        x86_vex(&e->a, opcode, d, use_f(e, rs1, 1), guest_f(e, rs2));
        return;
    }
    if (e->xmm[rs2] == d && rs1 != rs2)
        to = 0;
    load_xmm(e, to, rs1);
    x86_op(&e->a, opcode, to, guest_f(e, rs2));
    copy_f(e, d, to);
}

static bool arithmetic(struct emitter *e, const struct op *op, const struct fp_format *f,
                       unsigned opcode, bool commutes)
{
    if (!fp_mode(e, op))
        return false;
    fp_require(e, f, op->rs1);
    fp_require(e, f, op->rs2);
    two_operands(e, op, f, opcode, commutes);
    finish_nan(e, f, op->rd, two(op));
    return true;
}

static bool square_root(struct emitter *e, const struct op *op, const struct fp_format *f)
{
    unsigned d = define_f(e, op->rd);

    if (!fp_mode(e, op))
        return false;
    fp_require(e, f, op->rs1);
    if (e->has & HAS_AVX) {
        unsigned s = use_f(e, op->rs1, 1);

        x86_vex(&e->a, 0x51 | X_0F | f->scalar, d, s, x86_r(s));
    } else {
        load_xmm(e, d, op->rs1);
        x86_op(&e->a, 0x51 | X_0F | f->scalar, d, x86_r(d));
    }
    finish_nan(e, f, op->rd, fp_bit(op->rs1));
    return true;
}

// ±(rs1 * rs2) ± rs3. A NaN is looked for at once: it may have to raise a flag, as fp_settle_fma() says,
// which needs the factors. Opcode: of the 213 form; the 231 form is 16 behind.
static bool multiply_add(struct emitter *e, const struct op *op, const struct fp_format *f,
                         unsigned opcode)
{
    unsigned rs1 = op->rs1, rs2 = op->rs2, rs3 = (unsigned)op->imm >> 8 & 31,
             d = define_f(e, op->rd);

    if (!(e->has & HAS_FMA) || !fp_mode(e, op))
        return false;
    fp_require(e, f, rs1);
    fp_require(e, f, rs2);
    fp_require(e, f, rs3);
    opcode |= X_0F38 | X_66 | f->w;
    if (d && op->rd != rs1 && op->rd != rs2) {
        load_xmm(e, d, rs3);
        if (op->rd != rs3)
            fp_forget(e, fp_bit(op->rd));
        x86_vex(&e->a, opcode + 16, d, use_f(e, rs1, 1), guest_f(e, rs2));
    } else if (d) { // the factor that goes is kept in xmm0, where fp_settle_fma() finds it
        unsigned other = op->rd == rs1 ? rs2 : rs1;

        copy_f(e, 0, d);
        x86_vex(&e->a, opcode, d, use_f(e, other, 1), guest_f(e, rs3));
    } else {
        load_xmm(e, 0, rs1);
        x86_vex(&e->a, opcode, 0, use_f(e, rs2, 1), guest_f(e, rs3));
    }
    fp_check_result(e, f, STUB_FMA, d);
    fp_no_nans(e, two(op) | fp_bit(rs3));
    finish_final(e, op->rd, !f->is_double);
    return true;
}

// After a comparison whose flags say whether rs1 or rs2 is a NaN, and are not needed any more.
static void learn_from_flags(struct emitter *e, const struct op *op, const struct fp_format *f)
{
    // NaNs take the slow way up to the instruction that restores fflags.
    if (e->index < e->restored) {
        stub_step(e, x86_jcc(&e->a, CC_P));
        fp_no_nans(e, two(op));
        return;
    }
    if (!fp_pending(e, op->rs1) && !fp_pending(e, op->rs2))
        return;
    fp_settle_stub(e, f, STUB_SETTLE, x86_jcc(&e->a, CC_P), 0);
    fp_no_nans(e, two(op));
}

static void finish_flag(struct emitter *e, const struct op *op)
{
    unsigned d = define_x(e, op->rd, RAX);

    x86_op(&e->a, 0xb6 | X_0F, d, x86_r(RAX)); // movzx d, al
    finish_x(e, op->rd, d);
}

// ucomis and cmpeqs are quiet; unordered sets ZF, PF and CF.
static bool equal(struct emitter *e, const struct op *op, const struct fp_format *f)
{
    unsigned a, d = define_x(e, op->rd, RAX);

    fp_require(e, f, op->rs1);
    fp_require(e, f, op->rs2);
    if (!fp_pending(e, op->rs1) && !fp_pending(e, op->rs2) && e->index >= e->restored) {
        load_xmm(e, 0, op->rs1);
        x86_op(&e->a, 0xc2 | X_0F | f->scalar, 0, guest_f(e, op->rs2)); // cmpeqs
        x86_byte(&e->a, 0);
        x86_op(&e->a, 0x7e | X_0F | X_66, 0, x86_r(d)); // movd
        x86_alu_imm(&e->a, ALU_AND, false, x86_r(d), 1);
        finish_x(e, op->rd, d);
        return true;
    }
    a = use_f(e, op->rs1, 0);
    x86_op(&e->a, 0x2e | X_0F | f->packed, a, guest_f(e, op->rs2));
    x86_op(&e->a, 0x90 | CC_NP | X_0F, 0, x86_r(RAX));
    x86_op(&e->a, 0x90 | CC_E | X_0F, 0, x86_r(RDX));
    learn_from_flags(e, op, f);
    x86_op(&e->a, 0x22, RAX, x86_r(RDX)); // and al, dl
    finish_flag(e, op);
    return true;
}

// comis signals for every NaN.
static bool less(struct emitter *e, const struct op *op, const struct fp_format *f, enum x86_cc cc,
                 bool quiet)
{
    fp_require(e, f, op->rs1);
    fp_require(e, f, op->rs2);
    x86_op(&e->a, (quiet ? 0x2e : 0x2f) | X_0F | f->packed, use_f(e, op->rs2, 0),
           guest_f(e, op->rs1));
    x86_op(&e->a, 0x90 | cc | X_0F, 0, x86_r(RAX));
    learn_from_flags(e, op, f);
    finish_flag(e, op);
    return true;
}

// The host gives the second operand if they are equal. Both orders are taken, and combined bit by bit:
// that orders the zeros, and changes nothing else. NaNs go out of line.
static bool minimum(struct emitter *e, const struct op *op, const struct fp_format *f, bool maximum)
{
    unsigned opcode = (maximum ? 0x5f : 0x5d) | X_0F | f->scalar, a, b;

    fp_require(e, f, op->rs1);
    fp_require(e, f, op->rs2);
    a = use_f(e, op->rs1, 0);
    b = use_f(e, op->rs2, 1);
    x86_op(&e->a, 0x2e | X_0F | f->packed, a, x86_r(b));
    stub_step(e, x86_jcc(&e->a, CC_P));
    fp_no_nans(e, two(op));
    copy_f(e, 2, a);
    x86_op(&e->a, opcode, 2, x86_r(b));
    copy_f(e, 1, b);
    x86_op(&e->a, opcode, 1, x86_r(a));
    x86_op(&e->a, (maximum ? 0x54 : 0x56) | X_0F, 1, x86_r(2)); // andps, orps
    copy_f(e, define_f(e, op->rd), 1);
    finish_final(e, op->rd, !f->is_double);
    return true;
}

// d = s `opcode` constant
static void combine_constant(struct emitter *e, unsigned opcode, unsigned rd, unsigned rs,
                             unsigned constant)
{
    unsigned d = define_f(e, rd);

    if (e->has & HAS_AVX) {
        x86_vex(&e->a, opcode | X_0F, d, use_f(e, rs, 0), fp_constant(constant));
        return;
    }
    load_xmm(e, d, rs);
    x86_op(&e->a, opcode | X_0F, d, fp_constant(constant));
}

enum sign { SIGN_COPY, SIGN_NEGATE, SIGN_XOR };

// The sign of a register itself. fmv and fabs of a NaN that is not canonical are such NaNs as well; fneg
// has to see the right sign.
static void own_sign(struct emitter *e, const struct op *op, const struct fp_format *f,
                     enum sign what)
{
    if (what == SIGN_NEGATE || e->lazy.pending[!f->is_double] >> op->rs1 & 1)
        fp_settle_one(e, op->rs1);
    if (what == SIGN_NEGATE) {
        combine_constant(e, 0x57, op->rd, op->rs1, FPC_SIGN + f->is_double); // xorps
    } else if (what == SIGN_XOR) {
        combine_constant(e, 0x54, op->rd, op->rs1, FPC_ABS + f->is_double); // andps
    } else {
        load_xmm(e, define_f(e, op->rd), op->rs1);
    }
    if (fp_pending(e, op->rs1))
        finish_nan(e, f, op->rd, fp_bit(op->rs1));
    else
        finish_final(e, op->rd, !f->is_double);
}

static bool sign_inject(struct emitter *e, const struct op *op, const struct fp_format *f,
                        enum sign what)
{
    unsigned sign = FPC_SIGN + f->is_double;

    fp_require(e, f, op->rs1);
    fp_require(e, f, op->rs2);
    if (op->rs1 == op->rs2) {
        own_sign(e, op, f, what);
        return true;
    }
    fp_settle_one(e, op->rs1);
    fp_settle_one(e, op->rs2);
    load_xmm(e, 0, op->rs2);
    x86_op(&e->a, (what == SIGN_NEGATE ? 0x55 : 0x54) | X_0F, 0, fp_constant(sign)); // andnps
    load_xmm(e, 1, op->rs1);
    if (what != SIGN_XOR)
        x86_op(&e->a, 0x54 | X_0F, 1, fp_constant(FPC_ABS + f->is_double));
    x86_op(&e->a, 0x57 | X_0F, 1, x86_r(0)); // xorps
    copy_f(e, define_f(e, op->rd), 1);
    finish_final(e, op->rd, !f->is_double);
    return true;
}

// Called with the address at hand, when nothing can go wrong any more.
void load_f(struct emitter *e, unsigned n, enum ir_type type, struct x86_operand from)
{
    unsigned d = define_f(e, n);

    if (type == IR_F16) {
        load_half(e, n, from);
        return;
    }
    if (type == IR_F64) {
        x86_op(&e->a, 0x7e | X_0F | X_F3, d, from); // movq
    } else {
        x86_op(&e->a, 0x6e | X_0F | X_66, d, from); // movd
        x86_op(&e->a, 0x56 | X_0F, d, fp_constant(FPC_BOX));
    }
    finish_final(e, n, type == IR_F32);
}

void store_f(struct emitter *e, unsigned n, enum ir_type type, struct x86_operand to)
{
    if (type == IR_F16)
        store_half(e, n, to);
    else
        x86_op(&e->a, (type == IR_F64 ? 0xd6 : 0x7e) | X_0F | X_66, use_f(e, n, 0), to);
}

static bool lower_format(struct emitter *e, unsigned id, const struct op *op,
                         const struct fp_format *f)
{
    switch (id) {
    case INSN_FADD_D: return arithmetic(e, op, f, 0x58, true);
    case INSN_FSUB_D: return arithmetic(e, op, f, 0x5c, false);
    case INSN_FMUL_D: return arithmetic(e, op, f, 0x59, true);
    case INSN_FDIV_D: return arithmetic(e, op, f, 0x5e, false);
    case INSN_FSQRT_D: return square_root(e, op, f);
    case INSN_FMADD_D: return multiply_add(e, op, f, 0xa9);
    case INSN_FMSUB_D: return multiply_add(e, op, f, 0xab);
    case INSN_FNMSUB_D: return multiply_add(e, op, f, 0xad);
    case INSN_FNMADD_D: return multiply_add(e, op, f, 0xaf);
    case INSN_FEQ_D: return equal(e, op, f);
    case INSN_FLT_D: return less(e, op, f, CC_A, false);
    case INSN_FLE_D: return less(e, op, f, CC_AE, false);
    case INSN_FLTQ_D: return less(e, op, f, CC_A, true);
    case INSN_FLEQ_D: return less(e, op, f, CC_AE, true);
    case INSN_FMINM_D:
    case INSN_FMIN_D: return minimum(e, op, f, false);
    case INSN_FMAXM_D:
    case INSN_FMAX_D: return minimum(e, op, f, true);
    case INSN_FSGNJ_D: return sign_inject(e, op, f, SIGN_COPY);
    case INSN_FSGNJN_D: return sign_inject(e, op, f, SIGN_NEGATE);
    case INSN_FSGNJX_D: return sign_inject(e, op, f, SIGN_XOR);
    default: return false;
    }
}

// The double-precision instruction that does what a single-precision one does.
static unsigned double_form(unsigned id)
{
    switch (id) {
#define SAME(name) \
    case INSN_##name##_S: return INSN_##name##_D;
        SAME(FADD)
        SAME(FSUB)
        SAME(FMUL)
        SAME(FDIV)
        SAME(FSQRT)
        SAME(FMADD)
        SAME(FMSUB)
        SAME(FNMSUB)
        SAME(FNMADD)
        SAME(FEQ)
        SAME(FLT)
        SAME(FLE)
        SAME(FLTQ)
        SAME(FLEQ)
        SAME(FMIN)
        SAME(FMAX)
        SAME(FMINM)
        SAME(FMAXM)
        SAME(FSGNJ)
        SAME(FSGNJN)
        SAME(FSGNJX)
#undef SAME
    default: return INSN_ILLEGAL;
    }
}

bool lower_fp(struct emitter *e, const struct region_op *rop)
{
    if (!e->fp)
        return false;
    if (double_form(rop->id) != INSN_ILLEGAL)
        return lower_format(e, double_form(rop->id), &rop->op, &fp_single);
    return lower_format(e, rop->id, &rop->op, &fp_double) || lower_fcvt(e, rop) ||
           lower_fhalf(e, rop) || lower_fcsr(e, rop);
}
