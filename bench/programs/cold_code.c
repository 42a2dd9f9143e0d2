// SPDX-License-Identifier: Apache-2.0
// Much code that runs a few times each, as when a system boots or a compiler runs: what this costs an
// emulator is translating, not executing. Each function differs from the others in its constants.
#include "bench.h"

// clang-format off
#define COLD(n)                                                                 \
    static __attribute__((noinline)) uint64_t cold_##n(uint64_t x, uint64_t *c) \
    {                                                                           \
        uint64_t y = x ^ 0x##n##1234567;                                        \
        for (int i = 0; i < 2; i++) {                                           \
            y += c[(y >> 7) & 63] * (0x##n + 3);                                \
            if (y & (1 << (0x##n % 29))) {                                      \
                c[0x##n & 63] ^= y;                                             \
            } else if (y > 0x##n##f0000000) {                                   \
                y = y << (0x##n % 13 + 1) | y >> 51;                            \
            } else {                                                            \
                y -= c[(0x##n * 7) & 63] >> 3;                                  \
            }                                                                   \
        }                                                                       \
        return y % (0x##n + 77) + (y << 1);                                     \
    }

#define EACH_16(M, p)                                                           \
    M(p##0) M(p##1) M(p##2) M(p##3) M(p##4) M(p##5) M(p##6) M(p##7)             \
    M(p##8) M(p##9) M(p##a) M(p##b) M(p##c) M(p##d) M(p##e) M(p##f)
#define EACH_256(M, p)                                                          \
    EACH_16(M, p##0) EACH_16(M, p##1) EACH_16(M, p##2) EACH_16(M, p##3)         \
    EACH_16(M, p##4) EACH_16(M, p##5) EACH_16(M, p##6) EACH_16(M, p##7)         \
    EACH_16(M, p##8) EACH_16(M, p##9) EACH_16(M, p##a) EACH_16(M, p##b)         \
    EACH_16(M, p##c) EACH_16(M, p##d) EACH_16(M, p##e) EACH_16(M, p##f)
#define EACH(M)                                                                 \
    EACH_256(M, 1) EACH_256(M, 2) EACH_256(M, 3) EACH_256(M, 4)                 \
    EACH_256(M, 5) EACH_256(M, 6) EACH_256(M, 7) EACH_256(M, 8)                 \
    EACH_256(M, 9) EACH_256(M, a) EACH_256(M, b) EACH_256(M, c)

EACH(COLD)

#define ENTRY(n) cold_##n,
static uint64_t (*const functions[])(uint64_t, uint64_t *) = { EACH(ENTRY) };
// clang-format on
enum { FUNCTIONS = sizeof(functions) / sizeof(*functions) };

int bench_cold_code(struct bench *b)
{
    uint64_t cells[64], state = 23, x = 1, rounds = bench_count(b, 8);
    for (int i = 0; i < 64; i++) {
        cells[i] = bench_random(&state);
    }
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < FUNCTIONS; i++) {
            x = functions[i * 61 % FUNCTIONS](x, cells);
        }
    }
    bench_stop(b);
    bench_check(b, x);
    return 0;
}
