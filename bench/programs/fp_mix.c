// SPDX-License-Identifier: Apache-2.0
// What lies between the multiplications of real programs: integers to floating point and back,
// compares, minima, signs, square roots, divisions, and both precisions in turn.
#include "bench.h"

#include <math.h>

int bench_fp_mix(struct bench *b)
{
    enum { VALUES = 4096 };
    static double values[VALUES];
    uint64_t state = 61, rounds = bench_count(b, 2000), count = 0, bits = 0;
    double sum = 0;
    for (int i = 0; i < VALUES; i++) {
        values[i] = (double)(int64_t)(bench_random(&state) >> 40) / 1000 - 8000;
    }
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        double low = 1e9, high = -1e9;
        for (int i = 0; i < VALUES; i++) {
            double v = values[i];
            float f = (float)v;
            int32_t whole = (int32_t)v;
            low = v < low ? v : low;
            high = v > high ? v : high;
            count += whole > 0 ? (uint64_t)whole : 1;
            sum += sqrt(fabs(v)) / (1 + fabs((double)f)) + (double)whole * 1e-6;
            if (f < 0.5f * (float)round) {
                values[i] = v + 0.25;
            }
        }
        sum += (high - low) * 1e-9;
    }
    bench_stop(b);
    for (int i = 0; i < VALUES; i++) {
        bits = bench_mix(bits, bench_bits(values[i]));
    }
    bench_check_double(b, sum, 8, bench_mix(bits, bench_bits(sum) ^ count));
    return 0;
}
