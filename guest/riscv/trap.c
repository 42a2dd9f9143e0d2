// SPDX-License-Identifier: Apache-2.0
// Trap entry and return, and the instructions that mstatus and envcfg can forbid. Specification:
// Privileged ISA 1.13, "Machine Status Register", "Trap-Return Instructions"; CMO extensions.
#include "guest/riscv/trap.h"

#include "guest/riscv/counters.h"
#include "guest/riscv/csr.h"

#define XCAUSE_INTERRUPT (1ull << 63)
#define XTVEC_VECTORED 1ull

// `retired`: instructions that have counted in the old mode by now.
static void switch_mode(struct hart *hart, unsigned priv, uint64_t retired)
{
    hart->changed |= HART_CHANGED_MODE;
    if (hart->s.priv == priv)
        return;
    hart->s.priv = (uint8_t)priv;
    riscv_counters_mode_changed(hart, retired);
}

static uint64_t handler_address(uint64_t xtvec, uint64_t xcause)
{
    uint64_t base = xtvec & ~3ull;

    if ((xcause & XCAUSE_INTERRUPT) && (xtvec & XTVEC_VECTORED))
        base += 4 * (xcause & ~XCAUSE_INTERRUPT);
    return base;
}

static void enter_supervisor(struct hart *hart, uint64_t scause, uint64_t tval)
{
    struct hart_state *s = &hart->s;
    uint64_t mstatus = s->mstatus & ~(MSTATUS_SPIE | MSTATUS_SIE | MSTATUS_SPP);

    if (s->mstatus & MSTATUS_SIE)
        mstatus |= MSTATUS_SPIE;
    if (s->priv == PRIV_S)
        mstatus |= MSTATUS_SPP;
    s->mstatus = mstatus;
    s->sepc = s->pc;
    s->scause = scause;
    s->stval = tval;
    s->pc = handler_address(s->stvec, scause);
    switch_mode(hart, PRIV_S, hart->instret);
}

static void enter_machine(struct hart *hart, uint64_t mcause, uint64_t tval)
{
    struct hart_state *s = &hart->s;
    uint64_t mstatus = s->mstatus & ~(MSTATUS_MPIE | MSTATUS_MIE | MSTATUS_MPP);

    if (s->mstatus & MSTATUS_MIE)
        mstatus |= MSTATUS_MPIE;
    mstatus |= (uint64_t)s->priv << MSTATUS_MPP_SHIFT;
    s->mstatus = mstatus;
    s->mepc = s->pc;
    s->mcause = mcause;
    s->mtval = tval;
    s->pc = handler_address(s->mtvec, mcause);
    switch_mode(hart, PRIV_M, hart->instret);
}

static void enter(struct hart *hart, uint64_t xcause, uint64_t delegated, uint64_t tval)
{
    // A trap never goes to a less privileged mode; with Hull's SBI there is no M mode to go to.
    if (hart->sbi || (hart->s.priv != PRIV_M && (delegated >> (xcause & 63) & 1)))
        enter_supervisor(hart, xcause, tval);
    else
        enter_machine(hart, xcause, tval);
}

void riscv_trap(struct hart *hart, enum riscv_cause cause, uint64_t tval)
{
    enter(hart, cause, hart->s.medeleg, tval);
}

void riscv_take_interrupt(struct hart *hart, int irq)
{
    enter(hart, XCAUSE_INTERRUPT | (unsigned)irq, hart->s.mideleg, 0);
}

bool riscv_mret(struct hart *hart)
{
    struct hart_state *s = &hart->s;
    unsigned priv = (s->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
    uint64_t mstatus = s->mstatus & ~(MSTATUS_MIE | MSTATUS_MPP); // MPP: U, the least privileged

    if (s->priv != PRIV_M)
        return false;
    if (mstatus & MSTATUS_MPIE)
        mstatus |= MSTATUS_MIE;
    mstatus |= MSTATUS_MPIE;
    if (priv != PRIV_M)
        mstatus &= ~MSTATUS_MPRV;
    s->mstatus = mstatus;
    s->pc = s->mepc;
    hart->changed |= HART_CHANGED_IRQ;
    switch_mode(hart, priv, hart->instret + 1);
    return true;
}

bool riscv_sret(struct hart *hart)
{
    struct hart_state *s = &hart->s;
    unsigned priv = s->mstatus & MSTATUS_SPP ? PRIV_S : PRIV_U;
    uint64_t mstatus = s->mstatus & ~(MSTATUS_SIE | MSTATUS_SPP | MSTATUS_MPRV);

    if (s->priv == PRIV_U || (s->priv == PRIV_S && (s->mstatus & MSTATUS_TSR)))
        return false;
    if (mstatus & MSTATUS_SPIE)
        mstatus |= MSTATUS_SIE;
    mstatus |= MSTATUS_SPIE;
    s->mstatus = mstatus;
    s->pc = s->sepc;
    hart->changed |= HART_CHANGED_IRQ;
    switch_mode(hart, priv, hart->instret + 1);
    return true;
}

// The bounded time after which a wfi that may not wait traps is zero here. In U mode it always
// traps, as it must where S mode exists and it does not end within such a bound.
bool riscv_wfi_allowed(const struct hart *hart)
{
    return hart->s.priv == PRIV_M || (hart->s.priv == PRIV_S && !(hart->s.mstatus & MSTATUS_TW));
}

bool riscv_sfence_vma_allowed(const struct hart *hart)
{
    return hart->s.priv == PRIV_M || (hart->s.priv == PRIV_S && !(hart->s.mstatus & MSTATUS_TVM));
}

bool riscv_sfence_inval_allowed(const struct hart *hart)
{
    return hart->s.priv != PRIV_U;
}

// CBIE has two bits: 1 turns cbo.inval into a flush and 3 lets it be. Memory is coherent here, so
// that both do the same.
bool riscv_cbo_allowed(const struct hart *hart, enum riscv_cbo op)
{
    static const uint64_t enable[] = {[CBO_INVAL] = ENVCFG_CBIE,
                                      [CBO_CLEAN] = ENVCFG_CBCFE,
                                      [CBO_FLUSH] = ENVCFG_CBCFE,
                                      [CBO_ZERO] = ENVCFG_CBZE};

    if (hart->s.priv != PRIV_M && !(hart->s.menvcfg & enable[op]))
        return false;
    return hart->s.priv != PRIV_U || (hart->s.senvcfg & enable[op]);
}
