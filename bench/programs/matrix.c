// SPDX-License-Identifier: Apache-2.0
// A product of two matrices of doubles, the textbook's three loops in the order that streams.
#include "bench.h"

enum { SIDE = 160 };

static void multiply(double (*c)[SIDE], double (*a)[SIDE], double (*b)[SIDE])
{
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            c[i][j] = 0;
        }
        for (int k = 0; k < SIDE; k++) {
            for (int j = 0; j < SIDE; j++) {
                c[i][j] += a[i][k] * b[k][j];
            }
        }
    }
}

int bench_matrix(struct bench *b)
{
    static double x[SIDE][SIDE], y[SIDE][SIDE], z[SIDE][SIDE];
    uint64_t rounds = bench_count(b, 40), bits = 0;
    double trace = 0;
    for (int i = 0; i < SIDE; i++) {
        for (int j = 0; j < SIDE; j++) {
            x[i][j] = (double)((i * 7 + j * 3) % 17) / 16 - 0.4;
            y[i][j] = (double)((i * 5 + j * 11) % 23) / 22 - 0.3;
        }
    }
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        multiply(z, x, y);
        x[round % SIDE][0] += z[0][round % SIDE] * 1e-3;
    }
    bench_stop(b);
    for (int i = 0; i < SIDE; i++) {
        trace += z[i][i];
        bits = bench_mix(bits, bench_bits(z[i][SIDE - 1 - i]));
    }
    bench_check_double(b, trace, 7, bits);
    return 0;
}
