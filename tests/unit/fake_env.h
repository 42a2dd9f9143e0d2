// SPDX-License-Identifier: Apache-2.0
// An environment for unit tests: malloc with injected failures, a clock that stands still until it
// is moved, locks that only check their use, timers that fire when the clock passes them.
#ifndef TESTS_FAKE_ENV_H
#define TESTS_FAKE_ENV_H

#include <hull/env.h>

struct fake_env {
    struct hull_env env; // hand this to the code under test

    uint64_t now_ns, realtime_ns;
    long fail_alloc;  // allocations that still succeed; then one fails. Negative: none fails
    size_t allocated; // bytes not yet freed
    unsigned locks_held, discards;
    _Atomic unsigned waits, wakes; // also from threads that a test starts itself
    struct hull_timer *timers;     // those between init and destroy
    uint64_t random_state;
    bool random_fails;
    unsigned log_lines;
    char last_log[256];
};

void fake_env_init(struct fake_env *fake);

// True when everything was given back: memory, timers, locks.
bool fake_env_clean(const struct fake_env *fake);

// Moves the clock; timers that come due fire in the order of their deadlines.
void fake_env_advance(struct fake_env *fake, uint64_t ns);

// A timer's deadline, HULL_TIME_NEVER when it is not armed.
uint64_t fake_timer_deadline(const struct hull_timer *timer);
// The one after `timer` in fake_env.timers, or NULL.
const struct hull_timer *fake_timer_next(const struct hull_timer *timer);

#endif
