// SPDX-License-Identifier: Apache-2.0
// A hart's life: reset, and states that come and go whole.
#include "guest/riscv/hart.h"

#include "guest/riscv/aia.h"
#include "guest/riscv/counters.h"
#include "guest/riscv/csr_table.h"
#include "guest/riscv/imsic.h"
#include "guest/riscv/pmp.h"
#include "guest/riscv/trap.h"
#include "lib/mem.h"

#define CHANGED_ALL \
    (HART_CHANGED_FETCH | HART_CHANGED_MODE | HART_CHANGED_IRQ | HART_CHANGED_FENCE_I)
#define SCOUNTEREN_CY_TM_IR 7

static void stimer_fired(void *ctx)
{
    hull_vcpu_kick(ctx, VCPU_ATTN_TIMER);
}

void riscv_hart_init(struct hart *hart, struct vcpu *vcpu, const struct riscv_isa *isa, bool sbi)
{
    const struct hull_env *env = &vcpu->vm->env;

    memset(hart, 0, sizeof(*hart));
    hart->vcpu = vcpu;
    hart->isa = isa;
    hart->sbi = sbi;
    hart->engine_limit = UINT64_MAX;
    hart->stimer.fire = stimer_fired;
    hart->stimer.ctx = vcpu;
    env->ops->timer_init(env->ctx, &hart->stimer);
    riscv_hart_reset(&hart->s, isa, sbi, vcpu->index, 0, 0);
    riscv_hart_state_loaded(hart);
}

void riscv_hart_fini(struct hart *hart)
{
    const struct hull_env *env = &hart->vcpu->vm->env;

    env->ops->timer_destroy(env->ctx, &hart->stimer);
}

// All but the calls to the SBI.
static uint64_t delegated_to_kernel(const struct riscv_isa *isa)
{
    return riscv_medeleg_mask(isa) & ~(1ull << CAUSE_ECALL_S);
}

// What firmware would have set up before it entered an S-mode kernel.
static void reset_for_sbi(struct hart_state *s, const struct riscv_isa *isa)
{
    const uint64_t envcfg = ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE | MENVCFG_PBMTE | MENVCFG_STCE;

    s->priv = PRIV_S;
    s->medeleg = delegated_to_kernel(isa);
    s->mideleg = riscv_interrupts(isa, true) | riscv_h_interrupts(isa);
    s->mcounteren = 0xffffffff;
    s->scounteren = SCOUNTEREN_CY_TM_IR; // U mode reads the time in Linux's vDSO
    s->menvcfg = riscv_envcfg_legal(isa, envcfg, 0, envcfg);
}

// What the specification leaves open is zero; stimecmp and vstimecmp, with which nothing is due, are not.
void riscv_hart_reset(struct hart_state *s, const struct riscv_isa *isa, bool sbi, uint64_t hartid,
                      uint64_t pc, uint64_t arg)
{
    memset(s, 0, sizeof(*s));
    s->priv = PRIV_M;
    s->mstatus = MSTATUS_UXL_64 | MSTATUS_SXL_64;
    s->mhartid = hartid;
    s->pc = pc;
    s->x[10] = hartid;
    s->x[11] = arg;
    s->stimecmp = UINT64_MAX;
    s->vstimecmp = UINT64_MAX;
    s->mideleg = riscv_h_interrupts(isa);
    if (riscv_isa_has(isa, EXT_H)) {
        s->hstatus = HSTATUS_VSXL_64;
        s->vsstatus = MSTATUS_UXL_64;
    }
    s->reservation_addr = RISCV_RESERVATION_NONE;
    if (sbi)
        reset_for_sbi(s, isa);
}

void riscv_hart_state_save(struct hart *hart, struct hart_state *out)
{
    uint64_t lines = atomic_load(&hart->vcpu->irq_lines);

    riscv_counters_expire(hart);
    riscv_imsic_collect(hart);
    *out = hart->s;
    riscv_counters_save(hart, out);
    // SSIP belongs to the hart even where somebody else set it, see riscv_mip_change().
    out->mip |= lines & 1u << IRQ_S_SOFT;
}

struct csr_value {
    uint16_t csr;
    uint64_t value;
};

static void store_all(struct hart *hart, const struct csr_value *csrs, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        riscv_csr_store(hart, csrs[i].csr, csrs[i].value);
}

// CSRs whose fields are WARL, in an order in which the later ones find what they depend on.
static void store_csrs(struct hart *hart, const struct hart_state *in)
{
    const struct csr_value csrs[] = {
        {0x300, in->mstatus},    {0x302, in->medeleg},    {0x303, in->mideleg}, {0x305, in->mtvec},
        {0x306, in->mcounteren}, {0x30a, in->menvcfg},    {0x341, in->mepc},    {0x304, in->mie},
        {0x105, in->stvec},      {0x106, in->scounteren}, {0x10a, in->senvcfg}, {0x141, in->sepc},
        {0x180, in->satp},
    };
    const struct csr_value aia_csrs[] = {
        {0x350, in->miselect},
        {0x150, in->siselect},
        {0x308, in->mvien},
    };
    const struct csr_value aia_h_csrs[] = {
        {0x250, in->vsiselect}, {0x608, in->hvien},    {0x609, in->hvictl},
        {0x646, in->hviprio1},  {0x647, in->hviprio2},
    };
    const struct csr_value h_csrs[] = {
        {0x600, in->hstatus},  {0x602, in->hedeleg}, {0x603, in->hideleg}, {0x606, in->hcounteren},
        {0x607, in->hgeie},    {0x60a, in->henvcfg}, {0x645, in->hvip},    {0x680, in->hgatp},
        {0x200, in->vsstatus}, {0x205, in->vstvec},  {0x241, in->vsepc},   {0x280, in->vsatp},
    };

    store_all(hart, csrs, HULL_ARRAY_SIZE(csrs));
    if (riscv_isa_has(hart->isa, EXT_H))
        store_all(hart, h_csrs, HULL_ARRAY_SIZE(h_csrs));
    if (riscv_isa_has(hart->isa, EXT_SSAIA))
        store_all(hart, aia_csrs, HULL_ARRAY_SIZE(aia_csrs));
    if (riscv_isa_has(hart->isa, EXT_SSAIA) && riscv_isa_has(hart->isa, EXT_H))
        store_all(hart, aia_h_csrs, HULL_ARRAY_SIZE(aia_h_csrs));
}

// The registers of H: fields that have a writer start from their reset values, and without H none of
// them exists.
static void h_state_clear(struct hart_state *s, const struct riscv_isa *isa)
{
    bool h = riscv_isa_has(isa, EXT_H);

    s->hstatus = h ? HSTATUS_VSXL_64 : 0;
    s->vsstatus = h ? MSTATUS_UXL_64 : 0;
    s->hedeleg = s->hideleg = s->hgeie = s->henvcfg = s->hvip = s->hgatp = 0;
    s->vstvec = s->vsepc = s->vsatp = 0;
    if (h)
        return;
    s->virt = 0;
    s->htimedelta = s->hcounteren = s->htval = s->htinst = s->mtval2 = s->mtinst = 0;
    s->vsscratch = s->vscause = s->vstval = 0;
}

// Rebuilds hart->s from itself on top of a reset state, letting through only what a guest could
// have written.
static void state_legalise(struct hart *hart)
{
    const struct hart_state in = hart->s;
    const uint64_t mip = riscv_interrupts(hart->isa, true);
    struct hart_state *s = &hart->s;

    s->x[0] = 0;
    s->pc = riscv_epc_legal(hart->isa, in.pc);
    s->priv = in.priv == PRIV_U || in.priv == PRIV_S ? in.priv : PRIV_M;
    if (hart->sbi && s->priv == PRIV_M)
        s->priv = PRIV_S;
    s->virt = in.virt == 1 && s->priv != PRIV_M;
    s->fflags = in.fflags & 0x1f;
    s->frm = in.frm & 7;
    s->mstatus = MSTATUS_UXL_64 | MSTATUS_SXL_64;
    s->menvcfg = s->senvcfg = s->mtvec = s->stvec = s->satp = s->mseccfg = s->scountinhibit = 0;
    h_state_clear(s, hart->isa);
    s->miselect = s->siselect = s->vsiselect = s->mvien = s->hvien = s->hvictl = 0;
    s->hviprio1 = s->hviprio2 = 0;
    store_csrs(hart, &in);
    if (hart->sbi) {
        s->medeleg = delegated_to_kernel(hart->isa);
        s->mideleg = mip | riscv_h_interrupts(hart->isa);
        s->mie &= s->mideleg;
    }
    s->mip = in.mip & mip;
    riscv_aia_state_legalise(hart, &in);
    for (unsigned i = 0; i < RISCV_PMP_ENTRIES; i++) {
        s->pmpcfg[i] = riscv_pmpcfg_legal(in.pmpcfg[i]);
        s->pmpaddr[i] = riscv_pmpaddr_legal(in.pmpaddr[i]);
    }
}

void riscv_hart_state_loaded(struct hart *hart)
{
    state_legalise(hart);
    riscv_counters_load(hart);
    riscv_pmp_derive(hart);
    riscv_stimer_update(hart);
    hart->changed = CHANGED_ALL;
}
