// SPDX-License-Identifier: Apache-2.0
// A guest that means harm: probes addresses, CSRs and calls at random, breaks its rings, and interrupts itself
// without end. What must come of it is nothing, for everybody else; so it tells how far it has come.
#include "bench/metal/guest.h"

#define CALLS_PER_ROUND 200
#define PROBES_PER_ROUND 400
#define SBI_HSM_STOP 1
#define VIRTIO_BASE 0x10001000ull
#define APLIC 0x0d000000ull // or the PLIC's
#define IMSIC 0x28000000ull // or nothing
#define IMSIC_SIZE 0x10000
#define VIRTIO_SLOTS 8
#define RAM 0x80000000ull
#define RAM_SIZE (64ull << 20)

static uint64_t seed;
static uint32_t csr_code[2];

static uint64_t any(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

// A number that somebody might not have thought of.
static uint64_t nasty(void)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     2,
                                     0xfff,
                                     0x1000,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     UINT64_MAX,
                                     UINT64_MAX - 1,
                                     1ull << 63,
                                     RAM,
                                     RAM + RAM_SIZE - 1,
                                     RAM + RAM_SIZE,
                                     0x0c000000,
                                     0x10000000,
                                     0x10001000};

    switch (any() % 4) {
    case 0: return edges[any() % (sizeof(edges) / sizeof(edges[0]))];
    case 1: return any() & 0xffff;
    case 2: return RAM + any() % (2 * RAM_SIZE);
    default: return any() >> any() % 64;
    }
}

extern void resume_after_fetch(void);

// Steps over whatever trapped; a jump into nowhere goes back to where it came from.
__attribute__((interrupt("supervisor"), aligned(4))) static void trap_handler(void)
{
    uint64_t cause = csr_get(scause), pc = csr_get(sepc);

    if (cause >> 63) {
        csr_off(sip, 2);
        if ((cause & 0xff) == 5)
            sbi(SBI_TIME, 0, UINT64_MAX, 0, 0);
        return;
    }
    if (cause == 12 || cause == 1)
        csr_put(sepc, (uint64_t)(uintptr_t)resume_after_fetch);
    else
        csr_put(sepc, pc + ((*(uint16_t *)pc & 3) == 3 ? 4 : 2));
}

__asm__(".globl try_jump, resume_after_fetch\n"
        "try_jump: addi sp, sp, -16; sd ra, 0(sp); jalr a0\n"
        "resume_after_fetch: ld ra, 0(sp); addi sp, sp, 16; ret\n");
void try_jump(uint64_t where);

static void probe_memory(void)
{
    uint64_t address = nasty(), value = any();

    if (address >= RAM + 0x100000 && address < RAM + 0x400000)
        return; // our own code and stack
    switch (any() % 7) {
    case 0: __asm__ volatile("lb %0, (%1)" : "=r"(value) : "r"(address) : "memory"); break;
    case 1: __asm__ volatile("ld %0, (%1)" : "=r"(value) : "r"(address) : "memory"); break;
    case 2: __asm__ volatile("sw %0, (%1)" : : "r"(value), "r"(address) : "memory"); break;
    case 3: __asm__ volatile("sd %0, (%1)" : : "r"(value), "r"(address) : "memory"); break;
    case 4:
        __asm__ volatile("amoadd.d %0, %0, (%1)" : "+r"(value) : "r"(address) : "memory");
        break;
    case 5: __asm__ volatile("lr.w %0, (%1)" : "=r"(value) : "r"(address) : "memory"); break;
    default:
        if (address < RAM || address >= RAM + RAM_SIZE)
            try_jump(address & ~1ull);
    }
}

// Those that would only stop us: satp, and the way to our handler.
static bool csr_is_ours(unsigned csr)
{
    return csr == 0x180 || csr == 0x105 || csr == 0x100;
}

static void probe_csr(void)
{
    unsigned csr = any() & 0xfff;
    uint32_t op = 1 + any() % 3;

    if (csr_is_ours(csr))
        return;
    csr_code[0] = csr << 20 | 10u << 15 | op << 12 | 11u << 7 | 0x73; // csrrw/s/c a1, csr, a0
    csr_code[1] = 0x00008067;                                         // ret
    __asm__ volatile("fence.i" : : : "memory");
    __asm__ volatile("mv a0, %0; jalr %1"
                     :
                     : "r"(nasty()), "r"(csr_code)
                     : "a0", "a1", "ra", "memory");
    csr_put(sie, 0x22);
}

static void probe_call(void)
{
    static const uint64_t extensions[] = {
        SBI_BASE, SBI_TIME, SBI_IPI, SBI_HSM, SBI_DBCN, 0x52464e43, 0x504d55, 0x535441, 0x0948554c,
        0,        1,        2,       3,       4,        5,          6,        7,        0x0a000000};
    uint64_t eid =
        any() % 8 ? extensions[any() % (sizeof(extensions) / sizeof(extensions[0]))] : nasty();
    uint64_t fid = any() % 4 ? any() % 12 : nasty();

    // What ends or stops this CPU is not worth a test of the others; nor is what fills the screen.
    if (eid == 8 || eid == SBI_SRST || eid == 0x53555350 ||
        (eid == SBI_HSM && (fid == 1 || fid == 3)) || eid == 1 || (eid == SBI_DBCN && fid != 1))
        return;
    sbi(eid, fid, nasty(), nasty(), nasty());
}

static void probe_device(void)
{
    uint64_t base = VIRTIO_BASE + any() % VIRTIO_SLOTS * 0x1000;
    volatile uint32_t *reg = (volatile uint32_t *)(base + (any() % 64) * 4);

    if (any() % 3)
        *reg = (uint32_t)nasty();
    else
        (void)*reg;
    // A queue that is nowhere, or overlaps us, made ready and rung.
    if (any() % 16 == 0) {
        volatile uint32_t *r = (volatile uint32_t *)base;

        r[0x70 / 4] = 0;
        r[0x70 / 4] = 11;
        r[0x30 / 4] = any() % 3;
        r[0x38 / 4] = 1u << any() % 10;
        for (unsigned at = 0x80; at <= 0xa4; at += 4)
            r[at / 4] = (at & 4) ? (uint32_t)(any() % 2) : (uint32_t)nasty();
        r[0x44 / 4] = 1;
        r[0x70 / 4] = 15;
        r[0x50 / 4] = any() % 3;
    }
}

// A source's registers, those that take a source's number, others, and anybody's interrupt file.
static void probe_aia(void)
{
    static const uint16_t by_number[] = {0x1cdc, 0x1ddc, 0x1edc, 0x1fdc, 0x2000, 0x3000};
    uint64_t at;

    switch (any() % 4) {
    case 0: at = APLIC + any() % 1024 * 4 + any() % 2 * 0x3000; break;
    case 1: at = APLIC + by_number[any() % (sizeof(by_number) / sizeof(by_number[0]))]; break;
    case 2: at = APLIC + any() % 0x8000 / 4 * 4; break;
    default: at = IMSIC + any() % IMSIC_SIZE / 0x1000 * 0x1000;
    }
    *(volatile uint32_t *)at = (uint32_t)nasty();
}

void guest_main(uint64_t hartid)
{
    seed = 0x9e3779b97f4a7c15ull + hartid;
    csr_put(stvec, (uint64_t)(uintptr_t)trap_handler);
    csr_put(sie, 0x22);
    csr_on(sstatus, 2);
    for (uint64_t round = 1;; round++) {
        for (unsigned i = 0; i < PROBES_PER_ROUND; i++) {
            probe_memory();
            probe_csr();
            probe_device();
            probe_aia();
        }
        for (unsigned i = 0; i < CALLS_PER_ROUND; i++)
            probe_call();
        sbi(SBI_IPI, 0, 1, 0, 0);
        if ((round & (round - 1)) == 0) {
            put_text("hostile: round ");
            put_number(round);
            put_text("\n");
        }
    }
}
