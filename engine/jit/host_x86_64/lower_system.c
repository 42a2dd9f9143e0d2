// SPDX-License-Identifier: Apache-2.0
// What kernels execute at every trap and around every critical section: CSRs that have no effect but
// their own, sstatus, ecall and sret. Regions are made for one privilege and V, so what is
// allowed is known here; what is out of the ordinary is left to a step, before anything has changed.
#include "engine/jit/host_x86_64/target.h"
#include "guest/riscv/csr.h"

#define HART(member) FIELD(cpu.hart.s.member)

#define SSTATUS_WRITABLE \
    (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_FS | MSTATUS_SUM | MSTATUS_MXR)
#define SSTATUS_STORED (SSTATUS_WRITABLE | MSTATUS_UXL_64)

enum access { ACCESS_WRITE, ACCESS_SET, ACCESS_CLEAR };

struct plain_csr {
    uint16_t number;
    bool writable;
    int32_t field, virtual_field; // V = 1 has some of its own
    int32_t mask;                 // of bits that can be written
};

// Registers that read, and some that are written, as plain memory.
static const struct plain_csr plain[] = {
    {0x105, false, HART(stvec), HART(vstvec), 0},
    {0x106, false, HART(scounteren), HART(scounteren), 0},
    {0x140, true, HART(sscratch), HART(vsscratch), -1},
    {0x141, true, HART(sepc), HART(vsepc), -2},
    {0x142, true, HART(scause), HART(vscause), -1},
    {0x143, true, HART(stval), HART(vstval), -1},
    {0x340, true, HART(mscratch), 0, -1},
    {0x341, true, HART(mepc), 0, -2},
    {0x342, true, HART(mcause), 0, -1},
    {0x343, true, HART(mtval), 0, -1},
};

static const struct plain_csr *plain_csr(const struct emitter *e, int number)
{
    if ((unsigned)number >> 8 > e->region->priv)
        return NULL;
    for (unsigned i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
        if (plain[i].number == number)
            return &plain[i];
    return NULL;
}

static bool is_virtual(const struct emitter *e)
{
    return e->region->flavor & FLAVOR_VIRT;
}

static int32_t plain_field(const struct emitter *e, const struct plain_csr *csr)
{
    return is_virtual(e) ? csr->virtual_field : csr->field;
}

static int32_t status_field(const struct emitter *e)
{
    return is_virtual(e) ? HART(vsstatus) : HART(mstatus);
}

static void load(struct emitter *e, unsigned reg, int32_t field)
{
    x86_op(&e->a, 0x8b | X_W, reg, x86_m(RBP, field));
}

static void store(struct emitter *e, unsigned reg, int32_t field)
{
    x86_op(&e->a, 0x89 | X_W, reg, x86_m(RBP, field));
}

// Takes the step if the byte or the two bytes there are not zero.
static void unless_zero(struct emitter *e, int32_t field, bool two)
{
    x86_op(&e->a, two ? 0x83 | X_66 : 0x80, ALU_CMP, x86_m(RBP, field));
    x86_byte(&e->a, 0);
    stub_step(e, x86_jcc(&e->a, CC_NE));
}

static bool read_plain(struct emitter *e, const struct op *op)
{
    const struct plain_csr *csr = plain_csr(e, op->imm);
    unsigned d = define_x(e, op->rd, RAX);

    if (!csr || op->rs1)
        return false;
    load(e, d, plain_field(e, csr));
    finish_x(e, op->rd, d);
    return true;
}

static bool write_plain(struct emitter *e, const struct op *op)
{
    const struct plain_csr *csr = plain_csr(e, op->imm);
    const struct riscv_isa *isa = e->jit->cpu.hart.isa;
    unsigned d = define_x(e, op->rd, RCX);
    int32_t mask;

    if (!csr || !csr->writable)
        return false;
    mask = csr->mask;
    if (mask == -2 && !riscv_isa_has(isa, EXT_C) && !riscv_isa_has(isa, EXT_ZCA))
        mask = -4;
    mov_rr(e, RAX, use_x(e, op->rs1, RAX));
    if (mask != -1)
        x86_alu_imm(&e->a, ALU_AND, true, x86_r(RAX), mask);
    if (op->rd != 32)
        load(e, d, plain_field(e, csr));
    store(e, RAX, plain_field(e, csr));
    if (op->rd != 32)
        finish_x(e, op->rd, d);
    return true;
}

// x[rd] = sstatus, where RAX is mstatus, or in a guest vsstatus. RDX is lost.
static void show_status(struct emitter *e, unsigned rd)
{
    unsigned d = define_x(e, rd, RAX);

    if (rd == 32)
        return;
    x86_mov_imm(&e->a, RDX, SSTATUS_STORED);
    x86_op(&e->a, (ALU_AND * 8 + 3) | X_W, RDX, x86_r(RAX));
    // SD while FS is 3: one more carries into the bit above it.
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RAX), (int32_t)MSTATUS_FS);
    x86_alu_imm(&e->a, ALU_ADD, false, x86_r(RAX), (int32_t)MSTATUS_FS_INITIAL);
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RAX), 1 << 15);
    x86_op(&e->a, 0xc1 | X_W, 4, x86_r(RAX)); // shl
    x86_byte(&e->a, 63 - 15);
    x86_op(&e->a, (ALU_OR * 8 + 3) | X_W, RAX, x86_r(RDX));
    mov_rr(e, d, RAX);
    finish_x(e, rd, d);
}

// csrrsi, csrrci: of the five bits that they reach only SIE is sstatus's.
static bool change_sie(struct emitter *e, const struct op *op, enum access what)
{
    struct x86_operand status = x86_m(RBP, status_field(e));

    if (what == ACCESS_SET && op->rs1 & MSTATUS_SIE)
        unless_zero(e, FIELD(cpu.irq_waiting), false);
    if (op->rd != 32) {
        load(e, RAX, status_field(e));
        show_status(e, op->rd);
    }
    if (op->rs1 & MSTATUS_SIE && what == ACCESS_SET)
        x86_alu_imm(&e->a, ALU_OR, true, status, (int32_t)MSTATUS_SIE);
    else if (op->rs1 & MSTATUS_SIE)
        x86_alu_imm(&e->a, ALU_AND, true, status, ~(int32_t)MSTATUS_SIE);
    return true;
}

// With SIE on in the new value, in RDX, no interrupt may be waiting for it.
static void check_sie(struct emitter *e)
{
    size_t off;

    x86_op(&e->a, 0xf6, 0, x86_r(RDX)); // test dl
    x86_byte(&e->a, (uint8_t)MSTATUS_SIE);
    off = x86_jcc(&e->a, CC_E);
    unless_zero(e, FIELD(cpu.irq_waiting), false);
    x86_patch_here(&e->a, off);
}

static int32_t writable_status(const struct emitter *e)
{
    int32_t mask = (int32_t)SSTATUS_WRITABLE;

    return riscv_isa_has(e->jit->cpu.hart.isa, EXT_F) ? mask : mask & ~(int32_t)MSTATUS_FS;
}

static void test_changed(struct emitter *e, uint64_t bits)
{
    x86_op(&e->a, 0xf7, 0, x86_r(RCX)); // test ecx
    x86_u32(&e->a, (uint32_t)bits);
}

// csrrw, csrrs, csrrc: RAX is the old mstatus, RDX the new one, RCX what differs.
static bool change_status(struct emitter *e, const struct op *op, enum access what)
{
    int32_t mask = writable_status(e);

    if (is_virtual(e)) // FS is in mstatus as well
        return false;
    fp_settle(e);
    mov_rr(e, RDX, use_x(e, op->rs1, RDX));
    x86_alu_imm(&e->a, ALU_AND, true, x86_r(RDX), mask);
    load(e, RAX, HART(mstatus));
    if (what == ACCESS_CLEAR) {
        x86_op(&e->a, 0xf7 | X_W, 2, x86_r(RDX)); // not
        x86_op(&e->a, (ALU_AND * 8 + 3) | X_W, RDX, x86_r(RAX));
    } else {
        mov_rr(e, RCX, RAX);
        if (what == ACCESS_WRITE)
            x86_alu_imm(&e->a, ALU_AND, true, x86_r(RCX), ~mask);
        x86_op(&e->a, (ALU_OR * 8 + 3) | X_W, RDX, x86_r(RCX));
    }
    mov_rr(e, RCX, RAX);
    x86_op(&e->a, (ALU_XOR * 8 + 3) | X_W, RCX, x86_r(RDX));
    test_changed(e, MSTATUS_SUM | MSTATUS_MXR | MSTATUS_FS);
    add_stub(e, STUB_STATUS, x86_jcc(&e->a, CC_NE));
    if (what != ACCESS_CLEAR)
        check_sie(e);
    store(e, RDX, HART(mstatus));
    show_status(e, op->rd);
    return true;
}

static void xor_byte(struct emitter *e, int32_t field, uint8_t bits)
{
    x86_op(&e->a, 0x80, ALU_XOR, x86_m(RBP, field));
    x86_byte(&e->a, bits);
}

// cpu->fp_ready by the mstatus in RDX.
static void note_fs(struct emitter *e)
{
    x86_op(&e->a, 0x8b, RCX, x86_r(RDX));
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RCX), (int32_t)MSTATUS_FS);
    x86_alu_imm(&e->a, ALU_CMP, false, x86_r(RCX), (int32_t)MSTATUS_FS_DIRTY);
    x86_op(&e->a, 0x90 | CC_E | X_0F, 0, x86_m(RBP, FIELD(cpu.fp_ready)));
}

// Continues change_status() out of line. Code with FP is not made for another FS; without, it is the
// same for all. With another SUM the code behind uses another TLB.
void lower_status_stub(struct emitter *e, const struct region_op *rop)
{
    unsigned flavor = e->region->flavor ^ (TLB_S ^ TLB_S_SUM);
    size_t same_sum;

    test_changed(e, MSTATUS_MXR | (e->fp ? MSTATUS_FS : 0));
    stub_step(e, x86_jcc(&e->a, CC_NE));
    check_sie(e);
    store(e, RDX, HART(mstatus));
    test_changed(e, MSTATUS_SUM);
    same_sum = x86_jcc(&e->a, CC_E);
    if (!e->fp)
        note_fs(e);
    show_status(e, rop->op.rd);
    x86_op(&e->a, 0xc7, 0, x86_m(RBP, FIELD(cpu.flavor)));
    x86_u32(&e->a, flavor);
    x86_op(&e->a, 0x8d | X_W, RAX, x86_m(RBP, FIELD(cpu.tlbs[flavor & FLAVOR_TLB])));
    store(e, RAX, FIELD(cpu.tlb));
    xor_byte(e, FIELD(cpu.context), TLB_S ^ TLB_S_SUM);
    xor_byte(e, FIELD(cpu.global_context), TLB_S ^ TLB_S_SUM);
    if (rop->left > 1)
        x86_alu_imm(&e->a, ALU_ADD, true, x86_r(BUDGET_REG), rop->left - 1);
    x86_align_distance(&e->a, 1);
    emit_exit(e, x86_jmp(&e->a), e->region->pc + rop->offset + rop->length, EXIT_INSIDE);
    x86_patch_here(&e->a, same_sum);
    if (!e->fp)
        note_fs(e);
    show_status(e, rop->op.rd);
}

static bool access_csr(struct emitter *e, const struct region_op *rop, enum access what,
                       bool immediate)
{
    const struct op *op = &rop->op;

    if (op->imm == 0x100 && e->region->priv == PRIV_S) {
        if (!immediate)
            return change_status(e, op, what);
        return what != ACCESS_WRITE && change_sie(e, op, what);
    }
    if (immediate)
        return false;
    return what == ACCESS_WRITE ? write_plain(e, op) : read_plain(e, op);
}

// From U to S mode, while nothing asks for more; the instruction that traps does not count.
static bool environment_call(struct emitter *e, const struct region_op *rop)
{
    const struct jit_cache *cache = e->jit->cache;

    if (e->region->priv != PRIV_U || is_virtual(e))
        return false;
    fp_settle(e);
    unless_zero(e, FIELD(cpu.trap_slow), false);
    leave_map(e);
    x86_alu_imm(&e->a, ALU_ADD, true, x86_r(BUDGET_REG), rop->left);
    x86_mov_imm(&e->a, RAX, e->region->pc + rop->offset);
    x86_patch(&e->a, x86_jmp(&e->a), (size_t)(cache->thunk_ecall[e->fp] - cache->code_rx));
    return true;
}

static void unless_clear(struct emitter *e, int32_t field, uint64_t bits)
{
    x86_op(&e->a, 0xf7, 0, x86_m(RBP, field)); // test
    x86_u32(&e->a, (uint32_t)bits);
    stub_step(e, x86_jcc(&e->a, CC_NE));
}

static bool supervisor_return(struct emitter *e, const struct region_op *rop)
{
    const struct jit_cache *cache = e->jit->cache;

    if (e->region->priv != PRIV_S || is_virtual(e) || e->fp)
        return false;
    unless_zero(e, FIELD(cpu.irq_waiting), true); // trap_slow lies behind it
    if (!e->jit->cpu.hart.sbi)
        unless_clear(e, HART(mstatus), MSTATUS_TSR);
    if (riscv_isa_has(e->jit->cpu.hart.isa, EXT_H)) // into a guest
        unless_clear(e, HART(hstatus), HSTATUS_SPV);
    leave_map(e);
    if (rop->left > 1)
        x86_alu_imm(&e->a, ALU_ADD, true, x86_r(BUDGET_REG), rop->left - 1);
    x86_patch(&e->a, x86_jmp(&e->a), (size_t)(cache->thunk_sret - cache->code_rx));
    return true;
}

bool lower_system(struct emitter *e, const struct region_op *rop)
{
    switch (rop->id) {
    case INSN_ECALL: return environment_call(e, rop);
    case INSN_SRET: return supervisor_return(e, rop);
    case INSN_CSRRW: return access_csr(e, rop, ACCESS_WRITE, false);
    case INSN_CSRRS: return access_csr(e, rop, ACCESS_SET, false);
    case INSN_CSRRC: return access_csr(e, rop, ACCESS_CLEAR, false);
    case INSN_CSRRWI: return access_csr(e, rop, ACCESS_WRITE, true);
    case INSN_CSRRSI: return access_csr(e, rop, ACCESS_SET, true);
    case INSN_CSRRCI: return access_csr(e, rop, ACCESS_CLEAR, true);
    default: return false;
    }
}
