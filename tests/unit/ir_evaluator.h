// SPDX-License-Identifier: Apache-2.0
// Runs the translator's IR, slowly and plainly: what it does to registers and memory, and what can be seen
// of that at every place where the guest could be left. Two forms of the same region must show the same.
#ifndef TESTS_IR_EVALUATOR_H
#define TESTS_IR_EVALUATOR_H

#include "engine/jit/translator.h"

#define IR_EVENTS 160

enum ir_event_kind {
    EVENT_PIECE,  // value: its length
    EVENT_ACCESS, // address, value: what is stored or loaded, size
    EVENT_STEP,   // an operation that the interpreter may have to do, or does
    EVENT_BRANCH, // value: taken
    EVENT_EXIT,   // address: the next pc
};

struct ir_event {
    uint16_t op;
    uint8_t kind, size;
    uint64_t address, value;
    uint64_t x[32];  // as the guest would be left; EVENT_STEP: also the result
    uint64_t memory; // ir_evaluate_widened(): a digest of what was written so far
};

struct ir_run {
    struct ir_event events[IR_EVENTS]; // those behind them are not run
    unsigned count;
    const char *wrong; // a slot that is used for what it does not hold, or NULL
};

// From registers and memory that depend on the seed. Guest instructions without an operation of their
// own give values that do, too.
void ir_evaluate(struct ir_run *run, const struct ir *ir, const struct region *region,
                 uint64_t seed);
// The same with what widened accesses show: where the guest could be left, but for accesses by a slot that is filled,
// nothing of their addresses and values. Some slots, by the seed, can't be filled, so that their detours are taken.
// ir_evaluate() does everything on detours.
void ir_evaluate_widened(struct ir_run *run, const struct ir *ir, const struct region *region,
                         uint64_t seed);
// The number of the first event that differs, or -1.
int ir_runs_differ(const struct ir_run *a, const struct ir_run *b);

// splitmix64
uint64_t ir_random(uint64_t *state);
// A register's value at which results change.
uint64_t ir_random_value(uint64_t *state);

#endif
