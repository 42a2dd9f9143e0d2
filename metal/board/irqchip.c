// SPDX-License-Identifier: Apache-2.0
// Calls go to the kind of interrupt controller that is there; without one nothing ever interrupts.
#include "metal/board/irqchip.h"

#include "lib/checked.h"

static const struct irqchip_ops *ops_of(const struct irqchip *chip)
{
    static const struct irqchip_ops *const kinds[] = {
        [IRQCHIP_PLIC] = &irqchip_plic,
        [IRQCHIP_APLIC] = &irqchip_aplic,
        [IRQCHIP_IMSIC] = &irqchip_imsic,
    };

    return kinds[chip->kind];
}

const char *irqchip_name(const struct irqchip *chip)
{
    return chip->kind ? ops_of(chip)->name : "no interrupt controller";
}

bool irqchip_overlaps(const struct irqchip *chip, hpa_t base, uint64_t size)
{
    for (unsigned i = 0; i < chip->imsic.range_count; i++)
        if (hull_range_overlaps(base, size, chip->imsic.ranges[i].base, chip->imsic.ranges[i].size))
            return true;
    return hull_range_overlaps(base, size, chip->regs.base, chip->regs.size);
}

void irqchip_init(const struct irqchip *chip)
{
    if (chip->kind)
        ops_of(chip)->init(chip);
}

void irqchip_hart_init(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    if (chip->kind && hart->context != IRQCHIP_NO_CONTEXT)
        ops_of(chip)->hart_init(chip, hart);
}

bool irqchip_route(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source,
                   enum irq_trigger trigger)
{
    return chip->kind && hart->context != IRQCHIP_NO_CONTEXT && source && source <= chip->sources &&
           ops_of(chip)->route(chip, hart, source, trigger);
}

void irqchip_unroute(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source)
{
    if (chip->kind)
        ops_of(chip)->unroute(chip, hart, source);
}

uint32_t irqchip_claim(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    return chip->kind && hart->context != IRQCHIP_NO_CONTEXT ? ops_of(chip)->claim(chip, hart) : 0;
}

void irqchip_complete(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source)
{
    ops_of(chip)->complete(chip, hart, source);
}

bool irqchip_ipi(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    return chip->kind && ops_of(chip)->ipi && ops_of(chip)->ipi(chip, hart);
}
