// SPDX-License-Identifier: Apache-2.0
// Entry, traps and changes of mode for the guest programs. With RT_SMODE the program is a kernel that an
// SBI started in S mode, else it owns the machine.
#include "asm.h"

#ifdef RT_SMODE
#define XSCRATCH sscratch
#define XRET sret
#define XEPC sepc
#define XSTATUS sstatus
#define XPP_CLEAR (1 << 8)
#else
#define XSCRATCH mscratch
#define XRET mret
#define XEPC mepc
#define XSTATUS mstatus
#define XPP_CLEAR (3 << 11)
#endif

// t0 = the region of hart a0
.macro region
    la t0, rt_stacks
    slli t1, a0, RT_STACK_SHIFT
    add t0, t0, t1
.endm

.section .text.start, "ax"
.globl _start
_start:
#ifndef RT_SMODE
    csrr a0, mhartid
#endif
    j rt_start_hart

// a0 = hart, a1 = device tree
.globl rt_start_hart
rt_start_hart:
    region
    li t1, RT_STACK_SIZE
    add sp, t0, t1
    li t1, RT_STRAP_TOP
    add t1, t0, t1
    csrw sscratch, t1
    la t1, rt_trap_s
    csrw stvec, t1
#ifndef RT_SMODE
    li t1, RT_MTRAP_TOP
    add t1, t0, t1
    csrw mscratch, t1
    la t1, rt_trap_m
    csrw mtvec, t1
    csrw mie, zero
    li t1, -1
    csrw pmpaddr0, t1
    li t1, 0x1f
    csrw pmpcfg0, t1
    bnez a0, 1f
#endif
    mv fp, zero
    call rt_main
1:  call rt_secondary
2:  wfi
    j 2b

#ifdef RT_SMODE
// Where HSM starts further harts, and resumes any: a0 = hart, a1 = a function, which gets the hart,
// satp and sstatus as they were found.
.globl rt_sbi_entry
rt_sbi_entry:
    mv s0, a1
    region
    li t1, RT_STACK_SIZE
    add sp, t0, t1
    li t1, RT_STRAP_TOP
    add t1, t0, t1
    csrw sscratch, t1
    la t1, rt_trap_s
    csrw stvec, t1
    csrr a1, satp
    csrr a2, sstatus
    mv s1, a0
    jalr s0
    li a7, 0x48534d // hart_stop
    li a6, 1
    ecall
    unimp
#endif

// xscratch is the top of the trap stack, and zero in a handler: a trap there nests, on the stack that it
// finds.
.macro trap_entry mode, scratch, epc, status, cause, tval, ret
    csrrw sp, \scratch, sp
    bnez sp, 1f
    csrr sp, \scratch
    addi sp, sp, -RT_FRAME_SIZE
    sd zero, RT_FRAME_TOP(sp)
    j 2f
1:  addi sp, sp, -RT_FRAME_SIZE
    sd t0, 40(sp)
    addi t0, sp, RT_FRAME_SIZE
    sd t0, RT_FRAME_TOP(sp)
    ld t0, 40(sp)
2:  sd x1, 8(sp)
    .irp n, 3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, 8*\n(sp)
    .endr
    csrrw t0, \scratch, zero
    sd t0, 16(sp)
    csrr t0, \epc
    sd t0, RT_FRAME_EPC(sp)
    csrr t0, \status
    sd t0, RT_FRAME_STATUS(sp)
    csrr t0, \cause
    sd t0, RT_FRAME_CAUSE(sp)
    csrr t0, \tval
    sd t0, RT_FRAME_TVAL(sp)
    li t0, \mode
    sd t0, RT_FRAME_MODE(sp)
    mv a0, sp
    call rt_trap
    ld t0, RT_FRAME_EPC(sp)
    csrw \epc, t0
    ld t0, RT_FRAME_STATUS(sp)
    csrw \status, t0
    ld t0, RT_FRAME_TOP(sp)
    csrw \scratch, t0
    .irp n, 1,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, 8*\n(sp)
    .endr
    ld sp, 16(sp)
    \ret
.endm

.text
.balign 256
.globl rt_trap_s
rt_trap_s:
    trap_entry 1, sscratch, sepc, sstatus, scause, stval, sret

#ifndef RT_SMODE
// The same code serves VS mode, where the names mean the virtual supervisor's registers.
.balign 256
.globl rt_trap_vs
rt_trap_vs:
    trap_entry 2, sscratch, sepc, sstatus, scause, stval, sret

.balign 256
.globl rt_trap_m
rt_trap_m:
    trap_entry 3, mscratch, mepc, mstatus, mcause, mtval, mret

// A vectored table: entry n reports n in t5 of an expected trap by way of rt_vector_taken.
.balign 256
.globl rt_vectors_m
rt_vectors_m:
    .option push
    .option norvc
    .rept 16
    j vector_common_m
    .endr
    .option pop
vector_common_m:
    j rt_trap_m
#endif

// uint64_t rt_enter(pc, argument, sp, ra, status bits): a function in a less privileged mode, until
// rt_leave is reached by the trap handler.
.globl rt_enter
rt_enter:
    addi sp, sp, -112
    sd ra, 0(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, 8+8*\n(sp)
    .endr
    la t0, rt_return_sp
    sub t1, sp, t0
    la t2, rt_stacks
    sub t1, sp, t2
    srli t1, t1, RT_STACK_SHIFT
    slli t1, t1, 3
    add t0, t0, t1
    sd sp, 0(t0)
    li t0, XPP_CLEAR
    csrc XSTATUS, t0
    csrs XSTATUS, a4
    csrw XEPC, a0
    mv sp, a2
    mv ra, a3
    mv a0, a1
    XRET

.globl rt_leave
rt_leave:
    ld ra, 0(sp)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, 8+8*\n(sp)
    .endr
    addi sp, sp, 112
    ret

// Where such a function returns to.
.globl rt_leave_stub
rt_leave_stub:
    li a7, RT_LEAVE_MAGIC
    ecall
    unimp

.section .htif, "aw"
#ifdef RT_HTIF
.globl tohost
.globl fromhost
.balign 64
tohost: .dword 0
.balign 64
fromhost: .dword 0
#endif

.bss
.balign RT_STACK_SIZE
.globl rt_stacks
rt_stacks: .skip RT_HARTS * RT_STACK_SIZE
