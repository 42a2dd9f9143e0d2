// SPDX-License-Identifier: Apache-2.0
// Runs one instruction with all integer registers zero and reports how it trapped.
#include "asm.h"

#ifndef RT_SMODE
.text
// struct rt_outcome rt_probe(pc): in the mode that mstatus.MPP says, until the next trap, which nothing
// else handles. rt_probe_epc takes where it trapped, rt_probe_regs the OR of all registers then.
.balign 4
.globl rt_probe
rt_probe:
    addi sp, sp, -128
    sd ra, 0(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, 8+8*\n(sp)
    .endr
    csrr t0, mscratch
    sd t0, 104(sp)
    csrr t0, mtvec
    sd t0, 112(sp)
    csrr t0, mstatus
    sd t0, 120(sp)
    csrw mscratch, sp
    la t0, 1f
    csrw mtvec, t0
    csrw mepc, a0
    .irp n, 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    li x\n, 0
    .endr
    mret
.balign 4
1:  csrrw sp, mscratch, sp
    .irp n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    or x1, x1, x\n
    .endr
    csrr t0, mscratch
    or x1, x1, t0
    la t0, rt_probe_regs
    sd x1, 0(t0)
    csrr t1, mepc
    sd t1, 8(t0)
    ld t0, 104(sp)
    csrw mscratch, t0
    ld t0, 112(sp)
    csrw mtvec, t0
    ld t0, 120(sp)
    csrw mstatus, t0
    csrr a0, mcause
    csrr a1, mtval
    ld ra, 0(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, 8+8*\n(sp)
    .endr
    addi sp, sp, 128
    ret

.bss
.balign 8
.globl rt_probe_regs
rt_probe_regs: .skip 8
.globl rt_probe_epc
rt_probe_epc: .skip 8
#endif
