// SPDX-License-Identifier: Apache-2.0
// The middle's first pass: constants are folded, pairs of instructions become the one operation that
// they stand for, and results that nothing can see are dropped. It works on straight runs: from a place
// where jumps meet to the next.
#include "engine/jit/ir.h"
#include "engine/jit/translator.h"

// What is known of each register at a point of a run.
struct facts {
    uint32_t constant, word; // bit per register: its value is known; it is a sign-extended word
    uint32_t seen;           // something may have looked at it since it got its value
    uint64_t value[32];
    unsigned version[32];       // counts the register's values
    struct ir_insn *origin[32]; // the operation that gave it its value, or NULL
    unsigned of_a[32];          // the version of that operation's a
};

static void forget_all(struct facts *f)
{
    f->constant = f->word = 1; // x0
    f->seen = UINT32_MAX;
    f->value[0] = 0;
    for (unsigned reg = 0; reg < 32; reg++) {
        f->version[reg]++;
        f->origin[reg] = NULL;
    }
}

static bool is_constant(const struct facts *f, unsigned reg)
{
    return f->constant >> reg & 1;
}

static uint64_t extend(uint64_t v, enum ir_type type)
{
    switch (type) {
    case IR_I32: return (uint64_t)(int64_t)(int32_t)v;
    case IR_I16: return (uint64_t)(int64_t)(int16_t)v;
    case IR_I8: return (uint64_t)(int64_t)(int8_t)v;
    case IR_U32: return (uint32_t)v;
    case IR_U16: return (uint16_t)v;
    case IR_U8: return (uint8_t)v;
    default: return v;
    }
}

// Both operands known. False: not worth folding.
static bool fold(const struct ir_insn *in, uint64_t a, uint64_t b, uint64_t *value)
{
    bool word = in->type == IR_I32;
    unsigned count = b & (word ? 31 : 63);

    switch (in->code) {
    case IR_ADD: *value = a + b; break;
    case IR_SUB: *value = a - b; break;
    case IR_AND: *value = a & b; break;
    case IR_OR: *value = a | b; break;
    case IR_XOR: *value = a ^ b; break;
    case IR_SHL: *value = a << count; break;
    case IR_SHR: *value = (word ? (uint32_t)a : a) >> count; break;
    case IR_SAR: *value = (uint64_t)((word ? (int32_t)a : (int64_t)a) >> count); break;
    default: return false;
    }
    if (word)
        *value = extend(*value, IR_I32);
    return true;
}

static void make_constant(struct ir_insn *in, uint64_t value)
{
    in->code = IR_CONST;
    in->type = IR_I64;
    in->imm_b = false;
    in->imm = (int64_t)value;
}

static void make_move(struct ir_insn *in)
{
    in->code = in->d == in->a ? IR_NOP : IR_MOVE;
    in->type = IR_I64;
    in->imm_b = false;
    in->imm = 0;
    in->b = 0;
}

static void make_extend(struct ir_insn *in, enum ir_type type)
{
    in->code = IR_EXTEND;
    in->type = (uint8_t)type;
    in->imm_b = false;
    in->imm = 0;
    in->b = 0;
}

static bool commutes(enum ir_code code)
{
    return code == IR_ADD || code == IR_AND || code == IR_OR || code == IR_XOR;
}

static bool takes_constant(enum ir_code code)
{
    switch (code) {
    case IR_ADD:
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROR:
    case IR_SLT:
    case IR_SLTU:
    case IR_BIT_SET:
    case IR_BIT_CLEAR:
    case IR_BIT_FLIP:
    case IR_BIT_GET: return true;
    default: return false;
    }
}

static unsigned count_mask(const struct ir_insn *in)
{
    return in->type == IR_I32 ? 31 : 63;
}

static bool is_shift(enum ir_code code)
{
    return (code >= IR_SHL && code <= IR_ROR) || (code >= IR_BIT_SET && code <= IR_BIT_GET);
}

// Operands that are known become constants of the operation.
static void take_constants(struct ir_insn *in, const struct facts *f)
{
    if (in->code == IR_SUB && is_constant(f, in->b) && in->b) {
        int64_t negative = (int64_t)-f->value[in->b];

        if (negative != (int32_t)negative)
            return;
        in->code = IR_ADD;
        in->imm = negative;
        in->imm_b = true;
        in->b = 0;
        return;
    }
    if (!in->imm_b && commutes((enum ir_code)in->code) && is_constant(f, in->a) &&
        !is_constant(f, in->b)) {
        uint8_t a = in->a;

        in->a = in->b;
        in->b = a;
    }
    if (!in->imm_b && takes_constant((enum ir_code)in->code) && is_constant(f, in->b)) {
        uint64_t value = f->value[in->b];

        if (is_shift((enum ir_code)in->code))
            value &= count_mask(in);
        if ((int64_t)value != (int32_t)value)
            return;
        in->imm = (int64_t)value;
        in->imm_b = true;
        in->b = 0;
    }
}

static void simplify_constant_operand(struct ir_insn *in)
{
    switch (in->code) {
    case IR_ADD:
        if (in->imm == 0 && in->type == IR_I32)
            make_extend(in, IR_I32);
        else if (in->imm == 0)
            make_move(in);
        break;
    case IR_OR:
    case IR_XOR:
        if (in->imm == 0)
            make_move(in);
        break;
    case IR_AND:
        if (in->imm == 0xff)
            make_extend(in, IR_U8);
        else if (in->imm == 0xffff)
            make_extend(in, IR_U16);
        else if (in->imm == -1)
            make_move(in);
        break;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
        if (in->imm == 0 && in->type == IR_I64)
            make_move(in);
        break;
    default: break;
    }
}

// The operation that made `reg`, if it is `code` by a constant count.
static struct ir_insn *shift_of(const struct facts *f, unsigned reg, enum ir_code code,
                                enum ir_type type)
{
    struct ir_insn *o = f->origin[reg];

    return o && o->code == code && o->type == type && o->imm_b ? o : NULL;
}

// Whether `in` can take the operand of `origin` instead of its result `reg`: that is still there, or can
// be left there, as `in` overwrites the register and nothing has looked at it in between.
static bool can_bypass(const struct facts *f, const struct ir_insn *in,
                       const struct ir_insn *origin, unsigned reg)
{
    if (origin->a == reg)
        return in->d == reg && !(f->seen >> reg & 1);
    return f->version[origin->a] == f->of_a[reg];
}

static void bypass(struct ir_insn *origin, unsigned reg)
{
    if (origin->a == reg)
        *origin = (struct ir_insn){.code = IR_NOP, .op = origin->op};
}

// The same shift left and right again is an extension.
static void fuse_shifts(struct ir_insn *in, const struct facts *f)
{
    struct ir_insn *left = shift_of(f, in->a, IR_SHL, IR_I64);
    unsigned reg = in->a;
    bool zero = in->code == IR_SHR;
    enum ir_type type;

    if (!left || !in->imm_b || in->type != IR_I64 || !can_bypass(f, in, left, reg))
        return;
    if (zero && left->imm == 32 && in->imm >= 29 && in->imm < 32) { // the low word, shifted
        in->code = IR_SHADD;
        in->type = IR_U32;
        in->a = left->a;
        in->b = 0;
        in->imm = 32 - in->imm;
        in->imm_b = false;
        bypass(left, reg);
        return;
    }
    if (left->imm != in->imm)
        return;
    switch (in->imm) {
    case 32: type = zero ? IR_U32 : IR_I32; break;
    case 48: type = zero ? IR_U16 : IR_I16; break;
    case 56: type = zero ? IR_U8 : IR_I8; break;
    default: return;
    }
    in->a = left->a;
    make_extend(in, type);
    bypass(left, reg);
}

// An addition of what was shifted left by at most 3, also a low word.
static bool fuse_shift_add(struct ir_insn *in, const struct facts *f, unsigned reg, unsigned base)
{
    struct ir_insn *o = f->origin[reg];

    if (!o || in->a == in->b || !can_bypass(f, in, o, reg) ||
        !((o->code == IR_SHL && o->type == IR_I64 && o->imm_b && o->imm <= 3) ||
          (o->code == IR_SHADD && o->b == 0 && o->imm <= 3)))
        return false;
    in->code = IR_SHADD;
    in->type = o->type;
    in->a = o->a;
    in->b = (uint8_t)base;
    in->imm = o->imm;
    bypass(o, reg);
    return true;
}

// The two halves of a rotation, put together: x << k | x >> (width - k).
static bool fuse_rotation(struct ir_insn *in, const struct facts *f, unsigned l, unsigned r,
                          enum ir_type type)
{
    struct ir_insn *left = shift_of(f, l, IR_SHL, type), *right = shift_of(f, r, IR_SHR, type);

    if (l == r || !left || !right || left->a != right->a || f->of_a[l] != f->of_a[r] ||
        left->imm + right->imm != (type == IR_I32 ? 32 : 64) || !left->imm || !right->imm)
        return false;
    if (left->a == l) { // in place
        if (!can_bypass(f, in, left, l))
            return false;
        in->a = left->a;
        in->imm = right->imm;
        bypass(left, l);
    } else {
        if (!can_bypass(f, in, right, r))
            return false;
        in->a = right->a;
        in->imm = right->imm;
        bypass(right, r);
    }
    in->code = IR_ROR;
    in->type = (uint8_t)type;
    in->imm_b = true;
    in->b = 0;
    return true;
}

static void fuse(struct ir_insn *in, const struct facts *f)
{
    unsigned a = in->a, b = in->b;

    if (in->code == IR_SHR || in->code == IR_SAR) {
        fuse_shifts(in, f);
        return;
    }
    if (in->imm_b || in->type != IR_I64)
        return;
    if (in->code == IR_ADD && (fuse_shift_add(in, f, a, b) || fuse_shift_add(in, f, b, a)))
        return;
    if (in->code == IR_ADD || in->code == IR_OR || in->code == IR_XOR)
        (void)(fuse_rotation(in, f, a, b, IR_I32) || fuse_rotation(in, f, b, a, IR_I32) ||
               fuse_rotation(in, f, a, b, IR_I64) || fuse_rotation(in, f, b, a, IR_I64));
}

static void simplify_access(struct ir_insn *in, const struct facts *f)
{
    int64_t address;

    if (!in->a || !is_constant(f, in->a))
        return;
    address = (int64_t)(f->value[in->a] + (uint64_t)in->imm);
    if (address != (int32_t)address)
        return;
    in->a = 0;
    in->imm = address;
}

// auipc and jalr: a jump to a known place. The link register is the one that auipc wrote. Out of the
// region only: instructions inside are not prepared for being jumped to, other than by the jumps that
// were seen when it was divided into pieces.
static void simplify_jump_to(struct ir_insn *in, const struct facts *f, const struct region *r)
{
    struct ir_insn *o = f->origin[in->a];
    int64_t target;

    if (!is_constant(f, in->a))
        return;
    target = (int64_t)(((f->value[in->a] + (uint64_t)in->imm) & ~1ull) - r->pc);
    if (jit_region_find_op(r, target) >= 0)
        return;
    if (in->d != IR_NO_REG) {
        if (in->d != in->a || !o || o->code != IR_CONST || f->seen >> in->a & 1)
            return;
        o->imm = (int64_t)(r->pc + r->ops[in->op].offset + r->ops[in->op].length);
        in->d = IR_NO_REG;
    }
    in->code = IR_JUMP;
    in->imm = target;
    in->a = 0;
}

static bool gives_word(const struct ir_insn *in)
{
    switch (in->code) {
    case IR_CONST: return in->imm == (int32_t)in->imm;
    case IR_SLT:
    case IR_SLTU:
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCOUNT:
    case IR_BIT_GET: return true;
    case IR_EXTEND: return in->type != IR_U32;
    case IR_LOAD: return in->type != IR_I64 && in->type != IR_U32;
    case IR_AND: return in->imm_b && in->imm >= 0;
    default: return in->type == IR_I32;
    }
}

// Bits 63 to 31 of the operands are all alike, so they are in the result.
static bool keeps_words(const struct facts *f, const struct ir_insn *in)
{
    bool a = f->word >> in->a & 1, b = in->imm_b || f->word >> in->b & 1;

    switch (in->code) {
    case IR_MOVE: return a;
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_ANDN:
    case IR_ORN:
    case IR_XNOR:
    case IR_MIN:
    case IR_MAX: return a && b;
    case IR_SAR: return a;
    default: return false;
    }
}

static void note(struct facts *f, struct ir_insn *in)
{
    unsigned has = ir_properties((enum ir_code)in->code), d = in->d;
    bool word;

    if (has & IR_HAS_A)
        f->seen |= 1u << in->a;
    if (has & IR_HAS_B && !in->imm_b)
        f->seen |= 1u << in->b;
    if (has & IR_IS_OUT)
        f->seen = UINT32_MAX;
    if (!(has & IR_HAS_D) || d == IR_NO_REG)
        return;
    word = in->word = gives_word(in) || keeps_words(f, in);
    f->constant &= ~(1u << d);
    f->seen &= ~(1u << d);
    f->of_a[d] = f->version[in->a];
    f->version[d]++;
    f->origin[d] = has & IR_IS_PURE ? in : NULL;
    f->word = (f->word & ~(1u << d)) | (uint32_t)word << d;
    if (in->code == IR_CONST) {
        f->constant |= 1u << d;
        f->value[d] = (uint64_t)in->imm;
    }
}

static void fold_known(struct ir_insn *in, const struct facts *f)
{
    uint64_t b, value;

    if (!(ir_properties((enum ir_code)in->code) & IR_IS_PURE) ||
        !(ir_properties((enum ir_code)in->code) & IR_HAS_A) || !is_constant(f, in->a))
        return;
    if (in->code == IR_MOVE) {
        make_constant(in, f->value[in->a]);
    } else if (in->code == IR_EXTEND) {
        make_constant(in, extend(f->value[in->a], (enum ir_type)in->type));
    } else if (in->imm_b || is_constant(f, in->b)) {
        b = in->imm_b ? (uint64_t)in->imm : f->value[in->b];
        if (fold(in, f->value[in->a], b, &value))
            make_constant(in, value);
    }
}

// Divided by x0: all ones, and the dividend remains. Kernels wait by such divisions.
static void simplify_division(struct ir_insn *in)
{
    if (in->code < IR_DIV || in->code > IR_REMU || in->b)
        return;
    if (in->code == IR_DIV || in->code == IR_DIVU)
        make_constant(in, UINT64_MAX);
    else if (in->type == IR_I32)
        make_extend(in, IR_I32);
    else
        make_move(in);
}

static void simplify(struct ir_insn *in, const struct facts *f, const struct region *r)
{
    if (ir_is_access(in)) {
        simplify_access(in, f);
        return;
    }
    if (in->code == IR_JUMP_TO) {
        simplify_jump_to(in, f, r);
        return;
    }
    if (!(ir_properties((enum ir_code)in->code) & IR_IS_PURE))
        return;
    simplify_division(in);
    fold_known(in, f);
    take_constants(in, f);
    if (in->imm_b)
        simplify_constant_operand(in);
    fuse(in, f);
    if (in->code == IR_EXTEND && in->type == IR_I32 && f->word >> in->a & 1)
        make_move(in);
}

static void forward(struct ir *ir, const struct region *r)
{
    struct facts f = {0};

    forget_all(&f);
    for (unsigned i = 0; i < ir->count; i++) {
        struct ir_insn *in = &ir->insns[i];

        if (in->code == IR_PIECE && r->ops[in->op].target)
            forget_all(&f);
        simplify(in, &f, r);
        if (in->code == IR_GUEST)
            forget_all(&f);
        note(&f, in);
    }
}

// What later operations want of each register, going backward.
struct wants {
    uint64_t any;  // bit per register: its value
    uint64_t high; // bits 63 to 32 of it
};

static bool is_logic(enum ir_code code)
{
    return code == IR_AND || code == IR_OR || code == IR_XOR || code == IR_ANDN || code == IR_ORN ||
           code == IR_XNOR || code == IR_MOVE;
}

// Operations that make a word and can leave its upper half undefined.
static bool can_be_loose(const struct ir_insn *in)
{
    if (!in->word || !(ir_properties((enum ir_code)in->code) & IR_IS_PURE))
        return false;
    return in->type == IR_I32 || is_logic((enum ir_code)in->code);
}

// Whether the lower halves of its operands are enough for what it does.
static bool takes_low_a(const struct ir_insn *in)
{
    return in->loose ||
           (in->type == IR_I32 && (ir_properties((enum ir_code)in->code) & IR_IS_PURE)) ||
           in->code == IR_EXTEND || (in->code == IR_SHADD && in->type == IR_U32) ||
           (in->code == IR_AND && in->imm_b && in->imm >= 0);
}

static bool takes_low_b(const struct ir_insn *in)
{
    if (in->code == IR_STORE)
        return ir_type_size((enum ir_type)in->type) <= 4;
    return in->loose ||
           (in->type == IR_I32 && (ir_properties((enum ir_code)in->code) & IR_IS_PURE));
}

static void want(struct wants *w, unsigned reg, bool low)
{
    w->any |= 1ull << reg;
    if (!low)
        w->high |= 1ull << reg;
}

static void want_operands(struct wants *w, const struct ir_insn *in)
{
    unsigned has = ir_properties((enum ir_code)in->code);

    if (has & IR_HAS_A)
        want(w, in->a, takes_low_a(in));
    if (has & IR_HAS_B && !in->imm_b)
        want(w, in->b, takes_low_b(in));
}

// Where an access may leave, code out of line makes loose values right first, so that it wants no
// upper halves here; but it wants all values. Other operations that leave want everything.
static void pass_access(struct wants *w, const struct ir_insn *in)
{
    w->any = UINT64_MAX;
    if (in->code == IR_LOAD)
        w->high &= ~(1ull << in->d);
    want_operands(w, in);
}

// Drops results that are overwritten before anything can see them, and finds what may be loose.
static void backward(struct ir *ir)
{
    struct wants w = {UINT64_MAX, UINT64_MAX};

    for (unsigned i = ir->count; i-- > 0;) {
        struct ir_insn *in = &ir->insns[i];
        unsigned has = ir_properties((enum ir_code)in->code);

        if (ir_is_access(in)) {
            pass_access(&w, in);
        } else if (has & IR_IS_OUT || in->code == IR_PIECE) {
            w = (struct wants){UINT64_MAX, UINT64_MAX};
        } else if (in->code != IR_NOP && !(w.any >> in->d & 1)) {
            *in = (struct ir_insn){.code = IR_NOP, .op = in->op};
        } else if (in->code != IR_NOP) {
            in->loose = !(w.high >> in->d & 1) && can_be_loose(in);
            w.any &= ~(1ull << in->d);
            w.high &= ~(1ull << in->d);
            want_operands(&w, in);
        }
    }
}

static void drop_nops(struct ir *ir)
{
    unsigned n = 0;

    for (unsigned i = 0; i < ir->count; i++)
        if (ir->insns[i].code != IR_NOP)
            ir->insns[n++] = ir->insns[i];
    ir->count = n;
}

void ir_optimize(struct ir *ir, const struct region *region)
{
    forward(ir, region);
    backward(ir);
    drop_nops(ir);
}
