// SPDX-License-Identifier: Apache-2.0
// See irq.h.
#include "irq.h"

#define UART_IER (UART + 1)
#define UART_LSR (UART + 5)

struct rt_taken taken;

bool irq_note(struct rt_frame *frame)
{
    if (!(frame->cause & CAUSE_INTERRUPT))
        return false;
    taken.cause = frame->cause & ~CAUSE_INTERRUPT;
    taken.mode = frame->mode;
    taken.count++;
    return true;
}

uint64_t irq_some_time(uint64_t arg)
{
    for (volatile unsigned i = 0; i < 200; i++)
        ;
    return arg;
}

void irq_raise(void)
{
    while (!(rd8(UART_LSR) & 0x20))
        ;
    wr8(UART_IER, 0);
    wr8(UART_IER, 2);
}

void irq_lower(void)
{
    wr8(UART_IER, 0);
}
