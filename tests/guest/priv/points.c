// SPDX-License-Identifier: Apache-2.0
// Interrupts at every point of a computation with memory, multiplications, divisions, floating point and
// reservations, in every mode: its result must be what it is without them. A counter's overflow comes
// after any number of instructions, a timer at any time.
#include "csr.h"
#include "pt.h"

#define STATUS_FS (3ul << 13)
#define WORDS 64

static struct pt pt;
static uint64_t memory[WORDS];
static volatile uint64_t shared, taken, distance;

// rounding modes that change, flags that accrue, FP values in memory
static inline void floating(uint64_t x, uint64_t *at)
{
    __asm__ volatile(".option push\n.option arch, +f, +d\n"
                     "andi t0, %0, 3\n fsrm t0\n"
                     "fld fa0, 0(%1)\n fcvt.d.l fa1, %0, dyn\n"
                     "fadd.d fs2, fs2, fa1, dyn\n fmul.d fa2, fa1, fa1, dyn\n"
                     "fdiv.d fa3, fa2, fs2, dyn\n fmadd.d fs3, fa3, fa1, fa0, dyn\n"
                     "fcvt.s.d ft4, fs3, dyn\n fadd.s ft5, ft4, ft5, dyn\n"
                     "fcvt.l.d t1, fa3, rtz\n fmin.d fa4, fa3, fa2\n"
                     "fsqrt.d fa4, fa4, dyn\n fsd fa4, 0(%1)\n"
                     "fmv.x.w t0, ft5\n add t0, t0, t1\n fmv.x.d t1, fs3\n xor t0, t0, t1\n"
                     "srli t1, t0, 52\n sub t0, t0, t1\n sd t0, 8(%1)\n"
                     ".option pop" ::"r"(x),
                     "r"(at)
                     : "t0", "t1", "memory");
}

static uint64_t fcsr_and_registers(void)
{
    uint64_t a, b, c;

    __asm__ volatile(".option push\n.option arch, +f, +d\n"
                     "fmv.x.d %0, fs2\n fmv.x.d %1, fs3\n frcsr %2\n fscsr zero\n.option pop"
                     : "=r"(a), "=r"(b), "=r"(c));
    return a ^ b * 3 ^ c << 40;
}

static void clear_floating(void)
{
    __asm__ volatile(".option push\n.option arch, +f, +d\n fscsr zero\n"
                     "fmv.d.x fs2, zero\n fmv.d.x fs3, zero\n fmv.w.x ft5, zero\n.option pop");
}

static __attribute__((noinline)) uint64_t mix(uint64_t x, uint64_t y)
{
    uint64_t high = (uint64_t)((unsigned __int128)x * y >> 64), low = x * y + y;

    if (low < y)
        high++;
    if (high & 4)
        high ^= low / ((x & 1023) + 1);
    else
        high += (uint64_t)((int64_t)low % (int64_t)((y & 255) + 3));
    return high ^ low;
}

static uint64_t compute(uint64_t rounds)
{
    uint64_t a = 0x9e3779b97f4a7c15, b = 1, carry = 0;

    clear_floating();
    for (unsigned i = 0; i < WORDS; i++)
        memory[i] = 0x3ff0000000000000 + i * 0x123456789a;
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t *at = &memory[i * 2 & (WORDS - 1)];

        a = mix(a, b + i);
        floating(a >> 40, at);
        b += at[1] + carry;
        carry = b < at[1];
        if ((int64_t)a < 0)
            a = a << 7 | a >> 57;
    }
    for (unsigned i = 0; i < WORDS; i++)
        a = a * 31 + memory[i];
    return a ^ b ^ fcsr_and_registers();
}

// Adds by LR/SC, with other work between the two, while the handler adds too.
static uint64_t reserve(uint64_t rounds)
{
    for (uint64_t i = 0; i < rounds; i++)
        __asm__ volatile("1: lr.d t0, (%0)\n addi t0, t0, 1\n mv t1, t0\n sc.d t2, t1, (%0)\n"
                         "bnez t2, 1b\n 2: lr.w t0, (%0)\n addi t0, t0, 1\n sc.w t2, t0, (%0)\n"
                         "bnez t2, 2b" ::"r"(&shared)
                         : "t0", "t1", "t2", "memory");
    return 0;
}

// FS on return: everything that says "on".
static void turn_fs(struct rt_frame *f)
{
    f->status = (f->status & ~STATUS_FS) | (1 + taken % 3) << 13;
}

static void arm_counter(void)
{
    csr_write(mhpmevent3, 2); // instructions
    csr_write(mhpmcounter3, -distance);
    csr_clear(mip, BIT(IRQ_LCOF));
}

static bool on_overflow(struct rt_frame *f)
{
    if (f->cause != (CAUSE_INTERRUPT | IRQ_LCOF))
        return false;
    taken++;
    __asm__ volatile("amoadd.d zero, %1, (%0)" ::"r"(&shared), "r"(1) : "memory");
    turn_fs(f);
    distance = distance % 611 + 60;
    arm_counter();
    return true;
}

static bool on_timer(struct rt_frame *f)
{
    if (f->cause != (CAUSE_INTERRUPT | IRQ_MTI))
        return false;
    taken++;
    __asm__ volatile("amoadd.d zero, %1, (%0)" ::"r"(&shared), "r"(1) : "memory");
    turn_fs(f);
    if (taken % 8 == 0)
        pt_flush();
    if (taken % 16 == 0)
        rt_fence_i();
    wr64(MTIMECMP(0), rt_time() + 5 + taken % 37);
    return true;
}

// In M mode interrupts are let in here; in the others they always are.
static uint64_t run(unsigned mode, uint64_t (*fn)(uint64_t), uint64_t rounds)
{
    uint64_t result;

    csr_clear(mstatus, STATUS_MIE); // rt_run_in() must not be interrupted
    if (mode != PRIV_M) {
        result = rt_run_in(mode, fn, rounds, 0);
        csr_clear(mstatus, STATUS_MIE); // the caller looks at what the handler counts
        return result;
    }
    csr_set(mstatus, STATUS_MIE);
    result = fn(rounds);
    csr_clear(mstatus, STATUS_MIE);
    return result;
}

static void same_results(bool (*handler)(struct rt_frame *), unsigned irq, uint64_t rounds)
{
    static const unsigned modes[] = {PRIV_M, PRIV_S, PRIV_U};
    uint64_t want, done;

    pt_init(&pt, 3);
    csr_set(mstatus, STATUS_FS);
    want = compute(rounds);
    rt_trap_hook = handler;
    for (unsigned i = 0; i < 4; i++) {
        csr_write(satp, i == 1 ? pt_satp(&pt, 5) : 0); // S mode once with paging, once without
        pt_flush();
        taken = 0;
        distance = 61 + i;
        csr_set(mstatus, STATUS_FS);
        arm_counter();
        wr64(MTIMECMP(0), rt_time());
        csr_clear(mstatus, STATUS_MIE);
        csr_write(mie, BIT(irq));
        do
            EQ(run(modes[i % 3], compute, rounds), want);
        while (taken < 20);
        csr_clear(mstatus, STATUS_MIE); // on return from the other modes it may be on
        taken = shared = done = 0;
        do {
            run(modes[i % 3], reserve, rounds);
            done += 2 * rounds;
            csr_clear(mstatus, STATUS_MIE);
            EQ(shared, done + taken);
        } while (taken < 20);
        csr_write(mie, 0);
    }
    csr_write(satp, 0);
    pt_flush();
    csr_write(mhpmevent3, 0);
    wr64(MTIMECMP(0), -1ul);
    rt_trap_hook = NULL;
}

static void overflows(void)
{
    NOT_ON_QEMU("its counters overflow by time");
    same_results(on_overflow, IRQ_LCOF, 3000);
}

static void timers(void)
{
    same_results(on_timer, IRQ_MTI, 20000);
}

const struct rt_case rt_cases[] = {
    {"overflows", overflows},
    {"timers", timers},
    {0},
};
