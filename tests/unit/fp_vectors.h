// SPDX-License-Identifier: Apache-2.0
// Random operands that like the edges, and how long to try them. HULL_TEST_SEED repeats a run,
// HULL_TEST_LONG=1 makes it twenty times longer.
#ifndef HULL_TESTS_FP_VECTORS_H
#define HULL_TESTS_FP_VECTORS_H

#include "fp_reference.h"

struct fp_vectors {
    uint64_t seed;
    uint64_t state;
    int scale;         // 20 for a long run
    uint64_t deadline; // of the current test, in ns of CPU time
    unsigned long done;
};

void fp_vectors_start(struct fp_vectors *v);

// Reseeds, so that a test's operands do not depend on the tests before it.
void fp_vectors_begin(struct fp_vectors *v, const char *test, unsigned milliseconds);
// Whether another vector is due: some always are, then as many as fit into the time.
bool fp_vectors_more(struct fp_vectors *v);

uint64_t fp_random(struct fp_vectors *v);
uint64_t fp_random_int(struct fp_vectors *v);
uint64_t fp_random_operand(struct fp_vectors *v, const struct ref_format *f);
// An operand whose exponent lies near the given one (biased), or any operand.
uint64_t fp_random_near(struct fp_vectors *v, const struct ref_format *f, int exp);
// b and c for a: exponents close to each other, products close to a limit of the range or to -c.
void fp_random_partners(struct fp_vectors *v, const struct ref_format *f, uint64_t a, uint64_t *b,
                        uint64_t *c);

#endif
