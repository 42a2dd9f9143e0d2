// SPDX-License-Identifier: Apache-2.0
// The middle's second pass: loads and stores that lie close together behind the same address look their
// page up once. The first of them (IR_OPEN) checks the page for the whole range and leaves the distance
// from guest to host addresses in a slot; the others (IR_FOLLOW) take it from there, unless the range
// turned out to span two pages: then the slot is empty, and each looks its page up for itself.
//
// In loops, and on the stack, an access remembers its page (IR_STREAM), also from one stay in the region to
// the next: a comparison takes the place of the look-up until the page is left. Where that happens too
// often, the back end gives it up.
//
// Other slots live as long as one stay in the region. What could make them wrong ends it: remote fences wait
// for the budget, and instructions that change translations leave. Those that might are a border here.
#include <limits.h>

#include "engine/jit/ir.h"
#include "engine/jit/translator.h"
#include "lib/mem.h"

#define SPAN 1024 // bytes that one look-up serves
#define GROUPS 64
#define NO_GROUP GROUPS
#define CONSTANT_ROOT 0
#define SP 2
#define NO_LOOP UINT_MAX

// Accesses that share one look-up.
struct group {
    unsigned root, first, count; // first: index of the first access
    unsigned run, loop, base;  // of the first: number of its run, its loop's first op, its register
    int64_t offset, low, high; // of the first; the range, from the root
    bool write, stream, open;
    unsigned slot; // IR_SLOTS: none
};

struct pass {
    struct ir *ir;
    const struct region *region;
    // Each register is a root plus a distance: equal roots within a run are equal values.
    unsigned root[32], roots;
    int64_t delta[32];
    bool in_loop;                        // one without a border
    unsigned run, loop_first, loop_last; // ops
    unsigned group_count;
    // From here on nothing is set at the start.
    struct group groups[GROUPS];
    struct {
        uint8_t first, last; // ops
    } loops[REGION_INSNS_MAX];
    unsigned loop_count;
    bool slot_writes[IR_SLOTS]; // somebody stores by it
    uint8_t group_of[IR_INSNS_MAX];
};

// Instructions that may change what addresses mean and yet go on in this region.
static bool is_border(const struct pass *p, const struct ir_insn *in)
{
    const struct insn_info *info;

    if (in->code != IR_GUEST)
        return false;
    info = &riscv_insn_info[p->region->ops[in->op].id];
    return !info->regs && info->format != FMT_AMO && info->format != FMT_LR &&
           info->format != FMT_FENCE;
}

// What jumps back: from its target to itself.
static void find_loops(struct pass *p)
{
    p->loop_count = 0;
    for (unsigned i = 0; i < p->ir->count; i++) {
        const struct ir_insn *in = &p->ir->insns[i];
        int target = ir_jump_target(in, p->region);

        if (target < 0 || (unsigned)target > in->op || p->loop_count == REGION_INSNS_MAX)
            continue;
        p->loops[p->loop_count].first = (uint8_t)target;
        p->loops[p->loop_count++].last = (uint8_t)in->op;
    }
}

// The smallest loop around the op: first to last op. False: none.
static bool find_loop(const struct pass *p, unsigned op, unsigned *first, unsigned *last)
{
    bool found = false;

    for (unsigned i = 0; i < p->loop_count; i++) {
        unsigned from = p->loops[i].first, to = p->loops[i].last;

        if (from > op || to < op || (found && to - from >= *last - *first))
            continue;
        *first = from;
        *last = to;
        found = true;
    }
    return found;
}

// Round by round, what is called there looks at other pages, and so do most loops that call.
static bool has_border(const struct pass *p, unsigned first, unsigned last)
{
    for (unsigned op = first + 1; op <= last; op++)
        if (p->region->ops[op].entry)
            return true;
    for (unsigned i = 0; i < p->ir->count; i++) {
        const struct ir_insn *in = &p->ir->insns[i];

        if (in->op >= first && in->op <= last && is_border(p, in))
            return true;
    }
    return false;
}

static void close_groups(struct pass *p)
{
    for (unsigned i = 0; i < p->group_count; i++)
        p->groups[i].open = false;
}

static void forget_values(struct pass *p)
{
    close_groups(p);
    for (unsigned reg = 1; reg < 32; reg++)
        p->root[reg] = ++p->roots;
    memset(p->delta, 0, sizeof(p->delta));
    p->root[0] = CONSTANT_ROOT;
}

static void begin_run(struct pass *p, unsigned op)
{
    forget_values(p);
    p->run++;
    p->in_loop = find_loop(p, op, &p->loop_first, &p->loop_last) &&
                 !has_border(p, p->loop_first, p->loop_last);
}

static void follow_value(struct pass *p, const struct ir_insn *in)
{
    unsigned d = in->d;

    if (!(ir_properties((enum ir_code)in->code) & IR_HAS_D) || d == IR_NO_REG)
        return;
    if (in->code == IR_CONST) {
        p->root[d] = CONSTANT_ROOT;
        p->delta[d] = in->imm;
    } else if (in->code == IR_MOVE || (in->code == IR_ADD && in->type == IR_I64 && in->imm_b)) {
        p->root[d] = p->root[in->a];
        p->delta[d] = (int64_t)((uint64_t)p->delta[in->a] + (uint64_t)in->imm);
    } else {
        p->root[d] = ++p->roots;
        p->delta[d] = 0;
    }
}

static bool fits(const struct group *g, int64_t offset, unsigned size)
{
    int64_t from_first = (int64_t)((uint64_t)offset - (uint64_t)g->offset), low, high;

    if (from_first < -SPAN || from_first > SPAN)
        return false;
    low = offset < g->low ? offset : g->low;
    high = offset + size > g->high ? offset + size : g->high;
    return high - low <= SPAN;
}

static void join(struct group *g, const struct ir_insn *in, int64_t offset, unsigned size)
{
    if (offset < g->low)
        g->low = offset;
    if (offset + size > g->high)
        g->high = offset + size;
    g->write |= ir_is_store(in);
    g->count++;
}

// Constant addresses have a look-up of their own, which is as short. The stack seldom changes its page.
static bool is_stream(const struct pass *p, const struct ir_insn *in)
{
    if (p->root[in->a] == CONSTANT_ROOT)
        return false;
    return in->a == SP || (p->in_loop && in->op <= p->loop_last);
}

static void place_access(struct pass *p, unsigned i)
{
    const struct ir_insn *in = &p->ir->insns[i];
    unsigned root = p->root[in->a], size = ir_type_size((enum ir_type)in->type);
    int64_t offset = (int64_t)((uint64_t)p->delta[in->a] + (uint64_t)in->imm);
    struct group *g;

    for (unsigned n = 0; n < p->group_count; n++) {
        g = &p->groups[n];
        if (g->open && g->root == root && fits(g, offset, size)) {
            join(g, in, offset, size);
            p->group_of[i] = (uint8_t)n;
            return;
        }
    }
    // Addresses at the very ends stay alone: sums with them may wrap around.
    if (p->group_count == GROUPS || offset > INT64_MAX - 2 * SPAN || offset < INT64_MIN + 2 * SPAN)
        return;
    p->group_of[i] = (uint8_t)p->group_count;
    g = &p->groups[p->group_count++];
    *g = (struct group){.root = root,
                        .first = i,
                        .run = p->run,
                        .loop = in->a == SP ? NO_LOOP : p->loop_first,
                        .base = in->a,
                        .offset = offset,
                        .low = offset,
                        .high = offset + size,
                        .write = ir_is_store(in),
                        .count = 1,
                        .open = true,
                        .stream = is_stream(p, in)};
}

static void find_groups(struct pass *p)
{
    for (unsigned i = 0; i < p->ir->count; i++) {
        const struct ir_insn *in = &p->ir->insns[i];

        p->group_of[i] = NO_GROUP;
        if (in->code == IR_PIECE && (in->op == 0 || p->region->ops[in->op].target))
            begin_run(p, in->op);
        if (is_border(p, in))
            forget_values(p);
        if (ir_is_access(in))
            place_access(p, i);
        follow_value(p, in);
    }
}

// A stream of an earlier run of the same loop, or of the stack, by the same register: most likely the same page. In one run
// they must not share, as the one might change what the other's followers take.
static unsigned slot_to_share(const struct pass *p, const struct group *g, unsigned n)
{
    unsigned slot = IR_SLOTS;

    for (unsigned m = 0; g->stream && m < n; m++) {
        const struct group *other = &p->groups[m];

        if (other->slot != IR_SLOTS && other->stream && other->loop == g->loop &&
            other->base == g->base && other->run != g->run)
            slot = other->slot;
    }
    for (unsigned m = 0; slot != IR_SLOTS && m < n; m++)
        if (p->groups[m].slot == slot && p->groups[m].run == g->run)
            return IR_SLOTS;
    return slot;
}

static void give_slot(struct pass *p, unsigned n)
{
    struct group *g = &p->groups[n];
    unsigned span = (unsigned)(g->high - g->low);

    g->slot = IR_SLOTS;
    if (g->count < 2 && !g->stream)
        return;
    g->slot = slot_to_share(p, g, n);
    if (g->slot == IR_SLOTS) {
        if (p->ir->slots == IR_SLOTS)
            return;
        g->slot = p->ir->slots++;
        p->ir->span[g->slot] = 0;
        p->slot_writes[g->slot] = false;
    }
    p->ir->streams |= (uint32_t)g->stream << g->slot;
    p->slot_writes[g->slot] |= g->write;
    if (span > p->ir->span[g->slot])
        p->ir->span[g->slot] = (uint16_t)span;
}

static void mark_accesses(struct pass *p, unsigned n)
{
    const struct group *g = &p->groups[n];
    struct ir_insn *first = &p->ir->insns[g->first];

    if (g->slot == IR_SLOTS)
        return;
    for (unsigned i = g->first; i < p->ir->count; i++) {
        if (p->group_of[i] != n)
            continue;
        p->ir->insns[i].access = IR_FOLLOW;
        p->ir->insns[i].slot = (uint8_t)g->slot;
    }
    first->access = g->stream ? IR_STREAM : IR_OPEN;
    first->for_write = p->slot_writes[g->slot];
    first->sole = g->count == 1 && first->for_write == ir_is_store(first);
    first->low = (int16_t)(g->low - g->offset);
    first->high = (int16_t)(g->high - g->offset);
}

void ir_share_accesses(struct ir *ir, const struct region *region)
{
    struct pass p;

    memset(&p, 0, offsetof(struct pass, groups));
    p.ir = ir;
    p.region = region;
    find_loops(&p);
    find_groups(&p);
    for (unsigned n = 0; n < p.group_count; n++)
        give_slot(&p, n);
    for (unsigned n = 0; n < p.group_count; n++)
        mark_accesses(&p, n);
}
