// SPDX-License-Identifier: Apache-2.0
// The two ways between user and supervisor that every system call takes, without leaving translated
// code: ecall from U to S mode, and sret. Generated once per VM; regions jump here after they have made
// sure that nothing else is to be done (lower_system.c). What is done is what riscv_trap(), riscv_sret(),
// interp_tlb_select() and interp_context_select() do.
#include "engine/jit/host_x86_64/fp.h"
#include "guest/riscv/csr.h"

#define HART(member) FIELD(cpu.hart.s.member)

static void load(struct x86_asm *a, unsigned reg, int32_t field)
{
    x86_op(a, 0x8b | X_W, reg, x86_m(RBP, field));
}

static void store(struct x86_asm *a, unsigned reg, int32_t field)
{
    x86_op(a, 0x89 | X_W, reg, x86_m(RBP, field));
}

static void store_constant(struct x86_asm *a, int32_t field, uint32_t value)
{
    x86_op(a, 0xc7 | X_W, 0, x86_m(RBP, field));
    x86_u32(a, value);
}

static void store_priv(struct x86_asm *a, uint8_t priv)
{
    x86_op(a, 0xc6, 0, x86_m(RBP, HART(priv)));
    x86_byte(a, priv);
}

static void shift(struct x86_asm *a, unsigned extension, unsigned reg, uint8_t by)
{
    x86_op(a, 0xc1, extension, x86_r(reg));
    x86_byte(a, by);
}

#define SHL 4
#define SHR 5

// ECX is the flavor, `priv` the privilege. RDX is lost.
static void select_context(struct x86_asm *a, unsigned priv)
{
    static const int32_t contexts[] = {FIELD(cpu.context), FIELD(cpu.global_context)};

    x86_op(a, 0x89, RCX, x86_m(RBP, FIELD(cpu.flavor)));
    x86_alu_imm(a, ALU_OR, false, x86_r(RCX), (int32_t)(priv << CONTEXT_PRIV_SHIFT));
    for (unsigned i = 0; i < 2; i++) {
        load(a, RDX, contexts[i]);
        x86_alu_imm(a, ALU_AND, true, x86_r(RDX), -(1 << CONTEXT_EPOCH_SHIFT));
        x86_op(a, (ALU_OR * 8 + 3) | X_W, RDX, x86_r(RCX));
        store(a, RDX, contexts[i]);
    }
}

// TLB and context of S mode with the mstatus in RAX.
static void select_supervisor(struct x86_asm *a)
{
    _Static_assert(TLB_S_SUM == TLB_S + 1, "SUM is added");

    x86_op(a, 0x8b, RCX, x86_r(RAX));
    shift(a, SHR, RCX, (uint8_t)__builtin_ctzll(MSTATUS_SUM));
    x86_alu_imm(a, ALU_AND, false, x86_r(RCX), 1);
    x86_op(a, 0x8b, RDX, x86_r(RCX));
    shift(a, SHL, RDX, TLB_BITS + TLB_ENTRY_SHIFT);
    x86_op(a, 0x8d | X_W, RDX, x86_mi(RBP, RDX, FIELD(cpu.tlbs[TLB_S]))); // lea
    store(a, RDX, FIELD(cpu.tlb));
    x86_alu_imm(a, ALU_ADD, false, x86_r(RCX), TLB_S);
    select_context(a, PRIV_S);
}

static void select_user(struct x86_asm *a, unsigned flavor)
{
    x86_op(a, 0x8d | X_W, RCX, x86_m(RBP, FIELD(cpu.tlbs[TLB_U])));
    store(a, RCX, FIELD(cpu.tlb));
    x86_mov_imm(a, RCX, flavor);
    select_context(a, PRIV_U);
}

// jmp to the address in `field`.
static void jump_to(struct x86_asm *a, const struct jit_cache *cache, int32_t field, bool fp)
{
    load(a, RAX, field);
    if (fp)
        x86_alu_imm(a, ALU_OR, true, x86_r(RAX), 1);
    emit_table_jump(a, cache, fp);
}

// RAX: the address of the ecall.
static void make_ecall(struct x86_asm *a, const struct jit_cache *cache, bool fp)
{
    if (fp) {
        x86_fp_registers(a, false);
        x86_fp_off(a);
    }
    x86_op(a, 0xff | X_W, 0, x86_m(RBP, FIELD(cpu.hart.exceptions))); // inc
    store(a, RAX, HART(sepc));
    store_constant(a, HART(scause), CAUSE_ECALL_U);
    store_constant(a, HART(stval), 0);
    store_constant(a, HART(htval), 0); // harts without H have no use for these
    store_constant(a, HART(htinst), 0);
    x86_alu_imm(a, ALU_AND, true, x86_m(RBP, HART(hstatus)), ~(int32_t)(HSTATUS_SPV | HSTATUS_GVA));
    load(a, RAX, HART(mstatus));
    x86_op(a, 0x8b, RCX, x86_r(RAX));
    x86_alu_imm(a, ALU_AND, false, x86_r(RCX), (int32_t)MSTATUS_SIE);
    shift(a, SHL, RCX, 4); // SPIE
    x86_alu_imm(a, ALU_AND, true, x86_r(RAX), ~(int32_t)(MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP));
    x86_op(a, (ALU_OR * 8 + 3) | X_W, RAX, x86_r(RCX));
    store(a, RAX, HART(mstatus));
    store_priv(a, PRIV_S);
    select_supervisor(a);
    load(a, RAX, HART(stvec));
    x86_alu_imm(a, ALU_AND, true, x86_r(RAX), -4);
    emit_table_jump(a, cache, false);
}

// To U mode where FP is used: its registers come along.
static void make_user_fp(struct x86_asm *a, const struct jit_cache *cache)
{
    select_user(a, TLB_U | FLAVOR_FP);
    x86_fp_on(a);
    x86_fp_registers(a, true);
    jump_to(a, cache, HART(sepc), true);
}

static void make_sret(struct x86_asm *a, const struct jit_cache *cache)
{
    size_t to_supervisor, fs_off, mode;

    load(a, RAX, HART(mstatus));
    x86_op(a, 0x8b, RDX, x86_r(RAX));
    x86_op(a, 0x8b, RCX, x86_r(RAX));
    shift(a, SHR, RCX, 4); // SPIE becomes SIE
    x86_alu_imm(a, ALU_AND, false, x86_r(RCX), (int32_t)MSTATUS_SIE);
    x86_alu_imm(a, ALU_AND, true, x86_r(RAX), ~(int32_t)(MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV));
    x86_alu_imm(a, ALU_OR, true, x86_r(RCX), (int32_t)MSTATUS_SPIE);
    x86_op(a, (ALU_OR * 8 + 3) | X_W, RAX, x86_r(RCX));
    store(a, RAX, HART(mstatus));
    x86_op(a, 0xf7, 0, x86_r(RDX)); // test
    x86_u32(a, (uint32_t)MSTATUS_SPP);
    to_supervisor = x86_jcc(a, CC_NE);
    store_priv(a, PRIV_U);
    x86_alu_imm(a, ALU_AND, false, x86_r(RAX), (int32_t)MSTATUS_FS);
    x86_alu_imm(a, ALU_CMP, false, x86_r(RAX), (int32_t)MSTATUS_FS);
    fs_off = x86_jcc(a, CC_NE);
    x86_op(a, 0x80, ALU_CMP, x86_m(RBP, HART(frm)));
    x86_byte(a, 3);
    mode = x86_jcc(a, CC_A);
    make_user_fp(a, cache);
    x86_patch_here(a, fs_off);
    x86_patch_here(a, mode);
    select_user(a, TLB_U);
    jump_to(a, cache, HART(sepc), false);
    x86_patch_here(a, to_supervisor);
    select_supervisor(a);
    jump_to(a, cache, HART(sepc), false);
}

void x86_make_trap_thunks(struct x86_asm *a, struct jit_cache *cache)
{
    for (int fp = 0; fp < 2; fp++) {
        cache->thunk_ecall[fp] = cache->code_rx + a->used;
        make_ecall(a, cache, fp);
    }
    cache->thunk_sret = cache->code_rx + a->used;
    make_sret(a, cache);
}
