// SPDX-License-Identifier: Apache-2.0
// What the benchmark programs share: the description of one run, its clock and its check value.
// A program sets itself up, calls bench_start(), works, calls bench_stop(), and reports a check value
// that must come out the same on every machine.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bench {
    const char *name;
    uint32_t effort; // percent of the usual amount of work
    double started;
    double seconds;
    char check[96];
};

struct bench_program {
    const char *name;
    const char *group;
    int harts;       // how many the machine shall have
    bool has_inputs; // needs the disk, the network or the like, which the harness provides
    int (*run)(struct bench *);
    const char *text;
};

// Everything that there is, in the order in which it runs; ends with a name of NULL.
extern const struct bench_program bench_programs[];

double bench_now(void);
void bench_start(struct bench *);
void bench_stop(struct bench *);
// How many rounds of work to do where the usual number is usual; at least 1.
uint64_t bench_count(const struct bench *, uint64_t usual);

void bench_check(struct bench *, uint64_t value);
// Floating point: native code and the guests' need not agree on the last digits (one fuses multiply
// and add, the other does not), but guests have to agree with each other on every bit.
void bench_check_double(struct bench *, double value, int digits, uint64_t bits);

// Prints why the run failed (with errno) and returns -1, for "return bench_fail(...)".
int bench_fail(const struct bench *, const char *what);

// Settings that the harness passes in the environment, with a default.
const char *bench_setting(const char *name, const char *otherwise);

// A generator of numbers (xorshift64*); the state must not be 0.
static inline uint64_t bench_random(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1d;
}

static inline uint64_t bench_mix(uint64_t sum, uint64_t value)
{
    sum = (sum ^ value) * 0x9e3779b97f4a7c15;
    return sum ^ sum >> 29;
}

static inline uint64_t bench_bits(double value)
{
    uint64_t bits;
    __builtin_memcpy(&bits, &value, sizeof(bits));
    return bits;
}

// The programs, by file.
int bench_core_mix(struct bench *);
int bench_sieve(struct bench *);
int bench_sort(struct bench *);
int bench_crc32(struct bench *);
int bench_hash(struct bench *);
int bench_bignum(struct bench *);
int bench_divide(struct bench *);
int bench_branches(struct bench *);
int bench_chase(struct bench *);
int bench_tlb(struct bench *);
int bench_calls_recursive(struct bench *);
int bench_calls_indirect(struct bench *);
int bench_calls_virtual(struct bench *);
int bench_bytecode(struct bench *);
int bench_cold_code(struct bench *);
int bench_strings(struct bench *);
int bench_copies(struct bench *);

int bench_nbody(struct bench *);
int bench_matrix(struct bench *);
int bench_mandelbrot(struct bench *);
int bench_libm(struct bench *);
int bench_fp_mix(struct bench *);

int bench_getppid(struct bench *);
int bench_signals(struct bench *);
int bench_fork(struct bench *);
int bench_vfork_exec(struct bench *);
int bench_pipe(struct bench *);
int bench_ring(struct bench *);
int bench_switches(struct bench *);
int bench_pages(struct bench *);
int bench_mprotect(struct bench *);
int bench_files(struct bench *);
int bench_disk_write(struct bench *);
int bench_disk_read(struct bench *);
int bench_disk_random(struct bench *);
int bench_net_up(struct bench *);
int bench_net_down(struct bench *);
int bench_net_latency(struct bench *);

int bench_threads_1(struct bench *);
int bench_threads_2(struct bench *);
int bench_atomics_own_1(struct bench *);
int bench_atomics_own_2(struct bench *);
int bench_atomics_shared_1(struct bench *);
int bench_atomics_shared_2(struct bench *);
int bench_mutex_1(struct bench *);
int bench_mutex_2(struct bench *);
int bench_faults_1(struct bench *);
int bench_faults_2(struct bench *);
