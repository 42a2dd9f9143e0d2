// SPDX-License-Identifier: Apache-2.0
// Atomics, fences and cbo.zero: the TLB look-up inline, misses and devices by a single step of the
// interpreter, out of line.
#include "engine/jit/host_x86_64/target.h"

// Puts x[rs1] into RAX.
static void address(struct emitter *e, const struct op *op)
{
    mov_rr(e, RAX, use_x(e, op->rs1, RAX));
}

void look_up_aligned(struct emitter *e, unsigned size, bool store)
{
    size_t tag =
        store ? offsetof(struct tlb_entry, write_tag) : offsetof(struct tlb_entry, read_tag);

    x86_op(&e->a, 0x8b, RCX, x86_r(RAX));
    x86_op(&e->a, 0xc1, 5, x86_r(RCX)); // shr ecx
    x86_byte(&e->a, HULL_PAGE_SHIFT - TLB_ENTRY_SHIFT);
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RCX), (TLB_ENTRIES - 1) << TLB_ENTRY_SHIFT);
    x86_op(&e->a, 0x8b | X_W, RDX, x86_r(RAX));
    x86_alu_imm(&e->a, ALU_AND, true, x86_r(RDX), -4096 | (int32_t)(size - 1));
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RDX, x86_mi(RBP, RCX, tlb_field(e, tag)));
    stub_step(e, x86_jcc(&e->a, CC_NE));
    x86_op(&e->a, (ALU_ADD * 8 + 3) | X_W, RAX,
           x86_mi(RBP, RCX, tlb_field(e, offsetof(struct tlb_entry, addend))));
}

// cbo.zero, where nothing can forbid it: with the SBI by Hull the guest has no menvcfg.
static bool zero_block(struct emitter *e, const struct op *op)
{
    if (e->region->priv != PRIV_S || (e->region->flavor & FLAVOR_VIRT) || !e->jit->cpu.hart.sbi)
        return false;
    address(e, op);
    x86_alu_imm(&e->a, ALU_AND, true, x86_r(RAX), -64);
    look_up_aligned(e, 1, true);
    x86_op(&e->a, 0x57 | X_0F, 0, x86_r(0)); // xorps
    for (int i = 0; i < 64; i += 16)
        x86_op(&e->a, 0x11 | X_0F, 0, x86_m(RAX, i)); // movups
    return true;
}

// rd gets the old value (in RDX).
static void finish_amo(struct emitter *e, const struct op *op, bool w)
{
    unsigned d = define_x(e, op->rd, RDX);

    if (w)
        mov_rr(e, d, RDX);
    else
        x86_op(&e->a, 0x63 | X_W, d, x86_r(RDX));
    finish_x(e, op->rd, d);
}

static void load_operand(struct emitter *e, const struct op *op)
{
    mov_rr(e, RDX, use_x(e, op->rs2, RDX));
}

// xchg needs no lock prefix, xadd does.
static void exchange(struct emitter *e, const struct op *op, bool w, bool add)
{
    address(e, op);
    look_up_aligned(e, w ? 8 : 4, true);
    load_operand(e, op);
    if (add) {
        x86_byte(&e->a, 0xf0);
        x86_op(&e->a, 0xc1 | X_0F | (w ? X_W : 0), RDX, x86_m(RAX, 0));
    } else {
        x86_op(&e->a, 0x87 | (w ? X_W : 0), RDX, x86_m(RAX, 0));
    }
    finish_amo(e, op, w);
}

// and, or, xor: without a result wanted one locked instruction.
static void combine(struct emitter *e, const struct op *op, bool w, enum x86_alu alu)
{
    address(e, op);
    look_up_aligned(e, w ? 8 : 4, true);
    load_operand(e, op);
    x86_byte(&e->a, 0xf0);
    x86_op(&e->a, (alu * 8 + 1) | (w ? X_W : 0), RDX, x86_m(RAX, 0));
}

// What the host has no instruction for, by compare and exchange: RDX = f(RAX, rs2), until nobody
// was quicker.
static void fetch_and(struct emitter *e, const struct op *op, bool w, unsigned alu, bool choose,
                      enum x86_cc cc)
{
    unsigned flags = w ? X_W : 0, d = define_x(e, op->rd, RAX);
    size_t again;

    address(e, op);
    look_up_aligned(e, w ? 8 : 4, true);
    mov_rr(e, RCX, RAX);
    x86_op(&e->a, 0x8b | flags, RAX, x86_m(RCX, 0));
    again = e->a.used;
    x86_op(&e->a, 0x8b | X_W, RDX, x86_r(RAX));
    if (choose) {
        x86_op(&e->a, (ALU_CMP * 8 + 3) | flags, RAX, guest_x(e, op->rs2));
        x86_op(&e->a, 0x40 | cc | X_0F | flags, RDX, guest_x(e, op->rs2)); // cmovcc
    } else {
        x86_op(&e->a, (alu * 8 + 3) | flags, RDX, guest_x(e, op->rs2));
    }
    x86_byte(&e->a, 0xf0); // lock cmpxchg
    x86_op(&e->a, 0xb1 | X_0F | flags, RDX, x86_m(RCX, 0));
    x86_patch(&e->a, x86_jcc(&e->a, CC_NE), again);
    if (w)
        mov_rr(e, d, RAX);
    else
        x86_op(&e->a, 0x63 | X_W, d, x86_r(RAX));
    finish_x(e, op->rd, d);
}

static void logic(struct emitter *e, const struct op *op, bool w, enum x86_alu alu)
{
    if (op->rd == IR_NO_REG)
        combine(e, op, w, alu);
    else
        fetch_and(e, op, w, alu, false, CC_O);
}

// cc: when the operand takes the value's place.
static void extremum(struct emitter *e, const struct op *op, bool w, enum x86_cc cc)
{
    fetch_and(e, op, w, 0, true, cc);
}

static int32_t reservation(size_t field)
{
    return FIELD(cpu.hart.s) + (int32_t)field;
}

// The reservation's address is a guest physical one: that of the page (the low bits of the TLB's gpa
// are the page's size) with the offset of the virtual one.
static void physical_address(struct emitter *e, const struct op *op)
{
    x86_op(&e->a, 0x8b | X_W, RCX, x86_mi(RBP, RCX, tlb_field(e, offsetof(struct tlb_entry, gpa))));
    x86_alu_imm(&e->a, ALU_AND, true, x86_r(RCX), -4096);
    mov_rr(e, RDX, use_x(e, op->rs1, RDX));
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RDX), 4095);
    x86_op(&e->a, (ALU_OR * 8 + 3) | X_W, RCX, x86_r(RDX));
}

static void load_reserved(struct emitter *e, const struct op *op, bool w)
{
    unsigned d = define_x(e, op->rd, RDX);

    address(e, op);
    look_up_aligned(e, w ? 8 : 4, false);
    physical_address(e, op);
    if (!w)
        x86_alu_imm(&e->a, ALU_OR, true, x86_r(RCX), 1);
    x86_op(&e->a, 0x89 | X_W, RCX,
           x86_m(RBP, reservation(offsetof(struct hart_state, reservation_addr))));
    x86_op(&e->a, 0x8b | (w ? X_W : 0), RDX, x86_m(RAX, 0));
    x86_op(&e->a, 0x89 | X_W, RDX,
           x86_m(RBP, reservation(offsetof(struct hart_state, reservation_value))));
    if (!w)
        x86_op(&e->a, 0x63 | X_W, RDX, x86_r(RDX));
    mov_rr(e, d, RDX);
    finish_x(e, op->rd, d);
}

// As the interpreter's: succeeds when the address is that of the LR and the value is still there.
static void store_conditional(struct emitter *e, const struct op *op, bool w)
{
    unsigned d = define_x(e, op->rd, RAX), flags = w ? X_W : 0;
    struct x86_operand addr =
        x86_m(RBP, reservation(offsetof(struct hart_state, reservation_addr)));
    size_t fail, done;

    address(e, op);
    look_up_aligned(e, w ? 8 : 4, true);
    physical_address(e, op);
    if (!w)
        x86_alu_imm(&e->a, ALU_OR, true, x86_r(RCX), 1);
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RCX, addr);
    fail = x86_jcc(&e->a, CC_NE);
    mov_rr(e, RCX, RAX);
    load_operand(e, op);
    x86_op(&e->a, 0x8b | flags, RAX,
           x86_m(RBP, reservation(offsetof(struct hart_state, reservation_value))));
    x86_byte(&e->a, 0xf0); // lock cmpxchg
    x86_op(&e->a, 0xb1 | X_0F | flags, RDX, x86_m(RCX, 0));
    x86_op(&e->a, 0x90 | CC_NE | X_0F, 0, x86_r(RAX)); // setne al
    x86_op(&e->a, 0xb6 | X_0F, RAX, x86_r(RAX));
    done = x86_jmp(&e->a);
    x86_patch_here(&e->a, fail);
    x86_mov_imm(&e->a, RAX, 1);
    x86_patch_here(&e->a, done);
    x86_op(&e->a, 0xc7 | X_W, 0, addr);
    x86_u32(&e->a, (uint32_t)-1);
    mov_rr(e, d, RAX);
    finish_x(e, op->rd, d);
}

// fence: what orders stores before loads needs an instruction on this host.
static void fence(struct emitter *e, const struct op *op)
{
    unsigned pred = op->imm >> 4 & 15, succ = op->imm & 15;

    if ((pred & 5) && (succ & 10)) { // lock or dword [rsp - 4], 0: quicker than mfence
        x86_byte(&e->a, 0xf0);
        x86_alu_imm(&e->a, ALU_OR, false, x86_m(RSP, -4), 0);
    }
}

bool lower_atomic(struct emitter *e, const struct region_op *rop)
{
    const struct op *op = &rop->op;

    // Watched stores must be told: those VMs take the steps.
    if (e->jit->cpu.memory->watch.size && rop->id != INSN_FENCE)
        return false;
    switch (rop->id) {
    case INSN_FENCE: fence(e, op); return true;
    case INSN_CBO_ZERO: return zero_block(e, op);
    case INSN_LR_W: load_reserved(e, op, false); return true;
    case INSN_LR_D: load_reserved(e, op, true); return true;
    case INSN_SC_W: store_conditional(e, op, false); return true;
    case INSN_SC_D: store_conditional(e, op, true); return true;
    case INSN_AMOSWAP_W: exchange(e, op, false, false); return true;
    case INSN_AMOSWAP_D: exchange(e, op, true, false); return true;
    case INSN_AMOADD_W: exchange(e, op, false, true); return true;
    case INSN_AMOADD_D: exchange(e, op, true, true); return true;
    case INSN_AMOAND_W: logic(e, op, false, ALU_AND); return true;
    case INSN_AMOAND_D: logic(e, op, true, ALU_AND); return true;
    case INSN_AMOOR_W: logic(e, op, false, ALU_OR); return true;
    case INSN_AMOOR_D: logic(e, op, true, ALU_OR); return true;
    case INSN_AMOXOR_W: logic(e, op, false, ALU_XOR); return true;
    case INSN_AMOXOR_D: logic(e, op, true, ALU_XOR); return true;
    case INSN_AMOMIN_W: extremum(e, op, false, CC_G); return true;
    case INSN_AMOMIN_D: extremum(e, op, true, CC_G); return true;
    case INSN_AMOMINU_W: extremum(e, op, false, CC_A); return true;
    case INSN_AMOMINU_D: extremum(e, op, true, CC_A); return true;
    case INSN_AMOMAX_W: extremum(e, op, false, CC_L); return true;
    case INSN_AMOMAX_D: extremum(e, op, true, CC_L); return true;
    case INSN_AMOMAXU_W: extremum(e, op, false, CC_B); return true;
    case INSN_AMOMAXU_D: extremum(e, op, true, CC_B); return true;
    default: return false;
    }
}
