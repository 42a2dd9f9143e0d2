// SPDX-License-Identifier: Apache-2.0
// What csr.def's entries are made of, between csr.c and the files that implement them. These functions
// check nothing: they read as the register reads and store what of a value is legal.
#ifndef HULL_RISCV_CSR_TABLE_H
#define HULL_RISCV_CSR_TABLE_H

#include "guest/riscv/csr.h"

// Any CSR of the table, whatever the privilege; for states that come from elsewhere.
void riscv_csr_store(struct hart *hart, unsigned csr, uint64_t value);

// Machine and supervisor interrupts that this hart has, as bits of mie and mip.
uint64_t riscv_interrupts(const struct riscv_isa *isa, bool supervisor_only);
// Those of the hypervisor extension: for VS mode, and the guest external interrupt. They are always
// delegated by mideleg.
uint64_t riscv_h_interrupts(const struct riscv_isa *isa);
#define RISCV_VS_INTERRUPTS 0x444ull                      // those that hideleg can pass on
uint64_t riscv_medeleg_mask(const struct riscv_isa *isa); // exceptions that can be delegated

// Stores `bits` of mip or sip from value, as far as software may.
void riscv_mip_change(struct hart *hart, bool supervisor, uint64_t bits, uint64_t value);

// The same for mvip.
void riscv_mvip_change(struct hart *hart, uint64_t bits, uint64_t value);
bool riscv_stip_writable(const struct hart *hart);

uint64_t riscv_misa(const struct riscv_isa *isa);

#define CSR_READER(name) uint64_t riscv_##name##_read(struct hart *hart, unsigned csr)
#define CSR_WRITER(name) void riscv_##name##_write(struct hart *hart, unsigned csr, uint64_t value)
#define CSR_BOTH(name) \
    CSR_READER(name);  \
    CSR_WRITER(name)

CSR_READER(misa);
CSR_BOTH(mstatus);
CSR_BOTH(medeleg);
CSR_BOTH(mideleg);
CSR_BOTH(mie);
CSR_BOTH(mip);
CSR_BOTH(mtvec);
CSR_BOTH(menvcfg);
CSR_BOTH(mepc);

CSR_BOTH(sstatus);
CSR_BOTH(sie);
CSR_BOTH(sip);
CSR_BOTH(stvec);
CSR_BOTH(senvcfg);
CSR_BOTH(sepc);
CSR_BOTH(stimecmp);
CSR_BOTH(satp);

CSR_BOTH(hstatus);
CSR_BOTH(hedeleg);
CSR_BOTH(hideleg);
CSR_BOTH(hie);
CSR_BOTH(htimedelta);
CSR_BOTH(hgeie);
CSR_BOTH(henvcfg);
CSR_BOTH(hip);
CSR_BOTH(hvip);
CSR_BOTH(hgatp);
CSR_READER(hgeip);

CSR_BOTH(vsstatus);
CSR_BOTH(vsie);
CSR_BOTH(vstvec);
CSR_BOTH(vsepc);
CSR_BOTH(vsip);
CSR_BOTH(vstimecmp);
CSR_BOTH(vsatp);

CSR_BOTH(miselect);
CSR_BOTH(mireg);
CSR_BOTH(mtopei);
CSR_READER(mtopi);
CSR_BOTH(mvien);
CSR_BOTH(mvip);
CSR_BOTH(siselect);
CSR_BOTH(sireg);
CSR_BOTH(stopei);
CSR_READER(stopi);
CSR_BOTH(hvien);
CSR_BOTH(hvictl);
CSR_BOTH(hviprio1);
CSR_BOTH(hviprio2);
CSR_BOTH(vsiselect);
CSR_BOTH(vsireg);
CSR_BOTH(vstopei);
CSR_READER(vstopi);

// 0 or the exception, for the registers of AIA: those of H, those that are windows, xtopei; and for sip
// and sie, which hvictl can withhold from a guest.
int riscv_aia_check(const struct hart *hart, unsigned csr);
int riscv_aia_h_check(const struct hart *hart, unsigned csr);
int riscv_aia_ireg_check(const struct hart *hart, unsigned csr);
int riscv_aia_topei_check(const struct hart *hart, unsigned csr);
int riscv_aia_vti_check(const struct hart *hart, unsigned csr);

// Rules that a machine and a supervisor register share.
uint64_t riscv_tvec_legal(uint64_t old, uint64_t value);
uint64_t riscv_epc_legal(const struct riscv_isa *isa, uint64_t value);
uint64_t riscv_envcfg_legal(const struct riscv_isa *isa, uint64_t mask, uint64_t old,
                            uint64_t value);
void riscv_status_store(struct hart *hart, uint64_t mask, uint64_t value);
void riscv_vsstatus_store(struct hart *hart, uint64_t mask, uint64_t value);
bool riscv_satp_legal(const struct riscv_isa *isa, uint64_t value);

#endif
