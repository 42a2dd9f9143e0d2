// SPDX-License-Identifier: Apache-2.0
// Jumps and branches: inside the region directly, out of it through links and the jump table.
#include "engine/jit/host_x86_64/target.h"

#define ALWAYS (-1) // not an enum x86_cc

void emit_exit(struct emitter *e, size_t from, gva_t pc, enum exit_kind kind)
{
    struct stub *s = add_stub(e, STUB_EXIT, from);

    if (!s)
        return;
    s->pc = pc;
    s->exit = (uint8_t)kind;
}

// The jump at `from` leads to an instruction of the region.
static void stay(struct emitter *e, size_t from, int op)
{
    if ((unsigned)op <= e->index) {
        x86_patch(&e->a, from, e->labels[op]);
    } else {
        e->fixups[e->fixup_count].at = from;
        e->fixups[e->fixup_count++].op = (unsigned)op;
    }
}

// A jump under a condition, or always: to the byte offset `target` of the region, inside it or not.
static void connect(struct emitter *e, int cc, int64_t target)
{
    int op = jit_region_find_op(e->region, target);
    size_t from;

    if (op < 0)
        x86_align_distance(&e->a, cc == ALWAYS ? 1 : 2);
    from = cc == ALWAYS ? x86_jmp(&e->a) : x86_jcc(&e->a, (enum x86_cc)cc);
    if (op < 0)
        emit_exit(e, from, e->region->pc + (uint64_t)target, EXIT_INSIDE);
    else
        stay(e, from, op);
}

// The host's condition under which the branch is taken, behind a comparison. RAX may be lost.
unsigned compare_for(struct emitter *e, const struct ir_insn *in)
{
    static const uint8_t conditions[] = {
        [IR_EQ] = CC_E,  [IR_NE] = CC_NE, [IR_LT] = CC_L,
        [IR_GE] = CC_GE, [IR_LTU] = CC_B, [IR_GEU] = CC_AE,
    };

    if (in->b == 0 && in->a != 0 && in->type <= IR_NE && e->flags_of == in->a &&
        e->flags_at == e->a.used)
        return e->flags_cc ^ (in->type == IR_EQ); // conditions come in pairs, one not the other
    if (in->b != 0 || in->a == 0)
        compare_x(e, in->a, in->b);
    else if (in_register(e, in->a))
        x86_op(&e->a, 0x85 | X_W, e->gpr[in->a], guest_x(e, in->a)); // test
    else
        x86_alu_imm(&e->a, ALU_CMP, true, guest_x(e, in->a), 0);
    return conditions[in->type];
}

static void branch(struct emitter *e, const struct ir_insn *in)
{
    connect(e, (int)compare_for(e, in), in->imm);
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

// ---- Calls and returns ----
//
// Calls are the host's: below its return address, the stack holds the guest's. A return that finds its
// target there is the host's, too, and the host's CPU knows where it leads. Behind the host's call stands the
// region's entry at the guest's return point, or a link to another's, which is always checked: what was pushed in
// one context may be found in another, after an ecall. Whoever leaves translated code drops the whole stack; a return that does
// not find its target looks into the jump table, like every computed jump. The budget bounds the depth.

static bool is_return(const struct region_op *rop)
{
    return rop->id == INSN_JALR && rop->op.rd == IR_NO_REG &&
           (rop->op.rs1 == 1 || rop->op.rs1 == 5);
}

static gva_t address_behind(const struct emitter *e, const struct ir_insn *in)
{
    const struct region_op *rop = &e->region->ops[in->op];

    return e->region->pc + rop->offset + rop->length;
}

// As the jump table's keys, so that a return has to make its own only once.
static void push_return(struct emitter *e, gva_t pc)
{
    uint64_t key = pc | e->fp;

    if ((int64_t)key == (int32_t)key) {
        x86_byte(&e->a, 0x68); // push, sign-extended
        x86_u32(&e->a, (uint32_t)key);
    } else {
        x86_mov_imm(&e->a, RDX, key);
        x86_byte(&e->a, 0x50 | RDX);
    }
}

// The callee has come back; its registers are where they are between regions. Where the region has an entry
// behind the call, that follows.
static void come_back(struct emitter *e, const struct ir_insn *in)
{
    const struct region *r = e->region;

    x86_alu_imm(&e->a, ALU_ADD, true, x86_r(RSP), 8);
    if (in->op + 1u < r->count && r->ops[in->op + 1].entry)
        return;
    x86_align_distance(&e->a, 1);
    emit_exit(e, x86_jmp(&e->a), address_behind(e, in), EXIT_RETURN);
}

static void call(struct emitter *e, const struct ir_insn *in)
{
    int op = jit_region_find_op(e->region, in->imm);

    if (op < 0)
        leave_map(e);
    push_return(e, address_behind(e, in));
    if (op < 0) {
        x86_align_distance(&e->a, 1);
        emit_exit(e, x86_call(&e->a), e->region->pc + (uint64_t)in->imm, EXIT_OUTSIDE);
    } else {
        stay(e, x86_call(&e->a), op);
    }
    come_back(e, in);
}

static void jump(struct emitter *e, const struct ir_insn *in)
{
    if (jit_region_is_call(&e->region->ops[in->op]))
        call(e, in);
    else
        connect(e, ALWAYS, in->imm);
}

_Static_assert(sizeof(struct jump_entry) == 16, "index arithmetic below");

// RCX is twice the index.
static struct x86_operand jump_field(size_t field)
{
    return x86_mis(RBP, RCX, 3, FIELD(jumps[0]) + (int32_t)field);
}

static void return_if_expected(struct emitter *e)
{
    size_t other;

    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RAX, x86_m(RSP, 8));
    other = x86_jcc(&e->a, CC_NE);
    x86_byte(&e->a, 0xc3);
    x86_patch_here(&e->a, other);
}

// The table's entry has the address as its key, odd in FP code. Its code checks for itself.
struct x86_operand x86_find_in_table(struct x86_asm *a, const struct jit_cache *cache, bool fp)
{
    size_t miss;

    x86_op(a, 0x8b, RCX, x86_r(RAX));
    x86_alu_imm(a, ALU_AND, false, x86_r(RCX), (JIT_JUMPS - 1) << 1);
    x86_op(a, (ALU_CMP * 8 + 3) | X_W, RAX, jump_field(offsetof(struct jump_entry, key)));
    miss = x86_jcc(a, CC_NE);
    x86_patch(a, miss, (size_t)(cache->thunk_jump[fp] - cache->code_rx));
    return jump_field(offsetof(struct jump_entry, code));
}

void emit_table_jump(struct x86_asm *a, const struct jit_cache *cache, bool fp)
{
    x86_op(a, 0xff, 4, x86_find_in_table(a, cache, fp));
}

static void jump_to_address(struct emitter *e, const struct ir_insn *in)
{
    const struct region_op *rop = &e->region->ops[in->op];

    mov_rr(e, RAX, use_x(e, in->a, RAX));
    if (in->imm)
        x86_alu_imm(&e->a, ALU_ADD, true, x86_r(RAX), (int32_t)in->imm);
    if (e->fp)
        x86_alu_imm(&e->a, ALU_OR, true, x86_r(RAX), 1);
    else
        x86_alu_imm(&e->a, ALU_AND, true, x86_r(RAX), -2);
    link_register(e, in);
    leave_map(e);
    if (is_return(rop))
        return_if_expected(e);
    if (jit_region_is_call(rop)) {
        push_return(e, address_behind(e, in));
        emit_computed_call(e);
        come_back(e, in);
    } else {
        emit_table_jump(&e->a, e->jit->cache, e->fp);
    }
}

bool lower_jump(struct emitter *e, const struct ir_insn *in)
{
    switch (in->code) {
    case IR_BRANCH: branch(e, in); return true;
    case IR_JUMP: jump(e, in); return true;
    case IR_JUMP_TO: jump_to_address(e, in); return true;
    default: return false;
    }
}
