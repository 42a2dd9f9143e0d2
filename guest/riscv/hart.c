// SPDX-License-Identifier: Apache-2.0
// A hart's life: reset, and states that come and go whole.
#include "guest/riscv/hart.h"

#include "guest/riscv/counters.h"
#include "guest/riscv/csr_table.h"
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

// What firmware would have set up before it entered an S-mode kernel.
static void reset_for_sbi(struct hart_state *s, const struct riscv_isa *isa)
{
    const uint64_t envcfg = ENVCFG_CBIE | ENVCFG_CBCFE | ENVCFG_CBZE | MENVCFG_PBMTE | MENVCFG_STCE;

    s->priv = PRIV_S;
    s->medeleg = RISCV_MEDELEG_MASK & ~(1ull << CAUSE_ECALL_S);
    s->mideleg = riscv_interrupts(isa, true);
    s->mcounteren = 0xffffffff;
    s->scounteren = SCOUNTEREN_CY_TM_IR; // U mode reads the time in Linux's vDSO
    s->menvcfg = riscv_envcfg_legal(isa, envcfg, 0, envcfg);
}

// What the specification leaves open is zero; stimecmp, with which nothing is due, is not.
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
    s->reservation_addr = RISCV_RESERVATION_NONE;
    if (sbi)
        reset_for_sbi(s, isa);
}

void riscv_hart_state_save(struct hart *hart, struct hart_state *out)
{
    uint64_t lines = atomic_load(&hart->vcpu->irq_lines);

    riscv_counters_expire(hart);
    *out = hart->s;
    riscv_counters_save(hart, out);
    // SSIP belongs to the hart even where somebody else set it, see riscv_mip_change().
    out->mip |= lines & 1u << IRQ_S_SOFT;
}

// CSRs whose fields are WARL, in an order in which the later ones find what they depend on.
static void store_csrs(struct hart *hart, const struct hart_state *in)
{
    const struct {
        uint16_t csr;
        uint64_t value;
    } csrs[] = {
        {0x300, in->mstatus},    {0x302, in->medeleg},    {0x303, in->mideleg}, {0x305, in->mtvec},
        {0x306, in->mcounteren}, {0x30a, in->menvcfg},    {0x341, in->mepc},    {0x304, in->mie},
        {0x105, in->stvec},      {0x106, in->scounteren}, {0x10a, in->senvcfg}, {0x141, in->sepc},
        {0x180, in->satp},
    };

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(csrs); i++)
        riscv_csr_store(hart, csrs[i].csr, csrs[i].value);
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
    s->fflags = in.fflags & 0x1f;
    s->frm = in.frm & 7;
    s->mstatus = MSTATUS_UXL_64 | MSTATUS_SXL_64;
    s->menvcfg = s->senvcfg = s->mtvec = s->stvec = s->satp = s->mseccfg = s->scountinhibit = 0;
    store_csrs(hart, &in);
    if (hart->sbi) {
        s->medeleg = RISCV_MEDELEG_MASK & ~(1ull << CAUSE_ECALL_S);
        s->mideleg = mip;
        s->mie &= mip;
    }
    s->mip = in.mip & mip;
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
