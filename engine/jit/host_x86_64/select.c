// SPDX-License-Identifier: Apache-2.0
// Branches over one or a few cheap operations that make one register: both ways are computed, and the
// condition selects. Guests without conditional moves branch there on whatever data they have, and each time
// that the host's CPU guesses wrong costs more than the operations do.
//
// The budget pays for them only where they were executed: it is selected by the same condition.
#include "engine/jit/host_x86_64/target.h"
#include "engine/jit/watched.h"

#define SELECTED_MAX 3
#define RESULT RDX // none of the operations below takes it as scratch

static bool is_cheap(const struct ir_insn *in)
{
    switch (in->code) {
    case IR_CONST:
    case IR_MOVE:
    case IR_EXTEND:
    case IR_ADD:
    case IR_SUB:
    case IR_AND:
    case IR_OR:
    case IR_XOR:
    case IR_SLT:
    case IR_SLTU: return true;
    case IR_SHADD: return in->imm <= 3;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR: return in->imm_b;
    default: return false;
    }
}

static bool reads(const struct ir_insn *in, unsigned reg)
{
    unsigned has = ir_properties((enum ir_code)in->code);

    return (has & IR_HAS_A && in->a == reg) || (has & IR_HAS_B && !in->imm_b && in->b == reg);
}

// How many operations stand between the branch and where it leads, if all of them can be selected; else 0.
// The piece that they are is entered from the branch only.
static unsigned count_selected(const struct emitter *e, const struct ir_insn *branch)
{
    const struct ir_insn *in = branch + 1, *end = e->ir->insns + e->ir->count;
    int target = ir_jump_target(branch, e->region);
    unsigned count = 0;

    if (branch->code != IR_BRANCH || target <= branch->op + 1 || in == end ||
        in->code != IR_PIECE || e->region->ops[in->op].target)
        return 0;
    while (++in < end && in->code != IR_PIECE) {
        if (++count > SELECTED_MAX || !is_cheap(in) || in->d != branch[2].d)
            return 0;
    }
    return in < end && in->op == (unsigned)target && count && in_register(e, branch[2].d) ? count
                                                                                          : 0;
}

// Makes the new value of x[d] in RESULT. The register that it is in then.
static unsigned compute(struct emitter *e, const struct ir_insn *in, unsigned count)
{
    unsigned d = in->d, home = e->gpr[d];

    if (count == 1 && in->code == IR_MOVE && in_register(e, in->a))
        return e->gpr[in->a];
    if (reads(in, d))
        mov_rr(e, RESULT, home);
    e->map.gpr[d] = RESULT;
    for (unsigned i = 0; i < count; i++)
        lower_alu(e, &in[i]);
    e->map.gpr[d] = (uint8_t)home;
    e->flags_at = 0; // not x[d]'s: that has its old value
    return RESULT;
}

static void move_if(struct emitter *e, unsigned cc, unsigned to, unsigned from)
{
    x86_op(&e->a, 0x40 | cc | X_0F | X_W, to, x86_r(from)); // cmovcc
}

// Where somebody watches, the piece was executed if the condition holds.
static void count_if(struct emitter *e, unsigned cc)
{
    if (!e->watched)
        return;
    x86_op(&e->a, 0x90 | cc | X_0F, 0, x86_r(RAX)); // setcc al
    x86_op(&e->a, 0xb6 | X_0F, RAX, x86_r(RAX));
    x86_mov_imm(&e->a, RCX, (uintptr_t)&e->watched->pieces[e->pieces++].count);
    if (e->jit->cache->vm->vcpu_count > 1)
        x86_byte(&e->a, 0xf0);
    x86_op(&e->a, 0x01 | X_W, RAX, x86_m(RCX, 0)); // add
}

unsigned lower_selected(struct emitter *e, const struct ir_insn *branch)
{
    unsigned count = count_selected(e, branch), cc, from;

    if (!count)
        return 0;
    from = compute(e, branch + 2, count);
    cc = compare_for(e, branch) ^ 1;                                            // not skipped
    x86_op(&e->a, 0x8d | X_W, RAX, x86_m(BUDGET_REG, -(int32_t)branch[1].imm)); // lea
    move_if(e, cc, BUDGET_REG, RAX);
    move_if(e, cc, e->gpr[branch[2].d], from);
    count_if(e, cc);
    return 1 + count;
}
