// SPDX-License-Identifier: Apache-2.0
// Random words as code in S, U, VS and VU mode, with random registers, page tables of both stages that
// change at random, code that is rewritten with and without fence.i. Nothing is checked but that the hart always comes back:
// every trap is one of those that there are, and interrupts keep coming.
// With CHAOS_EXACT, for the lockstep test, what happens is the same on all harts that are right: fences
// are never left out, and code cannot write code.
// run: timeout=120
#include "hyp.h"

#define TRAPS_WANTED 100000
#define CODE_SIZE 4096
#define WINDOW 0x3f00000000ul // 16 pages of code and scratch, mapped at random
#define WINDOW_PAGES 16
#define G_WINDOW 0x1f00000000ul // guest physical pages that the G-stage maps at random

#ifdef CHAOS_EXACT
#define FENCED true
#else
#define FENCED (random() & 1)
#endif

static uint8_t *code, *scratch; // 32 KiB each
static struct pt pt, g;
static bool guests; // not on QEMU 7.2, whose M mode has V as well
static unsigned traps, interrupts;
static uint64_t rng = 0x2545f4914f6cdd1d;

static uint64_t random(void)
{
    rng ^= rng << 13;
    rng ^= rng >> 7;
    rng ^= rng << 17;
    return rng;
}

// Whole random words are mostly illegal: half of them get an opcode that means something.
static void rewrite_code(void)
{
    static const uint8_t opcodes[] = {0x73, 0x2f, 0x53, 0x0f, 0x03, 0x23, 0x63, 0x6f};

    for (unsigned i = 0; i < 64; i++) {
        uint32_t word = (uint32_t)random();
        unsigned at = (unsigned)(random() % (CODE_SIZE - 4)) & ~1u;

        if (random() & 1)
            word = (word & ~0x7fu) | opcodes[random() % sizeof(opcodes)];
        if (word == 0x10500073) // wfi could wait for long
            word = 0x13;
        memcpy(code + at, &word, 4);
    }
    if (FENCED)
        rt_fence_i();
}

static void change_tables(void)
{
    uint64_t *entry = pt_entry(&pt, WINDOW + (random() % WINDOW_PAGES) * PAGE, 0);
    uint8_t *page = (random() & 1 ? code : scratch) + (random() % 4) * PAGE;

    *entry = pt_pte(guests && random() & 1 ? G_WINDOW + (random() % 8) * PAGE : (uint64_t)page,
                    random() & 0x3ff);
    if (FENCED)
        pt_flush();
    csr_write(satp, random() & 3 ? pt_satp(&pt, (unsigned)(random() % 3)) : 0);
    if (!guests)
        return;
    pt_map(&g, G_WINDOW + (random() % 8) * PAGE, (uint64_t)page, 0, random() & 0x3ff);
    if (FENCED)
        hfence_gvma();
    if (FENCED)
        hfence_vvma();
    csr_write(vsatp, random() & 3 ? pt_satp(&pt, (unsigned)(random() % 3)) : 0);
    csr_write(hgatp, random() & 3 ? hyp_hgatp(&g, (unsigned)(random() % 3)) : 0);
}

static uint64_t random_register(void)
{
    switch (random() % 4) {
    case 0: return (uint64_t)scratch + random() % (4 * PAGE);
    case 1: return WINDOW + random() % (WINDOW_PAGES * PAGE);
    case 2: return (uint64_t)code + random() % CODE_SIZE;
    default: return random();
    }
}

// What S mode can do with these registers must not lead to where M mode is not asked.
static void calm(void)
{
    csr_write(hvip, 0);
    csr_write(hideleg, 0);
    csr_write(stvec, code);
    csr_write(vstvec, code);
    csr_write(hstatus, random() & (HSTATUS_SPVP | HSTATUS_HU | HSTATUS_SPV));
    csr_write(vsstatus, random() & (STATUS_SUM | STATUS_MXR | STATUS_FS | STATUS_SPP));
}

static bool next(struct rt_frame *f)
{
    static const uint64_t possible = 0xf0b7ff;
    bool paged, guest = guests && random() & 1;

    if (f->cause & CAUSE_INTERRUPT)
        interrupts++;
    else if (f->cause > 23 || !(possible >> f->cause & 1))
        EQ(f->cause, CAUSE_ILLEGAL); // none that there is
    if (++traps >= TRAPS_WANTED) {
        csr_write(mie, 0);
        csr_write(satp, 0);
        pt_flush();
        rt_trap_hook = NULL;
        CHECK(interrupts > 10);
        rt_printf("%s comes-back\n", interrupts > 10 ? "ok" : "not ok");
        rt_exit(interrupts > 10 ? 0 : 1);
    }
    wr64(MTIMECMP(0), rd64(MTIME) + 50 + random() % 500);
    csr_write(mie, BIT(IRQ_MTI));
    if (guests)
        calm();
    if (traps % 16 == 0)
        rewrite_code();
    if (traps % 32 == 0)
        change_tables();
    paged = (guest ? csr_read(vsatp) : csr_read(satp)) != 0;
    for (unsigned i = 1; i < 32; i++)
        if (random() & 1)
            f->x[i] = random_register();
    f->status = (f->status & ~(STATUS_MPP | STATUS_MPRV | STATUS_MPV)) | STATUS_MPIE | STATUS_FS;
    f->status |= guest ? STATUS_MPV : 0;
    f->status |= random() & 1 ? STATUS_MPP_S : 0;
    f->epc = (paged ? WINDOW : (uint64_t)code) + (random() % CODE_SIZE & ~1ul);
    return true;
}

// The lower modes may only read what is M mode's, and execute none of it. With CHAOS_EXACT they execute
// what they cannot write, and write what they cannot execute.
static void protect(void)
{
#ifdef CHAOS_EXACT
    csr_write(pmpaddr0, (uint64_t)code >> 2);
    csr_write(pmpaddr1, (uint64_t)code / 4 + 8 * PAGE / 4);
    csr_write(pmpaddr2, -1ul);
    csr_write(pmpcfg0, 0x1b0d0b); // TOR RW, TOR RX, NAPOT RW
#else
    csr_write(pmpaddr0, RAM >> 2);
    csr_write(pmpaddr1, (uint64_t)code >> 2);
    csr_write(pmpaddr2, ((uint64_t)scratch + 8 * PAGE) >> 2);
    csr_write(pmpaddr3, -1ul);
    csr_write(pmpcfg0, 0x190f0908); // TOR none, TOR R, TOR RWX, NAPOT R
#endif
}

static void run(void)
{
    code = rt_pages(8);
    scratch = rt_pages(8);
    protect();
    pt_init(&pt, 3);
    guests = !rt_on_qemu();
    if (guests) {
        hyp_g_init(&g, 3);
        csr_write(hcounteren, -1ul);
    }
    for (unsigned i = 0; i < WINDOW_PAGES; i++)
        pt_map(&pt, WINDOW + i * PAGE, (uint64_t)(i & 1 ? code : scratch) + i % 4 * PAGE, 0,
               PTE_LEAF | (i & 2 ? PTE_U : 0));
    for (unsigned i = 0; i < 100; i++)
        rewrite_code();
    rt_trap_hook = next;
    __asm__ volatile("ecall" ::: "memory"); // does not return
}

const struct rt_case rt_cases[] = {{"comes-back", run}, {0}};
