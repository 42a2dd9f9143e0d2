// SPDX-License-Identifier: Apache-2.0
// The ways into a kernel and out of it, each often enough that a translator takes it for its own: system
// calls, returns, sstatus, and interrupts that have been waiting for them. Interrupts are due right behind
// an instruction that lets them in (Privileged ISA, "Supervisor Interrupt Registers").
#include "pt.h"
#include "sbi.h"

#define ROUNDS 100
#define ECALL 0x73u
#define SSIP BIT(IRQ_SSI)

static uint64_t calls, interrupts, last_epc, spie = STATUS_SPIE;
static bool pending_on_return, fp_off, flags_cleared;

static bool on_trap(struct rt_frame *f)
{
    if (f->cause == (CAUSE_INTERRUPT | IRQ_SSI)) {
        interrupts++;
        last_epc = f->epc;
        EQ(f->tval, 0);
        csr_clear(sip, SSIP);
        return true;
    }
    if (f->cause != CAUSE_ECALL_U)
        return false;
    calls++;
    EQ(f->tval, 0);
    EQ(rt_insn_at(f->epc), ECALL);
    EQ(f->status & (STATUS_SPP | STATUS_SIE | STATUS_SPIE), spie);
    EQ(f->x[10] & 0xff, 0x5a); // registers of either kind: a0, t3
    EQ(f->x[28] & 0xff, 0xa5);
    last_epc = f->epc;
    f->epc += 4;
    f->x[10] = calls;
    if (fp_off)
        csr_clear(sstatus, STATUS_FS);
    if (flags_cleared)
        __asm__ volatile("csrw fcsr, zero");
    if (pending_on_return)
        csr_set(sip, SSIP);
    return true;
}

static void begin(void)
{
    calls = interrupts = 0;
    pending_on_return = fp_off = flags_cleared = false;
    rt_trap_hook = on_trap;
    csr_clear(sstatus, STATUS_SIE);
    csr_clear(sip, SSIP);
    csr_set(sie, SSIP);
    spie = STATUS_SPIE;
}

static void end(void)
{
    csr_clear(sie, SSIP);
    csr_clear(sip, SSIP);
    rt_trap_hook = NULL;
}

static inline uint64_t call(uint64_t n)
{
    register uint64_t a0 __asm__("a0") = n << 8 | 0x5a;

    __asm__ volatile("li a7, 0\n li t3, 0xa5\n ecall\n" : "+r"(a0)::"a7", "t3", "memory");
    return a0;
}

static uint64_t many_calls(uint64_t rounds)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < rounds; i++)
        sum += call(i);
    return sum;
}

// In U mode; the handlers check that it was entered with this SPIE.
static uint64_t run(uint64_t (*fn)(uint64_t), uint64_t arg)
{
    csr_clear(sstatus, STATUS_SPIE);
    csr_set(sstatus, spie);
    return rt_run_in(PRIV_U, fn, arg, 0);
}

static void system_calls(void)
{
    begin();
    for (unsigned i = 0; i < 2; i++) { // SIE goes to SPIE and back, on and off
        calls = 0;
        spie = i ? STATUS_SPIE : 0;
        EQ(run(many_calls, ROUNDS), ROUNDS * (ROUNDS + 1) / 2);
        EQ(calls, ROUNDS);
    }
    end();
}

// Out of each handler into an interrupt, which finds the user where the call left it.
static void pending_on_sret(void)
{
    begin();
    pending_on_return = true;
    EQ(run(many_calls, ROUNDS), ROUNDS * (ROUNDS + 1) / 2);
    EQ(interrupts, ROUNDS);
    EQ(rt_insn_at(last_epc - 4), ECALL);
    end();
}

// In S mode: interrupts are on again behind the handler of a breakpoint, by SPIE.
static bool on_breakpoint(struct rt_frame *f)
{
    if (f->cause != CAUSE_BREAKPOINT)
        return on_trap(f);
    EQ(f->status & (STATUS_SPP | STATUS_SIE), STATUS_SPP);
    csr_set(sip, SSIP);
    f->status |= STATUS_SPIE;
    f->epc += 4;
    return true;
}

static void pending_on_sret_to_supervisor(void)
{
    uint64_t behind;

    begin();
    rt_trap_hook = on_breakpoint;
    for (unsigned i = 1; i <= ROUNDS; i++) {
        __asm__ volatile(".option push\n.option norvc\n la %0, 1f\n ebreak\n 1: nop\n"
                         "csrci sstatus, 2\n.option pop"
                         : "=&r"(behind)::"memory");
        EQ(interrupts, i);
        EQ(last_epc, behind);
    }
    end();
}

// Each form that turns SIE on, with an interrupt waiting: the address behind it, to compare.
#define LET_IN(form)                                                           \
    ({                                                                         \
        uint64_t behind_, old_;                                                \
        __asm__ volatile("la %0, 1f\n li t0, 2\n csrr t1, sstatus\n" form      \
                         "\n 1: nop\n csrci sstatus, 2"                        \
                         : "=&r"(behind_), "=&r"(old_)::"t0", "t1", "memory"); \
        behind_;                                                               \
    })

static void pending_on_enable(void)
{
    begin();
    for (unsigned i = 0; i < 5 * ROUNDS; i++) {
        uint64_t behind = 0;

        csr_set(sip, SSIP);
        EQ(interrupts, i);
        switch (i % 5) {
        case 0: behind = LET_IN("csrsi sstatus, 2"); break;
        case 1: behind = LET_IN("csrrsi %1, sstatus, 2"); break;
        case 2: behind = LET_IN("csrs sstatus, t0"); break;
        case 3: behind = LET_IN("csrrs %1, sstatus, t0"); break;
        case 4: behind = LET_IN("or t1, t1, t0\n csrrw %1, sstatus, t1"); break;
        }
        EQ(interrupts, i + 1);
        EQ(last_epc, behind);
    }
    end();
}

// Along with SUM, which changes what the code behind accesses by.
static void pending_on_enable_with_sum(void)
{
    begin();
    for (unsigned i = 1; i <= ROUNDS; i++) {
        uint64_t behind;

        csr_set(sip, SSIP);
        behind = LET_IN("li t0, 0x40002\n csrrs %1, sstatus, t0");
        EQ(interrupts, i);
        EQ(last_epc, behind);
        EQ(csr_read(sstatus) & STATUS_SUM, STATUS_SUM);
        csr_clear(sstatus, STATUS_SUM);
    }
    end();
}

// Nothing waits: nothing comes, and what is read is what was there.
static void switched_off_and_on(void)
{
    uint64_t old;

    begin();
    csr_clear(sstatus, STATUS_SUM);
    for (unsigned i = 0; i < ROUNDS; i++) {
        __asm__ volatile("csrrsi %0, sstatus, 2" : "=r"(old)::"memory");
        EQ(old & STATUS_SIE, 0);
        __asm__ volatile("csrrci %0, sstatus, 2" : "=r"(old)::"memory");
        EQ(old & STATUS_SIE, STATUS_SIE);
        EQ(csr_read(sstatus) & STATUS_SIE, 0);
    }
    EQ(interrupts, 0);
    end();
}

#define SHOWN                                                                                  \
    (STATUS_SIE | STATUS_SPIE | STATUS_SPP | STATUS_FS | STATUS_SUM | STATUS_MXR | 2ul << 32 | \
     STATUS_SD)

// All of sstatus by each instruction: what is written, what is shown, and SD. SIE stays off.
static void all_bits(void)
{
    static const uint64_t fields[] = {STATUS_SPIE,       STATUS_SPP,      STATUS_SUM, STATUS_MXR,
                                      STATUS_FS_INITIAL, STATUS_FS_CLEAN, STATUS_FS};
    uint64_t before = csr_read(sstatus), all = ~(STATUS_SIE | 3ul << 32), now, old;

    begin();
    for (unsigned i = 0; i < ROUNDS; i++) {
        csr_write(sstatus, all);
        EQ(csr_read(sstatus) & ~(3ul << 9 | 3ul << 15), SHOWN & ~STATUS_SIE); // VS, XS
        __asm__ volatile("csrrc %0, sstatus, %1" : "=r"(old) : "r"(all));
        EQ(old & SHOWN, SHOWN & ~STATUS_SIE);
        EQ(csr_read(sstatus), 2ul << 32);
        for (unsigned n = 0; n < sizeof(fields) / sizeof(fields[0]); n++) {
            uint64_t sd = fields[n] == STATUS_FS ? STATUS_SD : 0;

            __asm__ volatile("csrrs %0, sstatus, %1" : "=r"(old) : "r"(fields[n]));
            now = csr_read(sstatus);
            EQ(old, 2ul << 32);
            EQ(now, fields[n] | sd | 2ul << 32);
            __asm__ volatile("csrrw %0, sstatus, zero" : "=r"(old));
            EQ(old, now);
        }
    }
    csr_write(sstatus, before);
    end();
}

static struct pt pt;
#define VA 0x3f12346000ul

// A user's page, in turns with SUM and without; one that can only be executed, with MXR.
static void in_turns(void)
{
    uint64_t *page = rt_page(), value;

    pt_init(&pt, 3);
    pt_map(&pt, VA, (uint64_t)page, 0, PTE_V | PTE_R | PTE_W | PTE_U | PTE_AD);
    pt_map(&pt, VA + PAGE, (uint64_t)page, 0, PTE_V | PTE_X | PTE_AD);
    csr_write(satp, pt_satp(&pt, 1));
    pt_flush();
    for (unsigned i = 0; i < ROUNDS; i++) {
        csr_set(sstatus, STATUS_SUM);
        wr64(VA, i);
        EQ(rd64(VA), i);
        csr_clear(sstatus, STATUS_SUM);
        TRAPS(rt_try_load(VA, 8, &value), CAUSE_LOAD_PAGE, VA);
        csr_set(sstatus, STATUS_MXR);
        EQ(rd64(VA + PAGE), i);
        csr_clear(sstatus, STATUS_MXR);
        TRAPS(rt_try_load(VA + PAGE, 8, &value), CAUSE_LOAD_PAGE, VA + PAGE);
    }
    csr_write(satp, 0);
    pt_flush();
}

// FP registers, rounding mode and flags of a user who calls in between: nobody touches them.
static uint64_t compute(uint64_t with_calls)
{
    uint64_t result, flags;

    __asm__ volatile(".option push\n.option arch, +f, +d\n"
                     "li t0, 3\n fcvt.d.l fs0, t0\n fmv.d.x fs1, zero\n fcvt.s.l ft2, t0\n"
                     "fscsr zero\n.option pop" ::
                         : "t0");
    for (uint64_t i = 0; i < ROUNDS; i++) {
        if (i % 8 == 0)
            __asm__ volatile(
                ".option push\n.option arch, +f, +d\n fsrm %0\n.option pop" ::"r"(i / 8 % 4));
        __asm__ volatile(".option push\n.option arch, +f, +d\n fcvt.d.l fa1, %0\n"
                         "fdiv.d fa2, fa1, fs0\n fadd.d fs1, fs1, fa2\n fdiv.s ft2, ft2, ft2\n"
                         ".option pop" ::"r"(i)
                         : "t0");
        if (with_calls)
            call(i);
    }
    __asm__ volatile(".option push\n.option arch, +f, +d\n"
                     "fmv.x.d %0, fs1\n frcsr %1\n fmv.x.w t0, ft2\n add %0, %0, t0\n.option pop"
                     : "=&r"(result), "=&r"(flags)::"t0");
    return result ^ flags << 56;
}

static void floating_point(void)
{
    uint64_t want;

    begin();
    csr_set(sstatus, STATUS_FS);
    want = run(compute, 0);
    for (unsigned i = 0; i < 2; i++) {
        fp_off = i;
        csr_set(sstatus, STATUS_FS);
        EQ(run(compute, 1), want);
    }
    EQ(calls, 2 * ROUNDS);
    end();
}

// The kernel clears fcsr at every call: the flags from before are gone, and those from behind are there.
static uint64_t flags_of_a_call(uint64_t arg)
{
    uint64_t before, behind, wrong = 0;

    for (uint64_t i = 0; i < ROUNDS; i++) {
        __asm__ volatile(".option push\n.option arch, +f, +d\n"
                         "fsflags zero\n li t0, 1\n fcvt.d.l fa0, t0\n fmv.d.x fa1, zero\n"
                         "fdiv.d fa2, fa0, fa1\n.option pop" ::
                             : "t0");
        call(i);
        __asm__ volatile(".option push\n.option arch, +f, +d\n"
                         "frflags %0\n fsqrt.d fa2, fa0\n li t0, 3\n fcvt.d.l fa1, t0\n"
                         "fdiv.d fa2, fa0, fa1\n frflags %1\n.option pop"
                         : "=&r"(before), "=&r"(behind)::"t0");
        wrong += before != 0 || behind != 1; // inexact
    }
    return wrong + arg;
}

static void flags(void)
{
    begin();
    flags_cleared = true;
    csr_set(sstatus, STATUS_FS);
    EQ(run(flags_of_a_call, 7), 7);
    EQ(calls, ROUNDS);
    end();
}

#define FP(code) ".option push\n.option arch, +f, +d\n" code "\n.option pop"

// A kernel that saves and restores: with every FS, also none. FS is dirty behind what writes.
static void fp_state(void)
{
    static const uint64_t states[] = {STATUS_FS_INITIAL, STATUS_FS_CLEAN, STATUS_FS};
    volatile uint64_t from[2] = {0x123456789abcdef0, 0x0fedcba987654321}, to[2];
    uint64_t before, after;

    for (unsigned i = 0; i < 3 * ROUNDS; i++) {
        csr_clear(sstatus, STATUS_FS);
        TRAPS(TRY(FP("fld fa0, 0(%2)"), "r"(from)), CAUSE_ILLEGAL, rt_insn_at(rt_last[0].epc));
        TRAPS(TRY(FP("fsd fa0, 0(%2)"), "r"(to)), CAUSE_ILLEGAL, rt_insn_at(rt_last[0].epc));
        TRAPS(TRY(FP("frcsr zero"), ), CAUSE_ILLEGAL, rt_insn_at(rt_last[0].epc));
        csr_set(sstatus, states[i % 3]);
        __asm__ volatile(FP("fsd fa0, 0(%1)\n frcsr %0") : "=r"(before) : "r"(to) : "memory");
        EQ(csr_read(sstatus) & STATUS_FS, states[i % 3]); // reading does not make it dirty
        from[0] += i;
        __asm__ volatile(FP("fld fa0, 0(%0)\n fld fs11, 8(%0)")::"r"(from) : "memory");
        EQ(csr_read(sstatus) & STATUS_FS, STATUS_FS);
        csr_clear(sstatus, STATUS_FS);
        csr_set(sstatus, states[i % 3]);
        __asm__ volatile(FP("fscsr %0, %1\n") : "=r"(after) : "r"(i * 0x101ul));
        EQ(after, before);
        EQ(csr_read(sstatus) & STATUS_FS, STATUS_FS);
        __asm__ volatile(FP("fsd fs11, 8(%1)\n fsd fa0, 0(%1)\n frcsr %0")
                         : "=r"(after)
                         : "r"(to)
                         : "memory");
        EQ(to[0], from[0]);
        EQ(to[1], from[1]);
        EQ(after, i * 0x101ul & 0xff);
        __asm__ volatile(FP("frflags %0") : "=r"(after));
        EQ(after, i & 31);
    }
    __asm__ volatile(FP("fscsr zero"));
}

const struct rt_case rt_cases[] = {
    {"system-calls", system_calls},
    {"pending-on-sret", pending_on_sret},
    {"pending-on-sret-to-supervisor", pending_on_sret_to_supervisor},
    {"pending-on-enable", pending_on_enable},
    {"pending-on-enable-with-sum", pending_on_enable_with_sum},
    {"switched-off-and-on", switched_off_and_on},
    {"all-bits", all_bits},
    {"in-turns", in_turns},
    {"floating-point", floating_point},
    {"flags", flags},
    {"fp-state", fp_state},
    {0},
};
