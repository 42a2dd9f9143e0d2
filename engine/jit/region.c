// SPDX-License-Identifier: Apache-2.0
// The front: finds the extent of a region, and marks where its straight pieces begin.
#include <hull/vm.h>

#include "engine/jit/translator.h"
#include "lib/mem.h"

#define PAGE_MASK (~(uint64_t)(HULL_PAGE_SIZE - 1))

static uint16_t read16(const uint8_t *p)
{
    return __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED);
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

static struct region *region_build(struct jit *jit, struct code_page *page, gva_t pc,
                                   const uint8_t *source, const struct draft *d)
{
    struct region *r = jit_meta_alloc(jit->cache, sizeof(*r));
    struct region_op *ops = jit_meta_alloc(jit->cache, d->count * sizeof(*ops));
    uint8_t *copy = jit_meta_alloc(jit->cache, d->bytes);
    struct ir ir;

    if (!r || !ops || !copy)
        return NULL;
    memcpy(ops, d->ops, d->count * sizeof(*ops));
    memcpy(copy, d->copy, d->bytes);
    *r = (struct region){
        .pc = pc,
        .source = source,
        .page = page,
        .count = (uint16_t)d->count,
        .bytes = (uint16_t)d->bytes,
        .flavor = page->flavor,
        .priv = page->priv,
        .global = page->global,
        .ops = ops,
        .copy = copy,
    };
    mark_pieces(r);
    ir_make(&ir, r);
    ir_optimize(&ir, r);
    ir_share_accesses(&ir, r);
    return jit_host_emit(jit, r, &ir) ? r : NULL;
}

// Under the lock: one translates at a time.
static struct region *make(struct jit *jit, gva_t pc, gpa_t gpa, const uint8_t *source)
{
    struct jit_cache *cache = jit->cache;
    struct code_page *page;
    struct region *r = NULL;
    struct draft d;

    if (!jit_cache_usable(jit))
        return NULL;
    page = jit_page_obtain(jit, pc, gpa);
    if (page)
        r = jit_page_region(cache, page, pc); // somebody was faster
    if (r)
        return r;
    decode_region(jit, pc, source, &d);
    if (!d.count)
        return NULL;
    if (page)
        r = region_build(jit, page, pc, source, &d);
    if (!r) {
        jit_cache_forget(cache);
        return NULL;
    }
    atomic_fetch_add_explicit(&cache->translated, d.count, memory_order_release);
    jit_page_add(cache, r);
    jit_code_settle(cache);
    return r;
}

struct region *jit_region_make(struct jit *jit, gva_t pc, gpa_t gpa, const uint8_t *source)
{
    const struct hull_env *env = &jit->cache->vm->env;
    struct region *r;

    hull_lock(env, &jit->cache->lock);
    r = make(jit, pc, gpa, source);
    hull_unlock(env, &jit->cache->lock);
    return r;
}
