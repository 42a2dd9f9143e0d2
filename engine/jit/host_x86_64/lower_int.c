// SPDX-License-Identifier: Apache-2.0
// Integer instructions.
#include "engine/jit/host_x86_64/target.h"

unsigned use_x(struct emitter *e, unsigned n, unsigned scratch)
{
    if (in_register(e, n))
        return e->gpr[n];
    if (n == 0)
        x86_op(&e->a, 0x31, scratch, x86_r(scratch));
    else
        x86_op(&e->a, 0x8b | X_W, scratch, guest_x(e, n));
    return scratch;
}

void finish_x(struct emitter *e, unsigned n, unsigned reg)
{
    if (!in_register(e, n))
        x86_op(&e->a, 0x89 | X_W, reg, guest_x(e, n));
}

void mov_rr(struct emitter *e, unsigned to, unsigned from)
{
    if (to != from)
        x86_op(&e->a, 0x8b | X_W, to, x86_r(from));
}

static void load_x(struct emitter *e, unsigned reg, unsigned n)
{
    if (n == 0)
        x86_op(&e->a, 0x31, reg, x86_r(reg));
    else if (!in_register(e, n) || e->gpr[n] != reg)
        x86_op(&e->a, 0x8b | X_W, reg, guest_x(e, n));
}

static void sign_extend_32(struct emitter *e, unsigned to, unsigned from)
{
    x86_op(&e->a, 0x63 | X_W, to, x86_r(from)); // movsxd
}

static bool is_w(unsigned id)
{
    switch (id) {
    case INSN_ADDW:
    case INSN_SUBW:
    case INSN_SLLW:
    case INSN_SRLW:
    case INSN_SRAW:
    case INSN_ROLW:
    case INSN_RORW:
    case INSN_MULW:
    case INSN_DIVW:
    case INSN_DIVUW:
    case INSN_REMW:
    case INSN_REMUW: return true;
    default: return false;
    }
}

// rd = rs1 alu rs2. Made in rd's own register unless that still holds the second operand.
static void binary(struct emitter *e, const struct op *op, enum x86_alu alu, bool w, bool commutes)
{
    unsigned d = define_x(e, op->rd, RAX), rs1 = op->rs1, rs2 = op->rs2;

    if (commutes && in_register(e, rs2) && e->gpr[rs2] == d && rs1 != rs2) {
        rs1 = op->rs2;
        rs2 = op->rs1;
    }
    if (in_register(e, rs2) && e->gpr[rs2] == d && rs1 != rs2)
        d = RAX;
    if (alu == ALU_ADD && w && in_register(e, rs1) && in_register(e, rs2) && e->gpr[rs1] != d) {
        x86_op(&e->a, 0x8d | X_W, d, x86_mi(e->gpr[rs1], e->gpr[rs2], 0)); // lea
    } else {
        load_x(e, d, rs1);
        if (rs2 == 0 && alu == ALU_AND)
            x86_op(&e->a, 0x31, d, x86_r(d));
        else if (rs2)
            x86_op(&e->a, (alu * 8 + 3) | (w ? X_W : 0), d, guest_x(e, rs2));
    }
    if (!w)
        sign_extend_32(e, d, d);
    if (in_register(e, op->rd))
        mov_rr(e, e->gpr[op->rd], d);
    finish_x(e, op->rd, d);
}

static void add_imm(struct emitter *e, const struct op *op, bool w)
{
    unsigned d = define_x(e, op->rd, RAX);

    if (w && op->rd == op->rs1 && !in_register(e, op->rd)) {
        x86_alu_imm(&e->a, ALU_ADD, true, guest_x(e, op->rd), op->imm);
        return;
    }
    if (op->rs1 == 0) {
        x86_mov_imm(&e->a, d, (uint64_t)(int64_t)op->imm);
    } else if (in_register(e, op->rs1) && e->gpr[op->rs1] != d && op->imm) {
        x86_op(&e->a, 0x8d | (w ? X_W : 0), d, x86_m(e->gpr[op->rs1], op->imm));
    } else {
        load_x(e, d, op->rs1);
        if (op->imm)
            x86_alu_imm(&e->a, ALU_ADD, w, x86_r(d), op->imm);
    }
    if (!w && op->rs1)
        sign_extend_32(e, d, d);
    finish_x(e, op->rd, d);
}

static void logic_imm(struct emitter *e, const struct op *op, enum x86_alu alu)
{
    unsigned d = define_x(e, op->rd, RAX);

    if (op->rd == op->rs1 && !in_register(e, op->rd)) {
        x86_alu_imm(&e->a, alu, true, guest_x(e, op->rd), op->imm);
        return;
    }
    if (alu == ALU_AND && op->imm == 255) { // movzx
        unsigned s = use_x(e, op->rs1, RAX);

        x86_op(&e->a, 0xb6 | X_0F | X_BYTE, d, x86_r(s));
    } else {
        load_x(e, d, op->rs1);
        x86_alu_imm(&e->a, alu, true, x86_r(d), op->imm);
    }
    finish_x(e, op->rd, d);
}

enum shift { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_L = 4, SHIFT_R = 5, SHIFT_A = 7 };

static void shift_imm(struct emitter *e, const struct op *op, enum shift shift, bool w)
{
    unsigned d = define_x(e, op->rd, RAX);

    load_x(e, d, op->rs1);
    if (op->imm) {
        x86_op(&e->a, 0xc1 | (w ? X_W : 0), shift, x86_r(d));
        x86_byte(&e->a, (uint8_t)op->imm);
    }
    if (!w)
        sign_extend_32(e, d, d);
    finish_x(e, op->rd, d);
}

// The host masks the count as the guest does. BMI2 takes it from any register.
static void shift_reg(struct emitter *e, const struct op *op, enum shift shift, bool w)
{
    unsigned d = define_x(e, op->rd, RAX), flags = w ? X_W : 0;

    if ((e->has & HAS_BMI2) && shift >= SHIFT_L) {
        static const unsigned prefix[] = {[SHIFT_L] = X_66, [SHIFT_R] = X_F2, [SHIFT_A] = X_F3};
        unsigned count = use_x(e, op->rs2, RCX), s = use_x(e, op->rs1, RAX);

        x86_vex(&e->a, 0xf7 | X_0F38 | prefix[shift] | flags, d, count, x86_r(s));
    } else {
        load_x(e, RCX, op->rs2);
        load_x(e, RAX, op->rs1);
        x86_op(&e->a, 0xd3 | flags, shift, x86_r(RAX));
        mov_rr(e, d, RAX);
    }
    if (!w)
        sign_extend_32(e, d, d);
    finish_x(e, op->rd, d);
}

// Compares x[rs1] with x[rs2] or an immediate.
static void compare(struct emitter *e, const struct op *op, bool immediate)
{
    if (immediate) {
        struct x86_operand rm = guest_x(e, op->rs1);

        if (op->rs1 == 0)
            rm = x86_r(use_x(e, 0, RAX));
        x86_alu_imm(&e->a, ALU_CMP, true, rm, op->imm);
    } else {
        unsigned s = use_x(e, op->rs1, RAX);

        x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, s, guest_x(e, op->rs2));
    }
}

static void set_if(struct emitter *e, const struct op *op, enum x86_cc cc, bool immediate)
{
    unsigned d = define_x(e, op->rd, RAX);

    compare(e, op, immediate);
    x86_op(&e->a, 0x90 | cc | X_0F, 0, x86_r(RAX)); // setcc al
    x86_op(&e->a, 0xb6 | X_0F, d, x86_r(RAX));
    finish_x(e, op->rd, d);
}

static void multiply(struct emitter *e, const struct op *op, bool w)
{
    unsigned d = define_x(e, op->rd, RAX), t = d;

    if (in_register(e, op->rs2) && e->gpr[op->rs2] == d && op->rs1 != op->rs2)
        t = RAX;
    load_x(e, t, op->rs1);
    if (op->rs2 == 0)
        x86_op(&e->a, 0x31, t, x86_r(t));
    else
        x86_op(&e->a, 0xaf | X_0F | (w ? X_W : 0), t, guest_x(e, op->rs2));
    if (!w)
        sign_extend_32(e, t, t);
    mov_rr(e, d, t);
    finish_x(e, op->rd, d);
}

// The high half, in RDX. mulhsu is mulhu less the second operand when the first is negative.
static void multiply_high(struct emitter *e, const struct op *op)
{
    unsigned d = define_x(e, op->rd, RDX);

    load_x(e, RAX, op->rs1);
    if (op->rs2 == 0) {
        x86_op(&e->a, 0x31, RDX, x86_r(RDX));
    } else {
        unsigned s = use_x(e, op->rs2, RCX);

        x86_op(&e->a, 0xf7 | X_W, op->fn == interp_steps[INSN_MULH] ? 5 : 4, x86_r(s));
        if (op->fn == interp_steps[INSN_MULHSU]) {
            load_x(e, RAX, op->rs1);
            x86_op(&e->a, 0xc1 | X_W, SHIFT_A, x86_r(RAX));
            x86_byte(&e->a, 63);
            x86_op(&e->a, (ALU_AND * 8 + 3) | X_W, RAX, x86_r(s));
            x86_op(&e->a, (ALU_SUB * 8 + 3) | X_W, RDX, x86_r(RAX));
        }
    }
    mov_rr(e, d, RDX);
    finish_x(e, op->rd, d);
}

// Divisors 0 and -1 (0 alone when unsigned) go out of line, to the interpreter.
static void divide(struct emitter *e, const struct op *op, bool w, bool is_signed, bool remainder)
{
    unsigned flags = w ? X_W : 0, result = remainder ? RDX : RAX, d = define_x(e, op->rd, result);

    load_x(e, RCX, op->rs2);
    if (is_signed) {
        x86_op(&e->a, 0x8d | flags, RAX, x86_m(RCX, 1));
        x86_alu_imm(&e->a, ALU_CMP, w, x86_r(RAX), 1);
        stub_step(e, x86_jcc(&e->a, CC_BE));
    } else {
        x86_op(&e->a, 0x85 | flags, RCX, x86_r(RCX));
        stub_step(e, x86_jcc(&e->a, CC_E));
    }
    load_x(e, RAX, op->rs1);
    if (is_signed) {
        if (w)
            x86_byte(&e->a, 0x48);
        x86_byte(&e->a, 0x99); // cqo, cdq
    } else {
        x86_op(&e->a, 0x31, RDX, x86_r(RDX));
    }
    x86_op(&e->a, 0xf7 | flags, is_signed ? 7 : 6, x86_r(RCX));
    if (!w)
        sign_extend_32(e, result, result);
    mov_rr(e, d, result);
    finish_x(e, op->rd, d);
}

// rd = (rs1 << by) + rs2; uw: rs1's low word.
static void shift_add(struct emitter *e, const struct op *op, unsigned by, bool uw)
{
    unsigned d = define_x(e, op->rd, RAX);

    if (uw) {
        if (op->rs1)
            x86_op(&e->a, 0x8b, RAX, guest_x(e, op->rs1)); // mov r32 clears the upper half
        else
            load_x(e, RAX, 0);
    } else {
        load_x(e, RAX, op->rs1);
    }
    if (by) {
        x86_op(&e->a, 0xc1 | X_W, SHIFT_L, x86_r(RAX));
        x86_byte(&e->a, (uint8_t)by);
    }
    if (op->rs2)
        x86_op(&e->a, (ALU_ADD * 8 + 3) | X_W, RAX, guest_x(e, op->rs2));
    mov_rr(e, d, RAX);
    finish_x(e, op->rd, d);
}

// rd = f(rs1) by an instruction of the form "op reg, r/m".
static void unary(struct emitter *e, const struct op *op, unsigned opcode)
{
    unsigned d = define_x(e, op->rd, RAX), s = use_x(e, op->rs1, RCX);

    x86_op(&e->a, opcode, d, x86_r(s));
    finish_x(e, op->rd, d);
}

// rd = rs1 op ~rs2
static void inverted(struct emitter *e, const struct op *op, enum x86_alu alu)
{
    unsigned d = define_x(e, op->rd, RAX);

    load_x(e, RCX, op->rs2);
    x86_op(&e->a, 0xf7 | X_W, 2, x86_r(RCX)); // not
    if (op->rs1)
        x86_op(&e->a, (alu * 8 + 3) | X_W, RCX, guest_x(e, op->rs1));
    else if (alu == ALU_AND)
        load_x(e, RCX, 0);
    mov_rr(e, d, RCX);
    finish_x(e, op->rd, d);
}

// Minima and maxima: cc says when the second operand wins.
static void select(struct emitter *e, const struct op *op, enum x86_cc cc)
{
    unsigned d = define_x(e, op->rd, RAX), s;

    load_x(e, RAX, op->rs1);
    s = use_x(e, op->rs2, RCX);
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RAX, x86_r(s));
    x86_op(&e->a, 0x40 | cc | X_0F | X_W, RAX, x86_r(s)); // cmovcc
    mov_rr(e, d, RAX);
    finish_x(e, op->rd, d);
}

static void zero_if(struct emitter *e, const struct op *op, enum x86_cc cc)
{
    unsigned d = define_x(e, op->rd, RAX), s;

    load_x(e, RAX, op->rs1);
    s = use_x(e, op->rs2, RCX);
    x86_op(&e->a, 0x31, RDX, x86_r(RDX));
    x86_op(&e->a, 0x85 | X_W, s, x86_r(s));
    x86_op(&e->a, 0x40 | cc | X_0F | X_W, RAX, x86_r(RDX));
    mov_rr(e, d, RAX);
    finish_x(e, op->rd, d);
}

static void single_bit_imm(struct emitter *e, const struct op *op, unsigned extension)
{
    unsigned d = define_x(e, op->rd, RAX);

    load_x(e, d, op->rs1);
    x86_op(&e->a, 0xba | X_0F | X_W, extension, x86_r(d)); // bts, btr, btc
    x86_byte(&e->a, (uint8_t)op->imm);
    finish_x(e, op->rd, d);
}

static void bit_extract_imm(struct emitter *e, const struct op *op)
{
    unsigned d = define_x(e, op->rd, RAX);

    load_x(e, d, op->rs1);
    if (op->imm) {
        x86_op(&e->a, 0xc1 | X_W, SHIFT_R, x86_r(d));
        x86_byte(&e->a, (uint8_t)op->imm);
    }
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(d), 1);
    finish_x(e, op->rd, d);
}

static void byte_reverse(struct emitter *e, const struct op *op)
{
    unsigned d = define_x(e, op->rd, RAX);

    load_x(e, d, op->rs1);
    x86_byte(&e->a, d & 8 ? 0x49 : 0x48);
    x86_byte(&e->a, 0x0f);
    x86_byte(&e->a, (uint8_t)(0xc8 | (d & 7)));
    finish_x(e, op->rd, d);
}

// 0xff in each byte that is not zero: compared with zero twice.
static void or_combine(struct emitter *e, const struct op *op)
{
    unsigned d = define_x(e, op->rd, RAX), s = use_x(e, op->rs1, RAX);

    x86_op(&e->a, 0x6e | X_0F | X_66 | X_W, 0, x86_r(s)); // movq
    x86_op(&e->a, 0x57 | X_0F, 1, x86_r(1));              // xorps
    x86_op(&e->a, 0x74 | X_0F | X_66, 0, x86_r(1));       // pcmpeqb
    x86_op(&e->a, 0x74 | X_0F | X_66, 0, x86_r(1));
    x86_op(&e->a, 0x7e | X_0F | X_66 | X_W, 0, x86_r(d));
    finish_x(e, op->rd, d);
}

static bool lower_zb(struct emitter *e, unsigned id, const struct op *op)
{
    switch (id) {
    case INSN_ADD_UW: shift_add(e, op, 0, true); return true;
    case INSN_SH1ADD: shift_add(e, op, 1, false); return true;
    case INSN_SH2ADD: shift_add(e, op, 2, false); return true;
    case INSN_SH3ADD: shift_add(e, op, 3, false); return true;
    case INSN_SH1ADD_UW: shift_add(e, op, 1, true); return true;
    case INSN_SH2ADD_UW: shift_add(e, op, 2, true); return true;
    case INSN_SH3ADD_UW: shift_add(e, op, 3, true); return true;
    case INSN_ANDN: inverted(e, op, ALU_AND); return true;
    case INSN_ORN: inverted(e, op, ALU_OR); return true;
    case INSN_XNOR: inverted(e, op, ALU_XOR); return true;
    case INSN_ROL: shift_reg(e, op, SHIFT_ROL, true); return true;
    case INSN_ROR: shift_reg(e, op, SHIFT_ROR, true); return true;
    case INSN_ROLW: shift_reg(e, op, SHIFT_ROL, false); return true;
    case INSN_RORW: shift_reg(e, op, SHIFT_ROR, false); return true;
    case INSN_RORI: shift_imm(e, op, SHIFT_ROR, true); return true;
    case INSN_RORIW: shift_imm(e, op, SHIFT_ROR, false); return true;
    case INSN_REV8: byte_reverse(e, op); return true;
    case INSN_ORC_B: or_combine(e, op); return true;
    case INSN_SEXT_B: unary(e, op, 0xbe | X_0F | X_W | X_BYTE); return true;
    case INSN_SEXT_H: unary(e, op, 0xbf | X_0F | X_W); return true;
    case INSN_ZEXT_H: unary(e, op, 0xb7 | X_0F); return true;
    case INSN_CLZ: return (e->has & HAS_LZCNT) && (unary(e, op, 0xbd | X_0F | X_F3 | X_W), true);
    case INSN_CTZ: return (e->has & HAS_BMI1) && (unary(e, op, 0xbc | X_0F | X_F3 | X_W), true);
    case INSN_CPOP: return (e->has & HAS_POPCNT) && (unary(e, op, 0xb8 | X_0F | X_F3 | X_W), true);
    case INSN_CLZW: return (e->has & HAS_LZCNT) && (unary(e, op, 0xbd | X_0F | X_F3), true);
    case INSN_CTZW: return (e->has & HAS_BMI1) && (unary(e, op, 0xbc | X_0F | X_F3), true);
    case INSN_CPOPW: return (e->has & HAS_POPCNT) && (unary(e, op, 0xb8 | X_0F | X_F3), true);
    case INSN_MIN: select(e, op, CC_G); return true;
    case INSN_MINU: select(e, op, CC_A); return true;
    case INSN_MAX: select(e, op, CC_L); return true;
    case INSN_MAXU: select(e, op, CC_B); return true;
    case INSN_CZERO_EQZ: zero_if(e, op, CC_E); return true;
    case INSN_CZERO_NEZ: zero_if(e, op, CC_NE); return true;
    case INSN_BSETI: single_bit_imm(e, op, 5); return true;
    case INSN_BCLRI: single_bit_imm(e, op, 6); return true;
    case INSN_BINVI: single_bit_imm(e, op, 7); return true;
    case INSN_BEXTI: bit_extract_imm(e, op); return true;
    default: return false;
    }
}

static void load_constant(struct emitter *e, const struct op *op, uint64_t value)
{
    unsigned d = define_x(e, op->rd, RAX);

    x86_mov_imm(&e->a, d, value);
    finish_x(e, op->rd, d);
}

static bool lower_m(struct emitter *e, unsigned id, const struct op *op)
{
    bool w = !is_w(id);

    switch (id) {
    case INSN_MUL:
    case INSN_MULW: multiply(e, op, w); return true;
    case INSN_MULH:
    case INSN_MULHSU:
    case INSN_MULHU: multiply_high(e, op); return true;
    case INSN_DIV:
    case INSN_DIVW: divide(e, op, w, true, false); return true;
    case INSN_DIVU:
    case INSN_DIVUW: divide(e, op, w, false, false); return true;
    case INSN_REM:
    case INSN_REMW: divide(e, op, w, true, true); return true;
    case INSN_REMU:
    case INSN_REMUW: divide(e, op, w, false, true); return true;
    default: return lower_zb(e, id, op);
    }
}

// Of these a result that nobody wants is no work at all. rd's field means something else elsewhere.
static bool is_pure(unsigned id)
{
    enum insn_format format = riscv_insn_info[id].format;

    return id == INSN_ADDI || id == INSN_ADDIW || format == FMT_U || format == FMT_SHIFT ||
           (format == FMT_R && !riscv_insn_info[id].regs);
}

bool lower_int(struct emitter *e, const struct region_op *rop)
{
    const struct op *op = &rop->op;

    if (op->rd == 32 && is_pure(rop->id))
        return true;
    switch (rop->id) {
    case INSN_LUI: load_constant(e, op, (uint64_t)(int64_t)op->imm); return true;
    case INSN_AUIPC:
        load_constant(e, op, e->region->pc + rop->offset + (uint64_t)(int64_t)op->imm);
        return true;
    case INSN_ADDI: add_imm(e, op, true); return true;
    case INSN_ADDIW: add_imm(e, op, false); return true;
    case INSN_XORI: logic_imm(e, op, ALU_XOR); return true;
    case INSN_ORI: logic_imm(e, op, ALU_OR); return true;
    case INSN_ANDI: logic_imm(e, op, ALU_AND); return true;
    case INSN_SLTI: set_if(e, op, CC_L, true); return true;
    case INSN_SLTIU: set_if(e, op, CC_B, true); return true;
    case INSN_SLT: set_if(e, op, CC_L, false); return true;
    case INSN_SLTU: set_if(e, op, CC_B, false); return true;
    case INSN_SLLI: shift_imm(e, op, SHIFT_L, true); return true;
    case INSN_SRLI: shift_imm(e, op, SHIFT_R, true); return true;
    case INSN_SRAI: shift_imm(e, op, SHIFT_A, true); return true;
    case INSN_SLLIW: shift_imm(e, op, SHIFT_L, false); return true;
    case INSN_SRLIW: shift_imm(e, op, SHIFT_R, false); return true;
    case INSN_SRAIW: shift_imm(e, op, SHIFT_A, false); return true;
    case INSN_ADD: binary(e, op, ALU_ADD, true, true); return true;
    case INSN_SUB: binary(e, op, ALU_SUB, true, false); return true;
    case INSN_ADDW: binary(e, op, ALU_ADD, false, true); return true;
    case INSN_SUBW: binary(e, op, ALU_SUB, false, false); return true;
    case INSN_AND: binary(e, op, ALU_AND, true, true); return true;
    case INSN_OR: binary(e, op, ALU_OR, true, true); return true;
    case INSN_XOR: binary(e, op, ALU_XOR, true, true); return true;
    case INSN_SLL: shift_reg(e, op, SHIFT_L, true); return true;
    case INSN_SRL: shift_reg(e, op, SHIFT_R, true); return true;
    case INSN_SRA: shift_reg(e, op, SHIFT_A, true); return true;
    case INSN_SLLW: shift_reg(e, op, SHIFT_L, false); return true;
    case INSN_SRLW: shift_reg(e, op, SHIFT_R, false); return true;
    case INSN_SRAW: shift_reg(e, op, SHIFT_A, false); return true;
    default: return lower_m(e, rop->id, op);
    }
}
