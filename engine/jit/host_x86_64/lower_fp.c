// SPDX-License-Identifier: Apache-2.0
// Single and double precision on the host's FPU, exact: MXCSR's sticky bits are the accrued flags
// and its rounding mode is frm. A NaN as a result, an operand that is not boxed, and conversions
// out of range go out of line to the interpreter: the flags that the host has raised by then are
// among those that the interpreter raises.
#include "engine/jit/host_x86_64/fp.h"

#define RM_DYN 7
#define RM_RTZ 1

// Scalar forms of one format.
struct format {
    unsigned scalar; // prefix of addss or addsd
    unsigned packed; // prefix of ucomiss or ucomisd
    unsigned w;      // VEX.W of FMA
    bool is_double;
};

static const struct format single = {X_F3, 0, 0, false}, dbl = {X_F2, X_66, X_W, true};

static unsigned use_f(struct emitter *e, unsigned n, unsigned scratch)
{
    if (e->xmm[n] != IN_MEMORY)
        return e->xmm[n];
    x86_op(&e->a, 0x7e | X_0F | X_F3, scratch, guest_f(e, n)); // movq
    return scratch;
}

static void copy_f(struct emitter *e, unsigned to, unsigned from)
{
    if (to != from)
        x86_op(&e->a, 0x28 | X_0F, to, x86_r(from)); // movaps
}

// f[n] = xmm `from`; says whether that is a boxed single.
static void finish_f(struct emitter *e, unsigned n, unsigned from, bool boxed)
{
    if (e->xmm[n] != IN_MEMORY)
        copy_f(e, e->xmm[n], from);
    else
        x86_op(&e->a, 0xd6 | X_0F | X_66, from, guest_f(e, n)); // movq
    e->boxed = (e->boxed & ~(1u << n)) | (uint32_t)boxed << n;
}

static void to_gpr(struct emitter *e, unsigned gpr, unsigned n)
{
    if (e->xmm[n] != IN_MEMORY)
        x86_op(&e->a, 0x7e | X_0F | X_66 | X_W, e->xmm[n], x86_r(gpr)); // movq
    else
        x86_op(&e->a, 0x8b | X_W, gpr, guest_f(e, n));
}

static void from_gpr(struct emitter *e, unsigned n, unsigned gpr, bool boxed)
{
    if (e->xmm[n] != IN_MEMORY)
        x86_op(&e->a, 0x6e | X_0F | X_66 | X_W, e->xmm[n], x86_r(gpr));
    else
        x86_op(&e->a, 0x89 | X_W, gpr, guest_f(e, n));
    e->boxed = (e->boxed & ~(1u << n)) | (uint32_t)boxed << n;
}

// A single that is not boxed counts as NaN: the interpreter's affair.
static void require(struct emitter *e, const struct format *f, unsigned n)
{
    if (f->is_double || e->boxed >> n & 1)
        return;
    to_gpr(e, RAX, n);
    x86_op(&e->a, 0xc1 | X_W, 5, x86_r(RAX)); // shr
    x86_byte(&e->a, 32);
    x86_alu_imm(&e->a, ALU_CMP, false, x86_r(RAX), -1);
    // Not known to be boxed afterwards: the step comes back with it as it was.
    stub_step(e, x86_jcc(&e->a, CC_NE));
}

// Sets bits 63 to 32 of xmm0: boxes a single.
static void box(struct emitter *e)
{
    x86_op(&e->a, 0x76 | X_0F | X_66, 1, x86_r(1)); // pcmpeqd: ones
    x86_op(&e->a, 0x62 | X_0F | X_66, 0, x86_r(1)); // punpckldq
}

static void check_nan(struct emitter *e, const struct format *f)
{
    x86_op(&e->a, 0x2e | X_0F | f->packed, 0, x86_r(0)); // ucomis xmm0, xmm0
    stub_step(e, x86_jcc(&e->a, CC_P));
}

static bool dynamic(const struct op *op)
{
    return (op->imm & 7) == RM_DYN;
}

// Modes 5 and 6 make even an exact conversion illegal.
static bool reserved(const struct op *op)
{
    return (op->imm & 7) == 5 || (op->imm & 7) == 6;
}

static bool arithmetic(struct emitter *e, const struct op *op, const struct format *f,
                       unsigned opcode)
{
    if (!dynamic(op))
        return false;
    require(e, f, op->rs1);
    require(e, f, op->rs2);
    copy_f(e, 0, use_f(e, op->rs1, 0));
    x86_op(&e->a, opcode | X_0F | f->scalar, 0, guest_f(e, op->rs2));
    check_nan(e, f);
    finish_f(e, op->rd, 0, !f->is_double);
    return true;
}

static bool square_root(struct emitter *e, const struct op *op, const struct format *f)
{
    if (!dynamic(op))
        return false;
    require(e, f, op->rs1);
    copy_f(e, 0, use_f(e, op->rs1, 0));
    x86_op(&e->a, 0x51 | X_0F | f->scalar, 0, x86_r(0));
    check_nan(e, f);
    finish_f(e, op->rd, 0, !f->is_double);
    return true;
}

// xmm0 = ±(rs1 * rs2) ± rs3, by the 213 forms.
static bool multiply_add(struct emitter *e, const struct op *op, const struct format *f,
                         unsigned opcode)
{
    unsigned rs3 = (unsigned)op->imm >> 8;

    if (!(e->has & HAS_FMA) || !dynamic(op))
        return false;
    require(e, f, op->rs1);
    require(e, f, op->rs2);
    require(e, f, rs3);
    copy_f(e, 0, use_f(e, op->rs1, 0));
    x86_vex(&e->a, opcode | X_0F38 | X_66 | f->w, 0, use_f(e, op->rs2, 1), guest_f(e, rs3));
    check_nan(e, f);
    finish_f(e, op->rd, 0, !f->is_double);
    return true;
}

static void finish_flag(struct emitter *e, const struct op *op)
{
    unsigned d = define_x(e, op->rd, RAX);

    x86_op(&e->a, 0xb6 | X_0F, d, x86_r(RAX)); // movzx d, al
    finish_x(e, op->rd, d);
}

// ucomis is quiet, comis signals for every NaN; unordered sets ZF, PF and CF.
static bool equal(struct emitter *e, const struct op *op, const struct format *f)
{
    require(e, f, op->rs1);
    require(e, f, op->rs2);
    x86_op(&e->a, 0x2e | X_0F | f->packed, use_f(e, op->rs1, 0), guest_f(e, op->rs2));
    x86_op(&e->a, 0x90 | CC_NP | X_0F, 0, x86_r(RAX));
    x86_op(&e->a, 0x90 | CC_E | X_0F, 0, x86_r(RCX));
    x86_op(&e->a, 0x22, RAX, x86_r(RCX)); // and al, cl
    finish_flag(e, op);
    return true;
}

static bool less(struct emitter *e, const struct op *op, const struct format *f, enum x86_cc cc,
                 bool quiet)
{
    require(e, f, op->rs1);
    require(e, f, op->rs2);
    x86_op(&e->a, (quiet ? 0x2e : 0x2f) | X_0F | f->packed, use_f(e, op->rs2, 0),
           guest_f(e, op->rs1));
    x86_op(&e->a, 0x90 | cc | X_0F, 0, x86_r(RAX));
    finish_flag(e, op);
    return true;
}

// Equal operands are combined bit by bit, which orders the zeros; NaNs go out of line.
static bool minimum(struct emitter *e, const struct op *op, const struct format *f, bool maximum)
{
    size_t differ, done;
    unsigned b;

    require(e, f, op->rs1);
    require(e, f, op->rs2);
    copy_f(e, 0, use_f(e, op->rs1, 0));
    b = use_f(e, op->rs2, 1);
    x86_op(&e->a, 0x2e | X_0F | f->packed, 0, x86_r(b));
    stub_step(e, x86_jcc(&e->a, CC_P));
    differ = x86_jcc(&e->a, CC_NE);
    x86_op(&e->a, (maximum ? 0x54 : 0x56) | X_0F, 0, x86_r(b)); // andps, orps
    done = x86_jmp(&e->a);
    x86_patch_here(&e->a, differ);
    x86_op(&e->a, (maximum ? 0x5f : 0x5d) | X_0F | f->scalar, 0, x86_r(b));
    x86_patch_here(&e->a, done);
    finish_f(e, op->rd, 0, !f->is_double);
    return true;
}

enum sign { SIGN_COPY, SIGN_NEGATE, SIGN_XOR };

static bool sign_inject(struct emitter *e, const struct op *op, const struct format *f,
                        enum sign what)
{
    unsigned bit = f->is_double ? 63 : 31;

    require(e, f, op->rs1);
    require(e, f, op->rs2);
    if (what == SIGN_COPY && op->rs1 == op->rs2) {
        finish_f(e, op->rd, use_f(e, op->rs1, 0), !f->is_double);
        return true;
    }
    to_gpr(e, RAX, op->rs1);
    to_gpr(e, RCX, op->rs2);
    if (what == SIGN_NEGATE)
        x86_op(&e->a, 0xf7 | X_W, 2, x86_r(RCX)); // not
    if (f->is_double) {
        x86_op(&e->a, 0xc1 | X_W, 5, x86_r(RCX));
        x86_byte(&e->a, 63);
        x86_op(&e->a, 0xc1 | X_W, 4, x86_r(RCX));
        x86_byte(&e->a, 63);
    } else {
        x86_alu_imm(&e->a, ALU_AND, false, x86_r(RCX), INT32_MIN);
    }
    if (what != SIGN_XOR) {
        x86_op(&e->a, 0xba | X_0F | X_W, 6, x86_r(RAX)); // btr
        x86_byte(&e->a, (uint8_t)bit);
    }
    x86_op(&e->a, (ALU_XOR * 8 + 3) | X_W, RAX, x86_r(RCX));
    from_gpr(e, op->rd, RAX, !f->is_double);
    return true;
}

// To a signed integer; the host's answer for what does not fit is the most negative number.
static bool to_integer(struct emitter *e, const struct op *op, const struct format *f, bool w)
{
    unsigned rm = op->imm & 7, d = define_x(e, op->rd, RAX);

    if (rm != RM_DYN && rm != RM_RTZ)
        return false;
    require(e, f, op->rs1);
    x86_op(&e->a, (rm == RM_RTZ ? 0x2c : 0x2d) | X_0F | f->scalar | (w ? X_W : 0), RAX,
           guest_f(e, op->rs1));
    if (w) {
        x86_mov_imm(&e->a, RCX, 1ull << 63);
        x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RAX, x86_r(RCX));
    } else {
        x86_alu_imm(&e->a, ALU_CMP, false, x86_r(RAX), INT32_MIN);
    }
    stub_step(e, x86_jcc(&e->a, CC_E));
    if (w)
        mov_rr(e, d, RAX);
    else
        x86_op(&e->a, 0x63 | X_W, d, x86_r(RAX));
    finish_x(e, op->rd, d);
    return true;
}

// From an integer: words are exact in double precision, else the mode must be the dynamic one.
static bool from_integer(struct emitter *e, const struct op *op, const struct format *f, bool w,
                         bool is_unsigned)
{
    unsigned s = use_x(e, op->rs1, RAX);

    if (reserved(op) || (!dynamic(op) && (w || !f->is_double)))
        return false;
    if (is_unsigned) {
        x86_op(&e->a, 0x8b, RAX, x86_r(s));
        s = RAX;
        w = true;
    }
    x86_op(&e->a, 0x57 | X_0F, 0, x86_r(0)); // xorps
    x86_op(&e->a, 0x2a | X_0F | f->scalar | (w ? X_W : 0), 0, x86_r(s));
    if (!f->is_double)
        box(e);
    finish_f(e, op->rd, 0, !f->is_double);
    return true;
}

static bool widen(struct emitter *e, const struct op *op)
{
    if (reserved(op))
        return false;
    require(e, &single, op->rs1);
    x86_op(&e->a, 0x5a | X_0F | X_F3, 0, guest_f(e, op->rs1));
    check_nan(e, &dbl);
    finish_f(e, op->rd, 0, false);
    return true;
}

static bool narrow(struct emitter *e, const struct op *op)
{
    if (!dynamic(op))
        return false;
    x86_op(&e->a, 0x5a | X_0F | X_F2, 0, guest_f(e, op->rs1));
    check_nan(e, &single);
    box(e);
    finish_f(e, op->rd, 0, true);
    return true;
}

void load_f(struct emitter *e, unsigned n, bool is_double, struct x86_operand from)
{
    if (is_double) {
        x86_op(&e->a, 0x7e | X_0F | X_F3, 0, from); // movq
    } else {
        x86_op(&e->a, 0x6e | X_0F | X_66, 0, from); // movd
        box(e);
    }
    finish_f(e, n, 0, !is_double);
}

void store_f(struct emitter *e, unsigned n, bool is_double, struct x86_operand to)
{
    x86_op(&e->a, (is_double ? 0xd6 : 0x7e) | X_0F | X_66, use_f(e, n, 0), to);
}

static bool move_to_x(struct emitter *e, const struct op *op, bool is_double)
{
    unsigned d = define_x(e, op->rd, RAX);

    to_gpr(e, d, op->rs1);
    if (!is_double)
        x86_op(&e->a, 0x63 | X_W, d, x86_r(d));
    finish_x(e, op->rd, d);
    return true;
}

static bool move_from_x(struct emitter *e, const struct op *op, bool is_double)
{
    unsigned s = use_x(e, op->rs1, RAX);

    if (is_double) {
        from_gpr(e, op->rd, s, false);
    } else {
        x86_op(&e->a, 0x6e | X_0F | X_66, 0, x86_r(s)); // movd
        box(e);
        finish_f(e, op->rd, 0, true);
    }
    return true;
}

static bool lower_format(struct emitter *e, unsigned id, const struct op *op,
                         const struct format *f)
{
    switch (id) {
    case INSN_FADD_D: return arithmetic(e, op, f, 0x58);
    case INSN_FSUB_D: return arithmetic(e, op, f, 0x5c);
    case INSN_FMUL_D: return arithmetic(e, op, f, 0x59);
    case INSN_FDIV_D: return arithmetic(e, op, f, 0x5e);
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
    case INSN_FMIN_D: return minimum(e, op, f, false);
    case INSN_FMAX_D: return minimum(e, op, f, true);
    case INSN_FSGNJ_D: return sign_inject(e, op, f, SIGN_COPY);
    case INSN_FSGNJN_D: return sign_inject(e, op, f, SIGN_NEGATE);
    case INSN_FSGNJX_D: return sign_inject(e, op, f, SIGN_XOR);
    case INSN_FCVT_W_D: return to_integer(e, op, f, false);
    case INSN_FCVT_L_D: return to_integer(e, op, f, true);
    case INSN_FCVT_D_W: return from_integer(e, op, f, false, false);
    case INSN_FCVT_D_WU: return from_integer(e, op, f, false, true);
    case INSN_FCVT_D_L: return from_integer(e, op, f, true, false);
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
        SAME(FSGNJ)
        SAME(FSGNJN)
        SAME(FSGNJX)
        SAME(FCVT_W)
        SAME(FCVT_L)
#undef SAME
    case INSN_FCVT_S_W: return INSN_FCVT_D_W;
    case INSN_FCVT_S_WU: return INSN_FCVT_D_WU;
    case INSN_FCVT_S_L: return INSN_FCVT_D_L;
    default: return INSN_ILLEGAL;
    }
}

bool lower_fp(struct emitter *e, const struct region_op *rop)
{
    const struct op *op = &rop->op;

    if (!e->fp)
        return false;
    switch (rop->id) {
    case INSN_FMV_X_W: return move_to_x(e, op, false);
    case INSN_FMV_X_D: return move_to_x(e, op, true);
    case INSN_FMV_W_X: return move_from_x(e, op, false);
    case INSN_FMV_D_X: return move_from_x(e, op, true);
    case INSN_FCVT_D_S: return widen(e, op);
    case INSN_FCVT_S_D: return narrow(e, op);
    default: break;
    }
    if (lower_fcsr(e, rop))
        return true;
    if (double_form(rop->id) != INSN_ILLEGAL)
        return lower_format(e, double_form(rop->id), op, &single);
    return lower_format(e, rop->id, op, &dbl);
}
