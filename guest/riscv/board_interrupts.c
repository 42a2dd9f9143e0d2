// SPDX-License-Identifier: Apache-2.0
// The board's interrupt controllers, as the spec chooses: a PLIC, an APLIC with wires, or an APLIC and
// IMSICs; addresses and domains by QEMU's `virt`. With Hull's SBI there are the supervisor's domain and
// files alone; firmware finds the machine's too.
#include "guest/riscv/board_interrupts.h"

#include <hull/msi.h>

#include "core/dev/devices.h"

_Static_assert(HULL_SPEC_GUEST_FILES_MAX == HULL_MSI_GUESTS_MAX,
               "a spec asks for what there can be");

int riscv_board_add(struct riscv_board *board, struct device *dev, gpa_t base, uint64_t size,
                    struct device **keep)
{
    int error;

    if (!dev)
        return -HULL_ENOMEM;
    error = hull_bus_add(&board->vm->bus, dev, base, size);
    if (error) {
        dev->ops->destroy(dev);
        return error;
    }
    *keep = dev;
    return 0;
}

uint64_t riscv_board_imsic_stride(const struct riscv_isa *isa)
{
    return (uint64_t)HULL_PAGE_SIZE << hull_imsic_page_bits(isa->geilen);
}

struct riscv_isa riscv_board_isa(const struct vm_spec *spec)
{
    struct riscv_isa isa = riscv_isa_default();

    if (spec->no_hypervisor)
        isa.extensions &= ~RISCV_H_EXTENSIONS;
    if (spec->interrupts != INTERRUPTS_AIA)
        return isa;
    isa.extensions |= RISCV_AIA_EXTENSIONS;
    isa.geilen = spec->no_hypervisor ? 0 : (uint8_t)spec->guest_files;
    return isa;
}

static int add_aplic(struct riscv_board *board, bool machine)
{
    struct aplic_config config = {
        .sources = BOARD_IRQ_SOURCES,
        .guests = board->isa.geilen,
        .machine = machine,
        .msi = board->spec->interrupts == INTERRUPTS_AIA,
        .parent = board->aplic,
    };

    return riscv_board_add(board, hull_aplic_create(board->vm, &config),
                           machine ? BOARD_APLIC_M_BASE : BOARD_APLIC_S_BASE, BOARD_APLIC_SIZE,
                           machine ? &board->aplic : &board->aplic_s);
}

static int add_imsics(struct riscv_board *board)
{
    struct vm *vm = board->vm;
    int error =
        riscv_board_add(board, hull_imsic_create(vm, board->isa.geilen), BOARD_IMSIC_S_BASE,
                        vm->vcpu_count * riscv_board_imsic_stride(&board->isa), &board->imsic);

    if (!error && board->spec->boot.firmware)
        error = riscv_board_add(board, hull_imsic_machine_create(vm), BOARD_IMSIC_M_BASE,
                                vm->vcpu_count * (uint64_t)HULL_PAGE_SIZE, &board->imsic_m);
    return error;
}

int riscv_board_add_interrupts(struct riscv_board *board)
{
    int error = 0;

    if (board->spec->interrupts == INTERRUPTS_PLIC)
        return riscv_board_add(board, hull_plic_create(board->vm, BOARD_IRQ_SOURCES),
                               BOARD_PLIC_BASE, BOARD_PLIC_SIZE, &board->plic);
    if (board->spec->interrupts == INTERRUPTS_AIA)
        error = add_imsics(board);
    if (!error && board->spec->boot.firmware)
        error = add_aplic(board, true);
    if (!error)
        error = add_aplic(board, false);
    if (!board->aplic)
        board->aplic = board->aplic_s;
    return error;
}

struct irq_wire riscv_board_wire(struct riscv_board *board, unsigned source)
{
    return board->plic ? hull_plic_wire(board->plic, source)
                       : hull_aplic_wire(board->aplic, source);
}

void riscv_board_on_complete(struct riscv_board *board, unsigned word, uint32_t mask,
                             void (*done)(void *ctx, unsigned source), void *ctx)
{
    if (board->plic)
        hull_plic_on_complete(board->plic, word, mask, done, ctx);
    else
        hull_aplic_on_complete(board->aplic, word, mask, done, ctx);
}
