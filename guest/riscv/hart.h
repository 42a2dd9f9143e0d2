// SPDX-License-Identifier: Apache-2.0
// A RISC-V hart: its architectural state in the specification's spelling, and the run-time frame
// around it that CSRs, traps and page walks work on. Every engine can fill and load hart_state.
#ifndef HULL_RISCV_HART_H
#define HULL_RISCV_HART_H

#include <hull/msi.h>
#include <hull/types.h>
#include <hull/vcpu.h>
#include <hull/vm.h>

#include "guest/riscv/isa.h"

enum riscv_priv { PRIV_U = 0, PRIV_S = 1, PRIV_M = 3 };

#define RISCV_PMP_ENTRIES 16
#define RISCV_HPM_COUNTERS 29 // mhpmcounter3 to mhpmcounter31
#define RISCV_RESERVATION_NONE UINT64_MAX

// An interrupt file of the hart's IMSIC; bit i of eip and eie is identity i.
struct imsic_file {
    uint64_t eidelivery, eithreshold;
    uint64_t eip[HULL_MSI_WORDS], eie[HULL_MSI_WORDS];
};

struct hart_state {
    uint64_t x[32]; // x[0] stays 0
    uint64_t f[32]; // NaN-boxed
    uint64_t pc;
    uint8_t priv; // enum riscv_priv: the nominal privilege
    uint8_t virt; // the virtualization mode V, 0 or 1: with priv S and U, VS and VU

    uint8_t fflags; // fcsr, split
    uint8_t frm;

    // Machine. mstatus holds the whole register but SD, which is computed when read.
    uint64_t mhartid, mstatus, medeleg, mideleg, mie, mtvec, mcounteren, mcountinhibit, mscratch,
        mepc, mcause, mtval, mtval2, mtinst, menvcfg, mseccfg;
    uint64_t mip; // the bits that software writes: SSIP, STIP, SEIP, LCOFIP; wires come on top,
                  // and hvip with what else is pending for VS mode
    uint8_t pmpcfg[RISCV_PMP_ENTRIES];
    uint64_t pmpaddr[RISCV_PMP_ENTRIES];

    // Supervisor. sstatus, sie and sip are views of mstatus, mie and mip.
    uint64_t stvec, scounteren, sscratch, sepc, scause, stval, satp, senvcfg, stimecmp,
        scountinhibit;

    // Hypervisor. hie, hip and vsie, vsip are views of mie and of mip, which has hvip in it. hgeip
    // is in struct hart: it consists of wires.
    uint64_t hstatus, hedeleg, hideleg, hvip, hgeie, hcounteren, htimedelta, henvcfg, htval, htinst,
        hgatp;

    // The virtual supervisor's, which take the place of the supervisor's while V = 1.
    uint64_t vsstatus, vstvec, vsscratch, vsepc, vscause, vstval, vsatp, vstimecmp;

    // AIA. hvictl and the like are in aia.h. Of mvip, sie and vsie only what is no alias: mvip's SEIP is
    // always mip's, its SSIP is unless mvien has it; sie and vsie have the bits that mvien and hvien
    // make virtual. iprio: a byte for each major interrupt. imsic: by hull/msi.h's numbers of files.
    uint64_t miselect, siselect, vsiselect, mvien, mvip, sie, hvien, vsie, hvictl, hviprio1,
        hviprio2;
    uint8_t miprio[64], siprio[64];
    struct imsic_file imsic[HULL_MSI_FILES];

    // Counters: their values in a saved state; in struct hart those that run are held less
    // hart->instret, see counters.h.
    uint64_t mcycle, minstret;
    uint64_t mhpmcounter[RISCV_HPM_COUNTERS];
    uint64_t mhpmevent[RISCV_HPM_COUNTERS];

    // Guest physical address of the LR, with bit 0 set for a word; or RISCV_RESERVATION_NONE.
    uint64_t reservation_addr;
    uint64_t reservation_value;
};

// What a CSR write, a trap or a return changed, beyond registers. The engine looks at and clears
// hart.changed after each call that can set it.
enum hart_change {
    HART_CHANGED_FETCH = 1 << 0, // PMP, a remote fence: drop every cached translation
    HART_CHANGED_MODE = 1 << 1,  // privilege, V, MPRV, MPP, MPV, SUM, MXR, FS: re-derive the mode
    HART_CHANGED_IRQ = 1 << 2,   // an interrupt may have become pending or enabled
    HART_CHANGED_FENCE_I = 1 << 3,
    HART_CHANGED_SATP = 1 << 4,  // drop the translations of the other address space; those that are
                                 // global may stay, and those of an ASID that comes back
    HART_CHANGED_VSATP = 1 << 5, // the same for the translations of V = 1: vsatp or hgatp
    HART_CHANGED_HS_TLB = 1 << 6, // drop the translations of V = 0: sfence.vma outside of a guest
    HART_CHANGED_VS_TLB = 1 << 7, // drop those of V = 1: hfence, or sfence.vma in VS mode
};

// The frame that guest/riscv's functions work on. Engines embed it.
struct hart {
    struct hart_state s;
    struct vcpu *vcpu;
    const struct riscv_isa *isa;
    uint32_t changed; // enum hart_change
    uint64_t instret; // instructions retired since creation; exact at every call into guest/riscv
    struct hull_timer stimer;        // fires at stimecmp or vstimecmp: VCPU_ATTN_TIMER
    uint64_t stimer_due;             // when, in the VM's time; UINT64_MAX: never
    _Atomic uint64_t hgeip;          // wires: guest external interrupts, bits 1 to isa->geilen
    uint64_t exceptions, interrupts; // taken since creation
    bool sbi; // ecalls from S (and VS) mode leave to Hull's SBI; M mode is never entered

    // What the last guest-page fault of a translation was about, for riscv_trap_access().
    struct {
        uint64_t gpa;      // the address that the G-stage could not translate
        uint32_t implicit; // the pseudoinstruction for htinst, or 0: the access itself
    } guest_fault;

    // Derived from `s` by guest/riscv.
    uint64_t imsic_mip;        // MEIP and SEIP as the interrupt files signal them; hgeip is, too
    uint64_t counter_limit;    // instret at which a counter overflows: riscv_counters_expire()
    uint64_t engine_limit;     // counter_limit is never above: the engine's own wish to look up
    uint64_t counters_checked; // instret up to which overflows have been noticed
    uint32_t counters_running; // bit n: counter n counts now
    bool counters_filtered;    // some counter counts in some modes only
    uint32_t pmp_active;       // bit i: entry i matches pmp[i].first to pmp[i].last
    struct {
        gpa_t first, last;
    } pmp[RISCV_PMP_ENTRIES];
};

// To the state after reset: M mode at `pc` (S mode when `hart->sbi`, with everything delegated
// and counters enabled), a0 = hartid, a1 = `arg`. Sets every HART_CHANGED_….
void riscv_hart_init(struct hart *hart, struct vcpu *vcpu, const struct riscv_isa *isa, bool sbi);
void riscv_hart_fini(struct hart *hart);
void riscv_hart_reset(struct hart_state *s, const struct riscv_isa *isa, bool sbi, uint64_t hartid,
                      uint64_t pc, uint64_t arg);

// hart->s as others see it: engines' get_state. On the hart's own thread or while it stands.
void riscv_hart_state_save(struct hart *hart, struct hart_state *out);

// Engines call this after they replaced hart->s whole: re-arms timers, sets every change. Makes
// what no hart could hold (the state may come from a file) legal.
void riscv_hart_state_loaded(struct hart *hart);

#endif
