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

static void branch(struct emitter *e, const struct ir_insn *in)
{
    static const uint8_t conditions[] = {
        [IR_EQ] = CC_E,  [IR_NE] = CC_NE, [IR_LT] = CC_L,
        [IR_GE] = CC_GE, [IR_LTU] = CC_B, [IR_GEU] = CC_AE,
    };
    struct x86_operand rm = guest_x(e, in->a);

    if (in->b == 0 && in->a != 0) {
        if (in_register(e, in->a))
            x86_op(&e->a, 0x85 | X_W, e->gpr[in->a], rm); // test
        else
            x86_alu_imm(&e->a, ALU_CMP, true, rm, 0);
    } else {
        unsigned s = use_x(e, in->a, RAX);

        x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, s, guest_x(e, in->b));
    }
    connect(e, x86_jcc(&e->a, (enum x86_cc)conditions[in->type]), in->imm);
}

static void link_register(struct emitter *e, const struct ir_insn *in)
{
    const struct region_op *rop = &e->region->ops[in->op];
    unsigned d = define_x(e, in->d, RCX);

    if (in->d == IR_NO_REG)
        return;
    x86_mov_imm(&e->a, d, e->region->pc + rop->offset + rop->length);
    finish_x(e, in->d, d);
}

#define JUMP_SHIFT 5
_Static_assert(sizeof(struct jump_entry) == 1 << JUMP_SHIFT, "index arithmetic below");

static void jump_to_address(struct emitter *e, const struct ir_insn *in)
{
    const uint8_t *miss = e->jit->thunk_jump[e->fp];
    size_t at, same;

    mov_rr(e, RAX, use_x(e, in->a, RAX));
    if (in->imm)
        x86_alu_imm(&e->a, ALU_ADD, true, x86_r(RAX), (int32_t)in->imm);
    x86_alu_imm(&e->a, ALU_AND, true, x86_r(RAX), -2);
    link_register(e, in);
    leave_map(e);
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

bool lower_jump(struct emitter *e, const struct ir_insn *in)
{
    switch (in->code) {
    case IR_BRANCH: branch(e, in); return true;
    case IR_JUMP: connect(e, x86_jmp(&e->a), in->imm); return true;
    case IR_JUMP_TO: jump_to_address(e, in); return true;
    default: return false;
    }
}
