// SPDX-License-Identifier: Apache-2.0
// AIA for guests: guest interrupt files, who sees which of their registers, guest external interrupts, what
// a hypervisor makes up with hvip, hvien and hvictl.
// run: hull=--interrupts hull=aia hull=--guest-files hull=3 qemu-arg=-M qemu-arg=virt,aia=aplic-imsic,aia-guests=3
#include "aia.h"
#include "hyp.h"
#include "irq.h"

#define GUESTS 3
#define VGEIN(n) ((uint64_t)(n) << 12)
#define MODE_VS 2
#define VTI BIT(30)
#define DPR BIT(9)
#define IPRIOM BIT(8)

static bool note(struct rt_frame *f)
{
    if (!irq_note(f))
        return false;
    // Only once: off where it is known from.
    if (f->mode == PRIV_S)
        csr_write(hie, 0);
    else if (f->status & STATUS_SPIE)
        f->status &= ~STATUS_SPIE;
    else
        csr_write(sie, 0);
    return true;
}

static void choose(unsigned guest)
{
    csr_clear(hstatus, VGEIN(63));
    csr_set(hstatus, VGEIN(guest));
}

static void begin(void)
{
    hyp_begin(3, 1);
    for (unsigned guest = 1; guest <= GUESTS; guest++) {
        choose(guest);
        file_clear(vs, 0);
    }
    choose(0);
    csr_write(hgeie, 0);
    csr_write(hvien, 0);
    csr_write(hvictl, 0);
    csr_write(hviprio1, 0);
    csr_write(hviprio2, 0);
    rt_trap_hook = note;
    taken.count = 0;
}

static void end(void)
{
    rt_trap_hook = NULL;
    csr_write(hvien, 0);
    csr_write(hvictl, 0);
    csr_write(vsstatus, 0);
    csr_write(hgeie, 0);
    csr_clear(hstatus, VGEIN(63));
    hyp_end();
}

static void fields(void)
{
    begin();
    choose(GUESTS);
    EQ(csr_read(hstatus) & VGEIN(63), VGEIN(GUESTS));
    EQ(csr_probe(vsiselect, 0x1ff), 0x1ff);
    EQ(csr_probe(hgeie, -1ul), BIT(1) | BIT(2) | BIT(3));
    EQ(csr_probe(hie, BIT(IRQ_SGEI)), BIT(IRQ_SGEI));
    if (!rt_on_qemu()) {
        choose(0);
        csr_set(hstatus, VGEIN(GUESTS + 1)); // no such file: as it was
        EQ(csr_read(hstatus) & VGEIN(63), 0);
        EQ(csr_probe(hvien, -1ul), ~0x1ffful);
        EQ(csr_probe(hvictl, -1ul), 0x403f03ff);
        EQ(csr_probe(hviprio1, -1ul), 0xffffff00ff00ff00);
        EQ(csr_probe(hviprio2, -1ul), -1ul);
        EQ(csr_probe(hvip, -1ul), ~0x1ffful | 0x444);
    }
    end();
}

#define CAUSE_OF(name, code)                            \
    static uint64_t name(uint64_t select)               \
    {                                                   \
        csr_write(siselect, select);                    \
        return TRY(code "\n\tlui t5, 0x54525", ).cause; \
    }
CAUSE_OF(sireg_cause, "csrr t5, 0x151")
CAUSE_OF(vsireg_cause, "csrr t5, 0x251")
CAUSE_OF(stopei_cause, "csrr t5, 0x15c")

static uint64_t user_sireg_cause(uint64_t arg)
{
    (void)arg;
    return TRY("csrr t5, 0x151\n\tlui t5, 0x54525", ).cause;
}

static uint64_t outside_cause(uint64_t select)
{
    csr_write(vsiselect, select);
    return TRY("csrr t5, 0x251\n\tlui t5, 0x54525", ).cause;
}

// A register that is not there for the guest is its hypervisor's affair, a reserved one nobody's.
static void accesses(void)
{
    NOT_ON_QEMU("reserved registers of a file are illegal there");
    begin();
    for (unsigned vgein = 0; vgein <= 1; vgein++)
        for (unsigned select = 0; select < 0x200; select++) {
            bool file = select >= 0x70 && select <= 0xff;
            bool there = vgein && file && !(select >= 0x80 && (select & 1));
            bool hidden = file || (select >= 0x30 && select <= 0x3f);
            uint64_t inside = there ? NO_TRAP : hidden ? CAUSE_VIRTUAL : CAUSE_ILLEGAL;

            choose(vgein);
            EQ(hyp_run(PRIV_VS, sireg_cause, select), inside);
            EQ(csr_read(vsiselect), select);
            EQ(hyp_run(PRIV_VS, vsireg_cause, select), CAUSE_VIRTUAL);
            EQ(hyp_run(PRIV_VU, user_sireg_cause, select), CAUSE_VIRTUAL);
            EQ(outside_cause(select), there ? NO_TRAP : CAUSE_ILLEGAL);
            EQ(hyp_run(PRIV_S, outside_cause, select), there ? NO_TRAP : CAUSE_ILLEGAL);
        }
    choose(0);
    EQ(hyp_run(PRIV_VS, stopei_cause, 0), CAUSE_VIRTUAL);
    EQ(TRY("csrr t5, 0x25c\n\tlui t5, 0x54525", ).cause, CAUSE_ILLEGAL);
    choose(2);
    EQ(hyp_run(PRIV_VS, stopei_cause, 0), NO_TRAP);
    EQ(TRY("csrr t5, 0x25c\n\tlui t5, 0x54525", ).cause, NO_TRAP);
    end();
}

// MSIs to a guest that runs are its own; those to another one are the hypervisor's.
static void files(void)
{
    begin();
    for (unsigned guest = 1; guest <= GUESTS; guest++) {
        choose(guest);
        ireg_write(vs, EIE(0), BIT(10 + guest));
        ireg_write(vs, EIDELIVERY, 1);
        wr32(IMSIC_S(0, guest), 10 + guest);
        SOON(csr_read(hgeip) >> guest & 1);
    }
    EQ(csr_read(hgeip), BIT(1) | BIT(2) | BIT(3));
    for (unsigned guest = 1; guest <= GUESTS; guest++) {
        choose(guest);
        EQ(csr_read(vstopei), TOP(10 + guest));
        EQ(csr_read(hip) & BIT(IRQ_VSEI), BIT(IRQ_VSEI));
    }
    choose(0);
    EQ(csr_read(hip), 0);
    csr_write(hgeie, BIT(2));
    EQ(csr_read(hip), BIT(IRQ_SGEI));
    csr_write(hie, BIT(IRQ_SGEI));
    hyp_run(PRIV_VS, irq_some_time, 0);
    EQ(taken.count, 1);
    EQ(taken.cause, IRQ_SGEI);
    EQ(taken.mode, PRIV_S);
    choose(2);
    csr_write(vstopei, 0);
    EQ(csr_read(hgeip), BIT(1) | BIT(3));
    EQ(csr_read(hip), 0);
    end();
}

static uint64_t claim_inside(uint64_t arg)
{
    (void)arg;
    csr_write(siselect, EIE(0));
    csr_set(sireg, BIT(30));
    return csr_swap(stopei, 0);
}

static void the_guest_takes_its_own(void)
{
    begin();
    csr_write(hideleg, -1ul);
    choose(3);
    ireg_write(vs, EIDELIVERY, 1);
    wr32(IMSIC_S(0, 3), 30);
    SOON(ireg_read(vs, EIP(0)) == BIT(30));
    csr_write(vsie, BIT(IRQ_SEI));
    ireg_write(vs, EIE(0), BIT(30));
    csr_write(vsstatus, STATUS_SIE);
    hyp_run(PRIV_VU, irq_some_time, 0);
    CHECK(taken.count >= 1);
    EQ(taken.cause, IRQ_SEI);
    EQ(taken.mode, MODE_VS);
    csr_write(vsstatus, 0);
    csr_write(vsie, 0);
    EQ(hyp_run(PRIV_VS, claim_inside, 0), TOP(30));
    EQ(csr_read(hgeip), 0);
    EQ(csr_read(vstopi), 0);
    end();
}

// Numbers for a guest's interrupts, and its own external ones among them.
static void priorities(void)
{
    NOT_ON_QEMU("external interrupts do not have the identity's number there");
    begin();
    csr_write(hideleg, -1ul);
    csr_write(vsie, -1ul);
    csr_write(hvip, BIT(IRQ_VSSI) | BIT(IRQ_VSTI));
    EQ(csr_read(vstopi), TOPI(IRQ_SSI, 1)); // IPRIOM is off
    csr_write(hvictl, IPRIOM);
    EQ(csr_read(vstopi), TOPI(IRQ_SSI, 255));
    csr_write(hviprio1, 50ul << 24);
    EQ(csr_read(vstopi), TOPI(IRQ_STI, 50));
    choose(1);
    ireg_write(vs, EIDELIVERY, 1);
    ireg_write(vs, EIE(0), -1ul);
    wr32(IMSIC_S(0, 1), 49);
    SOON(csr_read(vstopi) == TOPI(IRQ_SEI, 49));
    csr_write(hviprio1, 48ul << 24);
    EQ(csr_read(vstopi), TOPI(IRQ_STI, 48));
    csr_write(vstopei, 0);
    choose(0);
    csr_write(hviprio1, 0);
    csr_write(hvip, BIT(IRQ_VSEI) | BIT(IRQ_VSSI));
    EQ(csr_read(vstopi), TOPI(IRQ_SEI, 255)); // nobody's number
    csr_write(hviprio1, 255ul << 8);
    EQ(csr_read(vstopi), TOPI(IRQ_SSI, 255));
    csr_write(hvictl, IPRIOM | (uint64_t)IRQ_SEI << 16 | 20); // a number for the VSEI of hvip
    EQ(csr_read(vstopi), TOPI(IRQ_SEI, 20));
    end();
}

static void local_interrupts(void)
{
    NOT_ON_QEMU("hvien is zero there");
    begin();
    csr_write(hvip, BIT(13) | BIT(50));
    EQ(csr_read(vsip), 0);
    EQ(csr_read(hip) | csr_read(mip), 0);
    csr_write(hvien, BIT(13));
    EQ(csr_read(vsip), BIT(13));
    csr_write(vsie, -1ul);
    EQ(csr_read(vsie), BIT(13));
    EQ(csr_read(mie), 0);
    EQ(csr_read(vstopi), TOPI(13, 1));
    csr_write(vsstatus, STATUS_SIE);
    hyp_run(PRIV_VS, irq_some_time, 0);
    EQ(taken.count, 1);
    EQ(taken.cause, 13);
    EQ(taken.mode, MODE_VS);
    csr_write(vsip, 0); // the guest can clear it
    EQ(csr_read(hvip), BIT(50));
    csr_write(hvip, 0);
    end();
}

static uint64_t sip_cause(uint64_t arg)
{
    (void)arg;
    return TRY("csrr t5, sip\n\tlui t5, 0x54525", ).cause;
}

static uint64_t sie_cause(uint64_t arg)
{
    (void)arg;
    return TRY("csrw sie, x0", ).cause;
}

static uint64_t stimecmp_write_cause(uint64_t arg)
{
    (void)arg;
    return TRY("csrw 0x14d, x0", ).cause;
}

static uint64_t stimecmp_read_cause(uint64_t arg)
{
    (void)arg;
    return TRY("csrr t5, 0x14d\n\tlui t5, 0x54525", ).cause;
}

// What hvictl makes up is taken, whatever vsip and vsie say.
static void made_up(void)
{
    NOT_ON_QEMU("it lets a guest write stimecmp");
    begin();
    csr_write(menvcfg, MENVCFG_STCE);
    csr_write(henvcfg, MENVCFG_STCE);
    csr_write(hideleg, -1ul);
    csr_write(hvictl, VTI | (uint64_t)IRQ_SEI << 16); // none
    EQ(csr_read(vstopi), 0);
    EQ(hyp_run(PRIV_VS, sip_cause, 0), CAUSE_VIRTUAL);
    EQ(hyp_run(PRIV_VS, sie_cause, 0), CAUSE_VIRTUAL);
    EQ(hyp_run(PRIV_VS, stimecmp_write_cause, 0), CAUSE_VIRTUAL);
    EQ(hyp_run(PRIV_VS, stimecmp_read_cause, 0), NO_TRAP);
    csr_write(hvip, BIT(IRQ_VSSI));
    csr_write(vsie, BIT(IRQ_SSI));
    EQ(csr_read(vstopi), 0); // vsip counts for external ones alone
    csr_write(hvictl, VTI | 23ul << 16);
    EQ(csr_read(vstopi), TOPI(23, 1));
    csr_write(vsstatus, STATUS_SIE);
    hyp_run(PRIV_VS, irq_some_time, 0);
    EQ(taken.count, 1);
    EQ(taken.cause, 23);
    EQ(taken.mode, MODE_VS);
    csr_write(vsstatus, 0);
    csr_write(hvip, BIT(IRQ_VSEI));
    csr_write(vsie, BIT(IRQ_SEI));
    csr_write(hvictl, VTI | IPRIOM | 23ul << 16);
    EQ(csr_read(vstopi), TOPI(23, 0)); // before an external one
    csr_write(hvictl, VTI | IPRIOM | DPR | 23ul << 16);
    EQ(csr_read(vstopi), TOPI(IRQ_SEI, 255));
    csr_write(hvictl, VTI | IPRIOM | DPR | 23ul << 16 | 255);
    EQ(csr_read(vstopi), TOPI(23, 255));
    csr_write(hvictl, 0);
    EQ(hyp_run(PRIV_VS, sip_cause, 0), NO_TRAP);
    EQ(hyp_run(PRIV_VS, stimecmp_write_cause, 0), NO_TRAP);
    end();
}

const struct rt_case rt_cases[] = {
    {"fields", fields},         {"accesses", accesses},
    {"files", files},           {"own", the_guest_takes_its_own},
    {"priorities", priorities}, {"local", local_interrupts},
    {"made-up", made_up},       {0},
};
