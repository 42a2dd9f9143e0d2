// SPDX-License-Identifier: Apache-2.0
// A VM's watchdog. Until the guest feeds it, by a call or by its register, signs of life are enough: CPUs that
// sleep, call, or set their timers. From the first feeding on, only that counts.
#ifndef METAL_COMMON_WATCHDOG_H
#define METAL_COMMON_WATCHDOG_H

#include <hull/env.h>
#include <hull/error.h>

struct metal_vm;

struct watchdog {
    struct hull_timer timer;
    _Atomic uint64_t fed; // ticks
    _Atomic bool by_guest;
    uint64_t signs; // of life, when last looked at
};

void watchdog_init(struct metal_vm *vm); // once
// For a VM that starts, after its board is there: its register, and the time runs. 0, or hull_bus_add's errors.
HULL_MUST_CHECK int watchdog_start(struct metal_vm *vm);
void watchdog_stop(struct metal_vm *vm);
void watchdog_feed(struct metal_vm *vm); // the guest's, from any thread

#endif
