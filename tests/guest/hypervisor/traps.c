// SPDX-License-Identifier: Apache-2.0
// Traps out of VS and VU mode, into each of the three modes, what they record, the ways back, and the
// instructions that hstatus and mstatus forbid.
#include "hyp.h"

static struct rt_last *last(void)
{
    return &rt_last[rt_hart()];
}

static uint64_t cause_of_ecall(uint64_t arg)
{
    (void)arg;
    return TRY("li a7, 0\n\tecall", ).cause;
}

static uint64_t cause_of_illegal(uint64_t arg)
{
    (void)arg;
    return TRY(".word 0xffffffff", ).cause;
}

#define MODE_VS 2 // in rt_last.mode

static void into_machine_mode(void)
{
    hyp_begin(3, 0);
    EQ(hyp_run(PRIV_VS, cause_of_ecall, 0), CAUSE_ECALL_VS);
    EQ(last()->mode, PRIV_M);
    EQ(last()->status & (STATUS_MPV | STATUS_GVA | STATUS_MPP), STATUS_MPV | STATUS_MPP_S);
    EQ(hyp_run(PRIV_VU, cause_of_ecall, 0), CAUSE_ECALL_U);
    EQ(last()->status & (STATUS_MPV | STATUS_GVA | STATUS_MPP), STATUS_MPV);
    EQ(hyp_run(PRIV_S, cause_of_ecall, 0), CAUSE_ECALL_S);
    EQ(last()->status & (STATUS_MPV | STATUS_GVA | STATUS_MPP), STATUS_MPP_S);
    EQ(hyp_run(PRIV_U, cause_of_ecall, 0), CAUSE_ECALL_U);
    EQ(last()->status & (STATUS_MPV | STATUS_GVA | STATUS_MPP), 0);
    EQ(hyp_run(PRIV_VS, cause_of_illegal, 0), CAUSE_ILLEGAL);
    if (!rt_on_qemu()) // where GVA tells of the guest, not of an address
        EQ(last()->status & (STATUS_MPV | STATUS_GVA), STATUS_MPV);
    hyp_end();
}

static uint64_t break_here(uint64_t arg)
{
    (void)arg;
    return TRY("ebreak", ).cause;
}

static void into_hypervisor_mode(void)
{
    hyp_begin(3, 0);
    csr_write(medeleg, ~BIT(CAUSE_ECALL_S)); // by which functions end
    csr_write(hstatus, HSTATUS_SPVP);
    EQ(hyp_run(PRIV_VS, cause_of_illegal, 0), CAUSE_ILLEGAL);
    EQ(last()->mode, PRIV_S);
    EQ(last()->hs & (HSTATUS_SPV | HSTATUS_SPVP | HSTATUS_GVA), HSTATUS_SPV | HSTATUS_SPVP);
    EQ(last()->status & STATUS_SPP, STATUS_SPP);
    EQ(hyp_run(PRIV_VU, cause_of_illegal, 0), CAUSE_ILLEGAL);
    EQ(last()->hs & (HSTATUS_SPV | HSTATUS_SPVP | HSTATUS_GVA), HSTATUS_SPV);
    EQ(last()->status & STATUS_SPP, 0);
    // Not from a guest: SPVP stays as it is.
    csr_set(hstatus, HSTATUS_SPVP | HSTATUS_SPV);
    EQ(hyp_run(PRIV_U, cause_of_illegal, 0), CAUSE_ILLEGAL);
    EQ(last()->hs & (HSTATUS_SPV | HSTATUS_SPVP | HSTATUS_GVA), HSTATUS_SPVP);
    // A guest virtual address in stval.
    if (!rt_on_qemu()) {
        EQ(hyp_run(PRIV_VS, break_here, 0), CAUSE_BREAKPOINT);
        EQ(last()->hs & (HSTATUS_SPV | HSTATUS_GVA), HSTATUS_SPV | HSTATUS_GVA);
    }
    TRAPS(hyp_access(PRIV_VS, LOAD, 0x1f00000018), CAUSE_LOAD_GUEST_PAGE, 0x1f00000018);
    EQ(last()->mode, PRIV_S);
    EQ(last()->tval2, 0x1f00000018 >> 2);
    EQ(last()->hs & (HSTATUS_SPV | HSTATUS_GVA), HSTATUS_SPV | HSTATUS_GVA);
    EQ(hyp_run(PRIV_VS, cause_of_illegal, 0), CAUSE_ILLEGAL);
    EQ(last()->tval2, 0);
    EQ(last()->tinst, 0);
    hyp_end();
}

static void into_guests_own_mode(void)
{
    NOT_ON_QEMU("it takes one from causes 2, 6 and 10 of exceptions as well");
    hyp_begin(3, 0);
    csr_write(medeleg, ~(BIT(CAUSE_ECALL_VS) | BIT(CAUSE_ECALL_S)));
    csr_write(hedeleg, -1ul);
    csr_write(htval, 0x77);
    EQ(hyp_run(PRIV_VS, cause_of_illegal, 0), CAUSE_ILLEGAL);
    EQ(last()->mode, MODE_VS);
    EQ(last()->status & STATUS_SPP, STATUS_SPP);
    EQ(hyp_run(PRIV_VU, cause_of_illegal, 0), CAUSE_ILLEGAL);
    EQ(last()->mode, MODE_VS);
    EQ(last()->status & STATUS_SPP, 0);
    EQ(hyp_run(PRIV_VU, cause_of_ecall, 0), CAUSE_ECALL_U);
    EQ(last()->mode, MODE_VS);
    // What cannot be passed on.
    TRAPS(hyp_access(PRIV_VS, STORE, 0x1f00000010), CAUSE_STORE_GUEST_PAGE, 0x1f00000010);
    EQ(last()->mode, PRIV_S);
    // From outside of guests hedeleg means nothing.
    EQ(hyp_run(PRIV_U, cause_of_illegal, 0), CAUSE_ILLEGAL);
    EQ(last()->mode, PRIV_S);
    EQ(csr_read(vscause), CAUSE_ECALL_U);
    hyp_end();
}

// hedeleg without medeleg: M mode.
static void only_in_hedeleg(void)
{
    hyp_begin(3, 0);
    csr_write(hedeleg, -1ul);
    EQ(hyp_run(PRIV_VS, cause_of_illegal, 0), CAUSE_ILLEGAL);
    EQ(last()->mode, PRIV_M);
    hyp_end();
}

// Instructions that may be refused, by number.
static const uint32_t instructions[] = {
    0x10200073, // sret
    0x10500073, // wfi
    0x12000073, // sfence.vma
    0x16000073, // sinval.vma
    0x18000073, // sfence.w.inval
    0x18100073, // sfence.inval.ir
    0x22000073, // hfence.vvma
    0x62000073, // hfence.gvma
    0x26000073, // hinval.vvma
    0x66000073, // hinval.gvma
    0x18002573, // csrr a0, satp
    0x68002573, // csrr a0, hgatp
    0x28002573, // csrr a0, vsatp
    0x6405c573, // hlv.h a0, (a1)
    0x66b5c073, // hsv.h a1, (a1)
    0x30200073, // mret
};
enum {
    SRET,
    WFI,
    SFENCE,
    SINVAL,
    W_INVAL,
    INVAL_IR,
    HFENCE_V,
    HFENCE_G,
    HINVAL_V,
    HINVAL_G,
    SATP,
    HGATP,
    VSATP,
    HLV_INSN,
    HSV_INSN,
    MRET,
    INSTRUCTIONS
};

static uint32_t code[4] __attribute__((aligned(16)));

// sret comes back by sepc with its mode's own rights.
static uint64_t try_instruction(uint64_t insn)
{
    register uint64_t a0 __asm__("a0") = (uint64_t)code;
    static uint64_t memory;

    code[0] = (uint32_t)insn;
    code[1] = 0x00008067;
    rt_fence_i();
    return TRY_OUT("mv a1, %3\n\tjalr a0", a0, "r"(&memory)).cause;
}

static uint64_t cause_in(unsigned mode, unsigned which)
{
    if (which == SRET) { // returns to the `ret` behind itself
        csr_write(sepc, (uint64_t)&code[1]);
        csr_write(vsepc, (uint64_t)&code[1]);
        csr_set(mstatus, STATUS_SPP);
        csr_set(vsstatus, STATUS_SPP);
        csr_clear(hstatus, HSTATUS_SPV);
    }
    return hyp_run(mode, try_instruction, instructions[which]);
}

#define IN(mode, which, want) EQ(cause_in(mode, which), want)

static void begin_refusals(void)
{
    hyp_begin(3, 0);
    csr_write(mie, BIT(IRQ_SSI)); // wfi ends at once
    csr_write(mip, BIT(IRQ_SSI));
    csr_write(mideleg, BIT(IRQ_SSI));
}

static void end_refusals(void)
{
    csr_write(mip, 0);
    hyp_end();
}

static void refused_by_default(void)
{
    NOT_ON_QEMU("it lets U mode do some of them");
    begin_refusals();
    csr_write(mideleg, 0);
    csr_write(mie, 0);
    for (unsigned i = 0; i < INSTRUCTIONS; i++) {
        bool hypervisors = (i >= HFENCE_V && i <= HINVAL_G) || i == HGATP || i == VSATP ||
                           i == HLV_INSN || i == HSV_INSN;

        if (i == WFI)
            continue;
        IN(PRIV_S, i, i == MRET ? CAUSE_ILLEGAL : NO_TRAP);
        IN(PRIV_U, i, CAUSE_ILLEGAL);
        IN(PRIV_VS, i, i == MRET ? CAUSE_ILLEGAL : hypervisors ? CAUSE_VIRTUAL : NO_TRAP);
        IN(PRIV_VU, i, i == MRET ? CAUSE_ILLEGAL : CAUSE_VIRTUAL);
    }
    end_refusals();
}

static void refused_by_hstatus(void)
{
    NOT_ON_QEMU("it looks at mstatus in place of hstatus");
    begin_refusals();
    csr_write(mideleg, 0);
    csr_write(mie, 0);
    csr_set(hstatus, HSTATUS_VTVM);
    IN(PRIV_VS, SFENCE, CAUSE_VIRTUAL);
    IN(PRIV_VS, SATP, CAUSE_VIRTUAL);
    IN(PRIV_S, SFENCE, NO_TRAP);
    IN(PRIV_S, SATP, NO_TRAP);
    IN(PRIV_VS, SINVAL, CAUSE_VIRTUAL);
    IN(PRIV_VS, W_INVAL, NO_TRAP);
    csr_clear(hstatus, HSTATUS_VTVM);
    csr_set(hstatus, HSTATUS_VTSR);
    IN(PRIV_VS, SRET, CAUSE_VIRTUAL);
    IN(PRIV_S, SRET, NO_TRAP);
    csr_clear(hstatus, HSTATUS_VTSR);
    csr_set(hstatus, HSTATUS_VTW);
    IN(PRIV_VS, WFI, CAUSE_VIRTUAL);
    csr_set(mstatus, STATUS_TW);
    IN(PRIV_VS, WFI, CAUSE_ILLEGAL);
    IN(PRIV_VU, WFI, CAUSE_ILLEGAL);
    IN(PRIV_S, WFI, CAUSE_ILLEGAL);
    csr_clear(mstatus, STATUS_TW);
    IN(PRIV_VU, WFI, CAUSE_VIRTUAL);
    csr_set(hstatus, HSTATUS_HU);
    csr_set(hstatus, HSTATUS_SPVP);
    IN(PRIV_U, HLV_INSN, NO_TRAP);
    IN(PRIV_U, HSV_INSN, NO_TRAP);
    IN(PRIV_VU, HLV_INSN, CAUSE_VIRTUAL);
    end_refusals();
}

static void refused_by_mstatus(void)
{
    NOT_ON_QEMU("it looks at mstatus for guests, too");
    begin_refusals();
    csr_write(mideleg, 0);
    csr_write(mie, 0);
    csr_set(mstatus, STATUS_TVM);
    IN(PRIV_S, SATP, CAUSE_ILLEGAL);
    IN(PRIV_S, HGATP, CAUSE_ILLEGAL);
    IN(PRIV_S, SFENCE, CAUSE_ILLEGAL);
    IN(PRIV_S, HFENCE_G, CAUSE_ILLEGAL);
    IN(PRIV_S, VSATP, NO_TRAP);
    IN(PRIV_S, HFENCE_V, NO_TRAP);
    IN(PRIV_VS, SATP, NO_TRAP); // not of guests
    IN(PRIV_VS, SFENCE, NO_TRAP);
    IN(PRIV_VS, HGATP, CAUSE_VIRTUAL);
    csr_clear(mstatus, STATUS_TVM);
    csr_set(mstatus, STATUS_TSR);
    IN(PRIV_S, SRET, CAUSE_ILLEGAL);
    IN(PRIV_VS, SRET, NO_TRAP);
    csr_clear(mstatus, STATUS_TSR);
    end_refusals();
}

// sret in HS mode enters a guest when SPV is set, which it clears.
static uint64_t in_guest(uint64_t arg)
{
    (void)arg;
    return TRY(".word 0x60002573", ).cause; // csrr a0, hstatus: only a guest finds it virtual
}

static uint64_t enter_by_sret(uint64_t arg)
{
    uint64_t result;

    csr_write(hstatus, HSTATUS_SPV);
    csr_set(sstatus, STATUS_SPP | STATUS_SPIE);
    __asm__ volatile("la t0, 1f\n\tcsrw sepc, t0\n\tsret\n1:" ::: "t0", "memory");
    result = in_guest(arg);
    return result;
}

static void sret_enters_guests(void)
{
    hyp_begin(3, 0);
    EQ(hyp_run(PRIV_S, enter_by_sret, 0), CAUSE_VIRTUAL);
    EQ(csr_read(hstatus) & HSTATUS_SPV, 0);
    csr_clear(sstatus, STATUS_SIE);
    hyp_end();
}

// mret to M mode ignores MPV, and clears it.
static void mret_stays_in_machine_mode(void)
{
    NOT_ON_QEMU("it sets V in M mode");
    hyp_begin(3, 0);
    csr_set(mstatus, STATUS_MPV | STATUS_MPP);
    __asm__ volatile("la t0, 1f\n\tcsrw mepc, t0\n\tmret\n1:" ::: "t0", "memory");
    EQ(csr_read(mstatus) & (STATUS_MPV | STATUS_MPP), 0);
    EQ(TRY(".word 0x60002573", ).cause, NO_TRAP);
    hyp_end();
}

// The transitions above, many times, with code that is translated.
static uint64_t count_up(uint64_t arg)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < 200; i++)
        sum += arg + i;
    return sum;
}

static void back_and_forth(void)
{
    static const unsigned modes[] = {PRIV_VS, PRIV_S, PRIV_VU, PRIV_U};

    hyp_begin(5, 9);
    for (unsigned i = 0; i < 400; i++)
        EQ(hyp_run(modes[i % 4], count_up, i), 200 * i + 19900);
    hyp_end();
}

const struct rt_case rt_cases[] = {
    {"machine", into_machine_mode},
    {"hypervisor", into_hypervisor_mode},
    {"guest", into_guests_own_mode},
    {"hedeleg-only", only_in_hedeleg},
    {"refused", refused_by_default},
    {"refused-by-hstatus", refused_by_hstatus},
    {"refused-by-mstatus", refused_by_mstatus},
    {"sret-enters", sret_enters_guests},
    {"mret-to-machine", mret_stays_in_machine_mode},
    {"back-and-forth", back_and_forth},
    {0},
};
