// SPDX-License-Identifier: Apache-2.0
// Counters: instret counts exactly, inhibit, writes, events and filters, overflow interrupts (Sscofpmf).
#include "csr.h"

static void instret_exact(void)
{
    uint64_t a, b;

    NOT_ON_QEMU("it counts as the host's time passes");
    __asm__ volatile("csrr %0, minstret\n csrr %1, minstret" : "=&r"(a), "=&r"(b));
    EQ(b - a, 1);
    __asm__ volatile("csrr %0, minstret\n nop\n nop\n nop\n csrr %1, minstret"
                     : "=&r"(a), "=&r"(b));
    EQ(b - a, 4);
    __asm__ volatile("csrr %0, minstret\n li t0, 100\n1: addi t0, t0, -1\n bnez t0, 1b\n"
                     "csrr %1, minstret"
                     : "=&r"(a), "=&r"(b)::"t0");
    EQ(b - a, 202);
    // Traps don't retire: ecall does not count, the handler's mret does; so compare two of them.
    __asm__ volatile("csrr %0, instret\n csrr %1, minstret" : "=&r"(a), "=&r"(b));
    EQ(b - a, 1);
    __asm__ volatile(
        "csrr %0, minstret\n j 1f\n nop\n 1: fence.i\n sfence.vma\n fence\n csrr %1, minstret"
        : "=&r"(a), "=&r"(b)::"memory");
    EQ(b - a, 5);
}

// A trap handler of five instructions, and an instruction that faults: it does not count.
static void instret_traps(void)
{
    uint64_t a, b;

    NOT_ON_QEMU("it counts as the host's time passes");
    __asm__ volatile("csrr t2, mtvec\n la t0, 2f\n csrw mtvec, t0\n la t1, 3f\n"
                     "csrr %0, minstret\n"
                     ".word 0\n"                     // illegal: not counted
                     ".balign 4\n2: csrw mepc, t1\n" // 1
                     "mret\n"                        // 2
                     "3: csrr %1, minstret\n"
                     "csrw mtvec, t2"
                     : "=&r"(a), "=&r"(b)::"t0", "t1", "t2", "memory");
    EQ(b - a, 3);
}

static void writes(void)
{
    uint64_t v;

    NOT_ON_QEMU("it counts as the host's time passes");
    // The write takes the place of the increment.
    __asm__ volatile("csrw minstret, %1\n csrr %0, minstret" : "=r"(v) : "r"(1000ul));
    EQ(v, 1000);
    __asm__ volatile("csrw minstret, %1\n nop\n csrr %0, minstret" : "=r"(v) : "r"(-1ul));
    EQ(v, 0);
    __asm__ volatile("csrw mcycle, %1\n csrr %0, mcycle" : "=r"(v) : "r"(1ul << 40));
    CHECK(v >= 1ul << 40 && v < (1ul << 40) + 1000);
}

static void inhibit(void)
{
    uint64_t a, b;

    csr_write(mcountinhibit, 5);
    EQ(csr_read(mcountinhibit) & 7, 5);
    a = csr_read(minstret);
    b = csr_read(mcycle);
    for (volatile unsigned i = 0; i < 100; i++)
        ;
    EQ(csr_read(minstret), a);
    EQ(csr_read(mcycle), b);
    EQ(csr_read(instret), a);
    csr_write(minstret, 77);
    EQ(csr_read(minstret), 77);
    csr_write(mcountinhibit, 0);
    for (volatile unsigned i = 0; i < 100; i++)
        ;
    CHECK(csr_read(minstret) > 77);
    CHECK(csr_read(mcycle) > b);
    csr_write(mcountinhibit, -1ul);
    if (!rt_on_qemu())
        EQ(csr_read(mcountinhibit) & 2, 0); // time can't be stopped
    csr_write(mcountinhibit, 0);
}

static void time_runs(void)
{
    uint64_t a = csr_read(time), b = rd64(MTIME), c = csr_read(time);

    CHECK(a <= b && b <= c && c - a < 100 * RT_MS);
    rt_wait(RT_MS);
    CHECK(csr_read(time) >= c + RT_MS);
}

#define MINH BIT(62)
#define SINH BIT(61)
#define UINH BIT(60)
#define OF BIT(63)
#define EVENT_INSTRUCTIONS 2

static uint64_t spin(uint64_t n)
{
    __asm__ volatile("1: addi %0, %0, -1\n bnez %0, 1b" : "+r"(n));
    return 0;
}

static void filters(void)
{
    uint64_t a, b;

    NOT_ON_QEMU("it does not count instructions");
    csr_write(mhpmevent3, EVENT_INSTRUCTIONS | MINH | SINH);
    csr_write(mhpmcounter3, 0);
    a = csr_read(mhpmcounter3);
    for (volatile unsigned i = 0; i < 100; i++)
        ;
    EQ(csr_read(mhpmcounter3), a);
    rt_run_in(PRIV_S, spin, 1000, 0);
    EQ(csr_read(mhpmcounter3), a);
    rt_run_in(PRIV_U, spin, 1000, 0);
    b = csr_read(mhpmcounter3);
    CHECK(b - a >= 2000 && b - a < 2020);
    a = b;
    rt_run_in(PRIV_U, spin, 2000, 0);
    EQ(csr_read(mhpmcounter3) - a, b + 2000);
    csr_write(mhpmevent3, 0);
}

static volatile unsigned overflows;

static bool on_overflow(struct rt_frame *f)
{
    if (f->cause != (CAUSE_INTERRUPT | IRQ_LCOF))
        return false;
    overflows++;
    csr_clear(mip, BIT(IRQ_LCOF));
    return true;
}

static void overflow(void)
{
    NOT_ON_QEMU("it does not count instructions");
    rt_trap_hook = on_overflow;
    overflows = 0;
    csr_write(mcounteren, -1ul);
    csr_write(mhpmcounter3, -500ul);
    csr_write(mhpmevent3, EVENT_INSTRUCTIONS);
    csr_write(mie, BIT(IRQ_LCOF));
    EQ(csr_read(0xda0) & 8, 0);
    csr_set(mstatus, STATUS_MIE);
    spin(100);
    EQ(overflows, 0);
    spin(400);
    EQ(overflows, 1);
    csr_clear(mstatus, STATUS_MIE);
    CHECK(csr_read(mhpmcounter3) < 1000);
    EQ(csr_read(mhpmevent3) & OF, OF);
    EQ(csr_read(0xda0) & 8, 8); // scountovf
    // OF is set still: another overflow is silent.
    csr_write(mhpmcounter3, -50ul);
    csr_set(mstatus, STATUS_MIE);
    spin(100);
    EQ(overflows, 1);
    csr_write(mhpmevent3, EVENT_INSTRUCTIONS);
    csr_write(mhpmcounter3, -50ul);
    spin(100);
    EQ(overflows, 2);
    csr_clear(mstatus, STATUS_MIE);
    csr_write(mhpmevent3, 0);
    csr_write(mie, 0);
    csr_write(mcounteren, 7);
    rt_trap_hook = NULL;
}

const struct rt_case rt_cases[] = {
    {"instret", instret_exact}, {"instret-traps", instret_traps},
    {"writes", writes},         {"inhibit", inhibit},
    {"time", time_runs},        {"filters", filters},
    {"overflow", overflow},     {0},
};
