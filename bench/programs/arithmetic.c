// SPDX-License-Identifier: Apache-2.0
// The wide and the slow integer instructions: high halves of products with carries, and divisions;
// and decisions on random data.
#include "bench.h"

enum { LIMBS = 32 };

static void multiply(uint64_t *out, const uint64_t *a, const uint64_t *b)
{
    for (int i = 0; i < 2 * LIMBS; i++) {
        out[i] = 0;
    }
    for (int i = 0; i < LIMBS; i++) {
        uint64_t carry = 0;
        for (int j = 0; j < LIMBS; j++) {
            unsigned __int128 t = (unsigned __int128)a[i] * b[j] + out[i + j] + carry;
            out[i + j] = (uint64_t)t;
            carry = (uint64_t)(t >> 64);
        }
        out[i + LIMBS] = carry;
    }
}

int bench_bignum(struct bench *b)
{
    uint64_t x[LIMBS], y[LIMBS], product[2 * LIMBS], state = 5, sum = 0;
    uint64_t rounds = bench_count(b, 60000);
    for (int i = 0; i < LIMBS; i++) {
        x[i] = bench_random(&state);
        y[i] = bench_random(&state);
    }
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        multiply(product, x, y);
        for (int i = 0; i < LIMBS; i++) {
            x[i] = product[i + LIMBS / 2];
            y[i] ^= product[i];
        }
    }
    bench_stop(b);
    for (int i = 0; i < LIMBS; i++) {
        sum = bench_mix(sum, x[i] ^ y[i]);
    }
    bench_check(b, sum);
    return 0;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t r = a % b;
        a = b;
        b = r;
    }
    return a;
}

int bench_divide(struct bench *b)
{
    uint64_t state = 11, sum = 0, rounds = bench_count(b, 300000);
    bench_start(b);
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t x = bench_random(&state), y = bench_random(&state) >> 20 | 1;
        int32_t p = (int32_t)x, q = (int32_t)(y | 1);
        sum +=
            gcd(x >> 24, y >> 8) + x / y + (uint64_t)(int64_t)(p / q) + (uint64_t)(int64_t)(p % q);
    }
    bench_stop(b);
    bench_check(b, sum);
    return 0;
}

int bench_branches(struct bench *b)
{
    static uint8_t data[1 << 16];
    uint64_t state = 3, sum = 1, rounds = bench_count(b, 150);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(bench_random(&state) >> 40);
    }
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof(data); i++) {
            uint8_t d = data[i];
            if (d & 1) {
                sum = sum * 3 + d;
            } else if (d & 2) {
                sum ^= sum >> 7;
            } else if (d > 128) {
                sum -= round;
            }
            if (d % 16 > 9) {
                data[i] = (uint8_t)(d * 5 + 1);
            }
        }
    }
    bench_stop(b);
    bench_check(b, sum);
    return 0;
}
