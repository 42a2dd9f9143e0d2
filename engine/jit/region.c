// SPDX-License-Identifier: Apache-2.0
// The front: finds the extent of a region, marks where its straight pieces begin, and keeps regions
// under their address.
#include "engine/jit/translator.h"
#include "lib/mem.h"

#define PAGE_MASK (~(uint64_t)(HULL_PAGE_SIZE - 1))

static uint16_t read16(const uint8_t *p)
{
    return __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED);
}

static struct region **hash_slot(struct jit *jit, gva_t pc, gpa_t gpa)
{
    return &jit->hash[((gpa >> 1) ^ (gpa >> 14) ^ (pc >> 12) * 0x9e37) & (REGION_HASH - 1)];
}

struct region *jit_region_look_up(struct jit *jit, gva_t pc, gpa_t gpa)
{
    struct cpu *cpu = &jit->cpu;

    for (struct region **p = hash_slot(jit, pc, gpa); *p; p = &(*p)->hash_next) {
        struct region *r = *p;

        if (r->pc != pc || r->gpa != gpa || r->flavor != cpu->flavor ||
            r->priv != cpu->hart.s.priv || r->global != cpu->global_fetch)
            continue;
        if (r->fence != cpu->fence) {
            if (memcmp(r->copy, r->source, r->bytes)) { // other code by now
                *p = r->hash_next;
                *r->context = 0;
                return NULL;
            }
            r->fence = cpu->fence;
        }
        return r;
    }
    return NULL;
}

static bool is_branch(unsigned id)
{
    return id >= INSN_BEQ && id <= INSN_BGEU;
}

static bool is_jump(unsigned id)
{
    return id == INSN_JAL || id == INSN_JALR;
}

// What a region is made from. Its bytes are copied before they are decoded: other harts may be
// writing there.
struct draft {
    unsigned count, bytes;
    struct region_op ops[REGION_INSNS_MAX];
    uint8_t copy[REGION_INSNS_MAX * 4];
};

// Takes the instruction at d->bytes into the copy. False: it does not lie in the page wholly.
static bool fetch(struct draft *d, const uint8_t *source, unsigned room, uint32_t *raw)
{
    if (d->bytes + 2 > room)
        return false;
    *raw = read16(source + d->bytes);
    if (riscv_insn_length(*raw) == 4) {
        if (d->bytes + 4 > room)
            return false;
        *raw |= (uint32_t)read16(source + d->bytes + 2) << 16;
    }
    memcpy(d->copy + d->bytes, raw, riscv_insn_length(*raw));
    return true;
}

// Decodes up to REGION_INSNS_MAX instructions. The region ends behind a jump that no branch leads
// over, and before what can't be translated.
static void decode_region(struct jit *jit, gva_t pc, const uint8_t *source, struct draft *d)
{
    unsigned room = HULL_PAGE_SIZE - (unsigned)(pc & ~PAGE_MASK), reach = 0;
    struct insn insn;
    uint32_t raw;

    d->count = d->bytes = 0;
    while (d->count < REGION_INSNS_MAX && fetch(d, source, room, &raw)) {
        struct region_op *op = &d->ops[d->count];

        riscv_decode(jit->cpu.decoder, raw, &insn);
        *op =
            (struct region_op){.id = insn.id, .offset = (uint16_t)d->bytes, .length = insn.length};
        interp_make_op(&op->op, &insn, 0, interp_steps);
        if (!jit_host_translates(op, jit->cpu.flavor))
            break;
        d->count++;
        d->bytes += insn.length;
        if (is_branch(insn.id) && insn.imm > 0 && op->offset + (unsigned)insn.imm > reach)
            reach = op->offset + (unsigned)insn.imm;
        if (is_jump(insn.id) && d->bytes > reach)
            break;
    }
}

// The op at `offset`, or -1: outside, or the middle of an instruction.
int jit_region_find_op(const struct region *r, int64_t offset)
{
    unsigned low = 0, high = r->count;

    if (offset < 0 || offset >= r->bytes)
        return -1;
    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (r->ops[middle].offset == offset)
            return (int)middle;
        if (r->ops[middle].offset < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

// Straight pieces begin at the entry, at targets of jumps, and behind jumps. `left` counts down
// within each.
static void mark_pieces(struct region *r)
{
    unsigned left = 0;

    r->ops[0].leader = 1;
    for (unsigned i = 0; i < r->count; i++) {
        struct region_op *op = &r->ops[i];
        int target;

        if (!is_branch(op->id) && !is_jump(op->id))
            continue;
        if (i + 1 < r->count)
            r->ops[i + 1].leader = 1;
        if (op->id == INSN_JALR)
            continue;
        target = jit_region_find_op(r, (int64_t)op->offset + op->op.imm);
        if (target >= 0) {
            r->ops[target].leader = 1;
            r->ops[target].target = 1;
            r->ops[target].back |= (unsigned)target <= i;
        }
    }
    for (unsigned i = r->count; i-- > 0;) {
        if (i + 1 == r->count || r->ops[i + 1].leader)
            left = 0;
        r->ops[i].left = (uint16_t)++left;
    }
}

static struct region *region_build(struct jit *jit, gva_t pc, gpa_t gpa, const uint8_t *source,
                                   const struct draft *d)
{
    struct region *r = jit_meta_alloc(jit, sizeof(*r));
    struct region_op *ops = jit_meta_alloc(jit, d->count * sizeof(*ops));
    uint8_t *copy = jit_meta_alloc(jit, d->bytes);
    struct ir ir;

    if (!r || !ops || !copy)
        return NULL;
    memcpy(ops, d->ops, d->count * sizeof(*ops));
    memcpy(copy, d->copy, d->bytes);
    *r = (struct region){
        .pc = pc,
        .gpa = gpa,
        .source = source,
        .fence = jit->cpu.fence,
        .count = (uint16_t)d->count,
        .bytes = (uint16_t)d->bytes,
        .flavor = (uint8_t)jit->cpu.flavor,
        .priv = jit->cpu.hart.s.priv,
        .global = jit->cpu.global_fetch,
        .ops = ops,
        .copy = copy,
    };
    mark_pieces(r);
    ir_make(&ir, r);
    ir_optimize(&ir, r);
    ir_share_accesses(&ir, r);
    return jit_host_emit(jit, r, &ir) ? r : NULL;
}

struct region *jit_region_make(struct jit *jit, gva_t pc, gpa_t gpa, const uint8_t *source)
{
    struct region *r, **slot;
    struct draft d;

    decode_region(jit, pc, source, &d);
    if (!d.count)
        return NULL;
    r = region_build(jit, pc, gpa, source, &d);
    if (!r) {
        jit_code_drop(jit);
        r = region_build(jit, pc, gpa, source, &d);
        if (!r)
            return NULL;
    }
    slot = hash_slot(jit, pc, gpa);
    r->hash_next = *slot;
    *slot = r;
    jit->translated += d.count;
    return r;
}
