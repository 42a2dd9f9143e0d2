// SPDX-License-Identifier: Apache-2.0
// Guest code and the translator's IR of it: as the front made it, and behind the passes of the middle. All
// forms have to be well-formed, and to do the same.
#ifndef TESTS_UNIT_IR_SUBJECT_H
#define TESTS_UNIT_IR_SUBJECT_H

#include "tests/unit/unit.h"

#include "tests/unit/ir_evaluator.h"

struct subject {
    struct riscv_decoder decoder;
    struct region_draft draft;
    struct ir made, optimized, shared, widened;
    struct ir_run runs[4];
};

// For cmocka: makes one and takes it down.
int subject_set_up(void **state);
int subject_tear_down(void **state);

// The forms of what stands there. False: nothing that can be translated.
bool subject_prepare(struct subject *s, uint64_t pc, unsigned flavor, const void *code,
                     size_t size);
// Guest code and IR, as messages of a test that is about to fail.
void subject_print(const struct subject *s);
// Both fail the test where it is not so.
void subject_well_formed(struct subject *s);
void subject_same_behaviour(struct subject *s, uint64_t seed);

#endif
