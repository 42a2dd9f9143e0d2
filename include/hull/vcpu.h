// SPDX-License-Identifier: Apache-2.0
// A virtual CPU as the core sees it: interrupt lines in, requests for attention, sleep and wake.
// What it executes is the engine's and the guest ISA's affair.
#ifndef HULL_VCPU_H
#define HULL_VCPU_H

#include <stdatomic.h>

#include <hull/env.h>
#include <hull/error.h>
#include <hull/msi.h>
#include <hull/types.h>

struct vm;

// Why a vCPU should look up from guest code. Set by any thread, cleared by the vCPU.
enum vcpu_attention {
    VCPU_ATTN_IRQ = 1 << 0,   // irq_lines changed
    VCPU_ATTN_TIMER = 1 << 1, // the hart's own timer may have come due
    VCPU_ATTN_FENCE = 1 << 2, // `fences` holds requests
    VCPU_ATTN_STOP = 1 << 3,  // leave engine_ops.run: the VM pauses, resets or ends
};

// Fences that other harts ask for; they cover everything on the target.
enum vcpu_fence { VCPU_FENCE_I = 1 << 0, VCPU_FENCE_VMA = 1 << 1 };

// Which kind of place the vCPU's thread is in.
enum vcpu_place {
    VCPU_PARKED,  // outside the run loop's work: paused or ended
    VCPU_OUTSIDE, // in our code (an exit, asleep): looks at `attention` before it enters the guest
    VCPU_IN_GUEST,
};

#define VCPU_EXIT_REASONS 4 // enum vcpu_exit_reason

// What a vCPU has done. Its own thread counts, and only off its fast paths.
struct vcpu_counts {
    uint64_t instret;         // guest instructions retired
    uint64_t exceptions;      // traps that the guest took, but for those that
    uint64_t interrupts;      // interrupts were
    uint64_t attentions;      // times that it left the guest because somebody asked for attention
    uint64_t data_misses;     // data accesses that the TLB did not answer
    uint64_t data_fills;      // of those, that entries were made for
    uint64_t code_fills;      // the same for fetches
    uint64_t device_accesses; // register accesses of devices
};

struct vcpu {
    struct vm *vm;
    unsigned index;
    _Atomic uint32_t attention; // enum vcpu_attention
    _Atomic uint32_t fences;    // enum vcpu_fence
    _Atomic uint32_t place;     // enum vcpu_place
    _Atomic uint64_t
        irq_lines;             // level of each wire into the hart; bit = the ISA's interrupt number
    struct msi_inbox *msis;    // MSIs on their way into the hart, the IMSIC's; NULL: it takes none
    void *engine_data;         // the engine's
    struct vcpu_counts before; // what it did on the engines that it had before
    _Atomic uint64_t exits[VCPU_EXIT_REASONS];
    void *guest_data; // the guest ISA's (riscv: struct riscv_vcpu)
    void *host_data;  // the environment's (its thread)
};

// Since the VM was made; approximate while the vCPU runs.
uint64_t hull_vcpu_instret(const struct vcpu *vcpu);
void hull_vcpu_count(const struct vcpu *vcpu, struct vcpu_counts *counts);

// Sets `attention` bits and wakes the vCPU if it sleeps. From any thread.
void hull_vcpu_kick(struct vcpu *vcpu, uint32_t attention);

// Drives wire `line` (0 to 63). From any thread.
void hull_vcpu_set_irq(struct vcpu *vcpu, unsigned line, bool level);

// Has `target` perform `fences` (enum vcpu_fence), and returns when it has, or is certain to before
// it executes another guest instruction. The caller is a vCPU outside guest code (or any other
// thread) that holds no lock.
void hull_vcpu_fence(struct vcpu *target, uint32_t fences);

// Bracket guest execution. enter returns false, and the vCPU stays outside, when attention is set.
bool hull_vcpu_enter_guest(struct vcpu *vcpu);
void hull_vcpu_leave_guest(struct vcpu *vcpu);

#endif
