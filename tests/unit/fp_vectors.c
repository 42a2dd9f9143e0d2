// SPDX-License-Identifier: Apache-2.0
// See fp_vectors.h.
#include "fp_vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

void fp_vectors_start(struct fp_vectors *v)
{
    const char *seed = getenv("HULL_TEST_SEED"), *longer = getenv("HULL_TEST_LONG");
    v->seed = seed ? strtoull(seed, NULL, 0) : now(CLOCK_REALTIME);
    v->scale = longer && atoi(longer) ? 20 : 1;
    printf("HULL_TEST_SEED=%llu\n", (unsigned long long)v->seed);
}

void fp_vectors_begin(struct fp_vectors *v, const char *test, unsigned milliseconds)
{
    v->state = v->seed;
    for (; *test; test++)
        v->state = (v->state ^ (unsigned char)*test) * UINT64_C(0x100000001b3);
    v->done = 0;
    v->deadline =
        now(CLOCK_PROCESS_CPUTIME_ID) + UINT64_C(1000000) * milliseconds * (unsigned)v->scale;
}

bool fp_vectors_more(struct fp_vectors *v)
{
    unsigned long done = v->done++;
    if (done < 4096 || done % 256)
        return true;
    return now(CLOCK_PROCESS_CPUTIME_ID) < v->deadline;
}

// SplitMix64.
uint64_t fp_random(struct fp_vectors *v)
{
    uint64_t z = v->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

// Of random length, often a run of equal bits, often next to a power of two.
uint64_t fp_random_int(struct fp_vectors *v)
{
    uint64_t choice = fp_random(v), x = fp_random(v) >> (choice & 63);
    switch (choice >> 6 & 7) {
    case 0: x = UINT64_C(1) << (x & 63); break;
    case 1: x = (UINT64_C(1) << (x & 63)) - 1; break;
    case 2: x = UINT64_MAX << (x & 63); break;
    case 3: x = (UINT64_C(1) << (x & 63)) + (UINT64_C(1) << (x >> 6 & 63)); break;
    case 4: x = (UINT64_C(1) << (x & 63)) - (UINT64_C(1) << (x >> 6 & 63)); break;
    case 5: x = 0 - x; break;
    default: break;
    }
    return x;
}

static uint64_t random_frac(struct fp_vectors *v, const struct ref_format *f)
{
    uint64_t x = fp_random(v) & 3 ? fp_random(v) : fp_random_int(v);
    return x & ((UINT64_C(1) << f->frac_bits) - 1);
}

static uint64_t compose(struct fp_vectors *v, const struct ref_format *f, int exp)
{
    int max = (1 << f->exp_bits) - 1;
    exp = exp < 0 ? 0 : exp > max ? max : exp;
    return ((fp_random(v) & 1) << f->exp_bits | (unsigned)exp) << f->frac_bits | random_frac(v, f);
}

uint64_t fp_random_near(struct fp_vectors *v, const struct ref_format *f, int exp)
{
    unsigned choice = fp_random(v) & 15;
    int spread = choice < 4 ? 2 : choice < 12 ? f->frac_bits + 4 : 2 * f->frac_bits + 6;
    if (choice == 15)
        return fp_random_operand(v, f);
    return compose(v, f, exp + (int)(fp_random(v) % (2u * (unsigned)spread + 1)) - spread);
}

uint64_t fp_random_operand(struct fp_vectors *v, const struct ref_format *f)
{
    int max = (1 << f->exp_bits) - 1, bias = max / 2, small = (int)(fp_random(v) & 3);
    switch (fp_random(v) & 15) {
    case 0: return compose(v, f, small);
    case 1: return compose(v, f, max - small);
    case 2: return compose(v, f, bias + small - 2);
    case 3: return compose(v, f, bias + f->frac_bits + small - 2);
    case 4: return compose(v, f, bias) & ~((UINT64_C(1) << f->frac_bits) - 1);
    case 5: // zeros, infinities and a signaling or quiet NaN
        return compose(v, f, small & 1 ? max : 0) & ~((UINT64_C(1) << f->frac_bits) - 1);
    case 6: return compose(v, f, bias + (int)(fp_random(v) % 70) - 2); // near the integers
    default: return fp_random(v) & ((UINT64_C(2) << (f->exp_bits + f->frac_bits)) - 1);
    }
}

void fp_random_partners(struct fp_vectors *v, const struct ref_format *f, uint64_t a, uint64_t *b,
                        uint64_t *c)
{
    int max = (1 << f->exp_bits) - 1, bias = max / 2;
    int exp_a = (int)(a >> f->frac_bits) & max, exp_b;
    unsigned choice = fp_random(v) & 7;
    uint8_t unused = 0;
    switch (choice) {
    case 0: *b = fp_random_near(v, f, bias - exp_a); break;           // a * b near the least
    case 1: *b = fp_random_near(v, f, max + bias - 1 - exp_a); break; // near the greatest
    case 2: *b = fp_random_near(v, f, exp_a + bias); break;           // a / b near the least
    case 3: *b = fp_random_near(v, f, exp_a - bias); break;
    case 4: *b = fp_random_operand(v, f); break;
    default: *b = fp_random_near(v, f, exp_a); break; // for sums
    }
    exp_b = (int)(*b >> f->frac_bits) & max;
    if (fp_random(v) & 3) {
        *c = fp_random_near(v, f, exp_a + exp_b - bias);
        return;
    }
    // c is close to a * b: most of the digits cancel. Or c is what a * b has beyond its leading
    // digits, so that the sum is exact, or nearly.
    uint64_t sign = UINT64_C(1) << (f->exp_bits + f->frac_bits);
    *c = ref_mul(f, a, *b, 0, FP_RNE, &unused) ^ sign;
    if (fp_random(v) & 1)
        *c = ref_fma(f, a, *b, *c, FP_RNE, &unused) ^ sign;
    *c ^= fp_random(v) & 3 ? 0 : fp_random(v) & 3;
}
