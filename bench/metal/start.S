# SPDX-License-Identifier: Apache-2.0
# A guest of one file: harts come in here, with a0 = hart id. Each gets a stack, and calls guest_main().
    .section .text.start, "ax"
    .globl _start
_start:
    lla t0, stacks
    addi t1, a0, 1
    slli t1, t1, 13
    add sp, t0, t1
    bnez a0, 2f
    lla t0, bss_start
    lla t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  call guest_main
3:  wfi
    j 3b

    .section .stacks, "aw", @nobits
    .balign 16
stacks:
    .skip 8192 * 8
