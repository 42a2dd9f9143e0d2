// SPDX-License-Identifier: Apache-2.0
// Hardware performance counters: mcycle, minstret and mhpmcounter3 to 31, with inhibition, filters
// by mode, and overflow interrupts. Specification: Zicntr, Zihpm, Sscofpmf.
//
// Nothing is counted one by one. A counter that runs is stored as its value less hart->instret, one
// that stands still as its value; whatever starts or stops one (mcountinhibit, mhpmevent, a change
// of privilege while a filter is set) turns one form into the other. A cycle is one retired
// instruction: the specification leaves the clock's relation to time open, and so the counters
// give the same result in every run and cost nothing.
#ifndef HULL_RISCV_COUNTERS_H
#define HULL_RISCV_COUNTERS_H

#include "guest/riscv/hart.h"

// Bits of mhpmevent. The low 56 bits choose the event; those not listed are kept and count nothing.
#define MHPMEVENT_OF (1ull << 63)
#define MHPMEVENT_MINH (1ull << 62)
#define MHPMEVENT_SINH (1ull << 61)
#define MHPMEVENT_UINH (1ull << 60)
#define MHPMEVENT_VSINH (1ull << 59)
#define MHPMEVENT_VUINH (1ull << 58)
#define MHPMEVENT_EVENT ((1ull << 56) - 1)

enum riscv_event { RISCV_EVENT_NONE, RISCV_EVENT_CYCLES, RISCV_EVENT_INSTRUCTIONS };

// A counter as mcycle (n = 0), minstret (2) and mhpmcounter<n> (3 to 31) read before the current
// instruction; and written, as seen by the instruction after the current one.
uint64_t riscv_counter_read(const struct hart *hart, unsigned n);
void riscv_counter_write(struct hart *hart, unsigned n, uint64_t value);

void riscv_mhpmevent_write(struct hart *hart, unsigned n, uint64_t value); // n: 3 to 31
void riscv_mcountinhibit_write(struct hart *hart, uint64_t value);
uint64_t riscv_scountovf(struct hart *hart);

// To be called when hart->s.priv or virt has changed, with the count of instructions before the change.
void riscv_counters_mode_changed(struct hart *hart, uint64_t instret);

// Sets the overflow bits and LCOFIP that are due. Engines call it when hart->instret reaches
// hart->counter_limit or soon after; riscv_mip() does too.
void riscv_counters_expire(struct hart *hart);

// Sets hart->engine_limit; UINT64_MAX: none.
void riscv_counters_set_limit(struct hart *hart, uint64_t instret);

// Between the form of a saved state (plain values) and that of a running hart.
void riscv_counters_load(struct hart *hart);
void riscv_counters_save(const struct hart *hart, struct hart_state *out);

#endif
