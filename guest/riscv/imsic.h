// SPDX-License-Identifier: Apache-2.0
// A hart's interrupt files: MSIs come out of vcpu->msis, what is signaled goes into mip and hgeip.
// Specification: RISC-V AIA 1.0, "Incoming MSI Controller".
#ifndef HULL_RISCV_IMSIC_H
#define HULL_RISCV_IMSIC_H

#include "guest/riscv/hart.h"

#define IMSIC_SELECT_FIRST 0x70u // of an indirect register
#define IMSIC_SELECT_LAST 0xffu

// Takes in what has arrived. The hart's own thread, or while it stands.
void riscv_imsic_take(struct hart *hart);
static inline void riscv_imsic_collect(struct hart *hart)
{
    struct msi_inbox *inbox = hart->vcpu->msis;

    if (inbox && atomic_load_explicit(&inbox->files, memory_order_relaxed))
        riscv_imsic_take(hart);
}

// hart->imsic_mip and hgeip, after anything in the files changed.
void riscv_imsic_derive(struct hart *hart);

// ---- One file, whoever's it is ----

// The pending and enabled identity of the highest priority under the threshold, 0: none. It is the
// priority number, too.
unsigned riscv_imsic_top(const struct imsic_file *file);
bool riscv_imsic_signals(const struct imsic_file *file); // that it has one
void riscv_imsic_file_claim(struct imsic_file *file);
// Indirect registers, IMSIC_SELECT_FIRST to _LAST. Odd numbers of eip and eie do not exist.
bool riscv_imsic_register_exists(unsigned select);
uint64_t riscv_imsic_file_read(const struct imsic_file *file, unsigned select);
void riscv_imsic_file_write(struct imsic_file *file, unsigned select, uint64_t value);
// Makes a file that came from elsewhere one that software could have made.
void riscv_imsic_legalise(struct imsic_file *file);

// ---- The same for a hart's files ----

// xtopei as it reads, and the claim that a write is. Only reading collects.
uint64_t riscv_imsic_topei(struct hart *hart, unsigned file);
void riscv_imsic_claim(struct hart *hart, unsigned file);

uint64_t riscv_imsic_read(struct hart *hart, unsigned file, unsigned select);
void riscv_imsic_write(struct hart *hart, unsigned file, unsigned select, uint64_t value);

#endif
