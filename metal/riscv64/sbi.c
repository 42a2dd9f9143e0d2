// SPDX-License-Identifier: Apache-2.0
// Calls to the firmware below us.
#include "metal/riscv64/sbi.h"

#include <hull/error.h>

#include "metal/riscv64/csr.h"

#define LEGACY_PUTCHAR 1
#define ALL_HARTS UINT64_MAX // as hart_mask_base

enum rfence {
    RFENCE_SFENCE_VMA = 1,
    RFENCE_HFENCE_GVMA_VMID = 3,
    RFENCE_HFENCE_GVMA = 4,
};

struct fw_ret fw_call(uint64_t extension, uint64_t function, uint64_t arg0, uint64_t arg1,
                      uint64_t arg2, uint64_t arg3, uint64_t arg4)
{
    register uint64_t a0 __asm__("a0") = arg0;
    register uint64_t a1 __asm__("a1") = arg1;
    register uint64_t a2 __asm__("a2") = arg2;
    register uint64_t a3 __asm__("a3") = arg3;
    register uint64_t a4 __asm__("a4") = arg4;
    register uint64_t a6 __asm__("a6") = function;
    register uint64_t a7 __asm__("a7") = extension;

    __asm__ volatile("ecall"
                     : "+r"(a0), "+r"(a1)
                     : "r"(a2), "r"(a3), "r"(a4), "r"(a6), "r"(a7)
                     : "memory");
    return (struct fw_ret){.error = (int64_t)a0, .value = a1};
}

int fw_hart_start(uint64_t hartid, hpa_t entry, uint64_t opaque)
{
    return fw_call(FW_EXT_HSM, 0, hartid, entry, opaque, 0, 0).error ? -HULL_EIO : 0;
}

void fw_set_timer(uint64_t ticks)
{
    fw_call(FW_EXT_TIME, 0, ticks, 0, 0, 0, 0);
}

void fw_send_ipi(uint64_t hartid)
{
    fw_call(FW_EXT_IPI, 0, 1, hartid, 0, 0, 0);
}

void fw_console_put(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (fw_call(FW_EXT_DBCN, 2, (uint8_t)bytes[i], 0, 0, 0, 0).error)
            fw_call(LEGACY_PUTCHAR, 0, (uint8_t)bytes[i], 0, 0, 0, 0);
}

void fw_remote_sfence_all(void)
{
    fw_call(FW_EXT_RFENCE, RFENCE_SFENCE_VMA, 0, ALL_HARTS, 0, UINT64_MAX, 0);
}

void fw_remote_hfence_gvma_all(void)
{
    fw_call(FW_EXT_RFENCE, RFENCE_HFENCE_GVMA, 0, ALL_HARTS, 0, UINT64_MAX, 0);
}

void fw_remote_sfence(uintptr_t va, uint64_t size)
{
    fw_call(FW_EXT_RFENCE, RFENCE_SFENCE_VMA, 0, ALL_HARTS, va, size, 0);
}

void fw_remote_hfence_gvma(gpa_t gpa, uint64_t size, unsigned vmid)
{
    fw_call(FW_EXT_RFENCE, RFENCE_HFENCE_GVMA_VMID, 0, ALL_HARTS, gpa, size, vmid);
}

void fw_reboot(void)
{
    fw_call(FW_EXT_SRST, 0, 1, 0, 0, 0, 0);
}
