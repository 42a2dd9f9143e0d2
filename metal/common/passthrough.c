// SPDX-License-Identifier: Apache-2.0
// Passthrough. A device that reaches memory by itself knows nothing of stage 2: a VM only gets it where guest
// addresses are physical ones, and its file says that it may.
#include "metal/common/passthrough.h"

#include <hull/msi.h>

#include "core/dev/devices.h"
#include "lib/checked.h"
#include "metal/board/aplic.h"
#include "metal/common/machine.h"
#include "metal/common/vm.h"
#include "metal/riscv64/hext_imsic.h"

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

static unsigned irq_by_source(const struct metal_vm *vm, unsigned guest)
{
    for (unsigned i = 0; i < HULL_SPEC_PASSTHROUGH_MAX; i++)
        if (vm->irqs[i] && machine.irqs[vm->irqs[i]].guest == guest)
            return vm->irqs[i];
    return 0;
}

// A handler in the guest has completed it: now the physical one may come again. The guest's PLIC's lock is held.
static void completed(void *ctx, unsigned guest)
{
    unsigned source = irq_by_source(ctx, guest);

    if (source && machine.irqs[source].claimed) {
        machine.irqs[source].claimed = false;
        irqchip_complete(&machine.platform.irqchip, irq_hart(), source);
    }
}

// ---- Guests with AIA: their APLIC's source is the host's ----

static bool is_direct(const struct metal_vm *vm)
{
    return vm->spec->interrupts == INTERRUPTS_AIA;
}

// Messages go into the guest interrupt file of the vCPU that the guest says, or, as long as that has none, to us. The
// lock is held. False: the board cannot.
static bool lead(unsigned source)
{
    const struct host_irq *irq = &machine.irqs[source];
    struct irqchip_lead lead = {
        .hart = irq_hart(),
        .identity = irq->identity,
        .mode = irq->mode,
        .trigger = irq->trigger,
        .enabled = irq->enabled && irq->identity && !irq->vm->irqs_masked,
    };

    if (lead.enabled)
        hext_imsic_lead(&irq->vm->vm.vcpus[irq->vcpu], &lead);
    return irqchip_lead(&machine.platform.irqchip, source, &lead);
}

// Whatever a guest writes: messages go to its own vCPUs, as identities that their files have.
static void direct_configure(void *ctx, unsigned guest, const struct aplic_route *route)
{
    const struct metal_vm *vm = ctx;
    unsigned source = irq_by_source(vm, guest);
    struct host_irq *irq = &machine.irqs[source];
    bool possible = route->vcpu < vm->vm.vcpu_count && route->identity <= HULL_MSI_IDENTITIES;

    if (!source)
        return; // it has been given back
    spin_lock(&machine.lead_lock);
    irq->mode = (uint8_t)route->mode & 7;
    irq->enabled = route->enabled;
    irq->vcpu = possible ? (uint8_t)route->vcpu : 0;
    irq->identity = possible ? (uint8_t)route->identity : 0;
    (void)lead(source);
    spin_unlock(&machine.lead_lock);
}

static void direct_set_pending(void *ctx, unsigned guest, bool pending)
{
    aplic_source_pend(&machine.platform.irqchip, irq_by_source(ctx, guest), pending);
}

static bool direct_pending(void *ctx, unsigned guest)
{
    return aplic_source_is_pending(&machine.platform.irqchip, irq_by_source(ctx, guest));
}

static bool direct_input(void *ctx, unsigned guest)
{
    return aplic_source_is_active(&machine.platform.irqchip, irq_by_source(ctx, guest));
}

static const struct aplic_backing direct = {
    .configure = direct_configure,
    .set_pending = direct_set_pending,
    .pending = direct_pending,
    .input = direct_input,
};

void passthrough_follow(const struct vcpu *vcpu)
{
    const struct metal_vm *vm = metal_vm_of(vcpu->vm);

    spin_lock(&machine.lead_lock);
    for (unsigned i = 0; i < HULL_SPEC_PASSTHROUGH_MAX; i++)
        if (vm->irqs[i] && machine.irqs[vm->irqs[i]].vcpu == vcpu->index)
            (void)lead(vm->irqs[i]);
    spin_unlock(&machine.lead_lock);
}

void passthrough_sync(void)
{
    spin_lock(&machine.lead_lock);
    irqchip_sync(&machine.platform.irqchip, &this_hart()->irq);
    spin_unlock(&machine.lead_lock);
}

void passthrough_mask(struct metal_vm *vm, bool masked)
{
    spin_lock(&machine.lead_lock);
    vm->irqs_masked = masked;
    for (unsigned i = 0; is_direct(vm) && i < HULL_SPEC_PASSTHROUGH_MAX; i++)
        if (vm->irqs[i])
            (void)lead(vm->irqs[i]);
    spin_unlock(&machine.lead_lock);
}

// ---- Whose they are ----

static bool irq_attach(struct metal_vm *vm, unsigned source, uint32_t latched[])
{
    const struct irqchip *chip = &machine.platform.irqchip;
    enum irq_trigger trigger = platform_irq_trigger(&machine.platform, source);
    unsigned guest = machine.irqs[source].guest;

    machine.irqs[source].trigger = (uint8_t)trigger & 15;
    if (is_direct(vm)) {
        if (!lead(source))
            return false;
        hull_aplic_back(vm->board.aplic, guest, &direct, vm);
        return true;
    }
    latched[guest / 32] |= 1u << guest % 32;
    riscv_board_on_complete(&vm->board, guest / 32, latched[guest / 32], completed, vm);
    return irqchip_route(chip, irq_hart(), source, trigger);
}

static int attach_one(struct metal_vm *vm, unsigned i, uint32_t latched[])
{
    const struct passthrough_spec *spec = &vm->spec->metal.passthrough[i];
    const struct board_device *d = hull_board_device(&machine.bundle.board, spec->device);
    int error = check(vm, d, spec->device);

    if (!error)
        error = page_table_map(&vm->memory.stage2, spec->address, d->address, d->size,
                               PTE_R | PTE_W | PTE_U);
    if (error || !d->irq)
        return error;
    if (machine.irqs[d->irq].vm)
        return -HULL_EBUSY;
    machine.irqs[d->irq] = (struct host_irq){.vm = vm, .guest = (uint16_t)spec->irq};
    vm->irqs[i] = (uint16_t)d->irq;
    if (irq_attach(vm, d->irq, latched))
        return 0;
    machine.irqs[d->irq] = (struct host_irq){0};
    vm->irqs[i] = 0;
    return refuse(vm, spec->device, "its interrupt cannot be had");
}

int passthrough_attach(struct metal_vm *vm)
{
    uint32_t latched[HOST_IRQ_MAX / 32] = {0};
    int error = 0;

    vm->irqs_masked = false;
    vm->irqs_forwarded = 0;
    for (unsigned i = 0; i < vm->spec->metal.passthrough_count && !error; i++)
        error = attach_one(vm, i, latched);
    return error;
}

void passthrough_detach(struct metal_vm *vm)
{
    for (unsigned i = 0; i < HULL_SPEC_PASSTHROUGH_MAX; i++) {
        unsigned source = vm->irqs[i];
        struct host_irq *irq = &machine.irqs[source];

        if (!source)
            continue;
        irqchip_unroute(&machine.platform.irqchip, irq_hart(), source);
        spin_lock(&machine.irq_lock); // until passthrough_interrupt() is out of this VM's board
        if (irq->claimed)
            irqchip_complete(&machine.platform.irqchip, irq_hart(), source);
        spin_lock(&machine.lead_lock);
        *irq = (struct host_irq){0};
        vm->irqs[i] = 0;
        spin_unlock(&machine.lead_lock);
        spin_unlock(&machine.irq_lock);
    }
}

static void forward(struct host_irq *irq)
{
    struct vcpu *vcpu;
    uint32_t identity;

    spin_lock(&machine.lead_lock);
    vcpu = &irq->vm->vm.vcpus[irq->vcpu];
    identity = irq->enabled ? irq->identity : 0; // it may have been sent before that changed
    spin_unlock(&machine.lead_lock);
    hull_msi_send(vcpu, HULL_MSI_FILE_S, identity);
}

bool passthrough_interrupt(uint32_t source)
{
    struct host_irq *irq = source < HOST_IRQ_MAX ? &machine.irqs[source] : NULL;
    bool mine;

    if (!irq)
        return false;
    spin_lock(&machine.irq_lock);
    mine = irq->vm;
    if (mine)
        irq->vm->irqs_forwarded++;
    if (mine && is_direct(irq->vm)) {
        forward(irq);
    } else if (mine) {
        struct irq_wire wire = riscv_board_wire(&irq->vm->board, irq->guest);

        irq->claimed = true;
        hull_irq_set(&wire, true);
    }
    spin_unlock(&machine.irq_lock);
    return mine;
}
