// SPDX-License-Identifier: Apache-2.0
// The engine `hext`: guest code in VS and VU mode, by the H extension.
#ifndef METAL_RISCV64_HEXT_H
#define METAL_RISCV64_HEXT_H

#include <hull/engine.h>

#include "guest/riscv/isa.h"
#include "metal/riscv64/hext_imsic.h"
#include "metal/riscv64/regs.h"

enum hext_exit {
    HEXT_EXIT_INTERRUPT,
    HEXT_EXIT_SBI,
    HEXT_EXIT_MMIO,
    HEXT_EXIT_MEMORY,
    HEXT_EXIT_WFI,
    HEXT_EXIT_FP,
    HEXT_EXIT_OTHER,
    HEXT_EXITS,
};

// A vCPU. Its registers of the VS level are in the hart's while `loaded`, else here.
struct hext {
    struct guest_regs regs; // first: assembly works on it
    struct vcpu *vcpu;
    struct device *device; // that it used last, or NULL
    bool loaded;
    bool sbi_pending; // the last exit was a call: a0 and a1 are to come
    uint64_t vsstatus, vsie, vstvec, vsscratch, vsepc, vscause, vstval, vsatp, hvip, stimecmp,
        scounteren, senvcfg, vsiselect, hvictl;
    struct host_hart *last_hart; // on which it ran last
    struct host_hart
        *fp_hart; // whose FP registers are this vCPU's; they are in `f` as well, unless dirty
    uint64_t f[32], fcsr;         // in this order: fp_save()
    _Atomic uint32_t ssip_raised; // by another vCPU, not yet in hvip
    bool fence_vma;               // asked for while it was not loaded
    struct hull_timer timer;      // stimecmp, while the hart itself does not watch it
    struct hext_file file;        // of an AIA guest
    uint64_t exits[HEXT_EXITS];
};

extern const struct engine_ops hext_engine;

void hext_init(const struct riscv_isa *host); // once, at boot: what harts can do
void hext_hart_init(void);                    // each hart, once: what is the same for all guests
void hext_leave(struct vcpu *vcpu);           // another thread gets the hart
void hext_sleep(
    struct vcpu *vcpu); // the vCPU is about to wait: its timer and messages must wake it
void hext_awake(struct vcpu *vcpu); // it has waited

struct metal_vm;
void hext_dump(struct vcpu *vcpu,
               struct metal_vm *vm); // its registers, to the console; it is parked

// In the guest: enters the handler for `cause` of its S mode.
void hext_inject(struct hext *x, unsigned cause, uint64_t tval);
// The instruction at the guest's pc; 0: it cannot be read (the guest's mappings changed: try again).
uint32_t hext_fetch(const struct hext *x);
// The last exit was a guest-page fault outside of RAM: does the access on the bus. Which register regs.loaded goes to; 0:
// none.
unsigned hext_mmio(struct hext *x, gpa_t gpa);

#endif
