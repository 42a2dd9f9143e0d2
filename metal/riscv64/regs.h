// SPDX-License-Identifier: Apache-2.0
// What assembly and C share: the frames of traps, and of the way into a guest and back.
#ifndef METAL_RISCV64_REGS_H
#define METAL_RISCV64_REGS_H

#include <hull/types.h>

// A trap of the hypervisor itself.
struct trap_frame {
    uint64_t x[32];
    uint64_t sepc, sstatus, scause, stval;
};

// A guest's registers while it does not run, and what the hypervisor needs to come back.
struct guest_regs {
    uint64_t x[32];
    uint64_t sepc, sstatus, hstatus;
    uint64_t scause, stval, htval, htinst; // of the last exit
    uint64_t loaded;                       // what a device's register read as, see hext_fast_exit()
    uint64_t host_sp, host_tp;
};

// Runs the guest until its next trap into the hypervisor. Interrupts are off before and after.
void guest_enter(struct guest_regs *regs);

// Switches stacks: saves what C preserves on the old one, and goes on on the new one.
void stack_switch(uint64_t *save_sp, uint64_t load_sp);

// Where a new thread's first stack_switch() arrives: calls s0(s1).
void thread_entry(void);

// A halfword, or an aligned word, at a guest's virtual address, read as the guest would fetch it (hstatus.SPVP says in
// which mode); -1: that faults.
int64_t guest_fetch_half(gva_t address);
int64_t guest_fetch_word(gva_t address);

// Reads `probe`'s CSR; false when that traps. csr_probe_…: see trap.S.
bool csr_probe_hstatus(void);
bool csr_probe_stimecmp(void);
bool csr_probe_hstateen0(void);

extern const char register_names[32][5]; // of x0 to x31

#endif
