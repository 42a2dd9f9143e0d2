// SPDX-License-Identifier: Apache-2.0
// The host's interrupt controller, of whichever kind it is: a PLIC, an APLIC that interrupts harts itself, or one
// that sends messages to the harts' IMSICs (AIA 1.0). Sources are the hypervisor's own and those of devices that
// were given to a VM; each goes to one hart.
#ifndef METAL_BOARD_IRQCHIP_H
#define METAL_BOARD_IRQCHIP_H

#include <hull/error.h>
#include <hull/types.h>

struct platform;

#define IRQCHIP_NO_CONTEXT UINT32_MAX
#define IRQCHIP_IPI UINT32_MAX // what irqchip_claim() says of another hart's IPI
#define IMSIC_RANGES_MAX 8

enum irqchip_kind { IRQCHIP_NONE, IRQCHIP_PLIC, IRQCHIP_APLIC, IRQCHIP_IMSIC };

// How a source asks for attention, as device trees count it.
enum irq_trigger {
    IRQ_EDGE_RISING = 1,
    IRQ_EDGE_FALLING = 2,
    IRQ_LEVEL_HIGH = 4,
    IRQ_LEVEL_LOW = 8
};

struct platform_range {
    hpa_t base;
    uint64_t size;
};

// The harts' interrupt files of S level: a page each, and behind it one for each guest file.
struct platform_imsic {
    struct platform_range ranges[IMSIC_RANGES_MAX];
    unsigned range_count;
    uint32_t ids; // identities are 1 to ids
    unsigned guest_bits, hart_bits, group_bits, group_shift;
};

// What of it belongs to a hart.
struct irqchip_hart {
    uint32_t
        context; // the PLIC's context, or the number that the APLIC has for the hart; IRQCHIP_NO_CONTEXT
    hpa_t imsic; // its S-level file's page; 0: it has none
};

struct irqchip {
    enum irqchip_kind kind;
    struct platform_range regs; // the PLIC's or the APLIC's
    uint32_t sources;           // 1 to sources
    struct platform_imsic imsic;
};

const char *irqchip_name(const struct irqchip *chip);
// From the device tree, for harts that are known already.
void irqchip_read(struct platform *platform);
bool irqchip_overlaps(const struct irqchip *chip, hpa_t base, uint64_t size);

void irqchip_init(const struct irqchip *chip);                                       // once
void irqchip_hart_init(const struct irqchip *chip, const struct irqchip_hart *hart); // on that hart
// Lets a source interrupt `hart`; false: it cannot. unroute: nobody again.
HULL_MUST_CHECK bool irqchip_route(const struct irqchip *chip, const struct irqchip_hart *hart,
                                   uint32_t source, enum irq_trigger trigger);
void irqchip_unroute(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source);
// On that hart: a source that wants it, and does not come again before it is completed (by any hart);
// IRQCHIP_IPI; 0: nothing any more.
uint32_t irqchip_claim(const struct irqchip *chip, const struct irqchip_hart *hart);
void irqchip_complete(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source);
// Interrupts another hart; false: only the firmware can.
bool irqchip_ipi(const struct irqchip *chip, const struct irqchip_hart *hart);

// A message to the interrupt file with that page. What the receiver is to find was written before.
static inline void irqchip_msi(hpa_t page, uint32_t identity)
{
    __asm__ volatile("fence w, o" : : : "memory");
    *(volatile uint32_t *)(uintptr_t)page = identity;
}

// ---- Sources whose messages go to a guest (IRQCHIP_IMSIC) ----

// How one interrupts. Callers see to it that a source has one of them at a time.
struct irqchip_lead {
    const struct irqchip_hart *hart;
    unsigned file;     // the hart's guest file; 0: its S-level file, where it is claimed
    uint32_t identity; // in the guest file
    unsigned mode;     // as sourcecfg spells it, of a wire that is high while it asks for attention
    enum irq_trigger trigger; // what the wire is in fact
    bool enabled;
};
bool irqchip_lead(const struct irqchip *chip, uint32_t source,
                  const struct irqchip_lead *lead); // false: cannot be
// On that hart: what was sent to any of its files before has arrived. One hart at a time.
void irqchip_sync(const struct irqchip *chip, const struct irqchip_hart *hart);

// ---- The kinds ----

struct irqchip_ops {
    const char *name;
    void (*init)(const struct irqchip *chip);
    void (*hart_init)(const struct irqchip *chip, const struct irqchip_hart *hart);
    bool (*route)(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source,
                  enum irq_trigger trigger);
    void (*unroute)(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source);
    uint32_t (*claim)(const struct irqchip *chip, const struct irqchip_hart *hart);
    void (*complete)(const struct irqchip *chip, const struct irqchip_hart *hart, uint32_t source);
    bool (*ipi)(const struct irqchip *chip, const struct irqchip_hart *hart);
};

extern const struct irqchip_ops irqchip_plic, irqchip_aplic, irqchip_imsic;

static inline volatile uint32_t *irqchip_reg(const struct irqchip *chip, uint64_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(chip->regs.base + offset);
}

#endif
