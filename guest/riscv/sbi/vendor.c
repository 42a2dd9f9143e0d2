// SPDX-License-Identifier: Apache-2.0
// The vendors' space of the SBI: what whoever owns the VM offers there (include/hull/hypercall.h).
#include "guest/riscv/sbi/internal.h"

bool sbi_vendor_present(const struct vm *vm, uint64_t eid)
{
    return eid == HULL_CALL_EXTENSION && vm->owner.hypercall;
}

struct sbi_ret sbi_vendor(const struct sbi_call *call)
{
    struct sbi_ret ret = sbi_error(SBI_ERR_NOT_SUPPORTED);

    if (sbi_vendor_present(call->vm, call->eid))
        ret.error =
            call->vm->owner.hypercall(call->vm->owner.ctx, call->vcpu, call->args, &ret.value);
    return ret;
}
