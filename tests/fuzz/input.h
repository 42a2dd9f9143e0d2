// SPDX-License-Identifier: Apache-2.0
// The fuzzer's bytes as a stream of numbers; past the end there are zeroes.
#ifndef TESTS_FUZZ_INPUT_H
#define TESTS_FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct input {
    const uint8_t *data;
    size_t left;
};

static inline bool input_more(const struct input *in)
{
    return in->left != 0;
}

// The next `bytes` (1 to 8) bytes as a little-endian number.
static inline uint64_t input_number(struct input *in, unsigned bytes)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < bytes && in->left; i++, in->left--)
        value |= (uint64_t)*in->data++ << 8 * i;
    return value;
}

static inline uint8_t input_byte(struct input *in)
{
    return (uint8_t)input_number(in, 1);
}

// What must hold whatever the input was.
#define FUZZ_CHECK(condition) \
    do {                      \
        if (!(condition))     \
            abort();          \
    } while (0)

// Reads all of it, so that the sanitizers see whether it is there.
static inline void fuzz_touch(const void *buf, size_t len)
{
    const volatile uint8_t *bytes = buf;

    for (size_t i = 0; i < len; i++)
        (void)bytes[i];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
