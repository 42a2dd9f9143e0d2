// SPDX-License-Identifier: Apache-2.0
// Calls: deep recursion, functions through pointers in an order that a predictor half learns, and
// through pointers that hardly ever change, as objects' methods and shared libraries are called.
#include "bench.h"

static __attribute__((noinline)) uint64_t fibonacci(uint32_t n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

int bench_calls_recursive(struct bench *b)
{
    uint64_t rounds = bench_count(b, 10), sum = 0;
    bench_start(b);
    for (uint64_t i = 0; i < rounds; i++) {
        // The compiler must not see that each round is the same.
        volatile uint32_t n = 31 + (uint32_t)(i & 1);
        sum += fibonacci(n);
    }
    bench_stop(b);
    bench_check(b, sum);
    return 0;
}

#define FUNCTION(n, expression)          \
    static uint64_t call_##n(uint64_t x) \
    {                                    \
        return expression;               \
    }
FUNCTION(0, x + 1)
FUNCTION(1, x ^ x >> 3)
FUNCTION(2, x * 5)
FUNCTION(3, x - 77)
FUNCTION(4, x << 7 | x >> 57)
FUNCTION(5, ~x)
FUNCTION(6, x + (x << 4))
FUNCTION(7, x ^ 0x55aa)

int bench_calls_indirect(struct bench *b)
{
    static uint64_t (*const volatile table[])(uint64_t) = {call_0, call_1, call_2, call_3,
                                                           call_4, call_5, call_6, call_7};
    uint64_t calls = bench_count(b, 15000000), x = 1;
    bench_start(b);
    for (uint64_t i = 0; i < calls; i++) {
        x = table[(i ^ i >> 3 ^ x >> 60) & 7](x);
    }
    bench_stop(b);
    bench_check(b, x);
    return 0;
}

// A pipeline of stages, each of which passes what it made to the next one through that one's table of
// methods. Helpers are called as functions of shared libraries are: by a stub that jumps to where a
// pointer says.
struct stage {
    const struct stage_methods *methods;
    struct stage *next;
    uint64_t state;
};

struct stage_methods {
    uint64_t (*put)(struct stage *, uint64_t x);
    uint64_t (*sum)(const struct stage *);
};

static uint64_t library_mix(uint64_t a, uint64_t b)
{
    return (a ^ b) * 0x9e3779b97f4a7c15;
}

static uint64_t library_turn(uint64_t a, uint64_t b)
{
    return (a << (b & 63) | a >> (-b & 63)) + b;
}

static uint64_t (*volatile library[])(uint64_t, uint64_t) = {library_mix, library_turn};

static __attribute__((noinline)) uint64_t stub_mix(uint64_t a, uint64_t b)
{
    return library[0](a, b);
}

static __attribute__((noinline)) uint64_t stub_turn(uint64_t a, uint64_t b)
{
    return library[1](a, b);
}

static uint64_t pass_on(struct stage *s, uint64_t x)
{
    return s->next ? s->next->methods->put(s->next, x) + s->state : x;
}

static uint64_t put_mix(struct stage *s, uint64_t x)
{
    s->state = stub_mix(s->state, x);
    return pass_on(s, s->state);
}

static uint64_t put_turn(struct stage *s, uint64_t x)
{
    s->state += stub_turn(x, s->state);
    return pass_on(s, x + 1);
}

static uint64_t put_count(struct stage *s, uint64_t x)
{
    s->state += x & 1;
    return pass_on(s, x ^ s->state);
}

static uint64_t put_delay(struct stage *s, uint64_t x)
{
    uint64_t before = s->state;
    s->state = x;
    return pass_on(s, before);
}

static uint64_t sum_state(const struct stage *s)
{
    return s->state + (s->next ? s->next->methods->sum(s->next) : 0);
}

int bench_calls_virtual(struct bench *b)
{
    static const struct stage_methods kinds[] = {{put_mix, sum_state},
                                                 {put_turn, sum_state},
                                                 {put_count, sum_state},
                                                 {put_delay, sum_state}};
    enum { STAGES = 6, PHASES = 8 };
    struct stage stages[STAGES];
    uint64_t rounds = bench_count(b, 300000), x = 1;
    bench_start(b);
    for (unsigned phase = 0; phase < PHASES; phase++) {
        // The order is another one in each phase, and the same all through it.
        for (unsigned i = 0; i < STAGES; i++) {
            stages[i].methods = &kinds[(i + phase * (i + 1)) & 3];
            stages[i].next = i + 1 < STAGES ? &stages[i + 1] : NULL;
            stages[i].state = i;
        }
        for (uint64_t i = 0; i < rounds; i++) {
            x += stages[0].methods->put(&stages[0], x);
        }
        x += stages[0].methods->sum(&stages[0]);
    }
    bench_stop(b);
    bench_check(b, x);
    return 0;
}
