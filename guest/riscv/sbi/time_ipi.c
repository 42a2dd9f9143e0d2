// SPDX-License-Identifier: Apache-2.0
// The Timer and the IPI extension (SBI 2.0, chapters 6 and 7).
#include "guest/riscv/sbi/internal.h"

void sbi_set_timer(const struct sbi_call *call, uint64_t ticks)
{
    sbi_count(call->hart, SBI_FW_SET_TIMER);
    call->vm->engine->set_timer(call->vcpu, ticks);
}

struct sbi_ret sbi_time(const struct sbi_call *call)
{
    if (call->fid != 0)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    sbi_set_timer(call, call->args[0]);
    return sbi_ok(0);
}

void sbi_send_ipi(const struct sbi_call *call, struct sbi_harts harts)
{
    sbi_count(call->hart, SBI_FW_IPI_SENT);
    for (unsigned i = 0; i < call->vm->vcpu_count; i++) {
        if (!(harts.bits >> i & 1))
            continue;
        sbi_count(&call->sbi->harts[i], SBI_FW_IPI_RECEIVED);
        call->vm->engine->raise_ssip(&call->vm->vcpus[i]);
    }
}

struct sbi_ret sbi_ipi(const struct sbi_call *call)
{
    struct sbi_harts harts;

    if (call->fid != 0)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if (!sbi_harts_from_mask(call, call->args[0], call->args[1], &harts))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    sbi_send_ipi(call, harts);
    return sbi_ok(0);
}
