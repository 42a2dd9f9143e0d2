// SPDX-License-Identifier: Apache-2.0
// The host's APLIC: the domain of S level that the firmware made for us. Alone it interrupts harts itself
// ("direct delivery"); imsic.c has the other way.
#include "metal/board/aplic.h"

#define IDELIVERY(hart) (APLIC_IDC(hart) + 0x00)
#define ITHRESHOLD(hart) (APLIC_IDC(hart) + 0x08)
#define CLAIMI(hart) (APLIC_IDC(hart) + 0x1c)
#define CLAIMI_SOURCE_SHIFT 16
#define PRIORITY 1u // the same for all

enum { SOURCE_EDGE_RISING = 4, SOURCE_EDGE_FALLING, SOURCE_LEVEL_HIGH, SOURCE_LEVEL_LOW };

// How sourcecfg spells the trigger.
static uint32_t source_mode(enum irq_trigger trigger)
{
    switch (trigger) {
    case IRQ_EDGE_RISING: return SOURCE_EDGE_RISING;
    case IRQ_EDGE_FALLING: return SOURCE_EDGE_FALLING;
    case IRQ_LEVEL_LOW: return SOURCE_LEVEL_LOW;
    default: return SOURCE_LEVEL_HIGH;
    }
}

void aplic_init(const struct irqchip *chip)
{
    *irqchip_reg(chip, APLIC_DOMAINCFG) = 0;
    for (uint32_t word = 0; word <= chip->sources / 32; word++)
        *irqchip_reg(chip, APLIC_CLRIE(word)) = UINT32_MAX;
    for (uint32_t source = 1; source <= chip->sources; source++)
        *irqchip_reg(chip, APLIC_SOURCECFG(source)) = 0;
    *irqchip_reg(chip, APLIC_DOMAINCFG) =
        APLIC_DOMAINCFG_IE | (chip->kind == IRQCHIP_IMSIC ? APLIC_DOMAINCFG_MSI : 0);
}

// The target is there before the source can go to one.
void aplic_source_on(const struct irqchip *chip, uint32_t source, enum irq_trigger trigger,
                     uint32_t target)
{
    *irqchip_reg(chip, APLIC_SOURCECFG(source)) = source_mode(trigger);
    *irqchip_reg(chip, APLIC_TARGET(source)) = target;
    *irqchip_reg(chip, APLIC_SETIENUM) = source;
}

bool aplic_source_is_level(const struct irqchip *chip, uint32_t source)
{
    return *irqchip_reg(chip, APLIC_SOURCECFG(source)) >= SOURCE_LEVEL_HIGH;
}

bool aplic_source_is_active(const struct irqchip *chip, uint32_t source)
{
    return *irqchip_reg(chip, APLIC_IN_CLRIP(source)) >> source % 32 & 1;
}

void aplic_source_pend(const struct irqchip *chip, uint32_t source, bool pending)
{
    *irqchip_reg(chip, pending ? APLIC_SETIPNUM_LE : APLIC_CLRIPNUM) = source;
}

bool aplic_source_is_pending(const struct irqchip *chip, uint32_t source)
{
    return *irqchip_reg(chip, APLIC_SETIP(source)) >> source % 32 & 1;
}

void aplic_unroute(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source)
{
    (void)hart;
    *irqchip_reg(chip, APLIC_CLRIENUM) = source;
    *irqchip_reg(chip, APLIC_SOURCECFG(source)) = 0;
}

static void direct_hart_init(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    *irqchip_reg(chip, ITHRESHOLD(hart->context)) = 0;
    *irqchip_reg(chip, IDELIVERY(hart->context)) = 1;
}

static bool direct_route(const struct irqchip *chip, const struct irqchip_hart *hart,
                         uint32_t source, enum irq_trigger trigger)
{
    aplic_source_on(chip, source, trigger, hart->context << APLIC_TARGET_HART_SHIFT | PRIORITY);
    return true;
}

// A level stays pending through its claim: disabled, it does not come again before it is completed. QEMU's APLIC has
// it pending even after it fell; that is nobody's interrupt.
static uint32_t direct_claim(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    uint32_t source;

    while ((source = *irqchip_reg(chip, CLAIMI(hart->context)) >> CLAIMI_SOURCE_SHIFT)) {
        if (aplic_source_is_level(chip, source) && !aplic_source_is_active(chip, source))
            continue;
        *irqchip_reg(chip, APLIC_CLRIENUM) = source;
        break;
    }
    return source;
}

static void direct_complete(const struct irqchip *chip, const struct irqchip_hart *hart,
                            uint32_t source)
{
    (void)hart;
    *irqchip_reg(chip, APLIC_SETIENUM) = source;
}

const struct irqchip_ops irqchip_aplic = {
    .name = "APLIC",
    .init = aplic_init,
    .hart_init = direct_hart_init,
    .route = direct_route,
    .unroute = aplic_unroute,
    .claim = direct_claim,
    .complete = direct_complete,
};
