// SPDX-License-Identifier: Apache-2.0
// Loads and stores: the TLB look-up inline, or what an earlier one left in a slot; misses and devices
// by a single step of the interpreter, out of line. An access is always [RCX + base + imm], where RCX is
// the distance from guest to host addresses.
#include "engine/jit/host_x86_64/target.h"

static struct x86_operand slot_field(const struct ir_insn *in, size_t field)
{
    return x86_m(RBP, FIELD(slots) + (int32_t)(in->slot * sizeof(struct jit_slot) + field));
}

#define SLOT(in, member) slot_field(in, offsetof(struct jit_slot, member))

static void store_constant(struct emitter *e, struct x86_operand to, int32_t value)
{
    x86_op(&e->a, 0xc7 | X_W, 0, to);
    x86_u32(&e->a, (uint32_t)value);
}

// The register that addresses are relative to, or NO_BASE for those that are constants.
#define NO_BASE RSP

static unsigned base_of(struct emitter *e, const struct ir_insn *in)
{
    return in->a ? use_x(e, in->a, RAX) : NO_BASE;
}

// reg = address + offset
static void address(struct emitter *e, unsigned reg, unsigned base, int64_t offset)
{
    if (base == NO_BASE)
        x86_mov_imm(&e->a, reg, (uint64_t)offset);
    else if (offset)
        x86_op(&e->a, 0x8d | X_W, reg, x86_m(base, (int32_t)offset));
    else
        mov_rr(e, reg, base);
}

static void access(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    static const unsigned loads[IR_TYPES] = {
        [IR_I64] = 0x8b | X_W,       [IR_I32] = 0x63 | X_W, [IR_I16] = 0xbf | X_0F | X_W,
        [IR_I8] = 0xbe | X_0F | X_W, [IR_U32] = 0x8b,       [IR_U16] = 0xb7 | X_0F,
        [IR_U8] = 0xb6 | X_0F,
    };
    static const unsigned stores[IR_TYPES] = {
        [IR_I64] = 0x89 | X_W,
        [IR_I32] = 0x89,
        [IR_I16] = 0x89 | X_66,
        [IR_I8] = 0x88 | X_BYTE,
    };
    struct x86_operand at =
        base == NO_BASE ? x86_m(RCX, (int32_t)in->imm) : x86_mi(RCX, base, (int32_t)in->imm);
    unsigned d;

    switch (in->code) {
    case IR_LOAD:
        d = define_x(e, in->d, RAX);
        x86_op(&e->a, loads[in->type], d, at);
        finish_x(e, in->d, d);
        break;
    case IR_STORE: x86_op(&e->a, stores[in->type], use_x(e, in->b, RDX), at); break;
    case IR_FLOAD: load_f(e, in->d, (enum ir_type)in->type, at); break;
    case IR_FSTORE: store_f(e, in->b, (enum ir_type)in->type, at); break;
    default: break;
    }
}

// Constant addresses: the entry is known, and often the tag fits into the comparison.
static void look_up_constant(struct emitter *e, uint64_t low, uint64_t last, bool write,
                             enum stub_kind miss)
{
    size_t tag =
        write ? offsetof(struct tlb_entry, write_tag) : offsetof(struct tlb_entry, read_tag);
    int32_t entry =
        (int32_t)((low >> HULL_PAGE_SHIFT & (TLB_ENTRIES - 1)) * sizeof(struct tlb_entry));
    int64_t page = (int64_t)(last & ~(uint64_t)(HULL_PAGE_SIZE - 1));

    if (page == (int32_t)page) {
        x86_alu_imm(&e->a, ALU_CMP, true, x86_m(RBP, tlb_field(e, tag) + entry), (int32_t)page);
    } else {
        x86_mov_imm(&e->a, RCX, (uint64_t)page);
        x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RCX, x86_m(RBP, tlb_field(e, tag) + entry));
    }
    add_stub(e, miss, x86_jcc(&e->a, CC_NE));
    x86_op(&e->a, 0x8b | X_W, RCX,
           x86_m(RBP, tlb_field(e, offsetof(struct tlb_entry, addend)) + entry));
}

// RCX = the distance for bytes [low, high) behind the access's register; RDX = their page. A range in two
// pages never hits: the entry is the first byte's, the tag is compared with the last one's page.
static void look_up(struct emitter *e, unsigned base, int64_t low, int64_t high, bool write,
                    enum stub_kind miss)
{
    size_t tag =
        write ? offsetof(struct tlb_entry, write_tag) : offsetof(struct tlb_entry, read_tag);

    if (base == NO_BASE) {
        look_up_constant(e, (uint64_t)low, (uint64_t)high - 1, write, miss);
        return;
    }
    address(e, RCX, base, low);
    address(e, RDX, base, high - 1);
    x86_alu_imm(&e->a, ALU_AND, true, x86_r(RDX), -4096);
    x86_op(&e->a, 0xc1, 5, x86_r(RCX)); // shr ecx
    x86_byte(&e->a, HULL_PAGE_SHIFT - TLB_ENTRY_SHIFT);
    x86_alu_imm(&e->a, ALU_AND, false, x86_r(RCX), (TLB_ENTRIES - 1) << TLB_ENTRY_SHIFT);
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RDX, x86_mi(RBP, RCX, tlb_field(e, tag)));
    add_stub(e, miss, x86_jcc(&e->a, CC_NE));
    x86_op(&e->a, 0x8b | X_W, RCX,
           x86_mi(RBP, RCX, tlb_field(e, offsetof(struct tlb_entry, addend))));
}

// By itself: a step if the TLB does not know.
static void access_alone(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    look_up(e, base, in->imm, in->imm + ir_type_size((enum ir_type)in->type), ir_is_store(in),
            STUB_STEP);
    access(e, in, base);
}

static void range_of(const struct ir_insn *in, int64_t *low, int64_t *high)
{
    *low = in->imm + in->low;
    *high = in->imm + in->high;
}

static void open_slot(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    int64_t low, high;

    range_of(in, &low, &high);
    look_up(e, base, low, high, in->for_write, STUB_ALONE);
    x86_op(&e->a, 0x89 | X_W, RCX, SLOT(in, addend));
    access(e, in, base);
}

// The page of the last round, or a look-up out of line. The comparison holds for the whole range.
static void stream(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    int64_t low, high;

    range_of(in, &low, &high);
    address(e, RDX, base, low);
    x86_op(&e->a, (ALU_SUB * 8 + 3) | X_W, RDX, SLOT(in, page));
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RDX, SLOT(in, limit));
    add_stub(e, STUB_STREAM, x86_jcc(&e->a, CC_AE));
    x86_op(&e->a, 0x8b | X_W, RCX, SLOT(in, addend));
    access(e, in, base);
}

static void follow(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    x86_op(&e->a, 0x8b | X_W, RCX, SLOT(in, addend));
    x86_op(&e->a, 0x85 | X_W, RCX, x86_r(RCX));
    add_stub(e, STUB_FOLLOW, x86_jcc(&e->a, CC_E));
    access(e, in, base);
}

bool lower_mem(struct emitter *e, const struct ir_insn *in)
{
    unsigned base;

    if (!ir_is_access(in))
        return false;
    if (in->code == IR_FSTORE)
        fp_settle_one(e, in->b);
    base = base_of(e, in);
    switch (in->access) {
    case IR_OPEN: open_slot(e, in, base); break;
    case IR_STREAM: stream(e, in, base); break;
    case IR_FOLLOW: follow(e, in, base); break;
    default: access_alone(e, in, base); break;
    }
    return true;
}

// How many pages the streams of a region remember in one stay. If that is not enough they jump about:
// remembering would cost mispredicted branches, so from then on they look up each time.
#define STREAM_PAGES 48

// This round is in another page.
static void refill_stream(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    size_t given_up, filled;
    int64_t low, high;

    range_of(in, &low, &high);
    look_up(e, base, low, high, in->for_write, in->sole ? STUB_STEP : STUB_ALONE);
    x86_op(&e->a, 0x89 | X_W, RCX, SLOT(in, addend));
    x86_alu_imm(&e->a, ALU_CMP, true, x86_m(RBP, FIELD(stream_credit)), 0);
    given_up = x86_jcc(&e->a, CC_E);
    x86_alu_imm(&e->a, ALU_SUB, true, x86_m(RBP, FIELD(stream_credit)), 1);
    if (base == NO_BASE)
        x86_mov_imm(&e->a, RDX, (uint64_t)low & ~(uint64_t)(HULL_PAGE_SIZE - 1));
    x86_op(&e->a, 0x89 | X_W, RDX, SLOT(in, page));
    store_constant(e, SLOT(in, limit), (int32_t)(HULL_PAGE_SIZE - e->ir->span[in->slot] + 1));
    filled = x86_jmp(&e->a);
    x86_patch_here(&e->a, given_up);
    store_constant(e, SLOT(in, limit), 0);
    x86_patch_here(&e->a, filled);
    access(e, in, base);
}

// Where a slot could not help: out of line, everything anew.
void lower_mem_stub(struct emitter *e, const struct ir_insn *in, enum stub_kind kind)
{
    unsigned base = base_of(e, in);

    switch (kind) {
    case STUB_STREAM: refill_stream(e, in, base); break;
    case STUB_ALONE: // the range lies in two pages, or the TLB does not know it
        store_constant(e, SLOT(in, addend), 0);
        if (in->access == IR_STREAM)
            store_constant(e, SLOT(in, limit), 0);
        access_alone(e, in, base);
        break;
    default: access_alone(e, in, base); break;
    }
}

void lower_streams(struct emitter *e, uint32_t streams)
{
    if (streams)
        store_constant(e, x86_m(RBP, FIELD(stream_credit)), STREAM_PAGES);
    for (unsigned slot = 0; slot < IR_SLOTS; slot++) {
        struct ir_insn in = {.slot = (uint8_t)slot};

        if (streams >> slot & 1)
            store_constant(e, SLOT(&in, limit), 0);
    }
}
