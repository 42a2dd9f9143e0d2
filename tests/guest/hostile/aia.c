// SPDX-License-Identifier: Apache-2.0
// A board's AIA: the APLIC's registers one by one, the pages of everybody's interrupt files, and the files'
// registers, all with numbers of sources, harts, guests and identities that are not there.
#include "hostile.h"

#include "aia.h"

#define TRIES 20000
#define APLIC_SIZE 0x8000
#define IMSIC_SIZE 0x40000 // more than the board's harts have

// Seldom one that there is.
static uint32_t any_number_of(uint32_t there)
{
    switch (rnd_below(4)) {
    case 0: return (uint32_t)rnd_below(there + 2);
    case 1: return (uint32_t)rnd_below(2048);
    case 2: return (uint32_t)1 << rnd_below(32);
    default: return (uint32_t)rnd();
    }
}

// A hart, a guest or a priority, and an identity.
static uint32_t any_target(void)
{
    return any_number_of(4) << 18 | any_number_of(7) << 12 | (any_number_of(255) & 0xfff);
}

static void store(uintptr_t address, uint32_t value)
{
    hostile_count(rt_try_store(address, 4, value));
}

static void try_source(void)
{
    static const uint16_t by_number[] = {0x1cdc, 0x1ddc, 0x1edc, 0x1fdc, 0x2000, 0x2004};
    static const uint16_t ranges[] = {0x1c00, 0x1d00, 0x1e00, 0x1f00};

    switch (rnd_below(4)) {
    case 0: store(APLIC_S + APLIC_SOURCECFG(rnd_below(1024)), (uint32_t)rnd() & 0x407); break;
    case 1: store(APLIC_S + APLIC_TARGET(1 + rnd_below(1023)), any_target()); break;
    case 2: store(APLIC_S + ranges[rnd_below(4)] + 4 * rnd_below(32), (uint32_t)rnd()); break;
    default: store(APLIC_S + by_number[rnd_below(6)], any_number_of(95));
    }
}

static void try_domain(void)
{
    uint64_t value;

    switch (rnd_below(4)) {
    case 0: store(APLIC_S, rnd_below(8) ? 0x100 : (uint32_t)rnd()); break;
    case 1: store(APLIC_S + APLIC_GENMSI, any_target()); break;
    case 2: store(APLIC_S + APLIC_IDC(rnd_below(512)) + 4 * rnd_below(8), (uint32_t)rnd()); break;
    default: hostile_count(rt_try_load(APLIC_S + 4 * rnd_below(APLIC_SIZE / 4), 4, &value));
    }
}

// Of the hart itself and, if there are any, of its guests.
static void try_file_register(void)
{
    uint64_t value = rnd() & 1 ? rnd() : any_number_of(255);

    csr_write(siselect, rnd_below(0x200));
    hostile_count(TRY("csrrw t5, 0x151, %2\n\tlui t5, 0x54525", "r"(value)));
    hostile_count(TRY("csrrw t5, 0x15c, %2\n\tlui t5, 0x54525", "r"(value)));
    csr_write(hstatus, rnd_below(64) << 12);
    csr_write(vsiselect, rnd_below(0x200));
    hostile_count(TRY("csrrw t5, 0x251, %2\n\tlui t5, 0x54525", "r"(value)));
    hostile_count(TRY("csrrw t5, 0x25c, %2\n\tlui t5, 0x54525", "r"(value)));
    csr_write(hstatus, 0);
}

void hostile_aia(unsigned round)
{
    csr_clear(sie, BIT(IRQ_SEI)); // there will be many, and nobody takes them
    for (unsigned i = 0; i < TRIES; i++)
        switch (rnd_below(4)) {
        case 0: try_source(); break;
        case 1: try_domain(); break;
        case 2: store(IMSIC_S(0, 0) + (rnd_below(IMSIC_SIZE) & -4ul), any_number_of(255)); break;
        default: try_file_register();
        }
    store(APLIC_S, 0);
    hostile_repair();
}
