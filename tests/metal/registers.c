// SPDX-License-Identifier: Apache-2.0
// What an exit leaves in the registers: one instruction at a time, between known values in all of them and a look
// at all of them.
#include "bench/metal/guest.h"

#define PLIC_PRIORITY 0x0c000004ull
#define UART_SCRATCH 0x10000007ull
#define LOAD_ACCESS_FAULT 5
#define STORE_ACCESS_FAULT 7
#define SIE_STIE 0x20
#define ZERO 0
#define A0 10
#define A1 11
#define A6 16
#define A7 17

#define INSN_ECALL 0x73u
#define INSN_WFI 0x10500073u
#define C_NOP_ABOVE 0x00010000u // a compressed one fills half of the word

// Offsets: the assembly below.
static struct {
    uint64_t before[32], after[32], own[16];
} probe;
extern uint32_t probe_insn[];
extern char probe_after[];
void probe_run(void *probe);

// stvec leads to probe_after as well.
__asm__(
    ".text\n.balign 4\n.option push\n.option norvc\n.globl probe_run, probe_insn, probe_after\n"
    "probe_run:\n"
    "    sd ra, 512(a0)\n    sd sp, 520(a0)\n    sd gp, 528(a0)\n    sd tp, 536(a0)\n"
    "    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n    sd s\\n, 8*\\n+544(a0)\n    .endr\n"
    "    csrw sscratch, a0\n"
    "    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,10\n"
    "    ld x\\n, 8*\\n(a0)\n    .endr\n"
    "probe_insn:\n"
    "    nop\n"
    "probe_after:\n"
    "    csrrw a0, sscratch, a0\n"
    "    .irp n, 1,2,3,4,5,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
    "    sd x\\n, 8*\\n+256(a0)\n    .endr\n"
    "    csrr t0, sscratch\n    sd t0, 8*10+256(a0)\n"
    "    ld ra, 512(a0)\n    ld sp, 520(a0)\n    ld gp, 528(a0)\n    ld tp, 536(a0)\n"
    "    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11\n    ld s\\n, 8*\\n+544(a0)\n    .endr\n"
    "    ret\n"
    ".option pop\n");

static unsigned wrong;

static void fill(void)
{
    for (unsigned i = 1; i < 32; i++)
        probe.before[i] = 0x0101010101010101ull * i ^ 0x8000000000000000ull;
}

static void run(uint32_t insn)
{
    *probe_insn = insn;
    __asm__ volatile("fence.i" ::: "memory");
    csr_put(scause, 0);
    probe_run(&probe);
}

static void expect(bool right, const char *what, unsigned reg)
{
    if (right)
        return;
    wrong++;
    put_text("not ok ");
    put_text(what);
    put_text(", x");
    put_number(reg);
    put_text("\n");
}

// Two registers may have changed, and no exception was taken but `cause`.
static void expect_rest(const char *what, unsigned reg, unsigned other, uint64_t cause)
{
    for (unsigned i = 1; i < 32; i++)
        if (i != reg && i != other)
            expect(probe.after[i] == probe.before[i], what, i);
    expect(csr_get(scause) == cause, what, reg);
}

static uint32_t load(unsigned funct3, unsigned reg, unsigned base)
{
    return base << 15 | funct3 << 12 | reg << 7 | 0x03;
}

static uint32_t store(unsigned funct3, unsigned reg, unsigned base)
{
    return reg << 20 | base << 15 | funct3 << 12 | 0x23;
}

static void loads(unsigned reg, unsigned base)
{
    *(volatile uint32_t *)PLIC_PRIORITY = 1 + reg % 7;
    fill();
    probe.before[base] = PLIC_PRIORITY;
    run(load(2, reg, base));
    expect(!reg || probe.after[reg] == 1 + reg % 7, "a load", reg);
    expect_rest("next to a load", reg, 0, 0);
    run(load(3, reg, base)); // nobody reads eight bytes there
    expect_rest("a load that faults", ZERO, 0, LOAD_ACCESS_FAULT);
}

static void stores(unsigned reg, unsigned base)
{
    uint64_t value = reg ? 0x1234567800000000ull + (reg ^ 3) % 8 : 0;

    *(volatile uint32_t *)PLIC_PRIORITY = 7;
    fill();
    probe.before[reg] = reg ? value : 0;
    probe.before[base] = PLIC_PRIORITY;
    run(store(2, reg, base));
    expect(*(volatile uint32_t *)PLIC_PRIORITY == (uint32_t)value, "a store", reg);
    expect_rest("next to a store", ZERO, 0, 0);
    run(store(3, reg, base));
    expect_rest("a store that faults", ZERO, 0, STORE_ACCESS_FAULT);
}

// c.lw and c.sw: of x8 to x15.
static void compressed(unsigned reg, unsigned base)
{
    uint32_t fields = (base - 8) << 7 | (reg - 8) << 2;

    *(volatile uint32_t *)PLIC_PRIORITY = 1 + reg % 7;
    fill();
    probe.before[base] = PLIC_PRIORITY;
    run(C_NOP_ABOVE | 0x4000 | fields);
    expect(probe.after[reg] == 1 + reg % 7, "a compressed load", reg);
    expect_rest("next to a compressed load", reg, 0, 0);
    probe.before[reg] = 0xffffffff00000000ull | (reg ^ 5) % 8;
    run(C_NOP_ABOVE | 0xc000 | fields);
    expect(*(volatile uint32_t *)PLIC_PRIORITY == (reg ^ 5) % 8, "a compressed store", reg);
    expect_rest("next to a compressed store", ZERO, 0, 0);
}

static void bytes(unsigned reg, unsigned base)
{
    fill();
    probe.before[reg] = 0x7f9c;
    probe.before[base] = UART_SCRATCH;
    run(store(0, reg, base));
    run(load(0, reg, base));
    expect(probe.after[reg] == 0xffffffffffffff9cull, "a byte with its sign", reg);
    run(load(4, reg, base));
    expect(probe.after[reg] == 0x9c, "a byte", reg);
    expect_rest("next to a byte", reg, 0, 0);
}

static void call(uint64_t extension, uint64_t function, uint64_t arg, uint64_t a0, const char *what)
{
    fill();
    probe.before[A0] = arg;
    probe.before[A1] = 0;
    probe.before[A6] = function;
    probe.before[A7] = extension;
    run(INSN_ECALL);
    expect(probe.after[A0] == a0, what, A0);
    expect_rest(what, A0, A1, 0);
}

static void sleeps(void)
{
    fill();
    sbi(SBI_TIME, 0, csr_get(time) + 1000, 0, 0);
    run(INSN_WFI);
    expect_rest("a sleep", ZERO, 0, 0);
    sbi(SBI_TIME, 0, UINT64_MAX, 0, 0);
}

void guest_main(uint64_t hartid)
{
    (void)hartid;
    csr_put(stvec, (uint64_t)(uintptr_t)probe_after);
    csr_put(sie, SIE_STIE);
    for (unsigned reg = 0; reg < 32; reg++)
        loads(reg, reg == 5 ? 6 : 5), stores(reg, reg == 9 ? 18 : 9);
    loads(8, 8);
    loads(7, 7);
    for (unsigned reg = 8; reg < 16; reg++)
        compressed(reg, reg == 8 ? 15 : 8);
    bytes(6, 5), bytes(19, 28);
    call(SBI_BASE, 0, 0, 0, "a call of BASE");
    call(SBI_BASE, 99, 0, (uint64_t)-2, "an unknown one of BASE");
    call(SBI_TIME, 0, UINT64_MAX, 0, "a call of TIME");
    call(SBI_IPI, 0, 0, 0, "a call of IPI");
    call(SBI_IPI, 0, 1u << 20, (uint64_t)-3, "one of IPI to nobody");
    call(SBI_HSM, 2, 0, 0, "a call of HSM");
    call(0x0bad, 0, 0, (uint64_t)-2, "a call of nobody");
    sleeps();
    put_text(wrong ? "not ok every register\n" : "ok every register\n");
    put_text("registers: done\n");
    power_off();
}
