// SPDX-License-Identifier: Apache-2.0
// Jumps and branches: inside the region directly, out of it through links and the jump table.
#include "engine/jit/host_x86_64/target.h"

#define ALWAYS (-1) // not an enum x86_cc

void emit_exit(struct emitter *e, size_t from, gva_t pc)
{
    struct stub *s = add_stub(e, STUB_EXIT, from);

    if (s)
        s->pc = pc;
}

// A jump under a condition, or always: to the byte offset `target` of the region, inside it or not.
static void connect(struct emitter *e, int cc, int64_t target)
{
    int op = jit_region_find_op(e->region, target);
    size_t from;

    if (op < 0)
        x86_align_distance(&e->a, cc == ALWAYS ? 1 : 2);
    from = cc == ALWAYS ? x86_jmp(&e->a) : x86_jcc(&e->a, (enum x86_cc)cc);
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
    connect(e, conditions[in->type], in->imm);
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

_Static_assert(sizeof(struct jump_entry) == 16, "index arithmetic below");

// RCX is twice the index.
static struct x86_operand jump_field(size_t field)
{
    return x86_mis(RBP, RCX, 3, FIELD(jumps[0]) + (int32_t)field);
}

// The table's entry has the address as its key, odd in FP code. Its code checks for itself.
void emit_table_jump(struct x86_asm *a, const struct jit_cache *cache, bool fp)
{
    size_t miss;

    x86_op(a, 0x8b, RCX, x86_r(RAX));
    x86_alu_imm(a, ALU_AND, false, x86_r(RCX), (JIT_JUMPS - 1) << 1);
    x86_op(a, (ALU_CMP * 8 + 3) | X_W, RAX, jump_field(offsetof(struct jump_entry, key)));
    miss = x86_jcc(a, CC_NE);
    x86_patch(a, miss, (size_t)(cache->thunk_jump[fp] - cache->code_rx));
    x86_op(a, 0xff, 4, jump_field(offsetof(struct jump_entry, code)));
}

static void jump_to_address(struct emitter *e, const struct ir_insn *in)
{
    mov_rr(e, RAX, use_x(e, in->a, RAX));
    if (in->imm)
        x86_alu_imm(&e->a, ALU_ADD, true, x86_r(RAX), (int32_t)in->imm);
    if (e->fp)
        x86_alu_imm(&e->a, ALU_OR, true, x86_r(RAX), 1);
    else
        x86_alu_imm(&e->a, ALU_AND, true, x86_r(RAX), -2);
    link_register(e, in);
    leave_map(e);
    emit_table_jump(&e->a, e->jit->cache, e->fp);
}

bool lower_jump(struct emitter *e, const struct ir_insn *in)
{
    switch (in->code) {
    case IR_BRANCH: branch(e, in); return true;
    case IR_JUMP: connect(e, ALWAYS, in->imm); return true;
    case IR_JUMP_TO: jump_to_address(e, in); return true;
    default: return false;
    }
}
