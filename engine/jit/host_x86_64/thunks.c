// SPDX-License-Identifier: Apache-2.0
// The ways into and out of translated code, generated once per VM, with and without FP.
#include <string.h>

#include "engine/jit/host_x86_64/fp.h"

// a0-a5, sp, s0, s1, a6: what compilers use most. RBX and R12 to R14 survive calls.
const uint8_t x86_gpr[33] = {
    [0] = IN_MEMORY,  [1] = IN_MEMORY,  [2] = RBX,        [3] = IN_MEMORY,  [4] = IN_MEMORY,
    [5] = IN_MEMORY,  [6] = IN_MEMORY,  [7] = IN_MEMORY,  [8] = R12,        [9] = R13,
    [10] = RDI,       [11] = RSI,       [12] = R8,        [13] = R9,        [14] = R10,
    [15] = R11,       [16] = R14,       [17] = IN_MEMORY, [18] = IN_MEMORY, [19] = IN_MEMORY,
    [20] = IN_MEMORY, [21] = IN_MEMORY, [22] = IN_MEMORY, [23] = IN_MEMORY, [24] = IN_MEMORY,
    [25] = IN_MEMORY, [26] = IN_MEMORY, [27] = IN_MEMORY, [28] = IN_MEMORY, [29] = IN_MEMORY,
    [30] = IN_MEMORY, [31] = IN_MEMORY, [32] = IN_MEMORY,
};

// fa0-fa7, ft0-ft3, fs0.
const uint8_t x86_xmm[32] = {
    [0] = 11,         [1] = 12,         [2] = 13,         [3] = 14,         [4] = IN_MEMORY,
    [5] = IN_MEMORY,  [6] = IN_MEMORY,  [7] = IN_MEMORY,  [8] = 15,         [9] = IN_MEMORY,
    [10] = 3,         [11] = 4,         [12] = 5,         [13] = 6,         [14] = 7,
    [15] = 8,         [16] = 9,         [17] = 10,        [18] = IN_MEMORY, [19] = IN_MEMORY,
    [20] = IN_MEMORY, [21] = IN_MEMORY, [22] = IN_MEMORY, [23] = IN_MEMORY, [24] = IN_MEMORY,
    [25] = IN_MEMORY, [26] = IN_MEMORY, [27] = IN_MEMORY, [28] = IN_MEMORY, [29] = IN_MEMORY,
    [30] = IN_MEMORY, [31] = IN_MEMORY,
};

void x86_fp_registers(struct x86_asm *a, bool load)
{
    for (unsigned n = 0; n < 32; n++)
        if (x86_xmm[n] != IN_MEMORY) // movq
            x86_op(a, load ? 0x7e | X_0F | X_F3 : 0xd6 | X_0F | X_66, x86_xmm[n],
                   x86_m(RBP, F_DISP(n)));
}

static void registers(struct x86_asm *a, bool fp, bool load)
{
    for (unsigned n = 0; n < 32; n++)
        if (x86_gpr[n] != IN_MEMORY)
            x86_op(a, (load ? 0x8b : 0x89) | X_W, x86_gpr[n], x86_m(RBP, X_DISP(n)));
    if (fp)
        x86_fp_registers(a, load);
}

static void budget(struct x86_asm *a, bool load)
{
    x86_op(a, (load ? 0x8b : 0x89) | X_W, BUDGET_REG, x86_m(RBP, FIELD(budget)));
}

static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};

// void enter(struct jit *jit, const void *code)
static void make_enter(struct x86_asm *a, bool fp, const uint8_t *jump)
{
    for (unsigned i = 0; i < sizeof(saved); i++) {
        if (saved[i] & 8)
            x86_byte(a, 0x41);
        x86_byte(a, (uint8_t)(0x50 | (saved[i] & 7)));
    }
    x86_alu_imm(a, ALU_SUB, true, x86_r(RSP), 8);
    x86_op(a, 0x8d | X_W, RBP, x86_m(RDI, BASE_OFFSET));
    // The stack of calls (lower_jump.c) is empty: its key is no address outside of FP code, where it
    // would find its way as well.
    x86_op(a, 0x89 | X_W, RSP, x86_m(RBP, FIELD(host_stack)));
    x86_byte(a, 0x6a); // push -1
    x86_byte(a, 0xff);
    x86_mov_imm(a, RAX, (uintptr_t)jump);
    x86_byte(a, 0x50 | RAX);
    x86_op(a, 0x8b | X_W, RAX, x86_r(RSI));
    if (fp) // ldmxcsr
        x86_op(a, 0xae | X_0F, 2, x86_m(RBP, FIELD(mxcsr)));
    budget(a, true);
    registers(a, fp, true);
    x86_op(a, 0xff, 4, x86_r(RAX)); // jmp rax
}

// Back to the caller of enter; the guest's registers are in memory.
static void make_return(struct x86_asm *a, bool fp)
{
    if (fp) { // stmxcsr, ldmxcsr
        x86_op(a, 0xae | X_0F, 3, x86_m(RBP, FIELD(mxcsr)));
        x86_op(a, 0xae | X_0F, 2, x86_m(RBP, FIELD(host_mxcsr)));
    }
    x86_op(a, 0x8b | X_W, RSP, x86_m(RBP, FIELD(host_stack)));
    x86_alu_imm(a, ALU_ADD, true, x86_r(RSP), 8);
    for (unsigned i = sizeof(saved); i-- > 0;) {
        if (saved[i] & 8)
            x86_byte(a, 0x41);
        x86_byte(a, (uint8_t)(0x58 | (saved[i] & 7)));
    }
    x86_byte(a, 0xc3);
}

// Leaves: hart.s.pc is set, RAX is the link or NULL.
static void make_leave(struct x86_asm *a, bool fp)
{
    x86_op(a, 0x89 | X_W, RAX, x86_m(RBP, FIELD(link)));
    registers(a, fp, false);
    budget(a, false);
    make_return(a, fp);
}

// Leaves for the address in RAX, odd in FP code.
static void make_jump(struct x86_asm *a, bool fp)
{
    if (fp)
        x86_alu_imm(a, ALU_AND, true, x86_r(RAX), -2);
    x86_op(a, 0x89 | X_W, RAX, x86_m(RBP, FIELD(cpu.hart.s.pc)));
    x86_op(a, 0x31, RAX, x86_r(RAX));
    make_leave(a, fp);
}

// The entry RCX of code for RAX, odd in FP code, was not found valid. That may have been for good: the page
// was replaced, or the address means another one in this space. Then the vCPU may know the right code.
static void make_refuse(struct x86_asm *a, const struct jit_cache *cache, bool fp)
{
    size_t itself;

    x86_op(a, 0x8b | X_W, RDX, x86_r(RCX));
    x86_op(a, 0x8b | X_W, RCX, x86_find_in_table(a, cache, fp));
    x86_op(a, (ALU_CMP * 8 + 3) | X_W, RCX, x86_r(RDX));
    itself = x86_jcc(a, CC_E);
    x86_patch(a, itself, (size_t)(cache->thunk_jump[fp] - cache->code_rx));
    x86_op(a, 0xff, 4, x86_r(RCX));
}

// Called: runs op EAX of the region RCX by the interpreter. `bare`: registers are in memory, and the
// caller's affair; 16 more bytes of return addresses are on the stack.
static void make_step(struct x86_asm *a, bool fp, bool bare)
{
    int32_t stack = bare ? 0 : 8;
    size_t failed;

    if (!bare)
        registers(a, fp, false);
    budget(a, false);
    x86_op(a, 0x8d | X_W, RDI, x86_m(RBP, -BASE_OFFSET));
    x86_op(a, 0x8b | X_W, RSI, x86_r(RCX));
    x86_op(a, 0x8b, RDX, x86_r(RAX));
    if (stack)
        x86_alu_imm(a, ALU_SUB, true, x86_r(RSP), stack);
    x86_mov_imm(a, RAX, (uintptr_t)jit_step);
    x86_op(a, 0xff, 2, x86_r(RAX)); // call rax
    if (stack)
        x86_alu_imm(a, ALU_ADD, true, x86_r(RSP), stack);
    x86_op(a, 0x84, RAX, x86_r(RAX)); // test al, al
    failed = x86_jcc(a, CC_E);
    if (!bare)
        registers(a, fp, true);
    x86_byte(a, 0xc3);
    x86_patch_here(a, failed);
    x86_op(a, 0xc7 | X_W, 0, x86_m(RBP, FIELD(link)));
    x86_u32(a, 0);
    make_return(a, fp);
}

void jit_host_make_thunks(struct jit_cache *cache)
{
    struct x86_asm a = {.base = cache->code_rw, .size = cache->code_size};

    cache->host_features = x86_features();
    for (int fp = 0; fp < 2; fp++) {
        cache->thunk_leave[fp] = cache->code_rx + a.used;
        make_leave(&a, fp);
        cache->thunk_jump[fp] = cache->code_rx + a.used;
        make_jump(&a, fp);
        cache->thunk_table[fp] = cache->code_rx + a.used;
        emit_table_jump(&a, cache, fp);
        cache->thunk_refuse[fp] = cache->code_rx + a.used;
        make_refuse(&a, cache, fp);
    }
    for (int fp = 0; fp < 2; fp++) {
        cache->thunk_enter[fp] = cache->code_rx + a.used;
        make_enter(&a, fp, cache->thunk_jump[1]);
        cache->thunk_step[fp] = cache->code_rx + a.used;
        make_step(&a, fp, false);
        cache->thunk_bare_step[fp] = cache->code_rx + a.used;
        make_step(&a, fp, true);
    }
    x86_fp_thunks(cache, &a);
    x86_stream_thunks(cache, &a);
    x86_make_trap_thunks(&a, cache);
    cache->code_used = (a.used + 63) & ~(size_t)63;
}

void jit_host_vcpu_init(struct jit *jit)
{
    x86_fp_init(jit);
}

void jit_host_fp_suspend(struct jit *jit)
{
    jit->cpu.hart.s.fflags |= x86_fp_flags(jit, __builtin_ia32_stmxcsr());
}

void jit_host_fp_resume(struct jit *jit)
{
    jit->mxcsr_clear = x86_fp_mxcsr(jit);
    __builtin_ia32_ldmxcsr(jit->mxcsr_clear);
}

void jit_host_enter(struct jit *jit, const uint8_t *entry, bool fp)
{
    void (*thunk)(struct jit *, const uint8_t *);

    memcpy(&thunk, &jit->cache->thunk_enter[fp], sizeof(thunk));
    // Also without FP: a return to user mode may turn it on.
    jit->host_mxcsr = __builtin_ia32_stmxcsr();
    jit->mxcsr = jit->mxcsr_clear = x86_fp_mxcsr(jit);
    thunk(jit, entry);
    jit->cpu.hart.s.fflags |= x86_fp_flags(jit, jit->mxcsr);
}
