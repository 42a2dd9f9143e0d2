// SPDX-License-Identifier: Apache-2.0
// XXH64, after the xxHash specification 0.1.1 (Collet).
#include "lib/xxh64.h"

#include <stdbool.h>

#include "lib/bits.h"
#include "lib/bytes.h"

#define PRIME1 0x9e3779b185ebca87u
#define PRIME2 0xc2b2ae3d27d4eb4fu
#define PRIME3 0x165667b19e3779f9u
#define PRIME4 0x85ebca77c2b2ae63u
#define PRIME5 0x27d4eb2f165667c5u

static uint64_t round_of(uint64_t lane, uint64_t input)
{
    return hull_rol64(lane + input * PRIME2, 31) * PRIME1;
}

// One load where the machine's order is ours and the place is aligned: RISC-V has no other way to do
// without eight of them.
static uint64_t load_aligned(const uint8_t *at)
{
    uint64_t value;

    __builtin_memcpy(&value, __builtin_assume_aligned(at, 8), 8);
    return value;
}

static bool loads_directly(const uint8_t *at)
{
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && !((uintptr_t)at & 7);
}

void hull_xxh64_init(struct hull_xxh64 *state)
{
    state->lanes[0] = PRIME1 + PRIME2;
    state->lanes[1] = PRIME2;
    state->lanes[2] = 0;
    state->lanes[3] = 0 - PRIME1;
    state->size = 0;
}

void hull_xxh64_add(struct hull_xxh64 *state, const void *data, size_t size)
{
    const uint8_t *at = data, *end = at + size / HULL_XXH64_STRIPE * HULL_XXH64_STRIPE;
    uint64_t a = state->lanes[0], b = state->lanes[1], c = state->lanes[2], d = state->lanes[3];

    if (loads_directly(at)) {
        for (; at < end; at += HULL_XXH64_STRIPE) {
            a = round_of(a, load_aligned(at));
            b = round_of(b, load_aligned(at + 8));
            c = round_of(c, load_aligned(at + 16));
            d = round_of(d, load_aligned(at + 24));
        }
    }
    for (; at < end; at += HULL_XXH64_STRIPE) {
        a = round_of(a, hull_load_le64(at));
        b = round_of(b, hull_load_le64(at + 8));
        c = round_of(c, hull_load_le64(at + 16));
        d = round_of(d, hull_load_le64(at + 24));
    }
    state->lanes[0] = a;
    state->lanes[1] = b;
    state->lanes[2] = c;
    state->lanes[3] = d;
    state->size += size;
}

static uint64_t fold_lanes(const uint64_t lanes[4])
{
    uint64_t hash = hull_rol64(lanes[0], 1) + hull_rol64(lanes[1], 7) + hull_rol64(lanes[2], 12) +
                    hull_rol64(lanes[3], 18);

    for (unsigned i = 0; i < 4; i++)
        hash = (hash ^ round_of(0, lanes[i])) * PRIME1 + PRIME4;
    return hash;
}

static uint64_t add_tail(uint64_t hash, const uint8_t *at, size_t size)
{
    for (; size >= 8; size -= 8, at += 8)
        hash = hull_rol64(hash ^ round_of(0, hull_load_le64(at)), 27) * PRIME1 + PRIME4;
    if (size >= 4) {
        hash = hull_rol64(hash ^ hull_load_le32(at) * PRIME1, 23) * PRIME2 + PRIME3;
        size -= 4;
        at += 4;
    }
    for (; size; size--, at++)
        hash = hull_rol64(hash ^ *at * PRIME5, 11) * PRIME1;
    return hash;
}

uint64_t hull_xxh64_end(const struct hull_xxh64 *state, const void *data, size_t size)
{
    struct hull_xxh64 last = *state;
    size_t whole = size / HULL_XXH64_STRIPE * HULL_XXH64_STRIPE;
    uint64_t hash;

    hull_xxh64_add(&last, data, whole);
    hash = last.size ? fold_lanes(last.lanes) : PRIME5;
    hash = add_tail(hash + last.size + (size - whole), (const uint8_t *)data + whole, size - whole);
    hash = (hash ^ hash >> 33) * PRIME2;
    hash = (hash ^ hash >> 29) * PRIME3;
    return hash ^ hash >> 32;
}

uint64_t hull_xxh64(const void *data, size_t size)
{
    struct hull_xxh64 state;

    hull_xxh64_init(&state);
    return hull_xxh64_end(&state, data, size);
}
