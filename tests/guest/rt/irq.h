// SPDX-License-Identifier: Apache-2.0
// Interrupts for the guest programs: which came last and where it was handled, and a source of the board's that can be
// raised at will.
#ifndef RT_IRQ_H
#define RT_IRQ_H

#include "csr.h"

// The last interrupt, and how many there were since somebody set that to 0.
struct rt_taken {
    uint64_t cause, mode, count;
};
extern struct rt_taken taken;

// For a program's rt_trap_hook, which has to see to it that there is no end of them. False: not an interrupt.
bool irq_note(struct rt_frame *frame);

// Some instructions that may be interrupted, for rt_run_in() and hyp_run(); its argument.
uint64_t irq_some_time(uint64_t arg);

// The UART's transmitter.
#define UART_IRQ 10
void irq_raise(void);
void irq_lower(void);

#endif
