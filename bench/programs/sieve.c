// SPDX-License-Identifier: Apache-2.0
// The sieve of Eratosthenes, a byte per number: strided stores over four megabytes.
#include "bench.h"

#include <stdlib.h>
#include <string.h>

enum { LIMIT = 4000000 };

static uint64_t sieve(uint8_t *composite)
{
    uint64_t primes = 0;
    memset(composite, 0, LIMIT);
    for (uint32_t i = 2; i < LIMIT; i++) {
        if (composite[i]) {
            continue;
        }
        primes++;
        for (uint64_t j = (uint64_t)i * i; j < LIMIT; j += i) {
            composite[j] = 1;
        }
    }
    return primes;
}

int bench_sieve(struct bench *b)
{
    uint64_t rounds = bench_count(b, 4), sum = 0;
    uint8_t *composite = malloc(LIMIT);
    if (!composite) {
        return bench_fail(b, "memory");
    }
    memset(composite, 1, LIMIT);
    bench_start(b);
    for (uint64_t i = 0; i < rounds; i++) {
        sum = bench_mix(sum, sieve(composite));
    }
    bench_stop(b);
    bench_check(b, sum);
    free(composite);
    return 0;
}
