// SPDX-License-Identifier: Apache-2.0
// A vCPU's interrupts and its time, and what others ask of it while it may be in its guest.
#include "guest/riscv/csr.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/timers.h"
#include "metal/common/vm.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/hext_parts.h"

static bool timer_due(const struct hext *x)
{
    return arch_time() + atomic_load(&x->vcpu->vm->time_offset) >= x->stimecmp;
}

// Without Sstc the hypervisor's timer is the guest's; with it, only while the vCPU is off its hart.
void hext_timer_watch(struct hext *x)
{
    const struct vm *vm = x->vcpu->vm;
    uint64_t deadline = HULL_TIME_NEVER;

    // One that is due already fires at once: it may have become so since somebody looked.
    if (x->stimecmp != UINT64_MAX) {
        deadline = x->stimecmp - atomic_load(&vm->time_offset);
        if (deadline > HULL_TIME_NEVER / 2)
            deadline = HULL_TIME_NEVER;
    }
    timers_arm(&x->timer, deadline);
}

// A vCPU that has this very hart, in its guest or in an exit, has the interrupt put there at once.
void hext_timer_fired(void *ctx)
{
    struct vcpu *vcpu = ctx;
    struct metal_vcpu *mine = vcpu->host_data;
    struct hext *x = hext_of(vcpu);

    if (hext_guest_has_sstc() || this_hart()->current != &mine->thread || !x->loaded)
        hull_vcpu_kick(vcpu, VCPU_ATTN_TIMER);
    else if (timer_due(x))
        hext_hvip_change(x, HW_HVIP_VSTIP, 0);
    else
        hext_timer_watch(x);
}

// A guest interrupt file speaks for itself (hstatus.VGEIN).
static bool external_pending(struct hext *x)
{
    if (x->vcpu->msis)
        return hext_imsic_update(x);
    return atomic_load_explicit(&x->vcpu->irq_lines, memory_order_acquire) >> IRQ_S_EXT & 1;
}

void hext_take_interrupts(struct hext *x)
{
    if (atomic_exchange_explicit(&x->ssip_raised, false, memory_order_acquire))
        hext_hvip_change(x, HW_HVIP_VSSIP, 0);
    if (external_pending(x))
        hext_hvip_change(x, HW_HVIP_VSEIP, 0);
    else
        hext_hvip_change(x, 0, HW_HVIP_VSEIP);
    if (!hext_guest_has_sstc() && timer_due(x))
        hext_hvip_change(x, HW_HVIP_VSTIP, 0);
}

bool hext_wakeup_pending(struct vcpu *vcpu)
{
    struct hext *x = hext_of(vcpu);
    uint64_t pending;

    hext_imsic_bring(x);
    atomic_store_explicit(&x->file.told, false, memory_order_relaxed);
    hext_take_interrupts(x);
    if (x->loaded)
        return csr_read(HW_HIP) & csr_read(HW_HIE) & HW_HVIP_ALL;
    pending = x->hvip;
    if (hext_guest_has_sstc() && timer_due(x))
        pending |= HW_HVIP_VSTIP;
    if (x->file.hart && hext_imsic_pending(x))
        pending |= HW_HVIP_VSEIP;
    return pending & x->vsie << 1;
}

void hext_sleep(struct vcpu *vcpu)
{
    struct hext *x = hext_of(vcpu);

    hext_imsic_sleep(x);
    if (!hext_guest_has_sstc())
        return;
    if (x->loaded)
        x->stimecmp = csr_read(HW_VSTIMECMP);
    if ((x->loaded ? csr_read(HW_VSIE) : x->vsie) & 1u << IRQ_S_TIMER)
        hext_timer_watch(x);
}

void hext_awake(struct vcpu *vcpu)
{
    hext_imsic_awake(hext_of(vcpu));
}

void hext_set_timer(struct vcpu *vcpu, uint64_t ticks)
{
    struct hext *x = hext_of(vcpu);

    x->stimecmp = ticks;
    if (hext_guest_has_sstc()) {
        if (x->loaded)
            csr_write(HW_VSTIMECMP, ticks);
        return;
    }
    hext_hvip_change(x, 0, HW_HVIP_VSTIP);
    if (timer_due(x))
        hext_hvip_change(x, HW_HVIP_VSTIP, 0);
    else
        hext_timer_watch(x);
}

void hext_raise_ssip(struct vcpu *vcpu)
{
    atomic_store_explicit(&hext_of(vcpu)->ssip_raised, true, memory_order_release);
    hull_vcpu_kick(vcpu, VCPU_ATTN_IRQ);
}

// True: run() must return.
bool hext_serve_attention(struct hext *x)
{
    struct vcpu *vcpu = x->vcpu;
    uint32_t attention = atomic_exchange(&vcpu->attention, 0);

    if (attention & VCPU_ATTN_FENCE) {
        uint32_t fences = atomic_exchange(&vcpu->fences, 0);

        if (fences & VCPU_FENCE_I)
            fence_i();
        if ((fences & VCPU_FENCE_VMA) && x->loaded)
            hfence_vvma_all();
        else if (fences & VCPU_FENCE_VMA)
            x->fence_vma = true;
    }
    if ((attention & VCPU_ATTN_TIMER) && x->loaded && hext_guest_has_sstc())
        x->stimecmp = csr_read(HW_VSTIMECMP); // for those who look for signs of life
    if (attention & (VCPU_ATTN_IRQ | VCPU_ATTN_TIMER))
        hext_take_interrupts(x);
    if ((attention & VCPU_ATTN_TIMER) && !hext_guest_has_sstc() && !timer_due(x))
        hext_timer_watch(x);
    return attention & VCPU_ATTN_STOP;
}
