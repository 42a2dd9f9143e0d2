// SPDX-License-Identifier: Apache-2.0
// A generator that forgets: each request's first 32 bytes become the next key.
#include "metal/common/entropy.h"

#include "lib/mem.h"
#include "metal/common/arch.h"
#include "metal/common/hart.h"

#define KEY_WORDS 8
#define BLOCK_BYTES 64

static struct {
    struct spin lock;
    bool seeded;
    uint32_t key[KEY_WORDS];
} entropy;

static uint32_t rotate(uint32_t x, unsigned by)
{
    return x << by | x >> (32 - by);
}

static void quarter_round(uint32_t *x, unsigned a, unsigned b, unsigned c, unsigned d)
{
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 16);
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 12);
    x[a] += x[b], x[d] = rotate(x[d] ^ x[a], 8);
    x[c] += x[d], x[b] = rotate(x[b] ^ x[c], 7);
}

static void chacha_block(const uint32_t *key, uint64_t counter, uint64_t nonce, uint32_t *out)
{
    const uint32_t in[16] = {
        0x61707865,
        0x3320646e,
        0x79622d32,
        0x6b206574,
        key[0],
        key[1],
        key[2],
        key[3],
        key[4],
        key[5],
        key[6],
        key[7],
        (uint32_t)counter,
        (uint32_t)(counter >> 32),
        (uint32_t)nonce,
        (uint32_t)(nonce >> 32),
    };

    memcpy(out, in, sizeof(in));
    for (unsigned i = 0; i < 10; i++) {
        for (unsigned n = 0; n < 4; n++)
            quarter_round(out, n, 4 + n, 8 + n, 12 + n);
        for (unsigned n = 0; n < 4; n++)
            quarter_round(out, n, 4 + (n + 1) % 4, 8 + (n + 2) % 4, 12 + (n + 3) % 4);
    }
    for (unsigned i = 0; i < 16; i++)
        out[i] += in[i];
}

void entropy_init(const uint8_t *seed, size_t size)
{
    uint32_t block[16];

    // Every part of the seed counts, however long it is.
    for (size_t i = 0; i < size; i++) {
        entropy.key[i / 4 % KEY_WORDS] ^= (uint32_t)seed[i] << i % 4 * 8;
        if (i % 32 == 31) {
            chacha_block(entropy.key, i, 0, block);
            memcpy(entropy.key, block, sizeof(entropy.key));
        }
    }
    entropy.seeded = size >= 32;
}

int entropy_get(void *to, size_t length)
{
    uint8_t *at = to;
    uint32_t key[KEY_WORDS], block[16];

    if (!entropy.seeded)
        return -HULL_EIO;
    spin_lock(&entropy.lock);
    chacha_block(entropy.key, 0, arch_time(), block);
    memcpy(entropy.key, block, sizeof(key));
    memcpy(key, block + KEY_WORDS, sizeof(key));
    spin_unlock(&entropy.lock);
    for (uint64_t counter = 1; length; counter++) {
        size_t part = length < BLOCK_BYTES ? length : BLOCK_BYTES;

        chacha_block(key, counter, 0, block);
        memcpy(at, block, part);
        at += part;
        length -= part;
    }
    return 0;
}
