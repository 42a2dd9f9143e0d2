// SPDX-License-Identifier: Apache-2.0
// All hypercalls, with arguments that nobody would give them.
#include "hostile.h"

#define CALLS 20000
#define SBI_STA 0x535441
#define SBI_CPPC 0x43505043
#define SBI_NACL 0x4e41434c
#define SBI_FWFT 0x46574654
#define SBI_DBTR 0x44425452

static uint64_t any_extension(void)
{
    static const uint32_t known[] = {
        0,        2,          3,        4,          5,       6,        7,        SBI_BASE, SBI_TIME,
        SBI_IPI,  SBI_RFENCE, SBI_HSM,  SBI_SRST,   SBI_PMU, SBI_DBCN, SBI_SUSP, SBI_STA,  SBI_CPPC,
        SBI_NACL, SBI_FWFT,   SBI_DBTR, SBI_RFENCE, SBI_HSM, SBI_PMU,  SBI_DBCN};

    switch (rnd_below(16)) {
    case 0: return rnd();
    case 1: return 0x08000000 + rnd_below(0x3000000); // experimental, vendor, firmware
    case 2: return 0x09000000 + rnd_below(256);
    default: return known[rnd_below(sizeof(known) / sizeof(known[0]))];
    }
}

static uint64_t any_function(void)
{
    return rnd_below(8) ? rnd_below(16) : rnd();
}

// Calls that would rightly end the program, or put garbage on its console.
static void spare(uint64_t extension, uint64_t function, uint64_t args[6])
{
    uint32_t type = (uint32_t)args[0];

    if (extension == SBI_HSM && function == 0)
        args[0] |= 64; // no hart of ours
    if (extension == SBI_HSM && function == 1)
        args[5] = 1; // not made
    if (extension == SBI_HSM && function == 3 && type == 0x80000000)
        args[0] ^= 1;
    if (extension == SBI_SRST && type <= 2)
        args[0] ^= 0x100;
    if (extension == SBI_SUSP && type == 0)
        args[0] ^= 0x100;
    if (extension == SBI_DBCN && function == 0)
        args[0] = rnd() & 1 ? 0 : args[0] | ARENA_SIZE * 8; // more than there is
    if (extension == SBI_DBCN && function == 2)
        args[5] = 1;
}

// Legacy calls take the address of a hart mask, and trap where the caller could not have read it.
static void call_legacy(uint64_t extension, const uint64_t args[6])
{
    register uint64_t a0 __asm__("a0") = args[0], a1 __asm__("a1") = args[1],
                         a2 __asm__("a2") = args[2], a3 __asm__("a3") = args[3],
                         a7 __asm__("a7") = extension;

    hostile_count(TRY_OUT("ecall", a0, "r"(a1), "r"(a2), "r"(a3), "r"(a7)));
}

static void call(void)
{
    uint64_t extension = any_extension(), function = any_function(), args[6] = {0};
    struct sbi_ret ret;

    for (unsigned i = 0; i < 5; i++)
        args[i] = rnd_below(3) ? wild() : rnd_below(8);
    spare(extension, function, args);
    if (args[5])
        return;
    // A hart that is suspended comes back by its timer.
    SBI1(SBI_TIME, 0, rt_time() + 100);
    if (extension < 16) {
        call_legacy(extension, args);
        return;
    }
    ret = sbi(extension, function, args[0], args[1], args[2], args[3]);
    hostile_counts[rt_hart()].tries++;
    hostile_counts[rt_hart()].traps += ret.error < 0;
    if (extension != SBI_BASE)
        CHECK(ret.error <= 0 && ret.error >= -64);
}

void hostile_calls(unsigned round)
{
    csr_clear(sstatus, STATUS_SIE);
    for (unsigned i = 0; i < CALLS; i++)
        call();
    hostile_repair();
}
