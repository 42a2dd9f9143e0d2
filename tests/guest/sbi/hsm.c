// SPDX-License-Identifier: Apache-2.0
// Harts by HSM: starting, stopping, suspending in both ways, IPIs and remote fences between them, and a
// system that is suspended.
// run: cpus=4
#include "sbi.h"

#include "pt.h"

#define HARTS 4

static volatile uint64_t arrived[HARTS], satp_seen[HARTS], sie_seen[HARTS], leave_now;
static uint64_t boot_hart;

// OpenSBI may have chosen any hart to boot: the tests go by numbers relative to it.
static unsigned other(unsigned n)
{
    return (unsigned)((boot_hart + n) % HARTS);
}

static uint64_t status(unsigned hart)
{
    struct sbi_ret r = SBI1(SBI_HSM, 2, hart);

    EQ(r.error, SBI_OK);
    return r.value;
}

static void wait_status(unsigned hart, uint64_t want)
{
    uint64_t end = rt_time() + 5000 * RT_MS;

    while (status(hart) != want)
        if (rt_time() > end) {
            EQ(status(hart), want);
            return;
        }
}

// Entered by rt_sbi_entry as a function of hart, satp and sstatus.
static void arrive(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    satp_seen[hart] = satp;
    sie_seen[hart] = sstatus & STATUS_SIE;
    rt_fence();
    arrived[hart]++;
    while (!leave_now)
        __asm__ volatile(".word 0x0100000f");
}

static int64_t start(unsigned hart, void *fn)
{
    return SBI3(SBI_HSM, 0, hart, (uint64_t)rt_sbi_entry, (uint64_t)fn).error;
}

static void begin(void)
{
    boot_hart = rt_hart();
    leave_now = 0;
    for (unsigned i = 0; i < HARTS; i++)
        arrived[i] = 0;
}

static void wait_arrived(unsigned hart)
{
    uint64_t end = rt_time() + 5000 * RT_MS;

    while (!arrived[hart])
        if (rt_time() > end) {
            CHECK(!"the hart came up");
            return;
        }
}

static void starting(void)
{
    begin();
    EQ(status((unsigned)boot_hart), HART_STARTED);
    for (unsigned n = 1; n < HARTS; n++)
        EQ(status(other(n)), HART_STOPPED);
    for (unsigned n = 1; n < HARTS; n++)
        EQ(start(other(n), arrive), SBI_OK);
    for (unsigned n = 1; n < HARTS; n++) {
        wait_arrived(other(n));
        wait_status(other(n), HART_STARTED);
        EQ(satp_seen[other(n)], 0);
        EQ(sie_seen[other(n)], 0);
        EQ(start(other(n), arrive), SBI_ALREADY_AVAILABLE);
    }
    EQ(start((unsigned)boot_hart, arrive), SBI_ALREADY_AVAILABLE);
    leave_now = 1; // they stop themselves
    for (unsigned n = 1; n < HARTS; n++)
        wait_status(other(n), HART_STOPPED);
    // And come again.
    leave_now = 0;
    arrived[other(1)] = 0;
    EQ(start(other(1), arrive), SBI_OK);
    wait_arrived(other(1));
    leave_now = 1;
    wait_status(other(1), HART_STOPPED);
}

static void errors(void)
{
    begin();
    EQ(SBI1(SBI_HSM, 2, HARTS).error, SBI_INVALID_PARAM);
    EQ(SBI1(SBI_HSM, 2, -1ul).error, SBI_INVALID_PARAM);
    EQ(start(HARTS, arrive), SBI_INVALID_PARAM);
    NOT_ON_QEMU("OpenSBI looks at addresses in another way");
    EQ(SBI3(SBI_HSM, 0, other(1), 0x40000000, 0).error, SBI_INVALID_ADDRESS);
    EQ(SBI3(SBI_HSM, 0, other(1), -2ul, 0).error, SBI_INVALID_ADDRESS);
    EQ(SBI3(SBI_HSM, 0, other(1), UART, 0).error, SBI_INVALID_ADDRESS);
    EQ(SBI1(SBI_HSM, 3, 1).error, SBI_INVALID_PARAM);          // reserved type
    EQ(SBI1(SBI_HSM, 3, 0x80000001).error, SBI_INVALID_PARAM); // platform's own
    EQ(SBI3(SBI_HSM, 3, 0x80000000, 0x40000000, 0).error, SBI_INVALID_ADDRESS);
    EQ(status(other(1)), HART_STOPPED);
}

static volatile int64_t suspend_result;
static volatile uint64_t kept;

// Retentive: returns from the call, all registers kept.
static void suspend_retentive(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    csr_write(sie, BIT(IRQ_SSI));
    csr_write(satp, satp);
    csr_write(sepc, 0x12340);
    arrived[hart]++;
    suspend_result = SBI1(SBI_HSM, 3, 0).error;
    kept = csr_read(sepc) == 0x12340 && csr_read(sie) == BIT(IRQ_SSI);
    csr_clear(sip, BIT(IRQ_SSI));
    arrived[hart]++;
}

static void suspending(void)
{
    uint64_t end = rt_time() + 5000 * RT_MS;

    begin();
    suspend_result = -99;
    EQ(start(other(1), suspend_retentive), SBI_OK);
    wait_arrived(other(1));
    wait_status(other(1), HART_SUSPENDED);
    EQ(SBI2(SBI_IPI, 0, 1, other(1)).error, SBI_OK);
    while (arrived[other(1)] < 2 && rt_time() < end)
        ;
    EQ(arrived[other(1)], 2);
    EQ(suspend_result, SBI_OK);
    EQ(kept, 1);
    wait_status(other(1), HART_STOPPED);
}

static void resumed(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    satp_seen[hart] = satp;
    sie_seen[hart] = sstatus & STATUS_SIE;
    csr_clear(sip, BIT(IRQ_SSI));
    arrived[hart]++;
}

static void suspend_anew(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    csr_write(sie, BIT(IRQ_SSI));
    csr_clear(sstatus, STATUS_SIE);
    arrived[hart]++;
    SBI3(SBI_HSM, 3, 0x80000000, (uint64_t)rt_sbi_entry, (uint64_t)resumed);
    arrived[hart] = 100; // must not be reached
}

static void suspending_non_retentive(void)
{
    uint64_t end = rt_time() + 5000 * RT_MS;

    begin();
    EQ(start(other(1), suspend_anew), SBI_OK);
    wait_arrived(other(1));
    wait_status(other(1), HART_SUSPENDED);
    EQ(SBI2(SBI_IPI, 0, 1ul << other(1), 0).error, SBI_OK);
    while (arrived[other(1)] < 2 && rt_time() < end)
        ;
    EQ(arrived[other(1)], 2);
    EQ(satp_seen[other(1)], 0);
    EQ(sie_seen[other(1)], 0);
    wait_status(other(1), HART_STOPPED);
}

// Remote fences: a hart runs code and follows a mapping that another one changes.
static uint32_t code[2] __attribute__((aligned(64)));
static struct pt pt;
static volatile uint64_t turn, result, loaded;
#define VA 0x3f12345000ul

static void follow(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    csr_write(satp, pt_satp(&pt, 0));
    pt_flush();
    for (uint64_t i = 1; i <= 100; i++) {
        while (turn != 2 * i - 1)
            __asm__ volatile(".word 0x0100000f");
        rt_fence();
        result = ((uint64_t(*)(void))code)();
        loaded = rd64(VA);
        rt_fence();
        turn = 2 * i;
    }
    csr_write(satp, 0);
    pt_flush();
}

static void remote_fences(void)
{
    uint64_t *pages[2] = {rt_page(), rt_page()};

    begin();
    pt_init(&pt, 3);
    pages[0][0] = 100;
    pages[1][0] = 101;
    turn = 0;
    EQ(start(other(1), follow), SBI_OK);
    for (uint64_t i = 1; i <= 100; i++) {
        uint64_t end = rt_time() + 5000 * RT_MS;

        code[0] = 0x00000513u | (uint32_t)i << 20;
        code[1] = 0x00008067;
        pt_map(&pt, VA, (uint64_t)pages[i & 1], 0, PTE_LEAF);
        rt_fence();
        EQ(SBI2(SBI_RFENCE, 0, 1, other(1)).error, SBI_OK);
        EQ(sbi(SBI_RFENCE, i & 2 ? 1 : 2, 1, other(1), VA, PAGE).error, SBI_OK);
        turn = 2 * i - 1;
        while (turn != 2 * i)
            if (rt_time() > end) {
                CHECK(!"the other hart answers");
                return;
            }
        EQ(result, i);
        EQ(loaded, 100 + (i & 1));
    }
    wait_status(other(1), HART_STOPPED);
}

// ---- System suspend ----
static volatile uint64_t woken;

static uint64_t suspend_jump[14];

static void system_resumed(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    woken++;
    csr_write(sie, 0);
    __builtin_longjmp((void **)suspend_jump, 1);
}

static void __attribute__((noinline)) suspend_system(uint64_t until)
{
    if (__builtin_setjmp((void **)suspend_jump))
        return;
    csr_write(sie, BIT(IRQ_STI));
    csr_clear(sstatus, STATUS_SIE);
    SBI1(SBI_TIME, 0, until);
    SBI3(SBI_SUSP, 0, 0, (uint64_t)rt_sbi_entry, (uint64_t)system_resumed);
    CHECK(!"came back from the call");
}

static void system_suspend(void)
{
    uint64_t until;

    NOT_ON_QEMU("its OpenSBI has no SUSP");
    begin();
    EQ(SBI3(SBI_SUSP, 0, 1, (uint64_t)rt_sbi_entry, 0).error, SBI_INVALID_PARAM);
    EQ(SBI3(SBI_SUSP, 0, 0x80000000, (uint64_t)rt_sbi_entry, 0).error, SBI_INVALID_PARAM);
    EQ(SBI3(SBI_SUSP, 0, 0, 0x40000000, 0).error, SBI_INVALID_ADDRESS);
    EQ(start(other(2), arrive), SBI_OK);
    wait_arrived(other(2));
    EQ(SBI3(SBI_SUSP, 0, 0, (uint64_t)rt_sbi_entry, 0).error, SBI_DENIED); // somebody runs
    leave_now = 1;
    wait_status(other(2), HART_STOPPED);
    until = rt_time() + 20 * RT_MS;
    suspend_system(until);
    EQ(woken, 1);
    CHECK(rt_time() >= until);
    SBI1(SBI_TIME, 0, -1ul);
}

// IPIs to sets of harts.
static volatile uint64_t got_ipi[HARTS];

static void wait_ipi(uint64_t hart, uint64_t satp, uint64_t sstatus)
{
    csr_write(sie, BIT(IRQ_SSI));
    arrived[hart]++;
    while (!(csr_read(sip) & BIT(IRQ_SSI)))
        __asm__ volatile("wfi");
    csr_clear(sip, BIT(IRQ_SSI));
    got_ipi[hart]++;
    csr_write(sie, 0);
}

static void ipis(void)
{
    begin();
    for (unsigned n = 1; n < HARTS; n++) {
        got_ipi[other(n)] = 0;
        EQ(start(other(n), wait_ipi), SBI_OK);
    }
    for (unsigned n = 1; n < HARTS; n++)
        wait_arrived(other(n));
    EQ(SBI2(SBI_IPI, 0, 1ul << other(1) | 1ul << other(3), 0).error, SBI_OK);
    wait_status(other(1), HART_STOPPED);
    wait_status(other(3), HART_STOPPED);
    rt_wait(5 * RT_MS);
    EQ(got_ipi[other(1)], 1);
    EQ(got_ipi[other(2)], 0);
    EQ(got_ipi[other(3)], 1);
    EQ(SBI2(SBI_IPI, 0, 0, -1ul).error, SBI_OK);
    wait_status(other(2), HART_STOPPED);
    EQ(got_ipi[other(2)], 1);
    csr_clear(sip, BIT(IRQ_SSI));
}

const struct rt_case rt_cases[] = {
    {"starting", starting},
    {"errors", errors},
    {"suspending", suspending},
    {"suspending-non-retentive", suspending_non_retentive},
    {"ipis", ipis},
    {"remote-fences", remote_fences},
    {"system-suspend", system_suspend},
    {0},
};
