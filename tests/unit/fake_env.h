// SPDX-License-Identifier: Apache-2.0
// A hull_env for tests: malloc with an injectable failure, a clock that moves when told, timers that
// fire from fake_env_advance(), locks that notice recursion, and the log kept in memory.
#ifndef TESTS_FAKE_ENV_H
#define TESTS_FAKE_ENV_H

#include <hull/env.h>
#include <hull/types.h>

#define FAKE_ENV_TIMERS 64

struct fake_env {
    struct hull_env env; // pass &fake->env to what is tested
    _Atomic uint64_t now_ns, realtime_ns;
    long fail_alloc; // this many allocations succeed, the next one fails; -1: none fails
    long allocs;     // allocations made so far, failed ones included
    long live;       // allocations not yet freed
    long live_bytes;
    struct hull_timer *timers[FAKE_ENV_TIMERS];
    uint64_t deadlines[FAKE_ENV_TIMERS];
    _Atomic unsigned waits, wakes;                 // calls of vcpu_wait and vcpu_wake
    void (*on_wait)(void *ctx, struct vcpu *vcpu); // called by vcpu_wait; NULL: returns at once
    void *on_wait_ctx;
    uint64_t random_state;
    bool random_fails;
    uint64_t discarded; // bytes given to memory_discard, which zeroes them
    unsigned log_lines;
    char last_log[256];
};

void fake_env_init(struct fake_env *fake);
// Fails the test when memory leaked or a timer is still registered.
void fake_env_fini(struct fake_env *fake);
// Moves both clocks and fires what comes due, in order.
void fake_env_advance(struct fake_env *fake, uint64_t ns);
// The deadline that a timer is armed for; HULL_TIME_NEVER: not armed.
uint64_t fake_env_deadline(const struct fake_env *fake, const struct hull_timer *timer);

#endif
