// SPDX-License-Identifier: Apache-2.0
// The engine: what the harts can do, vCPUs' beginning and end.
#include "guest/riscv/csr.h"
#include "metal/common/machine.h"
#include "metal/common/timers.h"
#include "metal/common/vm.h"
#include "metal/riscv64/csr.h"
#include "metal/riscv64/hext_parts.h"

#define HCOUNTEREN_CY_TM_IR 7

struct hext_host hext_host;

void hext_init(const struct riscv_isa *isa)
{
    hext_host.isa = *isa;
    csr_write(HW_HENVCFG, UINT64_MAX & ~ENVCFG_FIOM);
    hext_host.henvcfg = csr_read(HW_HENVCFG);
    if (!(hext_host.henvcfg & MENVCFG_STCE))
        machine.has_sstc = false;
}

// Without hideleg, vsie would not take a bit.
void hext_hart_init(void)
{
    csr_write(HW_HENVCFG, hext_host.henvcfg);
    csr_write(HW_HCOUNTEREN, HCOUNTEREN_CY_TM_IR);
    csr_write(HW_HIDELEG, HW_HVIP_ALL);
}

static int hext_vcpu_create(struct vcpu *vcpu)
{
    struct hext *x = hull_alloc(&vcpu->vm->env, sizeof(*x));

    if (!x)
        return -HULL_ENOMEM;
    x->vcpu = vcpu;
    x->stimecmp = UINT64_MAX;
    x->timer.fire = hext_timer_fired;
    x->timer.ctx = vcpu;
    timers_timer_init(&x->timer);
    vcpu->engine_data = x;
    return 0;
}

static void forget_on_harts(const struct hext *x)
{
    for (unsigned i = 0; i < machine.hart_count; i++) {
        struct host_hart *hart = machine.harts[i];

        if (hart->loaded == x)
            hart->loaded = NULL;
        if (hart->fp_owner == x)
            hart->fp_owner = NULL;
    }
}

static void hext_vcpu_destroy(struct vcpu *vcpu)
{
    struct hext *x = hext_of(vcpu);

    if (!x)
        return;
    timers_timer_destroy(&x->timer);
    hext_imsic_release(x);
    forget_on_harts(x);
    hull_free(&vcpu->vm->env, x, sizeof(*x));
    vcpu->engine_data = NULL;
}

// Harts count, but not for us.
static uint64_t hext_instret(const struct vcpu *vcpu)
{
    (void)vcpu;
    return 0;
}

static void hext_kick(struct vcpu *vcpu)
{
    struct metal_vcpu *mine = vcpu->host_data;

    thread_poke(&mine->thread);
}

static uint64_t hext_stolen_ns(const struct vcpu *vcpu)
{
    const struct metal_vcpu *mine = vcpu->host_data;

    return timers_ns(mine->thread.stolen);
}

// Counters beyond cycle, time and instret stay the hypervisor's; what needs a bit in henvcfg needs that.
static void hext_limit_isa(struct riscv_isa *isa)
{
    isa->extensions &= hext_host.isa.extensions;
    isa->geilen = 0;
    isa->extensions &=
        ~(RISCV_H_EXTENSIONS | 1ull << EXT_SMAIA | 1ull << EXT_ZIHPM | 1ull << EXT_SSCOFPMF);
    if (!machine.has_aia)
        isa->extensions &= ~(1ull << EXT_SSAIA);
    if (!hext_guest_has_sstc())
        isa->extensions &= ~(1ull << EXT_SSTC);
    if (!(hext_host.henvcfg & MENVCFG_PBMTE))
        isa->extensions &= ~(1ull << EXT_SVPBMT);
    if (!(hext_host.henvcfg & MENVCFG_ADUE))
        isa->extensions &= ~(1ull << EXT_SVADU);
    if (!(hext_host.henvcfg & ENVCFG_CBCFE))
        isa->extensions &= ~(1ull << EXT_ZICBOM);
    if (!(hext_host.henvcfg & ENVCFG_CBZE))
        isa->extensions &= ~(1ull << EXT_ZICBOZ);
    if (hext_host.isa.sv_levels < isa->sv_levels)
        isa->sv_levels = hext_host.isa.sv_levels;
}

const struct engine_ops hext_engine = {
    .name = "hext",
    .vcpu_create = hext_vcpu_create,
    .vcpu_destroy = hext_vcpu_destroy,
    .run = hext_run,
    .get_state = hext_get_state,
    .set_state = hext_set_state,
    .wakeup_pending = hext_wakeup_pending,
    .set_timer = hext_set_timer,
    .raise_ssip = hext_raise_ssip,
    .send_msi = hext_send_msi,
    .kick = hext_kick,
    .stolen_ns = hext_stolen_ns,
    .limit_isa = hext_limit_isa,
    .instret = hext_instret,
};
