// SPDX-License-Identifier: Apache-2.0
// A guest that counts what its exits cost: instructions of everybody, from the one before to the one after.
// Only with an emulator that counts each instruction (QEMU's -icount, Hull) do the figures mean that.
// With two CPUs it also sends itself interrupts.
#include "bench/metal/guest.h"

#define ROUNDS 64
#define PLIC_PRIORITY_1 0x0c000004ull
#define FAR_RAM 0x84000000ull // nobody was there yet
#define SIE_SSIE 2
#define SIE_STIE 0x20
#define SSTATUS_SIE 2

extern char _start[];
void secondary(void);

static volatile uint64_t trap_count, trap_instret;
static volatile bool second_up;

__attribute__((interrupt("supervisor"), aligned(4))) static void trap_handler(void)
{
    trap_instret = csr_get(instret);
    trap_count++;
    csr_off(sip, SIE_SSIE);
    if (csr_get(scause) << 1 >> 1 == 5)
        sbi(SBI_TIME, 0, UINT64_MAX, 0, 0);
}

static void report(const char *what, uint64_t count)
{
    put_text(what);
    put_text(": ");
    put_number(count);
    put_text(" instructions\n");
}

static uint64_t empty(void)
{
    uint64_t before = csr_get(instret);

    return csr_get(instret) - before;
}

// The smallest of many: what comes in between is not its cost.
#define MEASURE(statement)                               \
    ({                                                   \
        uint64_t best_ = UINT64_MAX;                     \
        for (unsigned i_ = 0; i_ < ROUNDS; i_++) {       \
            uint64_t before_ = csr_get(instret), count_; \
            statement;                                   \
            count_ = csr_get(instret) - before_;         \
            if (count_ < best_)                          \
                best_ = count_;                          \
        }                                                \
        best_;                                           \
    })

static void measure_timer(void)
{
    uint64_t best = UINT64_MAX;

    csr_put(stvec, (uint64_t)(uintptr_t)trap_handler);
    csr_on(sie, SIE_STIE);
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t seen = trap_count, before = 0, last = 0;

        sbi(SBI_TIME, 0, csr_get(time) + 100, 0, 0);
        csr_on(sstatus, SSTATUS_SIE);
        while (trap_count == seen) {
            last = before;
            before = csr_get(instret);
        }
        csr_off(sstatus, SSTATUS_SIE);
        if (before > trap_instret) // it came after the loop had looked
            before = last;
        if (trap_instret - before < best)
            best = trap_instret - before;
    }
    csr_off(sie, SIE_STIE);
    report("timer interrupt, up to its handler", best);
}

__attribute__((noreturn)) static void second_main(void)
{
    csr_put(stvec, (uint64_t)(uintptr_t)trap_handler);
    csr_on(sie, SIE_SSIE);
    csr_on(sstatus, SSTATUS_SIE);
    second_up = true;
    for (;;)
        ;
}

static void measure_ipi(void)
{
    if (sbi(SBI_HSM, 0, 1, (uint64_t)(uintptr_t)_start, 0).error)
        return;
    while (!second_up)
        ;
    report("IPI to another CPU, sender's side", MEASURE(sbi(SBI_IPI, 0, 1, 1, 0)));
}

void guest_main(uint64_t hartid)
{
    uint64_t nothing = empty(), touched = 0;

    if (hartid)
        second_main();
    report("null hypercall (ecall to the next instruction)",
           MEASURE(sbi(SBI_BASE, 0, 0, 0, 0)) - nothing);
    report("unknown call", MEASURE(sbi(0x0bad, 0, 0, 0, 0)) - nothing);
    report("device register read (PLIC)", MEASURE(*(volatile uint32_t *)PLIC_PRIORITY_1) - nothing);
    report("memory never touched, 2 MiB zeroed on the way",
           MEASURE(*(volatile uint64_t *)(FAR_RAM + (touched += 0x200000))) - nothing);
    measure_timer();
    measure_ipi();
    put_text("done\n");
    power_off();
}
