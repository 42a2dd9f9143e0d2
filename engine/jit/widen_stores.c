// SPDX-License-Identifier: Apache-2.0
// Stores to neighbouring bytes: of what is one register's value, in either order, or zero; or of the same
// doubleword again and again, two of which are one store of the host's.
#include "engine/jit/widen.h"
#include "lib/mem.h"

#define GROUP_MAX 64
#define SWAPPED_WORTH 4 // so many stores, as it takes three operations
#define DOUBLED_WORTH 4 // so many doublewords, as the first two take three operations

// Stores behind one value of a register, by one slot, whose range has all of them; by address. No other access between
// the first and the last one may be to the same bytes.
struct group {
    uint16_t stores[GROUP_MAX];
    unsigned count;
};

// Some of them as one.
struct merged {
    uint8_t type, b;
    bool swapped;
    unsigned count; // of the group's stores
    unsigned last;  // the last of them: this one stands in its place
};

static unsigned size_of(const struct widen *w, unsigned i)
{
    return ir_type_size((enum ir_type)w->ir->insns[i].type);
}

static int64_t end_of(const struct widen *w, unsigned i)
{
    return w->ir->insns[i].imm + size_of(w, i);
}

// The bytes that `count` stores from the group's n-th on write, lowest first; how many. 0: they leave gaps, or are
// too many.
static unsigned collect(const struct widen *w, const struct group *g, unsigned n, unsigned count,
                        struct bytes *what)
{
    unsigned size = 0;

    for (unsigned i = n; i < n + count; i++) {
        unsigned store = g->stores[i];

        if ((i > n && end_of(w, g->stores[i - 1]) != w->ir->insns[store].imm) ||
            size + size_of(w, store) > 8)
            return 0;
        for (unsigned k = 0; k < size_of(w, store); k++)
            what->of[size++] = w->value[store].of[k];
    }
    return size;
}

static bool holds(const struct bytes *v, const struct bytes *what, unsigned size, bool swapped)
{
    for (unsigned i = 0; i < size; i++)
        if (v->of[i] != what->of[swapped ? size - 1 - i : i])
            return false;
    return true;
}

// A register that inline code has, and that holds these bytes where the walk has come to. Negative: none.
static int find_source(const struct widen *w, const struct bytes *what, unsigned size, bool swapped)
{
    for (unsigned reg = 0; reg < 32; reg++) {
        int by = w->made_by[reg];

        if (!holds(&w->now[reg], what, size, swapped))
            continue;
        if (by >= (int)w->first && w->state[by] != WIDEN_KEPT && w->state[by] != WIDEN_REPLACED)
            continue;
        if (by < 0 || size < 8 || !w->ir->insns[by].loose)
            return (int)reg;
    }
    return -1;
}

static unsigned last_of(const struct group *g, unsigned n, unsigned count)
{
    unsigned last = 0;

    for (unsigned i = n; i < n + count; i++)
        if (g->stores[i] > last)
            last = g->stores[i];
    return last;
}

// `count` stores from the group's n-th on as one.
static bool merge(struct widen *w, const struct group *g, unsigned n, unsigned count,
                  struct merged *m)
{
    static const uint8_t types[9] = {[2] = IR_I16, [4] = IR_I32, [8] = IR_I64};
    struct bytes what;
    unsigned size = collect(w, g, n, count, &what);
    int source;

    if (size != 2 && size != 4 && size != 8)
        return false;
    m->type = types[size];
    m->last = last_of(g, n, count);
    widen_walk(w, m->last);
    m->swapped = false;
    source = find_source(w, &what, size, false);
    if (source < 0 && count >= SWAPPED_WORTH) {
        m->swapped = true;
        source = find_source(w, &what, size, true);
    }
    m->b = (uint8_t)source;
    return source >= 0;
}

// How many stores from the n-th on are the same doubleword, one behind the other.
static unsigned count_same(const struct widen *w, const struct group *g, unsigned n)
{
    unsigned count = 0;

    for (; n + count < g->count; count++) {
        unsigned i = g->stores[n + count];

        if (w->ir->insns[i].type != IR_I64 || !bytes_equal(&w->value[i], &w->value[g->stores[n]]) ||
            (count && end_of(w, g->stores[n + count - 1]) != w->ir->insns[i].imm))
            break;
    }
    return count;
}

static void replace(struct widen *w, const struct group *g, unsigned n, unsigned count,
                    const struct merged *m)
{
    const struct ir_insn *first = &w->ir->insns[g->stores[n]];
    const struct ir_insn in = {.code = IR_STORE,
                               .type = m->type,
                               .a = first->a,
                               .b = m->b,
                               .access = IR_FOLLOW,
                               .slot = first->slot,
                               .swapped = m->swapped,
                               .imm = first->imm};

    if (!widen_room(w, 1))
        return;
    widen_add(w, m->last, &in, w->version_a[g->stores[n]]);
    for (unsigned i = n; i < n + count; i++)
        widen_remove(w, g->stores[i]);
}

// Pairs of the same doubleword. How many stores that were.
static unsigned merge_same(struct widen *w, const struct group *g, unsigned n)
{
    unsigned count = count_same(w, g, n) & ~1u;
    struct merged m = {.type = IR_V128};

    if (count < DOUBLED_WORTH)
        return 0;
    for (unsigned i = n; i < n + count; i += 2) {
        int source;

        m.last = last_of(g, i, 2);
        widen_walk(w, m.last);
        source = find_source(w, &w->value[g->stores[i]], 8, false);
        if (source < 0)
            continue;
        m.b = (uint8_t)source;
        replace(w, g, i, 2, &m);
    }
    return count;
}

static void sort(const struct widen *w, struct group *g)
{
    for (unsigned i = 1; i < g->count; i++)
        for (unsigned k = i;
             k && w->ir->insns[g->stores[k]].imm < w->ir->insns[g->stores[k - 1]].imm; k--) {
            uint16_t other = g->stores[k];

            g->stores[k] = g->stores[k - 1];
            g->stores[k - 1] = other;
        }
}

static void merge_group(struct widen *w, struct group *g)
{
    struct merged m;

    sort(w, g);
    for (unsigned n = 0; n + 1 < g->count;) {
        unsigned count = merge_same(w, g, n);

        if (count) {
            n += count;
            continue;
        }
        for (count = g->count - n < 8 ? g->count - n : 8; count > 1; count--)
            if (merge(w, g, n, count, &m))
                break;
        if (count > 1)
            replace(w, g, n, count, &m);
        n += count;
    }
    g->count = 0;
}

static bool group_disturbed_by(const struct widen *w, const struct group *g,
                               bool (*disturbs)(const struct widen *, unsigned,
                                                const struct widen_range *),
                               unsigned n)
{
    for (unsigned i = 0; i < g->count; i++) {
        unsigned store = g->stores[i];
        const struct widen_range range = {w->ir->insns[store].a, w->version_a[store],
                                          w->ir->insns[store].imm, end_of(w, store)};

        if (disturbs(w, n, &range))
            return true;
    }
    return false;
}

static bool is_disturbed(const struct widen *w, const struct group *g, unsigned i)
{
    for (unsigned n = 0; n < w->added_count; n++)
        if (w->added[n].at == i && group_disturbed_by(w, g, widen_added_disturbs, n))
            return true;
    return group_disturbed_by(w, g, widen_op_disturbs, i);
}

void widen_stores(struct widen *w)
{
    struct group g = {.count = 0};

    for (unsigned i = w->first; i < w->end; i++) {
        if (g.count && is_disturbed(w, &g, i))
            merge_group(w, &g);
        if (!w->member[i] || w->ir->insns[i].code != IR_STORE)
            continue;
        if (g.count == GROUP_MAX ||
            (g.count && w->ir->insns[i].slot != w->ir->insns[g.stores[0]].slot))
            merge_group(w, &g);
        g.stores[g.count++] = (uint16_t)i;
    }
    merge_group(w, &g);
}
