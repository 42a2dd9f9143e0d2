// SPDX-License-Identifier: Apache-2.0
// What executes guest code: interpreter, JIT, KVM, the H extension. Devices never know the engine,
// engines never know a device.
#ifndef HULL_ENGINE_H
#define HULL_ENGINE_H

#include <hull/error.h>
#include <hull/types.h>
#include <hull/vcpu.h>

struct vm;
struct hart_state; // guest/riscv/hart.h
struct riscv_isa;  // guest/riscv/isa.h

enum vcpu_exit_reason {
    VCPU_EXIT_ATTENTION, // `attention` holds something that the engine does not handle itself
    VCPU_EXIT_WFI,       // the hart waits for an interrupt and none is pending
    VCPU_EXIT_SBI,       // an ecall for the SBI that Hull provides
    VCPU_EXIT_LIMIT,     // set_limit()'s number of instructions has been reached
};

_Static_assert(VCPU_EXIT_LIMIT == VCPU_EXIT_REASONS - 1, "struct vcpu counts them");

struct vcpu_exit {
    enum vcpu_exit_reason reason;
    struct {
        uint64_t args[8]; // a0 to a7; a7 = extension, a6 = function
        uint64_t ret[2];  // filled by the caller of run() before it runs the vCPU again
        bool skip_ret;    // the call does not return (or state was set whole): leave a0, a1 alone
        bool pending;     // run()'s: the guest waits for `ret`, on whichever engine runs it next
    } sbi;
};

struct engine_ops {
    const char *name;

    // 0, -HULL_ENOMEM, -HULL_ENOTSUP (this host can't).
    int (*vcpu_create)(struct vcpu *vcpu);
    void (*vcpu_destroy)(struct vcpu *vcpu);

    // Runs guest code until there is something for the caller to do. On the vCPU's own thread.
    // After VCPU_EXIT_SBI the next run() puts exit->sbi.ret into a0 and a1.
    void (*run)(struct vcpu *vcpu, struct vcpu_exit *exit);

    // The architectural state, while the vCPU is outside guest code. set_state drops every
    // cached translation, and has cached code compared with memory before it runs again.
    void (*get_state)(struct vcpu *vcpu, struct hart_state *state);
    void (*set_state)(struct vcpu *vcpu, const struct hart_state *state);

    // True when an interrupt is pending that ends a wfi: (mip & mie) != 0. The vCPU's own thread.
    bool (*wakeup_pending)(struct vcpu *vcpu);

    // For the SBI that Hull provides. set_timer: stimecmp = ticks, on the vCPU's own thread.
    // raise_ssip: sets mip.SSIP, from any thread; the guest clears it.
    void (*set_timer)(struct vcpu *vcpu, uint64_t ticks);
    void (*raise_ssip)(struct vcpu *vcpu);

    // Delivers an MSI into interrupt file `file` of the hart; both exist. From any thread, also with a
    // device's lock held: it must not block. NULL: it waits in vcpu->msis until the hart looks.
    void (*send_msi)(struct vcpu *vcpu, unsigned file, uint32_t identity);

    // Has a vCPU that is in the guest leave it soon; from any thread. NULL: it polls `attention`.
    void (*kick)(struct vcpu *vcpu);

    // How long the vCPU had to wait while it could have run; its own thread. NULL: not known.
    uint64_t (*stolen_ns)(const struct vcpu *vcpu);

    // Takes out of what a guest may have what this engine's host lacks. NULL: it has everything.
    void (*limit_isa)(struct riscv_isa *isa);

    // Guest instructions retired so far by this vCPU (approximate from other threads).
    uint64_t (*instret)(const struct vcpu *vcpu);

    // Fills in what the vCPU has done on this engine, and lines about the engine itself; approximate
    // from other threads. NULL: not known; there is nothing to say.
    void (*count)(const struct vcpu *vcpu, struct vcpu_counts *counts);
    void (*report)(const struct vm *vm, void (*print)(void *ctx, const char *line), void *ctx);

    // Has run() return VCPU_EXIT_LIMIT once that many instructions have retired (UINT64_MAX: no
    // limit), outside of guest code and after the first set_state. The interpreter stops exactly
    // there, before an interrupt or trap that comes next. When so many have retired already it
    // does one thing more: an instruction, or a trap or interrupt, which do not count. Translated
    // code stops where it can, at most some hundred instructions later, after one more at least.
    void (*set_limit)(struct vcpu *vcpu, uint64_t instret);
};

#endif
