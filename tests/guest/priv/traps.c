// SPDX-License-Identifier: Apache-2.0
// Every synchronous trap: cause, tval, epc, the status stack, delegation, vectors, nesting.
#include "csr.h"
#include "pt.h"

static uint8_t code[64] __attribute__((aligned(64)));

#define EBREAK_C 0x9002
#define RET_C 0x8082

static uint64_t last_epc(void)
{
    return rt_last[0].epc;
}

static void breakpoints(void)
{
    struct rt_outcome o = TRY("ebreak", );

    EQ(o.cause, CAUSE_BREAKPOINT);
    CHECK(o.tval == 0 || o.tval == last_epc());
    EQ(rt_insn_at(last_epc()) & 0xffff, EBREAK_C); // the assembler compresses it
    o = TRY(".option push\n.option norvc\n ebreak\n.option pop", );
    EQ(o.cause, CAUSE_BREAKPOINT);
    EQ(rt_insn_at(last_epc()), 0x00100073);
}

static void environment_calls(void)
{
    TRAPS(TRY("ecall", ), CAUSE_ECALL_M, 0);
    EQ(rt_insn_at(last_epc()), 0x73);
    EQ(rt_last[0].status & STATUS_MPP, STATUS_MPP);
}

static uint64_t ecall_there(uint64_t arg)
{
    return TRY("ecall", ).cause;
}

static void environment_calls_below(void)
{
    EQ(rt_run_in(PRIV_S, ecall_there, 0, 0), CAUSE_ECALL_S);
    EQ(rt_last[0].status & STATUS_MPP, STATUS_MPP_S);
    EQ(rt_run_in(PRIV_U, ecall_there, 0, 0), CAUSE_ECALL_U);
    EQ(rt_last[0].status & STATUS_MPP, 0);
}

static void illegal_instructions(void)
{
    TRAPS(TRY(".half 0", ), CAUSE_ILLEGAL, 0);
    TRAPS(TRY(".word 0xffffffff", ), CAUSE_ILLEGAL, 0xffffffff);
    TRAPS(TRY(".word 0x0000200b", ), CAUSE_ILLEGAL, 0x200b);
    TRAPS(TRY("csrw 0xc00, zero", ), CAUSE_ILLEGAL, 0xc0001073); // cycle is read-only
    TRAPS(TRY("csrr zero, 0x7ff", ), CAUSE_ILLEGAL, 0x7ff02073); // there is none
    // A compressed one has only its own 16 bits in mtval, whatever follows.
    TRAPS(TRY(".half 0x9c00, 0xffff", ), CAUSE_ILLEGAL, 0x9c00);
}

// With C all targets are even: jalr drops bit 0, so that misaligned fetches can't be.
static void jump_targets(void)
{
    uintptr_t at = (uintptr_t)code;

    NOT_ON_QEMU("it keeps bit 0 of xepc");
    for (unsigned i = 0; i < sizeof(code); i += 2)
        *(uint16_t *)(code + i) = RET_C;
    rt_fence_i();
    for (unsigned i = 0; i < 4; i++)
        NO_TRAPS(rt_try_exec(at + i));
    csr_write(mepc, at + 3);
    EQ(csr_read(mepc), at + 2);
    csr_write(sepc, at + 1);
    EQ(csr_read(sepc), at);
}

// Nothing is there: the access fault names the address, and the instruction has had no effect.
static void access_faults(void)
{
    static const uintptr_t nowhere[] = {0x0, 0x40000000, 0x7ffffff8, 0x1000000000,
                                        0x8000000000000000};
    uint64_t value = 0;

    NOT_ON_QEMU("it has something at these addresses");
    for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        TRAPS(rt_try_load(nowhere[i], 8, &value), CAUSE_LOAD_ACCESS, nowhere[i]);
        TRAPS(rt_try_load(nowhere[i] + 1, 1, &value), CAUSE_LOAD_ACCESS, nowhere[i] + 1);
        TRAPS(rt_try_store(nowhere[i], 4, 1), CAUSE_STORE_ACCESS, nowhere[i]);
        TRAPS(rt_try_exec(nowhere[i]), CAUSE_FETCH_ACCESS, nowhere[i]);
        EQ(last_epc(), nowhere[i]);
        TRAPS(TRY("amoadd.w zero, zero, (%2)", "r"(nowhere[i])), CAUSE_STORE_ACCESS, nowhere[i]);
        TRAPS(TRY("lr.d zero, (%2)", "r"(nowhere[i])), CAUSE_LOAD_ACCESS, nowhere[i]);
        TRAPS(TRY("sc.d zero, zero, (%2)", "r"(nowhere[i])), CAUSE_STORE_ACCESS, nowhere[i]);
    }
    EQ(value, 0);
}

// Accesses over the end of memory: tval is where the part begins that fails.
static void end_of_memory(void)
{
    const uintptr_t end = RAM + (64ul << 20);
    uint64_t value = 0, before = rd64(end - 8);

    NOT_ON_QEMU("it reports the first byte");
    NO_TRAPS(rt_try_load(end - 8, 8, &value));
    for (unsigned back = 1; back < 8; back++) {
        TRAPS(rt_try_load(end - back, 8, &value), CAUSE_LOAD_ACCESS, end);
        TRAPS(rt_try_store(end - back, 8, 0), CAUSE_STORE_ACCESS, end);
    }
    TRAPS(rt_try_load(RAM - 2, 4, &value), CAUSE_LOAD_ACCESS, RAM - 2);
    EQ(rd64(end - 8), before);
    *(volatile uint16_t *)(end - 2) = 0x0013; // half of a nop
    rt_fence_i();
    TRAPS(rt_try_exec(end - 2), CAUSE_FETCH_ACCESS, end);
    EQ(last_epc(), end - 2);
    *(volatile uint16_t *)(end - 2) = 0x0001; // c.nop, and on over the end
    rt_fence_i();
    TRAPS(rt_try_exec(end - 2), CAUSE_FETCH_ACCESS, end);
    EQ(last_epc(), end);
}

// Atomics to devices have no such memory attribute here.
static void atomics_to_devices(void)
{
    NOT_ON_QEMU("it does them");
    TRAPS(TRY("amoadd.w zero, zero, (%2)", "r"(UART)), CAUSE_STORE_ACCESS, UART);
    TRAPS(TRY("lr.w zero, (%2)", "r"(PLIC)), CAUSE_LOAD_ACCESS, PLIC);
}

static void misaligned_atomics(void)
{
    static uint64_t words[4];
    uintptr_t at = (uintptr_t)words;

    NOT_ON_QEMU("it reports an lr for them all, and lets a failing sc pass");
    for (unsigned i = 1; i < 8; i++) {
        TRAPS(TRY("amoadd.d zero, zero, (%2)", "r"(at + i)), CAUSE_STORE_MISALIGNED, at + i);
        TRAPS(TRY("lr.d zero, (%2)", "r"(at + i)), CAUSE_LOAD_MISALIGNED, at + i);
        TRAPS(TRY("sc.d zero, zero, (%2)", "r"(at + i)), CAUSE_STORE_MISALIGNED, at + i);
        if (i == 4)
            continue;
        TRAPS(TRY("amoswap.w zero, zero, (%2)", "r"(at + i)), CAUSE_STORE_MISALIGNED, at + i);
        TRAPS(TRY("lr.w zero, (%2)", "r"(at + i)), CAUSE_LOAD_MISALIGNED, at + i);
        TRAPS(TRY("sc.w zero, zero, (%2)", "r"(at + i)), CAUSE_STORE_MISALIGNED, at + i);
    }
    EQ(words[0] | words[1], 0);
}

// A faulting load must not write its register, an atomic that faults neither.
static void no_side_effects(void)
{
    uint64_t value = 0x1234567;

    NOT_ON_QEMU("it has something at these addresses");
    TRY_OUT("ld %2, (%3)", value, "r"(0x7ffffff8));
    EQ(value, 0x1234567);
    TRY_OUT("lr.d %2, (%3)", value, "r"(0x7ffffff8));
    EQ(value, 0x1234567);
    TRY_OUT("amoadd.d %2, %2, (%3)", value, "r"(0x7ffffff8));
    EQ(value, 0x1234567);
    TRY_OUT("csrrw %2, 0x7ff, %2", value, );
    EQ(value, 0x1234567);
    TRY_OUT("csrrs %2, 0xf14, %3", value, "r"(1)); // mhartid can't be written
    EQ(value, 0x1234567);
}

// xIE, xPIE and xPP on entry, and on return.
static void status_stack(void)
{
    uint64_t after;

    csr_write(mie, 0);
    csr_set(mstatus, STATUS_MIE);
    TRY("ecall", );
    EQ(rt_last[0].status & (STATUS_MIE | STATUS_MPIE | STATUS_MPP), STATUS_MPIE | STATUS_MPP);
    after = csr_read(mstatus);
    EQ(after & (STATUS_MIE | STATUS_MPIE | STATUS_MPP), STATUS_MIE | STATUS_MPIE);
    csr_clear(mstatus, STATUS_MIE);
    TRY("ecall", );
    EQ(rt_last[0].status & (STATUS_MIE | STATUS_MPIE), 0);
    after = csr_read(mstatus);
    EQ(after & (STATUS_MIE | STATUS_MPIE | STATUS_MPP), STATUS_MPIE);
}

static uint64_t below(uint64_t arg)
{
    if (arg == 0)
        return TRY("ebreak", ).cause;
    return TRY(".half 0", ).cause;
}

static void delegation(void)
{
    csr_write(medeleg, BIT(CAUSE_BREAKPOINT));
    EQ(rt_run_in(PRIV_S, below, 0, 0), CAUSE_BREAKPOINT);
    EQ(rt_last[0].mode, PRIV_S);
    EQ(rt_last[0].status & STATUS_SPP, STATUS_SPP);
    EQ(rt_run_in(PRIV_U, below, 0, 0), CAUSE_BREAKPOINT);
    EQ(rt_last[0].mode, PRIV_S);
    EQ(rt_last[0].status & STATUS_SPP, 0);
    EQ(rt_run_in(PRIV_S, below, 1, 0), CAUSE_ILLEGAL); // not delegated
    EQ(rt_last[0].mode, PRIV_M);
    // In M mode nothing is.
    EQ(TRY("ebreak", ).cause, CAUSE_BREAKPOINT);
    EQ(rt_last[0].mode, PRIV_M);
    csr_write(medeleg, ~0ul);
    if (!rt_on_qemu())
        EQ(csr_read(medeleg) & BIT(CAUSE_ECALL_M), 0); // can't come from below
    csr_write(medeleg, BIT(CAUSE_ECALL_U));
    EQ(rt_run_in(PRIV_U, ecall_there, 0, 0), CAUSE_ECALL_U);
    EQ(rt_last[0].mode, PRIV_S);
    EQ(rt_run_in(PRIV_S, ecall_there, 0, 0), CAUSE_ECALL_S);
    EQ(rt_last[0].mode, PRIV_M);
    csr_write(medeleg, 0);
}

extern char rt_vectors_m[], rt_trap_m[];

// Vectored: interrupts go to base + 4 * cause, exceptions to the base.
static void vectored(void)
{
    uint64_t old = csr_read(mtvec);
    struct rt_frame;

    csr_write(mtvec, (uint64_t)rt_vectors_m | 1);
    EQ(csr_read(mtvec), (uint64_t)rt_vectors_m | 1);
    TRAPS(TRY("ecall", ), CAUSE_ECALL_M, 0);
    csr_write(mtvec, (uint64_t)rt_vectors_m | 2); // reserved
    EQ(csr_read(mtvec) & 2, 0);
    csr_write(mtvec, old);
}

static unsigned nested;

static bool nest(struct rt_frame *f)
{
    if (f->cause != CAUSE_BREAKPOINT)
        return false;
    f->epc += 2;
    if (++nested < 8) // a trap in the handler, down to eight levels
        __asm__ volatile("c.ebreak" ::: "memory");
    TRAPS(TRY(".word 0xffffffff", ), CAUSE_ILLEGAL, 0xffffffff);
    return true;
}

static void nesting(void)
{
    nested = 0;
    rt_trap_hook = nest;
    __asm__ volatile("c.ebreak" ::: "memory");
    EQ(nested, 8);
    rt_trap_hook = NULL;
}

// mret with MPP: S, U; sret from M; the reserved MPP value is not kept.
static void status_fields(void)
{
    uint64_t old = csr_read(mstatus);

    NOT_ON_QEMU("it keeps the reserved MPP");
    csr_clear(mstatus, STATUS_MPP);
    csr_set(mstatus, 2ul << 11);
    CHECK((csr_read(mstatus) & STATUS_MPP) != 2ul << 11);
    csr_write(mstatus, old);
    EQ(csr_probe(mstatus, ~0ul) >> 32 & 0xf, 0xa); // SXL and UXL stay 64
    EQ(csr_read(misa) >> 62, 2);
    csr_write(mcause, CAUSE_INTERRUPT | 5);
    EQ(csr_read(mcause), CAUSE_INTERRUPT | 5);
    csr_write(mtval, 0x123456789abcdef0);
    EQ(csr_read(mtval), 0x123456789abcdef0);
    csr_write(stval, ~0ul);
    EQ(csr_read(stval), ~0ul);
}

const struct rt_case rt_cases[] = {
    {"breakpoints", breakpoints},
    {"environment-calls", environment_calls},
    {"environment-calls-below", environment_calls_below},
    {"illegal-instructions", illegal_instructions},
    {"jump-targets", jump_targets},
    {"access-faults", access_faults},
    {"end-of-memory", end_of_memory},
    {"atomics-to-devices", atomics_to_devices},
    {"misaligned-atomics", misaligned_atomics},
    {"no-side-effects", no_side_effects},
    {"status-stack", status_stack},
    {"delegation", delegation},
    {"vectored-exceptions", vectored},
    {"nesting", nesting},
    {"status-fields", status_fields},
    {0},
};
