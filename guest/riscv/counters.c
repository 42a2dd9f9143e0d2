// SPDX-License-Identifier: Apache-2.0
// Performance counters that are computed when looked at; counters.h says how they are held.
#include "guest/riscv/counters.h"

#include "guest/riscv/csr.h"
#include "guest/riscv/trap.h"
#include "lib/bits.h"

#define COUNTER_CYCLE 0
#define COUNTER_INSTRET 2
#define FIRST_HPM 3
#define FILTERS (MHPMEVENT_MINH | MHPMEVENT_SINH | MHPMEVENT_UINH)
#define H_FILTERS (MHPMEVENT_VSINH | MHPMEVENT_VUINH)
#define COUNTERS (RISCV_HPM_COUNTERS + FIRST_HPM)
#define INHIBITABLE 0xfffffffdull // all but time

static uint64_t *counter_slot(struct hart_state *s, unsigned n)
{
    if (n == COUNTER_CYCLE)
        return &s->mcycle;
    return n == COUNTER_INSTRET ? &s->minstret : &s->mhpmcounter[n - FIRST_HPM];
}

static uint64_t counter_value(const struct hart *hart, unsigned n, uint64_t instret)
{
    uint64_t held = *counter_slot((struct hart_state *)&hart->s, n);

    return hart->counters_running >> n & 1 ? held + instret : held;
}

uint64_t riscv_counter_read(const struct hart *hart, unsigned n)
{
    return counter_value(hart, n, hart->instret);
}

static bool event_counts(uint64_t event, unsigned priv, bool virt)
{
    static const uint64_t filter[2][4] = {
        {[PRIV_U] = MHPMEVENT_UINH, [PRIV_S] = MHPMEVENT_SINH, [PRIV_M] = MHPMEVENT_MINH},
        {[PRIV_U] = MHPMEVENT_VUINH, [PRIV_S] = MHPMEVENT_VSINH}};
    uint64_t what = event & MHPMEVENT_EVENT;

    return (what == RISCV_EVENT_CYCLES || what == RISCV_EVENT_INSTRUCTIONS) &&
           !(event & filter[virt][priv & 3]);
}

static uint32_t counters_that_run(const struct hart *hart)
{
    uint32_t run = 1u << COUNTER_CYCLE | 1u << COUNTER_INSTRET;

    for (unsigned i = 0; i < RISCV_HPM_COUNTERS; i++)
        if (hart->s.mhpmevent[i] && event_counts(hart->s.mhpmevent[i], hart->s.priv, hart->s.virt))
            run |= 1u << (i + FIRST_HPM);
    return run & ~(uint32_t)hart->s.mcountinhibit;
}

// Counters whose overflow is yet to be noticed.
static uint32_t counters_watched(const struct hart *hart)
{
    uint32_t watched = 0;

    if (!riscv_isa_has(hart->isa, EXT_SSCOFPMF))
        return 0;
    for (uint32_t left = hart->counters_running >> FIRST_HPM; left; left &= left - 1) {
        unsigned i = hull_ctz32(left);

        if (!(hart->s.mhpmevent[i] & MHPMEVENT_OF))
            watched |= 1u << (i + FIRST_HPM);
    }
    return watched;
}

// Notices overflows up to `instret`: a counter that is lower than what has been counted since the
// last look has wrapped.
static void notice_overflows(struct hart *hart, uint64_t instret)
{
    uint64_t passed = instret - hart->counters_checked;

    if ((int64_t)passed <= 0)
        return;
    for (uint32_t left = counters_watched(hart); left; left &= left - 1) {
        unsigned n = hull_ctz32(left);

        if (counter_value(hart, n, instret) < passed) {
            hart->s.mhpmevent[n - FIRST_HPM] |= MHPMEVENT_OF;
            hart->s.mip |= 1u << IRQ_LCOF;
            hart->changed |= HART_CHANGED_IRQ;
        }
    }
    hart->counters_checked = instret;
}

static void update_limit(struct hart *hart, uint64_t instret)
{
    hart->counter_limit = hart->engine_limit;
    for (uint32_t left = counters_watched(hart); left; left &= left - 1) {
        uint64_t value = counter_value(hart, hull_ctz32(left), instret);
        uint64_t limit = instret + (0 - value); // 2^64 - value instructions from now

        if (value && limit >= instret && limit < hart->counter_limit)
            hart->counter_limit = limit;
    }
}

void riscv_counters_expire(struct hart *hart)
{
    if (hart->instret < hart->counter_limit)
        return;
    notice_overflows(hart, hart->instret);
    update_limit(hart, hart->instret);
}

void riscv_counters_set_limit(struct hart *hart, uint64_t instret)
{
    notice_overflows(hart, hart->instret);
    hart->engine_limit = instret;
    update_limit(hart, hart->instret);
}

// Brings each counter to the form that it should have from `instret` on.
static void counters_update(struct hart *hart, uint64_t instret)
{
    uint32_t run = counters_that_run(hart), flip = run ^ hart->counters_running;

    for (; flip; flip &= flip - 1) {
        unsigned n = hull_ctz32(flip);
        uint64_t *slot = counter_slot(&hart->s, n);

        *slot = run >> n & 1 ? *slot - instret : *slot + instret;
    }
    hart->counters_running = run;
    hart->counters_checked = instret;
    update_limit(hart, instret);
}

// A write takes effect after its instruction, which therefore counts in the old way.
static uint64_t after_this(const struct hart *hart)
{
    return hart->instret + 1;
}

void riscv_counter_write(struct hart *hart, unsigned n, uint64_t value)
{
    uint64_t instret = after_this(hart);

    notice_overflows(hart, instret);
    *counter_slot(&hart->s, n) = hart->counters_running >> n & 1 ? value - instret : value;
    hart->counters_checked = instret;
    update_limit(hart, instret);
}

static void update_filtered(struct hart *hart)
{
    hart->counters_filtered = false;
    for (unsigned i = 0; i < RISCV_HPM_COUNTERS; i++)
        if (hart->s.mhpmevent[i] & (FILTERS | H_FILTERS))
            hart->counters_filtered = true;
}

static uint64_t mhpmevent_legal(const struct riscv_isa *isa, uint64_t value)
{
    uint64_t mask = MHPMEVENT_EVENT;

    if (riscv_isa_has(isa, EXT_SSCOFPMF))
        mask |= MHPMEVENT_OF | FILTERS | (riscv_isa_has(isa, EXT_H) ? H_FILTERS : 0);
    return value & mask;
}

void riscv_mhpmevent_write(struct hart *hart, unsigned n, uint64_t value)
{
    uint64_t instret = after_this(hart);

    notice_overflows(hart, instret);
    hart->s.mhpmevent[n - FIRST_HPM] = mhpmevent_legal(hart->isa, value);
    update_filtered(hart);
    counters_update(hart, instret);
}

void riscv_mcountinhibit_write(struct hart *hart, uint64_t value)
{
    uint64_t instret = after_this(hart);

    notice_overflows(hart, instret);
    hart->s.mcountinhibit = value & INHIBITABLE;
    counters_update(hart, instret);
}

uint64_t riscv_scountovf(struct hart *hart)
{
    uint64_t overflowed = 0;

    riscv_counters_expire(hart);
    for (unsigned i = 0; i < RISCV_HPM_COUNTERS; i++)
        if (hart->s.mhpmevent[i] & MHPMEVENT_OF)
            overflowed |= 1ull << (i + FIRST_HPM);
    if (hart->s.priv != PRIV_M)
        overflowed &= hart->s.mcounteren;
    return hart->s.virt ? overflowed & hart->s.hcounteren : overflowed;
}

void riscv_counters_mode_changed(struct hart *hart, uint64_t instret)
{
    if (!hart->counters_filtered)
        return;
    notice_overflows(hart, instret);
    counters_update(hart, instret);
}

void riscv_counters_load(struct hart *hart)
{
    hart->s.mcountinhibit &= INHIBITABLE;
    for (unsigned i = 0; i < RISCV_HPM_COUNTERS; i++)
        hart->s.mhpmevent[i] = mhpmevent_legal(hart->isa, hart->s.mhpmevent[i]);
    update_filtered(hart);
    hart->counters_running = 0;
    counters_update(hart, hart->instret);
}

void riscv_counters_save(const struct hart *hart, struct hart_state *out)
{
    for (unsigned n = 0; n < COUNTERS; n++)
        if (hart->counters_running >> n & 1)
            *counter_slot(out, n) = counter_value(hart, n, hart->instret);
}
