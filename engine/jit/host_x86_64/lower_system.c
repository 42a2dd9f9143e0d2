// SPDX-License-Identifier: Apache-2.0
// The CSR accesses that kernels execute at every trap and have no effect but their own. Regions are
// made for one privilege, so what is allowed is known here.
#include "engine/jit/host_x86_64/target.h"
#include "guest/riscv/csr.h"

// Of two fields of the hart's state the virtual supervisor's, where the code is a guest's.
#define SUPERVISOR(e, field, virtual_field)                                               \
    ((int)((e)->region->flavor & FLAVOR_VIRT ? offsetof(struct hart_state, virtual_field) \
                                             : offsetof(struct hart_state, field)))

// Where a supervisor CSR that reads and writes as plain memory lies in the hart's state, or -1.
static int plain_csr(const struct emitter *e, int csr)
{
    switch (csr) {
    case 0x140: return SUPERVISOR(e, sscratch, vsscratch);
    case 0x141: return SUPERVISOR(e, sepc, vsepc);
    case 0x142: return SUPERVISOR(e, scause, vscause);
    case 0x143: return SUPERVISOR(e, stval, vstval);
    default: return -1;
    }
}

static bool read_csr(struct emitter *e, const struct op *op)
{
    int field = plain_csr(e, op->imm);
    unsigned d = define_x(e, op->rd, RAX);

    if (field < 0 || op->rs1)
        return false;
    x86_op(&e->a, 0x8b | X_W, d, x86_m(RBP, FIELD(cpu.hart.s) + field));
    finish_x(e, op->rd, d);
    return true;
}

// csrrw on sscratch: a register's whole width, without side effects.
static bool swap_sscratch(struct emitter *e, const struct op *op)
{
    struct x86_operand sscratch = x86_m(RBP, FIELD(cpu.hart.s) + plain_csr(e, 0x140));
    unsigned d = define_x(e, op->rd, RCX);

    if (op->imm != 0x140)
        return false;
    mov_rr(e, RAX, use_x(e, op->rs1, RAX));
    if (op->rd != 32)
        x86_op(&e->a, 0x8b | X_W, d, sscratch);
    x86_op(&e->a, 0x89 | X_W, RAX, sscratch);
    if (op->rd != 32)
        finish_x(e, op->rd, d);
    return true;
}

// Turning sstatus.SIE off, with nobody looking at the old value.
static bool clear_sie(struct emitter *e, const struct op *op)
{
    if (op->imm != 0x100 || op->rd != 32 || op->rs1 != MSTATUS_SIE)
        return false;
    x86_alu_imm(&e->a, ALU_AND, true,
                x86_m(RBP, FIELD(cpu.hart.s) + SUPERVISOR(e, mstatus, vsstatus)),
                ~(int32_t)MSTATUS_SIE);
    return true;
}

bool lower_system(struct emitter *e, const struct region_op *rop)
{
    if (e->region->priv == PRIV_U)
        return false;
    switch (rop->id) {
    case INSN_CSRRS: return read_csr(e, &rop->op);
    case INSN_CSRRW: return swap_sscratch(e, &rop->op);
    case INSN_CSRRCI: return clear_sie(e, &rop->op);
    default: return false;
    }
}
