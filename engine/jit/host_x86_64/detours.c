// SPDX-License-Identifier: Apache-2.0
// Detours: what opens a slot may find that it can't, as the range lies in two pages or the TLB does not know
// it. Those who follow would have to look whether the slot is empty. Instead the straight code from the
// one to the last of the others is there twice: inline, where the slot is filled, and out of line, where
// each access looks up for itself. Who cannot fill the slot goes on there, and comes back at its end.
//
// What follows in another piece, or far behind, has to look.
#include "engine/jit/host_x86_64/target.h"

// Ranges come by their last operation, so that only the latest can overlap.
static void add_range(struct emitter *e, unsigned first, unsigned last)
{
    while (e->detour_count && e->detours[e->detour_count - 1].last >= first) {
        struct detour *d = &e->detours[--e->detour_count];

        if (d->first < first)
            first = d->first;
    }
    if (e->detour_count == DETOURS_MAX)
        return;
    e->detours[e->detour_count++] =
        (struct detour){.first = (uint16_t)first, .last = (uint16_t)last};
}

// The latest who opened each slot, as far as detours reach.
struct openers {
    uint32_t known;
    uint16_t in[IR_SLOTS], op[IR_SLOTS];
};

static void plan(struct emitter *e, struct openers *o, unsigned i)
{
    const struct ir_insn *in = &e->ir->insns[i];
    bool opens = ir_opens(in) && in->path != IR_DETOUR;

    if (in->path == IR_ALWAYS && (!ir_is_access(in) || in->access == IR_LOOK_UP || in->sole))
        return;
    if (opens) {
        o->known |= 1u << in->slot;
        o->in[in->slot] = (uint16_t)i;
        o->op[in->slot] = in->op;
        add_range(e, i, i);
    } else if (o->known >> in->slot & 1 && in->op - o->op[in->slot] < IR_DETOUR_MAX) {
        e->sure[i] = true;
        add_range(e, o->in[in->slot], i);
    } else {
        e->checked_slots |= 1u << in->slot;
    }
}

void plan_detours(struct emitter *e)
{
    struct openers o = {0};

    for (unsigned i = 0; i < e->ir->count; i++) {
        e->detour_of[i] = 0;
        e->sure[i] = false;
        if (ir_ends_detour(&e->ir->insns[i], e->region))
            o.known = 0;
        plan(e, &o, i);
    }
    for (unsigned n = 0; n < e->detour_count; n++)
        for (unsigned i = e->detours[n].first; i <= e->detours[n].last; i++)
            e->detour_of[i] = (uint8_t)(n + 1);
}

void note_detour(struct emitter *e, bool before)
{
    struct detour *d;

    if (!e->detour_of[e->in])
        return;
    d = &e->detours[e->detour_of[e->in] - 1];
    if (before && d->first == e->in) {
        d->lazy = e->lazy;
        d->loose = e->loose;
    } else if (!before && d->last == e->in) {
        d->back = e->a.used;
        e->rcx_slot = -1;
        e->flags_at = 0; // who comes back has others
    }
}

static void emit_range(struct emitter *e, struct detour *d, size_t trampoline)
{
    struct fp_lazy lazy = e->lazy;

    e->lazy = d->lazy;
    e->loose = d->loose;
    e->replayed = NULL; // it is not the state of a stub that counts here
    e->on_detour = true;
    for (unsigned i = d->first; i <= d->last; i++) {
        e->in = i;
        e->detour_at[i] = (uint32_t)e->a.used;
        if (e->ir->insns[i].path != IR_INLINE)
            emit_insn(e, &e->ir->insns[i], trampoline);
    }
    x86_patch(&e->a, x86_jmp(&e->a), d->back);
    e->on_detour = false;
    e->lazy = lazy;
    d->emitted = true;
}

void emit_detour(struct emitter *e, const struct stub *s, size_t trampoline)
{
    struct detour *d = &e->detours[e->detour_of[s->in] - 1];
    size_t from = s->from;
    unsigned in = s->in;

    if (!d->emitted)
        emit_range(e, d, trampoline);
    x86_patch(&e->a, from, e->detour_at[in]);
}
