// SPDX-License-Identifier: Apache-2.0
// The PMU extension: counters and their descriptions, hardware and firmware events, errors.
// run: qemu=no
#include "sbi.h"

#define HW_INSTRUCTIONS 2
#define FW_SET_TIMER (0xf0000 | 5)

static unsigned counters;
static uint64_t hw_mask, fw_mask; // by their kind

static void describe(void)
{
    struct sbi_ret r = SBI(SBI_PMU, 0);

    EQ(r.error, SBI_OK);
    counters = (unsigned)r.value;
    CHECK(counters > 3);
    for (unsigned i = 0; i < counters && i < 64; i++) {
        r = SBI1(SBI_PMU, 1, i);
        if (r.error) {
            EQ(r.error, SBI_INVALID_PARAM);
            EQ(i, 1); // time is no counter
            continue;
        }
        if (r.value >> 63) {
            fw_mask |= BIT(i);
        } else {
            hw_mask |= BIT(i);
            EQ(r.value & 0xfff, 0xc00 + i);
            EQ(r.value >> 12 & 0x3f, 63);
        }
    }
    CHECK(hw_mask && fw_mask);
    EQ(SBI1(SBI_PMU, 1, counters).error, SBI_INVALID_PARAM);
    EQ(SBI1(SBI_PMU, 1, -1ul).error, SBI_INVALID_PARAM);
}

static uint64_t counter_value(uint64_t index)
{
    switch (index) {
    case 0: return csr_read(0xc00);
    case 2: return csr_read(0xc02);
    case 3: return csr_read(0xc03);
    case 4: return csr_read(0xc04);
    default: CHECK(!"one of the first counters"); return 0;
    }
}

static void spin(uint64_t n)
{
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(n));
}

static void instructions(void)
{
    // Any counter but the fixed ones; cleared, not started.
    struct sbi_ret r = sbi(SBI_PMU, 2, 0, hw_mask & 0x18, 2, HW_INSTRUCTIONS);
    uint64_t index = r.value, a;

    EQ(r.error, SBI_OK);
    CHECK(hw_mask >> index & 1);
    EQ(counter_value(index), 0);
    spin(100);
    EQ(counter_value(index), 0);
    EQ(sbi(SBI_PMU, 3, index, 1, 1, 1000).error, SBI_OK); // start at 1000
    spin(1000);
    a = counter_value(index);
    CHECK(a >= 3000 && a < 3200);
    EQ(sbi(SBI_PMU, 3, index, 1, 0, 0).error, SBI_ALREADY_STARTED);
    EQ(SBI3(SBI_PMU, 4, index, 1, 0).error, SBI_OK);
    a = counter_value(index);
    spin(100);
    EQ(counter_value(index), a);
    EQ(SBI3(SBI_PMU, 4, index, 1, 0).error, SBI_ALREADY_STOPPED);
    EQ(SBI3(SBI_PMU, 4, index, 1, 1).error, SBI_ALREADY_STOPPED); // and gives it back
    r = sbi(SBI_PMU, 2, 0, hw_mask & 0x18, 4, HW_INSTRUCTIONS);   // with auto-start
    EQ(r.error, SBI_OK);
    a = counter_value(r.value);
    spin(100);
    CHECK(counter_value(r.value) >= a + 200);
    EQ(SBI3(SBI_PMU, 4, r.value, 1, 1).error, SBI_OK);
}

static uint64_t fw_read(uint64_t index)
{
    struct sbi_ret r = SBI1(SBI_PMU, 5, index);

    EQ(r.error, SBI_OK);
    return r.value;
}

static void firmware_events(void)
{
    struct sbi_ret r = sbi(SBI_PMU, 2, 0, fw_mask, 6, FW_SET_TIMER);
    uint64_t index = r.value;

    EQ(r.error, SBI_OK);
    CHECK(fw_mask >> index & 1);
    EQ(fw_read(index), 0);
    for (unsigned i = 0; i < 5; i++)
        SBI1(SBI_TIME, 0, -1ul);
    EQ(fw_read(index), 5);
    SBI2(SBI_IPI, 0, 0, 0);
    EQ(fw_read(index), 5);
    EQ(SBI3(SBI_PMU, 4, index, 1, 0).error, SBI_OK);
    SBI1(SBI_TIME, 0, -1ul);
    EQ(fw_read(index), 5);
    EQ(SBI3(SBI_PMU, 4, index, 1, 1).error, SBI_ALREADY_STOPPED);
    EQ(SBI1(SBI_PMU, 5, 0).error, SBI_INVALID_PARAM);
    EQ(SBI1(SBI_PMU, 5, counters).error, SBI_INVALID_PARAM);
    EQ(SBI1(SBI_PMU, 6, index).value, 0);
}

static void errors(void)
{
    EQ(sbi(SBI_PMU, 2, counters, 1, 0, HW_INSTRUCTIONS).error, SBI_INVALID_PARAM);
    EQ(sbi(SBI_PMU, 2, 0, -1ul, 0, HW_INSTRUCTIONS).error, SBI_INVALID_PARAM);
    EQ(sbi(SBI_PMU, 2, 0, 8, 0, 0x10000).error, SBI_NOT_SUPPORTED); // a cache event
    EQ(sbi(SBI_PMU, 2, 0, 8, 0, 9999).error, SBI_NOT_SUPPORTED);
    EQ(sbi(SBI_PMU, 2, 0, fw_mask, 0, HW_INSTRUCTIONS).error, SBI_NOT_SUPPORTED);
    EQ(sbi(SBI_PMU, 3, counters, 1, 0, 0).error, SBI_INVALID_PARAM);
    EQ(sbi(SBI_PMU, 3, 1000, 1, 0, 0).error, SBI_INVALID_PARAM);
    EQ(sbi(SBI_PMU, 4, counters, 1, 0, 0).error, SBI_INVALID_PARAM);
    EQ(sbi(SBI_PMU, 3, 3, 1, 2, 0).error, SBI_NO_SHMEM); // from a snapshot
}

const struct rt_case rt_cases[] = {{"describe", describe},
                                   {"errors", errors},
                                   {"instructions", instructions},
                                   {"firmware-events", firmware_events},
                                   {0}};
