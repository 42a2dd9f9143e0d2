// SPDX-License-Identifier: Apache-2.0
// The CSRs of H: what their fields hold; which are virtual and which illegal in VS and VU mode, all 4096 of
// them; and those that stand for others there.
#include "hyp.h"

static void fields(void)
{
    NOT_ON_QEMU("most of its fields take everything");
    hyp_begin(3, 0);
    EQ(csr_read(misa) >> ('H' - 'A') & 1, 1);
    EQ(csr_probe(hstatus, -1ul) & ~(63ul << 12), HSTATUS_VSXL | 0x7003c0);
    EQ(csr_probe(hstatus, 0), HSTATUS_VSXL);
    EQ(csr_probe(hedeleg, -1ul), 0xb1ff);
    EQ(csr_read(hstatus) & 63ul << 12, 0); // GEILEN is 0
    EQ(csr_probe(vsstatus, -1ul), STATUS_SD | HSTATUS_VSXL | 0xc6122);
    EQ(csr_probe(medeleg, -1ul), 0xf0b7ff);
    EQ(csr_probe(henvcfg, -1ul), 0xf1);
    csr_write(menvcfg, -1ul);
    EQ(csr_probe(henvcfg, -1ul), 0xe0000000000000f1);
    EQ(csr_probe(hgatp, 3ul << 60 | 7), 8ul << 60 | 4); // the mode stays, the rest is taken
    EQ(csr_probe(hgeie, -1ul), 0);
    csr_write(menvcfg, 0);
    EQ(csr_probe(hideleg, -1ul), 0x444);
    EQ(csr_probe(hvip, -1ul), 0x444);
    EQ(csr_probe(hcounteren, -1ul), 0xffffffff);
    EQ(csr_probe(htimedelta, -1ul), -1ul);
    EQ(csr_probe(htval, 0x123456789abcdef), 0x123456789abcdef);
    EQ(csr_probe(htinst, 0x3020), 0x3020);
    EQ(csr_probe(mtval2, 0x123456789abcdef), 0x123456789abcdef);
    EQ(csr_probe(mtinst, 0x3000), 0x3000);
    EQ(csr_probe(hgatp, 0xa3ffffffffffffff), 0xa3fffffffffffffc); // Sv57x4, 14 bits of VMID
    EQ(csr_probe(vsatp, 0x9fffffffffffffff), 0x9fffffffffffffff);
    csr_write(vsatp, 0);
    csr_write(vsatp, 5ul << 60 | 7); // no such mode: nothing happens
    EQ(csr_read(vsatp), 0);
    EQ(csr_probe(vstvec, 0x80001001ul), 0x80001001);
    EQ(csr_probe(vsepc, -1ul), -2ul);
    EQ(csr_probe(vsscratch, -1ul), -1ul);
    EQ(csr_probe(vscause, 12), 12);
    EQ(csr_probe(vstval, -1ul), -1ul);
    EQ(csr_read(hgeip), 0);
    EQ(csr_read(mideleg) & 0x444, 0x444);
    csr_write(mideleg, 0);
    EQ(csr_read(mideleg) & 0x444, 0x444);
    hyp_end();
}

static bool in(unsigned csr, unsigned first, unsigned last)
{
    return csr >= first && csr <= last;
}

static bool is_supervisor(unsigned csr)
{
    return csr == 0x100 || in(csr, 0x104, 0x106) || csr == 0x10a || in(csr, 0x140, 0x144) ||
           csr == 0x14d || csr == 0x180 || csr == 0xda0;
}

static bool is_hypervisor(unsigned csr)
{
    return csr == 0x200 || in(csr, 0x204, 0x205) || in(csr, 0x240, 0x244) || csr == 0x24d ||
           csr == 0x280 || csr == 0x600 || in(csr, 0x602, 0x607) || csr == 0x60a ||
           in(csr, 0x643, 0x645) || csr == 0x64a || csr == 0x680 || csr == 0xe12;
}

static bool is_user(unsigned csr)
{
    return in(csr, 1, 3) || in(csr, 0xc00, 0xc1f);
}

static uint64_t expected(unsigned csr, unsigned mode, bool write)
{
    if (write && csr >> 10 == 3)
        return CAUSE_ILLEGAL;
    if (is_hypervisor(csr) || (mode == PRIV_VU && is_supervisor(csr)))
        return CAUSE_VIRTUAL;
    return is_user(csr) || is_supervisor(csr) ? NO_TRAP : CAUSE_ILLEGAL;
}

static uint32_t code[2] __attribute__((aligned(16)));
static unsigned sweep_mode;

// csrrs x0, csr, x0 and, with `arg`, csrrs x0, csr, a0, which has no effect for a0 = 0.
static uint64_t sweep(uint64_t arg)
{
    for (unsigned csr = 0; csr < 4096; csr++) {
        struct rt_outcome o;
        register uint64_t a0 __asm__("a0") = (uint64_t)code;

        code[0] = 0x00002073u | csr << 20 | (arg ? 11u << 15 : 0);
        code[1] = 0x00008067;
        rt_fence_i();
        o = TRY_OUT("li a1, 0\n\tjalr a0", a0, );
        if (o.cause != expected(csr, sweep_mode, arg) ||
            (o.cause != NO_TRAP && o.tval != code[0])) {
            rt_check_failed("csr", (int)csr, arg ? "written" : "read", o.cause,
                            expected(csr, sweep_mode, arg));
        }
    }
    return 0;
}

static void access(void)
{
    NOT_ON_QEMU("it gets many of them wrong");
    hyp_begin(3, 0);
    csr_set(mstatus, STATUS_FS);
    csr_write(vsstatus, STATUS_FS);
    csr_write(menvcfg, MENVCFG_STCE);
    csr_write(henvcfg, MENVCFG_STCE);
    for (sweep_mode = PRIV_VU; sweep_mode <= PRIV_VS; sweep_mode++)
        for (unsigned write = 0; write < 2; write++) {
            csr_write(vsatp, 0);
            hyp_run(sweep_mode, sweep, write);
        }
    csr_clear(mstatus, STATUS_FS);
    hyp_end();
}

static uint64_t stands_for(uint64_t arg)
{
    (void)arg;
    csr_write(sscratch, 0x1111);
    csr_write(sepc, 0x2222);
    csr_write(scause, 5);
    csr_write(stval, 0x4444);
    csr_set(sstatus, STATUS_SUM | STATUS_MXR | STATUS_SPP);
    csr_write(sie, -1ul);
    return csr_read(sscratch) == 0x1111 && csr_read(sepc) == 0x2222 && csr_read(scause) == 5 &&
           csr_read(stval) == 0x4444;
}

static void replaced(void)
{
    uint64_t scratch = csr_read(sscratch), status = csr_read(sstatus), vector = csr_read(stvec);

    hyp_begin(3, 0);
    csr_write(sepc, 0x1000);
    csr_write(scause, 1);
    csr_write(stval, 2);
    csr_write(hideleg, 0x444);
    EQ(hyp_run(PRIV_VS, stands_for, 0), 1);
    EQ(csr_read(sscratch), scratch);
    EQ(csr_read(sepc), 0x1000);
    EQ(csr_read(scause), 1);
    EQ(csr_read(stval), 2);
    EQ(csr_read(stvec), vector);
    EQ(csr_read(sstatus) & ~STATUS_SPIE, status & ~STATUS_SPIE);
    EQ(csr_read(sie), 0);
    EQ(csr_read(vsscratch), 0x1111);
    EQ(csr_read(vsepc), 0x2222);
    EQ(csr_read(vscause), 5);
    EQ(csr_read(vstval), 0x4444);
    EQ(csr_read(vsstatus) & ~HSTATUS_VSXL, STATUS_SUM | STATUS_MXR | STATUS_SPP);
    EQ(csr_read(vsie), 0x222);
    EQ(csr_read(hie), 0x444);
    csr_write(mie, 0);
    hyp_end();
}

// Counters: mcounteren off is illegal, hcounteren or scounteren off is virtual.
static uint64_t read_time(uint64_t arg)
{
    (void)arg;
    return TRY("rdtime zero", ).cause;
}

static void counters(void)
{
    hyp_begin(3, 0);
    for (unsigned bits = 0; bits < 8; bits++) {
        bool m = bits & 1, h = bits & 2, s = bits & 4;

        csr_write(mcounteren, m ? 2 : 0);
        csr_write(hcounteren, h ? 2 : 0);
        csr_write(scounteren, s ? 2 : 0);
        EQ(hyp_run(PRIV_S, read_time, 0), m ? NO_TRAP : CAUSE_ILLEGAL);
        EQ(hyp_run(PRIV_U, read_time, 0), m && s ? NO_TRAP : CAUSE_ILLEGAL);
        EQ(hyp_run(PRIV_VS, read_time, 0), !m ? CAUSE_ILLEGAL : h ? NO_TRAP : CAUSE_VIRTUAL);
        EQ(hyp_run(PRIV_VU, read_time, 0), !m ? CAUSE_ILLEGAL : h && s ? NO_TRAP : CAUSE_VIRTUAL);
    }
    hyp_end();
}

// Both vsstatus.FS and mstatus.FS have to allow FP; what it writes makes both dirty.
static uint64_t move_float(uint64_t arg)
{
    (void)arg;
    return TRY(".word 0xd2057553", ).cause; // fcvt.d.w fa0, a0, with rm = 7
}

static void floating_point(void)
{
    hyp_begin(3, 0);
    for (uint64_t m = 0; m < 4; m++)
        for (uint64_t v = 0; v < 4; v++) {
            bool legal = m && v;

            csr_clear(mstatus, STATUS_FS);
            csr_set(mstatus, m << 13);
            csr_write(vsstatus, v << 13);
            EQ(hyp_run(PRIV_VS, move_float, 0), legal ? NO_TRAP : CAUSE_ILLEGAL);
            EQ(csr_read(mstatus) & STATUS_FS, legal ? STATUS_FS : m << 13);
            EQ(csr_read(vsstatus) & STATUS_FS, legal ? STATUS_FS : v << 13);
        }
    csr_clear(mstatus, STATUS_FS);
    csr_set(mstatus, STATUS_FS_CLEAN);
    csr_write(vsstatus, 0);
    EQ(hyp_run(PRIV_S, move_float, 0), NO_TRAP);
    EQ(csr_read(vsstatus) & STATUS_FS, 0);
    csr_clear(mstatus, STATUS_FS);
    hyp_end();
}

const struct rt_case rt_cases[] = {
    {"fields", fields},
    {"access", access},
    {"stands-for", replaced},
    {"counters", counters},
    {"floating-point", floating_point},
    {0},
};
