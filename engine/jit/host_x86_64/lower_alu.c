// SPDX-License-Identifier: Apache-2.0
// The IR's arithmetic on integer registers.
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
    else if (e->gpr[n] != reg)
        x86_op(&e->a, 0x8b | X_W, e->gpr[n], x86_r(reg));
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

// A word's upper half, unless nothing looks at it.
static void sign_extend_32(struct emitter *e, const struct ir_insn *in, unsigned reg)
{
    if (!in->loose)
        x86_op(&e->a, 0x63 | X_W, reg, x86_r(reg)); // movsxd
}

static bool is_wide(const struct ir_insn *in)
{
    return in->type != IR_I32;
}

static bool lives_in(const struct emitter *e, unsigned n, unsigned reg)
{
    return in_register(e, n) && e->gpr[n] == reg;
}

// Where d is to be made: its own register, unless that still holds an operand that is read later.
static unsigned place_of_result(struct emitter *e, const struct ir_insn *in, bool b_read_late)
{
    unsigned d = define_x(e, in->d, RAX);

    return b_read_late && in->a != in->b && lives_in(e, in->b, d) ? RAX : d;
}

// False: that changes nothing.
static bool alu_register(struct emitter *e, enum x86_alu alu, bool w, unsigned d, unsigned n)
{
    if (n == 0 && alu == ALU_AND)
        x86_op(&e->a, 0x31, d, x86_r(d));
    else if (n)
        x86_op(&e->a, (alu * 8 + 3) | (w ? X_W : 0), d, guest_x(e, n));
    return n || alu == ALU_AND;
}

// d = a alu b
static void binary(struct emitter *e, const struct ir_insn *in, enum x86_alu alu, bool commutes)
{
    unsigned d = define_x(e, in->d, RAX), a = in->a, b = in->b;
    bool w = is_wide(in), flags = false;

    if (commutes && lives_in(e, b, d) && a != b) {
        a = in->b;
        b = in->a;
    }
    if (alu == ALU_SUB && lives_in(e, b, d) && a && a != b) { // a - d = -d + a
        x86_op(&e->a, 0xf7 | (w ? X_W : 0), 3, x86_r(d));
        alu = ALU_ADD;
        b = a;
        a = in->b;
    }
    if (lives_in(e, b, d) && a != b)
        d = RAX;
    if (alu == ALU_ADD && w && in_register(e, a) && in_register(e, b) && e->gpr[a] != d) {
        x86_op(&e->a, 0x8d | X_W, d, x86_mi(e->gpr[a], e->gpr[b], 0)); // lea
    } else {
        load_x(e, d, a);
        flags = alu_register(e, alu, w, d, b);
    }
    if (!w)
        sign_extend_32(e, in, d);
    finish_x(e, in->d, d);
    if (flags)
        note_flags(e, in->d, CC_NE);
}

static void add_constant(struct emitter *e, const struct ir_insn *in)
{
    unsigned d = define_x(e, in->d, RAX);
    bool w = is_wide(in), by_lea = in_register(e, in->a) && e->gpr[in->a] != d;
    int32_t imm = (int32_t)in->imm;

    if (by_lea) {
        x86_op(&e->a, 0x8d | (w ? X_W : 0), d, x86_m(e->gpr[in->a], imm));
    } else {
        load_x(e, d, in->a);
        x86_alu_imm(&e->a, ALU_ADD, w, x86_r(d), imm);
    }
    if (!w)
        sign_extend_32(e, in, d);
    finish_x(e, in->d, d);
    if (!by_lea)
        note_flags(e, in->d, CC_NE);
}

// d = a alu constant; in place where d lives in memory.
static void alu_constant(struct emitter *e, const struct ir_insn *in, enum x86_alu alu)
{
    unsigned d = define_x(e, in->d, RAX);

    if (in->d == in->a && !in_register(e, in->d) && (is_wide(in) || in->loose)) {
        x86_alu_imm(&e->a, alu, is_wide(in), guest_x(e, in->d), (int32_t)in->imm);
        note_flags(e, in->d, CC_NE);
    } else if (alu == ALU_ADD) {
        add_constant(e, in);
    } else {
        load_x(e, d, in->a);
        // Of what has no upper half the host's word is enough.
        x86_alu_imm(&e->a, alu, alu != ALU_AND || in->imm < 0, x86_r(d), (int32_t)in->imm);
        finish_x(e, in->d, d);
        note_flags(e, in->d, CC_NE);
    }
}

static void alu(struct emitter *e, const struct ir_insn *in, enum x86_alu alu, bool commutes)
{
    if (in->imm_b)
        alu_constant(e, in, alu);
    else
        binary(e, in, alu, commutes);
}

enum shift { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_L = 4, SHIFT_R = 5, SHIFT_A = 7 };

static void shift_constant(struct emitter *e, const struct ir_insn *in, enum shift shift)
{
    unsigned d = define_x(e, in->d, RAX);
    bool w = is_wide(in);

    load_x(e, d, in->a);
    if (in->imm) {
        x86_op(&e->a, 0xc1 | (w ? X_W : 0), shift, x86_r(d));
        x86_byte(&e->a, (uint8_t)in->imm);
    }
    if (!w && (shift != SHIFT_R || !in->imm)) // a word without its upper bit is extended already
        sign_extend_32(e, in, d);
    finish_x(e, in->d, d);
}

// The host masks the count as the guest does. BMI2 takes it from any register.
static void shift_register(struct emitter *e, const struct ir_insn *in, enum shift shift)
{
    bool w = is_wide(in);
    unsigned d = define_x(e, in->d, RAX), flags = w ? X_W : 0;

    if ((e->has & HAS_BMI2) && shift >= SHIFT_L) {
        static const unsigned prefix[] = {[SHIFT_L] = X_66, [SHIFT_R] = X_F2, [SHIFT_A] = X_F3};
        unsigned count = use_x(e, in->b, RCX), s = use_x(e, in->a, RAX);

        x86_vex(&e->a, 0xf7 | X_0F38 | prefix[shift] | flags, d, count, x86_r(s));
    } else {
        load_x(e, RCX, in->b);
        load_x(e, RAX, in->a);
        x86_op(&e->a, 0xd3 | flags, shift, x86_r(RAX));
        mov_rr(e, d, RAX);
    }
    if (!w)
        sign_extend_32(e, in, d);
    finish_x(e, in->d, d);
}

static void shift(struct emitter *e, const struct ir_insn *in, enum shift shift)
{
    if (in->imm_b)
        shift_constant(e, in, shift);
    else
        shift_register(e, in, shift);
}

void compare_x(struct emitter *e, unsigned a, unsigned b)
{
    if (!in_register(e, a) && in_register(e, b) && a)
        x86_op(&e->a, (ALU_CMP * 8 + 1) | X_W, e->gpr[b], guest_x(e, a));
    else
        x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, use_x(e, a, RAX), guest_x(e, b));
}

static void compare(struct emitter *e, const struct ir_insn *in)
{
    if (in->imm_b) {
        struct x86_operand rm = guest_x(e, in->a);

        if (in->a == 0)
            rm = x86_r(use_x(e, 0, RAX));
        x86_alu_imm(&e->a, ALU_CMP, true, rm, (int32_t)in->imm);
    } else {
        compare_x(e, in->a, in->b);
    }
}

// The result is cleared first, or, where an operand is in the way, by a move, which leaves the flags alone: a
// partial write would wait for the old value.
static void set_if(struct emitter *e, const struct ir_insn *in, enum x86_cc cc)
{
    unsigned d = define_x(e, in->d, RAX);
    bool in_the_way = d == RAX || lives_in(e, in->a, d) || (!in->imm_b && lives_in(e, in->b, d));

    if (!in_the_way)
        x86_op(&e->a, 0x31, d, x86_r(d));
    compare(e, in);
    if (in_the_way)
        x86_clear(&e->a, d);
    x86_op(&e->a, 0x90 | cc | X_0F | X_BYTE, 0, x86_r(d)); // setcc
    finish_x(e, in->d, d);
    note_flags(e, in->d, cc);
}

static void multiply(struct emitter *e, const struct ir_insn *in)
{
    unsigned d = place_of_result(e, in, true);
    bool w = is_wide(in);

    load_x(e, d, in->a);
    if (in->b == 0)
        x86_op(&e->a, 0x31, d, x86_r(d));
    else
        x86_op(&e->a, 0xaf | X_0F | (w ? X_W : 0), d, guest_x(e, in->b));
    if (!w)
        sign_extend_32(e, in, d);
    finish_x(e, in->d, d);
}

// The high half, in RDX. mulhsu is mulhu less the second operand when the first is negative.
static void multiply_high(struct emitter *e, const struct ir_insn *in)
{
    load_x(e, RAX, in->a);
    if (in->b == 0) {
        x86_op(&e->a, 0x31, RDX, x86_r(RDX));
    } else {
        unsigned s = use_x(e, in->b, RCX);

        x86_op(&e->a, 0xf7 | X_W, in->code == IR_MULH ? 5 : 4, x86_r(s));
        if (in->code == IR_MULHSU) {
            load_x(e, RAX, in->a);
            x86_op(&e->a, 0xc1 | X_W, SHIFT_A, x86_r(RAX));
            x86_byte(&e->a, 63);
            x86_op(&e->a, (ALU_AND * 8 + 3) | X_W, RAX, x86_r(s));
            x86_op(&e->a, (ALU_SUB * 8 + 3) | X_W, RDX, x86_r(RAX));
        }
    }
    finish_x(e, in->d, RDX);
}

// Divisors 0 and -1 (0 alone when unsigned) go out of line, to the interpreter.
static void divide(struct emitter *e, const struct ir_insn *in, bool is_signed, bool remainder)
{
    bool w = is_wide(in);
    unsigned flags = w ? X_W : 0, result = remainder ? RDX : RAX;

    load_x(e, RCX, in->b);
    if (is_signed) {
        x86_op(&e->a, 0x8d | flags, RAX, x86_m(RCX, 1));
        x86_alu_imm(&e->a, ALU_CMP, w, x86_r(RAX), 1);
        stub_step(e, x86_jcc(&e->a, CC_BE));
    } else {
        x86_op(&e->a, 0x85 | flags, RCX, x86_r(RCX));
        stub_step(e, x86_jcc(&e->a, CC_E));
    }
    load_x(e, RAX, in->a);
    if (is_signed) {
        if (w)
            x86_byte(&e->a, 0x48);
        x86_byte(&e->a, 0x99); // cqo, cdq
    } else {
        x86_op(&e->a, 0x31, RDX, x86_r(RDX));
    }
    x86_op(&e->a, 0xf7 | flags, is_signed ? 7 : 6, x86_r(RCX));
    if (!w)
        sign_extend_32(e, in, result);
    finish_x(e, in->d, result);
}

// d = (a << imm) + b, by lea where the shift allows.
static void shift_add(struct emitter *e, const struct ir_insn *in)
{
    unsigned d = define_x(e, in->d, RAX), s;

    if (in->type == IR_U32) {
        s = in->b && lives_in(e, in->b, d) ? RAX : d;
        if (in->a)
            x86_op(&e->a, 0x8b, s, guest_x(e, in->a)); // mov r32 clears the upper half
        else
            load_x(e, s, 0);
    } else {
        s = use_x(e, in->a, RAX);
    }
    if (in->b && in->imm <= 3) {
        x86_op(&e->a, 0x8d | X_W, d, x86_mis(use_x(e, in->b, RCX), s, (unsigned)in->imm, 0));
        finish_x(e, in->d, d);
        return;
    }
    mov_rr(e, RAX, s);
    if (in->imm) {
        x86_op(&e->a, 0xc1 | X_W, SHIFT_L, x86_r(RAX));
        x86_byte(&e->a, (uint8_t)in->imm);
    }
    if (in->b)
        x86_op(&e->a, (ALU_ADD * 8 + 3) | X_W, RAX, guest_x(e, in->b));
    finish_x(e, in->d, RAX);
}

// d = f(a) by an instruction of the form "op reg, r/m".
static void unary(struct emitter *e, const struct ir_insn *in, unsigned opcode)
{
    unsigned d = define_x(e, in->d, RAX);

    if (in->a == 0)
        x86_op(&e->a, opcode, d, x86_r(use_x(e, 0, RCX)));
    else
        x86_op(&e->a, opcode, d, guest_x(e, in->a));
    finish_x(e, in->d, d);
}

static void move(struct emitter *e, const struct ir_insn *in)
{
    unsigned d = define_x(e, in->d, RAX);

    if (in->d == in->a)
        return;
    if (in_register(e, in->a))
        d = e->gpr[in->a];
    else
        load_x(e, d, in->a);
    finish_x(e, in->d, d);
}

static void extend(struct emitter *e, const struct ir_insn *in)
{
    static const unsigned opcodes[IR_TYPES] = {
        [IR_I32] = 0x63 | X_W, [IR_I16] = 0xbf | X_0F | X_W, [IR_I8] = 0xbe | X_0F | X_W | X_BYTE,
        [IR_U32] = 0x8b,       [IR_U16] = 0xb7 | X_0F,       [IR_U8] = 0xb6 | X_0F | X_BYTE,
    };

    if (in->loose)
        move(e, in);
    else
        unary(e, in, opcodes[in->type]);
}

// d = a op ~b
static void inverted(struct emitter *e, const struct ir_insn *in, enum x86_alu alu)
{
    load_x(e, RCX, in->b);
    x86_op(&e->a, 0xf7 | X_W, 2, x86_r(RCX)); // not
    if (in->a)
        x86_op(&e->a, (alu * 8 + 3) | X_W, RCX, guest_x(e, in->a));
    else if (alu == ALU_AND)
        load_x(e, RCX, 0);
    finish_x(e, in->d, RCX);
}

// Minima and maxima: cc says when the second operand wins.
static void choose(struct emitter *e, const struct ir_insn *in, enum x86_cc cc)
{
    unsigned s;

    load_x(e, RAX, in->a);
    s = use_x(e, in->b, RCX);
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RAX, x86_r(s));
    x86_op(&e->a, 0x40 | cc | X_0F | X_W, RAX, x86_r(s)); // cmovcc
    finish_x(e, in->d, RAX);
}

static void zero_if(struct emitter *e, const struct ir_insn *in, enum x86_cc cc)
{
    unsigned s;

    load_x(e, RAX, in->a);
    s = use_x(e, in->b, RCX);
    x86_op(&e->a, 0x31, RDX, x86_r(RDX));
    x86_op(&e->a, 0x85 | X_W, s, x86_r(s));
    x86_op(&e->a, 0x40 | cc | X_0F | X_W, RAX, x86_r(RDX));
    finish_x(e, in->d, RAX);
}

// bts, btr, btc by their extension number; with a register their opcode. The host masks the count.
static void single_bit(struct emitter *e, const struct ir_insn *in, unsigned extension,
                       unsigned opcode)
{
    load_x(e, RAX, in->a);
    if (in->imm_b) {
        x86_op(&e->a, 0xba | X_0F | X_W, extension, x86_r(RAX));
        x86_byte(&e->a, (uint8_t)in->imm);
    } else {
        x86_op(&e->a, opcode | X_0F | X_W, use_x(e, in->b, RCX), x86_r(RAX));
    }
    finish_x(e, in->d, RAX);
}

static void extract_bit(struct emitter *e, const struct ir_insn *in)
{
    if (in->imm_b) {
        load_x(e, RAX, in->a);
        if (in->imm) {
            x86_op(&e->a, 0xc1 | X_W, SHIFT_R, x86_r(RAX));
            x86_byte(&e->a, (uint8_t)in->imm);
        }
    } else {
        load_x(e, RCX, in->b);
        load_x(e, RAX, in->a);
        x86_op(&e->a, 0xd3 | X_W, SHIFT_R, x86_r(RAX));
    }
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RAX), 1);
    finish_x(e, in->d, RAX);
}

static void byte_swap(struct emitter *e, const struct ir_insn *in)
{
    unsigned d = define_x(e, in->d, RAX);

    load_x(e, d, in->a);
    x86_byte(&e->a, d & 8 ? 0x49 : 0x48);
    x86_byte(&e->a, 0x0f);
    x86_byte(&e->a, (uint8_t)(0xc8 | (d & 7)));
    finish_x(e, in->d, d);
}

// 0xff in each byte that is not zero: compared with zero twice.
static void byte_mask(struct emitter *e, const struct ir_insn *in)
{
    unsigned d = define_x(e, in->d, RAX), s = use_x(e, in->a, RAX);

    x86_op(&e->a, 0x6e | X_0F | X_66 | X_W, 0, x86_r(s)); // movq
    x86_op(&e->a, 0x57 | X_0F, 1, x86_r(1));              // xorps
    x86_op(&e->a, 0x74 | X_0F | X_66, 0, x86_r(1));       // pcmpeqb
    x86_op(&e->a, 0x74 | X_0F | X_66, 0, x86_r(1));
    x86_op(&e->a, 0x7e | X_0F | X_66 | X_W, 0, x86_r(d));
    finish_x(e, in->d, d);
}

static void constant(struct emitter *e, const struct ir_insn *in)
{
    unsigned d = define_x(e, in->d, RAX);

    if (!in_register(e, in->d) && in->imm == (int32_t)in->imm) {
        x86_op(&e->a, 0xc7 | X_W, 0, guest_x(e, in->d));
        x86_u32(&e->a, (uint32_t)in->imm);
        return;
    }
    x86_mov_imm(&e->a, d, (uint64_t)in->imm);
    finish_x(e, in->d, d);
}

// Counting of bits, where the host has the instruction. Operand size by `type`.
static bool count_bits(struct emitter *e, const struct ir_insn *in, enum x86_feature feature,
                       unsigned opcode)
{
    if (!(e->has & feature))
        return false;
    unary(e, in, opcode | X_0F | X_F3 | (is_wide(in) ? X_W : 0));
    return true;
}

static bool lower_bits(struct emitter *e, const struct ir_insn *in)
{
    switch (in->code) {
    case IR_ANDN: inverted(e, in, ALU_AND); return true;
    case IR_ORN: inverted(e, in, ALU_OR); return true;
    case IR_XNOR: inverted(e, in, ALU_XOR); return true;
    case IR_MIN: choose(e, in, CC_G); return true;
    case IR_MINU: choose(e, in, CC_A); return true;
    case IR_MAX: choose(e, in, CC_L); return true;
    case IR_MAXU: choose(e, in, CC_B); return true;
    case IR_ZERO_EQ: zero_if(e, in, CC_E); return true;
    case IR_ZERO_NE: zero_if(e, in, CC_NE); return true;
    case IR_CLZ: return count_bits(e, in, HAS_LZCNT, 0xbd);
    case IR_CTZ: return count_bits(e, in, HAS_BMI1, 0xbc);
    case IR_POPCOUNT: return count_bits(e, in, HAS_POPCNT, 0xb8);
    case IR_BYTESWAP: byte_swap(e, in); return true;
    case IR_BYTEMASK: byte_mask(e, in); return true;
    case IR_BIT_SET: single_bit(e, in, 5, 0xab); return true;
    case IR_BIT_CLEAR: single_bit(e, in, 6, 0xb3); return true;
    case IR_BIT_FLIP: single_bit(e, in, 7, 0xbb); return true;
    case IR_BIT_GET: extract_bit(e, in); return true;
    case IR_CLMUL:
    case IR_CLMULH:
    case IR_CLMULR: return lower_clmul(e, in);
    default: return false;
    }
}

bool lower_alu(struct emitter *e, const struct ir_insn *in)
{
    switch (in->code) {
    case IR_CONST: constant(e, in); return true;
    case IR_MOVE: move(e, in); return true;
    case IR_EXTEND: extend(e, in); return true;
    case IR_ADD: alu(e, in, ALU_ADD, true); return true;
    case IR_SUB: alu(e, in, ALU_SUB, false); return true;
    case IR_AND: alu(e, in, ALU_AND, true); return true;
    case IR_OR: alu(e, in, ALU_OR, true); return true;
    case IR_XOR: alu(e, in, ALU_XOR, true); return true;
    case IR_SHL: shift(e, in, SHIFT_L); return true;
    case IR_SHR: shift(e, in, SHIFT_R); return true;
    case IR_SAR: shift(e, in, SHIFT_A); return true;
    case IR_ROL: shift(e, in, SHIFT_ROL); return true;
    case IR_ROR: shift(e, in, SHIFT_ROR); return true;
    case IR_SHADD: shift_add(e, in); return true;
    case IR_SLT: set_if(e, in, CC_L); return true;
    case IR_SLTU: set_if(e, in, CC_B); return true;
    case IR_MUL: multiply(e, in); return true;
    case IR_MULH:
    case IR_MULHSU:
    case IR_MULHU: multiply_high(e, in); return true;
    case IR_DIV: divide(e, in, true, false); return true;
    case IR_DIVU: divide(e, in, false, false); return true;
    case IR_REM: divide(e, in, true, true); return true;
    case IR_REMU: divide(e, in, false, true); return true;
    default: return lower_bits(e, in);
    }
}
