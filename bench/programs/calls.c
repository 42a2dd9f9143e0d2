// SPDX-License-Identifier: Apache-2.0
// Calls: deep recursion, and functions through pointers in an order that a predictor half learns.
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
