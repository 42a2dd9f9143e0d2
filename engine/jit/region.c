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

// Nothing goes on behind it.
bool jit_region_ends_at(unsigned id)
{
    switch (id) {
    case INSN_JAL:
    case INSN_JALR:
    case INSN_ILLEGAL:
    case INSN_ECALL:
    case INSN_EBREAK:
    case INSN_SRET:
    case INSN_MRET:
    case INSN_WFI:
    case INSN_FENCE_I: return true;
    default: return false;
    }
}

// Takes the instruction behind those that are there into the copy: other harts may be writing to
// `source`. False: it does not lie in the room wholly.
static bool fetch(struct region_draft *d, const uint8_t *source, unsigned room, uint32_t *raw)
{
    unsigned at = d->region.bytes;

    if (at + 2 > room)
        return false;
    *raw = read16(source + at);
    if (riscv_insn_length(*raw) == 4) {
        if (at + 4 > room)
            return false;
        *raw |= (uint32_t)read16(source + at + 2) << 16;
    }
    memcpy(d->copy + at, raw, riscv_insn_length(*raw));
    return true;
}

// Decodes up to REGION_INSNS_MAX instructions. The region ends behind a jump that no branch leads
// over.
static void decode(struct region_draft *d, const struct riscv_decoder *decoder,
                   const uint8_t *source, unsigned room)
{
    struct region *r = &d->region;
    unsigned reach = 0;
    struct insn insn;
    uint32_t raw;

    while (r->count < REGION_INSNS_MAX && fetch(d, source, room, &raw)) {
        struct region_op *op = &d->ops[r->count];

        riscv_decode(decoder, raw, &insn);
        *op = (struct region_op){.id = insn.id, .offset = r->bytes, .length = insn.length};
        interp_make_op(&op->op, &insn, 0, interp_steps);
        r->count++;
        r->bytes = (uint16_t)(r->bytes + insn.length);
        if (is_branch(insn.id) && insn.imm > 0 && op->offset + (unsigned)insn.imm > reach)
            reach = op->offset + (unsigned)insn.imm;
        if (jit_region_ends_at(insn.id) && r->bytes > reach)
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

// The op that a jump inside the region leads to, or -1.
static int target_of(const struct region *r, unsigned op)
{
    if (!is_branch(r->ops[op].id) && r->ops[op].id != INSN_JAL)
        return -1;
    return jit_region_find_op(r, (int64_t)r->ops[op].offset + r->ops[op].op.imm);
}

// Marks what can't be reached from the entry, such as what stands behind a computed jump that a branch leads
// over: it is no part of any loop, and no code is made for it. What follows it in memory only is cut off.
static void find_dead(struct region *r)
{
    bool changed = true;
    unsigned last = 0;

    for (unsigned i = 0; i < r->count; i++)
        r->ops[i].dead = i > 0;
    while (changed) {
        changed = false;
        for (unsigned i = 0; i < r->count; i++) {
            int target = target_of(r, i);

            if (r->ops[i].dead)
                continue;
            last = last < i ? i : last;
            if (i + 1 < r->count && !jit_region_ends_at(r->ops[i].id))
                r->ops[i + 1].dead = 0;
            if (target >= 0 && r->ops[target].dead) {
                r->ops[target].dead = 0;
                changed |= (unsigned)target < i;
            }
        }
    }
    r->count = (uint16_t)(last + 1);
    r->bytes = (uint16_t)(r->ops[last].offset + r->ops[last].length);
}

// Straight pieces begin at the entry, at targets of jumps, and behind jumps. `left` counts down
// within each.
static void mark_pieces(struct region *r)
{
    unsigned left = 0;

    find_dead(r);
    for (unsigned i = 0; i < r->count; i++)
        r->ops[i].leader = r->ops[i].target = r->ops[i].back = 0;
    r->ops[0].leader = 1;
    for (unsigned i = 0; i < r->count; i++) {
        struct region_op *op = &r->ops[i];
        int target = op->dead ? -1 : target_of(r, i);

        if (i + 1 < r->count && (is_branch(op->id) || jit_region_ends_at(op->id)))
            r->ops[i + 1].leader = 1;
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

// The first op that a jump from ops[i] on leads back to, if that lies before ops[i]; else i.
static unsigned first_looped(const struct region *r, unsigned i)
{
    unsigned first = i;

    for (unsigned j = i; j < r->count; j++) {
        int target = r->ops[j].dead ? -1 : target_of(r, j);

        if (target >= 0 && (unsigned)target < first)
            first = (unsigned)target;
    }
    return first;
}

// A region stops where another begins, unless one of its loops leads over that place: so code is seldom
// there twice.
static void cut_at_entry(struct region *r, const struct region_guide *guide)
{
    for (unsigned i = 1; i < r->count; i++) {
        if (!r->ops[i].leader || r->ops[i].dead ||
            !guide->is_entry(guide->ctx, r->pc + r->ops[i].offset) || first_looped(r, i) < i)
            continue;
        r->count = (uint16_t)i;
        r->bytes = r->ops[i].offset;
        mark_pieces(r);
        return;
    }
}

bool jit_region_draft(struct region_draft *d, const struct riscv_decoder *decoder, gva_t pc,
                      unsigned flavor, const uint8_t *source, unsigned room,
                      const struct region_guide *guide)
{
    unsigned page_room = HULL_PAGE_SIZE - (unsigned)(pc & ~PAGE_MASK);

    d->region =
        (struct region){.pc = pc, .flavor = (uint8_t)flavor, .ops = d->ops, .copy = d->copy};
    decode(d, decoder, source, room < page_room ? room : page_room);
    if (!d->region.count)
        return false;
    mark_pieces(&d->region);
    if (guide)
        cut_at_entry(&d->region, guide);
    return true;
}

// Into the memory for code. NULL: no room.
static struct region *region_build(struct jit *jit, const struct region_draft *d,
                                   const struct ir *ir)
{
    struct region *r = jit_meta_alloc(jit->cache, sizeof(*r));
    uint8_t *copy = jit_meta_alloc(jit->cache, d->region.bytes);
    size_t start = (jit->cache->code_used + 15) & ~(size_t)15; // as the back end aligns it
    struct watched *watched;

    if (!r || !copy)
        return NULL;
    memcpy(copy, d->copy, d->region.bytes);
    *r = d->region;
    r->copy = copy;
    watched = jit_watch_begin(jit, r, ir);
    if (!jit_host_emit(jit, r, ir, watched))
        return NULL;
    jit_watch_end(jit->cache, watched, r, jit->cache->code_rx + start,
                  jit->cache->code_used - start);
    r->ops = NULL;
    return r;
}

// What the front or the middle has made wrong is not run: the code there stays with the interpreter.
static bool translate(const struct jit_cache *cache, struct ir *ir, const struct region *r)
{
    const char *wrong = ir_translate(ir, r, cache->verify);

    if (wrong)
        hull_log(&cache->vm->env, HULL_LOG_ERROR, "jit", "the code at 0x%llx is not translated: %s",
                 (unsigned long long)r->pc, wrong);
    return !wrong;
}

// What the guide of a new region asks.
struct guide_context {
    struct jit_cache *cache;
    const struct code_page *page;
};

static bool code_is_entry(void *ctx, gva_t pc)
{
    const struct guide_context *g = ctx;

    return jit_page_region(g->cache, g->page, pc);
}

// Under the lock: one translates at a time.
static struct region *make(struct jit *jit, gva_t pc, gpa_t gpa, const uint8_t *source)
{
    struct jit_cache *cache = jit->cache;
    struct code_page *page;
    struct region *r = NULL;
    struct guide_context g;
    struct region_guide guide;
    struct region_draft d;
    struct ir ir;

    if (!jit_cache_usable(jit))
        return NULL;
    page = jit_page_obtain(jit, pc, gpa);
    if (page)
        r = jit_page_region(cache, page, pc); // somebody was faster
    if (r)
        return r;
    g = (struct guide_context){cache, page};
    guide = (struct region_guide){code_is_entry, &g};
    if (!jit_region_draft(&d, jit->cpu.decoder, pc, jit->cpu.flavor, source, HULL_PAGE_SIZE,
                          page ? &guide : NULL))
        return NULL;
    d.region.source = source;
    if (page) {
        d.region.page = page;
        d.region.priv = page->priv;
        d.region.global = page->global;
        if (!translate(cache, &ir, &d.region))
            return NULL;
        r = region_build(jit, &d, &ir);
    }
    if (!r) {
        jit_cache_forget(cache);
        return NULL;
    }
    cache->regions_made++;
    atomic_fetch_add_explicit(&cache->translated, r->count, memory_order_release);
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
