// SPDX-License-Identifier: Apache-2.0
// Between the SBI's extensions: the shape of a handler, harts by mask, and the table's entries.
#ifndef HULL_RISCV_SBI_INTERNAL_H
#define HULL_RISCV_SBI_INTERNAL_H

#include <hull/hypercall.h>

#include "guest/riscv/board.h"
#include "guest/riscv/hart.h"
#include "guest/riscv/sbi.h"

struct sbi_ret {
    int64_t error;
    uint64_t value;
};

struct sbi_call {
    struct riscv_sbi *sbi;
    struct vm *vm;
    struct vcpu *vcpu;
    struct sbi_hart *hart; // the caller's
    struct vcpu_exit *exit;
    const uint64_t *args; // a0 to a7
    uint64_t eid, fid;
};

// Those that riscv_sbi_quick() answers.
#define SBI_EXT_BASE 0x10
#define SBI_EXT_TIME 0x54494d45
#define SBI_EXT_IPI 0x735049

// Any other extension: the identifiers first to last, and what answers them. What it returns goes into a0
// and a1 unless it sets exit->sbi.skip_ret.
struct sbi_extension {
    uint64_t first, last;
    struct sbi_ret (*call)(const struct sbi_call *call);
};

static inline struct sbi_ret sbi_ok(uint64_t value)
{
    return (struct sbi_ret){.error = SBI_SUCCESS, .value = value};
}

static inline struct sbi_ret sbi_error(int64_t error)
{
    return (struct sbi_ret){.error = error};
}

bool sbi_extension_present(const struct vm *vm, uint64_t eid);
bool sbi_vendor_present(const struct vm *vm, uint64_t eid);
struct sbi_ret sbi_vendor(const struct sbi_call *call);
bool sbi_sta_present(const struct vm *vm);
struct sbi_ret sbi_sta(const struct sbi_call *call);

struct sbi_ret sbi_rfence(const struct sbi_call *call);
struct sbi_ret sbi_hsm(const struct sbi_call *call);
struct sbi_ret sbi_srst(const struct sbi_call *call);
struct sbi_ret sbi_dbcn(const struct sbi_call *call);
struct sbi_ret sbi_susp(const struct sbi_call *call);
struct sbi_ret sbi_pmu(const struct sbi_call *call);
struct sbi_ret sbi_legacy(const struct sbi_call *call);

// A set of harts. From the mask and base of a call: false when one of them does not exist.
struct sbi_harts {
    uint64_t bits; // bit = hartid: HULL_CPUS_MAX is 64
};
bool sbi_harts_from_mask(const struct vm *vm, uint64_t mask, uint64_t base,
                         struct sbi_harts *harts);

void sbi_send_ipi(const struct sbi_call *call, struct sbi_harts harts);
// `event` is the sender's, the receiver's is the one after it.
void sbi_remote_fence(const struct sbi_call *call, struct sbi_harts harts, uint32_t fences,
                      enum sbi_fw_event event);
void sbi_set_timer(const struct sbi_call *call, uint64_t ticks);

static inline void sbi_count(struct sbi_hart *hart, enum sbi_fw_event event)
{
    atomic_fetch_add_explicit(&hart->pmu.events[event], 1, memory_order_relaxed);
}

// HSM: where a hart may start, and taking the caller out of execution.
bool sbi_start_address_valid(const struct sbi_call *call, gpa_t addr);
struct sbi_ret sbi_stop_hart(const struct sbi_call *call);
struct sbi_ret sbi_suspend_hart(const struct sbi_call *call, bool resumes_anew, gpa_t resume_addr,
                                uint64_t opaque);
struct sbi_ret sbi_shut_down(const struct sbi_call *call, enum vm_request request, int code);

#endif
