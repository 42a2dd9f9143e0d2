// SPDX-License-Identifier: Apache-2.0
// The hypervisor extension for the guest programs: CSRs by number (binutils of old do not know them),
// G-stage tables, functions in VS and VU mode, instructions by their encoding.
#ifndef RT_HYP_H
#define RT_HYP_H

#include "csr.h"
#include "pt.h"

#define hstatus 0x600
#define hedeleg 0x602
#define hideleg 0x603
#define hie 0x604
#define htimedelta 0x605
#define hcounteren 0x606
#define hgeie 0x607
#define henvcfg 0x60a
#define htval 0x643
#define hip 0x644
#define hvip 0x645
#define htinst 0x64a
#define hgatp 0x680
#define hgeip 0xe12
#define vsstatus 0x200
#define vsie 0x204
#define vstvec 0x205
#define vsscratch 0x240
#define vsepc 0x241
#define vscause 0x242
#define vstval 0x243
#define vsip 0x244
#define vstimecmp 0x24d
#define vsatp 0x280
#define mtinst 0x34a
#define mtval2 0x34b

#define VIRT 4 // added to a mode: VS and VU
#define PRIV_VS (PRIV_S | VIRT)
#define PRIV_VU (PRIV_U | VIRT)

// Everything as after reset, a G-stage that maps the first gigabytes to themselves, and Bare in vsatp.
// All traps go to M mode.
extern struct pt hyp_g;
void hyp_begin(unsigned levels, unsigned vmid);
void hyp_end(void);

void hyp_g_init(struct pt *pt, unsigned levels);
uint64_t hyp_hgatp(const struct pt *pt, unsigned vmid);

// fn(arg) in a mode, PRIV_VS and PRIV_VU included, at its address plus `offset`.
uint64_t hyp_run_in(unsigned mode, uint64_t (*fn)(uint64_t), uint64_t arg, uint64_t offset);
#define hyp_run(mode, fn, arg) hyp_run_in(mode, fn, arg, 0)

static inline void hfence_vvma(void)
{
    __asm__ volatile(".insn r 0x73, 0, 0x11, x0, x0, x0" ::: "memory");
}

static inline void hfence_gvma(void)
{
    __asm__ volatile(".insn r 0x73, 0, 0x31, x0, x0, x0" ::: "memory");
}

// An access in some mode.
struct rt_outcome hyp_access(unsigned mode, enum access access, uint64_t va);
extern const uint64_t page_fault[], access_fault[], guest_page_fault[];

// hlv and hsv by funct7 and rs2.
#define HLV_B ".insn r 0x73, 4, 0x30, %2, %3, x0"
#define HLV_BU ".insn r 0x73, 4, 0x30, %2, %3, x1"
#define HLV_H ".insn r 0x73, 4, 0x32, %2, %3, x0"
#define HLV_HU ".insn r 0x73, 4, 0x32, %2, %3, x1"
#define HLVX_HU ".insn r 0x73, 4, 0x32, %2, %3, x3"
#define HLV_W ".insn r 0x73, 4, 0x34, %2, %3, x0"
#define HLV_WU ".insn r 0x73, 4, 0x34, %2, %3, x1"
#define HLVX_WU ".insn r 0x73, 4, 0x34, %2, %3, x3"
#define HLV_D ".insn r 0x73, 4, 0x36, %2, %3, x0"
#define HSV_B ".insn r 0x73, 4, 0x31, x0, %3, %2"
#define HSV_H ".insn r 0x73, 4, 0x33, x0, %3, %2"
#define HSV_W ".insn r 0x73, 4, 0x35, x0, %3, %2"
#define HSV_D ".insn r 0x73, 4, 0x37, x0, %3, %2"
#define HLV(insn, value, addr) TRY_OUT(insn, value, "r"(addr))
#define HSV(insn, value, addr) TRY(insn, "r"(value), "r"(addr))

#endif
