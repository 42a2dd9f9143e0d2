// SPDX-License-Identifier: Apache-2.0
// Interrupts of guests: hvip and its views, hideleg, priorities, where they are taken and where not,
// the guest's clock and timer.
#include "hyp.h"
#include "irq.h"

#define VS_ALL (BIT(IRQ_VSSI) | BIT(IRQ_VSTI) | BIT(IRQ_VSEI))
#define MODE_VS 2

static bool note(struct rt_frame *f)
{
    if (!irq_note(f))
        return false;
    // Only once: off where it is known from.
    if (f->mode == PRIV_M)
        csr_write(mie, 0);
    else if (f->mode == PRIV_S)
        csr_write(hie, 0);
    else
        csr_write(sie, 0);
    return true;
}

static bool note_supervisors(struct rt_frame *f)
{
    bool ours = note(f);

    csr_write(sie, 0);
    return ours;
}

static void begin(void)
{
    hyp_begin(3, 1);
    rt_trap_hook = note;
    taken.count = 0;
}

static void end(void)
{
    rt_trap_hook = NULL;
    csr_write(vsstatus, 0);
    hyp_end();
}

#define TAKEN(run_mode, want_cause, want_mode) \
    do {                                       \
        taken.count = 0;                       \
        hyp_run(run_mode, irq_some_time, 0);   \
        EQ(taken.count, 1);                    \
        EQ(taken.cause, want_cause);           \
        EQ(taken.mode, want_mode);             \
    } while (0)
#define NOT_TAKEN(run_mode)                  \
    do {                                     \
        taken.count = 0;                     \
        hyp_run(run_mode, irq_some_time, 0); \
        EQ(taken.count, 0);                  \
    } while (0)

static void views(void)
{
    NOT_ON_QEMU("vsip is SSIP alone there, and SGEIE can be set without guest external interrupts");
    begin();
    csr_write(hvip, -1ul);
    EQ(csr_read(hvip), VS_ALL);
    EQ(csr_read(hip), VS_ALL);
    EQ(csr_read(mip) & VS_ALL, VS_ALL);
    EQ(csr_read(sip), 0);
    EQ(csr_read(vsip), 0); // nothing in hideleg
    csr_write(hideleg, -1ul);
    EQ(csr_read(vsip), VS_ALL >> 1);
    csr_write(vsip, 0); // SSIP alone
    EQ(csr_read(hvip), VS_ALL & ~BIT(IRQ_VSSI));
    csr_write(vsip, -1ul);
    EQ(csr_read(hvip), VS_ALL);
    csr_write(hip, 0); // VSSIP alone
    EQ(csr_read(hvip), VS_ALL & ~BIT(IRQ_VSSI));
    csr_set(hip, BIT(IRQ_VSSI));
    EQ(csr_read(hvip), VS_ALL);
    csr_clear(mip, BIT(IRQ_VSSI));
    EQ(csr_read(hvip), VS_ALL & ~BIT(IRQ_VSSI));
    csr_write(hvip, 0);
    EQ(csr_read(mip) & VS_ALL, 0);
    csr_write(hie, -1ul);
    EQ(csr_read(mie), VS_ALL);
    EQ(csr_read(sie), 0);
    EQ(csr_read(vsie), VS_ALL >> 1);
    csr_write(vsie, BIT(IRQ_STI));
    EQ(csr_read(hie), BIT(IRQ_VSTI));
    csr_write(hideleg, BIT(IRQ_VSSI));
    EQ(csr_read(vsie), 0);
    csr_write(vsie, -1ul);
    EQ(csr_read(hie), BIT(IRQ_VSTI) | BIT(IRQ_VSSI));
    csr_write(sie, -1ul); // touches none of them
    EQ(csr_read(hie), BIT(IRQ_VSTI) | BIT(IRQ_VSSI));
    csr_write(mie, 0);
    end();
}

// With hideleg to the guest, under the supervisor's numbers, when it has them on.
static void to_the_guest(void)
{
    static const uint64_t irqs[] = {IRQ_VSSI, IRQ_VSTI, IRQ_VSEI};

    begin();
    csr_write(hideleg, -1ul);
    for (unsigned i = 0; i < 3; i++) {
        csr_write(hvip, BIT(irqs[i]));
        csr_write(vsie, -1ul);
        csr_write(vsstatus, 0);
        NOT_TAKEN(PRIV_VS);
        NOT_TAKEN(PRIV_S); // not outside of guests
        NOT_TAKEN(PRIV_U);
        TAKEN(PRIV_VU, irqs[i] - 1, MODE_VS);
        EQ(csr_read(vscause), CAUSE_INTERRUPT | (irqs[i] - 1));
        csr_write(vsie, -1ul);
        csr_write(vsstatus, STATUS_SIE);
        TAKEN(PRIV_VS, irqs[i] - 1, MODE_VS);
        EQ(csr_read(vsie), 0);
    }
    end();
}

// Without it they are the hypervisor's, in every mode below it.
static void to_the_hypervisor(void)
{
    static const uint64_t irqs[] = {IRQ_VSSI, IRQ_VSTI, IRQ_VSEI};

    begin();
    for (unsigned i = 0; i < 3; i++) {
        csr_write(hvip, BIT(irqs[i]));
        csr_write(hie, -1ul);
        NOT_TAKEN(PRIV_S); // sstatus.SIE is off
        TAKEN(PRIV_VS, irqs[i], PRIV_S);
        csr_write(hie, -1ul);
        TAKEN(PRIV_VU, irqs[i], PRIV_S);
        csr_write(hie, -1ul);
        TAKEN(PRIV_U, irqs[i], PRIV_S);
        csr_write(hie, -1ul);
        csr_set(mstatus, STATUS_SIE);
        TAKEN(PRIV_S, irqs[i], PRIV_S);
        csr_clear(mstatus, STATUS_SIE);
    }
    end();
}

// The supervisor's own interrupts come through while a guest runs, whatever sstatus.SIE says.
static void to_the_supervisor(void)
{
    begin();
    csr_write(mideleg, BIT(IRQ_SSI));
    for (unsigned mode = PRIV_VU; mode <= PRIV_VS; mode++) {
        csr_set(mip, BIT(IRQ_SSI));
        csr_write(mie, BIT(IRQ_SSI));
        NOT_TAKEN(PRIV_S);
        taken.count = 0;
        rt_trap_hook = note_supervisors;
        hyp_run(mode, irq_some_time, 0);
        rt_trap_hook = note;
        EQ(taken.count, 1);
        EQ(taken.cause, IRQ_SSI);
        EQ(taken.mode, PRIV_S);
    }
    csr_write(mie, 0);
    csr_clear(mip, BIT(IRQ_SSI));
    end();
}

static void priorities(void)
{
    NOT_ON_QEMU("it takes the lowest number first");
    begin();
    csr_write(hideleg, -1ul);
    csr_write(vsstatus, STATUS_SIE);
    csr_write(hvip, VS_ALL);
    csr_write(vsie, -1ul);
    TAKEN(PRIV_VS, IRQ_SEI, MODE_VS);
    csr_write(hvip, BIT(IRQ_VSSI) | BIT(IRQ_VSTI));
    csr_write(vsie, -1ul);
    TAKEN(PRIV_VS, IRQ_SSI, MODE_VS);
    csr_write(hvip, BIT(IRQ_VSTI));
    csr_write(vsie, -1ul);
    TAKEN(PRIV_VS, IRQ_STI, MODE_VS);
    // The hypervisor's before the guest's.
    csr_write(hideleg, BIT(IRQ_VSEI));
    csr_write(hvip, VS_ALL);
    csr_write(hie, -1ul);
    TAKEN(PRIV_VS, IRQ_VSSI, PRIV_S);
    end();
}

// htimedelta shifts the guest's clock, which its comparator is compared with.
static uint64_t guest_time(uint64_t arg)
{
    (void)arg;
    return csr_read(time);
}

static void clock(void)
{
    uint64_t before, inside;

    begin();
    csr_write(htimedelta, 1ul << 40);
    before = rt_time();
    inside = hyp_run(PRIV_VS, guest_time, 0) - (1ul << 40);
    CHECK(inside >= before && inside <= rt_time());
    inside = hyp_run(PRIV_VU, guest_time, 0) - (1ul << 40);
    CHECK(inside >= before && inside <= rt_time());
    csr_write(htimedelta, -before);
    CHECK(hyp_run(PRIV_VS, guest_time, 0) <= rt_time() - before);
    CHECK(hyp_run(PRIV_S, guest_time, 0) >= before);
    end();
}

static uint64_t set_timer(uint64_t arg)
{
    csr_write(0x14d, arg);
    return csr_read(0x14d);
}

// vstimecmp through stimecmp, with menvcfg, henvcfg and the counter enables agreeing.
static uint64_t touch_stimecmp(uint64_t arg)
{
    (void)arg;
    return TRY(".word 0x14d02573", ).cause;
}

static void timer_access(void)
{
    NOT_ON_QEMU("it looks at less");
    begin();
    csr_write(menvcfg, 0);
    EQ(hyp_run(PRIV_VS, touch_stimecmp, 0), CAUSE_ILLEGAL);
    csr_write(menvcfg, MENVCFG_STCE);
    EQ(hyp_run(PRIV_VS, touch_stimecmp, 0), CAUSE_VIRTUAL);
    csr_write(henvcfg, MENVCFG_STCE);
    EQ(hyp_run(PRIV_VS, touch_stimecmp, 0), NO_TRAP);
    EQ(hyp_run(PRIV_VU, touch_stimecmp, 0), CAUSE_VIRTUAL);
    csr_write(hcounteren, ~2ul);
    EQ(hyp_run(PRIV_VS, touch_stimecmp, 0), CAUSE_VIRTUAL);
    csr_write(mcounteren, ~2ul);
    EQ(hyp_run(PRIV_VS, touch_stimecmp, 0), CAUSE_ILLEGAL);
    end();
}

static uint64_t wait_here(uint64_t arg)
{
    uint64_t until = csr_read(time) + arg;

    csr_write(0x14d, until);
    __asm__ volatile("wfi");
    while (!(csr_read(sip) & BIT(IRQ_STI)))
        if (csr_read(time) > until + 1000 * RT_MS)
            return 0;
    return csr_read(time) >= until;
}

static void timer(void)
{
    NOT_ON_QEMU("a write of htimedelta does not move its timer");
    begin();
    csr_write(menvcfg, MENVCFG_STCE);
    csr_write(henvcfg, MENVCFG_STCE);
    csr_write(htimedelta, 1ul << 40);
    csr_write(hideleg, -1ul);
    csr_write(vstimecmp, -1ul);
    EQ(csr_read(hip) & BIT(IRQ_VSTI), 0);
    csr_write(vstimecmp, rt_time()); // far behind the guest's clock
    EQ(csr_read(hip) & BIT(IRQ_VSTI), BIT(IRQ_VSTI));
    EQ(csr_read(hvip), 0);
    csr_write(htimedelta, 0);
    csr_write(vstimecmp, rt_time() + 100000 * RT_MS);
    EQ(csr_read(hip) & BIT(IRQ_VSTI), 0);
    csr_write(hvip, BIT(IRQ_VSTI)); // software's bit comes on top
    EQ(csr_read(hip) & BIT(IRQ_VSTI), BIT(IRQ_VSTI));
    csr_write(hvip, 0);
    EQ(hyp_run(PRIV_VS, set_timer, -1ul), -1ul);
    EQ(csr_read(vstimecmp), -1ul);
    csr_write(vsie, BIT(IRQ_STI));
    csr_write(htimedelta, 1ul << 40);
    EQ(hyp_run(PRIV_VS, wait_here, 3 * RT_MS), 1);
    // Taken when the guest has it on.
    csr_write(vsstatus, STATUS_SIE);
    TAKEN(PRIV_VS, IRQ_STI, MODE_VS);
    csr_write(vstimecmp, -1ul);
    csr_write(henvcfg, 0); // off: hvip alone
    csr_write(vstimecmp, 0);
    EQ(csr_read(hip) & BIT(IRQ_VSTI), 0);
    end();
}

const struct rt_case rt_cases[] = {
    {"views", views},
    {"guest", to_the_guest},
    {"hypervisor", to_the_hypervisor},
    {"supervisor", to_the_supervisor},
    {"priorities", priorities},
    {"clock", clock},
    {"timer-access", timer_access},
    {"timer", timer},
    {0},
};
