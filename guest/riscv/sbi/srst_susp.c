// SPDX-License-Identifier: Apache-2.0
// The System Reset and System Suspend extensions (SBI 2.0, chapters 10 and 13). Types and reasons are
// 32 bits wide: what stands above in the registers does not count.
#include "guest/riscv/sbi/internal.h"

enum srst_type { SRST_SHUTDOWN, SRST_COLD_REBOOT, SRST_WARM_REBOOT };
enum srst_reason { SRST_NO_REASON, SRST_SYSTEM_FAILURE };

#define SUSP_TO_RAM 0

// The caller never runs again in this life of the VM; the owner decides what happens to the others.
struct sbi_ret sbi_shut_down(const struct sbi_call *call, enum vm_request request, int code)
{
    struct sbi_ret ret = sbi_stop_hart(call);

    hull_vm_request(call->vm, request, code);
    return ret;
}

struct sbi_ret sbi_srst(const struct sbi_call *call)
{
    uint32_t type = (uint32_t)call->args[0], reason = (uint32_t)call->args[1];

    if (call->fid != 0)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if (type > SRST_WARM_REBOOT || reason > SRST_SYSTEM_FAILURE)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (type != SRST_SHUTDOWN)
        return sbi_shut_down(call, VM_REQUEST_RESET, 0);
    if (reason == SRST_SYSTEM_FAILURE)
        return sbi_shut_down(call, VM_REQUEST_FAIL, SBI_SHUTDOWN_FAILURE_CODE);
    return sbi_shut_down(call, VM_REQUEST_POWEROFF, 0);
}

// Every other hart must be stopped; then nobody is left who could start one meanwhile.
static bool others_stopped(const struct sbi_call *call)
{
    for (unsigned i = 0; i < call->vm->vcpu_count; i++)
        if (i != call->vcpu->index && atomic_load(&call->sbi->harts[i].status) != SBI_HART_STOPPED)
            return false;
    return true;
}

struct sbi_ret sbi_susp(const struct sbi_call *call)
{
    if (call->fid != 0)
        return sbi_error(SBI_ERR_NOT_SUPPORTED);
    if ((uint32_t)call->args[0] != SUSP_TO_RAM)
        return sbi_error(SBI_ERR_INVALID_PARAM);
    if (!sbi_start_address_valid(call, call->args[1]))
        return sbi_error(SBI_ERR_INVALID_ADDRESS);
    if (!others_stopped(call))
        return sbi_error(SBI_ERR_DENIED);
    return sbi_suspend_hart(call, true, call->args[1], call->args[2]);
}
