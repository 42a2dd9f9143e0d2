// SPDX-License-Identifier: Apache-2.0
// Passthrough. A device that reaches memory by itself knows nothing of stage 2: a VM only gets it where guest
// addresses are physical ones, and its file says that it may.
#include "metal/common/passthrough.h"

#include "core/dev/devices.h"
#include "lib/checked.h"
#include "metal/common/machine.h"
#include "metal/common/vm.h"

// All of them go to the first hart.
static const struct irqchip_hart *irq_hart(void)
{
    return &machine.harts[0]->irq;
}

static int refuse(const struct metal_vm *vm, const char *device, const char *why)
{
    console_log(&machine.console, "%s: may not have %s: %s", vm->spec->name, device, why);
    return -HULL_EPERM;
}

static bool is_ours(const struct board_device *d)
{
    const struct platform *p = &machine.platform;

    return hull_range_overlaps(d->address, d->size, p->uart.base, p->uart.size) ||
           irqchip_overlaps(&p->irqchip, d->address, d->size) ||
           pages_is_ram(&machine.pages, d->address, d->size) || (d->irq && d->irq == p->uart_irq);
}

// The bundle's validator has looked at all this; a bundle is still only a file.
static int check(const struct metal_vm *vm, const struct board_device *d, const char *name)
{
    if (!d)
        return refuse(vm, name, "the board has no such device");
    if ((d->address | d->size) % HULL_PAGE_SIZE || !d->size)
        return refuse(vm, name, "its registers share a page with others");
    if (is_ours(d))
        return refuse(vm, name, "the hypervisor uses it itself, or it is memory");
    if (d->dma && !(vm->spec->metal.unsafe_dma && vm->memory.fixed))
        return refuse(vm, name,
                      "it reaches memory by itself; the VM's memory must have an address, and its "
                      "file say \"unsafe_dma\": true");
    if (d->irq >= HOST_IRQ_MAX || d->irq > machine.platform.irqchip.sources)
        return refuse(vm, name, "the board has no such interrupt");
    return 0;
}

// A handler in the guest has completed it: now the physical one may come again. The guest's PLIC's lock is held.
static void completed(void *ctx, unsigned guest)
{
    struct metal_vm *vm = ctx;

    for (unsigned i = 0; i < vm->spec->metal.passthrough_count; i++) {
        const struct board_device *d =
            hull_board_device(&machine.bundle.board, vm->spec->metal.passthrough[i].device);
        struct host_irq *irq = d && d->irq ? &machine.irqs[d->irq] : NULL;

        if (irq && irq->vm == vm && irq->guest == guest && irq->claimed) {
            irq->claimed = false;
            irqchip_complete(&machine.platform.irqchip, irq_hart(), d->irq);
        }
    }
}

static int attach_one(struct metal_vm *vm, const struct passthrough_spec *spec, uint32_t latched[])
{
    const struct board_device *d = hull_board_device(&machine.bundle.board, spec->device);
    struct host_irq *irq;
    int error = check(vm, d, spec->device);

    if (!error)
        error = page_table_map(&vm->memory.stage2, spec->address, d->address, d->size,
                               PTE_R | PTE_W | PTE_U);
    if (error || !d->irq)
        return error;
    irq = &machine.irqs[d->irq];
    if (irq->vm)
        return -HULL_EBUSY;
    *irq = (struct host_irq){.vm = vm, .guest = (uint16_t)spec->irq};
    latched[spec->irq / 32] |= 1u << spec->irq % 32;
    riscv_board_on_complete(&vm->board, spec->irq / 32, latched[spec->irq / 32], completed, vm);
    if (irqchip_route(&machine.platform.irqchip, irq_hart(), d->irq,
                      platform_irq_trigger(&machine.platform, d->irq)))
        return 0;
    *irq = (struct host_irq){0};
    return refuse(vm, spec->device, "its interrupt cannot be had");
}

int passthrough_attach(struct metal_vm *vm)
{
    uint32_t latched[HOST_IRQ_MAX / 32] = {0};
    int error = 0;

    for (unsigned i = 0; i < vm->spec->metal.passthrough_count && !error; i++)
        error = attach_one(vm, &vm->spec->metal.passthrough[i], latched);
    return error;
}

void passthrough_detach(struct metal_vm *vm)
{
    for (unsigned source = 1; source < HOST_IRQ_MAX; source++) {
        struct host_irq *irq = &machine.irqs[source];

        if (irq->vm != vm)
            continue;
        irqchip_unroute(&machine.platform.irqchip, irq_hart(), source);
        spin_lock(&machine.irq_lock); // until passthrough_interrupt() is out of this VM's board
        if (irq->claimed)
            irqchip_complete(&machine.platform.irqchip, irq_hart(), source);
        *irq = (struct host_irq){0};
        spin_unlock(&machine.irq_lock);
    }
}

bool passthrough_interrupt(uint32_t source)
{
    struct host_irq *irq = source < HOST_IRQ_MAX ? &machine.irqs[source] : NULL;
    bool mine;

    if (!irq)
        return false;
    spin_lock(&machine.irq_lock);
    mine = irq->vm;
    if (mine) {
        struct irq_wire wire = riscv_board_wire(&irq->vm->board, irq->guest);

        irq->claimed = true;
        hull_irq_set(&wire, true);
    }
    spin_unlock(&machine.irq_lock);
    return mine;
}
