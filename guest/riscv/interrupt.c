// SPDX-License-Identifier: Apache-2.0
// Which interrupts are pending and which of them is taken: wires, software bits, Sstc's timers, counter
// overflows, and what is pending for VS mode. Specification: Privileged ISA 1.13, "Machine Interrupt
// Registers", "Hypervisor Interrupt Registers"; Sstc.
#include "guest/riscv/aia.h"
#include "guest/riscv/counters.h"
#include "guest/riscv/csr_table.h"
#include "guest/riscv/imsic.h"
#include "guest/riscv/trap.h"

#define MIP_SSIP (1ull << IRQ_S_SOFT)
#define MIP_STIP (1ull << IRQ_S_TIMER)
#define MIP_SEIP (1ull << IRQ_S_EXT)
#define MIP_LCOFIP (1ull << IRQ_LCOF)
#define MIP_VSSIP (1ull << IRQ_VS_SOFT)
#define MIP_VSTIP (1ull << IRQ_VS_TIMER)
#define MIP_VSEIP (1ull << IRQ_VS_EXT)
#define MIP_SGEIP (1ull << IRQ_S_GUEST_EXT)

// With STCE, STIP is the comparator and nothing else: neither software nor a wire drives it. The SBI's
// set_timer writes the comparator too, on harts without Sstc as well.
static bool stimer_drives_stip(const struct hart *hart)
{
    return hart->sbi || (hart->s.menvcfg & MENVCFG_STCE);
}

bool riscv_stip_writable(const struct hart *hart)
{
    return !stimer_drives_stip(hart);
}

// VSTIP has a comparator next to hvip.VSTIP where menvcfg and henvcfg agree.
static bool vstimer_drives_vstip(const struct hart *hart)
{
    return riscv_henvcfg(&hart->s) & MENVCFG_STCE;
}

static uint64_t guest_time(const struct hart *hart)
{
    return hull_vm_time(hart->vcpu->vm) + hart->s.htimedelta;
}

// The bits of mip that belong to the hypervisor extension.
static uint64_t h_pending_among(struct hart *hart, uint64_t wanted)
{
    uint64_t externals = atomic_load_explicit(&hart->hgeip, memory_order_acquire);
    unsigned vgein = (hart->s.hstatus & HSTATUS_VGEIN) >> HSTATUS_VGEIN_SHIFT;
    uint64_t pending = hart->s.hvip & RISCV_VS_INTERRUPTS;

    if (vgein && (externals >> vgein & 1))
        pending |= MIP_VSEIP;
    if (externals & hart->s.hgeie)
        pending |= MIP_SGEIP;
    if ((wanted & MIP_VSTIP) && vstimer_drives_vstip(hart) && guest_time(hart) >= hart->s.vstimecmp)
        pending |= MIP_VSTIP;
    return pending;
}

// mip; bits outside of `wanted` may be missing, which spares looking at the clock.
static uint64_t pending_among(struct hart *hart, uint64_t wanted)
{
    uint64_t lines = atomic_load_explicit(&hart->vcpu->irq_lines, memory_order_acquire);
    uint64_t mip;

    riscv_counters_expire(hart);
    riscv_imsic_collect(hart);
    mip = (hart->s.mip & ~(hart->s.mvien & MIP_SEIP)) | hart->imsic_mip |
          (lines & riscv_interrupts(hart->isa, false));
    mip |= h_pending_among(hart, wanted);
    if (!stimer_drives_stip(hart))
        return mip;
    mip &= ~MIP_STIP;
    if ((wanted & MIP_STIP) && hull_vm_time(hart->vcpu->vm) >= hart->s.stimecmp)
        mip |= MIP_STIP;
    return mip;
}

uint64_t riscv_mip(struct hart *hart)
{
    return pending_among(hart, ~0ull);
}

// SSIP is also a wire that other harts and devices pull (an edge: whoever sets it does not take it
// back), so that clearing the bit clears the wire.
void riscv_mip_change(struct hart *hart, bool supervisor, uint64_t bits, uint64_t value)
{
    uint64_t writable = MIP_SSIP, own;
    uint64_t virtual = supervisor ? 0 : bits & riscv_h_interrupts(hart->isa) & MIP_VSSIP;

    if (riscv_isa_has(hart->isa, EXT_SSCOFPMF))
        writable |= MIP_LCOFIP;
    if (supervisor)
        writable &= hart->s.mideleg;
    else
        writable |=
            (hart->s.mvien & MIP_SEIP ? 0 : MIP_SEIP) | (stimer_drives_stip(hart) ? 0 : MIP_STIP);
    // What mvien makes virtual is mvip's.
    own = supervisor ? bits & hart->s.mvien & ~hart->s.mideleg & ~MIP_SEIP : 0;
    bits &= writable;
    riscv_counters_expire(hart); // an overflow before this write must not undo it
    hart->s.mip = (hart->s.mip & ~bits) | (value & bits);
    hart->s.hvip = (hart->s.hvip & ~virtual) | (value & virtual);
    hart->s.mvip = (hart->s.mvip & ~own) | (value & own);
    if (bits & ~value & MIP_SSIP)
        atomic_fetch_and(&hart->vcpu->irq_lines, ~MIP_SSIP);
    hart->changed |= HART_CHANGED_IRQ;
}

// When, in the VM's time, a comparator that has not been reached yet will be; UINT64_MAX: never.
static uint64_t time_reached(uint64_t now, uint64_t delta, uint64_t compare)
{
    uint64_t wait = compare - (now + delta);

    if (compare == UINT64_MAX || now + delta >= compare || now + wait < now)
        return UINT64_MAX;
    return now + wait;
}

void riscv_stimer_update(struct hart *hart)
{
    const struct hull_env *env = &hart->vcpu->vm->env;
    uint64_t now = hull_vm_time(hart->vcpu->vm), first = UINT64_MAX, deadline = HULL_TIME_NEVER;

    if (stimer_drives_stip(hart))
        first = time_reached(now, 0, hart->s.stimecmp);
    if (vstimer_drives_vstip(hart)) {
        uint64_t guest = time_reached(now, hart->s.htimedelta, hart->s.vstimecmp);

        first = guest < first ? guest : first;
    }
    hart->stimer_due = first;
    if (first != UINT64_MAX)
        deadline = hull_vm_deadline_ns(hart->vcpu->vm, first);
    env->ops->timer_arm(env->ctx, &hart->stimer, deadline);
}

// A hart in VS or VU mode is below HS mode, whose SIE then means nothing.
static bool interrupts_enabled(const struct hart *hart, enum riscv_priv target)
{
    if (target == PRIV_S && hart->s.virt)
        return true;
    if (hart->s.priv != target)
        return hart->s.priv < target;
    return hart->s.mstatus & (target == PRIV_M ? MSTATUS_MIE : MSTATUS_SIE);
}

static bool guest_interrupts_enabled(const struct hart *hart)
{
    return hart->s.virt && (hart->s.priv == PRIV_U || (hart->s.vsstatus & MSTATUS_SIE));
}

static int aia_pending_interrupt(struct hart *hart)
{
    uint64_t mip = pending_among(hart, hart->s.mie), topi;

    if (interrupts_enabled(hart, PRIV_M) && (topi = riscv_aia_mtopi(hart, mip)))
        return riscv_aia_iid(topi);
    if (interrupts_enabled(hart, PRIV_S) && (topi = riscv_aia_stopi(hart, mip)))
        return riscv_aia_iid(topi) | RISCV_IRQ_TO_S;
    if (guest_interrupts_enabled(hart) && (topi = riscv_aia_vstopi(hart, mip)))
        return riscv_aia_iid(topi) | RISCV_IRQ_TO_VS;
    return -1;
}

int riscv_pending_interrupt(struct hart *hart)
{
    static const uint8_t priority[] = {IRQ_M_EXT,   IRQ_M_SOFT,   IRQ_M_TIMER,     IRQ_S_EXT,
                                       IRQ_S_SOFT,  IRQ_S_TIMER,  IRQ_S_GUEST_EXT, IRQ_VS_EXT,
                                       IRQ_VS_SOFT, IRQ_VS_TIMER, IRQ_LCOF};
    uint64_t pending, taken = 0;

    if (riscv_isa_has(hart->isa, EXT_SSAIA))
        return aia_pending_interrupt(hart);
    pending = pending_among(hart, hart->s.mie) & hart->s.mie;
    if (!pending)
        return -1;
    if (interrupts_enabled(hart, PRIV_M))
        taken = pending & ~hart->s.mideleg;
    if (!taken && interrupts_enabled(hart, PRIV_S))
        taken = pending & hart->s.mideleg & ~hart->s.hideleg;
    if (!taken && guest_interrupts_enabled(hart))
        taken = pending & hart->s.hideleg;
    for (unsigned i = 0; taken && i < HULL_ARRAY_SIZE(priority); i++)
        if (taken >> priority[i] & 1)
            return priority[i];
    return -1;
}

bool riscv_wfi_wakes(struct hart *hart)
{
    uint64_t mip = pending_among(hart, hart->s.mie);

    if (mip & hart->s.mie)
        return true;
    return riscv_isa_has(hart->isa, EXT_SSAIA) &&
           (riscv_aia_ready_s(hart, mip) || riscv_aia_vstopi(hart, mip));
}
