// SPDX-License-Identifier: Apache-2.0
// The Performance Monitoring Unit extension (SBI 2.0, chapter 11). Hardware counter n is the CSR
// cycle + n, with the events that counters.h knows; firmware counters follow. Snapshots in shared
// memory are not offered.
#include "guest/riscv/sbi/internal.h"

#include "guest/riscv/counters.h"
#include "guest/riscv/csr.h"

enum pmu_function {
    PMU_NUM_COUNTERS,
    PMU_COUNTER_GET_INFO,
    PMU_COUNTER_CONFIG_MATCHING,
    PMU_COUNTER_START,
    PMU_COUNTER_STOP,
    PMU_COUNTER_FW_READ,
    PMU_COUNTER_FW_READ_HI,
};

enum pmu_event_type { EVENT_HW = 0, EVENT_RAW = 2, EVENT_FW = 15 };
enum pmu_hw_event { HW_CPU_CYCLES = 1, HW_INSTRUCTIONS = 2 };

#define CFG_SKIP_MATCH (1u << 0)
#define CFG_CLEAR_VALUE (1u << 1)
#define CFG_AUTO_START (1u << 2)
#define CFG_UINH (1u << 5)
#define CFG_SINH (1u << 6)
#define CFG_MINH (1u << 7)
#define CFG_ALL 0xffu
#define START_SET_INIT_VALUE (1u << 0)
#define START_INIT_SNAPSHOT (1u << 1)
#define STOP_RESET (1u << 0)
#define STOP_TAKE_SNAPSHOT (1u << 1)

#define COUNTERS (SBI_PMU_HW_COUNTERS + SBI_PMU_FW_COUNTERS)
#define COUNTER_CYCLE 0
#define COUNTER_TIME 1 // is no counter of this unit
#define COUNTER_INSTRET 2
#define COUNTER_PROGRAMMABLE 3 // from here on
#define INFO_FIRMWARE (1ull << 63)
#define INFO_WIDTH_SHIFT 12

// The counters that a call names, bit = index. False: one of them can't exist.
static bool counter_set(uint64_t base, uint64_t mask, uint64_t *set)
{
    const uint64_t all = (1ull << COUNTERS) - 1;

    *set = 0;
    if (base >= COUNTERS || (mask << base) >> base != mask || (mask << base) & ~all)
        return false;
    *set = mask << base & ~(1ull << COUNTER_TIME);
    return true;
}

static bool is_firmware(unsigned index)
{
    return index >= SBI_PMU_HW_COUNTERS;
}

static struct sbi_ret counter_get_info(const struct sbi_call *call)
{
    uint64_t index = call->args[0];

    if (index >= COUNTERS || index == COUNTER_TIME)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (is_firmware((unsigned)index))
        return sbi_ok(INFO_FIRMWARE);
    return sbi_ok((CSR_CYCLE + index) | 63ull << INFO_WIDTH_SHIFT);
}

// ---- Hardware counters, in a copy of the hart's state ----
static uint64_t *hw_value(struct hart_state *s, unsigned n)
{
    if (n == COUNTER_CYCLE)
        return &s->mcycle;
    if (n == COUNTER_INSTRET)
        return &s->minstret;
    return &s->mhpmcounter[n - COUNTER_PROGRAMMABLE];
}

static bool hw_started(const struct hart_state *s, unsigned n)
{
    return !(s->mcountinhibit >> n & 1);
}

static bool hw_configured(const struct sbi_pmu *pmu, unsigned n)
{
    return n < COUNTER_PROGRAMMABLE || pmu->hw_configured >> n & 1;
}

// The overflow bit is cleared: while it is set, an overflow raises no interrupt.
static void hw_start(struct hart_state *s, unsigned n)
{
    s->mcountinhibit &= ~(1ull << n);
    if (n >= COUNTER_PROGRAMMABLE)
        s->mhpmevent[n - COUNTER_PROGRAMMABLE] &= ~MHPMEVENT_OF;
}

// What of an event index and its data goes into mhpmevent; RISCV_EVENT_NONE: not known.
static uint64_t hw_event(uint64_t event, uint64_t data)
{
    switch (event >> 16) {
    case EVENT_HW:
        if ((event & 0xffff) == HW_CPU_CYCLES)
            return RISCV_EVENT_CYCLES;
        if ((event & 0xffff) == HW_INSTRUCTIONS)
            return RISCV_EVENT_INSTRUCTIONS;
        return RISCV_EVENT_NONE;
    case EVENT_RAW:
        if (data == RISCV_EVENT_CYCLES || data == RISCV_EVENT_INSTRUCTIONS)
            return data;
        return RISCV_EVENT_NONE;
    default: return RISCV_EVENT_NONE;
    }
}

// Programmable counters first: they filter by mode and raise interrupts, the fixed ones don't.
static int hw_match(const struct sbi_pmu *pmu, uint64_t set, uint64_t selector, uint64_t flags)
{
    unsigned fixed = selector == RISCV_EVENT_CYCLES ? COUNTER_CYCLE : COUNTER_INSTRET;

    for (unsigned n = COUNTER_PROGRAMMABLE; n < SBI_PMU_HW_COUNTERS; n++)
        if (set >> n & 1 && !hw_configured(pmu, n))
            return (int)n;
    return set >> fixed & 1 && !(flags & (CFG_UINH | CFG_SINH)) ? (int)fixed : -1;
}

static uint64_t hw_filters(uint64_t flags)
{
    return (flags & CFG_UINH ? MHPMEVENT_UINH : 0) | (flags & CFG_SINH ? MHPMEVENT_SINH : 0) |
           (flags & CFG_MINH ? MHPMEVENT_MINH : 0);
}

static void hw_configure(const struct sbi_call *call, unsigned n, uint64_t selector, uint64_t flags)
{
    const struct engine_ops *engine = call->vm->engine;
    struct hart_state state;

    engine->get_state(call->vcpu, &state);
    if (!(flags & CFG_SKIP_MATCH) && n >= COUNTER_PROGRAMMABLE) {
        call->hart->pmu.hw_configured |= 1u << n;
        state.mcountinhibit |= 1ull << n;
        state.mhpmevent[n - COUNTER_PROGRAMMABLE] = selector | hw_filters(flags);
    }
    if (flags & CFG_CLEAR_VALUE)
        *hw_value(&state, n) = 0;
    if (flags & CFG_AUTO_START)
        hw_start(&state, n);
    engine->set_state(call->vcpu, &state);
}

// ---- Firmware counters ----
static struct sbi_fw_counter *fw_counter(const struct sbi_call *call, unsigned index)
{
    return &call->hart->pmu.fw[index - SBI_PMU_HW_COUNTERS];
}

static uint64_t fw_events(const struct sbi_call *call, const struct sbi_fw_counter *counter)
{
    return atomic_load_explicit(&call->hart->pmu.events[counter->event], memory_order_relaxed);
}

static uint64_t fw_value(const struct sbi_call *call, const struct sbi_fw_counter *counter)
{
    return counter->value + (counter->started ? fw_events(call, counter) : 0);
}

static void fw_set_value(const struct sbi_call *call, struct sbi_fw_counter *counter,
                         uint64_t value)
{
    counter->value = value - (counter->started ? fw_events(call, counter) : 0);
}

static void fw_set_started(const struct sbi_call *call, struct sbi_fw_counter *counter,
                           bool started)
{
    uint64_t value = fw_value(call, counter);

    counter->started = started;
    fw_set_value(call, counter, value);
}

static int fw_match(const struct sbi_call *call, uint64_t set)
{
    for (unsigned n = SBI_PMU_HW_COUNTERS; n < COUNTERS; n++)
        if (set >> n & 1 && !fw_counter(call, n)->configured)
            return (int)n;
    return -1;
}

static void fw_configure(const struct sbi_call *call, unsigned n, uint64_t event, uint64_t flags)
{
    struct sbi_fw_counter *counter = fw_counter(call, n);

    if (!(flags & CFG_SKIP_MATCH))
        *counter = (struct sbi_fw_counter){
            .event = (uint16_t)event, .configured = true, .value = counter->value};
    if (flags & CFG_CLEAR_VALUE)
        fw_set_value(call, counter, 0);
    if (flags & CFG_AUTO_START)
        fw_set_started(call, counter, true);
}

// ---- Calls ----
// With SKIP_MATCH the first counter of the set, which must be one that was given out before.
static int configured_counter(const struct sbi_call *call, uint64_t set)
{
    for (unsigned n = 0; n < COUNTERS; n++) {
        if (!(set >> n & 1))
            continue;
        if (is_firmware(n) ? fw_counter(call, n)->configured : hw_configured(&call->hart->pmu, n))
            return (int)n;
        return -1;
    }
    return -1;
}

static struct sbi_ret counter_config_matching(const struct sbi_call *call)
{
    uint64_t flags = call->args[2], event = call->args[3], set;
    uint64_t selector = hw_event(event, call->args[4]);
    bool firmware = event >> 16 == EVENT_FW && (event & 0xffff) < SBI_FW_EVENTS;
    int index;

    if (!counter_set(call->args[0], call->args[1], &set) || flags & ~(uint64_t)CFG_ALL)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (flags & CFG_SKIP_MATCH) {
        index = configured_counter(call, set);
        if (index < 0)
            return sbi_error(SBI_ERR_INVALID_PARAM);
    } else if (firmware) {
        index = fw_match(call, set);
    } else {
        index = selector ? hw_match(&call->hart->pmu, set, selector, flags) : -1;
    }
    if (index < 0)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if (is_firmware((unsigned)index))
        fw_configure(call, (unsigned)index, event & 0xffff, flags);
    else
        hw_configure(call, (unsigned)index, selector, flags);
    return sbi_ok((uint64_t)index);
}

// Starts counter n; false when it ran already.
static bool start_one(const struct sbi_call *call, struct hart_state *state, unsigned n,
                      bool set_value, uint64_t value)
{
    if (is_firmware(n)) {
        struct sbi_fw_counter *counter = fw_counter(call, n);

        if (counter->started)
            return false;
        if (set_value)
            fw_set_value(call, counter, value);
        fw_set_started(call, counter, true);
        return true;
    }
    if (hw_started(state, n))
        return false;
    if (set_value)
        *hw_value(state, n) = value;
    hw_start(state, n);
    return true;
}

// Stops counter n; false when it stood already. `reset` forgets its event as well.
static bool stop_one(const struct sbi_call *call, struct hart_state *state, unsigned n, bool reset)
{
    bool ran;

    if (is_firmware(n)) {
        struct sbi_fw_counter *counter = fw_counter(call, n);

        ran = counter->started;
        fw_set_started(call, counter, false);
        if (reset)
            counter->configured = false;
        return ran;
    }
    ran = hw_started(state, n) && hw_configured(&call->hart->pmu, n);
    state->mcountinhibit |= 1ull << n;
    if (reset && n >= COUNTER_PROGRAMMABLE) {
        call->hart->pmu.hw_configured &= ~(1u << n);
        state->mhpmevent[n - COUNTER_PROGRAMMABLE] = 0;
    }
    return ran;
}

static bool all_configured(const struct sbi_call *call, uint64_t set)
{
    for (unsigned n = 0; n < COUNTERS; n++)
        if (set >> n & 1 && !(is_firmware(n) ? fw_counter(call, n)->configured
                                             : hw_configured(&call->hart->pmu, n)))
            return false;
    return true;
}

static struct sbi_ret counter_start(const struct sbi_call *call)
{
    uint64_t flags = call->args[2], set;
    struct hart_state state;
    bool fresh = true;

    if (flags & START_INIT_SNAPSHOT)
        return sbi_error(SBI_ERR_NO_SHMEM);
    if (!counter_set(call->args[0], call->args[1], &set) || flags & ~(uint64_t)START_SET_INIT_VALUE)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (!all_configured(call, set))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    call->vm->engine->get_state(call->vcpu, &state);
    for (unsigned n = 0; n < COUNTERS; n++)
        if (set >> n & 1)
            fresh &= start_one(call, &state, n, flags & START_SET_INIT_VALUE, call->args[3]);
    call->vm->engine->set_state(call->vcpu, &state);
    return fresh ? sbi_ok(0) : sbi_error(SBI_ERR_ALREADY_STARTED);
}

static struct sbi_ret counter_stop(const struct sbi_call *call)
{
    uint64_t flags = call->args[2], set;
    struct hart_state state;
    bool ran = true;

    if (flags & STOP_TAKE_SNAPSHOT)
        return sbi_error(SBI_ERR_NO_SHMEM);
    if (!counter_set(call->args[0], call->args[1], &set) || flags & ~(uint64_t)STOP_RESET)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    call->vm->engine->get_state(call->vcpu, &state);
    for (unsigned n = 0; n < COUNTERS; n++)
        if (set >> n & 1)
            ran &= stop_one(call, &state, n, flags & STOP_RESET);
    call->vm->engine->set_state(call->vcpu, &state);
    return ran ? sbi_ok(0) : sbi_error(SBI_ERR_ALREADY_STOPPED);
}

// Counters are 64 bits wide, so the upper half past XLEN is nothing.
static struct sbi_ret counter_fw_read(const struct sbi_call *call)
{
    uint64_t index = call->args[0];

    if (index >= COUNTERS || !is_firmware((unsigned)index))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (call->fid == PMU_COUNTER_FW_READ_HI)
        return sbi_ok(0);
    return sbi_ok(fw_value(call, fw_counter(call, (unsigned)index)));
}

struct sbi_ret sbi_pmu(const struct sbi_call *call)
{
    switch (call->fid) {
    case PMU_NUM_COUNTERS: return sbi_ok(COUNTERS);
    case PMU_COUNTER_GET_INFO: return counter_get_info(call);
    case PMU_COUNTER_CONFIG_MATCHING: return counter_config_matching(call);
    case PMU_COUNTER_START: return counter_start(call);
    case PMU_COUNTER_STOP: return counter_stop(call);
    case PMU_COUNTER_FW_READ:
    case PMU_COUNTER_FW_READ_HI: return counter_fw_read(call);
    default: return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}
