// SPDX-License-Identifier: Apache-2.0
// What the host's device tree says about the machine, and the drivers for what the hypervisor itself uses:
// one UART, and the interrupt controller (irqchip.h).
#ifndef METAL_BOARD_PLATFORM_H
#define METAL_BOARD_PLATFORM_H

#include <hull/error.h>
#include <hull/types.h>

#include "guest/riscv/isa.h"
#include "lib/fdt.h"
#include "metal/board/irqchip.h"

#define PLATFORM_HARTS_MAX 64
#define PLATFORM_MEMORY_MAX 8
#define PLATFORM_HOLES_MAX 16

struct platform_hart {
    uint64_t hartid;
    uint32_t intc; // phandle of its interrupt controller
    bool has_h, has_sstc, has_ssaia;
    struct riscv_isa isa;
    struct irqchip_hart irq;
};

struct platform {
    struct fdt_view fdt;
    const char *model;
    uint64_t timebase_hz;
    struct platform_hart harts[PLATFORM_HARTS_MAX];
    unsigned hart_count;
    struct platform_range memory[PLATFORM_MEMORY_MAX];
    unsigned memory_count;
    struct platform_range reserved[PLATFORM_HOLES_MAX];
    unsigned reserved_count;
    struct platform_range initrd; // size 0: none
    const char *bootargs;         // NULL: none

    struct irqchip irqchip;
    struct platform_range uart; // size 0: none that we know
    unsigned uart_shift, uart_width, uart_irq, uart_fifo;
};

// How the device tree says that an interrupt of the irqchip's comes; high while it says nothing.
enum irq_trigger platform_irq_trigger(const struct platform *platform, uint32_t source);

// Reads the tree; 0, or -HULL_E… with `*what` saying what is missing.
HULL_MUST_CHECK int platform_read(struct platform *platform, const void *dtb, const char **what);

// ns16550a and compatibles. put: waits for room, but not for ever. room: bytes that it takes at once. get: -1
// when there is nothing. irq_enable: for input, and when all that was sent has gone.
#define UART_PATIENCE \
    1000000u // polls; then the byte is lost: a UART that is stuck must not stop us
void uart_init(const struct platform *platform);
void uart_put(const struct platform *platform, const char *bytes, size_t length);
int uart_get(const struct platform *platform);
void uart_irq_enable(const struct platform *platform, bool room);
unsigned uart_room(const struct platform *platform);
void uart_send(const struct platform *platform, char byte);

#endif
