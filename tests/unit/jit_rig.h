// SPDX-License-Identifier: Apache-2.0
// Two machines without a board's devices, one interpreted and one translated, which run the same program
// from the same state. Programs are given as instruction words.
#ifndef HULL_TESTS_JIT_RIG_H
#define HULL_TESTS_JIT_RIG_H

#include "tests/unit/unit.h"

#include <stdlib.h>

#include "engine/interp/interp.h"
#include "engine/jit/jit.h"
#include "guest/riscv/board.h"
#include "guest/riscv/csr.h"
#include "guest/riscv/hart.h"
#include "guest/riscv/sbi.h"
#include "guest/riscv/trap.h"
#include "tests/unit/fake_env.h"

#define RAM_SIZE (1u << 20)
#define CODE 0x80000000ull
#define DATA 0x80010000ull
#define DEVICE 0x10000000ull
#define ECALL 0x00000073u
#define NO_TRAP 99

struct machine {
    struct fake_env fake;
    struct vm vm;
    struct riscv_board board;
    struct riscv_sbi sbi;
    struct device device;
    uint64_t device_sum;
    unsigned watched; // stores told to the watch
    uint8_t *ram;
    struct hart_state state;
    struct vcpu_exit exit;
};

enum { INTERP, JIT, ENGINES };

struct rig {
    struct machine m[ENGINES];
};

#define PROGRAM(rig, ...)                               \
    do {                                                \
        static const uint32_t words_[] = {__VA_ARGS__}; \
        put(rig, CODE, words_, sizeof(words_));         \
    } while (0)

#define SET(rig, field, value)                  \
    do {                                        \
        (rig)->m[INTERP].state.field = (value); \
        (rig)->m[JIT].state.field = (value);    \
    } while (0)

// For cmocka: makes a rig and takes it down. Everything is translated at once.
int set_up(void **state);
int tear_down(void **state);

// The same bytes in both machines' memory.
void put(struct rig *rig, uint64_t at, const void *bytes, size_t size);
uint64_t instret(const struct machine *m);
// Runs until an ecall. The state is what came out then.
void run_one(struct machine *m);
// State, memory and counted instructions must be equal.
void compare(struct rig *rig);
// Runs and compares both.
void run(struct rig *rig);

#endif
