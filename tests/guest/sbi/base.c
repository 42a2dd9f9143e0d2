// SPDX-License-Identifier: Apache-2.0
// The Base extension, what is offered and what isn't, timers, IPIs to oneself, the legacy calls.
#include "sbi.h"

static void versions(void)
{
    struct sbi_ret r = SBI(SBI_BASE, 0);

    EQ(r.error, SBI_OK);
    if (!rt_on_qemu())
        EQ(r.value, 0x02000000);
    EQ(SBI(SBI_BASE, 1).error, SBI_OK);
    EQ(SBI(SBI_BASE, 2).error, SBI_OK);
    for (unsigned fid = 4; fid < 7; fid++)
        EQ(SBI(SBI_BASE, fid).error, SBI_OK);
}

static void probes(void)
{
    static const uint64_t there[] = {SBI_BASE, SBI_TIME, SBI_IPI,  SBI_RFENCE, SBI_HSM,
                                     SBI_SRST, SBI_PMU,  SBI_DBCN, SBI_SUSP};
    static const uint64_t not_there[] = {0x0b,       0x11, 0x434e4f43,          0x09000000,
                                         0x08000000, -1ul, 1ul << 32 | SBI_TIME};

    for (unsigned i = 0; i < (rt_on_qemu() ? 7 : 9); i++) {
        struct sbi_ret r = SBI1(SBI_BASE, 3, there[i]);

        EQ(r.error, SBI_OK);
        CHECK(r.value != 0);
    }
    for (unsigned i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++) {
        struct sbi_ret r = SBI1(SBI_BASE, 3, not_there[i]);

        EQ(r.error, SBI_OK);
        EQ(r.value, 0);
        EQ(SBI(not_there[i], 0).error, SBI_NOT_SUPPORTED);
        EQ(SBI(not_there[i], 77).error, SBI_NOT_SUPPORTED);
    }
}

static void unknown_functions(void)
{
    static const uint64_t exts[] = {SBI_BASE, SBI_TIME, SBI_IPI,  SBI_RFENCE, SBI_HSM,
                                    SBI_SRST, SBI_PMU,  SBI_DBCN, SBI_SUSP};

    for (unsigned i = 0; i < (rt_on_qemu() ? 7 : 9); i++) {
        EQ(SBI(exts[i], 99).error, SBI_NOT_SUPPORTED);
        EQ(SBI(exts[i], -1ul).error, SBI_NOT_SUPPORTED);
    }
}

static volatile uint64_t taken[16];

static bool count_interrupt(struct rt_frame *f)
{
    uint64_t irq = f->cause & 63;

    if (!(f->cause & CAUSE_INTERRUPT))
        return false;
    taken[irq]++;
    if (irq == IRQ_SSI)
        csr_clear(sip, BIT(IRQ_SSI));
    else
        csr_clear(sie, BIT(irq));
    return true;
}

static void timer(void)
{
    uint64_t start = rt_time();

    rt_trap_hook = count_interrupt;
    taken[IRQ_STI] = 0;
    EQ(SBI1(SBI_TIME, 0, start + 10 * RT_MS).error, SBI_OK);
    EQ(csr_read(sip) & BIT(IRQ_STI), 0);
    csr_write(sie, BIT(IRQ_STI));
    csr_set(sstatus, STATUS_SIE);
    while (!taken[IRQ_STI])
        __asm__ volatile("wfi");
    CHECK(rt_time() >= start + 10 * RT_MS);
    csr_clear(sstatus, STATUS_SIE);
    // A new time takes the pending one back; in the past it is pending at once.
    EQ(SBI1(SBI_TIME, 0, -1ul).error, SBI_OK);
    EQ(csr_read(sip) & BIT(IRQ_STI), 0);
    EQ(SBI1(SBI_TIME, 0, 0).error, SBI_OK);
    rt_wait(RT_MS);
    EQ(csr_read(sip) & BIT(IRQ_STI), BIT(IRQ_STI));
    EQ(SBI1(SBI_TIME, 0, -1ul).error, SBI_OK);
    csr_write(sie, 0);
}

// Sstc is there as well: the same comparison.
static void stimecmp(void)
{
    NOT_ON_QEMU("its OpenSBI does not hand it on");
    csr_write(0x14d, 0);
    EQ(csr_read(sip) & BIT(IRQ_STI), BIT(IRQ_STI));
    EQ(SBI1(SBI_TIME, 0, -1ul).error, SBI_OK);
    EQ(csr_read(0x14d), -1ul);
    EQ(csr_read(sip) & BIT(IRQ_STI), 0);
}

static void ipi_to_self(void)
{
    rt_trap_hook = count_interrupt;
    taken[IRQ_SSI] = 0;
    EQ(SBI2(SBI_IPI, 0, 1, 0).error, SBI_OK);
    rt_wait(RT_MS);
    EQ(csr_read(sip) & BIT(IRQ_SSI), BIT(IRQ_SSI));
    csr_clear(sip, BIT(IRQ_SSI));
    EQ(csr_read(sip) & BIT(IRQ_SSI), 0);
    EQ(SBI2(SBI_IPI, 0, 0, -1ul).error, SBI_OK); // all harts
    csr_write(sie, BIT(IRQ_SSI));
    csr_set(sstatus, STATUS_SIE);
    rt_wait(RT_MS);
    csr_clear(sstatus, STATUS_SIE);
    EQ(taken[IRQ_SSI], 1);
    csr_write(sie, 0);
    EQ(SBI2(SBI_IPI, 0, 0, 0).error, SBI_OK); // nobody
    EQ(csr_read(sip) & BIT(IRQ_SSI), 0);
    if (rt_on_qemu()) // OpenSBI ignores harts that are not there
        return;
    EQ(SBI2(SBI_IPI, 0, 2, 0).error, SBI_INVALID_PARAM);
    EQ(SBI2(SBI_IPI, 0, 1, 1).error, SBI_INVALID_PARAM);
    EQ(SBI2(SBI_IPI, 0, 1, 1000).error, SBI_INVALID_PARAM);
    EQ(SBI2(SBI_RFENCE, 0, 4, 0).error, SBI_INVALID_PARAM);
}

static void fences(void)
{
    for (uint64_t fid = 0; fid < 7; fid++) { // with those of H
        EQ(sbi(SBI_RFENCE, fid, 1, 0, 0, -1ul).error, SBI_OK);
        EQ(sbi(SBI_RFENCE, fid, 0, -1ul, 0x1000, 0x1000).error, SBI_OK);
    }
    EQ(SBI2(SBI_RFENCE, 7, 1, 0).error, SBI_NOT_SUPPORTED);
}

// SBI 0.1: one value in a0, everything else is kept.
static void legacy(void)
{
    uint64_t mask = 1;

    EQ(sbi(1, 0, '#', 0x55, 0, 0).error, 0); // putchar
    EQ(sbi(1, 0, '\n', 0x55, 0, 0).error, 0);
    EQ(sbi(2, 0, 0, 0, 0, 0).error, -1); // getchar: nothing is there
    EQ(SBI1(0, 0, -1ul).error, 0);       // set_timer
    EQ(csr_read(sip) & BIT(IRQ_STI), 0);
    EQ(SBI1(4, 0, (uint64_t)&mask).error, 0); // send_ipi
    rt_wait(RT_MS);
    EQ(csr_read(sip) & BIT(IRQ_SSI), BIT(IRQ_SSI));
    SBI(3, 0); // clear_ipi
    EQ(csr_read(sip) & BIT(IRQ_SSI), 0);
    EQ(SBI1(5, 0, (uint64_t)&mask).error, 0);
    EQ(SBI1(6, 0, (uint64_t)&mask).error, 0);
    EQ(SBI1(7, 0, 0).error, 0);
}

// An environment call from U mode is the kernel's affair.
static uint64_t call_from_user(uint64_t arg)
{
    struct rt_outcome o = TRY("li a7, 0x10\n li a6, 0\n ecall", );

    return o.cause;
}

static void from_user(void)
{
    EQ(rt_run_in(PRIV_U, call_from_user, 0, 0), CAUSE_ECALL_U);
}

// Illegal instructions and the like come to S mode.
static void delegated(void)
{
    uint64_t value;

    TRAPS(TRY(".word 0xffffffff", ), CAUSE_ILLEGAL, 0xffffffff);
    EQ(TRY("ebreak", ).cause, CAUSE_BREAKPOINT);
    EQ(TRY("csrr zero, mstatus", ).cause, CAUSE_ILLEGAL);
    EQ(TRY("mret", ).cause, CAUSE_ILLEGAL);
    NO_TRAPS(rt_try_load((uintptr_t)&value + 1, 4, &value)); // misaligned ones work
    if (!rt_on_qemu())
        TRAPS(rt_try_load(0x40000000, 8, &value), CAUSE_LOAD_ACCESS, 0x40000000);
    NO_TRAPS(TRY("rdtime zero\n rdcycle zero\n rdinstret zero", ));
}

const struct rt_case rt_cases[] = {
    {"versions", versions},
    {"probes", probes},
    {"unknown-functions", unknown_functions},
    {"timer", timer},
    {"stimecmp", stimecmp},
    {"ipi-to-self", ipi_to_self},
    {"fences", fences},
    {"legacy", legacy},
    {"from-user", from_user},
    {"delegated", delegated},
    {0},
};
