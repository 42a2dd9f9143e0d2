// SPDX-License-Identifier: Apache-2.0
// The middle's third pass: accesses to neighbouring bytes become one. Compilers for rv64gc may not assume that
// misaligned accesses work, or are fast, so they read a number byte by byte, shift and or; and write it so.
// They fill memory by doublewords.
//
// That is right where nobody can look in between: where the slot that all of them go by is known to be filled
// (access.c), no access can leave. Where it is not, the code goes on along a detour (detours.c), and there all
// of it stands as it was. What another hart sees is what it may see by RVWMO: plain accesses to different
// bytes, with no fence in between, have no order. Those that may be to the same bytes keep theirs.
// No byte is loaded twice: two values would be found if another hart writes meanwhile.
#include "engine/jit/widen.h"

#include "lib/mem.h"

static const struct bytes *given(struct widen *w, struct bytes *v)
{
    w->given++;
    for (unsigned i = 0; i < 8; i++)
        v->of[i] = BYTE_GIVEN + 8 * w->given + i;
    return v;
}

static void loaded(struct widen *w, unsigned i, struct bytes *v)
{
    const struct ir_insn *in = &w->ir->insns[i];

    for (unsigned n = 0; n < 8; n++)
        v->of[n] = BYTE_LOADED + 8 * i + n;
    bytes_extend(v, (enum ir_type)in->type);
}

static void walk_one(struct widen *w, unsigned i)
{
    const struct ir_insn *in = &w->ir->insns[i];
    unsigned has = ir_properties((enum ir_code)in->code);
    struct bytes *v = &w->value[i];

    w->made_a[i] = has & IR_HAS_A ? w->made_by[in->a] : -1;
    w->made_b[i] = has & IR_HAS_B && !in->imm_b ? w->made_by[in->b] : -1;
    w->version_a[i] = w->version[in->a];
    if (in->code == IR_STORE)
        *v = w->now[in->b];
    if (!(has & IR_HAS_D))
        return;
    if (in->code == IR_LOAD && w->member[i] && i >= w->first)
        loaded(w, i, v);
    else if (!(has & IR_IS_PURE) || !bytes_of_pure(in, &w->now[in->a], &w->now[in->b], v))
        given(w, v);
    w->now[in->d] = *v;
    w->made_by[in->d] = (int16_t)i;
    w->version[in->d]++;
}

void widen_walk(struct widen *w, unsigned upto)
{
    w->given = 0;
    memset(w->version, 0, sizeof(w->version));
    memset(w->now, 0, sizeof(w->now));
    for (unsigned reg = 0; reg < 33; reg++) {
        w->made_by[reg] = -1;
        if (reg)
            given(w, &w->now[reg]);
    }
    for (unsigned i = w->from; i < upto; i++)
        walk_one(w, i);
}

bool widen_room(const struct widen *w, unsigned count)
{
    return w->added_count + count <= WIDEN_ADDED_MAX &&
           w->ir->count + w->added_count + count + w->probes < IR_INSNS_MAX;
}

void widen_add(struct widen *w, unsigned at, const struct ir_insn *in, uint16_t version)
{
    w->added[w->added_count].at = (uint16_t)at;
    w->added[w->added_count].version = version;
    w->added[w->added_count].in = *in;
    w->added[w->added_count].in.op = w->ir->insns[at].op;
    w->added[w->added_count++].in.path = IR_INLINE;
}

void widen_remove(struct widen *w, unsigned i)
{
    bool probed = ir_opens(&w->ir->insns[i]);

    w->state[i] = probed ? WIDEN_PROBED : WIDEN_REMOVED;
    w->probes += probed;
}

static bool disturbs(const struct ir_insn *in, uint16_t version, const struct widen_range *r)
{
    if (!ir_is_access(in))
        return false;
    return in->a != r->a || version != r->version ||
           (in->imm < r->high && in->imm + (int64_t)ir_type_size((enum ir_type)in->type) > r->low);
}

bool widen_op_disturbs(const struct widen *w, unsigned i, const struct widen_range *r)
{
    return w->state[i] == WIDEN_KEPT && disturbs(&w->ir->insns[i], w->version_a[i], r);
}

bool widen_added_disturbs(const struct widen *w, unsigned n, const struct widen_range *r)
{
    return disturbs(&w->added[n].in, w->added[n].version, r);
}

static void note_uses(const struct ir_insn *in, uint64_t *wanted)
{
    unsigned has = ir_properties((enum ir_code)in->code);

    if (has & IR_HAS_D)
        *wanted &= ~(1ull << in->d);
    if (has & IR_HAS_A)
        *wanted |= 1ull << in->a;
    if (has & IR_HAS_B && !in->imm_b)
        *wanted |= 1ull << in->b;
}

// What is overwritten before the window ends, and nothing that stays looks at, is for detours only.
static void drop_dead(struct widen *w)
{
    uint64_t wanted = UINT64_MAX;

    for (unsigned i = w->end; i-- > w->first;) {
        const struct ir_insn *in = &w->ir->insns[i];
        unsigned has = ir_properties((enum ir_code)in->code);

        if (w->state[i] == WIDEN_KEPT && (has & (IR_IS_PURE | IR_IS_OUT)) == IR_IS_PURE &&
            !(wanted >> in->d & 1))
            w->state[i] = WIDEN_REMOVED;
        if (w->state[i] == WIDEN_KEPT)
            note_uses(in, &wanted);
        for (unsigned n = w->added_count; n-- > 0;)
            if (w->added[n].at == i)
                note_uses(&w->added[n].in, &wanted);
        if (w->state[i] == WIDEN_PROBED)
            wanted |= 1ull << in->a;
    }
}

// The slot that what is removed hangs on: with it the detour reaches to there.
static void finish(struct widen *w)
{
    unsigned slot = 0;

    for (unsigned i = w->first; i < w->end; i++)
        if (w->state[i] != WIDEN_KEPT && w->member[i])
            slot = w->ir->insns[i].slot;
    for (unsigned i = w->first; i < w->end; i++) {
        struct ir_insn *in = &w->ir->insns[i];

        if (w->state[i] == WIDEN_KEPT)
            continue;
        in->path = IR_DETOUR;
        if (!w->member[i])
            in->slot = (uint8_t)slot;
    }
    w->changed = true;
}

// `oldest`: where the first of the slots was opened. A detour does not reach further than this.
static void widen_window(struct widen *w, unsigned members, unsigned oldest)
{
    unsigned before = w->added_count;

    if (members < 2)
        return;
    while (w->ir->insns[w->end - 1].op - oldest >= IR_DETOUR_MAX)
        w->end--;
    widen_walk(w, w->end);
    widen_loads(w);
    widen_stores(w);
    if (w->added_count == before)
        return;
    drop_dead(w);
    finish(w);
}

// Finds windows: they begin at, or behind, what the guest may be left at.
static void find_windows(struct widen *w)
{
    uint16_t opened[IR_SLOTS];
    uint32_t known = 0;
    unsigned members = 0, oldest = 0;

    w->first = w->from = 0;
    for (unsigned i = 0; i < w->ir->count; i++) {
        const struct ir_insn *in = &w->ir->insns[i];
        bool opens = ir_opens(in) && !in->sole, border;

        if (ir_ends_detour(in, w->region))
            known = 0;
        w->state[i] = WIDEN_KEPT;
        w->member[i] = ir_is_access(in) && in->access == IR_FOLLOW && known >> in->slot & 1 &&
                       in->op - opened[in->slot] < IR_DETOUR_MAX;
        border = in->code == IR_PIECE ||
                 (ir_properties((enum ir_code)in->code) & IR_IS_OUT && !w->member[i]);
        if (opens) {
            known |= 1u << in->slot;
            opened[in->slot] = in->op;
            w->member[i] = true;
        }
        w->member[i] &= in->code == IR_LOAD || in->code == IR_STORE;
        if (border) {
            w->end = i;
            widen_window(w, members, oldest);
            w->first = opens ? i : i + 1;
            members = 0;
            if (in->code == IR_PIECE || in->code == IR_GUEST)
                w->from = i + 1;
        }
        if (w->member[i] && (!members || opened[in->slot] < oldest))
            oldest = opened[in->slot];
        members += w->member[i];
    }
    w->end = w->ir->count;
    widen_window(w, members, oldest);
}

static void put(struct ir *to, const struct ir_insn *in)
{
    to->insns[to->count++] = *in;
}

static void put_probe(struct ir *to, const struct ir_insn *opener)
{
    struct ir_insn in = *opener;

    in.code = IR_LOAD;
    in.type = IR_U8;
    in.d = IR_NO_REG;
    in.b = 0;
    in.path = IR_INLINE;
    in.loose = in.word = false;
    put(to, &in);
}

// What was added comes before that in whose place it is: a detour begins there.
static void rebuild(struct widen *w)
{
    struct ir to;

    to.count = 0;
    for (unsigned i = 0; i < w->ir->count; i++) {
        if (w->state[i] == WIDEN_PROBED)
            put_probe(&to, &w->ir->insns[i]);
        for (unsigned n = 0; n < w->added_count; n++)
            if (w->added[n].at == i)
                put(&to, &w->added[n].in);
        put(&to, &w->ir->insns[i]);
    }
    memcpy(w->ir->insns, to.insns, to.count * sizeof(to.insns[0]));
    w->ir->count = to.count;
}

// Whether there is anything to look at, as in most regions there is not.
static bool is_worth(const struct ir *ir)
{
    unsigned count = 0;

    for (unsigned i = 0; i < ir->count; i++)
        count += ir_is_access(&ir->insns[i]) && ir->insns[i].access == IR_FOLLOW;
    return count;
}

void ir_widen(struct ir *ir, const struct region *region)
{
    struct widen w;

    if (!is_worth(ir))
        return;
    memset(&w, 0, offsetof(struct widen, value));
    w.ir = ir;
    w.region = region;
    find_windows(&w);
    if (w.changed)
        rebuild(&w);
}
