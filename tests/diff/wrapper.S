// SPDX-License-Identifier: Apache-2.0
// Entry, and the way into and out of a generated sequence with all registers set and saved.
#include "body.h"

.section .text.start, "ax"
.option arch, +d
.globl _start
_start:
    j 1f
.balign 16
    j sequence_end // at SEQUENCE_END
1:  li sp, STATE_BASE - 16
#ifdef WRAPPER_BARE
    csrr t0, mhartid
2:  bnez t0, 2b
    la t0, on_trap
    csrw mtvec, t0
    li t0, 0x2000
    csrs mstatus, t0
#endif
#ifdef WRAPPER_PAGED
    // Machine mode keeps the traps; the rest runs in U mode, by tables that wrapper_paging() made.
    csrr t0, mhartid
2:  bnez t0, 2b
    la t0, on_timer
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0
    li t0, 0x1f
    csrw pmpcfg0, t0
    call wrapper_paging
    csrw satp, a0
    sfence.vma
    li t0, 0x80
    csrw mie, t0
    li t0, 0x1800
    csrc mstatus, t0
    li t0, 0x2080 // FS, MPIE
    csrs mstatus, t0
    la t0, timer_stack
    csrw mscratch, t0
    li t0, 0x2004000
    sd zero, (t0) // the first interrupt is due
    la t0, 3f
    csrw mepc, t0
    mret
3:
#endif
    call wrapper_main

.text
// void run_sequence(struct state *, entry)
.globl run_sequence
run_sequence:
    sd ra, STATE_RETURN_RA(a0)
    sd sp, STATE_RETURN_SP(a0)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, STATE_SAVED+8*\n(a0)
    .endr
    mv tp, a0
    sd a1, STATE_SAVED+96(tp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, STATE_F+8*\n(tp)
    .endr
    ld t0, STATE_FCSR(tp)
    fscsr t0
    .irp n, 1,2,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, 8*\n(tp)
    .endr
    // The entry goes by a register that counts as an input: x31.
    ld x31, STATE_SAVED+96(tp)
    jr x31

// Every sequence ends with a jump to here (by x31, whose value is lost).
.globl sequence_end
.balign 4
sequence_end:
    .irp n, 0,1,2,3,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30
    sd x\n, 8*\n(tp)
    .endr
    sd zero, 32(tp)
    sd zero, 248(tp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, STATE_F+8*\n(tp)
    .endr
    frcsr t0
    sd t0, STATE_FCSR(tp)
    ld ra, STATE_RETURN_RA(tp)
    ld sp, STATE_RETURN_SP(tp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, STATE_SAVED+8*\n(tp)
    .endr
    ret

#ifndef WRAPPER_USER
.balign 4
on_trap:
    li sp, STATE_BASE - 16
    csrr a0, mcause
    csrr a1, mepc
    csrr a2, mtval
    call wrapper_trap
#endif

#ifdef WRAPPER_PAGED
// Interrupts at odd moments, which must not be noticed: the next one comes after 16 to 143 ticks.
.balign 4
on_timer:
    csrrw sp, mscratch, sp
    sd t0, 0(sp)
    sd t1, 8(sp)
    csrr t0, mcause
    bgez t0, on_trap
    ld t0, 16(sp)
    li t1, 1103515245
    mul t0, t0, t1
    addi t0, t0, 1235
    sd t0, 16(sp)
    srli t0, t0, 16
    andi t0, t0, 127
    csrr t1, time
    add t0, t0, t1
    addi t0, t0, 16
    li t1, 0x2004000
    sd t0, (t1)
    ld t0, 0(sp)
    ld t1, 8(sp)
    csrrw sp, mscratch, sp
    mret

.data
.balign 16
timer_stack: .dword 0, 0, 1, 0
#endif
