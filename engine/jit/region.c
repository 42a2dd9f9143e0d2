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

bool jit_region_is_call(const struct region_op *op)
{
    return (op->id == INSN_JAL || op->id == INSN_JALR) && (op->op.rd == 1 || op->op.rd == 5);
}

// Goes elsewhere, and comes back behind it in general.
static bool comes_back(const struct region_op *op)
{
    return jit_region_is_call(op) || op->id == INSN_ECALL || op->id == INSN_WFI ||
           op->id == INSN_FENCE_I;
}

// A call of the region's own code: what is hot then is the call, and the loop around is none to speak of.
static bool is_recursion(const struct region_op *op)
{
    return op->id == INSN_JAL && op->op.imm <= 0 && op->offset + op->op.imm >= 0;
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
// over, unless it is a call and has an entry behind it.
static void decode(struct region_draft *d, const struct riscv_decoder *decoder,
                   const uint8_t *source, unsigned room, const struct region_guide *guide)
{
    unsigned reach = guide ? guide->reach : 0;
    struct region *r = &d->region;
    bool behind_call = false;
    struct insn insn;
    uint32_t raw;

    while (r->count < REGION_INSNS_MAX && fetch(d, source, room, &raw)) {
        struct region_op *op = &d->ops[r->count];

        riscv_decode(decoder, raw, &insn);
        *op = (struct region_op){.id = insn.id, .offset = r->bytes, .length = insn.length};
        interp_make_op(&op->op, &insn, 0, interp_steps);
        op->entry = guide && behind_call && guide->is_entry(guide->ctx, r->pc + r->bytes);
        if (behind_call && !op->entry && op->offset > reach)
            return;
        behind_call = comes_back(op) && !is_recursion(op);
        r->count++;
        r->bytes = (uint16_t)(r->bytes + insn.length);
        if (is_branch(insn.id) && insn.imm > 0 && op->offset + (unsigned)insn.imm > reach)
            reach = op->offset + (unsigned)insn.imm;
        if (jit_region_ends_at(insn.id) && r->bytes > reach && !(behind_call && guide))
            return;
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

// Behind what goes elsewhere is an entry only for who comes back.
static bool goes_on(const struct region *r, unsigned i)
{
    return !jit_region_ends_at(r->ops[i].id) || r->ops[i + 1].entry;
}

// Marks what can't be reached from an entry, such as what stands behind a computed jump that a branch leads
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
            if (i + 1 < r->count && goes_on(r, i))
                r->ops[i + 1].dead = 0;
            if (target >= 0 && r->ops[target].dead) {
                r->ops[target].dead = 0;
                changed |= (unsigned)target < i;
            }
        }
    }
    r->count = (uint16_t)(last + 1);
    r->bytes = (uint16_t)(r->ops[last].offset + r->ops[last].length);
    for (unsigned i = 0; i < r->count; i++)
        r->ops[i].entry &= !r->ops[i].dead;
}

// Straight pieces begin at entries, at targets of jumps, and behind jumps. `left` counts down
// within each.
static void mark_pieces(struct region *r)
{
    unsigned left = 0;

    find_dead(r);
    for (unsigned i = 0; i < r->count; i++) {
        r->ops[i].leader = r->ops[i].target = i > 0 && r->ops[i].entry;
        r->ops[i].back = 0;
    }
    r->ops[0].leader = r->ops[0].entry = 1;
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

// What lies behind a call is an entry of this region if a loop leads over it, else the start of another:
// more would be translated than is executed.
static void drop_entries(struct region *r)
{
    bool dropped = true;

    while (dropped) {
        dropped = false;
        for (unsigned i = 1; i < r->count; i++) {
            if (!r->ops[i].entry || first_looped(r, i) < i)
                continue;
            r->ops[i].entry = 0;
            dropped = true;
        }
        if (dropped)
            mark_pieces(r);
    }
}

// A region stops where others are entered, unless one of its loops leads over that place: so code is seldom
// there twice.
static void cut_at_entry(struct region *r, const struct region_guide *guide)
{
    for (unsigned i = 1; i < r->count; i++) {
        if (!r->ops[i].leader || r->ops[i].dead || first_looped(r, i) < i ||
            !guide->is_known(guide->ctx, r->pc + r->ops[i].offset))
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
    decode(d, decoder, source, room < page_room ? room : page_room, guide);
    if (!d->region.count)
        return false;
    mark_pieces(&d->region);
    if (guide) {
        drop_entries(&d->region);
        cut_at_entry(&d->region, guide);
        drop_entries(&d->region);
    }
    return true;
}

// ---- Into the memory for code ----

// Its entries are those of its ops; the back end says where they are.
static struct region *region_alloc(struct jit_cache *cache, const struct region_draft *d)
{
    struct region_entry *entry;
    unsigned entries = 0;
    struct region *r;

    for (unsigned i = 0; i < d->region.count; i++)
        entries += d->ops[i].entry;
    r = jit_meta_alloc(cache, sizeof(*r) + entries * sizeof(*entry) + d->region.bytes);
    if (!r)
        return NULL;
    *r = d->region;
    r->entries = entry = (struct region_entry *)(r + 1);
    r->entry_count = (uint16_t)entries;
    for (unsigned i = 0; i < r->count; i++)
        if (r->ops[i].entry)
            *entry++ = (struct region_entry){.pc = r->pc + r->ops[i].offset, .page = r->page};
    r->copy = (uint8_t *)entry;
    memcpy(r->copy, d->copy, r->bytes);
    return r;
}

// NULL: no room.
static struct region *region_build(struct jit *jit, const struct region_draft *d,
                                   const struct ir *ir)
{
    struct region *r = region_alloc(jit->cache, d);
    size_t start = (jit->cache->code_used + 15) & ~(size_t)15; // as the back end aligns it
    struct watched *watched;

    if (!r)
        return NULL;
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

// ---- Where a region begins, and is entered ----

// What the guide of a new region asks.
struct guide_context {
    struct jit *jit;
    const struct code_page *page;
    gva_t wanted; // what is to be executed now
};

static bool code_is_known(void *ctx, gva_t pc)
{
    const struct guide_context *g = ctx;
    const struct region_place *place;

    return jit_page_entry(g->jit->cache, g->page, pc) || jit_page_place(g->page, pc, &place);
}

// It would be translated soon if it was not now.
static bool code_is_warm(const struct guide_context *g, gva_t pc)
{
    gpa_t gpa = g->page->gpa + (pc & ~PAGE_MASK);

    return *jit_heat(g->jit, pc, gpa) >= g->jit->hot / 2 ||
           jit_page_entry(g->jit->cache, g->page, pc);
}

static bool is_entry(void *ctx, gva_t pc)
{
    const struct guide_context *g = ctx;

    return pc == g->wanted || code_is_warm(g, pc);
}

// The lowest place above `above` that the region jumps back to, out of itself, and that is warm and not
// translated yet: a loop begins there. The region's start: there is none.
static gva_t loop_before(const struct region *r, const struct guide_context *g, gva_t above)
{
    gva_t lowest = r->pc;

    for (unsigned i = 0; i < r->count; i++) {
        const struct region_op *op = &r->ops[i];
        gva_t target = r->pc + op->offset + (uint64_t)op->op.imm;

        if (op->dead || jit_region_is_call(op) || (!is_branch(op->id) && op->id != INSN_JAL) ||
            target >= lowest || target <= above || (target ^ r->pc) & PAGE_MASK)
            continue;
        if (code_is_warm(g, target) && !code_is_known((void *)(uintptr_t)g, target))
            lowest = target;
    }
    return lowest;
}

static bool has_entry(const struct region *r, unsigned offset)
{
    int op = jit_region_find_op(r, offset);

    return op >= 0 && r->ops[op].entry;
}

// Whether something that comes back may end in front of `pc`: an instruction of either length.
static bool may_follow_call(const struct riscv_decoder *decoder, gva_t pc, const uint8_t *source)
{
    unsigned room = pc & ~PAGE_MASK;

    for (unsigned length = 2; length <= 4 && length <= room; length += 2) {
        uint32_t raw = read16(source - length);
        struct region_op op = {0};
        struct insn insn;

        if (riscv_insn_length(raw) != length)
            continue;
        if (length == 4)
            raw |= (uint32_t)read16(source - 2) << 16;
        riscv_decode(decoder, raw, &insn);
        op.id = insn.id;
        interp_make_op(&op.op, &insn, 0, interp_steps);
        if (comes_back(&op))
            return true;
    }
    return false;
}

// The region that `pc` is to be executed in: it begins there, or, behind a call, where the loop around begins.
// Elsewhere inner parts have regions to themselves, with the registers that they want.
static bool draft_region(struct jit *jit, struct region_draft *d, struct code_page *page, gva_t pc,
                         const uint8_t *source)
{
    struct guide_context g = {jit, page, pc};
    struct region_guide guide = {code_is_known, is_entry, 0, &g};
    const struct riscv_decoder *decoder = jit->cpu.decoder;
    unsigned flavor = jit->cpu.flavor;
    gva_t start, above;

    if (!jit_region_draft(d, decoder, pc, flavor, source, HULL_PAGE_SIZE, &guide))
        return false;
    d->region.source = source;
    if (page->pc & 1 || !may_follow_call(decoder, pc, source))
        return true;
    above = pc - REGION_INSNS_MAX * 4;
    while ((start = loop_before(&d->region, &g, above)) < pc) {
        guide.reach = (unsigned)(pc - start);
        if (jit_region_draft(d, decoder, start, flavor, source - guide.reach, HULL_PAGE_SIZE,
                             &guide) &&
            has_entry(&d->region, guide.reach)) {
            d->region.source = source - guide.reach;
            return true;
        }
        guide.reach = 0;
        above = start;
        jit_region_draft(d, decoder, pc, flavor, source, HULL_PAGE_SIZE, &guide);
    }
    d->region.source = source;
    return true;
}

static struct region *make(struct jit *jit, struct code_page *page, gva_t pc, const uint8_t *source)
{
    struct jit_cache *cache = jit->cache;
    struct region *r;
    struct region_draft d;
    struct ir ir;

    if (!draft_region(jit, &d, page, pc, source))
        return NULL;
    d.region.page = page;
    d.region.priv = page->priv;
    d.region.global = page->global;
    if (!translate(cache, &ir, &d.region))
        return NULL;
    r = region_build(jit, &d, &ir);
    if (!r) {
        jit_cache_forget(cache);
        return NULL;
    }
    cache->regions_made++;
    cache->entries_made += r->entry_count;
    atomic_fetch_add_explicit(&cache->translated, r->count, memory_order_release);
    jit_page_add(cache, r);
    jit_code_settle(cache);
    return r;
}

// An entry to code that is there.
static struct region_entry *enter_place(struct jit *jit, const struct code_page *page, gva_t pc)
{
    struct jit_cache *cache = jit->cache;
    size_t start = cache->code_used;
    const struct region_place *place;
    struct region *r = jit_page_place(page, pc, &place);
    struct region_entry *e = r ? jit_meta_alloc(cache, sizeof(*e)) : NULL;

    if (!r)
        return NULL;
    if (e)
        *e = (struct region_entry){.pc = pc, .page = r->page};
    if (!e || !jit_host_emit_entry(jit, r, place, e)) {
        jit_cache_forget(cache);
        return NULL;
    }
    cache->entries_added++;
    jit_watch_entry(cache, e, cache->code_rx + start, cache->code_used - start);
    jit_page_add_entry(cache, e);
    jit_code_settle(cache);
    return e;
}

// Under the lock: one translates at a time. `source` is NULL: only where code is there already.
static struct region_entry *obtain(struct jit *jit, gva_t pc, gpa_t gpa, const uint8_t *source)
{
    struct jit_cache *cache = jit->cache;
    struct region_entry *e;
    struct code_page *page;

    if (!jit_cache_usable(jit))
        return NULL;
    page = source ? jit_page_obtain(jit, pc, gpa) : jit_page_known(jit, pc, gpa);
    if (!page) {
        if (source)
            jit_cache_forget(cache);
        return NULL;
    }
    e = jit_page_entry(cache, page, pc); // somebody was faster
    if (!e)
        e = enter_place(jit, page, pc);
    if (!e && source && !cache->forgotten && make(jit, page, pc, source))
        e = jit_page_entry(cache, page, pc);
    return e;
}

struct region_entry *jit_region_make(struct jit *jit, gva_t pc, gpa_t gpa, const uint8_t *source)
{
    const struct hull_env *env = &jit->cache->vm->env;
    struct region_entry *e;

    hull_lock(env, &jit->cache->lock);
    e = obtain(jit, pc, gpa, source);
    hull_unlock(env, &jit->cache->lock);
    return e;
}

struct region_entry *jit_region_enter(struct jit *jit, gva_t pc, gpa_t gpa)
{
    return jit_region_make(jit, pc, gpa, NULL);
}
