// SPDX-License-Identifier: Apache-2.0
// For who wants to see what the translator does: a list of its hottest regions with their code, and a map
// of its machine code for perf. The program that owns the VM makes a watch and gives it to the VM before
// that runs; without one nothing is kept and nothing is counted.
#ifndef HULL_ENGINE_JIT_WATCH_H
#define HULL_ENGINE_JIT_WATCH_H

#include <hull/vm.h>
#include <stdio.h>

struct jit_watch;

struct jit_watch_options {
    bool trace;       // keep what is translated, and count how often it runs
    unsigned regions; // of which so many will be printed
    FILE *map;        // a file of lines "address size name" for perf, or NULL; the caller's
    // The name of guest code: the symbol that holds `address`, and its start; NULL: none. Any thread.
    const char *(*symbol)(void *ctx, uint64_t address, uint64_t *start);
    void *ctx;
};

// NULL: no memory.
struct jit_watch *jit_watch_create(struct vm *vm, const struct jit_watch_options *options);
// After the VM's vCPUs.
void jit_watch_destroy(struct jit_watch *watch);
// The hottest regions so far: instructions of the guest with their counts, the IR, machine code. At any
// time while the VM is there.
void jit_watch_print(struct jit_watch *watch, FILE *to);

#endif
