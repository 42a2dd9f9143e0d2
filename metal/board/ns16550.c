// SPDX-License-Identifier: Apache-2.0
// The physical UART. The firmware has set its rate.
#include "metal/board/platform.h"

#include "metal/riscv64/sbi.h"

enum uart_register { UART_DATA = 0, UART_IER = 1, UART_FCR = 2, UART_MCR = 4, UART_LSR = 5 };

#define IER_RX 1
#define IER_TX 2
#define FCR_ENABLE_CLEAR 7
#define MCR_OUT2 8 // lets the interrupt through
#define LSR_RX 1
#define LSR_TX_EMPTY 0x20

static volatile uint8_t *register_at(const struct platform *p, enum uart_register reg)
{
    return (volatile uint8_t *)(uintptr_t)(p->uart.base + ((uint64_t)reg << p->uart_shift));
}

static uint8_t reg_read(const struct platform *p, enum uart_register reg)
{
    volatile uint8_t *at = register_at(p, reg);

    return p->uart_width == 4 ? (uint8_t) * (volatile uint32_t *)at : *at;
}

static void reg_write(const struct platform *p, enum uart_register reg, uint8_t value)
{
    volatile uint8_t *at = register_at(p, reg);

    if (p->uart_width == 4)
        *(volatile uint32_t *)at = value;
    else
        *at = value;
}

void uart_init(const struct platform *p)
{
    if (!p->uart.size)
        return;
    reg_write(p, UART_IER, 0);
    reg_write(p, UART_FCR, FCR_ENABLE_CLEAR);
    reg_write(p, UART_MCR, MCR_OUT2 | 3);
}

void uart_irq_enable(const struct platform *p, bool room)
{
    if (p->uart.size)
        reg_write(p, UART_IER, IER_RX | (room ? IER_TX : 0));
}

unsigned uart_room(const struct platform *p)
{
    return reg_read(p, UART_LSR) & LSR_TX_EMPTY ? p->uart_fifo : 0;
}

void uart_send(const struct platform *p, char byte)
{
    reg_write(p, UART_DATA, (uint8_t)byte);
}

void uart_put(const struct platform *p, const char *bytes, size_t length)
{
    if (!p->uart.size) {
        fw_console_put(bytes, length);
        return;
    }
    for (size_t i = 0; i < length; i++) {
        for (unsigned n = 0; !(reg_read(p, UART_LSR) & LSR_TX_EMPTY) && n < UART_PATIENCE; n++)
            ;
        reg_write(p, UART_DATA, (uint8_t)bytes[i]);
    }
}

int uart_get(const struct platform *p)
{
    if (!p->uart.size || !(reg_read(p, UART_LSR) & LSR_RX))
        return -1;
    return reg_read(p, UART_DATA);
}
