// SPDX-License-Identifier: Apache-2.0
// Lockstep: the same machine twice in one process, one on the JIT and one on the interpreter, in a
// world that depends on a seed only. The JIT runs a random number of instructions, the interpreter
// exactly as many; then everything is compared, and only then the clock moves on, input comes, disks
// finish requests, and wires into harts rise.
#ifndef DIFF_LOCKSTEP_H
#define DIFF_LOCKSTEP_H

#include <pthread.h>

#include <hull/engine.h>
#include <hull/vm.h>

#include "guest/riscv/board.h"
#include "guest/riscv/hart.h"
#include "host/run/images.h"
#include "tests/unit/fake_env.h"

enum side { SIDE_JIT, SIDE_INTERP, SIDES };

#define LOCKSTEP_INPUTS_MAX 16
#define LOCKSTEP_CPUS_MAX 8

// When the guest has written `expect`, `type` is typed.
struct lockstep_input {
    const char *expect, *type;
};

struct lockstep_config {
    struct vm_spec spec;
    struct images images;
    uint64_t seed;
    uint64_t instructions; // to run; all harts together
    uint64_t step_max;     // between two points
    unsigned memory_every; // points between comparisons of the whole memory
    const char *until;     // output that ends the run
    const char *disk_file; // copied into memory
    struct lockstep_input inputs[LOCKSTEP_INPUTS_MAX];
    unsigned input_count;
    unsigned change_every; // points between changes of the first machine's engine, about; 0: never
    bool show;             // the guest's output, as it comes
    bool kicks;            // a thread asks for attention all the time, for nothing
};

// A disk in memory. Requests wait in order until a point of synchronisation.
struct lockstep_disk {
    struct blk_backend backend;
    uint8_t *data;
    struct blk_request *first, *last;
    unsigned waiting;
};

// One of the two machines.
struct twin {
    struct fake_env fake;
    struct vm vm;
    struct riscv_board board;
    struct board_backends backends;
    struct lockstep_disk disk;
    uint8_t *ram;
    struct vcpu_exit exits[LOCKSTEP_CPUS_MAX];
    uint64_t rising[LOCKSTEP_CPUS_MAX]; // wires that will rise at the next point
    char *output;
    size_t output_length, output_size;
    int request, request_code; // enum vm_request, -1: none
};

enum lockstep_end { LOCKSTEP_GOES_ON, LOCKSTEP_DONE, LOCKSTEP_DIFFERS, LOCKSTEP_STUCK };

struct lockstep {
    const struct lockstep_config *config;
    struct twin twins[SIDES];
    bool asleep[LOCKSTEP_CPUS_MAX]; // in wfi
    uint64_t rng;
    uint64_t point;   // of synchronisation, from 1 on
    uint64_t total;   // instructions of all harts
    uint64_t changes; // of the engine
    pthread_t kicker;
    _Atomic bool kicker_ends;
    unsigned hart; // that ran last
    uint64_t from; // its instret at the point before
    unsigned next_input, typed;
    bool until_seen;
    size_t seen;         // output that expectations have used up
    uint64_t watch_page; // its bytes are compared at each point; 0: none
    char why[512];       // what differs
    uint64_t why_page;   // the page of memory that differs, or 0
};

static inline uint64_t lockstep_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

// lockstep_vm.c: a machine at its reset state. False: said why.
bool twin_create(struct twin *twin, const struct lockstep_config *config,
                 const struct engine_ops *engine);
void twin_destroy(struct twin *twin, const struct lockstep_config *config);
uint64_t twin_instret(const struct twin *twin, unsigned hart);
// Runs a hart up to a limit, as set_limit() has it.
enum vcpu_exit_reason twin_run(struct twin *twin, unsigned hart, uint64_t limit);
bool twin_hart_on(struct twin *twin, unsigned hart); // started, as far as the SBI has a say
void twin_finish_disk_request(struct twin *twin);    // the first that waits
void twin_raise_wires(struct twin *twin);
uint64_t twin_next_deadline(const struct twin *twin);

// lockstep_run.c
bool lockstep_start(struct lockstep *l, const struct lockstep_config *config);
void lockstep_stop(struct lockstep *l);
// May change the engine. Chooses a hart and a length; both sides run, and are compared. Then what happens at a point.
enum lockstep_end lockstep_step(struct lockstep *l);
// The parts of a step: the choice; one side after the other up to about `limit`, and comparing.
bool lockstep_choose(struct lockstep *l, uint64_t *limit);
enum lockstep_end lockstep_advance(struct lockstep *l, uint64_t limit);
bool lockstep_compare(struct lockstep *l);
bool lockstep_compare_memory(struct lockstep *l);

// lockstep_find.c: repeats a run up to the step that differs, and shows where in it.
void lockstep_find(const struct lockstep *failed);

#endif
