// SPDX-License-Identifier: Apache-2.0
// Loads of neighbouring bytes that are shifted and put together, in either order, or of one that is then
// extended: one load. What is left in registers on the way, and not overwritten, is made of the result.
#include "engine/jit/widen.h"
#include "lib/mem.h"

#define RESIDUES_MAX 4
#define DERIVED_MAX (3 * RESIDUES_MAX)

// Bytes of memory as a load finds them, behind one value of a register, by one slot: its range has all of them.
struct wide {
    uint8_t type, size, a, slot;
    bool swapped;
    uint16_t version;
    int64_t imm;
};

// All that a result is made of.
struct tree {
    uint8_t in[IR_INSNS_MAX]; // that operation is part of it
    unsigned count, first_load, last_load;
};

struct derived {
    struct ir_insn insns[DERIVED_MAX];
    unsigned count;
};

static bool is_loaded(uint32_t byte)
{
    return byte & BYTE_LOADED;
}

static bool find_place(const struct widen *w, uint32_t byte, struct wide *wide, int64_t *at)
{
    unsigned i = byte >> 3 & 0x3ff;
    const struct ir_insn *in = &w->ir->insns[i];

    if (!is_loaded(byte))
        return false;
    wide->a = in->a;
    wide->slot = in->slot;
    wide->version = w->version_a[i];
    *at = in->imm + (byte & 7);
    return true;
}

// Whether the value is what one load would find.
static bool is_wide(const struct widen *w, const struct bytes *v, struct wide *wide)
{
    static const uint8_t types[2][9] = {{[1] = IR_U8, [2] = IR_U16, [4] = IR_U32, [8] = IR_I64},
                                        {[1] = IR_I8, [2] = IR_I16, [4] = IR_I32, [8] = IR_I64}};
    int64_t first, at, step = 1;
    unsigned size = 1;

    if (!find_place(w, v->of[0], wide, &first))
        return false;
    for (; size < 8; size++) {
        struct wide other;

        if (!find_place(w, v->of[size], &other, &at))
            break;
        if (size == 1)
            step = at - first;
        if (other.a != wide->a || other.version != wide->version || other.slot != wide->slot ||
            at - first != step * (int64_t)size)
            return false;
    }
    if ((step != 1 && step != -1) || (size & (size - 1)))
        return false;
    for (unsigned i = size; i < 8; i++)
        if (v->of[i] != v->of[size] || v->of[i] > BYTE_SIGN)
            return false;
    wide->size = (uint8_t)size;
    wide->swapped = step < 0;
    wide->imm = step < 0 ? first - (int64_t)size + 1 : first;
    wide->type = types[size < 8 && v->of[size] == BYTE_SIGN][size];
    return wide->imm == (int32_t)wide->imm;
}

// Marks what the operation's result is made of. False: something that has to stay.
static bool mark_tree(const struct widen *w, int i, const struct wide *wide, struct tree *t)
{
    const struct ir_insn *in = &w->ir->insns[i < 0 ? 0 : i];
    unsigned has = ir_properties((enum ir_code)in->code);

    if (i < (int)w->first || t->in[i] || in->code == IR_CONST)
        return true;
    if (w->state[i] != WIDEN_KEPT)
        return false;
    t->in[i] = true;
    t->count++;
    if (ir_is_access(in)) {
        if ((unsigned)i < t->first_load)
            t->first_load = (unsigned)i;
        if ((unsigned)i > t->last_load)
            t->last_load = (unsigned)i;
        return w->member[i] && in->a == wide->a && w->version_a[i] == wide->version &&
               in->slot == wide->slot;
    }
    return (has & (IR_IS_PURE | IR_IS_OUT)) == IR_IS_PURE && mark_tree(w, w->made_a[i], wide, t) &&
           mark_tree(w, w->made_b[i], wide, t);
}

// Whether operations that stay, or were added, in [from, to) have to do with the register.
static bool is_touched(const struct widen *w, const struct tree *t, unsigned reg, unsigned from,
                       unsigned to)
{
    for (unsigned i = from; i < to; i++) {
        const struct ir_insn *in = &w->ir->insns[i];

        if (w->state[i] != WIDEN_KEPT || t->in[i])
            continue;
        if (widen_reads(in, reg) || widen_writes(in, reg))
            return true;
    }
    for (unsigned n = 0; n < w->added_count; n++)
        if (w->added[n].at >= from && w->added[n].at < to &&
            (widen_reads(&w->added[n].in, reg) || widen_writes(&w->added[n].in, reg)))
            return true;
    return false;
}

static struct ir_insn *derive(struct derived *list, enum ir_code code, unsigned d, unsigned a)
{
    struct ir_insn *in = &list->insns[list->count++];

    *in = (struct ir_insn){.code = (uint8_t)code, .d = (uint8_t)d, .a = (uint8_t)a};
    return in;
}

static void derive_with(struct derived *list, enum ir_code code, unsigned d, unsigned a,
                        int64_t imm)
{
    struct ir_insn *in = derive(list, code, d, a);

    in->imm_b = true;
    in->imm = imm;
}

// Bytes [from, from + size) of register a, at `to` in register d, and nothing else. `above`: something stands
// above them in a.
static void derive_part(struct derived *list, unsigned d, unsigned a, unsigned from, unsigned size,
                        unsigned to, bool above)
{
    uint64_t mask = (size == 8 ? 0 : 1ull << 8 * size) - 1;

    if (from == to && (int64_t)(mask << 8 * to) == (int32_t)(mask << 8 * to)) {
        derive_with(list, IR_AND, d, a, (int64_t)(mask << 8 * to));
        return;
    }
    if (above && from == 0 && size == 4) {
        derive(list, IR_EXTEND, d, a)->type = IR_U32;
        a = d;
    } else if (above) {
        derive_with(list, IR_SHL, d, a, 8 * (8 - from - size));
        derive_with(list, IR_SHR, d, d, 8 * (8 - size));
        a = d;
    } else if (from) {
        derive_with(list, IR_SHR, d, a, 8 * from);
        a = d;
    }
    if (to)
        derive_with(list, IR_SHL, d, a, 8 * to);
}

// The value v in register d, of u in register a. False: that can't be done in this way.
static bool derive_value(struct derived *list, unsigned d, const struct bytes *v, unsigned a,
                         const struct bytes *u)
{
    unsigned to = 0, from = 0, size = 0;
    bool above = false;

    if (list->count + 3 > DERIVED_MAX)
        return false;
    if (bytes_equal(u, v)) {
        derive(list, IR_MOVE, d, a);
        return true;
    }
    while (to < 8 && v->of[to] == BYTE_ZERO)
        to++;
    while (from < 8 && to < 8 && u->of[from] != v->of[to])
        from++;
    while (from + size < 8 && to + size < 8 && is_loaded(v->of[to + size]) &&
           u->of[from + size] == v->of[to + size])
        size++;
    if (!size)
        return false;
    if (from == to && to < 4 &&
        !memcmp(&u->of[to], &v->of[to], (8 - to) * sizeof(v->of[0]))) { // the sign, too
        derive_with(list, IR_AND, d, a, (int64_t)(UINT64_MAX << 8 * to));
        return true;
    }
    for (unsigned i = from + size; i < 8; i++)
        above |= u->of[i] != BYTE_ZERO;
    for (unsigned i = to + size; i < 8; i++)
        if (v->of[i] != BYTE_ZERO)
            return false;
    derive_part(list, d, a, from, size, to, above);
    return true;
}

// What operation i of the tree leaves in its register, if that is still there when the window ends. False:
// something else looks at it.
static bool find_residue(const struct widen *w, const struct tree *t, unsigned f, unsigned i,
                         struct derived *list)
{
    const struct ir_insn *in = &w->ir->insns[i], *last = &w->ir->insns[f];

    for (unsigned n = i + 1; n < w->end; n++) {
        const struct ir_insn *later = &w->ir->insns[n];

        if (!t->in[n] && widen_reads(later, in->d))
            return false;
        if (widen_writes(later, in->d))
            return true;
    }
    if (!derive_value(list, in->d, &w->value[i], last->d, &w->value[f]))
        return false;
    list->insns[list->count - 1].loose = in->loose;
    list->insns[list->count - 1].word = in->loose;
    return true;
}

static bool find_residues(const struct widen *w, const struct tree *t, unsigned f,
                          struct derived *list)
{
    for (unsigned i = w->first; i < f; i++)
        if (t->in[i] && !find_residue(w, t, f, i, list))
            return false;
    return true;
}

// Where the load is to stand: at the last of those that it replaces, if its register is free from there on;
// else where the result was made. Negative: other accesses stand in between.
static int find_position(const struct widen *w, const struct tree *t, unsigned f,
                         const struct wide *wide)
{
    unsigned d = w->ir->insns[f].d, at = t->last_load;

    if (is_touched(w, t, d, at, f))
        at = f;
    for (unsigned i = t->last_load; i < at; i++)
        if (w->state[i] == WIDEN_KEPT && !t->in[i] && widen_writes(&w->ir->insns[i], wide->a))
            return -1;
    for (unsigned n = 0; n < w->added_count; n++)
        if (w->added[n].at >= t->first_load && w->added[n].at < at &&
            widen_writes(&w->added[n].in, wide->a))
            return -1;
    return (int)at;
}

static bool is_free_of_others(const struct widen *w, const struct tree *t, unsigned at,
                              const struct wide *wide)
{
    const struct widen_range range = {wide->a, wide->version, wide->imm, wide->imm + wide->size};

    for (unsigned i = t->first_load; i < at; i++)
        if (!t->in[i] && widen_op_disturbs(w, i, &range))
            return false;
    for (unsigned n = 0; n < w->added_count; n++)
        if (w->added[n].at > t->first_load && w->added[n].at < at &&
            widen_added_disturbs(w, n, &range))
            return false;
    return true;
}

static void replace(struct widen *w, const struct tree *t, unsigned f, unsigned at,
                    const struct wide *wide, const struct derived *list)
{
    const struct ir_insn *last = &w->ir->insns[f], *load = &w->ir->insns[t->last_load];
    struct ir_insn in = {.code = IR_LOAD,
                         .type = wide->type,
                         .d = last->d,
                         .a = wide->a,
                         .access = IR_FOLLOW,
                         .slot = load->slot,
                         .swapped = wide->swapped,
                         .loose = last->loose,
                         .word = wide->type != IR_I64 && wide->type != IR_U32,
                         .imm = wide->imm};

    for (unsigned i = w->first; i <= f; i++)
        if (t->in[i])
            widen_remove(w, i);
    w->state[f] = WIDEN_REPLACED;
    widen_add(w, at, &in, wide->version);
    for (unsigned i = 0; i < list->count; i++) {
        in = list->insns[i];
        in.slot = load->slot;
        widen_add(w, f, &in, 0);
    }
}

// The operation's result by one load, if that is less than what it takes now.
static void try_result(struct widen *w, unsigned f)
{
    struct tree t;
    struct derived list;
    struct wide wide;
    int at;

    if (!is_wide(w, &w->value[f], &wide))
        return;
    memset(t.in, 0, w->end);
    t.count = t.last_load = 0;
    t.first_load = w->end;
    list.count = 0;
    if (!mark_tree(w, (int)f, &wide, &t) || !find_residues(w, &t, f, &list) ||
        1u + wide.swapped + list.count >= t.count || !widen_room(w, 1 + list.count))
        return;
    at = find_position(w, &t, f, &wide);
    if (at < 0 || !is_free_of_others(w, &t, (unsigned)at, &wide))
        return;
    replace(w, &t, f, (unsigned)at, &wide, &list);
}

// The last results first: they are made of most.
void widen_loads(struct widen *w)
{
    for (unsigned i = w->end; i-- > w->first;) {
        const struct ir_insn *in = &w->ir->insns[i];
        unsigned has = ir_properties((enum ir_code)in->code);

        if ((has & (IR_IS_PURE | IR_IS_OUT | IR_HAS_A)) == (IR_IS_PURE | IR_HAS_A) &&
            w->state[i] == WIDEN_KEPT)
            try_result(w, i);
    }
}
