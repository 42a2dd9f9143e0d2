// SPDX-License-Identifier: Apache-2.0
// The RFENCE extension (SBI 2.0, chapter 8). Address ranges, ASIDs and VMIDs are not looked at:
// targets fence everything, which the specification allows.
#include "guest/riscv/sbi/internal.h"

enum rfence_function {
    RFENCE_FENCE_I,
    RFENCE_SFENCE_VMA,
    RFENCE_SFENCE_VMA_ASID,
    RFENCE_HFENCE_GVMA_VMID,
    RFENCE_HFENCE_GVMA,
    RFENCE_HFENCE_VVMA_ASID,
    RFENCE_HFENCE_VVMA,
};

// Asking all first and waiting after would be faster with many harts, but hull_vcpu_fence() hardly
// waits: its targets poll between blocks.
void sbi_remote_fence(const struct sbi_call *call, struct sbi_harts harts, uint32_t fences,
                      enum sbi_fw_event event)
{
    sbi_count(call->hart, event);
    for (unsigned i = 0; i < call->vm->vcpu_count; i++) {
        if (!(harts.bits >> i & 1))
            continue;
        sbi_count(&call->sbi->harts[i], event + 1);
        hull_vcpu_fence(&call->vm->vcpus[i], fences);
    }
}

struct sbi_ret sbi_rfence(const struct sbi_call *call)
{
    static const struct {
        uint32_t fences;
        enum sbi_fw_event event;
    } functions[] = {
        [RFENCE_FENCE_I] = {VCPU_FENCE_I, SBI_FW_FENCE_I_SENT},
        [RFENCE_SFENCE_VMA] = {VCPU_FENCE_VMA, SBI_FW_SFENCE_VMA_SENT},
        [RFENCE_SFENCE_VMA_ASID] = {VCPU_FENCE_VMA, SBI_FW_SFENCE_VMA_ASID_SENT},
        [RFENCE_HFENCE_GVMA_VMID] = {VCPU_FENCE_VMA, SBI_FW_HFENCE_GVMA_VMID_SENT},
        [RFENCE_HFENCE_GVMA] = {VCPU_FENCE_VMA, SBI_FW_HFENCE_GVMA_SENT},
        [RFENCE_HFENCE_VVMA_ASID] = {VCPU_FENCE_VMA, SBI_FW_HFENCE_VVMA_ASID_SENT},
        [RFENCE_HFENCE_VVMA] = {VCPU_FENCE_VMA, SBI_FW_HFENCE_VVMA_SENT},
    };
    struct sbi_harts harts;

    if (call->fid >= HULL_ARRAY_SIZE(functions) ||
        (call->fid >= RFENCE_HFENCE_GVMA_VMID && !riscv_isa_has(&call->sbi->board->isa, EXT_H)))
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if (!sbi_harts_from_mask(call->vm, call->args[0], call->args[1], &harts))
        return sbi_error(SBI_ERR_INVALID_PARAM);
    sbi_remote_fence(call, harts, functions[call->fid].fences, functions[call->fid].event);
    return sbi_ok(0);
}
