// SPDX-License-Identifier: Apache-2.0
// Jumps and branches: inside the region directly, out of it through links and the jump table.
#include "engine/jit/host_x86_64/target.h"

void emit_exit(struct emitter *e, size_t from, gva_t pc)
{
    struct stub *s = add_stub(e, STUB_EXIT, from);

    if (s)
        s->pc = pc;
}

// The jump at `from` goes to the byte offset `target` of the region, inside it or not.
static void connect(struct emitter *e, size_t from, int64_t target)
{
    int op = jit_region_find_op(e->region, target);

    if (op < 0) {
        emit_exit(e, from, e->region->pc + (uint64_t)target);
    } else if ((unsigned)op <= e->index) {
        x86_patch(&e->a, from, e->labels[op]);
    } else {
        e->fixups[e->fixup_count].at = from;
        e->fixups[e->fixup_count++].op = (unsigned)op;
    }
}

static void branch(struct emitter *e, const struct region_op *rop, enum x86_cc cc)
{
    const struct op *op = &rop->op;
    struct x86_operand rm = guest_x(e, op->rs1);

    if (op->rs2 == 0 && op->rs1 != 0) {
        if (in_register(e, op->rs1))
            x86_op(&e->a, 0x85 | X_W, e->gpr[op->rs1], rm); // test
        else
            x86_alu_imm(&e->a, ALU_CMP, true, rm, 0);
    } else {
        unsigned s = use_x(e, op->rs1, RAX);

        x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, s, guest_x(e, op->rs2));
    }
    connect(e, x86_jcc(&e->a, cc), (int64_t)rop->offset + op->imm);
}

static void link_register(struct emitter *e, const struct region_op *rop)
{
    unsigned d = define_x(e, rop->op.rd, RCX);

    if (rop->op.rd == 32)
        return;
    x86_mov_imm(&e->a, d, e->region->pc + rop->offset + rop->length);
    finish_x(e, rop->op.rd, d);
}

#define JUMP_SHIFT 5
_Static_assert(sizeof(struct jump_entry) == 1 << JUMP_SHIFT, "index arithmetic below");

static void jump_to_address(struct emitter *e, const struct region_op *rop)
{
    const struct op *op = &rop->op;
    const uint8_t *miss = e->jit->thunk_jump[e->fp];
    size_t at, same;

    mov_rr(e, RAX, use_x(e, op->rs1, RAX));
    if (op->imm)
        x86_alu_imm(&e->a, ALU_ADD, true, x86_r(RAX), op->imm);
    x86_alu_imm(&e->a, ALU_AND, true, x86_r(RAX), -2);
    link_register(e, rop);
    x86_op(&e->a, 0x8b, RCX, x86_r(RAX));
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RCX), (JIT_JUMPS - 1) << 1);
    x86_op(&e->a, 0xc1, 4, x86_r(RCX)); // shl ecx
    x86_byte(&e->a, JUMP_SHIFT - 1);
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RAX, x86_mi(RBP, RCX, FIELD(jumps[0].pc)));
    at = x86_jcc(&e->a, CC_NE);
    x86_patch(&e->a, at, (size_t)(miss - e->jit->code_rx));
    x86_op(&e->a, 0x8b | X_W, RDX, x86_mi(RBP, RCX, FIELD(jumps[0].context)));
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RDX, x86_m(RBP, FIELD(cpu.context)));
    same = x86_jcc(&e->a, CC_E);
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RDX, x86_m(RBP, FIELD(cpu.global_context)));
    at = x86_jcc(&e->a, CC_NE);
    x86_patch(&e->a, at, (size_t)(miss - e->jit->code_rx));
    x86_patch_here(&e->a, same);
    x86_op(&e->a, 0xff, 4, x86_mi(RBP, RCX, FIELD(jumps[0].code)));
}

bool lower_jump(struct emitter *e, const struct region_op *rop)
{
    switch (rop->id) {
    case INSN_BEQ: branch(e, rop, CC_E); return true;
    case INSN_BNE: branch(e, rop, CC_NE); return true;
    case INSN_BLT: branch(e, rop, CC_L); return true;
    case INSN_BGE: branch(e, rop, CC_GE); return true;
    case INSN_BLTU: branch(e, rop, CC_B); return true;
    case INSN_BGEU: branch(e, rop, CC_AE); return true;
    case INSN_JAL:
        link_register(e, rop);
        connect(e, x86_jmp(&e->a), (int64_t)rop->offset + rop->op.imm);
        return true;
    case INSN_JALR: jump_to_address(e, rop); return true;
    default: return false;
    }
}
