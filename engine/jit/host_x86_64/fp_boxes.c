// SPDX-License-Identifier: Apache-2.0
// An operand in single precision has to be boxed, or it counts as a NaN. What a piece reads as a single before
// it makes it is checked at its start, all together, unless every way there inside the region has found it
// boxed or made it so. If the check fails, which hardly happens, the piece is the interpreter's.
#include "engine/jit/host_x86_64/fp.h"

// What an instruction reads as singles, and whether the FP register that it writes is boxed then.
static uint32_t singles_read(const struct region_op *rop, bool *boxes)
{
    const struct insn_info *info = &riscv_insn_info[rop->id];
    bool single = (info->match >> 25 & 3) == 0;
    uint32_t read = 0;

    *boxes = rop->id != INSN_FLD && (info->match >> 25 & 3) != 1;
    switch (rop->id) {
    case INSN_FLH:
    case INSN_FLW: *boxes = true; return 0;
    case INSN_FLD:
    case INSN_FSH:
    case INSN_FSW:
    case INSN_FSD:
    case INSN_FMV_X_W:
    case INSN_FCVT_S_D:
    case INSN_FCVT_S_H: return 0;
    case INSN_FCVT_D_S:
    case INSN_FCVT_H_S: single = true; break;
    default: break;
    }
    if (!single)
        return 0;
    if (info->regs & RS1_F)
        read |= fp_bit(rop->op.rs1);
    if (info->regs & RS2_F)
        read |= fp_bit(rop->op.rs2);
    if (info->regs & RS3_F)
        read |= fp_bit((unsigned)rop->op.imm >> 8 & 31);
    return read;
}

// What is boxed at a piece's end if `boxed` is at its start; *need is what it has to find boxed. What it
// made itself and is not boxed is checked where it is read.
static uint32_t through_piece(const struct region *r, unsigned first, uint32_t boxed,
                              uint32_t *need)
{
    uint32_t written = 0;

    *need = 0;
    for (unsigned i = first; i < r->count && (i == first || !r->ops[i].leader); i++) {
        const struct region_op *rop = &r->ops[i];
        unsigned regs = riscv_insn_info[rop->id].regs;
        bool boxes;
        uint32_t read;

        if (!(regs & USES_F))
            continue;
        read = singles_read(rop, &boxes) & ~boxed & ~written;
        *need |= read;
        boxed |= read;
        if (regs & RD_F) {
            boxed = (boxed & ~fp_bit(rop->op.rd)) | (uint32_t)boxes << rop->op.rd;
            written |= fp_bit(rop->op.rd);
        }
    }
    return boxed;
}

// Takes away what is not boxed on the way from `from` to the piece at `op`. True: there was something.
static bool meet(uint32_t *boxed, unsigned op, uint32_t from)
{
    uint32_t before = boxed[op];

    boxed[op] &= from;
    return boxed[op] != before;
}

static bool pass(const struct region *r, uint32_t *boxed)
{
    bool changed = false;
    uint32_t at = 0, need = 0;

    for (unsigned i = 0; i < r->count; i++) {
        const struct region_op *rop = &r->ops[i];
        bool last = i + 1 == r->count || r->ops[i + 1].leader;
        int target = -1;

        if (rop->leader)
            at = through_piece(r, i, boxed[i], &need);
        if (!last)
            continue;
        if (rop->id == INSN_JAL || (rop->id >= INSN_BEQ && rop->id <= INSN_BGEU))
            target = jit_region_find_op(r, (int64_t)rop->offset + rop->op.imm);
        if (target >= 0)
            changed |= meet(boxed, (unsigned)target, at);
        if (i + 1 < r->count && rop->id != INSN_JAL && rop->id != INSN_JALR)
            changed |= meet(boxed, i + 1, at);
    }
    return changed;
}

void fp_plan(struct emitter *e)
{
    const struct region *r = e->region;

    if (!e->fp)
        return;
    for (unsigned i = 0; i < r->count; i++)
        e->boxed_at[i] = r->ops[i].entry ? 0 : UINT32_MAX;
    while (pass(r, e->boxed_at))
        ;
}

// Jumps out of line unless the registers `need` are boxed.
static void check_boxes(struct emitter *e, uint32_t need)
{
    bool first = true;

    for (unsigned n = 0; n < 32; n++) {
        if (!(need >> n & 1))
            continue;
        if (e->xmm[n] == IN_MEMORY) {
            x86_alu_imm(&e->a, ALU_CMP, false, x86_m(RBP, F_DISP(n) + 4), -1);
            add_stub(e, STUB_UNBOXED, x86_jcc(&e->a, CC_NE));
            continue;
        }
        if (first)
            copy_f(e, 0, e->xmm[n]);
        else
            x86_op(&e->a, 0x54 | X_0F, 0, x86_r(e->xmm[n])); // andps
        first = false;
    }
    if (first)
        return;
    x86_op(&e->a, 0x7e | X_0F | X_66 | X_W, 0, x86_r(RAX)); // movq
    x86_op(&e->a, 0xc1 | X_W, 5, x86_r(RAX));               // shr
    x86_byte(&e->a, 32);
    x86_alu_imm(&e->a, ALU_CMP, false, x86_r(RAX), -1);
    add_stub(e, STUB_UNBOXED, x86_jcc(&e->a, CC_NE));
}

void fp_piece(struct emitter *e, unsigned op)
{
    uint32_t need;

    if (!e->fp)
        return;
    through_piece(e->region, op, e->boxed_at[op], &need);
    check_boxes(e, need);
    e->lazy.boxed = e->boxed_at[op] | need;
    e->lazy.halves = 0;
    e->restored = 0;
}

void fp_stepped(struct emitter *e, const struct region_op *rop)
{
    bool boxes;

    if (!e->fp || !(riscv_insn_info[rop->id].regs & RD_F))
        return;
    singles_read(rop, &boxes);
    fp_define(e, rop->op.rd, boxes);
}

void fp_require(struct emitter *e, const struct fp_format *f, unsigned n)
{
    if (f->is_double || e->lazy.boxed >> n & 1)
        return;
    fp_settle_one(e, n); // a double whose NaN might look like a box
    gpr_from_f(e, RAX, n);
    x86_op(&e->a, 0xc1 | X_W, 5, x86_r(RAX)); // shr
    x86_byte(&e->a, 32);
    x86_alu_imm(&e->a, ALU_CMP, false, x86_r(RAX), -1);
    stub_step(e, x86_jcc(&e->a, CC_NE));
}
