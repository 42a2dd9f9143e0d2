// SPDX-License-Identifier: Apache-2.0
// The FP CSRs. While FP code runs, fflags is what hart.s.fflags holds and what MXCSR has accrued since;
// frm is in hart.s.frm and in MXCSR's rounding mode.
//
// Writing MXCSR is slow on every host, above all soon after reading it. So writing fflags only does
// when a flag has to go that MXCSR holds: not when a function puts back the flags that it found, as
// libraries do around comparisons.
//
// Nor is anything done where that pattern is in sight: frflags, comparisons, fsflags of what was read.
// Comparisons without NaNs raise no flag, so fflags is what it was; with a NaN, all of them up to the
// fsflags are stepped.
#include "engine/jit/host_x86_64/fp.h"
#include "guest/riscv/csr.h"
#include "lib/fp/fp.h"

#define MXCSR_FLAGS 0x3f
#define MXCSR_MASKED 0x1f80 // all exceptions are
#define MXCSR_ROUNDING_SHIFT 13
// MXCSR's rounding modes by frm, two bits each: RNE, RTZ, RDN, RUP.
#define ROUNDING_MODES (0u | 3u << 2 | 1u << 4 | 2u << 6)

static struct x86_operand fflags(void)
{
    return x86_m(RBP, FIELD(cpu.hart.s.fflags));
}

static struct x86_operand frm(void)
{
    return x86_m(RBP, FIELD(cpu.hart.s.frm));
}

void x86_fp_init(struct jit *jit)
{
    static const uint64_t constants[FPC_COUNT] = {
        [FPC_BOX] = 0xffffffff00000000,      [FPC_SIGN] = 0x80000000,
        [FPC_SIGN + 1] = 0x8000000000000000, [FPC_ABS] = 0xffffffff7fffffff,
        [FPC_ABS + 1] = 0x7fffffffffffffff,  [FPC_NAN] = 0xffffffff00000000 | FP_F32_NAN,
        [FPC_NAN + 1] = FP_F64_NAN,          [FPC_2_63] = 0x5f000000,
        [FPC_2_63 + 1] = 0x43e0000000000000,
    };

    for (unsigned i = 0; i < FPC_COUNT; i++)
        jit->fp_constants[i][0] = constants[i];
    for (unsigned m = 0; m <= MXCSR_FLAGS; m++) // invalid, denormal, zero divide, overflow…
        jit->fflags_of[m] = (uint8_t)((m & 1) << 4 | (m >> 2 & 1) << 3 | (m >> 3 & 1) << 2 |
                                      (m >> 4 & 1) << 1 | m >> 5);
}

uint32_t x86_fp_mxcsr(const struct jit *jit)
{
    unsigned mode = ROUNDING_MODES >> 2 * (jit->cpu.hart.s.frm & 3) & 3;

    return MXCSR_MASKED | mode << MXCSR_ROUNDING_SHIFT;
}

uint8_t x86_fp_flags(const struct jit *jit, uint32_t mxcsr)
{
    return jit->fflags_of[mxcsr & MXCSR_FLAGS];
}

static void store_mxcsr(struct emitter *e)
{
    x86_op(&e->a, 0xae | X_0F, 3, x86_m(RBP, FIELD(mxcsr)));
}

static void load_mxcsr(struct emitter *e, int32_t field)
{
    x86_op(&e->a, 0xae | X_0F, 2, x86_m(RBP, field));
}

// gpr = the flags that MXCSR has, as fflags has them.
static void accrued(struct emitter *e, unsigned gpr)
{
    store_mxcsr(e);
    x86_op(&e->a, 0x8b, gpr, x86_m(RBP, FIELD(mxcsr)));
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(gpr), MXCSR_FLAGS);
    x86_op(&e->a, 0xb6 | X_0F, gpr, x86_mi(RBP, gpr, FIELD(fflags_of))); // movzx
}

// EAX = fflags
static void read_flags(struct emitter *e)
{
    accrued(e, RAX);
    x86_op(&e->a, 0x0a, RAX, fflags()); // or al
}

// fflags = EAX, less than 32. RCX is lost.
static void write_flags(struct emitter *e)
{
    size_t kept;

    accrued(e, RCX);
    x86_op(&e->a, 0x88, RAX, fflags());
    x86_op(&e->a, 0xf7, 2, x86_r(RAX)); // not
    x86_op(&e->a, 0x85, RAX, x86_r(RCX));
    kept = x86_jcc(&e->a, CC_E);
    load_mxcsr(e, FIELD(mxcsr_clear));
    x86_patch_here(&e->a, kept);
}

// frm = EDX, less than 4. RAX, RCX are lost.
static void write_mode(struct emitter *e)
{
    size_t same;

    x86_op(&e->a, 0x3a, RDX, frm()); // cmp dl
    same = x86_jcc(&e->a, CC_E);
    x86_op(&e->a, 0x88, RDX, frm());
    x86_op(&e->a, 0x8d, RCX, x86_mi(RDX, RDX, 0)); // lea
    x86_mov_imm(&e->a, RAX, ROUNDING_MODES);
    x86_op(&e->a, 0xd3, 5, x86_r(RAX)); // shr eax, cl
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RAX), 3);
    x86_op(&e->a, 0xc1, 4, x86_r(RAX)); // shl
    x86_byte(&e->a, MXCSR_ROUNDING_SHIFT);
    x86_alu_imm(&e->a, ALU_OR, false, x86_r(RAX), MXCSR_MASKED);
    x86_op(&e->a, 0x89, RAX, x86_m(RBP, FIELD(mxcsr_clear)));
    store_mxcsr(e);
    x86_op(&e->a, 0x8b, RCX, x86_m(RBP, FIELD(mxcsr)));
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RCX), MXCSR_FLAGS);
    x86_op(&e->a, ALU_OR * 8 + 3, RAX, x86_r(RCX));
    x86_op(&e->a, 0x89, RAX, x86_m(RBP, FIELD(mxcsr)));
    load_mxcsr(e, FIELD(mxcsr));
    x86_patch_here(&e->a, same);
}

void x86_fp_off(struct x86_asm *a)
{
    x86_op(a, 0xae | X_0F, 3, x86_m(RBP, FIELD(mxcsr))); // stmxcsr
    x86_op(a, 0x8b, RCX, x86_m(RBP, FIELD(mxcsr)));
    x86_alu_imm(a, ALU_AND, false, x86_r(RCX), MXCSR_FLAGS);
    x86_op(a, 0xb6 | X_0F, RCX, x86_mi(RBP, RCX, FIELD(fflags_of))); // movzx
    x86_op(a, 0x08, RCX, fflags());                                  // or
    x86_op(a, 0xc7, 0, x86_m(RBP, FIELD(mxcsr))); // these flags are accounted for
    x86_u32(a, MXCSR_MASKED);
    x86_op(a, 0xae | X_0F, 2, x86_m(RBP, FIELD(host_mxcsr))); // ldmxcsr
}

void x86_fp_on(struct x86_asm *a)
{
    x86_op(a, 0xb6 | X_0F, RCX, frm());
    x86_op(a, 0x01, RCX, x86_r(RCX)); // twice
    x86_mov_imm(a, RDX, ROUNDING_MODES);
    x86_op(a, 0xd3, 5, x86_r(RDX)); // shr edx, cl
    x86_alu_imm(a, ALU_AND, false, x86_r(RDX), 3);
    x86_op(a, 0xc1, 4, x86_r(RDX)); // shl
    x86_byte(a, MXCSR_ROUNDING_SHIFT);
    x86_alu_imm(a, ALU_OR, false, x86_r(RDX), MXCSR_MASKED);
    x86_op(a, 0x89, RDX, x86_m(RBP, FIELD(mxcsr_clear)));
    x86_op(a, 0x89, RDX, x86_m(RBP, FIELD(mxcsr)));
    x86_op(a, 0xae | X_0F, 2, x86_m(RBP, FIELD(mxcsr)));
}

static void finish_old(struct emitter *e, const struct op *op, unsigned gpr)
{
    unsigned d;

    if (op->rd == 32)
        return;
    d = define_x(e, op->rd, gpr);
    mov_rr(e, d, gpr);
    finish_x(e, op->rd, d);
}

enum access { ACCESS_READ, ACCESS_WRITE, ACCESS_SET, ACCESS_CLEAR };

// EDX = the operand: x[rs1], or the field itself.
static void operand(struct emitter *e, const struct op *op, bool immediate)
{
    if (immediate)
        x86_mov_imm(&e->a, RDX, op->rs1);
    else
        mov_rr(e, RDX, use_x(e, op->rs1, RDX));
}

static void access_flags(struct emitter *e, const struct op *op, enum access what)
{
    if (what == ACCESS_CLEAR || op->rd != 32) {
        read_flags(e);
        finish_old(e, op, RAX);
    }
    switch (what) {
    case ACCESS_READ: break;
    case ACCESS_SET:
        x86_alu_imm(&e->a, ALU_AND, false, x86_r(RDX), 31);
        x86_op(&e->a, 0x08, RDX, fflags()); // or
        break;
    case ACCESS_CLEAR:
        x86_op(&e->a, 0xf7, 2, x86_r(RDX)); // not
        x86_op(&e->a, ALU_AND * 8 + 3, RAX, x86_r(RDX));
        write_flags(e);
        break;
    case ACCESS_WRITE:
        x86_op(&e->a, 0x8b, RAX, x86_r(RDX));
        x86_alu_imm(&e->a, ALU_AND, false, x86_r(RAX), 31);
        write_flags(e);
        break;
    }
}

// A mode that the host does not have takes the step, which leaves.
static void check_mode(struct emitter *e, unsigned gpr)
{
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(gpr), 7);
    x86_alu_imm(&e->a, ALU_CMP, false, x86_r(gpr), 3);
    stub_step(e, x86_jcc(&e->a, CC_A));
}

static void access_mode(struct emitter *e, const struct op *op, enum access what)
{
    x86_op(&e->a, 0xb6 | X_0F, RAX, frm()); // movzx
    switch (what) {
    case ACCESS_READ: break;
    case ACCESS_SET: x86_op(&e->a, ALU_OR * 8 + 3, RDX, x86_r(RAX)); break;
    case ACCESS_CLEAR:
        x86_op(&e->a, 0xf7, 2, x86_r(RDX));
        x86_op(&e->a, ALU_AND * 8 + 3, RDX, x86_r(RAX));
        break;
    case ACCESS_WRITE: break;
    }
    if (what != ACCESS_READ)
        check_mode(e, RDX);
    finish_old(e, op, RAX);
    if (what != ACCESS_READ)
        write_mode(e);
}

static void access_both(struct emitter *e, const struct op *op, enum access what)
{
    if (what == ACCESS_WRITE) {
        x86_op(&e->a, 0x8b, RCX, x86_r(RDX));
        x86_op(&e->a, 0xc1, 5, x86_r(RCX)); // shr
        x86_byte(&e->a, 5);
        check_mode(e, RCX);
    }
    if (op->rd != 32) {
        read_flags(e);
        x86_op(&e->a, 0xb6 | X_0F, RCX, frm());
        x86_op(&e->a, 0xc1, 4, x86_r(RCX)); // shl
        x86_byte(&e->a, 5);
        x86_op(&e->a, ALU_OR * 8 + 3, RAX, x86_r(RCX));
        finish_old(e, op, RAX);
    }
    if (what == ACCESS_WRITE) {
        x86_op(&e->a, 0x8b, RAX, x86_r(RDX));
        x86_alu_imm(&e->a, ALU_AND, false, x86_r(RAX), 31);
        write_flags(e);
        x86_op(&e->a, 0xc1, 5, x86_r(RDX));
        x86_byte(&e->a, 5);
        x86_alu_imm(&e->a, ALU_AND, false, x86_r(RDX), 7);
        write_mode(e);
    }
}

static bool is_comparison(unsigned id)
{
    switch (id) {
    case INSN_FEQ_S:
    case INSN_FLT_S:
    case INSN_FLE_S:
    case INSN_FEQ_D:
    case INSN_FLT_D:
    case INSN_FLE_D: return true;
    default: return false;
    }
}

// The op at e->index reads fflags into rd. The index of the one that puts it back, or 0.
static unsigned find_restore(const struct emitter *e, unsigned rd)
{
    const struct region *r = e->region;

    for (unsigned i = e->index + 1; i < r->count && !r->ops[i].leader; i++) {
        const struct region_op *rop = &r->ops[i];

        if (rop->id == INSN_CSRRW && rop->op.imm == CSR_FFLAGS && rop->op.rd == 32 &&
            rop->op.rs1 == rd)
            return i;
        if (!is_comparison(rop->id) || rop->op.rd == rd)
            return 0;
    }
    return 0;
}

// What stepped over this one goes on here.
static void finish_comparisons(struct emitter *e)
{
    for (unsigned i = 0; i < e->stub_count; i++)
        if (e->stubs[i].kind == STUB_COMPARE && e->stubs[i].last == e->index)
            e->stubs[i].back = e->a.used;
}

bool lower_fcsr(struct emitter *e, const struct region_op *rop)
{
    const struct op *op = &rop->op;
    bool immediate = rop->id >= INSN_CSRRWI;
    enum access what;

    switch (rop->id) {
    case INSN_CSRRW:
    case INSN_CSRRWI: what = ACCESS_WRITE; break;
    case INSN_CSRRS:
    case INSN_CSRRSI: what = op->rs1 ? ACCESS_SET : ACCESS_READ; break;
    case INSN_CSRRC:
    case INSN_CSRRCI: what = op->rs1 ? ACCESS_CLEAR : ACCESS_READ; break;
    default: return false;
    }
    if (!e->fp || op->imm < CSR_FFLAGS || op->imm > CSR_FCSR)
        return false;
    if (op->imm == CSR_FCSR && (what == ACCESS_SET || what == ACCESS_CLEAR))
        return false;
    if (e->restored && e->index == e->restored) {
        finish_comparisons(e);
        return true;
    }
    if (what == ACCESS_READ && op->imm == CSR_FFLAGS && op->rd != 32)
        e->restored = find_restore(e, op->rd);
    if (what != ACCESS_READ)
        operand(e, op, immediate);
    switch (op->imm) {
    case CSR_FFLAGS: access_flags(e, op, what); break;
    case CSR_FRM: access_mode(e, op, what); break;
    default: access_both(e, op, what); break;
    }
    return true;
}
