// SPDX-License-Identifier: Apache-2.0
// Address translation and protection: Sv39, Sv48, Sv57, Svnapot, Svpbmt, Svadu, two-stage translation
// with Sv39x4, Sv48x4, Sv57x4, and PMP. Specification: Privileged ISA 1.13, chapters
// "Supervisor-Level ISA", "H Extension" and "PMP".
#ifndef HULL_RISCV_MMU_H
#define HULL_RISCV_MMU_H

#include "guest/riscv/hart.h"

enum mmu_access { MMU_LOAD, MMU_STORE, MMU_FETCH };

// The mode in which an access translates; engines split their TLBs by it.
struct mmu_mode {
    uint8_t priv; // effective: MPRV applied for loads and stores
    bool virt;    // effective V: two stages, of vsatp and hgatp
    bool sum, mxr;
    bool g_mxr; // MXR for the G-stage, which vsstatus has no say in
    bool hlvx;  // a load that needs execute permission instead of read
};

// The mode of loads and stores (data) and of fetches, now.
struct mmu_mode riscv_mmu_data_mode(const struct hart *hart);
struct mmu_mode riscv_mmu_fetch_mode(const struct hart *hart);
// That of hlv and hsv; the same for hlvx but for `hlvx`.
struct mmu_mode riscv_mmu_hlsv_mode(const struct hart *hart);

struct mmu_result {
    gpa_t gpa; // of the byte at va
    uint64_t
        page; // size of the piece around va for which gpa - va and `perms` hold: a power of two of at
              // least 4096 (superpage, NAPOT), cut down where PMP divides it; below 4096
              // when PMP divides a page: then the result is good for this access only
    uint64_t fenced; // size of the page of the first stage alone: a fence for any address in it is
                     // about all of it
    uint8_t perms;   // bit (1 << enum mmu_access): allowed without another walk (store: D is set)
    bool global;     // the same in every address space (PTE.G), if `virt` in those of one hgatp
};

// Translates and checks one access of `size` bytes that does not cross a 4 KiB boundary. Sets A and
// D bits when Svadu is enabled (menvcfg.ADUE), atomically against other harts. 0, or the cause
// to raise (enum riscv_cause, positive; a page fault, guest-page fault or access fault fitting
// `access`; hart->guest_fault then says what a guest-page fault is about).
// PMP is checked for the access and for every page table read or written. Does not look at whether
// RAM or a device backs the address, except for page tables, which must be in RAM (access fault).
int riscv_mmu_translate(struct hart *hart, gva_t va, unsigned size, enum mmu_access access,
                        struct mmu_mode mode, struct mmu_result *result);

// PMP alone, for a physical access: true when allowed. `granule`, if not NULL: as mmu_result.page.
bool riscv_pmp_check(const struct hart *hart, gpa_t gpa, unsigned size, enum mmu_access access,
                     unsigned priv, uint64_t *granule);

#endif
