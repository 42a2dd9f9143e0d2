// SPDX-License-Identifier: Apache-2.0
// The middle's second pass: loads and stores that lie close together behind the same address look their
// page up once. The first of them (IR_OPEN) checks the page for the whole range and leaves the distance
// from guest to host addresses in a slot; the others (IR_FOLLOW) take it from there, unless the range
// turned out to span two pages: then the slot is empty, and each looks its page up for itself.
//
// In loops an access whose address moves on in small steps, or does not move, remembers its page from
// round to round (IR_STREAM): a comparison takes the place of the look-up until the page is left.
//
// Slots live as long as one stay in the region. What could make them wrong ends it: remote fences wait for
// the budget, and instructions that change translations leave. Those that might are a border here.
#include "engine/jit/ir.h"
#include "engine/jit/translator.h"
#include "lib/mem.h"

#define SPAN 1024  // bytes that one look-up serves
#define STRIDE 512 // bytes that a stream's address moves per round
#define MOVES -1   // no such stride
#define GROUPS 64
#define NO_GROUP GROUPS
#define CONSTANT_ROOT 0

// Accesses that share one look-up.
struct group {
    unsigned root, first, count; // first: index of the first access
    int64_t offset, low, high;   // of the first; the range, from the root
    bool write, stream, open;
};

struct pass {
    struct ir *ir;
    const struct region *region;
    // Each register is a root plus a distance: equal roots within a run are equal values.
    unsigned root[32], roots;
    int64_t delta[32];
    int stride[32]; // bytes per round of the innermost loop, or MOVES
    bool in_loop;
    unsigned loop_last; // op
    struct group groups[GROUPS];
    unsigned group_count;
    uint8_t group_of[IR_INSNS_MAX];
};

static int jump_target(const struct pass *p, const struct ir_insn *in)
{
    if (in->code != IR_BRANCH && in->code != IR_JUMP)
        return -1;
    return jit_region_find_op(p->region, in->imm);
}

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

// The smallest loop around the op: first to last op. False: none.
static bool find_loop(const struct pass *p, unsigned op, unsigned *first, unsigned *last)
{
    bool found = false;

    for (unsigned i = 0; i < p->ir->count; i++) {
        const struct ir_insn *in = &p->ir->insns[i];
        int target = jump_target(p, in);

        if (target < 0 || (unsigned)target > op || in->op < op ||
            (found && in->op - (unsigned)target >= *last - *first))
            continue;
        *first = (unsigned)target;
        *last = in->op;
        found = true;
    }
    return found;
}

static bool adds_to_itself(const struct ir_insn *in)
{
    return in->code == IR_ADD && in->type == IR_I64 && in->imm_b && in->d == in->a;
}

// How far each register moves per round of the loop. False: the loop has a border.
static bool find_strides(struct pass *p, unsigned first, unsigned last)
{
    memset(p->stride, 0, sizeof(p->stride));
    for (unsigned i = 0; i < p->ir->count; i++) {
        const struct ir_insn *in = &p->ir->insns[i];
        unsigned has = ir_properties((enum ir_code)in->code);

        if (in->op < first || in->op > last)
            continue;
        if (is_border(p, in))
            return false;
        if (!(has & IR_HAS_D) || in->d == IR_NO_REG)
            continue;
        if (!adds_to_itself(in) || p->stride[in->d] == MOVES || in->imm > STRIDE ||
            in->imm < -STRIDE)
            p->stride[in->d] = MOVES;
        else
            p->stride[in->d] += (int)(in->imm < 0 ? -in->imm : in->imm);
    }
    return true;
}

static void close_groups(struct pass *p)
{
    for (unsigned i = 0; i < p->group_count; i++)
        p->groups[i].open = false;
}

static void new_root(struct pass *p, unsigned reg, int stride)
{
    p->root[reg] = ++p->roots;
    p->delta[reg] = 0;
    p->stride[reg] = stride > STRIDE ? MOVES : stride;
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
    unsigned first = 0;

    forget_values(p);
    p->in_loop = find_loop(p, op, &first, &p->loop_last) && find_strides(p, first, p->loop_last);
    if (!p->in_loop)
        for (unsigned reg = 1; reg < 32; reg++)
            p->stride[reg] = MOVES;
    p->stride[0] = 0;
}

static int sum(int a, int b)
{
    return a == MOVES || b == MOVES ? MOVES : a + b;
}

static int scaled(int stride, int64_t shift)
{
    return stride == MOVES || shift > 9 ? MOVES : stride << shift;
}

// The stride of what `in` computes from others.
static int stride_of(const struct pass *p, const struct ir_insn *in)
{
    int a = p->stride[in->a], b = in->imm_b ? 0 : p->stride[in->b & 31];

    switch (in->code) {
    case IR_ADD: return sum(a, b);
    case IR_SHADD: return sum(scaled(a, in->imm), b);
    case IR_SHL: return in->imm_b ? scaled(a, in->imm) : MOVES;
    case IR_EXTEND: return in->type == IR_I32 || in->type == IR_U32 ? a : MOVES;
    default: return MOVES;
    }
}

static void follow_value(struct pass *p, const struct ir_insn *in)
{
    unsigned d = in->d;

    if (!(ir_properties((enum ir_code)in->code) & IR_HAS_D) || d == IR_NO_REG)
        return;
    if (in->code == IR_CONST) {
        p->root[d] = CONSTANT_ROOT;
        p->delta[d] = in->imm;
        p->stride[d] = 0;
    } else if (in->code == IR_MOVE || (in->code == IR_ADD && in->type == IR_I64 && in->imm_b)) {
        p->root[d] = p->root[in->a];
        p->delta[d] = (int64_t)((uint64_t)p->delta[in->a] + (uint64_t)in->imm);
        p->stride[d] = p->stride[in->a];
    } else {
        new_root(p, d, stride_of(p, in));
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
    *g =
        (struct group){.root = root,
                       .first = i,
                       .offset = offset,
                       .low = offset,
                       .high = offset + size,
                       .write = ir_is_store(in),
                       .count = 1,
                       .open = true,
                       .stream = p->in_loop && in->op <= p->loop_last && p->stride[in->a] != MOVES};
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

static void give_slot(struct pass *p, unsigned n)
{
    struct group *g = &p->groups[n];
    struct ir_insn *first = &p->ir->insns[g->first];
    unsigned slot = p->ir->slots;

    if ((g->count < 2 && !g->stream) || slot == IR_SLOTS)
        return;
    p->ir->slots++;
    p->ir->streams |= (uint32_t)g->stream << slot;
    for (unsigned i = g->first; i < p->ir->count; i++) {
        if (p->group_of[i] != n)
            continue;
        p->ir->insns[i].access = IR_FOLLOW;
        p->ir->insns[i].slot = (uint8_t)slot;
    }
    first->access = g->stream ? IR_STREAM : IR_OPEN;
    first->for_write = g->write;
    first->sole = g->count == 1;
    first->low = (int16_t)(g->low - g->offset);
    first->high = (int16_t)(g->high - g->offset);
}

void ir_share_accesses(struct ir *ir, const struct region *region)
{
    struct pass p = {.ir = ir, .region = region};

    find_groups(&p);
    for (unsigned n = 0; n < p.group_count; n++)
        give_slot(&p, n);
}
