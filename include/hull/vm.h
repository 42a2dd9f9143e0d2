// SPDX-License-Identifier: Apache-2.0
// The virtual machine: everything that belongs to a guest hangs off `struct vm`.
#ifndef HULL_VM_H
#define HULL_VM_H

#include <stdatomic.h>

#include <hull/device.h>
#include <hull/engine.h>
#include <hull/env.h>
#include <hull/memory.h>
#include <hull/types.h>
#include <hull/vcpu.h>

#define HULL_TIMEBASE_HZ 10000000ull // mtime, time; unless the hardware has it otherwise

// What a guest can ask of whoever owns the VM.
enum vm_request {
    VM_REQUEST_POWEROFF, // the guest powered off; code 0
    VM_REQUEST_RESET,
    VM_REQUEST_FAIL, // the guest reports failure `code` (finisher, HTIF)
};

// Called by any thread, possibly with device locks held: it notes the request and returns.
struct vm_owner {
    void (*request)(void *ctx, enum vm_request what, int code);
    // An SBI call of hull/hypercall.h's extension, on the vCPU's thread, no lock held: what a0 gets
    // is returned, a1's is in *value. NULL: there are none here.
    int64_t (*hypercall)(void *ctx, struct vcpu *vcpu, const uint64_t args[8], uint64_t *value);
    void *ctx;
};

struct vm {
    struct hull_env env;
    struct vm_owner owner;
    const struct engine_ops *engine;
    void *engine_data;  // the engine's, for all vCPUs: made with the first, gone with the last one
    void *engine_watch; // who looks at what the engine makes of code, the owner's; NULL: nobody
    struct guest_memory memory;
    struct bus bus;
    unsigned vcpu_count;
    struct vcpu vcpus[HULL_CPUS_MAX];
    _Atomic uint64_t time_offset; // added to the host's clock, in ticks (mtime writes)
    _Atomic bool pause_wanted, ending;
    void *board; // the guest ISA's board (riscv: struct riscv_board)
};

// Prepares an empty VM in caller's memory: no memory, no devices; vCPUs are created with the
// engine. 0, -HULL_EINVAL, -HULL_ENOMEM or the engine's error (nothing is left behind then).
HULL_MUST_CHECK int hull_vm_init(struct vm *vm, const struct hull_env *env,
                                 const struct vm_owner *owner, const struct engine_ops *engine,
                                 unsigned vcpu_count);
// Destroys vCPUs and devices. All vCPU threads have ended; backends are still there.
void hull_vm_fini(struct vm *vm);

// Guest time in ticks of env.timebase_hz; the host's deadline for a guest time.
uint64_t hull_vm_time(const struct vm *vm);
uint64_t hull_vm_deadline_ns(const struct vm *vm, uint64_t ticks);

// Asks the owner; from any thread.
void hull_vm_request(struct vm *vm, enum vm_request what, int code);

// pause returns when every vCPU is parked; resume lets them go on; end makes their loops return.
// From a thread that is no vCPU, one at a time, holding no device lock.
void hull_vm_pause(struct vm *vm);
void hull_vm_resume(struct vm *vm);
void hull_vm_end(struct vm *vm);

// On the vCPU's thread, between runs: parks while the VM is paused. False: the VM is ending.
bool hull_vcpu_checkpoint(struct vcpu *vcpu);

#endif
