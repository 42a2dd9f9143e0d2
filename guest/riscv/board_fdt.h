// SPDX-License-Identifier: Apache-2.0
// Between the files that write the board's device tree.
#ifndef HULL_RISCV_BOARD_FDT_H
#define HULL_RISCV_BOARD_FDT_H

#include "guest/riscv/board.h"
#include "lib/fdt.h"

// Phandles: each hart's interrupt controller, then the harts, then these.
enum fdt_node_handle {
    FDT_INTERRUPTS, // the PLIC, or the APLIC domain that a kernel uses
    FDT_FINISHER,
    FDT_APLIC_M,
    FDT_IMSIC_S,
    FDT_IMSIC_M,
};

static inline uint32_t fdt_intc_phandle(unsigned hart)
{
    return 1 + hart;
}

static inline uint32_t fdt_cpu_phandle(const struct vm_spec *spec, unsigned hart)
{
    return 1 + spec->cpus + hart;
}

static inline uint32_t fdt_phandle(const struct vm_spec *spec, enum fdt_node_handle node)
{
    return 1 + 2 * spec->cpus + node;
}

// interrupts-extended: two lines of every hart.
void fdt_hart_lines(struct fdt_writer *w, const struct vm_spec *spec, uint32_t first,
                    uint32_t second);
// A device's interrupt and its parent.
void fdt_interrupt(struct fdt_writer *w, const struct vm_spec *spec, uint32_t source);
void fdt_interrupt_controllers(struct fdt_writer *w, const struct vm_spec *spec,
                               const struct riscv_isa *isa);

#endif
