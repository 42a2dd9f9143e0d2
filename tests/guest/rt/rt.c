// SPDX-License-Identifier: Apache-2.0
// The guest programs' runtime in C: the table of cases, checks, traps, modes, harts, memory, printing.
#include "rt.h"

#include <stdarg.h>

#include "csr.h"

#define LSR_THRE 0x20
#define PAGES 2048

const void *rt_fdt;
bool (*rt_trap_hook)(struct rt_frame *frame);
struct rt_last rt_last[RT_HARTS];
uint64_t rt_return_sp[RT_HARTS];

extern char rt_stacks[], rt_leave[], rt_leave_stub[];
uint64_t rt_enter(uint64_t pc, uint64_t arg, uint64_t sp, uint64_t ra, uint64_t status);

static const char *skipped; // why the case does not count
static unsigned failures;   // of the case that runs
static unsigned pages_used;
static uint8_t pages[PAGES][PAGE] __attribute__((aligned(65536)));

// Each hart's stacks lie in one aligned region, so that no register has to be kept for this.
unsigned rt_hart(void)
{
    uintptr_t sp;

    __asm__ volatile("addi %0, sp, -1" : "=r"(sp));
    return (unsigned)((sp - (uintptr_t)rt_stacks) >> RT_STACK_SHIFT);
}

// ---- Printing ----

static void put_char(char c)
{
    while (!(rd8(UART + 5) & LSR_THRE))
        ;
    wr8(UART, (uint8_t)c);
}

static void put_number(uint64_t value, unsigned base)
{
    char digits[20];
    unsigned n = 0;

    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n)
        put_char(digits[--n]);
}

static void put_argument(char kind, bool wide, va_list *args)
{
    uint64_t value;

    switch (kind) {
    case 's':
        for (const char *s = va_arg(*args, const char *); *s; s++)
            put_char(*s);
        return;
    case 'c': put_char((char)va_arg(*args, int)); return;
    case 'd':
    case 'u':
    case 'x':
        value = wide ? va_arg(*args, uint64_t) : (uint32_t)va_arg(*args, int);
        if (kind == 'd' && (int32_t)value < 0 && !wide) {
            put_char('-');
            value = (uint64_t) - (int64_t)(int32_t)value;
        }
        put_number(value, kind == 'x' ? 16 : 10);
        return;
    default: put_char(kind);
    }
}

void rt_printf(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    for (; *format; format++) {
        bool wide = false;

        if (*format != '%') {
            put_char(*format);
            continue;
        }
        if (*++format == 'l') {
            wide = true;
            format++;
        }
        put_argument(*format, wide, &args);
    }
    va_end(args);
}

// ---- Checks and the end ----

bool rt_check_counts(void)
{
    return __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED) <= 12;
}

void rt_check_failed(const char *file, int line, const char *what, uint64_t got, uint64_t want)
{
    if (rt_check_counts())
        rt_printf("# %s:%d: %s: 0x%lx, not 0x%lx\n", file, line, what, got, want);
}

void rt_skip(const char *reason)
{
    skipped = reason;
}

void rt_exit(int code)
{
#ifdef RT_HTIF
    extern volatile uint64_t tohost;
    if (!rt_on_qemu())
        tohost = (uint64_t)code << 1 | 1;
#endif
    for (;;)
        wr32(FINISHER, code ? (uint32_t)code << 16 | 0x3333 : 0x5555);
}

#ifdef RT_SMODE
static uint64_t sbi_implementation(void)
{
    register uint64_t a0 __asm__("a0"), a1 __asm__("a1");
    register uint64_t a6 __asm__("a6") = 1, a7 __asm__("a7") = 0x10;

    __asm__ volatile("ecall" : "=r"(a0), "=r"(a1) : "r"(a6), "r"(a7) : "memory");
    return a1;
}

bool rt_on_qemu(void)
{
    return sbi_implementation() == 1; // OpenSBI
}
#else
bool rt_on_qemu(void)
{
    return csr_read(marchid) != 0; // QEMU's own version
}
#endif

void rt_main(uint64_t hart, uint64_t fdt)
{
    int failed = 0;

    (void)hart;
    rt_fdt = (const void *)fdt;
    for (const struct rt_case *c = rt_cases; c->name; c++) {
        failures = 0;
        skipped = NULL;
        pages_used = 0;
        rt_trap_hook = NULL;
        c->run();
        if (skipped && !failures)
            rt_printf("skip %s: %s\n", c->name, skipped);
        else
            rt_printf("%s %s\n", failures ? "not ok" : "ok", c->name);
        failed |= failures != 0;
    }
    rt_exit(failed);
}

// ---- Traps ----

static void fatal_trap(const struct rt_frame *f)
{
    rt_printf("# hart %u: unexpected trap in mode %lu: cause %lx, epc %lx, tval %lx, status %lx\n",
              rt_hart(), f->mode, f->cause, f->epc, f->tval, f->status);
    rt_exit(99);
}

// The end of a function that rt_run_in() called: back to where it was called.
static void leave(struct rt_frame *f)
{
#ifdef RT_SMODE
    f->status |= STATUS_SPP;
#else
    if (f->mode != PRIV_M) { // its environment call was delegated: pass it on
        if (f->cause == CAUSE_ECALL_VS)
            csr_clear(0x600, HSTATUS_SPV);
        f->epc = (uint64_t)rt_leave_stub;
        f->status |= STATUS_SPP;
        return;
    }
    f->status = (f->status | STATUS_MPP) & ~STATUS_MPV; // QEMU 7.2 wants V for M mode, too
#endif
    f->epc = (uint64_t)rt_leave;
    f->x[2] = rt_return_sp[rt_hart()];
}

static void note_hypervisor(struct rt_last *last)
{
#ifndef RT_SMODE
    if (last->mode == PRIV_M) {
        last->tval2 = csr_read(0x34b);
        last->tinst = csr_read(0x34a);
    } else if (last->mode == PRIV_S) {
        last->tval2 = csr_read(0x643);
        last->tinst = csr_read(0x64a);
        last->hs = csr_read(0x600);
    }
#else
    (void)last;
#endif
}

void rt_trap(struct rt_frame *f)
{
    struct rt_last *last = &rt_last[rt_hart()];

    if (!(f->cause & CAUSE_INTERRUPT)) {
        if (f->x[30] == NO_TRAP) {
            *last = (struct rt_last){
                .epc = f->epc, .status = f->status, .mode = f->mode, .count = last->count + 1};
            note_hypervisor(last);
            f->epc = f->x[31];
            f->x[30] = f->cause;
            f->x[31] = f->tval;
            return;
        }
        if (f->cause >= CAUSE_ECALL_U && f->cause <= CAUSE_ECALL_M && f->x[17] == RT_LEAVE_MAGIC) {
            leave(f);
            return;
        }
    }
    if (!rt_trap_hook || !rt_trap_hook(f))
        fatal_trap(f);
}

struct rt_outcome rt_try_load(uintptr_t addr, unsigned size, uint64_t *value)
{
    uint64_t v = 0;
    struct rt_outcome o;

    switch (size) {
    case 1: o = TRY_OUT("lbu %2, (%3)", v, "r"(addr)); break;
    case 2: o = TRY_OUT("lhu %2, (%3)", v, "r"(addr)); break;
    case 4: o = TRY_OUT("lwu %2, (%3)", v, "r"(addr)); break;
    default: o = TRY_OUT("ld %2, (%3)", v, "r"(addr)); break;
    }
    if (value)
        *value = v;
    return o;
}

struct rt_outcome rt_try_store(uintptr_t addr, unsigned size, uint64_t value)
{
    switch (size) {
    case 1: return TRY("sb %2, (%3)", "r"(value), "r"(addr));
    case 2: return TRY("sh %2, (%3)", "r"(value), "r"(addr));
    case 4: return TRY("sw %2, (%3)", "r"(value), "r"(addr));
    default: return TRY("sd %2, (%3)", "r"(value), "r"(addr));
    }
}

struct rt_outcome rt_try_exec(uintptr_t addr)
{
    register uint64_t a0 __asm__("a0") = addr;

    return TRY_OUT("jalr a0", a0, );
}

uint64_t rt_access(uint64_t request)
{
    struct rt_request *r = (void *)request;

    if (r->access == LOAD)
        r->outcome = rt_try_load(r->va, 8, NULL);
    else if (r->access == STORE)
        r->outcome = rt_try_store(r->va, 8, 0x80828082);
    else
        r->outcome = rt_try_exec(r->va);
    return 0;
}

uint32_t rt_insn_at(uintptr_t addr)
{
    uint32_t low = *(uint16_t *)addr;

    return (low & 3) == 3 ? low | (uint32_t) * (uint16_t *)(addr + 2) << 16 : low;
}

// ---- Modes ----

// The lower half of what is left of this hart's stack is the function's.
uint64_t rt_run_in(unsigned mode, uint64_t (*fn)(uint64_t), uint64_t arg, uint64_t offset)
{
    uint64_t sp = (uint64_t)rt_stacks + (uint64_t)rt_hart() * RT_STACK_SIZE + RT_STRAP_TOP + 0x2800;
#ifdef RT_SMODE
    uint64_t status = 0;
    (void)mode;
#else
    uint64_t status = (uint64_t)mode << 11;
#endif

    return rt_enter((uint64_t)fn + offset, arg, sp + offset, (uint64_t)rt_leave_stub + offset,
                    status);
}

// ---- Harts ----
#ifdef RT_SMODE
void rt_secondary(void)
{
    rt_exit(98);
}
#else
struct work {
    void (*volatile fn)(uint64_t);
    uint64_t arg;
    volatile bool busy;
};
static struct work work[RT_HARTS];
static uint32_t present;

// Harts that the program was started with, but not more than its `run:` line asks for.
bool rt_need(unsigned harts)
{
    uint64_t end = rt_time() + 5000 * RT_MS;
    uint32_t all = ((1u << harts) - 1) & ~1u;

    while ((__atomic_load_n(&present, __ATOMIC_ACQUIRE) & all) != all)
        if (rt_time() > end)
            return false;
    return true;
}

// Other harts sleep until their software interrupt is pending; they never take it.
void rt_secondary(void)
{
    unsigned hart = rt_hart();

    __atomic_fetch_or(&present, 1u << hart, __ATOMIC_RELEASE);
    for (;;) {
        csr_write(mie, BIT(IRQ_MSI));
        while (!(csr_read(mip) & BIT(IRQ_MSI)))
            __asm__ volatile("wfi");
        csr_write(mie, 0);
        wr32(MSIP(hart), 0);
        rt_fence();
        if (!work[hart].busy)
            continue;
        work[hart].fn(work[hart].arg);
        rt_fence();
        work[hart].busy = false;
    }
}

void rt_start(unsigned hart, void (*fn)(uint64_t), uint64_t arg)
{
    work[hart].fn = fn;
    work[hart].arg = arg;
    work[hart].busy = true;
    rt_fence();
    wr32(MSIP(hart), 1);
}

void rt_join(unsigned hart)
{
    while (work[hart].busy)
        __asm__ volatile(".word 0x0100000f"); // pause
    rt_fence();
}
#endif

// ---- Memory and time ----

void *rt_pages(unsigned count)
{
    void *first = pages[pages_used];

    pages_used += count;
    if (pages_used > PAGES) {
        rt_printf("# out of pages\n");
        rt_exit(97);
    }
    return memset(first, 0, count * PAGE);
}

void *rt_page(void)
{
    return rt_pages(1);
}

void *memset(void *to, int byte, size_t size)
{
    uint8_t *p = to;

    for (; size && ((uintptr_t)p & 7); size--)
        *p++ = (uint8_t)byte;
    for (uint64_t all = (uint8_t)byte * 0x0101010101010101ul; size >= 8; size -= 8, p += 8)
        *(volatile uint64_t *)p = all;
    while (size--)
        *(volatile uint8_t *)p++ = (uint8_t)byte;
    return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
    volatile uint8_t *p = to;
    const uint8_t *q = from;

    while (size--)
        *p++ = *q++;
    return to;
}

int memcmp(const void *a, const void *b, size_t size)
{
    const volatile uint8_t *p = a, *q = b;

    for (; size--; p++, q++)
        if (*p != *q)
            return *p - *q;
    return 0;
}

size_t rt_strlen(const char *s)
{
    size_t n = 0;

    while (((const volatile char *)s)[n])
        n++;
    return n;
}

uint64_t rt_time(void)
{
    return csr_read(time);
}

void rt_wait(uint64_t ticks)
{
    uint64_t until = rt_time() + ticks;

    while ((int64_t)(until - rt_time()) > 0)
        ;
}
