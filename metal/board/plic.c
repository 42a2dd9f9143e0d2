// SPDX-License-Identifier: Apache-2.0
// The host's PLIC: only the hypervisor's own sources, and those of devices that were given to a VM.
#include "metal/board/platform.h"

#define PRIORITY(source) (4ull * (source))
#define ENABLE(context, source) (0x2000ull + 0x80ull * (context) + (source) / 32 * 4)
#define THRESHOLD(context) (0x200000ull + 0x1000ull * (context))
#define CLAIM(context) (0x200004ull + 0x1000ull * (context))

static volatile uint32_t *reg(const struct platform *p, uint64_t offset)
{
    return (volatile uint32_t *)(uintptr_t)(p->plic.base + offset);
}

void plic_init(const struct platform *p)
{
    for (uint32_t source = 1; p->plic.size && source <= p->plic_sources; source++)
        *reg(p, PRIORITY(source)) = 1;
}

void plic_hart_init(const struct platform *p, unsigned context)
{
    for (uint32_t source = 0; p->plic.size && source <= p->plic_sources; source += 32)
        *reg(p, ENABLE(context, source)) = 0;
    if (p->plic.size)
        *reg(p, THRESHOLD(context)) = 0;
}

void plic_enable(const struct platform *p, unsigned context, unsigned source, bool on)
{
    volatile uint32_t *word = reg(p, ENABLE(context, source));
    uint32_t bit = (uint32_t)1 << source % 32;

    *word = on ? *word | bit : *word & ~bit;
}

uint32_t plic_claim(const struct platform *p, unsigned context)
{
    return *reg(p, CLAIM(context));
}

void plic_complete(const struct platform *p, unsigned context, uint32_t source)
{
    *reg(p, CLAIM(context)) = source;
}
