// SPDX-License-Identifier: Apache-2.0
// Between the files of the pass that widens loads and stores (widen.c).
#ifndef HULL_ENGINE_JIT_WIDEN_H
#define HULL_ENGINE_JIT_WIDEN_H

#include "engine/jit/ir.h"
#include "engine/jit/translator.h"

// What each byte of a register's value is, the lowest first: nothing, the sign of the closest one below that is
// not a sign itself, or a byte that a load found or that was there before: equal codes are equal bytes.
struct bytes {
    uint32_t of[8];
};
#define BYTE_ZERO 0u
#define BYTE_SIGN 1u
#define BYTE_LOADED (1u << 30) // + 8 * the load's index + which of its bytes
#define BYTE_GIVEN (2u << 30)  // + 8 * a number of its own + which of its bytes

enum widen_state {
    WIDEN_KEPT,
    WIDEN_REMOVED,  // stays on detours only
    WIDEN_PROBED,   // and its look-up stays where it is
    WIDEN_REPLACED, // and what was added leaves its result in its register
};

#define WIDEN_ADDED_MAX 48

// A window: operations of which the guest can be left at the first one only, if at all. So nothing of what
// happens inside it shows, but for what it has done at its end.
struct widen {
    struct ir *ir;
    const struct region *region;
    bool changed;
    unsigned from;       // the walk begins here: values before the window are known as well
    unsigned first, end; // the window: operations [first, end)
    // At the place that the walk has come to: each register's value, which operation of the window made it
    // (-1: none), how many there have been.
    struct bytes now[33];
    int16_t made_by[33];
    uint16_t version[33];
    unsigned given;
    struct {
        uint16_t at;      // before that operation
        uint16_t version; // of its address's register
        struct ir_insn in;
    } added[WIDEN_ADDED_MAX];
    unsigned added_count, probes;
    // From here on nothing is set at the start. For each operation of the window:
    struct bytes value[IR_INSNS_MAX]; // its result, or what it stores
    int16_t made_a[IR_INSNS_MAX];     // what made its operands
    int16_t made_b[IR_INSNS_MAX];
    uint16_t version_a[IR_INSNS_MAX]; // of accesses: the value of their address's register
    bool member[IR_INSNS_MAX];        // an access that can be widened
    uint8_t state[IR_INSNS_MAX];      // enum widen_state
};

// Bytes [low, high) behind one value of a register.
struct widen_range {
    uint8_t a;
    uint16_t version;
    int64_t low, high;
};

// bytes.c
// The result of an operation on the values of its operands. False: not known.
bool bytes_of_pure(const struct ir_insn *in, const struct bytes *a, const struct bytes *b,
                   struct bytes *result);
void bytes_extend(struct bytes *v, enum ir_type type);
bool bytes_equal(const struct bytes *a, const struct bytes *b);

// widen.c
void widen_walk(struct widen *w, unsigned upto);
// Room for so many more, and a probe.
bool widen_room(const struct widen *w, unsigned count);
// Before the operation `at`, in the place of others. `version`: of its address's register.
void widen_add(struct widen *w, unsigned at, const struct ir_insn *in, uint16_t version);
// Inline it is no more there; of who opens a slot the look-up is.
void widen_remove(struct widen *w, unsigned i);
// Whether an access that stays, or one that was added, may be to the same bytes.
bool widen_op_disturbs(const struct widen *w, unsigned i, const struct widen_range *r);
bool widen_added_disturbs(const struct widen *w, unsigned n, const struct widen_range *r);
static inline bool widen_reads(const struct ir_insn *in, unsigned reg)
{
    unsigned has = ir_properties((enum ir_code)in->code);

    return (has & IR_HAS_A && in->a == reg) || (has & IR_HAS_B && !in->imm_b && in->b == reg);
}
static inline bool widen_writes(const struct ir_insn *in, unsigned reg)
{
    return ir_properties((enum ir_code)in->code) & IR_HAS_D && in->d == reg;
}

// widen_loads.c, widen_stores.c: what they find in the window.
void widen_loads(struct widen *w);
void widen_stores(struct widen *w);

#endif
