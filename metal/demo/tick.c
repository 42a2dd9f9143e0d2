// SPDX-License-Identifier: Apache-2.0
// A periodic task without an operating system: an S-mode guest that wakes up every period (1 ms), notes
// how late it is, and says from time to time what its worst latency was. The time comes from its own
// comparator (Sstc) or by SBI TIME, whatever the machine has; the console is SBI DBCN.
// Words of the kernel's command line: period_us=1000, report=1000 (periods between two reports),
// reports=0 (after so many it powers off; 0: never).
#include <hull/types.h>

#include "lib/fdt.h"
#include "lib/format.h"
#include "lib/mem.h"
#include "lib/str.h"

#define FDT_MAX (512u << 10)

#define SBI_PUTCHAR 1
#define SBI_TIME 0x54494d45
#define SBI_SRST 0x53525354
#define SBI_DBCN 0x4442434e

#define SIE_STIE (1ul << 5)
#define SSTATUS_SIE (1ul << 1)
#define CAUSE_TIMER (1ul << 63 | 5)

// Where the loader starts hart 0: a0 = hart, a1 = device tree.
__asm__(".section .text.start, \"ax\"\n"
        ".globl _start\n"
        "_start: la sp, tick_stack_end\n"
        "  mv fp, zero\n"
        "  tail tick_main\n"
        ".section .bss\n"
        ".balign 16\n"
        "  .skip 8192\n"
        "tick_stack_end:\n"
        ".text\n");

void tick_main(uint64_t hart, const void *fdt) __attribute__((noreturn));

// What the handler and the main loop share: only the handler writes, but for `window`, which the main
// loop clears with interrupts off.
static struct {
    bool sstc;
    uint64_t period, deadline; // ticks
    volatile uint64_t periods, missed, worst, window;
} task;

static uint64_t timebase, report_every, reports_wanted;

static uint64_t time_now(void)
{
    uint64_t now;

    __asm__ volatile("rdtime %0" : "=r"(now));
    return now;
}

static int64_t sbi(uint64_t extension, uint64_t function, uint64_t arg0, uint64_t arg1,
                   uint64_t arg2)
{
    register uint64_t a0 __asm__("a0") = arg0, a1 __asm__("a1") = arg1, a2 __asm__("a2") = arg2;
    register uint64_t a6 __asm__("a6") = function, a7 __asm__("a7") = extension;

    __asm__ volatile("ecall" : "+r"(a0), "+r"(a1) : "r"(a2), "r"(a6), "r"(a7) : "memory");
    return (int64_t)a0;
}

// Old firmware has no DBCN, but a call for each character.
static void say(const char *text)
{
    if (sbi(SBI_DBCN, 0, hull_strlen(text), (uint64_t)text, 0) >= 0)
        return;
    for (; *text; text++)
        sbi(SBI_PUTCHAR, 0, (uint8_t)*text, 0, 0);
}

static void stop(bool failed)
{
    sbi(SBI_SRST, 0, 0, failed, 0);
    for (;;)
        __asm__ volatile("wfi");
}

static void arm(uint64_t deadline)
{
    if (task.sstc)
        __asm__ volatile("csrw 0x14d, %0" ::"r"(deadline)); // stimecmp
    else
        sbi(SBI_TIME, 0, deadline, 0, 0);
}

// The task itself. Deadlines are a period apart whatever happens; those that have passed as well are
// counted, not made up for.
static void run_task(uint64_t now)
{
    uint64_t late = now - task.deadline;

    if (late > task.worst)
        task.worst = late;
    if (late > task.window)
        task.window = late;
    task.periods++;
    task.deadline += task.period;
    if (now >= task.deadline) {
        uint64_t missed = (now - task.deadline) / task.period + 1;

        task.missed += missed;
        task.deadline += missed * task.period;
    }
    arm(task.deadline);
}

static void tick_trap(void) __attribute__((interrupt("supervisor"), aligned(4)));
static void tick_trap(void)
{
    uint64_t now = time_now(), cause, epc, tval;
    char text[96];

    __asm__ volatile("csrr %0, scause" : "=r"(cause));
    if (cause == CAUSE_TIMER) {
        run_task(now);
        return;
    }
    __asm__ volatile("csrr %0, sepc\n\tcsrr %1, stval" : "=r"(epc), "=r"(tval));
    hull_snprintf(text, sizeof(text), "tick: trap %lx at %lx, value %lx\n", (unsigned long)cause,
                  (unsigned long)epc, (unsigned long)tval);
    say(text);
    stop(true);
}

// "NAME=NUMBER" among the words of the command line.
static uint64_t option(const char *line, const char *name, uint64_t usual)
{
    size_t length = hull_strlen(name);
    uint64_t value = 0;

    for (const char *at = line; *at; at++) {
        if ((at != line && at[-1] != ' ') || hull_strncmp(at, name, length))
            continue;
        for (at += length; *at >= '0' && *at <= '9' && value < 1ull << 40; at++)
            value = value * 10 + (uint64_t)(*at - '0');
        return value;
    }
    return usual;
}

// Whether an ISA string ("rv64imafdc_zicsr_sstc") names Sstc as a whole word.
static bool has_sstc(const char *isa)
{
    for (; *isa; isa++)
        if (hull_str_starts(isa, "_sstc") && (!isa[5] || isa[5] == '_'))
            return true;
    return false;
}

// What the device tree says; false when it does not say how fast time goes.
static bool configure(const void *fdt)
{
    struct fdt_view view;
    const char *text = "";
    uint32_t cpus, cpu, hz;

    if (hull_fdt_open(&view, fdt, FDT_MAX))
        return false;
    cpus = hull_fdt_find_path(&view, "/cpus");
    if (cpus == HULL_FDT_NONE || hull_fdt_get_u32(&view, cpus, "timebase-frequency", &hz) || !hz)
        return false;
    timebase = hz;
    for (cpu = hull_fdt_first_child(&view, cpus); cpu != HULL_FDT_NONE;
         cpu = hull_fdt_next_sibling(&view, cpu))
        if (!hull_fdt_get_string(&view, cpu, "riscv,isa", &text))
            task.sstc |= has_sstc(text);
    if (hull_fdt_get_string(&view, hull_fdt_find_path(&view, "/chosen"), "bootargs", &text))
        text = "";
    task.period = option(text, "period_us=", 1000) * timebase / 1000000;
    report_every = option(text, "report=", 1000);
    reports_wanted = option(text, "reports=", 0);
    return task.period && report_every;
}

// Ticks as microseconds with one digit behind the point.
static void report(uint64_t window)
{
    uint64_t worst = task.worst * 10000000 / timebase, last = window * 10000000 / timebase;
    char text[128];

    hull_snprintf(
        text, sizeof(text),
        "tick: %llu periods, %llu missed, worst latency %llu.%llu us, of late %llu.%llu us\n",
        (unsigned long long)task.periods, (unsigned long long)task.missed,
        (unsigned long long)(worst / 10), (unsigned long long)(worst % 10),
        (unsigned long long)(last / 10), (unsigned long long)(last % 10));
    say(text);
}

static uint64_t take_window(void)
{
    uint64_t window;

    __asm__ volatile("csrc sstatus, %0" ::"r"(SSTATUS_SIE) : "memory");
    window = task.window;
    task.window = 0;
    __asm__ volatile("csrs sstatus, %0" ::"r"(SSTATUS_SIE) : "memory");
    return window;
}

static void begin(void)
{
    char text[96];

    hull_snprintf(text, sizeof(text), "tick: a period of %llu ticks of %llu Hz, timer by %s\n",
                  (unsigned long long)task.period, (unsigned long long)timebase,
                  task.sstc ? "Sstc" : "SBI");
    say(text);
    __asm__ volatile("csrw stvec, %0" ::"r"(tick_trap));
    task.deadline = time_now() + task.period;
    arm(task.deadline);
    __asm__ volatile("csrs sie, %0" ::"r"(SIE_STIE));
    __asm__ volatile("csrs sstatus, %0" ::"r"(SSTATUS_SIE) : "memory");
}

void tick_main(uint64_t hart, const void *fdt)
{
    uint64_t next, reports = 0;

    (void)hart;
    if (!configure(fdt)) {
        say("tick: the device tree does not say enough\n");
        stop(true);
    }
    begin();
    for (next = report_every;; next += report_every) {
        while (task.periods < next)
            __asm__ volatile("wfi");
        report(take_window());
        if (reports_wanted && ++reports == reports_wanted)
            stop(false);
    }
}
