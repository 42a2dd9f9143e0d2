// SPDX-License-Identifier: Apache-2.0
// Trap entry and return. Specification: Privileged ISA 1.13, "Machine Status Register",
// "Trap-Return Instructions", and "Traps" of the hypervisor extension.
#include "guest/riscv/trap.h"

#include "guest/riscv/counters.h"
#include "guest/riscv/csr.h"

#define XCAUSE_INTERRUPT (1ull << 63)
#define XTVEC_VECTORED 1ull

// What a trap is about, beyond the hart's state.
struct trap {
    uint64_t cause; // as xcause has it
    uint64_t tval;
    uint64_t tval2; // mtval2, htval
    uint32_t tinst; // mtinst, htinst
    bool gva;       // tval is a guest virtual address
};

// `retired`: instructions that have counted in the old mode by now.
static void switch_mode(struct hart *hart, unsigned priv, bool virt, uint64_t retired)
{
    hart->changed |= HART_CHANGED_MODE;
    if (hart->s.priv == priv && hart->s.virt == virt)
        return;
    hart->s.priv = (uint8_t)priv;
    hart->s.virt = virt;
    riscv_counters_mode_changed(hart, retired);
}

static uint64_t handler_address(uint64_t xtvec, uint64_t xcause)
{
    uint64_t base = xtvec & ~3ull;

    if ((xcause & XCAUSE_INTERRUPT) && (xtvec & XTVEC_VECTORED))
        base += 4 * (xcause & ~XCAUSE_INTERRUPT);
    return base;
}

// mstatus or vsstatus after a trap from `priv` into the S mode that it belongs to.
static uint64_t status_on_entry(uint64_t status, unsigned priv)
{
    uint64_t entered = status & ~(MSTATUS_SPIE | MSTATUS_SIE | MSTATUS_SPP);

    if (status & MSTATUS_SIE)
        entered |= MSTATUS_SPIE;
    if (priv == PRIV_S)
        entered |= MSTATUS_SPP;
    return entered;
}

static void enter_virtual_supervisor(struct hart *hart, const struct trap *trap, uint64_t vscause)
{
    struct hart_state *s = &hart->s;

    s->vsstatus = status_on_entry(s->vsstatus, s->priv);
    s->vsepc = s->pc;
    s->vscause = vscause;
    s->vstval = trap->tval;
    s->pc = handler_address(s->vstvec, vscause);
    switch_mode(hart, PRIV_S, true, hart->instret);
}

// Harts without H have no use for these registers, which then read as zero or not at all.
static void enter_hypervisor(struct hart_state *s, const struct trap *trap)
{
    s->hstatus &= ~(HSTATUS_SPV | HSTATUS_GVA);
    if (s->virt) {
        s->hstatus = (s->hstatus & ~HSTATUS_SPVP) | HSTATUS_SPV;
        if (s->priv == PRIV_S)
            s->hstatus |= HSTATUS_SPVP;
    }
    if (trap->gva)
        s->hstatus |= HSTATUS_GVA;
    s->htval = trap->tval2;
    s->htinst = trap->tinst;
}

static void enter_supervisor(struct hart *hart, const struct trap *trap)
{
    struct hart_state *s = &hart->s;

    enter_hypervisor(s, trap);
    s->mstatus = status_on_entry(s->mstatus, s->priv);
    s->sepc = s->pc;
    s->scause = trap->cause;
    s->stval = trap->tval;
    s->pc = handler_address(s->stvec, trap->cause);
    switch_mode(hart, PRIV_S, false, hart->instret);
}

static void enter_machine(struct hart *hart, const struct trap *trap)
{
    struct hart_state *s = &hart->s;
    uint64_t mstatus =
        s->mstatus & ~(MSTATUS_MPIE | MSTATUS_MIE | MSTATUS_MPP | MSTATUS_MPV | MSTATUS_GVA);

    if (s->mstatus & MSTATUS_MIE)
        mstatus |= MSTATUS_MPIE;
    mstatus |= (uint64_t)s->priv << MSTATUS_MPP_SHIFT;
    if (s->virt)
        mstatus |= MSTATUS_MPV;
    if (trap->gva)
        mstatus |= MSTATUS_GVA;
    s->mstatus = mstatus;
    s->mepc = s->pc;
    s->mcause = trap->cause;
    s->mtval = trap->tval;
    s->mtval2 = trap->tval2;
    s->mtinst = trap->tinst;
    s->pc = handler_address(s->mtvec, trap->cause);
    switch_mode(hart, PRIV_M, false, hart->instret);
}

// `delegated`, `again`: medeleg and hedeleg, or mideleg and hideleg.
static void enter(struct hart *hart, const struct trap *trap, uint64_t delegated, uint64_t again)
{
    unsigned bit = trap->cause & 63;

    // A trap never goes to a less privileged mode; with Hull's SBI there is no M mode to go to.
    if (!hart->sbi && (hart->s.priv == PRIV_M || !(delegated >> bit & 1)))
        enter_machine(hart, trap);
    else if (hart->s.virt && (again >> bit & 1)) // VS mode sees the supervisor's numbers
        enter_virtual_supervisor(hart, trap, trap->cause - !!(trap->cause & XCAUSE_INTERRUPT));
    else
        enter_supervisor(hart, trap);
}

static bool is_guest_page_fault(enum riscv_cause cause)
{
    return cause == CAUSE_FETCH_GUEST_PAGE_FAULT || cause == CAUSE_LOAD_GUEST_PAGE_FAULT ||
           cause == CAUSE_STORE_GUEST_PAGE_FAULT;
}

static void enter_exception(struct hart *hart, struct trap *trap)
{
    if (is_guest_page_fault((enum riscv_cause)trap->cause)) {
        trap->tval2 = hart->guest_fault.gpa >> 2;
        if (hart->guest_fault.implicit)
            trap->tinst = hart->guest_fault.implicit;
    }
    hart->exceptions++;
    enter(hart, trap, hart->s.medeleg, hart->s.hedeleg);
}

void riscv_trap(struct hart *hart, enum riscv_cause cause, uint64_t tval)
{
    bool address = cause == CAUSE_MISALIGNED_FETCH || cause == CAUSE_FETCH_ACCESS ||
                   cause == CAUSE_BREAKPOINT || cause == CAUSE_FETCH_PAGE_FAULT ||
                   cause == CAUSE_FETCH_GUEST_PAGE_FAULT;
    struct trap trap = {.cause = cause, .tval = tval, .gva = hart->s.virt && address};

    enter_exception(hart, &trap);
}

void riscv_trap_access(struct hart *hart, enum riscv_cause cause, gva_t va, bool virt,
                       uint32_t tinst)
{
    struct trap trap = {.cause = cause, .tval = va, .gva = virt, .tinst = tinst};

    enter_exception(hart, &trap);
}

void riscv_take_interrupt(struct hart *hart, int irq)
{
    struct trap trap = {.cause = XCAUSE_INTERRUPT | ((unsigned)irq & 63)};

    hart->interrupts++;
    if (irq & RISCV_IRQ_TO_VS)
        enter_virtual_supervisor(hart, &trap, trap.cause);
    else if (irq & RISCV_IRQ_TO_S)
        enter_supervisor(hart, &trap);
    else
        enter(hart, &trap, hart->s.mideleg, hart->s.hideleg);
}

int riscv_mret(struct hart *hart)
{
    struct hart_state *s = &hart->s;
    unsigned priv = (s->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
    bool virt = priv != PRIV_M && (s->mstatus & MSTATUS_MPV);
    // MPP: U, the least privileged.
    uint64_t mstatus = s->mstatus & ~(MSTATUS_MIE | MSTATUS_MPP | MSTATUS_MPV);

    if (s->priv != PRIV_M)
        return CAUSE_ILLEGAL_INSTRUCTION;
    if (mstatus & MSTATUS_MPIE)
        mstatus |= MSTATUS_MIE;
    mstatus |= MSTATUS_MPIE;
    if (priv != PRIV_M)
        mstatus &= ~MSTATUS_MPRV;
    s->mstatus = mstatus;
    s->pc = s->mepc;
    hart->changed |= HART_CHANGED_IRQ;
    switch_mode(hart, priv, virt, hart->instret + 1);
    return 0;
}

// mstatus or vsstatus after an sret.
static uint64_t status_on_sret(uint64_t status)
{
    uint64_t left = status & ~(MSTATUS_SIE | MSTATUS_SPP);

    if (left & MSTATUS_SPIE)
        left |= MSTATUS_SIE;
    return left | MSTATUS_SPIE;
}

static void sret_from_guest(struct hart *hart)
{
    struct hart_state *s = &hart->s;
    unsigned priv = s->vsstatus & MSTATUS_SPP ? PRIV_S : PRIV_U;

    s->vsstatus = status_on_sret(s->vsstatus);
    s->pc = s->vsepc;
    switch_mode(hart, priv, true, hart->instret + 1);
}

int riscv_sret(struct hart *hart)
{
    struct hart_state *s = &hart->s;
    unsigned priv = s->mstatus & MSTATUS_SPP ? PRIV_S : PRIV_U;
    bool virt = s->hstatus & HSTATUS_SPV;

    if (s->virt && (s->priv == PRIV_U || (s->hstatus & HSTATUS_VTSR)))
        return CAUSE_VIRTUAL_INSTRUCTION;
    if (!s->virt && (s->priv == PRIV_U || (s->priv == PRIV_S && (s->mstatus & MSTATUS_TSR))))
        return CAUSE_ILLEGAL_INSTRUCTION;
    hart->changed |= HART_CHANGED_IRQ;
    if (s->virt) {
        sret_from_guest(hart);
        return 0;
    }
    s->mstatus = status_on_sret(s->mstatus) & ~MSTATUS_MPRV;
    s->hstatus &= ~HSTATUS_SPV;
    s->pc = s->sepc;
    switch_mode(hart, priv, virt, hart->instret + 1);
    return 0;
}
