// SPDX-License-Identifier: Apache-2.0
// The middle's first pass: constants are folded, pairs of instructions become the one operation that
// they stand for, and results that nothing can see are dropped. It works on straight runs: from a place
// where jumps meet to the next.
#include "engine/jit/ir.h"
#include "engine/jit/translator.h"

// What is known of each register at a point of a run.
struct facts {
    uint32_t constant, word; // bit per register: its value is known; it is a sign-extended word
    uint64_t value[32];
};

static void forget_all(struct facts *f)
{
    f->constant = f->word = 1; // x0
    f->value[0] = 0;
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
}

static void make_extend(struct ir_insn *in, enum ir_type type)
{
    in->code = IR_EXTEND;
    in->type = (uint8_t)type;
    in->imm_b = false;
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

// The same shift left and right again is an extension.
static void fuse_shifts(struct ir_insn *in, const struct ir_insn *before)
{
    enum ir_type type;

    if (before->code != IR_SHL || before->type != IR_I64 || !before->imm_b || !in->imm_b ||
        in->type != IR_I64 || in->a != before->d || before->a == before->d ||
        in->imm != before->imm)
        return;
    switch (in->imm) {
    case 32: type = in->code == IR_SHR ? IR_U32 : IR_I32; break;
    case 48: type = in->code == IR_SHR ? IR_U16 : IR_I16; break;
    case 56: type = in->code == IR_SHR ? IR_U8 : IR_I8; break;
    default: return;
    }
    in->a = before->a;
    make_extend(in, type);
}

// As fuse_shifts() where the first shift is of a register in place: then it goes.
static bool fuse_shifts_in_place(struct ir_insn *in, struct ir_insn *before)
{
    uint8_t a = before->a;

    if (before->a != before->d || in->d != before->d)
        return false;
    before->a = 0; // differs from d
    fuse_shifts(in, before);
    before->a = a;
    if (in->code != IR_EXTEND)
        return false;
    in->a = a;
    before->code = IR_NOP;
    before->type = IR_I64;
    before->imm_b = false;
    return true;
}

// A shift left by at most 3 and an addition of its result, which is overwritten.
static void fuse_shift_add(struct ir_insn *in, struct ir_insn *before)
{
    uint8_t base;

    if (before->code != IR_SHL || before->type != IR_I64 || !before->imm_b || before->imm > 3 ||
        in->type != IR_I64 || in->imm_b || in->d != before->d || in->a == in->b)
        return;
    if (in->a == before->d)
        base = in->b;
    else if (in->b == before->d)
        base = in->a;
    else
        return;
    in->code = IR_SHADD;
    in->a = before->a;
    in->b = base;
    in->imm = before->imm;
    before->code = IR_NOP;
    before->imm_b = false;
}

// x << 32 >> 29 and the like: the low word shifted.
static void fuse_low_word(struct ir_insn *in, struct ir_insn *before)
{
    if (in->code != IR_SHR || before->code != IR_SHL || before->type != IR_I64 ||
        in->type != IR_I64 || !before->imm_b || !in->imm_b || before->imm != 32 || in->imm > 31 ||
        in->imm < 29 || in->a != before->d || in->d != before->d)
        return;
    in->code = IR_SHADD;
    in->type = IR_U32;
    in->a = before->a;
    in->b = 0;
    in->imm = 32 - in->imm;
    in->imm_b = false;
    before->code = IR_NOP;
    before->imm_b = false;
}

static void fuse(struct ir_insn *in, struct ir_insn *before)
{
    if (in->code == IR_SHR || in->code == IR_SAR) {
        if (!fuse_shifts_in_place(in, before))
            fuse_shifts(in, before);
        fuse_low_word(in, before);
    } else if (in->code == IR_ADD) {
        fuse_shift_add(in, before);
    }
}

// (a.u32 << k) + 0 followed by an addition.
static void fuse_word_add(struct ir_insn *in, struct ir_insn *before)
{
    uint8_t base;

    if (in->code != IR_ADD || in->type != IR_I64 || in->imm_b || in->a == in->b ||
        before->code != IR_SHADD || before->b != 0 || in->d != before->d)
        return;
    if (in->a == before->d)
        base = in->b;
    else if (in->b == before->d)
        base = in->a;
    else
        return;
    in->code = IR_SHADD;
    in->type = before->type;
    in->a = before->a;
    in->b = base;
    in->imm = before->imm;
    before->code = IR_NOP;
    before->type = IR_I64;
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

// Out of the region only: instructions inside are not prepared for being jumped to, other than by the
// jumps that were seen when it was divided into pieces.
static void simplify_jump_to(struct ir_insn *in, const struct facts *f, const struct region *r)
{
    int64_t target;

    if (!is_constant(f, in->a) || in->d != IR_NO_REG)
        return;
    target = (int64_t)(((f->value[in->a] + (uint64_t)in->imm) & ~1ull) - r->pc);
    if (jit_region_find_op(r, target) >= 0)
        return;
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

static void note(struct facts *f, const struct ir_insn *in)
{
    unsigned d = in->d;
    bool word;

    if (!(ir_properties((enum ir_code)in->code) & IR_HAS_D) || d == IR_NO_REG)
        return;
    word = in->code == IR_MOVE ? f->word >> in->a & 1 : gives_word(in);
    f->constant &= ~(1u << d);
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

static void simplify(struct ir_insn *in, struct ir_insn *before, const struct facts *f,
                     const struct region *r)
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
    fold_known(in, f);
    take_constants(in, f);
    if (in->imm_b)
        simplify_constant_operand(in);
    if (before) {
        fuse(in, before);
        fuse_word_add(in, before);
    }
    if (in->code == IR_EXTEND && in->type == IR_I32 && f->word >> in->a & 1)
        make_move(in);
}

static void forward(struct ir *ir, const struct region *r)
{
    struct ir_insn *before = NULL;
    struct facts f;

    forget_all(&f);
    for (unsigned i = 0; i < ir->count; i++) {
        struct ir_insn *in = &ir->insns[i];

        if (in->code == IR_PIECE) {
            before = NULL;
            if (r->ops[in->op].target)
                forget_all(&f);
            continue;
        }
        simplify(in, before, &f, r);
        if (in->code == IR_GUEST)
            forget_all(&f);
        note(&f, in);
        if (in->code != IR_NOP)
            before = in;
    }
}

// Drops results that are overwritten before anything can see them.
static void backward(struct ir *ir)
{
    uint64_t live = UINT64_MAX;

    for (unsigned i = ir->count; i-- > 0;) {
        struct ir_insn *in = &ir->insns[i];
        unsigned has = ir_properties((enum ir_code)in->code);

        if (has & IR_IS_OUT || in->code == IR_PIECE) {
            live = UINT64_MAX;
            continue;
        }
        if (in->code == IR_NOP)
            continue;
        if (!(live >> in->d & 1)) {
            *in = (struct ir_insn){.code = IR_NOP, .op = in->op};
            continue;
        }
        live &= ~(1ull << in->d);
        if (has & IR_HAS_A)
            live |= 1ull << in->a;
        if (has & IR_HAS_B && !in->imm_b)
            live |= 1ull << in->b;
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
