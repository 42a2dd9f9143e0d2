// SPDX-License-Identifier: Apache-2.0
// Physical memory protection, as the page walk and the CSRs use it. The check for everybody else is
// in mmu.h.
#ifndef HULL_RISCV_PMP_H
#define HULL_RISCV_PMP_H

#include "guest/riscv/mmu.h"

// What `priv` may do with [gpa, gpa + size), as bits (1 << enum mmu_access). `granule`: the size of
// the largest aligned block around gpa in which every access has this answer.
unsigned riscv_pmp_lookup(const struct hart *hart, gpa_t gpa, unsigned size, unsigned priv,
                          uint64_t *granule);

// Recomputes hart->pmp after pmpcfg or pmpaddr changed.
void riscv_pmp_derive(struct hart *hart);

uint8_t riscv_pmpcfg_legal(uint8_t cfg);
uint64_t riscv_pmpaddr_legal(uint64_t addr);

uint64_t riscv_pmpcfg_read(struct hart *hart, unsigned csr);
void riscv_pmpcfg_write(struct hart *hart, unsigned csr, uint64_t value);
uint64_t riscv_pmpaddr_read(struct hart *hart, unsigned csr);
void riscv_pmpaddr_write(struct hart *hart, unsigned csr, uint64_t value);

#endif
