// SPDX-License-Identifier: Apache-2.0
// PLIC, ACLINT and RTC: priorities, thresholds, enables, claim and completion, contexts of both modes,
// the registers' widths, times.
#include "irq.h"

#define RTC_IRQ 11
#define PRIORITY(n) (PLIC + 4 * (n))
#define PENDING(n) (PLIC + 0x1000 + 4 * ((n) / 32))
#define ENABLE(context) (PLIC + 0x2000 + 0x80 * (context))
#define THRESHOLD(context) (PLIC + 0x200000 + 0x1000 * (context))
#define CLAIM(context) (THRESHOLD(context) + 4)

// The RTC's alarm, at once.
static void rtc_raise(void)
{
    wr32(RTC + 0x14, 1); // clear
    wr32(RTC + 0x10, 1); // IRQ_ENABLED
    wr32(RTC + 0x0c, 0);
    wr32(RTC + 0x08, 1); // long ago
}

static void rtc_lower(void)
{
    wr32(RTC + 0x1c, 1); // CLEAR_INTERRUPT
    wr32(RTC + 0x10, 0);
    wr32(RTC + 0x14, 1);
}

// What was pending once stays so until it is claimed, even when its wire is low again.
static void drain(void)
{
    uint32_t irq;

    for (unsigned i = 0; i < 3; i++)
        wr32(ENABLE(0) + 4 * i, ~0u);
    for (unsigned n = 1; n < 96; n++)
        wr32(PRIORITY(n), 1);
    while ((irq = rd32(CLAIM(0))) != 0)
        wr32(CLAIM(0), irq);
}

static void setup(void)
{
    irq_lower();
    rtc_lower();
    for (unsigned c = 0; c < 2; c++)
        wr32(THRESHOLD(c), 0);
    drain();
    for (unsigned c = 0; c < 2; c++)
        for (unsigned i = 0; i < 3; i++)
            wr32(ENABLE(c) + 4 * i, 0);
    for (unsigned n = 1; n < 96; n++)
        wr32(PRIORITY(n), 0);
}

static void registers(void)
{
    setup();
    for (unsigned n = 1; n < 96; n++) {
        wr32(PRIORITY(n), n % 8);
        EQ(rd32(PRIORITY(n)), n % 8);
        wr32(PRIORITY(n), 0);
    }
    wr32(PRIORITY(0), 5); // there is no source 0
    EQ(rd32(PRIORITY(0)), 0);
    for (unsigned c = 0; c < 2; c++) {
        wr32(ENABLE(c), ~0u);
        EQ(rd32(ENABLE(c)) & ~1u, ~1u);
        wr32(ENABLE(c), 0);
        wr32(THRESHOLD(c), 7);
        EQ(rd32(THRESHOLD(c)), 7);
        wr32(THRESHOLD(c), 0);
    }
}

static void claim_and_complete(void)
{
    NOT_ON_QEMU("its wires act at their edges");
    setup();
    irq_raise();
    EQ(rd32(PENDING(UART_IRQ)) >> UART_IRQ & 1, 1);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    wr32(PRIORITY(UART_IRQ), 1);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    wr32(ENABLE(0), 1u << UART_IRQ);
    EQ(csr_read(mip) & BIT(IRQ_MEI), BIT(IRQ_MEI));
    EQ(rd32(CLAIM(0)), UART_IRQ);
    EQ(rd32(PENDING(UART_IRQ)) >> UART_IRQ & 1, 0);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0); // in service
    EQ(rd32(CLAIM(0)), 0);
    wr32(CLAIM(0), UART_IRQ); // the wire is still high: pending again
    EQ(csr_read(mip) & BIT(IRQ_MEI), BIT(IRQ_MEI));
    EQ(rd32(CLAIM(0)), UART_IRQ);
    irq_lower();
    wr32(CLAIM(0), UART_IRQ);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    EQ(rd32(CLAIM(0)), 0);
}

static void priorities(void)
{
    NOT_ON_QEMU("its wires act at their edges");
    setup();
    wr32(PRIORITY(UART_IRQ), 2);
    wr32(PRIORITY(RTC_IRQ), 3);
    irq_raise();
    rtc_raise();
    wr32(ENABLE(0), 1u << UART_IRQ | 1u << RTC_IRQ);
    EQ(rd32(CLAIM(0)), RTC_IRQ); // the higher priority first
    EQ(rd32(CLAIM(0)), UART_IRQ);
    EQ(rd32(CLAIM(0)), 0);
    wr32(PRIORITY(RTC_IRQ), 2);
    wr32(CLAIM(0), RTC_IRQ);
    wr32(CLAIM(0), UART_IRQ);
    EQ(rd32(CLAIM(0)), UART_IRQ); // then the lower number
    EQ(rd32(CLAIM(0)), RTC_IRQ);
    wr32(CLAIM(0), RTC_IRQ);
    wr32(CLAIM(0), UART_IRQ);
    wr32(THRESHOLD(0), 2);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0); // not above the threshold
    wr32(PRIORITY(RTC_IRQ), 3);
    EQ(csr_read(mip) & BIT(IRQ_MEI), BIT(IRQ_MEI));
    wr32(THRESHOLD(0), 0);
    wr32(PRIORITY(UART_IRQ), 0); // never interrupts
    wr32(PRIORITY(RTC_IRQ), 0);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    setup();
}

static void supervisor_context(void)
{
    NOT_ON_QEMU("its wires act at their edges");
    setup();
    wr32(PRIORITY(UART_IRQ), 1);
    irq_raise();
    wr32(ENABLE(1), 1u << UART_IRQ);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    EQ(csr_read(mip) & BIT(IRQ_SEI), BIT(IRQ_SEI));
    csr_clear(mip, BIT(IRQ_SEI)); // the wire is not to be cleared by software
    EQ(csr_read(mip) & BIT(IRQ_SEI), BIT(IRQ_SEI));
    EQ(rd32(CLAIM(1)), UART_IRQ);
    EQ(csr_read(mip) & BIT(IRQ_SEI), 0);
    irq_lower();
    wr32(CLAIM(1), UART_IRQ);
    setup();
}

static void clint(void)
{
    uint64_t a, b;

    wr64(MTIMECMP(0), 0x123456789abcdef0);
    EQ(rd64(MTIMECMP(0)), 0x123456789abcdef0);
    EQ(rd32(MTIMECMP(0)), 0x9abcdef0);
    EQ(rd32(MTIMECMP(0) + 4), 0x12345678);
    wr32(MTIMECMP(0), 1);
    wr32(MTIMECMP(0) + 4, 2);
    EQ(rd64(MTIMECMP(0)), 0x200000001);
    wr64(MTIMECMP(0), -1ul);
    a = rd64(MTIME);
    b = rd32(MTIME) | (uint64_t)rd32(MTIME + 4) << 32;
    CHECK(b >= a && b - a < 1000 * RT_MS);
    b = csr_read(time);
    CHECK(b >= a && b - a < 1000 * RT_MS);
}

static void real_time(void)
{
    uint64_t low = rd32(RTC), high = rd32(RTC + 4), first = low | high << 32, second, alarm;
    uint64_t end;

    CHECK(first > 1600000000ul * 1000000000ul); // after 2020, in nanoseconds
    CHECK(first < 5000000000ul * 1000000000ul);
    rt_wait(20 * RT_MS);
    low = rd32(RTC);
    second = low | (uint64_t)rd32(RTC + 4) << 32;
    CHECK(second - first >= 15000000 && second - first < 10000000000ul);
    setup();
    wr32(PRIORITY(RTC_IRQ), 1);
    wr32(ENABLE(0), 1u << RTC_IRQ);
    wr32(RTC + 0x10, 1);
    alarm = second + 30000000;
    wr32(RTC + 0x0c, (uint32_t)(alarm >> 32));
    wr32(RTC + 0x08, (uint32_t)alarm);
    EQ(rd32(RTC + 0x18), 1); // ALARM_STATUS
    end = rt_time() + 2000 * RT_MS;
    while (!(csr_read(mip) & BIT(IRQ_MEI)) && rt_time() < end)
        ;
    EQ(rd32(CLAIM(0)), RTC_IRQ);
    low = rd32(RTC);
    CHECK((low | (uint64_t)rd32(RTC + 4) << 32) >= alarm);
    EQ(rd32(RTC + 0x18), 0);
    rtc_lower();
    wr32(CLAIM(0), RTC_IRQ);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
}

const struct rt_case rt_cases[] = {
    {"registers", registers},
    {"claim-and-complete", claim_and_complete},
    {"priorities", priorities},
    {"supervisor-context", supervisor_context},
    {"aclint", clint},
    {"rtc", real_time},
    {0},
};
