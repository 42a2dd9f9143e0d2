// SPDX-License-Identifier: Apache-2.0
// The host's PLIC. Its sources have no trigger of their own: gateways are the board's affair.
#include "metal/board/irqchip.h"

#define PRIORITY(source) (4ull * (source))
#define ENABLE(context, source) (0x2000ull + 0x80ull * (context) + (source) / 32 * 4)
#define THRESHOLD(context) (0x200000ull + 0x1000ull * (context))
#define CLAIM(context) (0x200004ull + 0x1000ull * (context))

static void plic_init(const struct irqchip *chip)
{
    for (uint32_t source = 1; source <= chip->sources; source++)
        *irqchip_reg(chip, PRIORITY(source)) = 1;
}

static void plic_hart_init(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    for (uint32_t source = 0; source <= chip->sources; source += 32)
        *irqchip_reg(chip, ENABLE(hart->context, source)) = 0;
    *irqchip_reg(chip, THRESHOLD(hart->context)) = 0;
}

static bool plic_route(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source,
                       enum irq_trigger trigger)
{
    (void)trigger;
    *irqchip_reg(chip, ENABLE(hart->context, source)) |= (uint32_t)1 << source % 32;
    return true;
}

static void plic_unroute(const struct irqchip *chip, const struct irqchip_hart *hart,
                         uint32_t source)
{
    *irqchip_reg(chip, ENABLE(hart->context, source)) &= ~((uint32_t)1 << source % 32);
}

static uint32_t plic_claim(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    return *irqchip_reg(chip, CLAIM(hart->context));
}

// Completions of what is not enabled are ignored, and then it never comes again.
static void plic_complete(const struct irqchip *chip, const struct irqchip_hart *hart,
                          uint32_t source)
{
    volatile uint32_t *enable = irqchip_reg(chip, ENABLE(hart->context, source));
    uint32_t before = *enable, bit = (uint32_t)1 << source % 32;

    if (!(before & bit))
        *enable = before | bit;
    *irqchip_reg(chip, CLAIM(hart->context)) = source;
    if (!(before & bit))
        *enable = before;
}

const struct irqchip_ops irqchip_plic = {
    .name = "PLIC",
    .init = plic_init,
    .hart_init = plic_hart_init,
    .route = plic_route,
    .unroute = plic_unroute,
    .claim = plic_claim,
    .complete = plic_complete,
};
