// SPDX-License-Identifier: Apache-2.0
// Compiled to assembler only: the lines that begin with "->" become offsets.h.
#include "metal/common/hart.h"
#include "metal/riscv64/regs.h"

#define DEFINE(name, value) __asm__ volatile("\n->" #name " %0" : : "i"((long)(value)))

void offsets(void);
void offsets(void)
{
    DEFINE(TRAP_SEPC, offsetof(struct trap_frame, sepc));
    DEFINE(TRAP_SSTATUS, offsetof(struct trap_frame, sstatus));
    DEFINE(TRAP_SCAUSE, offsetof(struct trap_frame, scause));
    DEFINE(TRAP_STVAL, offsetof(struct trap_frame, stval));
    DEFINE(TRAP_SIZE, (sizeof(struct trap_frame) + 15) & ~15ul);
    DEFINE(GUEST_SEPC, offsetof(struct guest_regs, sepc));
    DEFINE(GUEST_SSTATUS, offsetof(struct guest_regs, sstatus));
    DEFINE(GUEST_HSTATUS, offsetof(struct guest_regs, hstatus));
    DEFINE(GUEST_SCAUSE, offsetof(struct guest_regs, scause));
    DEFINE(GUEST_LOADED, offsetof(struct guest_regs, loaded));
    DEFINE(GUEST_HOST_SP, offsetof(struct guest_regs, host_sp));
    DEFINE(GUEST_HOST_TP, offsetof(struct guest_regs, host_tp));
    DEFINE(HART_SATP, offsetof(struct host_hart, satp));
    DEFINE(HART_STACK, offsetof(struct host_hart, idle_stack_top));
    DEFINE(HART_TRAP_STACK, offsetof(struct host_hart, trap_stack_top));
    DEFINE(HART_GUEST, offsetof(struct host_hart, guest));
    DEFINE(HART_TRAP_SP, offsetof(struct host_hart, trap_sp));
}
