// SPDX-License-Identifier: Apache-2.0
// A guest that counts what its exits cost: instructions of everybody, from the one before to the one after.
// It reads the time, which is the one counter that every hypervisor lets a guest read without an exit: with
// QEMU's -icount shift=0 an instruction takes 1 ns, and a tick of the 10 MHz clock is 100 instructions. So a
// hundred times the same takes as many ticks as one of them takes instructions.
#include "bench/metal/aia.h"

#define TICK 100 // instructions
#define BATCHES 8
#define PLIC_PRIORITY_1 0x0c000004ull
#define IDENTITY 1             // that is not enabled
#define NEAR_RAM 0x82000000ull // nobody was there yet
#define FAR_RAM 0x84000000ull
#define BLOCK 0x200000ull
#define LOOP 10000000ull
#define SIE_SSIE 2
#define SIE_STIE 0x20
#define SSTATUS_SIE 2

static volatile uint64_t trap_count, trap_time, trap_delay;
static volatile bool second_up, second_sleeps;
static bool aia;

// As many instructions as asked for, up to TICK, besides always the same number.
static inline __attribute__((always_inline)) void delay(uint64_t count)
{
    __asm__ volatile(".option push\n.option norvc\n.option norelax\n"
                     "    lla t0, 1f\n"
                     "    sub t0, t0, %0\n"
                     "    jr t0\n"
                     "    .rept 100\n    nop\n    .endr\n"
                     "1:\n.option pop\n"
                     :
                     : "r"(count * 4)
                     : "t0", "memory");
}

__attribute__((interrupt("supervisor"), aligned(4))) static void trap_handler(void)
{
    delay(trap_delay);
    trap_time = csr_get(time);
    trap_count++;
    csr_off(sip, SIE_SSIE);
    if (csr_get(scause) << 1 >> 1 == 5)
        sbi(SBI_TIME, 0, UINT64_MAX, 0, 0);
}

// Without AIA there is no stopei: the trap goes to `1:`.
static bool has_aia(void)
{
    register uint64_t there __asm__("a0") = 1;

    __asm__ volatile("    lla t0, 1f\n"
                     "    csrrw t0, stvec, t0\n"
                     "    csrr t1, %1\n"
                     "    j 2f\n"
                     "    .balign 4\n"
                     "1:  li a0, 0\n"
                     "2:  csrw stvec, t0\n"
                     : "+r"(there)
                     : "i"(STOPEI)
                     : "t0", "t1", "memory");
    return there;
}

static void report(const char *what, uint64_t count)
{
    put_text(what);
    put_text(": ");
    put_number(count);
    put_text(" instructions\n");
}

// Ticks that TICK times the statement take.
#define BATCH(statement)                         \
    ({                                           \
        uint64_t before_ = csr_get(time);        \
        for (unsigned i_ = 0; i_ < TICK; i_++) { \
            statement;                           \
        }                                        \
        csr_get(time) - before_;                 \
    })

// The smallest of some: what comes in between is not its cost.
#define MEASURE(statement)                          \
    ({                                              \
        uint64_t best_ = UINT64_MAX;                \
        for (unsigned n_ = 0; n_ < BATCHES; n_++) { \
            uint64_t count_ = BATCH(statement);     \
            if (count_ < best_)                     \
                best_ = count_;                     \
        }                                           \
        best_;                                      \
    })

// The zeroing is counted apart, with the hypervisor's own memset().
void *memset(void *to, int byte, size_t size);

static void measure_memory(void)
{
    uint64_t near = NEAR_RAM, far = FAR_RAM, zeroing;

    report("memory never touched, 4 KiB apart", BATCH(*(volatile uint64_t *)near; near += 0x1000));
    report("memory never touched, 2 MiB apart", BATCH(*(volatile uint64_t *)far; far += BLOCK));
    zeroing = BATCH(memset((void *)(uintptr_t)FAR_RAM, 0, BLOCK));
    report("to zero 2 MiB", zeroing);
}

// From the tick at which it is due to the handler. With delays of 0 to 99 instructions the ticks, each of
// them rounded down, add up to the instructions.
static void measure_timer(void)
{
    uint64_t sum = 0;

    csr_put(stvec, (uint64_t)(uintptr_t)trap_handler);
    csr_on(sie, SIE_STIE);
    for (unsigned i = 0; i < TICK; i++) {
        uint64_t best = UINT64_MAX;

        trap_delay = i;
        for (unsigned n = 0; n < 3; n++) {
            uint64_t seen = trap_count, due = csr_get(time) + 500;

            sbi(SBI_TIME, 0, due, 0, 0);
            csr_on(sstatus, SSTATUS_SIE);
            while (trap_count == seen)
                ;
            csr_off(sstatus, SSTATUS_SIE);
            if (trap_time - due < best)
                best = trap_time - due;
        }
        sum += best;
    }
    trap_delay = 0;
    csr_off(sie, SIE_STIE);
    report("timer interrupt, up to its handler", sum);
}

__attribute__((noreturn)) static void second_main(void)
{
    csr_put(stvec, (uint64_t)(uintptr_t)trap_handler);
    csr_on(sie, SIE_SSIE);
    csr_on(sstatus, SSTATUS_SIE);
    second_up = true;
    for (;;)
        if (second_sleeps)
            __asm__ volatile("wfi" ::: "memory");
}

// Lets the other CPU run: an emulator that runs one after the other goes on to it.
static void rest(void)
{
    csr_on(sie, SIE_STIE);
    sbi(SBI_TIME, 0, csr_get(time) + 1000, 0, 0);
    __asm__ volatile("wfi" ::: "memory");
    sbi(SBI_TIME, 0, UINT64_MAX, 0, 0);
    csr_off(sie, SIE_STIE);
}

// One at a time, taken by the other before the next; rounded as the timer's, and the smallest of some.
static void measure_ipi(const char *what)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < TICK; i++) {
        uint64_t best = UINT64_MAX, nothing = UINT64_MAX;

        for (unsigned n = 0; n < 3; n++) {
            uint64_t seen = trap_count, before, after;

            rest(); // the other one is where it waits
            before = csr_get(time);
            delay(i);
            sbi(SBI_IPI, 0, 1, 1, 0);
            after = csr_get(time);
            if (after - before < best)
                best = after - before;
            while (trap_count == seen)
                rest();
            before = csr_get(time);
            delay(i);
            after = csr_get(time);
            if (after - before < nothing)
                nothing = after - before;
        }
        sum += best - nothing;
    }
    report(what, sum);
}

static void measure_ipis(void)
{
    if (sbi(SBI_HSM, 0, 1, (uint64_t)(uintptr_t)_start, 0).error)
        return;
    while (!second_up)
        rest();
    measure_ipi("IPI to another CPU that runs, sender's side");
    second_sleeps = true;
    measure_ipi("to one that sleeps, sender's side");
}

// To the other CPU's file, if it is up. Nobody does anything meanwhile.
static void measure_message(uint64_t nothing)
{
    uint64_t hart = second_up;

    if (aia)
        report("message, sender's side", MEASURE(message(hart, IDENTITY)) - nothing);
}

static void measure_loop(void)
{
    uint64_t before = csr_get(time), x = before | 1;

    for (uint64_t i = 0; i < LOOP; i++)
        __asm__ volatile("mul %0, %0, %0\n addi %0, %0, 3\n xor %0, %0, %1" : "+r"(x) : "r"(i));
    report("loop", (csr_get(time) - before) * TICK);
}

void guest_main(uint64_t hartid)
{
    uint64_t start = csr_get(time), all = csr_get(instret), nothing;

    if (hartid)
        second_main();
    aia = has_aia();
    nothing = MEASURE();
    report("start of this guest", start * TICK);
    if (all) // a machine's own counter: 0 under KVM
        report("since the machine's reset", all);
    report("null hypercall (ecall to the next instruction)",
           MEASURE(sbi(SBI_BASE, 0, 0, 0, 0)) - nothing);
    report("unknown call", MEASURE(sbi(0x0bad, 0, 0, 0, 0)) - nothing);
    if (aia)
        report("device register read (APLIC)", MEASURE(*aplic(4)) - nothing);
    else
        report("device register read (PLIC)",
               MEASURE(*(volatile uint32_t *)PLIC_PRIORITY_1) - nothing);
    measure_memory();
    measure_timer();
    measure_loop();
    measure_ipis();
    measure_message(nothing);
    put_text("done\n");
    power_off();
}
