// SPDX-License-Identifier: Apache-2.0
// Every address there is: loads from each page below RAM, and every kind of access to wild places.
#include "hostile.h"

#define SWEEP 8192 // pages in a round
#define WILD 20000

// What an access without translation may come to.
static void check_cause(struct rt_outcome o)
{
    CHECK(o.cause == NO_TRAP || (o.cause <= CAUSE_STORE_ACCESS && o.cause != CAUSE_BREAKPOINT &&
                                 o.cause != CAUSE_ILLEGAL));
    hostile_count(o);
}

// The whole of it in 64 rounds.
static void sweep(unsigned round)
{
    uint64_t page = (uint64_t)round % 64 * SWEEP * PAGE;

    for (unsigned i = 0; i < SWEEP; i++, page += PAGE) {
        uint64_t address = page + rnd_below(PAGE);

        check_cause(rt_try_load(address, 1u << rnd_below(4), NULL));
    }
}

// The UART's data register would put it on the screen.
static bool is_screen(uint64_t address)
{
    return address + 8 > UART && address < UART + 8;
}

static struct rt_outcome atomic(uint64_t address, uint64_t value)
{
    switch (rnd_below(5)) {
    case 0: return TRY_OUT("lr.d %2, (%3)", value, "r"(address));
    case 1: return TRY_OUT("sc.d %2, %2, (%3)", value, "r"(address));
    case 2: return TRY_OUT("amoadd.w %2, %2, (%3)", value, "r"(address));
    case 3: return TRY_OUT("amoswap.d %2, %2, (%3)", value, "r"(address));
    default: return TRY_OUT("amomaxu.d %2, %2, (%3)", value, "r"(address));
    }
}

static void touch(uint64_t address)
{
    unsigned size = 1u << rnd_below(4);

    switch (rnd_below(4)) {
    case 0: check_cause(rt_try_load(address, size, NULL)); break;
    case 1:
        if (!is_screen(address))
            check_cause(rt_try_store(address, size, rnd()));
        break;
    case 2:
        if (!is_screen(address))
            check_cause(atomic(rnd() & 7 ? address & -8ul : address, rnd()));
        break;
    default:
        // QEMU executes what devices' registers read as.
        if (!rt_on_qemu())
            hostile_count(rt_try_exec(wild_outside()));
    }
}

void hostile_memory(unsigned round)
{
    sweep(round);
    for (unsigned i = 0; i < WILD; i++)
        touch(wild());
    hostile_repair();
}
