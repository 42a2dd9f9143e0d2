// SPDX-License-Identifier: Apache-2.0
// Control and status registers: numbers, fields, and the checked access that csrr* instructions use.
// Specification: The RISC-V Instruction Set Manual, Volume II (Privileged), version 1.13, and the
// Sstc, Sscofpmf, Svadu, Zicbo* and Smstateen-free subsets of it that isa.h lists.
#ifndef HULL_RISCV_CSR_H
#define HULL_RISCV_CSR_H

#include "guest/riscv/hart.h"

// Access by an instruction at hart->s.priv. On false the instruction is illegal (the caller raises
// CAUSE_ILLEGAL_INSTRUCTION); nothing changed. `write` tells a read about to be followed by a
// write (csrrw and csrrs/c with rs1 != x0), so that read-only registers trap first.
bool riscv_csr_read(struct hart *hart, unsigned csr, bool write, uint64_t *value);
bool riscv_csr_write(struct hart *hart, unsigned csr, uint64_t value);

// The interrupts pending now: software bits, wires, and timers that have come due.
uint64_t riscv_mip(struct hart *hart);

#endif
