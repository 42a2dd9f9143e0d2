# SPDX-License-Identifier: Apache-2.0
# Where harts come in: the first one from the firmware, with Linux's Image header in front; the others by HSM.
# Paging is off then, and the image runs at its physical address until satp is written.
#include "metal/riscv64/csr.h"
#include "metal/riscv64/offsets.h"

    .section .text.start, "ax"
    .globl _start
_start:
    j boot
    .balign 8
    .dword 0x200000                 # text_offset
    .dword image_end - image_start
    .dword 0                        # flags: little-endian
    .word 2                         # header version 0.2
    .word 0
    .dword 0
    .ascii "RISCV\0\0\0"
    .ascii "RSC\x05"
    .word 0

# a0 = hart id, a1 = device tree
boot:
    csrw HW_SIE, zero
    csrw HW_SSCRATCH, zero
    mv s0, a0
    mv s1, a1
    lla t0, bss_start
    lla t1, bss_end
1:  bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:  lla s2, image_start             # where we were loaded
    li s3, 0xffffffffc0000000
    sub s3, s3, s2                  # what to add to get a linked address
    lla sp, boot_stack_top
    lla a0, boot_tables
    mv a1, s2
    call boot_map                   # a0 = satp
    lla t0, 3f
    add t0, t0, s3
    csrw HW_STVEC, t0
    add sp, sp, s3
    sfence.vma
    csrw HW_SATP, a0
    jr t0                           # in case this very page is mapped
    .balign 4
3:  lla t0, trap_vector
    csrw HW_STVEC, t0
    lla tp, boot_hart
    mv a0, s0
    mv a1, s1
    mv a2, s2
    call metal_main
4:  wfi
    j 4b

# a0 = hart id, a1 = struct host_hart, at an address that is the same with and without paging
    .balign 4
    .globl secondary_start
secondary_start:
    csrw HW_SIE, zero
    csrw HW_SSCRATCH, zero
    mv tp, a1
    lla t0, 1f
    lla t1, image_start
    sub t0, t0, t1
    li t1, 0xffffffffc0000000
    add t0, t0, t1
    csrw HW_STVEC, t0
    ld t2, HART_SATP(tp)
    sfence.vma
    csrw HW_SATP, t2              # the next fetch faults and so arrives at stvec
    nop
    .balign 4
1:  lla t0, trap_vector
    csrw HW_STVEC, t0
    ld sp, HART_STACK(tp)
    call metal_secondary
2:  wfi
    j 2b

# The first hart's stacks, for its traps and for the rest. The page below each will not be mapped (map_image()).
    .section .bss
    .balign 4096
    .globl boot_trap_stack_guard, boot_trap_stack_top, boot_stack_guard, boot_stack_top
boot_trap_stack_guard:
    .skip 4096
    .skip 4096
boot_trap_stack_top:
boot_stack_guard:
    .skip 4096
    .skip 8192
boot_stack_top:
