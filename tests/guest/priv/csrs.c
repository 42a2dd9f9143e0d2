// SPDX-License-Identifier: Apache-2.0
// All 4096 CSR numbers: which exist, in which modes, which can be written; and that a refused access
// changes nothing.
// run: qemu=no
#include "csr.h"
#include "probe.h"

static bool in(unsigned csr, unsigned first, unsigned last)
{
    return csr >= first && csr <= last;
}

static bool exists(unsigned csr)
{
    static const uint16_t single[] = {0x100, 0x104, 0x105, 0x106, 0x10a, 0x14d, 0x180,
                                      0xda0, 0x30a, 0x320, 0x3a0, 0x3a2, 0xb00, 0xb02};

    for (unsigned i = 0; i < sizeof(single) / sizeof(single[0]); i++)
        if (csr == single[i])
            return true;
    static const uint16_t h[] = {0x200, 0x204, 0x205, 0x24d, 0x280, 0x600, 0x60a, 0x643,
                                 0x644, 0x645, 0x64a, 0x680, 0xe12, 0x34a, 0x34b};

    for (unsigned i = 0; i < sizeof(h) / sizeof(h[0]); i++)
        if (csr == h[i])
            return true;
    return in(csr, 0x240, 0x244) || in(csr, 0x602, 0x607) || in(csr, 0x001, 0x003) ||
           in(csr, 0x140, 0x144) || in(csr, 0x300, 0x306) || in(csr, 0x323, 0x33f) ||
           in(csr, 0x340, 0x344) || in(csr, 0x3b0, 0x3bf) || in(csr, 0x7a0, 0x7a4) ||
           in(csr, 0xb03, 0xb1f) || in(csr, 0xc00, 0xc1f) || in(csr, 0xf11, 0xf15);
}

static bool readable(unsigned csr, unsigned mode)
{
    unsigned level = csr >> 8 & 3; // 2: hypervisor and virtual supervisor, which S mode has

    return exists(csr) && (level == 2 ? PRIV_S : level) <= mode;
}

static bool writable(unsigned csr, unsigned mode)
{
    return readable(csr, mode) && csr >> 10 != 3;
}

// One of the six instructions with rd = x1 and rs1 = x0 or a zero immediate: csrrw writes, the others
// only read. In the lower modes it is the registers' zeroes that would be written.
static uint32_t instruction(unsigned csr, unsigned f3, unsigned rs1)
{
    return 0x73u | 1u << 7 | f3 << 12 | rs1 << 15 | (uint32_t)csr << 20;
}

static void sweep(unsigned mode, unsigned f3, unsigned rs1, bool (*legal)(unsigned, unsigned))
{
    uint32_t *page;

    csr_write(mcounteren, -1ul);
    csr_write(scounteren, -1ul);
    csr_write(menvcfg, MENVCFG_STCE);
    page = probe_begin(mode, true);
    csr_set(menvcfg, MENVCFG_STCE);
    for (unsigned csr = 0; csr < 4096; csr++) {
        uint32_t insn = instruction(csr, f3, rs1);
        bool want = legal(csr, mode);

        if (want && (f3 == 1 || f3 == 5) && csr == 0x180)
            continue; // would take the ground away
        page[0] = insn;
        page[1] = 0x90029002;
        rt_fence_i();
        if (probe_legal(0, insn) != want)
            probe_failed(insn, "is legal", !want, want);
    }
    probe_end();
    csr_write(mcounteren, 7);
    csr_write(scounteren, 7);
    csr_write(menvcfg, 0);
}

static void reads(void)
{
    for (unsigned mode = PRIV_U; mode <= PRIV_S; mode++) {
        sweep(mode, 2, 0, readable); // csrrs, csrrc, csrrsi, csrrci
        sweep(mode, 3, 0, readable);
        sweep(mode, 6, 0, readable);
        sweep(mode, 7, 0, readable);
    }
}

static void writes(void)
{
    for (unsigned mode = PRIV_U; mode <= PRIV_S; mode++) {
        sweep(mode, 2, 5, writable); // a register that holds 0 counts as a write
        sweep(mode, 3, 5, writable);
        sweep(mode, 1, 0, writable);
        sweep(mode, 5, 0, writable);
    }
}

static uint64_t counters_refused(uint64_t arg)
{
    uint64_t wrong = 0;

    wrong += TRY("rdcycle zero", ).cause != CAUSE_ILLEGAL;
    wrong += TRY("csrr zero, 0xc1f", ).cause != CAUSE_ILLEGAL;
    return wrong;
}

static void counters(void)
{
    csr_write(mcounteren, 0);
    EQ(rt_run_in(PRIV_S, counters_refused, 0, 0), 0);
    csr_write(mcounteren, 7);
}

// In M mode, by code that is written as it goes.
static void machine(void)
{
    static uint32_t code[2] __attribute__((aligned(16)));

    csr_set(mstatus, STATUS_FS_INITIAL);
    for (unsigned csr = 0; csr < 4096; csr++) {
        uint64_t want = exists(csr) ? NO_TRAP : CAUSE_ILLEGAL;
        struct rt_outcome o;

        code[0] = 0x00002073u | (uint32_t)csr << 20; // csrr x0
        code[1] = 0x00008067;
        rt_fence_i();
        o = rt_try_exec((uintptr_t)code);
        if (o.cause != want)
            probe_failed(code[0], "cause", o.cause, want);
        if (!exists(csr) || csr >> 10 != 3)
            continue;
        code[0] = 0x00001073u | (uint32_t)csr << 20; // csrw, x0: read-only
        rt_fence_i();
        o = rt_try_exec((uintptr_t)code);
        if (o.cause != CAUSE_ILLEGAL || o.tval != code[0])
            probe_failed(code[0], "cause", o.cause, CAUSE_ILLEGAL);
    }
    csr_clear(mstatus, STATUS_FS);
}

const struct rt_case rt_cases[] = {
    {"reads", reads}, {"writes", writes}, {"counters", counters}, {"machine", machine}, {0},
};
