// SPDX-License-Identifier: Apache-2.0
// Interrupts from each source, who takes them, in which order, when they are masked, and wfi.
#include "csr.h"
#include "pt.h"

static uint64_t taken[16]; // causes in order, with the mode in bits 8 and up
static unsigned taken_count;
static uint64_t mask_mie; // what the handler takes out of mie, one after the other

// Records, and turns the source off in mie.
static bool record(struct rt_frame *f)
{
    if (!(f->cause & CAUSE_INTERRUPT))
        return false;
    if (taken_count < 16)
        taken[taken_count++] = (f->cause & 0xff) | f->mode << 8;
    if (f->mode == PRIV_M)
        csr_clear(mie, BIT(f->cause & 63));
    else
        csr_clear(sie, BIT(f->cause & 63));
    (void)mask_mie;
    return true;
}

static void begin(void)
{
    taken_count = 0;
    rt_trap_hook = record;
    csr_write(mie, 0);
    csr_write(mideleg, 0);
    csr_write(menvcfg, 0);
    csr_clear(mstatus, STATUS_MIE | STATUS_SIE);
    wr64(MTIMECMP(0), -1ul);
    wr32(MSIP(0), 0);
    csr_write(mip, 0);
}

static void end(void)
{
    begin();
    rt_trap_hook = NULL;
}

static void enable_now(void)
{
    csr_set(mstatus, STATUS_MIE);
    csr_clear(mstatus, STATUS_MIE);
}

#define TAKEN(n, irq, mode) EQ(taken[n], (irq) | (mode) << 8)

static void machine_software(void)
{
    begin();
    wr32(MSIP(0), 1);
    EQ(csr_read(mip) & BIT(IRQ_MSI), BIT(IRQ_MSI));
    EQ(rd32(MSIP(0)), 1);
    csr_write(mip, 0); // a wire: not to be cleared here
    EQ(csr_read(mip) & BIT(IRQ_MSI), BIT(IRQ_MSI));
    enable_now();
    EQ(taken_count, 0);
    csr_write(mie, BIT(IRQ_MSI));
    EQ(taken_count, 0);
    enable_now();
    EQ(taken_count, 1);
    TAKEN(0, IRQ_MSI, PRIV_M);
    wr32(MSIP(0), ~0u);
    EQ(rd32(MSIP(0)), 1);
    wr32(MSIP(0), 0);
    EQ(csr_read(mip) & BIT(IRQ_MSI), 0);
    end();
}

static void machine_timer(void)
{
    uint64_t now;

    begin();
    now = rd64(MTIME);
    wr64(MTIMECMP(0), now + RT_MS);
    EQ(csr_read(mip) & BIT(IRQ_MTI), 0);
    csr_write(mie, BIT(IRQ_MTI));
    csr_set(mstatus, STATUS_MIE);
    while (!*(volatile unsigned *)&taken_count && rd64(MTIME) < now + 1000 * RT_MS)
        ;
    csr_clear(mstatus, STATUS_MIE);
    CHECK(rd64(MTIME) >= now + RT_MS);
    EQ(taken_count, 1);
    TAKEN(0, IRQ_MTI, PRIV_M);
    EQ(csr_read(mip) & BIT(IRQ_MTI), BIT(IRQ_MTI)); // until mtimecmp moves
    wr64(MTIMECMP(0), -1ul);
    EQ(csr_read(mip) & BIT(IRQ_MTI), 0);
    wr64(MTIMECMP(0), 0);
    EQ(csr_read(mip) & BIT(IRQ_MTI), BIT(IRQ_MTI));
    end();
}

// wfi ends when an enabled interrupt is pending, whatever MIE says; without one it waits.
static void wait(void)
{
    uint64_t start;

    begin();
    start = rd64(MTIME);
    wr64(MTIMECMP(0), start + 20 * RT_MS);
    csr_write(mie, BIT(IRQ_MTI));
    while (!(csr_read(mip) & BIT(IRQ_MTI)))
        __asm__ volatile("wfi");
    CHECK(rd64(MTIME) >= start + 20 * RT_MS);
    EQ(taken_count, 0);
    __asm__ volatile("wfi"); // still pending: at once
    // Taken at wfi, epc is behind it.
    wr64(MTIMECMP(0), rd64(MTIME) + 5 * RT_MS);
    csr_set(mstatus, STATUS_MIE);
    while (!*(volatile unsigned *)&taken_count)
        __asm__ volatile("wfi");
    csr_clear(mstatus, STATUS_MIE);
    EQ(taken_count, 1);
    end();
}

static uint64_t idle_in_s(uint64_t arg)
{
    if (arg)
        csr_set(sstatus, STATUS_SIE);
    for (volatile unsigned i = 0; i < 100; i++)
        ;
    csr_clear(sstatus, STATUS_SIE);
    return 0;
}

static uint64_t idle_in_u(uint64_t arg)
{
    for (volatile unsigned i = 0; i < 100; i++)
        ;
    return 0;
}

// Not delegated: taken in M mode from below, whatever MIE says there.
static void from_below(void)
{
    begin();
    csr_set(mip, BIT(IRQ_SSI));
    csr_write(mie, BIT(IRQ_SSI));
    rt_run_in(PRIV_S, idle_in_s, 0, 0);
    EQ(taken_count, 1);
    TAKEN(0, IRQ_SSI, PRIV_M);
    csr_write(mie, BIT(IRQ_SSI));
    rt_run_in(PRIV_U, idle_in_u, 0, 0);
    EQ(taken_count, 2);
    end();
}

static void delegated(void)
{
    begin();
    csr_write(mideleg, BIT(IRQ_SSI));
    csr_set(mip, BIT(IRQ_SSI));
    csr_write(mie, BIT(IRQ_SSI));
    csr_set(mstatus, STATUS_MIE);
    for (volatile unsigned i = 0; i < 100; i++)
        ;
    csr_clear(mstatus, STATUS_MIE);
    EQ(taken_count, 0); // M mode is never interrupted by what S mode has been given
    rt_run_in(PRIV_S, idle_in_s, 0, 0);
    EQ(taken_count, 0); // SIE is clear
    rt_run_in(PRIV_S, idle_in_s, 1, 0);
    EQ(taken_count, 1);
    TAKEN(0, IRQ_SSI, PRIV_S);
    csr_write(mie, BIT(IRQ_SSI));
    rt_run_in(PRIV_U, idle_in_u, 0, 0); // SIE does not matter
    EQ(taken_count, 2);
    TAKEN(1, IRQ_SSI, PRIV_S);
    end();
}

// MEI, MSI, MTI, SEI, SSI, STI in this order.
static void order(void)
{
    static const uint8_t want[] = {IRQ_MSI, IRQ_MTI, IRQ_SEI, IRQ_SSI, IRQ_STI};

    NOT_ON_QEMU("it takes the lowest number first");
    begin();
    csr_write(mip, BIT(IRQ_SEI) | BIT(IRQ_SSI) | BIT(IRQ_STI));
    wr32(MSIP(0), 1);
    wr64(MTIMECMP(0), 0);
    csr_write(mie, -1ul);
    csr_set(mstatus, STATUS_MIE);
    csr_clear(mstatus, STATUS_MIE);
    EQ(taken_count, 5);
    for (unsigned i = 0; i < 5; i++)
        TAKEN(i, want[i], PRIV_M);
    end();
}

// What M mode takes comes before what S mode takes, whatever the numbers.
static void order_of_modes(void)
{
    begin();
    csr_write(mideleg, BIT(IRQ_SEI));
    csr_write(mip, BIT(IRQ_SEI) | BIT(IRQ_STI));
    csr_write(mie, -1ul);
    rt_run_in(PRIV_S, idle_in_s, 1, 0);
    EQ(taken_count, 2);
    TAKEN(0, IRQ_STI, PRIV_M);
    TAKEN(1, IRQ_SEI, PRIV_S);
    end();
}

static void pending_bits(void)
{
    const uint64_t vs = 0x444; // always delegated

    NOT_ON_QEMU("VSTIP and VSEIP are writable in its mip");
    begin();
    csr_write(mip, -1ul);
    EQ(csr_read(mip) & 0xfff, BIT(IRQ_SSI) | BIT(IRQ_STI) | BIT(IRQ_SEI) | BIT(IRQ_VSSI));
    csr_clear(mip, BIT(IRQ_VSSI));
    EQ(csr_read(sip), 0); // nothing is delegated
    csr_write(mideleg, -1ul);
    EQ(csr_read(mideleg) & 0xfff, BIT(IRQ_SSI) | BIT(IRQ_STI) | BIT(IRQ_SEI) | vs);
    EQ(csr_read(sip) & 0xfff, BIT(IRQ_SSI) | BIT(IRQ_STI) | BIT(IRQ_SEI));
    csr_write(sip, 0); // S mode may clear SSIP only
    EQ(csr_read(mip) & 0xfff, BIT(IRQ_STI) | BIT(IRQ_SEI));
    csr_write(sip, -1ul);
    EQ(csr_read(mip) & 0xfff, BIT(IRQ_SSI) | BIT(IRQ_STI) | BIT(IRQ_SEI));
    csr_write(mie, -1ul);
    EQ(csr_read(mie) & 0xfff, 0xaaa | vs);
    csr_write(sie, 0);
    EQ(csr_read(mie) & 0xfff, 0x888 | vs);
    csr_write(mip, 0);
    EQ(csr_read(mip) & 0xfff, 0);
    end();
}

// Sstc: STIP is the comparison.
static void supervisor_timer(void)
{
    uint64_t start;

    begin();
    csr_write(menvcfg, MENVCFG_STCE);
    csr_write(mcounteren, 7);
    csr_write(0x14d, -1ul);
    EQ(csr_read(mip) & BIT(IRQ_STI), 0);
    csr_write(mip, BIT(IRQ_STI)); // read-only now
    EQ(csr_read(mip) & BIT(IRQ_STI), 0);
    csr_write(0x14d, 0);
    EQ(csr_read(mip) & BIT(IRQ_STI), BIT(IRQ_STI));
    csr_write(mideleg, BIT(IRQ_STI));
    csr_write(mie, BIT(IRQ_STI));
    rt_run_in(PRIV_S, idle_in_s, 1, 0);
    EQ(taken_count, 1);
    TAKEN(0, IRQ_STI, PRIV_S);
    start = rt_time();
    csr_write(0x14d, start + 10 * RT_MS);
    EQ(csr_read(mip) & BIT(IRQ_STI), 0);
    csr_write(mie, BIT(IRQ_STI));
    while (!(csr_read(mip) & BIT(IRQ_STI)))
        __asm__ volatile("wfi");
    CHECK(rt_time() >= start + 10 * RT_MS);
    csr_write(0x14d, -1ul);
    EQ(csr_read(mip) & BIT(IRQ_STI), 0);
    end();
}

// Reads the time until it is `until`; by the next instruction the timer of then has interrupted.
static uint64_t late_in_s(uint64_t until)
{
    csr_write(0x14d, until);
    csr_set(sie, BIT(IRQ_STI));
    csr_set(sstatus, STATUS_SIE);
    while (csr_read(time) < until)
        ;
    csr_clear(sstatus, STATUS_SIE);
    return csr_read(sie) & BIT(IRQ_STI); // what interrupts is turned off, see record()
}

static void timer_by_the_clock(void)
{
    unsigned late = 0;

    NOT_ON_QEMU("its timers come when the host's do");
    begin();
    csr_write(menvcfg, MENVCFG_STCE);
    csr_write(mcounteren, 7);
    csr_write(mideleg, BIT(IRQ_STI));
    for (unsigned i = 0; i < 200; i++)
        late += rt_run_in(PRIV_S, late_in_s, rt_time() + 200 + i, 0) != 0;
    EQ(late, 0);
    csr_write(0x14d, -1ul);
    end();
}

// The same with mtime and its comparator: MTIP is set when the time has come.
static void machine_timer_by_the_clock(void)
{
    unsigned late = 0;

    NOT_ON_QEMU("its timers come when the host's do");
    begin();
    for (unsigned i = 0; i < 200; i++) {
        uint64_t until = rd64(MTIME) + 200 + i;

        wr64(MTIMECMP(0), until);
        while (rd64(MTIME) < until)
            ;
        late += !(csr_read(mip) & BIT(IRQ_MTI));
    }
    EQ(late, 0);
    end();
}

extern char rt_vectors_m[];
static uint64_t vector_entry;

// The vectored table's entries jump to the same handler, so the table is rewritten to tell.
static void vectors(void)
{
    uint64_t old = csr_read(mtvec);
    static uint32_t table[16] __attribute__((aligned(64)));
    extern char rt_trap_m[];

    begin();
    for (unsigned i = 0; i < 16; i++)
        table[i] = 0; // illegal
    // j rt_trap_m at entry 3 only
    {
        int64_t off = (int64_t)rt_trap_m - (int64_t)&table[IRQ_MSI];
        uint32_t u = (uint32_t)off;

        table[IRQ_MSI] = 0x6f | (u >> 20 & 1) << 31 | (u >> 1 & 0x3ff) << 21 | (u >> 11 & 1) << 20 |
                         (u >> 12 & 255) << 12;
    }
    rt_fence_i();
    (void)vector_entry;
    csr_write(mtvec, (uint64_t)table | 1);
    csr_write(mie, BIT(IRQ_MSI));
    wr32(MSIP(0), 1);
    enable_now();
    csr_write(mtvec, old);
    EQ(taken_count, 1);
    TAKEN(0, IRQ_MSI, PRIV_M);
    end();
}

// An interrupt that mret or a CSR write enables is taken before the next instruction.
static void at_once(void)
{
    uint64_t x = 0;

    begin();
    csr_write(mie, BIT(IRQ_MSI));
    wr32(MSIP(0), 1);
    rt_fence();
    __asm__ volatile("csrsi mstatus, 8\n csrci mstatus, 8" ::: "memory");
    EQ(taken_count, 1);
    csr_set(mie, BIT(IRQ_MSI));
    __asm__ volatile("la t0, 1f\n csrw mepc, t0\n li t0, 0x1880\n csrs mstatus, t0\n mret\n"
                     "1: csrci mstatus, 8" ::
                         : "t0", "memory");
    EQ(taken_count, 2);
    (void)x;
    end();
}

const struct rt_case rt_cases[] = {
    {"msi", machine_software},
    {"mti", machine_timer},
    {"wfi", wait},
    {"from-below", from_below},
    {"delegated", delegated},
    {"order", order},
    {"order-of-modes", order_of_modes},
    {"mip-mie", pending_bits},
    {"sstc", supervisor_timer},
    {"sstc-by-the-clock", timer_by_the_clock},
    {"mti-by-the-clock", machine_timer_by_the_clock},
    {"vectors", vectors},
    {"at-once", at_once},
    {0},
};
