// SPDX-License-Identifier: Apache-2.0
// A whole board for unit tests, on an engine that executes nothing: it keeps hart states and notes
// what it was asked.
#ifndef TESTS_RISCV_MACHINE_H
#define TESTS_RISCV_MACHINE_H

#include "guest/riscv/board.h"
#include "guest/riscv/hart.h"
#include "tests/unit/fake_env.h"

#define MACHINE_RAM_SIZE (16ull << 20)

struct machine_vcpu { // vcpu->engine_data
    struct hart_state state;
    uint64_t timer; // by set_timer
    unsigned ssips, state_sets;
    bool wakeup;     // what wakeup_pending answers
    uint64_t stolen; // what stolen_ns answers, with machine_tells_stolen()
};

struct machine {
    struct fake_env fake;
    struct vm vm;
    struct vm_spec spec;
    struct board_images images;
    struct board_backends backends;
    struct riscv_board board;
    struct machine_vcpu vcpus[HULL_CPUS_MAX];
    uint8_t *ram;
    char output[512]; // of the UART
    size_t output_length;
    size_t output_room; // what the console takes until it is full
    int request;        // enum vm_request, -1: none
    int request_code;
};

// The VM and a spec with `cpus` harts, 16 MiB and no devices but the board's own; the caller sets
// images and spec->boot, then machine_board().
void machine_init(struct machine *m, unsigned cpus);
int machine_board(struct machine *m); // riscv_board_create()
void machine_fini(struct machine *m); // fails the test when something leaked

// A raw kernel (`firmware` false: Hull's SBI) and the board for it.
void machine_boot(struct machine *m, unsigned cpus, bool firmware);

// From here on the engine knows how long vCPUs had to wait.
void machine_tells_stolen(struct machine *m);

void *machine_at(struct machine *m, gpa_t gpa);

#endif
