// SPDX-License-Identifier: Apache-2.0
// The hypervisor's timers (struct hull_timer): each hart has a list by deadline, and fires its own.
#ifndef METAL_COMMON_TIMERS_H
#define METAL_COMMON_TIMERS_H

#include <hull/env.h>

struct host_hart;

uint64_t timers_hz(void); // ticks in a second, whatever the machine has
uint64_t timers_ns(uint64_t ticks);
uint64_t timers_ticks(uint64_t ns); // rounded up: never before that time

void timers_timer_init(struct hull_timer *timer);
void timers_timer_destroy(struct hull_timer *timer);          // waits while it fires elsewhere
void timers_arm(struct hull_timer *timer, uint64_t deadline); // in ticks; HULL_TIME_NEVER disarms
void timers_run(void);                                        // this hart's interrupt
void timers_slice_changed(struct host_hart *hart);            // this hart's slice_end

#endif
