// SPDX-License-Identifier: Apache-2.0
// What a stream does with a page that it had to look up: it remembers it instead of the last one, or along
// with those next to it; or it gives up for some time, as its accesses jump about. Generated once per VM, one
// for each class of ranges (streams.c).
#include "engine/jit/host_x86_64/target.h"

// A page is worth remembering if there are so many instructions till the next one. Who has had CREDIT
// that were not looks PATIENCE pages up without, and then tries RETRY more: those that jump about would pay
// for remembering with mispredicted branches.
#define WORTH 128
#define CREDIT 16
#define RETRY 2
#define PATIENCE 128

// RAX is twice the stream's number.
#define ADDEND x86_mis(RBP, RAX, 3, FIELD(streams) + (int32_t)offsetof(struct jit_stream, addend))
#define PAGE x86_mis(RBP, RAX, 3, FIELD(streams) + (int32_t)offsetof(struct jit_stream, page))
#define LIMIT x86_mis(RBP, RAX, 2, FIELD(stream_limits))
#define PAIR_LIMIT x86_mis(RBP, RAX, 2, FIELD(pair_limits))
#define PAIR_ADDEND(n) x86_mis(RBP, RAX, 2, FIELD(pair_addends[n]))
#define RATE(member) \
    x86_mis(RBP, RAX, 3, FIELD(stream_rates) + (int32_t)offsetof(struct jit_stream_rate, member))

static void set(struct x86_asm *a, bool w, struct x86_operand to, uint32_t value)
{
    x86_op(a, 0xc7 | (w ? X_W : 0), 0, to);
    x86_u32(a, value);
}

static void ret(struct x86_asm *a)
{
    x86_byte(a, 0xc3);
}

// RDX is a page at the distance RCX. Where it lies next to those that are remembered, also in the host's memory,
// it is one of them from now on. Else goes on behind.
static void join_pages(struct x86_asm *a, int32_t span)
{
    size_t elsewhere, empty, below, apart;

    x86_op(a, (ALU_CMP * 8 + 3) | X_W, RCX, ADDEND);
    elsewhere = x86_jcc(a, CC_NE);
    x86_alu_imm(a, ALU_CMP, true, LIMIT, 0);
    empty = x86_jcc(a, CC_E);
    x86_op(a, (ALU_SUB * 8 + 3) | X_W, RDX, PAGE);
    x86_alu_imm(a, ALU_CMP, true, x86_r(RDX), -HULL_PAGE_SIZE);
    below = x86_jcc(a, CC_E);
    x86_alu_imm(a, ALU_SUB, true, x86_r(RDX), span - 1);
    x86_op(a, (ALU_CMP * 8 + 3) | X_W, RDX, LIMIT);
    apart = x86_jcc(a, CC_NE);
    x86_alu_imm(a, ALU_ADD, true, LIMIT, HULL_PAGE_SIZE);
    ret(a);
    x86_patch_here(a, below);
    x86_alu_imm(a, ALU_SUB, true, PAGE, HULL_PAGE_SIZE);
    x86_alu_imm(a, ALU_ADD, true, LIMIT, HULL_PAGE_SIZE);
    ret(a);
    x86_patch_here(a, apart);
    x86_alu_imm(a, ALU_ADD, true, x86_r(RDX), span - 1);
    x86_op(a, (ALU_ADD * 8 + 3) | X_W, RDX, PAGE);
    x86_patch_here(a, empty);
    x86_patch_here(a, elsewhere);
}

// No page is remembered any more, but if the last one and RDX's lie side by side, both are.
static void give_up(struct x86_asm *a, int32_t span)
{
    size_t none, above, apart, both;

    set(a, false, RATE(wait), PATIENCE);
    set(a, false, RATE(credit), (uint32_t)-RETRY);
    x86_alu_imm(a, ALU_CMP, true, LIMIT, 0);
    none = x86_jcc(a, CC_E);
    set(a, true, LIMIT, 0);
    x86_op(a, (ALU_SUB * 8 + 3) | X_W, RDX, PAGE);
    x86_alu_imm(a, ALU_CMP, true, x86_r(RDX), HULL_PAGE_SIZE);
    above = x86_jcc(a, CC_E);
    x86_alu_imm(a, ALU_CMP, true, x86_r(RDX), -HULL_PAGE_SIZE);
    apart = x86_jcc(a, CC_NE);
    x86_alu_imm(a, ALU_SUB, true, PAGE, HULL_PAGE_SIZE);
    x86_op(a, 0x8b | X_W, RDX, ADDEND);
    x86_op(a, 0x89 | X_W, RDX, PAIR_ADDEND(1));
    x86_op(a, 0x89 | X_W, RCX, PAIR_ADDEND(0));
    both = x86_jmp(a);
    x86_patch_here(a, above);
    x86_op(a, 0x8b | X_W, RDX, ADDEND);
    x86_op(a, 0x89 | X_W, RDX, PAIR_ADDEND(0));
    x86_op(a, 0x89 | X_W, RCX, PAIR_ADDEND(1));
    x86_patch_here(a, both);
    set(a, true, PAIR_LIMIT, (uint32_t)(2 * HULL_PAGE_SIZE - span + 1));
    x86_op(a, 0xc6, 0, x86_m(RBP, FIELD(pairs_used)));
    x86_byte(a, 1);
    x86_patch_here(a, apart);
    x86_patch_here(a, none);
    x86_op(a, 0x89 | X_W, RCX, ADDEND);
    ret(a);
}

// RDX's page and no other.
static void remember(struct x86_asm *a, int32_t span)
{
    x86_op(a, 0x89 | X_W, RCX, ADDEND);
    x86_op(a, 0x89 | X_W, RDX, PAGE);
    set(a, true, LIMIT, (uint32_t)(HULL_PAGE_SIZE - span + 1));
    x86_op(a, 0xc6, 0, x86_m(RBP, FIELD(streams_used)));
    x86_byte(a, 1);
    ret(a);
}

// Called with a page in RDX, its distance in RCX, which stays. RAX and RDX are lost.
static void make_remember(struct x86_asm *a, int32_t span)
{
    size_t back, often, broke, again;

    x86_alu_imm(a, ALU_CMP, false, RATE(credit), 0);
    back = x86_jcc(a, CC_L);
    x86_byte(a, 0x50 | RDX); // push
    x86_op(a, 0x8b, RDX, RATE(last));
    x86_op(a, 0x89, BUDGET_REG, RATE(last));
    x86_op(a, ALU_SUB * 8 + 3, RDX, x86_r(BUDGET_REG));
    x86_alu_imm(a, ALU_CMP, false, x86_r(RDX), WORTH);
    x86_byte(a, 0x58 | RDX); // pop
    often = x86_jcc(a, CC_B);
    set(a, false, RATE(credit), CREDIT);
    remember(a, span);
    x86_patch_here(a, back);
    x86_op(a, 0xf7, 3, RATE(credit)); // neg
    set(a, true, PAIR_LIMIT, 0);
    x86_op(a, 0x89, BUDGET_REG, RATE(last));
    again = x86_jmp(a);
    x86_patch_here(a, often);
    x86_alu_imm(a, ALU_SUB, false, RATE(credit), 1);
    broke = x86_jcc(a, CC_S);
    x86_patch_here(a, again);
    join_pages(a, span);
    remember(a, span);
    x86_patch_here(a, broke);
    give_up(a, span);
}

void x86_stream_thunks(struct jit_cache *cache, struct x86_asm *a)
{
    for (unsigned i = 0; i < JIT_STREAM_SPANS; i++) {
        cache->thunk_remember[i] = cache->code_rx + a->used;
        make_remember(a, jit_stream_spans[i]);
    }
}
