// SPDX-License-Identifier: Apache-2.0
// Random code that reads and writes numbers byte by byte, and fills memory, as compilers for rv64gc do, and a
// little else.
#ifndef TESTS_UNIT_BYTEWISE_H
#define TESTS_UNIT_BYTEWISE_H

#include <stdint.h>

#define BYTEWISE_WORDS 400

struct bytewise {
    uint64_t rng;
    uint32_t words[BYTEWISE_WORDS];
    unsigned count;
};

// Registers that addresses are in; the others are for values, but for t0, which is left alone.
extern const uint8_t bytewise_bases[3];

// So many items: numbers, fills, other operations. The program has room for 12 of them.
void bytewise_items(struct bytewise *p, unsigned count);
void bytewise_word(struct bytewise *p, uint32_t word);
unsigned bytewise_below(struct bytewise *p, unsigned limit);

#endif
