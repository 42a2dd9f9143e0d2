// SPDX-License-Identifier: Apache-2.0
// The virtual machine: its life, its clock, and stopping all of its vCPUs.
#include <hull/vm.h>

#include "lib/checked.h"
#include "lib/mem.h"
#include "lib/ticks.h"

static void destroy_vcpus(struct vm *vm, unsigned count)
{
    while (count)
        vm->engine->vcpu_destroy(&vm->vcpus[--count]);
}

int hull_vm_init(struct vm *vm, const struct hull_env *env, const struct vm_owner *owner,
                 const struct engine_ops *engine, unsigned vcpu_count)
{
    if (!vcpu_count || vcpu_count > HULL_CPUS_MAX)
        return -HULL_EINVAL;
    memset(vm, 0, sizeof(*vm));
    vm->env = *env;
    vm->owner = *owner;
    vm->engine = engine;
    vm->vcpu_count = vcpu_count;
    if (!vm->env.timebase_hz)
        vm->env.timebase_hz = HULL_TIMEBASE_HZ;
    for (unsigned i = 0; i < vcpu_count; i++) {
        struct vcpu *vcpu = &vm->vcpus[i];

        vcpu->vm = vm;
        vcpu->index = i;
        atomic_store(&vcpu->place, VCPU_PARKED);
        int error = engine->vcpu_create(vcpu);
        if (error) {
            destroy_vcpus(vm, i);
            vm->vcpu_count = 0;
            return error;
        }
    }
    return 0;
}

// Devices go first: their wires lead into vCPUs.
void hull_vm_fini(struct vm *vm)
{
    hull_bus_destroy(&vm->bus);
    destroy_vcpus(vm, vm->vcpu_count);
    vm->vcpu_count = 0;
}

// The usual clock is spared a division by a variable.
static uint64_t host_ticks(const struct vm *vm, uint64_t now_ns)
{
    uint64_t hz = vm->env.timebase_hz;

    return hz == HULL_TIMEBASE_HZ ? now_ns / (HULL_NSEC_PER_SEC / HULL_TIMEBASE_HZ)
                                  : hull_ticks_of_ns(hz, now_ns);
}

uint64_t hull_vm_time(const struct vm *vm)
{
    return host_ticks(vm, vm->env.ops->now_ns(vm->env.ctx)) +
           atomic_load_explicit(&vm->time_offset, memory_order_relaxed);
}

// Guest time wraps as its register does; a deadline that the guest's clock has reached is now, one
// past the end of the host's clock is never.
uint64_t hull_vm_deadline_ns(const struct vm *vm, uint64_t ticks)
{
    uint64_t now_ns = vm->env.ops->now_ns(vm->env.ctx);
    uint64_t host = host_ticks(vm, now_ns), now = host + atomic_load(&vm->time_offset);

    if (ticks <= now)
        return now_ns;
    if (!hull_add_u64(host, ticks - now, &ticks))
        return HULL_TIME_NEVER;
    return hull_ns_of_ticks(vm->env.timebase_hz, ticks);
}

void hull_vm_request(struct vm *vm, enum vm_request what, int code)
{
    if (vm->owner.request)
        vm->owner.request(vm->owner.ctx, what, code);
}

// The flags are written before `attention`, and read after it was cleared: a vCPU that clears
// VCPU_ATTN_STOP sees why it was set.
static void stop_vcpus(struct vm *vm)
{
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        hull_vcpu_kick(&vm->vcpus[i], VCPU_ATTN_STOP);
}

void hull_vm_pause(struct vm *vm)
{
    atomic_store(&vm->pause_wanted, true);
    stop_vcpus(vm);
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        while (atomic_load(&vm->vcpus[i].place) != VCPU_PARKED)
            vm->env.ops->relax(vm->env.ctx);
}

void hull_vm_resume(struct vm *vm)
{
    atomic_store(&vm->pause_wanted, false);
    for (unsigned i = 0; i < vm->vcpu_count; i++)
        vm->env.ops->vcpu_wake(vm->env.ctx, &vm->vcpus[i]);
}

void hull_vm_end(struct vm *vm)
{
    atomic_store(&vm->ending, true);
    stop_vcpus(vm);
}

bool hull_vcpu_checkpoint(struct vcpu *vcpu)
{
    struct vm *vm = vcpu->vm;

    for (;;) {
        atomic_fetch_and(&vcpu->attention, ~(uint32_t)VCPU_ATTN_STOP);
        if (atomic_load(&vm->ending)) {
            atomic_store(&vcpu->place, VCPU_PARKED);
            return false;
        }
        if (atomic_load(&vm->pause_wanted)) {
            atomic_store(&vcpu->place, VCPU_PARKED);
            vm->env.ops->vcpu_wait(vm->env.ctx, vcpu);
            continue;
        }
        // hull_vm_pause() may have found this vCPU parked just before the store: look once more.
        atomic_store(&vcpu->place, VCPU_OUTSIDE);
        if (!atomic_load(&vm->pause_wanted))
            return true;
    }
}
