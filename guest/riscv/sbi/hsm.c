// SPDX-License-Identifier: Apache-2.0
// The Hart State Management extension (SBI 2.0, chapter 9). A hart leaves STARTED only by calls of its
// own; everybody else's requests change the state of one that is not running, and wake it. The lock
// keeps two starters apart.
#include "guest/riscv/sbi/internal.h"

#include "guest/riscv/csr.h"

enum hsm_function { HSM_HART_START, HSM_HART_STOP, HSM_HART_GET_STATUS, HSM_HART_SUSPEND };

#define SUSPEND_RETENTIVE 0x00000000u
#define SUSPEND_NON_RETENTIVE 0x80000000u

static void wake(const struct sbi_call *call, struct vcpu *vcpu)
{
    call->vm->env.ops->vcpu_wake(call->vm->env.ctx, vcpu);
}

bool sbi_start_address_valid(const struct sbi_call *call, gpa_t addr)
{
    return !(addr & 1) && hull_memory_ptr(&call->vm->memory, addr, 2);
}

static struct sbi_ret hart_start(const struct sbi_call *call)
{
    uint64_t hartid = call->args[0];
    struct sbi_ret ret = sbi_ok(0);

    if (hartid >= call->vm->vcpu_count)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (!sbi_start_address_valid(call, call->args[1]))
        return sbi_error(SBI_ERR_INVALID_ADDRESS);
    struct sbi_hart *hart = &call->sbi->harts[hartid];
    hull_lock(&call->vm->env, &call->sbi->lock);
    if (atomic_load(&hart->status) == SBI_HART_STOPPED) {
        hart->start_addr = call->args[1];
        hart->opaque = call->args[2];
        atomic_store(&hart->status, SBI_HART_START_PENDING);
    } else {
        ret = sbi_error(SBI_ERR_ALREADY_AVAILABLE);
    }
    hull_unlock(&call->vm->env, &call->sbi->lock);
    if (!ret.error)
        wake(call, &call->vm->vcpus[hartid]);
    return ret;
}

struct sbi_ret sbi_stop_hart(const struct sbi_call *call)
{
    call->exit->sbi.skip_ret = true;
    atomic_store(&call->hart->status, SBI_HART_STOPPED);
    return sbi_ok(0);
}

static struct sbi_ret hart_get_status(const struct sbi_call *call)
{
    if (call->args[0] >= call->vm->vcpu_count)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    return sbi_ok(atomic_load(&call->sbi->harts[call->args[0]].status));
}

struct sbi_ret sbi_suspend_hart(const struct sbi_call *call, bool resumes_anew, gpa_t resume_addr,
                                uint64_t opaque)
{
    struct sbi_hart *hart = call->hart;

    hart->resumes_anew = resumes_anew;
    hart->start_addr = resume_addr;
    hart->opaque = opaque;
    call->exit->sbi.skip_ret = resumes_anew;
    atomic_store(&hart->status, SBI_HART_SUSPENDED);
    return sbi_ok(0);
}

// The type is 32 bits wide: what stands above in the register does not count.
static struct sbi_ret hart_suspend(const struct sbi_call *call)
{
    switch ((uint32_t)call->args[0]) {
    case SUSPEND_RETENTIVE: return sbi_suspend_hart(call, false, 0, 0);
    case SUSPEND_NON_RETENTIVE:
        if (!sbi_start_address_valid(call, call->args[1]))
            return sbi_error(SBI_ERR_INVALID_ADDRESS);
        return sbi_suspend_hart(call, true, call->args[1], call->args[2]);
    default: return sbi_error(SBI_ERR_INVALID_PARAM);
    }
}

struct sbi_ret sbi_hsm(const struct sbi_call *call)
{
    switch (call->fid) {
    case HSM_HART_START: return hart_start(call);
    case HSM_HART_STOP: return sbi_stop_hart(call);
    case HSM_HART_GET_STATUS: return hart_get_status(call);
    case HSM_HART_SUSPEND: return hart_suspend(call);
    default: return sbi_error(SBI_ERR_NOT_SUPPORTED);
    }
}

// Whatever came in while the hart did not run is looked at before its first instruction.
static void hart_enters(struct vcpu *vcpu, struct sbi_hart *hart)
{
    atomic_fetch_or(&vcpu->attention, VCPU_ATTN_IRQ | VCPU_ATTN_TIMER | VCPU_ATTN_FENCE);
    atomic_store(&hart->status, SBI_HART_STARTED);
}

static void hart_starts(struct riscv_sbi *sbi, struct vcpu *vcpu, struct sbi_hart *hart)
{
    struct hart_state state;

    riscv_hart_reset(&state, &sbi->board->isa, true, vcpu->index, hart->start_addr, hart->opaque);
    // Takes in software interrupts that were raised while the hart was stopped: they end here.
    (void)vcpu->vm->engine->wakeup_pending(vcpu);
    hart->sta_shmem = 0;
    vcpu->vm->engine->set_state(vcpu, &state);
    hart_enters(vcpu, hart);
}

// Pending interrupts and the timer outlive a suspension: they are what ends it. The other registers
// are undefined for the guest, so they keep their values.
static void hart_resumes_anew(struct vcpu *vcpu, struct sbi_hart *hart)
{
    const struct engine_ops *engine = vcpu->vm->engine;
    struct hart_state state;

    engine->get_state(vcpu, &state);
    state.pc = hart->start_addr;
    state.x[10] = vcpu->index;
    state.x[11] = hart->opaque;
    state.priv = PRIV_S;
    state.virt = false;
    state.satp = 0;
    state.mstatus &= ~MSTATUS_SIE;
    engine->set_state(vcpu, &state);
}

bool riscv_sbi_hart_runs(struct riscv_sbi *sbi, struct vcpu *vcpu)
{
    struct sbi_hart *hart = &sbi->harts[vcpu->index];

    switch (atomic_load(&hart->status)) {
    case SBI_HART_STARTED: return true;
    case SBI_HART_START_PENDING: hart_starts(sbi, vcpu, hart); return true;
    case SBI_HART_SUSPENDED:
        if (!vcpu->vm->engine->wakeup_pending(vcpu))
            return false;
        if (hart->resumes_anew)
            hart_resumes_anew(vcpu, hart);
        hart_enters(vcpu, hart);
        return true;
    default: return false;
    }
}
