// SPDX-License-Identifier: Apache-2.0
// Calls to the firmware below us (SBI 2.0): the few that the hypervisor needs.
#ifndef METAL_RISCV64_SBI_H
#define METAL_RISCV64_SBI_H

#include <hull/types.h>

struct fw_ret {
    int64_t error;
    uint64_t value;
};

struct fw_ret fw_call(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1, uint64_t a2,
                      uint64_t a3, uint64_t a4);

int fw_hart_start(uint64_t hartid, hpa_t entry, uint64_t opaque); // 0 or -HULL_EIO
void fw_set_timer(uint64_t ticks);
void fw_send_ipi(uint64_t hartid);
void fw_console_put(const char *bytes, size_t length); // DBCN, or the legacy call
// Every hart's translations: ours (sfence.vma), and all guests' (hfence.gvma, all VMIDs).
void fw_remote_sfence_all(void);
void fw_remote_hfence_gvma_all(void);
// The same of one range: of ours; of the guest's memory that runs with this VMID.
void fw_remote_sfence(uintptr_t va, uint64_t size);
void fw_remote_hfence_gvma(gpa_t gpa, uint64_t size, unsigned vmid);
void fw_reboot(void); // returns when the firmware can't

#define FW_EXT_TIME 0x54494d45
#define FW_EXT_IPI 0x735049
#define FW_EXT_RFENCE 0x52464e43
#define FW_EXT_HSM 0x48534d
#define FW_EXT_SRST 0x53525354
#define FW_EXT_DBCN 0x4442434e

#endif
