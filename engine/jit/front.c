// SPDX-License-Identifier: Apache-2.0
// From decoded instructions to the IR.
#include "engine/jit/ir.h"
#include "engine/jit/translator.h"

// Instructions with operands in the places of their encoding.
struct form {
    uint8_t code, type;
};

static const struct form three_registers[INSN_COUNT] = {
    [INSN_ADD] = {IR_ADD, IR_I64},           [INSN_ADDW] = {IR_ADD, IR_I32},
    [INSN_SUB] = {IR_SUB, IR_I64},           [INSN_SUBW] = {IR_SUB, IR_I32},
    [INSN_AND] = {IR_AND, IR_I64},           [INSN_OR] = {IR_OR, IR_I64},
    [INSN_XOR] = {IR_XOR, IR_I64},           [INSN_ANDN] = {IR_ANDN, IR_I64},
    [INSN_ORN] = {IR_ORN, IR_I64},           [INSN_XNOR] = {IR_XNOR, IR_I64},
    [INSN_SLL] = {IR_SHL, IR_I64},           [INSN_SLLW] = {IR_SHL, IR_I32},
    [INSN_SRL] = {IR_SHR, IR_I64},           [INSN_SRLW] = {IR_SHR, IR_I32},
    [INSN_SRA] = {IR_SAR, IR_I64},           [INSN_SRAW] = {IR_SAR, IR_I32},
    [INSN_ROL] = {IR_ROL, IR_I64},           [INSN_ROLW] = {IR_ROL, IR_I32},
    [INSN_ROR] = {IR_ROR, IR_I64},           [INSN_RORW] = {IR_ROR, IR_I32},
    [INSN_SLT] = {IR_SLT, IR_I64},           [INSN_SLTU] = {IR_SLTU, IR_I64},
    [INSN_MIN] = {IR_MIN, IR_I64},           [INSN_MINU] = {IR_MINU, IR_I64},
    [INSN_MAX] = {IR_MAX, IR_I64},           [INSN_MAXU] = {IR_MAXU, IR_I64},
    [INSN_MUL] = {IR_MUL, IR_I64},           [INSN_MULW] = {IR_MUL, IR_I32},
    [INSN_MULH] = {IR_MULH, IR_I64},         [INSN_MULHSU] = {IR_MULHSU, IR_I64},
    [INSN_MULHU] = {IR_MULHU, IR_I64},       [INSN_DIV] = {IR_DIV, IR_I64},
    [INSN_DIVW] = {IR_DIV, IR_I32},          [INSN_DIVU] = {IR_DIVU, IR_I64},
    [INSN_DIVUW] = {IR_DIVU, IR_I32},        [INSN_REM] = {IR_REM, IR_I64},
    [INSN_REMW] = {IR_REM, IR_I32},          [INSN_REMU] = {IR_REMU, IR_I64},
    [INSN_REMUW] = {IR_REMU, IR_I32},        [INSN_BSET] = {IR_BIT_SET, IR_I64},
    [INSN_BCLR] = {IR_BIT_CLEAR, IR_I64},    [INSN_BINV] = {IR_BIT_FLIP, IR_I64},
    [INSN_BEXT] = {IR_BIT_GET, IR_I64},      [INSN_CZERO_EQZ] = {IR_ZERO_EQ, IR_I64},
    [INSN_CZERO_NEZ] = {IR_ZERO_NE, IR_I64}, [INSN_CLMUL] = {IR_CLMUL, IR_I64},
    [INSN_CLMULH] = {IR_CLMULH, IR_I64},     [INSN_CLMULR] = {IR_CLMULR, IR_I64},
};

// rs1 and a constant.
static const struct form with_constant[INSN_COUNT] = {
    [INSN_ADDI] = {IR_ADD, IR_I64},        [INSN_ADDIW] = {IR_ADD, IR_I32},
    [INSN_ANDI] = {IR_AND, IR_I64},        [INSN_ORI] = {IR_OR, IR_I64},
    [INSN_XORI] = {IR_XOR, IR_I64},        [INSN_SLTI] = {IR_SLT, IR_I64},
    [INSN_SLTIU] = {IR_SLTU, IR_I64},      [INSN_SLLI] = {IR_SHL, IR_I64},
    [INSN_SLLIW] = {IR_SHL, IR_I32},       [INSN_SRLI] = {IR_SHR, IR_I64},
    [INSN_SRLIW] = {IR_SHR, IR_I32},       [INSN_SRAI] = {IR_SAR, IR_I64},
    [INSN_SRAIW] = {IR_SAR, IR_I32},       [INSN_RORI] = {IR_ROR, IR_I64},
    [INSN_RORIW] = {IR_ROR, IR_I32},       [INSN_BSETI] = {IR_BIT_SET, IR_I64},
    [INSN_BCLRI] = {IR_BIT_CLEAR, IR_I64}, [INSN_BINVI] = {IR_BIT_FLIP, IR_I64},
    [INSN_BEXTI] = {IR_BIT_GET, IR_I64},
};

static const struct form one_register[INSN_COUNT] = {
    [INSN_SEXT_B] = {IR_EXTEND, IR_I8},   [INSN_SEXT_H] = {IR_EXTEND, IR_I16},
    [INSN_ZEXT_H] = {IR_EXTEND, IR_U16},  [INSN_CLZ] = {IR_CLZ, IR_I64},
    [INSN_CLZW] = {IR_CLZ, IR_I32},       [INSN_CTZ] = {IR_CTZ, IR_I64},
    [INSN_CTZW] = {IR_CTZ, IR_I32},       [INSN_CPOP] = {IR_POPCOUNT, IR_I64},
    [INSN_CPOPW] = {IR_POPCOUNT, IR_I32}, [INSN_REV8] = {IR_BYTESWAP, IR_I64},
    [INSN_ORC_B] = {IR_BYTEMASK, IR_I64},
};

static const struct form accesses[INSN_COUNT] = {
    [INSN_LB] = {IR_LOAD, IR_I8},     [INSN_LH] = {IR_LOAD, IR_I16},
    [INSN_LW] = {IR_LOAD, IR_I32},    [INSN_LD] = {IR_LOAD, IR_I64},
    [INSN_LBU] = {IR_LOAD, IR_U8},    [INSN_LHU] = {IR_LOAD, IR_U16},
    [INSN_LWU] = {IR_LOAD, IR_U32},   [INSN_SB] = {IR_STORE, IR_I8},
    [INSN_SH] = {IR_STORE, IR_I16},   [INSN_SW] = {IR_STORE, IR_I32},
    [INSN_SD] = {IR_STORE, IR_I64},   [INSN_FLW] = {IR_FLOAD, IR_F32},
    [INSN_FLD] = {IR_FLOAD, IR_F64},  [INSN_FSW] = {IR_FSTORE, IR_F32},
    [INSN_FSD] = {IR_FSTORE, IR_F64}, [INSN_FLH] = {IR_FLOAD, IR_F16},
    [INSN_FSH] = {IR_FSTORE, IR_F16},
};

static const struct form shift_adds[INSN_COUNT] = {
    [INSN_SH1ADD] = {1, IR_I64},    [INSN_SH2ADD] = {2, IR_I64},    [INSN_SH3ADD] = {3, IR_I64},
    [INSN_SH1ADD_UW] = {1, IR_U32}, [INSN_SH2ADD_UW] = {2, IR_U32}, [INSN_SH3ADD_UW] = {3, IR_U32},
};

static bool takes_rs2(enum insn_format format)
{
    switch (format) {
    case FMT_R:
    case FMT_STORE:
    case FMT_BRANCH:
    case FMT_SFENCE:
    case FMT_HSV:
    case FMT_AMO:
    case FMT_FR4:
    case FMT_FR_RM: return true;
    default: return false;
    }
}

static bool takes_rs1(enum insn_format format)
{
    switch (format) {
    case FMT_U:
    case FMT_J:
    case FMT_FENCE:
    case FMT_NONE:
    case FMT_CSRI:
    case FMT_FLI: return false;
    default: return true;
    }
}

static bool gives_rd(enum insn_format format)
{
    switch (format) {
    case FMT_STORE:
    case FMT_BRANCH:
    case FMT_FENCE:
    case FMT_NONE:
    case FMT_SFENCE:
    case FMT_HSV:
    case FMT_CBO:
    case FMT_PREFETCH: return false;
    default: return true;
    }
}

// Which integer registers the instruction takes and gives. amocas of a pair touches the next ones, too:
// as no operation of the IR knows their values, and every step stores and loads all, that is no matter.
static void guest(struct ir_insn *in, const struct region_op *rop)
{
    const struct insn_info *info = &riscv_insn_info[rop->id];
    const struct op *op = &rop->op;

    in->code = IR_GUEST;
    in->type = IR_I64;
    in->d = gives_rd(info->format) && !(info->regs & RD_F) ? op->rd : IR_NO_REG;
    in->a = takes_rs1(info->format) && !(info->regs & RS1_F) ? op->rs1 : 0;
    in->b = takes_rs2(info->format) && !(info->regs & RS2_F) ? op->rs2 : 0;
}

static bool make_arithmetic(struct ir_insn *in, const struct region_op *rop)
{
    const struct form *f;

    f = &three_registers[rop->id];
    if (f->code) {
        *in = (struct ir_insn){f->code, f->type, .d = in->d, .a = in->a, .b = rop->op.rs2};
        return true;
    }
    f = &with_constant[rop->id];
    if (f->code) {
        *in = (struct ir_insn){f->code,      f->type, .d = in->d, .a = in->a, .imm = rop->op.imm,
                               .imm_b = true};
        return true;
    }
    f = &one_register[rop->id];
    if (f->code) {
        *in = (struct ir_insn){f->code, f->type, .d = in->d, .a = in->a};
        return true;
    }
    f = &shift_adds[rop->id];
    if (f->code) {
        *in = (struct ir_insn){IR_SHADD,   f->type,          .d = in->d,
                               .a = in->a, .b = rop->op.rs2, .imm = f->code};
        return true;
    }
    return false;
}

static bool make_constant(struct ir_insn *in, const struct region *r, const struct region_op *rop)
{
    if (rop->id != INSN_LUI && rop->id != INSN_AUIPC)
        return false;
    in->code = IR_CONST;
    in->imm = rop->op.imm;
    if (rop->id == INSN_AUIPC)
        in->imm = (int64_t)((uint64_t)in->imm + r->pc + rop->offset); // may wrap around
    return true;
}

static bool make_odd(struct ir_insn *in, const struct region_op *rop)
{
    switch (rop->id) {
    case INSN_ADD_UW:
    case INSN_SLLI_UW: // plus nothing
        in->code = IR_SHADD;
        in->type = IR_U32;
        in->b = rop->id == INSN_ADD_UW ? rop->op.rs2 : 0;
        in->imm = rop->op.imm;
        return true;
    default: return false;
    }
}

static bool make_access(struct ir_insn *in, const struct region *r, const struct region_op *rop)
{
    const struct form *f = &accesses[rop->id];

    if (!f->code || (f->code >= IR_FLOAD && !(r->flavor & FLAVOR_FP)))
        return false;
    in->code = f->code;
    in->type = f->type;
    in->b = rop->op.rs2;
    in->imm = rop->op.imm;
    return true;
}

static bool make_jump(struct ir_insn *in, const struct region_op *rop)
{
    if (rop->id >= INSN_BEQ && rop->id <= INSN_BGEU) {
        static const uint8_t conditions[] = {IR_EQ, IR_NE, IR_LT, IR_GE, IR_LTU, IR_GEU};

        in->code = IR_BRANCH;
        in->type = conditions[rop->id - INSN_BEQ];
        in->b = rop->op.rs2;
        in->imm = rop->offset + (int64_t)rop->op.imm;
        return true;
    }
    if (rop->id == INSN_JALR) {
        in->code = IR_JUMP_TO;
        in->imm = rop->op.imm;
        return true;
    }
    return false;
}

static struct ir_insn *add(struct ir *ir, unsigned op)
{
    struct ir_insn *in = &ir->insns[ir->count++];

    *in = (struct ir_insn){.op = (uint16_t)op};
    return in;
}

// jal: the link register, then the jump.
static void make_jal(struct ir *ir, const struct region *r, unsigned op)
{
    const struct region_op *rop = &r->ops[op];
    struct ir_insn *in;

    if (rop->op.rd != IR_NO_REG) {
        in = add(ir, op);
        in->code = IR_CONST;
        in->d = rop->op.rd;
        in->imm = (int64_t)(r->pc + rop->offset + rop->length);
    }
    in = add(ir, op);
    in->code = IR_JUMP;
    in->imm = rop->offset + (int64_t)rop->op.imm;
}

static void make(struct ir *ir, const struct region *r, unsigned op)
{
    const struct region_op *rop = &r->ops[op];
    struct ir_insn *in;

    if (rop->id == INSN_JAL) {
        make_jal(ir, r, op);
        return;
    }
    in = add(ir, op);
    in->d = rop->op.rd;
    in->a = rop->op.rs1;
    if (!make_arithmetic(in, rop) && !make_constant(in, r, rop) && !make_odd(in, rop) &&
        !make_access(in, r, rop) && !make_jump(in, rop))
        guest(in, rop);
    in->op = (uint16_t)op;
    if ((ir_properties(in->code) & IR_IS_PURE) && in->d == IR_NO_REG)
        ir->count--;
}

void ir_make(struct ir *ir, const struct region *region)
{
    ir->count = ir->slots = 0;
    ir->streams = 0;
    for (unsigned op = 0; op < region->count; op++) {
        if (region->ops[op].dead)
            continue;
        if (region->ops[op].leader) {
            struct ir_insn *in = add(ir, op);

            in->code = IR_PIECE;
            in->imm = region->ops[op].left;
        }
        make(ir, region, op);
    }
}
