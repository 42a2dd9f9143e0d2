# SPDX-License-Identifier: Apache-2.0
# Between the firmware and Linux: hart 0, on which the firmware comes here, starts Linux (at 0x80600000) on hart 1 and
# stops, until Linux starts it as its second processor. See run_kvm() in bench/metal/costs.sh for why.
    .section .text.start, "ax"
    .globl _start
_start:
    mv a2, a1               # the device tree
    li a0, 1
    li a1, 0x80600000
    li a6, 0                # HSM: start
    li a7, 0x48534d
    ecall
    bnez a0, 1f
    li a6, 1                # stop
    ecall
1:  wfi
    j 1b
