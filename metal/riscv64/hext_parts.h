// SPDX-License-Identifier: Apache-2.0
// What the engine's files have in common.
#ifndef METAL_RISCV64_HEXT_PARTS_H
#define METAL_RISCV64_HEXT_PARTS_H

#include <hull/vm.h>

#include "guest/riscv/board.h"
#include "guest/riscv/trap.h"
#include "metal/common/machine.h"
#include "metal/riscv64/hext.h"

#define CAUSE_IS_INTERRUPT (1ull << 63)

// Exceptions that are the guest's own affair: not calls from VS mode, guest-page faults, virtual
// instructions. An illegal instruction is one while the FP unit is on.
#define HEDELEG_ALWAYS                                                                      \
    (1u << CAUSE_MISALIGNED_FETCH | 1u << CAUSE_FETCH_ACCESS | 1u << CAUSE_BREAKPOINT |     \
     1u << CAUSE_MISALIGNED_LOAD | 1u << CAUSE_LOAD_ACCESS | 1u << CAUSE_MISALIGNED_STORE | \
     1u << CAUSE_STORE_ACCESS | 1u << CAUSE_ECALL_U | 1u << CAUSE_FETCH_PAGE_FAULT |        \
     1u << CAUSE_LOAD_PAGE_FAULT | 1u << CAUSE_STORE_PAGE_FAULT)
#define HEDELEG_ILLEGAL (1u << CAUSE_ILLEGAL_INSTRUCTION)

// What the harts can do; the same for all, written once.
struct hext_host {
    struct riscv_isa isa;
    uint64_t henvcfg;
};
extern struct hext_host hext_host;

static inline struct hext *hext_of(const struct vcpu *vcpu)
{
    return vcpu->engine_data;
}

static inline struct riscv_sbi *hext_sbi(const struct hext *x)
{
    return ((struct riscv_board *)x->vcpu->vm->board)->sbi;
}

static inline bool hext_guest_has_sstc(void)
{
    return machine.has_sstc;
}

// hext_state.c. Load: this hart's VS level becomes the vCPU's. Unload: its registers go to memory.
void hext_load(struct hext *x);
void hext_unload(struct hext *x);
void hext_fp_take(struct hext *x); // this hart's FP registers become the vCPU's
void hext_hvip_change(struct hext *x, uint64_t set, uint64_t clear);
void hext_get_state(struct vcpu *vcpu, struct hart_state *s);
void hext_set_state(struct vcpu *vcpu, const struct hart_state *s);

// hext_interrupts.c
void hext_timer_watch(struct hext *x);
void hext_timer_fired(void *vcpu);
void hext_take_interrupts(struct hext *x);
bool hext_serve_attention(struct hext *x); // true: run() must return
bool hext_wakeup_pending(struct vcpu *vcpu);
void hext_set_timer(struct vcpu *vcpu, uint64_t ticks);
void hext_raise_ssip(struct vcpu *vcpu);

// hext_run.c
void hext_run(struct vcpu *vcpu, struct vcpu_exit *exit);
// Which register of the guest regs.loaded goes to; 0: none, or its memory is there now, or it has an exception.
unsigned hext_guest_page_fault(struct hext *x);

#endif
