// SPDX-License-Identifier: Apache-2.0
// What a kernel does to save and restore a user's FP state: doubles and fcsr, in code that is not made for
// FP, where all of it is in memory. While cpu->fp_ready is not set, a step sees to FS.
#include "engine/jit/host_x86_64/target.h"
#include "guest/riscv/csr.h"

static void require_ready(struct emitter *e)
{
    x86_op(&e->a, 0x80, ALU_CMP, x86_m(RBP, FIELD(cpu.fp_ready)));
    x86_byte(&e->a, 0);
    stub_step(e, x86_jcc(&e->a, CC_E));
}

static void access_double(struct emitter *e, const struct op *op, bool store)
{
    struct x86_operand f = x86_m(RBP, F_DISP(store ? op->rs2 : op->rd));

    require_ready(e);
    mov_rr(e, RAX, use_x(e, op->rs1, RAX));
    if (op->imm)
        x86_alu_imm(&e->a, ALU_ADD, true, x86_r(RAX), op->imm);
    look_up_aligned(e, 8, store);
    if (store) {
        x86_op(&e->a, 0x8b | X_W, RDX, f);
        x86_op(&e->a, 0x89 | X_W, RDX, x86_m(RAX, 0));
    } else {
        x86_op(&e->a, 0x8b | X_W, RAX, x86_m(RAX, 0));
        x86_op(&e->a, 0x89 | X_W, RAX, f);
    }
}

static struct x86_operand fflags(void)
{
    return x86_m(RBP, FIELD(cpu.hart.s.fflags));
}

static struct x86_operand frm(void)
{
    return x86_m(RBP, FIELD(cpu.hart.s.frm));
}

static void shift(struct emitter *e, unsigned extension, unsigned reg)
{
    x86_op(&e->a, 0xc1, extension, x86_r(reg));
    x86_byte(&e->a, 5); // where frm stands in fcsr
}

static void read_fcsr(struct emitter *e, unsigned rd)
{
    unsigned d = define_x(e, rd, RAX);

    if (rd == 32)
        return;
    x86_op(&e->a, 0xb6 | X_0F, RAX, frm()); // movzx
    shift(e, 4, RAX);                       // shl
    x86_op(&e->a, 0xb6 | X_0F, RCX, fflags());
    x86_op(&e->a, ALU_OR * 8 + 3, RAX, x86_r(RCX));
    mov_rr(e, d, RAX);
    finish_x(e, rd, d);
}

static void write_fcsr(struct emitter *e, const struct op *op)
{
    mov_rr(e, RDX, use_x(e, op->rs1, RDX));
    read_fcsr(e, op->rd);
    x86_op(&e->a, 0x8b, RCX, x86_r(RDX));
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RCX), 31);
    x86_op(&e->a, 0x88, RCX, fflags());
    shift(e, 5, RDX); // shr
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RDX), 7);
    x86_op(&e->a, 0x88, RDX, frm());
}

bool lower_fp_state(struct emitter *e, const struct region_op *rop)
{
    const struct op *op = &rop->op;
    bool fcsr = op->imm == CSR_FCSR;

    if (e->fp)
        return false;
    switch (rop->id) {
    case INSN_FLD: access_double(e, op, false); return true;
    case INSN_FSD: access_double(e, op, true); return true;
    case INSN_CSRRS:
        if (!fcsr || op->rs1)
            return false;
        require_ready(e);
        read_fcsr(e, op->rd);
        return true;
    case INSN_CSRRW:
        if (!fcsr)
            return false;
        require_ready(e);
        write_fcsr(e, op);
        return true;
    default: return false;
    }
}
