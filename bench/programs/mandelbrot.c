// SPDX-License-Identifier: Apache-2.0
// The Mandelbrot set in single precision: short chains of operations, and a branch on each result.
#include "bench.h"

enum { WIDTH = 240, HEIGHT = 160, MOST = 150 };

static uint32_t iterations(float cr, float ci)
{
    float r = 0, i = 0;
    for (uint32_t n = 0; n < MOST; n++) {
        float rr = r * r, ii = i * i;
        if (rr + ii > 4) {
            return n;
        }
        i = 2 * r * i + ci;
        r = rr - ii + cr;
    }
    return MOST;
}

int bench_mandelbrot(struct bench *b)
{
    uint64_t rounds = bench_count(b, 8), total = 0, exact = 0;
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        float shift = (float)round * 1e-4f;
        for (int y = 0; y < HEIGHT; y++) {
            for (int x = 0; x < WIDTH; x++) {
                uint32_t n = iterations((float)x / WIDTH * 3 - 2.2f + shift,
                                        (float)y / HEIGHT * 2.4f - 1.2f);
                total += n;
                exact = exact * 31 + n;
            }
        }
    }
    bench_stop(b);
    // A fused operation moves single points at the set's edge.
    bench_check_double(b, (double)total, 2, exact);
    return 0;
}
