// SPDX-License-Identifier: Apache-2.0
// XXH64 with seed 0: a checksum of 64 bits that costs about one instruction a byte. It finds damage; it
// is no protection against who means harm.
#ifndef LIB_XXH64_H
#define LIB_XXH64_H

#include <stddef.h>
#include <stdint.h>

#define HULL_XXH64_STRIPE 32

// A checksum on its way. Everything but the last piece has a multiple of HULL_XXH64_STRIPE bytes.
struct hull_xxh64 {
    uint64_t lanes[4];
    uint64_t size;
};

void hull_xxh64_init(struct hull_xxh64 *state);
void hull_xxh64_add(struct hull_xxh64 *state, const void *data, size_t size);
uint64_t hull_xxh64_end(const struct hull_xxh64 *state, const void *data, size_t size);

uint64_t hull_xxh64(const void *data, size_t size);

#endif
