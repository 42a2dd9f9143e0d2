// SPDX-License-Identifier: Apache-2.0
// An interpreter in the guest: a small stack machine that counts Collatz steps, dispatched by a
// switch, whose indirect jump is what such programs stand and fall with.
#include "bench.h"

enum op { PUSH, LOAD, STORE, ADD, MUL, SHIFT, AND, LESS, JUMP_IF_ZERO, JUMP, HALT };

// total = 0; for (n = 1; n < limit; n++) for (x = n; 1 < x; total++) x = x & 1 ? 3 * x + 1 : x >> 1
enum { V_N, V_X, V_TOTAL, V_LIMIT, VARIABLES };
static const int32_t program[] = {
    /*  0 */ LOAD,  V_N,     LOAD,  V_LIMIT, LESS, JUMP_IF_ZERO, 54,
    /*  7 */ LOAD,  V_N,     STORE, V_X,
    /* 11 */ PUSH,  1,       LOAD,  V_X,     LESS, JUMP_IF_ZERO, 45,
    /* 18 */ LOAD,  V_X,     PUSH,  1,       AND,  JUMP_IF_ZERO, 36,
    /* 25 */ LOAD,  V_X,     PUSH,  3,       MUL,  PUSH,         1,  ADD, JUMP, 39, HALT,
    /* 36 */ LOAD,  V_X,     SHIFT,
    /* 39 */ STORE, V_X,     JUMP,  47,      HALT, HALT,
    /* 45 */ JUMP,  56,
    /* 47 */ LOAD,  V_TOTAL, PUSH,  1,       ADD,  JUMP,         63,
    /* 54 */ HALT,  HALT,
    /* 56 */ LOAD,  V_N,     PUSH,  1,       ADD,  JUMP,         67,
    /* 63 */ STORE, V_TOTAL, JUMP,  11,
    /* 67 */ STORE, V_N,     JUMP,  0,
};

static uint64_t interpret(uint64_t limit)
{
    uint64_t stack[16], variables[VARIABLES] = {[V_N] = 1, [V_LIMIT] = limit};
    uint64_t *top = stack;
    const int32_t *pc = program;
    for (;;) {
        switch ((enum op) * pc++) {
        case PUSH: *top++ = (uint64_t)*pc++; break;
        case LOAD: *top++ = variables[*pc++]; break;
        case STORE: variables[*pc++] = *--top; break;
        case ADD:
            top--;
            top[-1] += *top;
            break;
        case MUL:
            top--;
            top[-1] *= *top;
            break;
        case SHIFT: top[-1] >>= 1; break;
        case AND:
            top--;
            top[-1] &= *top;
            break;
        case LESS:
            top--;
            top[-1] = top[-1] < *top;
            break;
        case JUMP_IF_ZERO: pc = *--top ? pc + 1 : program + *pc; break;
        case JUMP: pc = program + *pc; break;
        case HALT: return variables[V_TOTAL];
        }
    }
}

int bench_bytecode(struct bench *b)
{
    uint64_t limit = bench_count(b, 24000);
    bench_start(b);
    uint64_t total = interpret(limit);
    bench_stop(b);
    bench_check(b, total);
    return 0;
}
