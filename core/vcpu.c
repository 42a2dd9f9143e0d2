// SPDX-License-Identifier: Apache-2.0
// Reaching a vCPU from other threads. Everything here rests on one pattern (Dekker's): the vCPU
// publishes its place and then looks at `attention`; everybody else sets `attention` and then looks at
// the place. Both sides are sequentially consistent, so at least one of them sees the other.
#include <hull/vcpu.h>

#include <hull/vm.h>

static void vcpu_wake(struct vcpu *vcpu)
{
    const struct hull_env *env = &vcpu->vm->env;

    env->ops->vcpu_wake(env->ctx, vcpu);
}

uint64_t hull_vcpu_instret(const struct vcpu *vcpu)
{
    return vcpu->before.instret + vcpu->vm->engine->instret(vcpu);
}

void hull_vcpu_count(const struct vcpu *vcpu, struct vcpu_counts *counts)
{
    const struct vcpu_counts *before = &vcpu->before;
    struct vcpu_counts now = {0};

    if (vcpu->vm->engine->count)
        vcpu->vm->engine->count(vcpu, &now);
    *counts = (struct vcpu_counts){
        .instret = hull_vcpu_instret(vcpu),
        .exceptions = before->exceptions + now.exceptions,
        .interrupts = before->interrupts + now.interrupts,
        .attentions = before->attentions + now.attentions,
        .data_misses = before->data_misses + now.data_misses,
        .data_fills = before->data_fills + now.data_fills,
        .code_fills = before->code_fills + now.code_fills,
        .device_accesses = before->device_accesses + now.device_accesses,
    };
}

void hull_vcpu_kick(struct vcpu *vcpu, uint32_t attention)
{
    atomic_fetch_or(&vcpu->attention, attention);
    // A vCPU in the guest sees `attention`, if need be by its engine's kick, and on its way to sleep it
    // stores its place before it looks: a wake-up would find nobody.
    if (atomic_load(&vcpu->place) != VCPU_IN_GUEST)
        vcpu_wake(vcpu);
    else if (vcpu->vm->engine->kick)
        vcpu->vm->engine->kick(vcpu);
}

void hull_vcpu_set_irq(struct vcpu *vcpu, unsigned line, bool level)
{
    uint64_t bit = 1ull << line, before;

    if (level)
        before = atomic_fetch_or(&vcpu->irq_lines, bit);
    else
        before = atomic_fetch_and(&vcpu->irq_lines, ~bit);
    if (!!(before & bit) != level)
        hull_vcpu_kick(vcpu, VCPU_ATTN_IRQ);
}

// A sleeping target need not wake up for a fence: it looks at `attention` before its next
// instruction.
void hull_vcpu_fence(struct vcpu *target, uint32_t fences)
{
    const struct hull_env *env = &target->vm->env;

    atomic_fetch_or(&target->fences, fences);
    atomic_fetch_or(&target->attention, VCPU_ATTN_FENCE);
    if (target->vm->engine->kick && atomic_load(&target->place) == VCPU_IN_GUEST)
        target->vm->engine->kick(target);
    while (atomic_load(&target->place) == VCPU_IN_GUEST && atomic_load(&target->fences) & fences)
        env->ops->relax(env->ctx);
}

bool hull_vcpu_enter_guest(struct vcpu *vcpu)
{
    atomic_store(&vcpu->place, VCPU_IN_GUEST);
    if (!atomic_load(&vcpu->attention))
        return true;
    atomic_store(&vcpu->place, VCPU_OUTSIDE);
    return false;
}

void hull_vcpu_leave_guest(struct vcpu *vcpu)
{
    atomic_store(&vcpu->place, VCPU_OUTSIDE);
}
