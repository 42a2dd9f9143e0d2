// SPDX-License-Identifier: Apache-2.0
// Loads, stores and the common atomics: the TLB look-up inline, misses and devices by a single step of
// the interpreter, out of line.
#include "engine/jit/host_x86_64/target.h"

#define ENTRY_SHIFT 5
_Static_assert(sizeof(struct tlb_entry) == 1 << ENTRY_SHIFT, "index arithmetic below");

static int32_t tlb_field(const struct emitter *e, size_t field)
{
    size_t mode = e->region->flavor & FLAVOR_TLB;

    return FIELD(cpu.tlbs) + (int32_t)(mode * TLB_ENTRIES * sizeof(struct tlb_entry) + field);
}

// Puts x[rs1] + imm into RAX.
static void address(struct emitter *e, const struct op *op, int32_t imm)
{
    if (in_register(e, op->rs1) && imm) {
        x86_op(&e->a, 0x8d | X_W, RAX, x86_m(e->gpr[op->rs1], imm));
    } else {
        unsigned s = use_x(e, op->rs1, RAX);

        mov_rr(e, RAX, s);
        if (imm)
            x86_alu_imm(&e->a, ALU_ADD, true, x86_r(RAX), imm);
    }
}

// Host address of RAX into RAX; RCX and RDX are lost. `exact`: any misalignment misses, else only
// what leaves the page.
static void translate(struct emitter *e, unsigned size, bool store, bool exact)
{
    size_t tag =
        store ? offsetof(struct tlb_entry, write_tag) : offsetof(struct tlb_entry, read_tag);
    int32_t mask = exact ? -4096 | (int32_t)(size - 1) : -4096;

    x86_op(&e->a, 0x8b, RCX, x86_r(RAX));
    x86_op(&e->a, 0xc1, 5, x86_r(RCX)); // shr ecx
    x86_byte(&e->a, HULL_PAGE_SHIFT - ENTRY_SHIFT);
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RCX), (TLB_ENTRIES - 1) << ENTRY_SHIFT);
    if (exact || size == 1)
        x86_op(&e->a, 0x8b | X_W, RDX, x86_r(RAX));
    else
        x86_op(&e->a, 0x8d | X_W, RDX, x86_m(RAX, (int32_t)size - 1));
    x86_alu_imm(&e->a, ALU_AND, true, x86_r(RDX), mask);
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RDX, x86_mi(RBP, RCX, tlb_field(e, tag)));
    stub_step(e, x86_jcc(&e->a, CC_NE));
    x86_op(&e->a, (ALU_ADD * 8 + 3) | X_W, RAX,
           x86_mi(RBP, RCX, tlb_field(e, offsetof(struct tlb_entry, addend))));
}

static void load(struct emitter *e, const struct op *op, unsigned size, unsigned opcode)
{
    unsigned d = define_x(e, op->rd, RAX);

    address(e, op, op->imm);
    translate(e, size, false, false);
    x86_op(&e->a, opcode, d, x86_m(RAX, 0));
    finish_x(e, op->rd, d);
}

static void store(struct emitter *e, const struct op *op, unsigned size, unsigned opcode)
{
    unsigned s;

    address(e, op, op->imm);
    translate(e, size, true, false);
    s = use_x(e, op->rs2, RDX);
    x86_op(&e->a, opcode, s, x86_m(RAX, 0));
}

bool lower_mem(struct emitter *e, const struct region_op *rop)
{
    const struct op *op = &rop->op;

    switch (rop->id) {
    case INSN_LB: load(e, op, 1, 0xbe | X_0F | X_W); return true;
    case INSN_LH: load(e, op, 2, 0xbf | X_0F | X_W); return true;
    case INSN_LW: load(e, op, 4, 0x63 | X_W); return true;
    case INSN_LD: load(e, op, 8, 0x8b | X_W); return true;
    case INSN_LBU: load(e, op, 1, 0xb6 | X_0F); return true;
    case INSN_LHU: load(e, op, 2, 0xb7 | X_0F); return true;
    case INSN_LWU: load(e, op, 4, 0x8b); return true;
    case INSN_SB: store(e, op, 1, 0x88 | X_BYTE); return true;
    case INSN_SH: store(e, op, 2, 0x89 | X_66); return true;
    case INSN_SW: store(e, op, 4, 0x89); return true;
    case INSN_SD: store(e, op, 8, 0x89 | X_W); return true;
    default: return false;
    }
}

// FP loads and stores, for lower_fp.c: the address in RAX is the host's afterwards.
void translate_fp(struct emitter *e, const struct op *op, unsigned size, bool is_store)
{
    address(e, op, op->imm);
    translate(e, size, is_store, false);
}

// cbo.zero, where nothing can forbid it: with the SBI by Hull the guest has no menvcfg.
static bool zero_block(struct emitter *e, const struct op *op)
{
    if (e->region->priv != PRIV_S || !e->jit->cpu.hart.sbi)
        return false;
    address(e, op, 0);
    x86_alu_imm(&e->a, ALU_AND, true, x86_r(RAX), -64);
    translate(e, 1, true, false);
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
    address(e, op, 0);
    translate(e, w ? 8 : 4, true, true);
    load_operand(e, op);
    if (add) {
        x86_byte(&e->a, 0xf0);
        x86_op(&e->a, 0xc1 | X_0F | (w ? X_W : 0), RDX, x86_m(RAX, 0));
    } else {
        x86_op(&e->a, 0x87 | (w ? X_W : 0), RDX, x86_m(RAX, 0));
    }
    finish_amo(e, op, w);
}

// and, or, xor: without a result wanted one locked instruction; else a step.
static bool combine(struct emitter *e, const struct op *op, bool w, enum x86_alu alu)
{
    if (op->rd != 32)
        return false;
    address(e, op, 0);
    translate(e, w ? 8 : 4, true, true);
    load_operand(e, op);
    x86_byte(&e->a, 0xf0);
    x86_op(&e->a, (alu * 8 + 1) | (w ? X_W : 0), RDX, x86_m(RAX, 0));
    return true;
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

    address(e, op, 0);
    translate(e, w ? 8 : 4, false, true);
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

    address(e, op, 0);
    translate(e, w ? 8 : 4, true, true);
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
    case INSN_AMOAND_W: return combine(e, op, false, ALU_AND);
    case INSN_AMOAND_D: return combine(e, op, true, ALU_AND);
    case INSN_AMOOR_W: return combine(e, op, false, ALU_OR);
    case INSN_AMOOR_D: return combine(e, op, true, ALU_OR);
    case INSN_AMOXOR_W: return combine(e, op, false, ALU_XOR);
    case INSN_AMOXOR_D: return combine(e, op, true, ALU_XOR);
    default: return false;
    }
}
