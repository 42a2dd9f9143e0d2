// SPDX-License-Identifier: Apache-2.0
// Loads and stores: the TLB look-up inline, or what an earlier one left in a slot; misses and devices
// by a single step of the interpreter, out of line. An access is always [RCX + base + imm], where RCX is
// the distance from guest to host addresses.
#include "engine/jit/host_x86_64/target.h"

#define STREAM(e, in, member)                                                                 \
    x86_m(RBP, FIELD(streams) +                                                               \
                   (int32_t)((size_t)(e)->stream_at[(in)->slot] * sizeof(struct jit_stream) + \
                             offsetof(struct jit_stream, member)))

static struct x86_operand stream_limit(const struct emitter *e, const struct ir_insn *in)
{
    return x86_m(RBP, FIELD(stream_limits) + 8 * (int32_t)e->stream_at[in->slot]);
}

static struct x86_operand stream_wait(const struct emitter *e, const struct ir_insn *in)
{
    return x86_m(RBP, FIELD(stream_rates) + (int32_t)((size_t)e->stream_at[in->slot] *
                                                          sizeof(struct jit_stream_rate) +
                                                      offsetof(struct jit_stream_rate, wait)));
}

static struct x86_operand pair_limit(const struct emitter *e, const struct ir_insn *in)
{
    return x86_m(RBP, FIELD(pair_limits) + 8 * (int32_t)e->stream_at[in->slot]);
}

static struct x86_operand pair_addend(const struct emitter *e, const struct ir_insn *in, int page)
{
    return x86_m(RBP, FIELD(pair_addends) + 8 * (page * JIT_STREAMS + e->stream_at[in->slot]));
}

static struct x86_operand slot_addend(const struct emitter *e, const struct ir_insn *in)
{
    if (e->stream_at[in->slot] != NO_STREAM)
        return STREAM(e, in, addend);
    return x86_m(RBP, FIELD(opened) + 8 * (int32_t)in->slot);
}

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

static void store_zero(struct emitter *e, enum ir_type type, struct x86_operand at)
{
    static const unsigned opcodes[IR_TYPES] = {
        [IR_I64] = 0xc7 | X_W, [IR_I32] = 0xc7, [IR_I16] = 0xc7 | X_66, [IR_I8] = 0xc6};
    unsigned size = ir_type_size(type);

    x86_op(&e->a, opcodes[type], 0, at);
    for (unsigned i = 0; i < (size < 4 ? size : 4); i++)
        x86_byte(&e->a, 0);
}

// Reverses the order of its bytes; of two bytes' number the others stay.
static void swap_bytes(struct emitter *e, unsigned reg, unsigned size)
{
    unsigned rex = (size == 8 ? 0x48u : 0x40u) | (reg & 8 ? 1 : 0);

    if (size == 2) {
        x86_op(&e->a, 0xc1 | X_66, 0, x86_r(reg)); // rol
        x86_byte(&e->a, 8);
        return;
    }
    if (rex != 0x40)
        x86_byte(&e->a, (uint8_t)rex);
    x86_byte(&e->a, 0x0f);
    x86_byte(&e->a, (uint8_t)(0xc8 | (reg & 7)));
}

static void load_swapped(struct emitter *e, enum ir_type type, unsigned d, struct x86_operand at)
{
    unsigned size = ir_type_size(type);

    x86_op(&e->a, size == 2 ? 0xb7 | X_0F : size == 4 ? 0x8b : 0x8b | X_W, d, at);
    swap_bytes(e, d, size);
    if (type == IR_I32)
        x86_op(&e->a, 0x63 | X_W, d, x86_r(d));
    else if (type == IR_I16)
        x86_op(&e->a, 0xbf | X_0F | X_W, d, x86_r(d));
}

static void store_swapped(struct emitter *e, const struct ir_insn *in, struct x86_operand at)
{
    unsigned size = ir_type_size((enum ir_type)in->type);

    x86_op(&e->a, 0x8b | X_W, RDX, guest_x(e, in->b));
    swap_bytes(e, RDX, size);
    x86_op(&e->a, size == 2 ? 0x89 | X_66 : size == 4 ? 0x89 : 0x89 | X_W, RDX, at);
}

// The host stores 16 bytes at once; each aligned half is written as one, as both halves lie in one line of its
// cache, or in one each (jit.md).
static void store_doubled(struct emitter *e, unsigned b, struct x86_operand at)
{
    if (e->doubled != b && b == 0) {
        x86_op(&e->a, 0x57 | X_0F, 0, x86_r(0)); // xorps
    } else if (e->doubled != b) {
        x86_op(&e->a, 0x6e | X_0F | X_66 | X_W, 0, guest_x(e, b)); // movq
        x86_op(&e->a, 0x6c | X_0F | X_66, 0, x86_r(0));            // punpcklqdq
    }
    x86_op(&e->a, 0x11 | X_0F, 0, at); // movups
    e->doubled = (uint8_t)b;
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
        if (ir_is_probe(in))
            break;
        d = define_x(e, in->d, RAX);
        if (in->swapped)
            load_swapped(e, (enum ir_type)in->type, d, at);
        else
            x86_op(&e->a, loads[in->type], d, at);
        finish_x(e, in->d, d);
        break;
    case IR_STORE:
        if (in->type == IR_V128)
            store_doubled(e, in->b, at);
        else if (in->swapped)
            store_swapped(e, in, at);
        else if (in->b)
            x86_op(&e->a, stores[in->type], use_x(e, in->b, RDX), at);
        else
            store_zero(e, (enum ir_type)in->type, at);
        break;
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
    e->rcx_slot = -1;
}

static void range_of(const struct ir_insn *in, int64_t *low, int64_t *high)
{
    *low = in->imm + in->low;
    *high = in->imm + in->high;
}

// RCX is the slot's addend, and mostly so it stays.
static void access_by_slot(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    unsigned stubs = e->stub_count;

    e->a.named = 0;
    access(e, in, base);
    e->rcx_slot = e->stub_count != stubs || e->a.named >> RCX & 1 ? -1 : in->slot;
}

static void open_slot(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    int64_t low, high;

    range_of(in, &low, &high);
    look_up(e, base, low, high, in->for_write, STUB_DETOUR);
    x86_op(&e->a, 0x89 | X_W, RCX, slot_addend(e, in));
    access_by_slot(e, in, base);
}

// The page that was remembered, or a look-up out of line. The comparison holds for the whole range.
static void stream(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    int64_t low, high;

    range_of(in, &low, &high);
    address(e, RDX, base, low);
    x86_op(&e->a, (ALU_SUB * 8 + 3) | X_W, RDX, STREAM(e, in, page));
    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RDX, stream_limit(e, in));
    add_stub(e, STUB_STREAM, x86_jcc(&e->a, CC_AE));
    x86_op(&e->a, 0x8b | X_W, RCX, STREAM(e, in, addend));
    access_by_slot(e, in, base);
    if (in->sole) // a step may have come between
        e->rcx_slot = -1;
}

static void follow(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    if (e->rcx_slot != in->slot)
        x86_op(&e->a, 0x8b | X_W, RCX, slot_addend(e, in));
    if (!e->sure[e->in]) {
        x86_op(&e->a, 0x85 | X_W, RCX, x86_r(RCX));
        add_stub(e, STUB_FOLLOW, x86_jcc(&e->a, CC_E));
        access(e, in, base);
        e->rcx_slot = -1;
        return;
    }
    access_by_slot(e, in, base);
}

// Those who follow elsewhere shall see that nothing is there.
static void empty_slot(struct emitter *e, const struct ir_insn *in)
{
    if (!(e->checked_slots >> in->slot & 1))
        return;
    store_constant(e, slot_addend(e, in), 0);
    if (e->stream_at[in->slot] != NO_STREAM)
        store_constant(e, stream_limit(e, in), 0);
}

static bool is_open_slot(const struct emitter *e, const struct ir_insn *in)
{
    return in->access == IR_OPEN ||
           (in->access == IR_STREAM && e->stream_at[in->slot] == NO_STREAM);
}

static void lower_access(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    if (e->on_detour) {
        if (ir_opens(in) && !in->sole)
            empty_slot(e, in);
        access_alone(e, in, base);
    } else if (is_open_slot(e, in)) {
        if (in->sole)
            access_alone(e, in, base);
        else
            open_slot(e, in, base);
    } else if (in->access == IR_STREAM) {
        stream(e, in, base);
    } else if (in->access == IR_FOLLOW) {
        follow(e, in, base);
    } else {
        access_alone(e, in, base);
    }
}

bool lower_mem(struct emitter *e, const struct ir_insn *in)
{
    if (!ir_is_access(in))
        return false;
    if (in->code == IR_FSTORE) {
        unsigned stubs = e->stub_count;

        fp_settle_one(e, in->b);
        if (e->stub_count != stubs)
            e->rcx_slot = -1;
    }
    lower_access(e, in, base_of(e, in));
    return true;
}

// Tables that lie in two pages: RDX is how far behind the first one the access is, and selects the distance,
// which is there sooner than the TLB's would be. Returns where it is done.
static size_t access_pair(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    int32_t more = (int32_t)ir_type_size((enum ir_type)in->type) - 1;
    size_t other, border = 0, done;

    x86_op(&e->a, (ALU_CMP * 8 + 3) | X_W, RDX, pair_limit(e, in));
    other = x86_jcc(&e->a, CC_AE);
    x86_op(&e->a, 0x8b | X_W, RCX, pair_addend(e, in, 0));
    x86_alu_imm(&e->a, ALU_SUB, true, x86_r(RDX), HULL_PAGE_SIZE - more);
    x86_op(&e->a, 0x40 | CC_AE | X_0F | X_W, RCX, pair_addend(e, in, 1)); // cmov
    if (more) {
        x86_alu_imm(&e->a, ALU_CMP, true, x86_r(RDX), more);
        border = x86_jcc(&e->a, CC_B);
    }
    access(e, in, base);
    done = x86_jmp(&e->a);
    x86_patch_here(&e->a, other);
    if (more)
        x86_patch_here(&e->a, border);
    return done;
}

static void refill_stream(struct emitter *e, const struct ir_insn *in, unsigned base)
{
    const struct jit_cache *cache = e->jit->cache;
    unsigned span = jit_stream_span(e->ir->span[in->slot]);
    size_t done = 0, waits, remembered;
    int64_t low, high;

    range_of(in, &low, &high);
    if (in->sole)
        done = access_pair(e, in, base);
    look_up(e, base, low, high, in->for_write, in->sole ? STUB_STEP : STUB_DETOUR);
    x86_alu_imm(&e->a, ALU_CMP, false, stream_wait(e, in), 0);
    waits = x86_jcc(&e->a, CC_NE);
    x86_byte(&e->a, 0xb8); // mov eax
    x86_u32(&e->a, 2 * (uint32_t)e->stream_at[in->slot]);
    x86_patch(&e->a, x86_call(&e->a), (size_t)(cache->thunk_remember[span] - cache->code_rx));
    (void)base_of(e, in); // it may have been in RAX
    remembered = x86_jmp(&e->a);
    x86_patch_here(&e->a, waits);
    x86_alu_imm(&e->a, ALU_SUB, false, stream_wait(e, in), 1);
    if (!in->sole) // nothing is remembered, but others follow
        x86_op(&e->a, 0x89 | X_W, RCX, STREAM(e, in, addend));
    x86_patch_here(&e->a, remembered);
    access(e, in, base);
    if (in->sole)
        x86_patch_here(&e->a, done);
}

// Where a slot could not help: out of line, everything anew.
void lower_mem_stub(struct emitter *e, const struct ir_insn *in, enum stub_kind kind)
{
    unsigned base = base_of(e, in);

    if (kind == STUB_STREAM)
        refill_stream(e, in, base);
    else
        access_alone(e, in, base);
}

// Slots whose pages are remembered beyond the stay.
void choose_streams(struct emitter *e)
{
    const struct ir *ir = e->ir;
    unsigned flavor = e->region->flavor;
    unsigned mode = (flavor & FLAVOR_TLB) | (flavor & FLAVOR_VIRT ? TLB_V : 0);
    uint32_t write = 0;

    for (unsigned i = 0; i < ir->count; i++)
        if (ir_is_access(&ir->insns[i]) && ir->insns[i].access == IR_STREAM)
            write |= (uint32_t)ir->insns[i].for_write << ir->insns[i].slot;
    for (unsigned slot = 0; slot < ir->slots; slot++)
        e->stream_at[slot] =
            ir->streams >> slot & 1
                ? (int16_t)jit_stream_obtain(e->jit->cache, mode, write >> slot & 1, ir->span[slot],
                                             e->stream_at, slot)
                : NO_STREAM;
}
