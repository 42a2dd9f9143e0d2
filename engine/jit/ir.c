// SPDX-License-Identifier: Apache-2.0
// The IR's table, and what holds for every list of operations.
#include "engine/jit/ir.h"

#include "engine/jit/translator.h"

#define D IR_HAS_D
#define A IR_HAS_A
#define B IR_HAS_B
#define PURE IR_IS_PURE
#define OUT IR_IS_OUT
#define WORD IR_HAS_WORD

static const struct {
    const char *name;
    uint8_t properties;
} table[IR_COUNT] = {
#define IR(code, name, properties) [IR_##code] = {name, properties},
#include "engine/jit/ir.def"
#undef IR
};

static const struct {
    const char *name;
    uint8_t size;
} types[IR_TYPES] = {
    [IR_I64] = {"i64", 8}, [IR_I32] = {"i32", 4}, [IR_I16] = {"i16", 2},    [IR_I8] = {"i8", 1},
    [IR_U32] = {"u32", 4}, [IR_U16] = {"u16", 2}, [IR_U8] = {"u8", 1},      [IR_F64] = {"f64", 8},
    [IR_F32] = {"f32", 4}, [IR_F16] = {"f16", 2}, [IR_V128] = {"v128", 16},
};

unsigned ir_properties(enum ir_code code)
{
    return table[code].properties;
}

const char *ir_name(enum ir_code code)
{
    return table[code].name;
}

const char *ir_type_name(enum ir_type type)
{
    return types[type].name;
}

unsigned ir_type_size(enum ir_type type)
{
    return types[type].size;
}

int ir_jump_target(const struct ir_insn *in, const struct region *region)
{
    if (in->code != IR_BRANCH && in->code != IR_JUMP)
        return -1;
    return jit_region_find_op(region, in->imm);
}

// Those whose code depends on what stands before them, other than the FP state that detours keep: a step may
// change translations.
bool ir_ends_detour(const struct ir_insn *in, const struct region *region)
{
    unsigned id = region->ops[in->op].id;

    if (in->code == IR_PIECE)
        return true;
    if (in->code != IR_GUEST)
        return false;
    return !(riscv_insn_info[id].regs & (RD_F | RS1_F | RS2_F | RS3_F)) ||
           (id >= INSN_CSRRW && id <= INSN_CSRRCI);
}

static bool is_shift(enum ir_code code)
{
    return (code >= IR_SHL && code <= IR_ROR) || (code >= IR_BIT_SET && code <= IR_BIT_GET);
}

static bool fits(int64_t v)
{
    return v == (int32_t)v;
}

static const char *verify_operands(const struct ir_insn *in)
{
    unsigned has = table[in->code].properties;

    if ((has & IR_HAS_D) && in->d > IR_NO_REG)
        return "no such d";
    if ((has & IR_HAS_D) && (has & IR_IS_PURE) && (in->d == 0 || in->d == IR_NO_REG))
        return "a pure operation without a result";
    if ((has & IR_HAS_A) && in->a > 31)
        return "no such a";
    if ((has & IR_HAS_B) && in->b > 31)
        return "no such b";
    if (in->imm_b && (!(has & IR_HAS_B) || !fits(in->imm)))
        return "a constant that does not fit";
    if (in->imm_b && is_shift((enum ir_code)in->code) &&
        (uint64_t)in->imm > (in->type == IR_I32 ? 31 : 63))
        return "a shift by more than there are bits";
    if (in->code == IR_SHADD && (uint64_t)in->imm > 63)
        return "a shift by more than there are bits";
    if (in->code == IR_JUMP_TO && !fits(in->imm))
        return "a constant that does not fit";
    return NULL;
}

static const char *verify_type(const struct ir_insn *in)
{
    unsigned has = table[in->code].properties;

    switch (in->code) {
    case IR_BRANCH: return in->type <= IR_GEU ? NULL : "no such condition";
    case IR_EXTEND:
        return in->type > IR_I64 && in->type <= IR_U8 ? NULL : "extends from no smaller type";
    case IR_SHADD: return in->type == IR_I64 || in->type == IR_U32 ? NULL : "wrong type";
    case IR_LOAD: return in->type <= IR_U8 ? NULL : "wrong type";
    case IR_STORE:
        return in->type <= IR_I8 || (in->type == IR_V128 && in->path == IR_INLINE) ? NULL
                                                                                   : "wrong type";
    case IR_FLOAD:
    case IR_FSTORE: return in->type >= IR_F64 && in->type <= IR_F16 ? NULL : "wrong type";
    default:
        return in->type == IR_I64 || ((has & IR_HAS_WORD) && in->type == IR_I32) ? NULL
                                                                                 : "wrong type";
    }
}

// What the back end may leave to the interpreter has to be what the guest's instruction is.
static const char *verify_step(const struct ir_insn *in, const struct region_op *rop)
{
    unsigned has = table[in->code].properties;

    if (in->path == IR_INLINE) {
        if (ir_is_access(in) ? in->access == IR_LOOK_UP
                             : (has & (IR_IS_PURE | IR_IS_OUT)) != IR_IS_PURE)
            return "an operation in place of others that can't stand there";
    } else if (ir_is_access(in)) {
        if (in->code == IR_LOAD || in->code == IR_FLOAD ? in->d != rop->op.rd
                                                        : in->b != rop->op.rs2)
            return "an access of another register than the guest's";
    } else if ((has & (IR_IS_PURE | IR_IS_OUT)) == (IR_IS_PURE | IR_IS_OUT)) {
        if (in->d != rop->op.rd || in->a != rop->op.rs1 || in->imm_b ||
            ((has & IR_HAS_B) && in->b != rop->op.rs2))
            return "other operands than the guest's";
    }
    return NULL;
}

static const char *verify_slot(const struct ir *ir, const struct ir_insn *in, uint32_t *open)
{
    if (!fits(in->imm) || in->access > IR_FOLLOW)
        return "no such access";
    if (in->access == IR_LOOK_UP)
        return NULL;
    if (in->slot >= ir->slots)
        return "no such slot";
    if (in->access == IR_FOLLOW)
        return *open >> in->slot & 1 ? NULL : "follows a slot that nothing opened";
    *open |= 1u << in->slot;
    if (in->low > 0 || in->high < (int)ir_type_size(in->type) || in->high - in->low > 4096)
        return "a slot's range without its own access";
    if (in->a && (!fits(in->imm + in->low) || !fits(in->imm + in->high)))
        return "a slot's range that does not fit";
    if (ir_is_store(in) && !in->for_write)
        return "a store to a page that is looked up for loads";
    if ((in->access == IR_STREAM) != (ir->streams >> in->slot & 1))
        return "a stream that is not announced";
    if (in->high - in->low > ir->span[in->slot])
        return "a range that is longer than its slot's";
    return NULL;
}

// Loose registers are made right where an access leaves, but nowhere else, and are no addresses.
static const char *verify_loose(const struct ir_insn *in, uint64_t *loose)
{
    unsigned has = table[in->code].properties;

    if (in->loose && (!in->word || !(has & IR_IS_PURE) || (has & IR_IS_OUT)) &&
        !(in->code == IR_LOAD && in->path == IR_INLINE && in->word))
        return "a loose result of what can't have one";
    if (ir_is_access(in) && *loose >> in->a & 1)
        return "a loose address";
    if (*loose && !ir_is_access(in) && ((has & IR_IS_OUT) || in->code == IR_PIECE))
        return "a loose register where the guest may be left";
    if (has & IR_HAS_D)
        *loose = (*loose & ~(1ull << in->d)) | (uint64_t)in->loose << in->d;
    return NULL;
}

// Jumps inside the region go to places that know of it: facts end there, and the budget is looked at.
static const char *verify_jump(const struct ir_insn *in, const struct region *r)
{
    int target;

    if (in->code != IR_BRANCH && in->code != IR_JUMP)
        return NULL;
    target = jit_region_find_op(r, in->imm);
    if (target < 0)
        return NULL;
    if (!r->ops[target].leader || !r->ops[target].target)
        return "a jump to where none is expected";
    if ((unsigned)target <= in->op && !r->ops[target].back)
        return "a jump back to where the budget is not looked at";
    return NULL;
}

static const char *verify_piece(const struct ir_insn *in, const struct ir_insn *before,
                                const struct region_op *rop)
{
    bool first = !before || before->op != in->op;

    if (in->code != IR_PIECE)
        return rop->leader && first ? "a piece is missing" : NULL;
    if (rop->entry && in->op && !rop->target)
        return "an entry where something is known";
    if (!rop->leader || !first || in->imm != rop->left)
        return "a piece that is none";
    return NULL;
}

// What stands only here or there goes by a slot that was opened on the same detour.
struct reach {
    uint32_t opened;       // slots
    uint16_t at[IR_SLOTS]; // by which op
};

static const char *verify_path(const struct ir_insn *in, const struct region *r,
                               struct reach *reach)
{
    if (ir_ends_detour(in, r))
        reach->opened = 0;
    if (in->path > IR_DETOUR || (in->swapped && (in->path != IR_INLINE || !ir_is_access(in))))
        return "no such path";
    if (ir_opens(in) && !in->sole) {
        reach->opened |= 1u << in->slot;
        reach->at[in->slot] = in->op;
    } else if (in->path != IR_ALWAYS && (in->slot >= IR_SLOTS || !(reach->opened >> in->slot & 1) ||
                                         in->op - reach->at[in->slot] >= IR_DETOUR_MAX)) {
        return "a path that nothing leads to";
    }
    return NULL;
}

// As it is without what stands on the other path.
static const char *verify_without(const struct ir *ir, const struct region *region,
                                  enum ir_path other)
{
    const struct ir_insn *before = NULL;
    struct reach reach = {0};
    uint64_t loose = 0;
    uint32_t open = 0;

    for (unsigned i = 0; i < ir->count; i++) {
        const struct ir_insn *in = &ir->insns[i];
        const struct region_op *rop = &region->ops[in->op];
        const char *wrong;

        if (in->op >= region->count || (before && in->op < before->op))
            return "instructions out of order";
        if (in->code >= IR_COUNT)
            return "no such operation";
        if (in->path == other)
            continue;
        if (in->code == IR_PIECE && (rop->target || in->op == 0))
            open = 0; // what is open here is not known
        wrong = verify_piece(in, before, rop);
        wrong = wrong ? wrong : verify_operands(in);
        wrong = wrong ? wrong : verify_type(in);
        wrong = wrong ? wrong : verify_step(in, rop);
        wrong = wrong ? wrong : verify_jump(in, region);
        wrong = wrong ? wrong : verify_loose(in, &loose);
        if (!wrong && ir_is_access(in))
            wrong = verify_slot(ir, in, &open);
        wrong = wrong ? wrong : verify_path(in, region, &reach);
        if (wrong)
            return wrong;
        before = in;
    }
    return NULL;
}

const char *ir_verify(const struct ir *ir, const struct region *region)
{
    const char *wrong;

    if (ir->count > IR_INSNS_MAX || ir->slots > IR_SLOTS)
        return "too long";
    if (!ir->count || ir->insns[0].code != IR_PIECE)
        return "does not begin with a piece";
    wrong = verify_without(ir, region, IR_DETOUR);
    return wrong ? wrong : verify_without(ir, region, IR_INLINE);
}

const char *ir_translate(struct ir *ir, const struct region *region, bool verify)
{
    static void (*const passes[])(struct ir *, const struct region *) = {
        ir_make, ir_optimize, ir_share_accesses, ir_widen};
    const char *wrong = NULL;

    for (unsigned i = 0; i < sizeof(passes) / sizeof(passes[0]) && !wrong; i++) {
        passes[i](ir, region);
        if (verify)
            wrong = ir_verify(ir, region);
    }
    return wrong;
}
