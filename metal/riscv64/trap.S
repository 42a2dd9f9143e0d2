# SPDX-License-Identifier: Apache-2.0
# Traps into HS mode, and the way into a guest. While a guest runs, sscratch holds its struct guest_regs; in
# the hypervisor it is 0, which is how the two kinds of trap are told apart.
#include "metal/riscv64/csr.h"
#include "metal/riscv64/offsets.h"

.macro save_most base               # all but sp (x2) and a0 (x10)
    sd x1, 8(\base)
    .irp n, 3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    sd x\n, 8*\n(\base)
    .endr
.endm

.macro load_most base
    ld x1, 8(\base)
    .irp n, 3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    ld x\n, 8*\n(\base)
    .endr
.endm

.macro save_callee base
    sd ra, 0(\base)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    sd s\n, 8*\n+8(\base)
    .endr
.endm

.macro load_callee base
    ld ra, 0(\base)
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11
    ld s\n, 8*\n+8(\base)
    .endr
.endm

# What a call of C may change, but sp, tp and a0. C does not use gp.
.macro caller_saved op, base
    \op x1, 8(\base)
    .irp n, 5,6,7,11,12,13,14,15,16,17,28,29,30,31
    \op x\n, 8*\n(\base)
    .endr
.endm

.macro callee_saved op, base
    .irp n, 3,8,9,18,19,20,21,22,23,24,25,26,27
    \op x\n, 8*\n(\base)
    .endr
.endm

# Back into the guest with the registers that caller_saved covers.
.macro resume base
    csrw HW_SSCRATCH, \base
    caller_saved ld, \base
    ld tp, 32(\base)
    ld sp, 16(\base)
    ld a0, 80(\base)
    sret
.endm

# The guest's own state of the trap, which a trap of ours meanwhile may have changed.
.macro trap_state base
    ld t0, GUEST_SEPC(\base)
    ld t1, GUEST_SSTATUS(\base)
    ld t2, GUEST_HSTATUS(\base)
    csrw HW_SEPC, t0
    csrw HW_SSTATUS, t1
    csrw HW_HSTATUS, t2
.endm

    .text
    .balign 4
    .globl trap_vector
trap_vector:
    csrrw a0, HW_SSCRATCH, a0
    beqz a0, host_trap
    caller_saved sd, a0
    sd sp, 16(a0)
    sd tp, 32(a0)
    csrr t1, HW_SCAUSE
    csrrw t2, HW_SSCRATCH, zero
    sd t2, 80(a0)
    ld sp, GUEST_HOST_SP(a0)
    ld tp, GUEST_HOST_TP(a0)
    li t0, HW_CAUSE_ECALL_VS
    bne t1, t0, 1f
    # A call: most need no more than this. sepc, sstatus and hstatus stay in the hart.
    call hext_fast_call
    beqz a0, 4f
    resume a0
    # C keeps the guest's gp and s registers: only a store's value may have to be looked for there.
1:  csrr t0, HW_SEPC
    csrr t2, HW_SSTATUS
    sd t0, GUEST_SEPC(a0)
    sd t2, GUEST_SSTATUS(a0)
    sd t1, GUEST_SCAUSE(a0)
    li t0, HW_CAUSE_GUEST_STORE_FAULT
    bne t1, t0, 2f
    callee_saved sd, a0
2:  call hext_fast_exit
    bnez a1, 5f
3:  beqz a0, 4f
    trap_state a0
    resume a0
    # The long way: guest_enter() returns.
4:  ld a0, HART_GUEST(tp)
    callee_saved sd, a0
    load_callee sp
    addi sp, sp, 112
    ret
    # A load into register a1 of those.
5:  ld t0, HART_GUEST(tp)
    callee_saved sd, t0
    slli a1, a1, 3
    add a1, a1, t0
    ld t1, GUEST_LOADED(t0)
    sd t1, 0(a1)
    callee_saved ld, t0
    j 3b

    .globl guest_enter
guest_enter:
    addi sp, sp, -112
    save_callee sp
    sd sp, GUEST_HOST_SP(a0)
    sd tp, GUEST_HOST_TP(a0)
    sd a0, HART_GUEST(tp)
    callee_saved ld, a0
    trap_state a0
    resume a0

# A trap of ours: a window onto guest memory that is not mapped yet, an instruction that may fault, or a fault
# in the hypervisor. Interrupts are never on in HS mode.
host_trap:
    csrrw a0, HW_SSCRATCH, zero
    sd sp, HART_TRAP_SP(tp)
    ld sp, HART_TRAP_STACK(tp)
    addi sp, sp, -TRAP_SIZE
    sd a0, 80(sp)
    save_most sp
    ld t0, HART_TRAP_SP(tp)
    sd t0, 16(sp)
    sd zero, 0(sp)
    csrr t0, HW_SEPC
    csrr t1, HW_SSTATUS
    csrr t2, HW_SCAUSE
    csrr t3, HW_STVAL
    sd t0, TRAP_SEPC(sp)
    sd t1, TRAP_SSTATUS(sp)
    sd t2, TRAP_SCAUSE(sp)
    sd t3, TRAP_STVAL(sp)
    mv a0, sp
    call host_trap_handle
    ld t0, TRAP_SEPC(sp)
    ld t1, TRAP_SSTATUS(sp)
    csrw HW_SEPC, t0
    csrw HW_SSTATUS, t1
    load_most sp
    ld a0, 80(sp)
    ld sp, 16(sp)
    sret

    .globl stack_switch
stack_switch:
    addi sp, sp, -112
    save_callee sp
    sd sp, 0(a0)
    mv sp, a1
    load_callee sp
    addi sp, sp, 112
    ret

    .globl thread_entry
thread_entry:
    mv a0, s1
    mv t0, s0
    li s0, 0                        # the backtrace ends here
    li ra, 0
    jr t0

# Each may trap at its first instruction; host_trap_handle() then goes on at its second label, with a0 = -1.
    .globl guest_fetch_half, guest_fetch_word, guest_fetch_failed
guest_fetch_half:
    .word 0x64354573                # hlvx.hu a0, (a0)
    ret
guest_fetch_word:
    .word 0x68354573                # hlvx.wu a0, (a0)
    ret
guest_fetch_failed:
    li a0, -1
    ret

    .globl csr_probe_hstatus, csr_probe_stimecmp, csr_probe_hstateen0, csr_probe_failed
csr_probe_hstatus:
    csrr a0, HW_HSTATUS
    li a0, 1
    ret
csr_probe_stimecmp:
    csrr a0, HW_STIMECMP
    li a0, 1
    ret
csr_probe_hstateen0:
    csrr a0, HW_HSTATEEN0
    li a0, 1
    ret
csr_probe_failed:
    li a0, 0
    ret
