// SPDX-License-Identifier: Apache-2.0
// AIA at M and S level: interrupt files by their CSRs and by MSIs, top interrupts and their priorities,
// virtual interrupts for S mode, what is forbidden.
// run: hull=--interrupts hull=aia hull=--guest-files hull=3 qemu-arg=-M qemu-arg=virt,aia=aplic-imsic,aia-guests=3
#include "aia.h"
#include "irq.h"

static bool note(struct rt_frame *f)
{
    if (!irq_note(f))
        return false;
    csr_write(sie, 0); // only once
    if (f->mode == PRIV_M)
        csr_write(mie, 0);
    return true;
}

static void quiet(void)
{
    csr_write(mie, 0);
    csr_write(mideleg, 0);
    csr_write(mvien, 0);
    csr_write(mip, 0);
    csr_clear(mstatus, STATUS_MIE | STATUS_SIE);
    file_clear(m, 0);
    file_clear(s, 0);
    for (unsigned k = 0; k < 16; k += 2) {
        ireg_write(m, IPRIO(k), 0);
        ireg_write(s, IPRIO(k), 0);
    }
    taken.count = 0;
    rt_trap_hook = note;
}

static void registers(void)
{
    quiet();
    EQ(csr_probe(miselect, 0x1ff), 0x1ff);
    EQ(csr_probe(siselect, 0xff), 0xff);
    ireg_write(m, EIE(0), -1ul);
    EQ(csr_read(mireg), -2ul); // there is no identity 0
    ireg_write(m, EIP(0), 1);
    EQ(csr_read(mireg), 0);
    ireg_write(m, EIE(3), -1ul);
    EQ(csr_read(mireg), -1ul);
    EQ(ireg_read(s, EIE(0)), 0);     // another file
    if (!rt_on_qemu()) {             // where they are illegal
        ireg_write(m, EIE(4), -1ul); // beyond 255
        EQ(csr_read(mireg), 0);
        EQ(ireg_read(m, 0xfe), 0);
    }
    ireg_write(m, EITHRESHOLD, 255);
    EQ(csr_read(mireg), 255);
    ireg_write(m, EIDELIVERY, 1);
    EQ(csr_read(mireg), 1);
    quiet();
}

static struct rt_outcome read_mireg(uint64_t select)
{
    csr_write(miselect, select);
    return TRY("csrr t5, 0x351\n\tlui t5, 0x54525", );
}

static uint64_t sireg_cause(uint64_t select)
{
    csr_write(siselect, select);
    return TRY("csrr t5, 0x151\n\tlui t5, 0x54525", ).cause;
}

static uint64_t stopei_cause(uint64_t arg)
{
    (void)arg;
    return TRY("csrr t5, 0x15c\n\tlui t5, 0x54525", ).cause;
}

static void selects(void)
{
    NOT_ON_QEMU("reserved registers of a file are illegal there");
    quiet();
    for (unsigned select = 0; select < 0x200; select++) {
        bool array = (select >= 0x30 && select < 0x40) || (select >= 0x80 && select < 0x100);
        bool there = array ? !(select & 1) : select >= 0x70 && select < 0x80;
        uint64_t want = there ? NO_TRAP : CAUSE_ILLEGAL;

        EQ(read_mireg(select).cause, want);
        EQ(sireg_cause(select), want);
        EQ(rt_run_in(PRIV_S, sireg_cause, select, 0), want);
        EQ(rt_run_in(PRIV_U, stopei_cause, select, 0), CAUSE_ILLEGAL);
    }
    csr_write(mvien, BIT(IRQ_SEI)); // the supervisor's file is withheld from it
    EQ(rt_run_in(PRIV_S, sireg_cause, EIE(0), 0), CAUSE_ILLEGAL);
    EQ(rt_run_in(PRIV_S, stopei_cause, 0, 0), CAUSE_ILLEGAL);
    EQ(rt_run_in(PRIV_S, sireg_cause, IPRIO(2), 0), NO_TRAP);
    EQ(stopei_cause(0), NO_TRAP);
    csr_write(mvien, 0);
    EQ(rt_run_in(PRIV_S, stopei_cause, 0, 0), NO_TRAP);
}

// Lower identities come first; a threshold cuts; writing claims what reading showed.
static void claims(void)
{
    quiet();
    ireg_write(m, EIDELIVERY, 1);
    for (unsigned i = 0; i < 4; i++)
        ireg_write(m, EIE(i), -1ul);
    wr32(IMSIC_M(0), 255);
    wr32(IMSIC_M(0), 64);
    wr32(IMSIC_M(0), 5);
    wr32(IMSIC_M(0), 0);
    wr32(IMSIC_M(0), 256);
    wr32(IMSIC_M(0) + 4, 7);
    SOON(ireg_read(m, EIP(0)) == BIT(5));
    EQ(csr_read(mip) & BIT(IRQ_MEI), BIT(IRQ_MEI));
    EQ(csr_read(mtopei), TOP(5));
    EQ(csr_swap(mtopei, 0), TOP(5));
    EQ(csr_read(mtopei), TOP(64));
    ireg_write(m, EITHRESHOLD, 64);
    EQ(csr_read(mtopei), 0);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    csr_write(mtopei, 0); // nothing to claim
    ireg_write(m, EITHRESHOLD, 65);
    EQ(csr_read(mtopei), TOP(64));
    csr_write(miselect, EIE(1));
    csr_clear(mireg, 1);
    EQ(csr_read(mtopei), 0);
    csr_set(mireg, 1);
    EQ(csr_read(mtopei), TOP(64));
    csr_write(mtopei, -1ul); // whatever is written
    ireg_write(m, EITHRESHOLD, 0);
    EQ(csr_read(mtopei), TOP(255));
    ireg_write(m, EIDELIVERY, 0);
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    EQ(csr_read(mtopei), TOP(255));
    ireg_write(m, EIP(3), 0);
    EQ(csr_read(mtopei), 0);
    EQ(rd32(IMSIC_M(0)), 0);
}

static void taken_at_both_levels(void)
{
    quiet();
    ireg_write(m, EIDELIVERY, 1);
    ireg_write(s, EIDELIVERY, 1);
    ireg_write(m, EIE(0), BIT(3));
    ireg_write(s, EIE(0), BIT(3));
    wr32(IMSIC_M(0), 3);
    SOON(csr_read(mip) & BIT(IRQ_MEI));
    csr_write(mie, BIT(IRQ_MEI));
    rt_run_in(PRIV_S, irq_some_time, 0, 0);
    EQ(taken.count, 1);
    EQ(taken.cause, IRQ_MEI);
    EQ(taken.mode, PRIV_M);
    csr_write(mtopei, 0);
    wr32(IMSIC_S(0, 0), 3);
    SOON(csr_read(mip) & BIT(IRQ_SEI));
    EQ(csr_read(stopei), TOP(3));
    csr_write(mideleg, BIT(IRQ_SEI));
    csr_write(mie, BIT(IRQ_SEI));
    EQ(csr_read(stopi) >> 16, IRQ_SEI);
    rt_run_in(PRIV_U, irq_some_time, 0, 0);
    EQ(taken.count, 2);
    EQ(taken.cause, IRQ_SEI);
    EQ(taken.mode, PRIV_S);
    EQ(csr_swap(stopei, 0), TOP(3));
    EQ(csr_read(sip), 0);
    quiet();
}

static void wakes(void)
{
    quiet();
    ireg_write(s, EIDELIVERY, 1);
    ireg_write(s, EIE(1), BIT(36));
    csr_write(mie, BIT(IRQ_SEI));
    for (unsigned i = 0; i < 50; i++) {
        wr32(IMSIC_S(0, 0), 100);
        while (!(csr_read(mip) & BIT(IRQ_SEI)))
            __asm__ volatile("wfi");
        EQ(csr_swap(stopei, 0), TOP(100));
    }
    quiet();
}

static void machine_priorities(void)
{
    NOT_ON_QEMU("external interrupts do not have the identity's number there");
    quiet();
    ireg_write(m, EIDELIVERY, 1);
    ireg_write(m, EIE(0), -1ul);
    EQ(csr_read(mtopi), 0);
    csr_set(mip, BIT(IRQ_SSI) | BIT(IRQ_STI) | BIT(IRQ_SEI));
    csr_write(mie, -1ul);
    EQ(csr_read(mtopi) >> 16, IRQ_SEI);
    EQ(csr_read(mtopi) & 255, 255); // a default below external interrupts
    wr32(IMSIC_M(0), 40);
    SOON(csr_read(mtopi) == TOPI(IRQ_MEI, 40));
    ireg_write(m, IPRIO(0), 39ul << 40 | 41ul << 8); // STI before it, SSI behind
    EQ(csr_read(mireg), 39ul << 40 | 41ul << 8);
    EQ(csr_read(mtopi), TOPI(IRQ_STI, 39));
    csr_clear(mip, BIT(IRQ_STI));
    EQ(csr_read(mtopi), TOPI(IRQ_MEI, 40));
    ireg_write(m, IPRIO(0), 40ul << 8); // the same: by the default order
    EQ(csr_read(mtopi), TOPI(IRQ_MEI, 40));
    csr_write(mtopei, 0);
    EQ(csr_read(mtopi), TOPI(IRQ_SSI, 40));
    ireg_write(m, IPRIO(2), -1ul);
    EQ(csr_read(mireg) >> 24 & 255, 0); // an external interrupt has its number from the file
    csr_clear(mie, -1ul);
    EQ(csr_read(mtopi), 0);
    quiet();
}

static void supervisor_priorities(void)
{
    NOT_ON_QEMU("external interrupts do not have the identity's number there");
    quiet();
    csr_write(mideleg, BIT(IRQ_SSI) | BIT(IRQ_STI) | BIT(IRQ_SEI));
    csr_write(sie, -1ul);
    csr_set(mip, BIT(IRQ_STI) | BIT(IRQ_SSI));
    EQ(csr_read(stopi), TOPI(IRQ_SSI, 255));
    ireg_write(s, IPRIO(0), 200ul << 40);
    EQ(csr_read(stopi), TOPI(IRQ_STI, 200));
    ireg_write(s, EIDELIVERY, 1);
    ireg_write(s, EIE(3), -1ul);
    wr32(IMSIC_S(0, 0), 201);
    SOON(csr_read(mip) & BIT(IRQ_SEI));
    EQ(csr_read(stopi), TOPI(IRQ_STI, 200));
    csr_clear(mip, BIT(IRQ_STI));
    EQ(csr_read(stopi), TOPI(IRQ_SEI, 201));
    EQ(csr_read(mtopi), 0);
    // Taken in that order.
    csr_set(mip, BIT(IRQ_STI));
    rt_run_in(PRIV_U, irq_some_time, 0, 0);
    EQ(taken.count, 1);
    EQ(taken.cause, IRQ_STI);
    csr_write(sie, -1ul);
    ireg_write(s, IPRIO(0), 202ul << 40);
    rt_run_in(PRIV_U, irq_some_time, 0, 0);
    EQ(taken.count, 2);
    EQ(taken.cause, IRQ_SEI);
    csr_write(stopei, 0);
    // Software's bit has no number: behind all others that have one.
    csr_set(mip, BIT(IRQ_SEI));
    csr_write(sie, -1ul);
    EQ(csr_read(stopi), TOPI(IRQ_STI, 202));
    ireg_write(s, IPRIO(0), 0);
    EQ(csr_read(stopi), TOPI(IRQ_SEI, 255));
    quiet();
}

// mvip's bits show in sip where mvien has them and mideleg does not.
static void virtual_interrupts(void)
{
    NOT_ON_QEMU("mvien is zero there");
    quiet();
    EQ(csr_probe(mvien, -1ul), ~0x1ffful | BIT(IRQ_SSI) | BIT(IRQ_SEI));
    csr_set(mvip, BIT(IRQ_SSI)); // mip's, without mvien
    EQ(csr_read(mip) & BIT(IRQ_SSI), BIT(IRQ_SSI));
    csr_write(mvien, BIT(IRQ_SSI) | BIT(40));
    csr_write(mvip, 0);
    EQ(csr_read(mip) & BIT(IRQ_SSI), BIT(IRQ_SSI)); // two bits now
    csr_write(mip, 0);
    EQ(csr_read(sip), 0);
    csr_set(mvip, BIT(IRQ_SSI));
    EQ(csr_read(mip), 0);
    EQ(csr_read(sip), BIT(IRQ_SSI));
    csr_write(sie, -1ul);
    EQ(csr_read(sie), BIT(IRQ_SSI) | BIT(40));
    EQ(csr_read(mie), 0);
    EQ(csr_read(stopi), TOPI(IRQ_SSI, 255));
    rt_run_in(PRIV_U, irq_some_time, 0, 0);
    EQ(taken.count, 1);
    EQ(taken.cause, IRQ_SSI);
    EQ(taken.mode, PRIV_S);
    csr_clear(sip, BIT(IRQ_SSI)); // the supervisor's to clear
    EQ(csr_read(mvip), 0);
    csr_set(mvip, BIT(40) | BIT(41));
    csr_write(sie, -1ul);
    EQ(csr_read(sip), BIT(40));
    EQ(csr_read(stopi), TOPI(40, 0)); // a default above external interrupts
    rt_run_in(PRIV_U, irq_some_time, 0, 0);
    EQ(taken.count, 2);
    EQ(taken.cause, 40);
    csr_clear(sip, BIT(40) | BIT(41));
    EQ(csr_read(mvip), BIT(41));
    // SEI: mip has the controller's alone, mvip's is for S mode.
    csr_write(mvip, BIT(IRQ_SEI));
    EQ(csr_read(mip), BIT(IRQ_SEI));
    csr_write(mvien, BIT(IRQ_SEI));
    EQ(csr_read(mip), 0);
    EQ(csr_read(sip), BIT(IRQ_SEI));
    csr_write(mip, 0);
    EQ(csr_read(sip), BIT(IRQ_SEI));
    csr_write(sie, -1ul);
    EQ(csr_read(stopi), TOPI(IRQ_SEI, 255));
    csr_write(mie, -1ul);
    EQ(csr_read(mtopi), 0);
    csr_write(mvip, 0);
    quiet();
}

const struct rt_case rt_cases[] = {
    {"registers", registers},
    {"selects", selects},
    {"claims", claims},
    {"levels", taken_at_both_levels},
    {"wakes", wakes},
    {"machine-priorities", machine_priorities},
    {"supervisor-priorities", supervisor_priorities},
    {"virtual", virtual_interrupts},
    {0},
};
