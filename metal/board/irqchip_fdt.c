// SPDX-License-Identifier: Apache-2.0
// The interrupt controller in the host's device tree. A machine with AIA has a domain and files for M level as well:
// those of S level are the ones that name the harts' supervisor external interrupt.
#include "lib/bytes.h"
#include "lib/str.h"
#include "metal/board/platform.h"

#define IRQ_SUPERVISOR_EXTERNAL 9
#define IDS_MIN 63 // AIA, 3.1
#define PAIR 8     // bytes of a phandle and an interrupt number

typedef void pair_fn(struct platform *p, struct platform_hart *hart, uint32_t position);

// Calls `found` for the harts whose supervisor external interrupt the node names, with its position there. How many.
static unsigned each_hart(struct platform *p, uint32_t node, pair_fn *found)
{
    const uint8_t *cells;
    uint32_t length;
    unsigned count = 0;

    if (hull_fdt_get(&p->fdt, node, "interrupts-extended", &cells, &length))
        return 0;
    for (uint32_t at = 0; (at + 1) * PAIR <= length; at++)
        for (unsigned i = 0; i < p->hart_count; i++)
            if (hull_load_be32(cells + PAIR * at) == p->harts[i].intc &&
                hull_load_be32(cells + PAIR * at + 4) == IRQ_SUPERVISOR_EXTERNAL) {
                found(p, &p->harts[i], at);
                count++;
            }
    return count;
}

static void note_context(struct platform *p, struct platform_hart *hart, uint32_t position)
{
    (void)p;
    hart->irq.context = position;
}

static void note_nothing(struct platform *p, struct platform_hart *hart, uint32_t position)
{
    (void)p, (void)hart, (void)position;
}

static uint32_t number(const struct fdt_view *fdt, uint32_t node, const char *name, uint32_t other)
{
    uint32_t value;

    return hull_fdt_get_u32(fdt, node, name, &value) ? other : value;
}

static bool read_controller(struct platform *p, uint32_t node, enum irqchip_kind kind,
                            const char *sources)
{
    struct irqchip *chip = &p->irqchip;

    if (hull_fdt_get_reg(&p->fdt, node, 0, &chip->regs.base, &chip->regs.size))
        return false;
    chip->kind = kind;
    chip->sources = number(&p->fdt, node, sources, 0);
    return true;
}

static bool read_plic(struct platform *p)
{
    uint32_t node = hull_fdt_find_compatible(&p->fdt, HULL_FDT_NONE, "sifive,plic-1.0.0");

    if (node == HULL_FDT_NONE)
        node = hull_fdt_find_compatible(&p->fdt, HULL_FDT_NONE, "riscv,plic0");
    if (node == HULL_FDT_NONE || !each_hart(p, node, note_context))
        return false;
    return read_controller(p, node, IRQCHIP_PLIC, "riscv,ndev");
}

// ---- AIA ----

static uint32_t find_imsic(struct platform *p)
{
    uint32_t node = HULL_FDT_NONE;

    while ((node = hull_fdt_find_compatible(&p->fdt, node, "riscv,imsics")) != HULL_FDT_NONE)
        if (each_hart(p, node, note_nothing))
            return node;
    return HULL_FDT_NONE;
}

// The page of the hart at `position`: each range goes on where the one before it ended.
static void note_file(struct platform *p, struct platform_hart *hart, uint32_t position)
{
    const struct platform_imsic *imsic = &p->irqchip.imsic;
    uint64_t offset = (uint64_t)position << (HULL_PAGE_SHIFT + imsic->guest_bits);
    uint64_t mask = (1ull << imsic->hart_bits) - 1;

    for (unsigned i = 0; i < imsic->range_count; i++) {
        if (offset < imsic->ranges[i].size) {
            uint64_t page = imsic->ranges[i].base + offset, group = 0;

            if (imsic->group_bits)
                group = page >> imsic->group_shift & ((1ull << imsic->group_bits) - 1);
            hart->irq.imsic = page;
            hart->irq.context = (uint32_t)(group << imsic->hart_bits |
                                           (page >> (HULL_PAGE_SHIFT + imsic->guest_bits) & mask));
            return;
        }
        offset -= imsic->ranges[i].size;
    }
}

// Bits to count `harts` with.
static uint32_t bits_for(uint32_t harts)
{
    uint32_t bits = 0;

    while (bits < 31 && 1u << bits < harts)
        bits++;
    return bits;
}

static bool read_imsic(struct platform *p, uint32_t node)
{
    struct platform_imsic *imsic = &p->irqchip.imsic;
    const struct fdt_view *fdt = &p->fdt;
    const uint8_t *cells;
    uint32_t length;

    while (imsic->range_count < IMSIC_RANGES_MAX &&
           !hull_fdt_get_reg(fdt, node, imsic->range_count, &imsic->ranges[imsic->range_count].base,
                             &imsic->ranges[imsic->range_count].size))
        imsic->range_count++;
    if (hull_fdt_get(fdt, node, "interrupts-extended", &cells, &length))
        return false;
    imsic->ids = number(fdt, node, "riscv,num-ids", 0);
    imsic->guest_bits = number(fdt, node, "riscv,guest-index-bits", 0);
    imsic->hart_bits = number(fdt, node, "riscv,hart-index-bits", bits_for(length / PAIR));
    imsic->group_bits = number(fdt, node, "riscv,group-index-bits", 0);
    imsic->group_shift = number(fdt, node, "riscv,group-index-shift", 2 * HULL_PAGE_SHIFT);
    if (!imsic->range_count || imsic->ids < IDS_MIN || imsic->guest_bits > 6 ||
        imsic->hart_bits > 14 || imsic->group_bits > 8 || imsic->group_shift > 55)
        return false;
    each_hart(p, node, note_file);
    return true;
}

static bool names_parent(const struct platform *p, uint32_t aplic, uint32_t imsic)
{
    uint32_t phandle = number(&p->fdt, imsic, "phandle", 0);

    return phandle && number(&p->fdt, aplic, "msi-parent", 0) == phandle;
}

// With IMSICs, the domain that sends to those of S level; without, the one wired to the harts' S level.
static bool read_aplic(struct platform *p)
{
    uint32_t imsic = find_imsic(p), node = HULL_FDT_NONE;

    while ((node = hull_fdt_find_compatible(&p->fdt, node, "riscv,aplic")) != HULL_FDT_NONE) {
        if (imsic != HULL_FDT_NONE && names_parent(p, node, imsic) && read_imsic(p, imsic))
            return read_controller(p, node, IRQCHIP_IMSIC, "riscv,num-sources");
        if (each_hart(p, node, note_context))
            return read_controller(p, node, IRQCHIP_APLIC, "riscv,num-sources");
    }
    return false;
}

void irqchip_read(struct platform *platform)
{
    if (read_aplic(platform) || read_plic(platform))
        return;
    platform->irqchip = (struct irqchip){.kind = IRQCHIP_NONE};
    for (unsigned i = 0; i < platform->hart_count; i++)
        platform->harts[i].irq = (struct irqchip_hart){.context = IRQCHIP_NO_CONTEXT};
}

// Nodes with a controller of two cells say it in the second one.
enum irq_trigger platform_irq_trigger(const struct platform *p, uint32_t source)
{
    const uint8_t *cells;
    uint32_t length;

    if (p->irqchip.kind == IRQCHIP_PLIC)
        return IRQ_LEVEL_HIGH;
    for (uint32_t node = hull_fdt_next_node(&p->fdt, HULL_FDT_NONE); node != HULL_FDT_NONE;
         node = hull_fdt_next_node(&p->fdt, node)) {
        if (hull_fdt_get(&p->fdt, node, "interrupts", &cells, &length))
            continue;
        for (uint32_t at = 0; (at + 1) * PAIR <= length; at++)
            if (hull_load_be32(cells + PAIR * at) == source)
                return (enum irq_trigger)hull_load_be32(cells + PAIR * at + 4);
    }
    return IRQ_LEVEL_HIGH;
}
