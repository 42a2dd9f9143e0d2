// SPDX-License-Identifier: Apache-2.0
// The harts' IMSICs, with the APLIC as what turns wires into messages: each source is an identity in the S-level
// file of the hart that it goes to, and one identity is the harts' own, for IPIs. Which sources come is the APLIC's
// affair: a file's enable bits can only be reached on its own hart, so all of them are on.
#include "metal/board/aplic.h"
#include "metal/riscv64/csr.h"

#define ID_IPI 1u  // a lower number wins
#define ID_SYNC 2u // never enabled: irqchip_sync() looks for it
#define ID_OF(source) ((source) + ID_SYNC)
#define WORD_BITS 64u

enum { MODE_EDGE = 4, MODE_LEVEL = 6, MODE_INVERTED = 1 }; // of sourcecfg

static void file_write(uint64_t select, uint64_t value)
{
    csr_write(HW_SISELECT, select);
    csr_write(HW_SIREG, value);
}

static void imsic_hart_init(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    (void)hart;
    file_write(IMSIC_EIDELIVERY, 0);
    file_write(IMSIC_EITHRESHOLD, 0);
    // Words of 64 identities, at even numbers.
    for (unsigned word = 0; word <= chip->imsic.ids / WORD_BITS; word++) {
        file_write(IMSIC_EIP0 + 2 * word, 0);
        file_write(IMSIC_EIE0 + 2 * word, word ? UINT64_MAX : ~(1ull << ID_SYNC));
    }
    file_write(IMSIC_EIDELIVERY, 1);
}

static bool imsic_route(const struct irqchip *chip, const struct irqchip_hart *hart,
                        uint32_t source, enum irq_trigger trigger)
{
    if (ID_OF(source) > chip->imsic.ids)
        return false;
    aplic_source_on(chip, source, trigger,
                    hart->context << APLIC_TARGET_HART_SHIFT | ID_OF(source));
    return true;
}

static uint32_t imsic_claim(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    uint32_t id = (uint32_t)(csr_swap(HW_STOPEI, 0) >> STOPEI_ID_SHIFT);

    (void)hart;
    if (id == ID_IPI)
        return IRQCHIP_IPI;
    // Somebody else's message, if it is none of ours: taken, and nobody's.
    return !id || id > ID_OF(chip->sources) ? id : id - ID_OF(0);
}

// A level that is still there must be sent again (AIA 4.9.2). QEMU's APLIC before 9.0 does so whatever the level is,
// so it is looked at here as well.
static void imsic_complete(const struct irqchip *chip, const struct irqchip_hart *hart,
                           uint32_t source)
{
    (void)hart;
    if (aplic_source_is_level(chip, source) && aplic_source_is_active(chip, source))
        *irqchip_reg(chip, APLIC_SETIPNUM_LE) = source;
}

static bool imsic_ipi(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    (void)chip;
    if (!hart->imsic)
        return false;
    irqchip_msi(hart->imsic, ID_IPI);
    return true;
}

const struct irqchip_ops irqchip_imsic = {
    .name = "APLIC and IMSIC",
    .init = aplic_init,
    .hart_init = imsic_hart_init,
    .route = imsic_route,
    .unroute = aplic_unroute,
    .claim = imsic_claim,
    .complete = imsic_complete,
    .ipi = imsic_ipi,
};

// The guest's mode, for the wire that there is: an edge stays one, whatever the guest takes it for.
static unsigned mode_of(const struct irqchip_lead *lead)
{
    unsigned mode = lead->mode;

    if (mode < MODE_EDGE)
        return mode;
    if (mode >= MODE_LEVEL && (lead->trigger & (IRQ_EDGE_RISING | IRQ_EDGE_FALLING)))
        mode -= MODE_LEVEL - MODE_EDGE;
    return lead->trigger & (IRQ_EDGE_FALLING | IRQ_LEVEL_LOW) ? mode ^ MODE_INVERTED : mode;
}

// A write of sourcecfg may set it pending (AIA 4.5.2), so there is none without need. A source that goes from one place
// to another stays enabled: what comes meanwhile goes to either.
bool irqchip_lead(const struct irqchip *chip, uint32_t source, const struct irqchip_lead *lead)
{
    uint32_t identity = lead->file ? lead->identity : ID_OF(source);

    if (identity > chip->imsic.ids)
        return false;
    if (!lead->enabled)
        *irqchip_reg(chip, APLIC_CLRIENUM) = source;
    if (*irqchip_reg(chip, APLIC_SOURCECFG(source)) != mode_of(lead))
        *irqchip_reg(chip, APLIC_SOURCECFG(source)) = mode_of(lead);
    *irqchip_reg(chip, APLIC_TARGET(source)) = lead->hart->context << APLIC_TARGET_HART_SHIFT |
                                               lead->file << APLIC_TARGET_FILE_SHIFT | identity;
    if (lead->enabled)
        *irqchip_reg(chip, APLIC_SETIENUM) = source;
    return true;
}

// AIA 4.9.3: the APLIC's messages to a hart stay in order.
void irqchip_sync(const struct irqchip *chip, const struct irqchip_hart *hart)
{
    csr_write(HW_SISELECT, IMSIC_EIP0);
    csr_clear(HW_SIREG, 1ul << ID_SYNC);
    *irqchip_reg(chip, APLIC_GENMSI) = hart->context << APLIC_TARGET_HART_SHIFT | ID_SYNC;
    while (*irqchip_reg(chip, APLIC_GENMSI) & APLIC_GENMSI_BUSY)
        ;
    while (!(csr_read(HW_SIREG) >> ID_SYNC & 1))
        ;
    csr_clear(HW_SIREG, 1ul << ID_SYNC);
}
