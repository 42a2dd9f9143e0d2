// SPDX-License-Identifier: Apache-2.0
// The C library's sin, exp and log, as programs call them: argument reduction, tables, polynomials.
#include "bench.h"

#include <math.h>

int bench_libm(struct bench *b)
{
    uint64_t rounds = bench_count(b, 1500000), bits = 0;
    double sum = 0;
    bench_start(b);
    for (uint64_t i = 0; i < rounds; i++) {
        double x = (double)(i % 4096) * 0.01 + 0.001;
        double s = sin(x), e = exp(-x * 0.1), l = log(x);
        sum += s * e + l;
        bits = bits * 31 + bench_bits(s + e - l);
    }
    bench_stop(b);
    bench_check_double(b, sum, 8, bits);
    return 0;
}
