// SPDX-License-Identifier: Apache-2.0
// mstatus at work: MPRV, TVM, TW, TSR, FS, SUM and MXR without paging; the counters' enables; the
// returns; what S and U mode may do.
#include "csr.h"
#include "pt.h"

static uint64_t do_wfi(uint64_t arg)
{
    return TRY("wfi", ).cause;
}

static uint64_t do_sret(uint64_t arg)
{
    return TRY("csrw sepc, t6\n sret", ).cause; // to where TRY ends
}

static uint64_t do_mret(uint64_t arg)
{
    return TRY("mret", ).cause;
}

static uint64_t do_sfence(uint64_t arg)
{
    return TRY("sfence.vma", ).cause;
}

static uint64_t do_satp_read(uint64_t arg)
{
    return TRY("csrr zero, satp", ).cause;
}

static uint64_t do_satp_write(uint64_t arg)
{
    return TRY("csrw satp, zero", ).cause;
}

static uint64_t do_sinval(uint64_t arg)
{
    return TRY(".word 0x16000073", ).cause;
}

static uint64_t do_sfence_w_inval(uint64_t arg)
{
    return TRY(".word 0x18000073", ).cause;
}

static void user_mode(void)
{
    EQ(rt_run_in(PRIV_U, do_wfi, 0, 0), CAUSE_ILLEGAL);
    EQ(rt_run_in(PRIV_U, do_sret, 0, 0), CAUSE_ILLEGAL);
    EQ(rt_run_in(PRIV_U, do_mret, 0, 0), CAUSE_ILLEGAL);
    EQ(rt_run_in(PRIV_U, do_sfence, 0, 0), CAUSE_ILLEGAL);
    EQ(rt_run_in(PRIV_U, do_satp_read, 0, 0), CAUSE_ILLEGAL);
    EQ(rt_run_in(PRIV_U, do_sinval, 0, 0), CAUSE_ILLEGAL);
    if (!rt_on_qemu())
        EQ(rt_run_in(PRIV_U, do_sfence_w_inval, 0, 0), CAUSE_ILLEGAL);
}

static void tvm(void)
{
    EQ(rt_run_in(PRIV_S, do_sfence, 0, 0), NO_TRAP);
    EQ(rt_run_in(PRIV_S, do_satp_read, 0, 0), NO_TRAP);
    EQ(rt_run_in(PRIV_S, do_satp_write, 0, 0), NO_TRAP);
    EQ(rt_run_in(PRIV_S, do_sinval, 0, 0), NO_TRAP);
    csr_set(mstatus, STATUS_TVM);
    EQ(rt_run_in(PRIV_S, do_sfence, 0, 0), CAUSE_ILLEGAL);
    EQ(rt_run_in(PRIV_S, do_satp_read, 0, 0), CAUSE_ILLEGAL);
    EQ(rt_run_in(PRIV_S, do_satp_write, 0, 0), CAUSE_ILLEGAL);
    if (!rt_on_qemu())
        EQ(rt_run_in(PRIV_S, do_sinval, 0, 0), CAUSE_ILLEGAL);
    EQ(rt_run_in(PRIV_S, do_sfence_w_inval, 0, 0), NO_TRAP); // not affected
    NO_TRAPS(TRY("sfence.vma", ));                           // nor is M mode
    NO_TRAPS(TRY("csrw satp, zero", ));
    csr_clear(mstatus, STATUS_TVM);
}

static void tw(void)
{
    csr_write(mideleg, BIT(IRQ_SSI));
    csr_write(mie, BIT(IRQ_SSI));
    csr_set(mip, BIT(IRQ_SSI)); // pending, so that nothing waits; masked by SIE
    csr_clear(mstatus, STATUS_SIE);
    EQ(rt_run_in(PRIV_S, do_wfi, 0, 0), NO_TRAP);
    csr_clear(mip, BIT(IRQ_SSI));
    csr_set(mstatus, STATUS_TW);
    EQ(rt_run_in(PRIV_S, do_wfi, 0, 0), CAUSE_ILLEGAL);
    csr_clear(mstatus, STATUS_TW);
    csr_write(mie, 0);
    csr_write(mideleg, 0);
}

static void tsr(void)
{
    csr_set(mstatus, STATUS_SPP);
    EQ(rt_run_in(PRIV_S, do_sret, 0, 0), NO_TRAP);
    csr_set(mstatus, STATUS_TSR);
    EQ(rt_run_in(PRIV_S, do_sret, 0, 0), CAUSE_ILLEGAL);
    csr_clear(mstatus, STATUS_TSR);
    EQ(rt_run_in(PRIV_S, do_mret, 0, 0), CAUSE_ILLEGAL);
}

// sret: SIE from SPIE, SPIE becomes 1, SPP U; it clears MPRV, as mret does when it leaves M mode.
static void sret_in_m(void)
{
    uint64_t status;

    csr_set(mstatus, STATUS_SPP | STATUS_SPIE);
    csr_clear(mstatus, STATUS_SIE);
    EQ(rt_run_in(PRIV_S, do_sret, 0, 0), NO_TRAP);
    status = csr_read(mstatus);
    EQ(status & (STATUS_SIE | STATUS_SPIE | STATUS_SPP), STATUS_SIE | STATUS_SPIE);
    csr_set(mstatus, STATUS_SPP);
    csr_clear(mstatus, STATUS_SIE | STATUS_SPIE);
    EQ(rt_run_in(PRIV_S, do_sret, 0, 0), NO_TRAP);
    status = csr_read(mstatus);
    EQ(status & (STATUS_SIE | STATUS_SPIE | STATUS_SPP), STATUS_SPIE);
}

static uint64_t nothing(uint64_t arg)
{
    return arg + 1;
}

// MPRV makes M mode's accesses those of MPP; fetches stay M's.
static void mprv(void)
{
    struct pt pt;
    uint64_t *page = rt_page(), value;

    pt_init(&pt, 3);
    *page = 42;
    pt_map(&pt, 0x4000000000 - 0x1000, (uint64_t)page, 0, PTE_LEAF);
    pt_map(&pt, 0x4000000000 - 0x2000, (uint64_t)page, 0, PTE_LEAF | PTE_U);
    csr_write(satp, pt_satp(&pt, 0));
    pt_flush();
    csr_clear(mstatus, STATUS_MPP);
    csr_set(mstatus, STATUS_MPP_S);
    // A trap in between would change MPP: rt_try_load's is looked at with MPRV off again.
#define WITH_MPRV(mpp, addr, want_cause)                                                    \
    do {                                                                                    \
        struct rt_outcome o_;                                                               \
        csr_clear(mstatus, STATUS_MPP);                                                     \
        csr_set(mstatus, (uint64_t)(mpp) << 11);                                            \
        value = 0;                                                                          \
        o_ = TRY_OUT("csrs mstatus, %4\n ld %2, (%3)\n csrc mstatus, %4", value, "r"(addr), \
                     "r"(STATUS_MPRV));                                                     \
        csr_clear(mstatus, STATUS_MPRV);                                                    \
        EQ(o_.cause, want_cause);                                                           \
        EQ(value, o_.cause == NO_TRAP ? 42 : 0);                                            \
    } while (0)
    rt_trap_hook = NULL;
    WITH_MPRV(PRIV_S, 0x4000000000 - 0x1000, NO_TRAP);
    WITH_MPRV(PRIV_U, 0x4000000000 - 0x2000, NO_TRAP);
    WITH_MPRV(PRIV_M, (uint64_t)page, NO_TRAP);
    csr_set(mstatus, STATUS_SUM);
    WITH_MPRV(PRIV_S, 0x4000000000 - 0x2000, NO_TRAP);
    csr_clear(mstatus, STATUS_SUM);
    csr_write(satp, 0);
    pt_flush();
}

static void mret_clears_mprv(void)
{
    NOT_ON_QEMU("it follows privileged ISA 1.10 here");
    csr_set(mstatus, STATUS_MPRV);
    EQ(rt_run_in(PRIV_S, nothing, 1, 0), 2);
    EQ(csr_read(mstatus) & STATUS_MPRV, 0);
}

static uint64_t read_counter(uint64_t which)
{
    switch (which) {
    case 0: return TRY("rdcycle zero", ).cause;
    case 1: return TRY("rdtime zero", ).cause;
    case 2: return TRY("rdinstret zero", ).cause;
    default: return TRY("csrr zero, 0xc03", ).cause;
    }
}

static void counter_enables(void)
{
    for (unsigned n = 0; n < 4; n++) {
        csr_write(mcounteren, 0);
        csr_write(scounteren, ~0u);
        EQ(rt_run_in(PRIV_S, read_counter, n, 0), CAUSE_ILLEGAL);
        EQ(rt_run_in(PRIV_U, read_counter, n, 0), CAUSE_ILLEGAL);
        EQ(read_counter(n), NO_TRAP);
        csr_write(mcounteren, BIT(n));
        EQ(rt_run_in(PRIV_S, read_counter, n, 0), NO_TRAP);
        EQ(rt_run_in(PRIV_U, read_counter, n, 0), NO_TRAP);
        csr_write(scounteren, ~BIT(n));
        EQ(rt_run_in(PRIV_S, read_counter, n, 0), NO_TRAP);
        EQ(rt_run_in(PRIV_U, read_counter, n, 0), CAUSE_ILLEGAL);
    }
    csr_write(mcounteren, 7);
    csr_write(scounteren, 7);
}

static uint64_t use_stimecmp(uint64_t arg)
{
    return TRY("csrr zero, 0x14d", ).cause;
}

static void stimecmp_access(void)
{
    csr_write(mcounteren, 2);
    csr_write(menvcfg, 0);
    EQ(rt_run_in(PRIV_S, use_stimecmp, 0, 0), CAUSE_ILLEGAL);
    csr_write(menvcfg, MENVCFG_STCE);
    EQ(rt_run_in(PRIV_S, use_stimecmp, 0, 0), NO_TRAP);
    EQ(rt_run_in(PRIV_U, use_stimecmp, 0, 0), CAUSE_ILLEGAL);
    csr_write(mcounteren, 0);
    EQ(rt_run_in(PRIV_S, use_stimecmp, 0, 0), CAUSE_ILLEGAL);
    csr_write(menvcfg, 0);
    NO_TRAPS(TRY("csrr zero, 0x14d", ));
    csr_write(mcounteren, 7);
}

// FS: off makes FP trap, a write makes it dirty, SD sums it up.
static void fp_status(void)
{
    static uint64_t memory;

    csr_clear(mstatus, STATUS_FS);
    EQ(csr_read(mstatus) & STATUS_SD, 0);
    EQ(TRY("csrr zero, fcsr", ).cause, CAUSE_ILLEGAL);
    EQ(TRY(".word 0x00053007", ).cause, CAUSE_ILLEGAL); // fld f0, (a0)
    EQ(TRY(".half 0x2108", ).cause, CAUSE_ILLEGAL);     // c.fld
    csr_set(mstatus, STATUS_FS_INITIAL);
    EQ(TRY("csrr zero, fcsr", ).cause, NO_TRAP);
    if (!rt_on_qemu())
        EQ(csr_read(mstatus) & STATUS_FS, STATUS_FS_INITIAL);
    // Loads and register writes dirty it; reads and stores need not.
    __asm__ volatile(".option push\n.option arch, +d\n fld f1, (%0)\n.option pop" ::"r"(&memory)
                     : "memory");
    EQ(csr_read(mstatus) & STATUS_FS, STATUS_FS);
    EQ(csr_read(mstatus) & STATUS_SD, STATUS_SD);
    csr_clear(mstatus, STATUS_FS);
    csr_set(mstatus, STATUS_FS_CLEAN);
    __asm__ volatile("csrsi 0x001, 1" ::: "memory");
    EQ(csr_read(mstatus) & STATUS_FS, STATUS_FS);
    EQ(csr_read(sstatus) & STATUS_SD, STATUS_SD);
    csr_clear(mstatus, STATUS_FS);
    csr_set(mstatus, STATUS_FS_CLEAN);
    // Accrued flags are state too.
    __asm__ volatile(".option push\n.option arch, +d\n fmv.d.x f1, zero\n fdiv.d f2, f1, f1\n"
                     " .option pop" ::
                         : "memory");
    EQ(csr_read(mstatus) & STATUS_FS, STATUS_FS);
    EQ(csr_swap(0x001, 0) & 0x10, 0x10);
    csr_clear(mstatus, STATUS_FS);
}

// sstatus shows its part of mstatus and nothing more.
static void sstatus_view(void)
{
    uint64_t old = csr_read(mstatus);
    const uint64_t view = STATUS_SIE | STATUS_SPIE | STATUS_SPP | STATUS_FS | STATUS_SUM |
                          STATUS_MXR | STATUS_SD | (3ul << 32);

    csr_write(mstatus, old | STATUS_MPRV | STATUS_TVM | STATUS_TSR | STATUS_MPIE | STATUS_SUM);
    EQ(csr_read(sstatus) & ~view, 0);
    csr_write(sstatus, 0);
    EQ(csr_read(mstatus) & (STATUS_TVM | STATUS_TSR | STATUS_MPIE),
       STATUS_TVM | STATUS_TSR | STATUS_MPIE);
    EQ(csr_read(mstatus) & STATUS_SUM, 0);
    EQ(csr_read(sstatus) >> 32 & 3, 2);
    csr_write(mstatus, old);
}

const struct rt_case rt_cases[] = {
    {"user-mode", user_mode},
    {"tvm", tvm},
    {"tw", tw},
    {"tsr", tsr},
    {"sret", sret_in_m},
    {"mprv", mprv},
    {"mret-clears-mprv", mret_clears_mprv},
    {"counter-enables", counter_enables},
    {"stimecmp-access", stimecmp_access},
    {"fp-status", fp_status},
    {"sstatus", sstatus_view},
    {0},
};
