// SPDX-License-Identifier: Apache-2.0
// The outer planets' orbits in doubles: multiplications, additions, one division and one root a pair.
#include "bench.h"

#include <math.h>

enum { BODIES = 5 };

struct body {
    double position[3], velocity[3], mass;
};

static void advance(struct body *bodies, double dt)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *p = &bodies[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *q = &bodies[j];
            double d[3], square = 0;
            for (int k = 0; k < 3; k++) {
                d[k] = p->position[k] - q->position[k];
                square += d[k] * d[k];
            }
            double pull = dt / (square * sqrt(square));
            for (int k = 0; k < 3; k++) {
                p->velocity[k] -= d[k] * q->mass * pull;
                q->velocity[k] += d[k] * p->mass * pull;
            }
        }
    }
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            bodies[i].position[k] += dt * bodies[i].velocity[k];
        }
    }
}

static double energy(const struct body *bodies)
{
    double e = 0;
    for (int i = 0; i < BODIES; i++) {
        const struct body *p = &bodies[i];
        for (int k = 0; k < 3; k++) {
            e += 0.5 * p->mass * p->velocity[k] * p->velocity[k];
        }
        for (int j = i + 1; j < BODIES; j++) {
            double square = 0;
            for (int k = 0; k < 3; k++) {
                double d = p->position[k] - bodies[j].position[k];
                square += d * d;
            }
            e -= p->mass * bodies[j].mass / sqrt(square);
        }
    }
    return e;
}

int bench_nbody(struct bench *b)
{
    // Distances in astronomical units, time in years, the sun's mass as unit (times 4 pi squared).
    struct body bodies[BODIES] = {
        {{0, 0, 0}, {0, 0, 0}, 39.478},
        {{4.84, -1.16, -0.10}, {0.606, 2.81, -0.0252}, 0.0377},
        {{8.34, 4.12, -0.40}, {-1.01, 1.82, 0.0084}, 0.0113},
        {{12.89, -15.11, -0.22}, {1.08, 0.868, -0.0108}, 0.00172},
        {{15.38, -25.92, 0.18}, {0.979, 0.594, -0.0347}, 0.00203},
    };
    uint64_t steps = bench_count(b, 300000), bits = 0;
    bench_start(b);
    for (uint64_t i = 0; i < steps; i++) {
        advance(bodies, 0.001);
    }
    bench_stop(b);
    for (int i = 0; i < BODIES; i++) {
        bits = bench_mix(bits, bench_bits(bodies[i].position[0]));
    }
    bench_check_double(b, energy(bodies), 7, bits);
    return 0;
}
