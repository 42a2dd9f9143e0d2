// SPDX-License-Identifier: Apache-2.0
// Random code in U mode, in pages of its own: any instruction there is, with wild registers, until it traps
// or its time is over.
#include "hostile.h"

#include "pt.h"

#define RUNS 300
#define USER 0x400000000ul
#define USER_PAGES 4
#define SLICE 2000 // ticks

static struct {
    struct pt pt;
    uint8_t *pages;
} spaces[RT_HARTS];

void hostile_user_init(unsigned hart)
{
    static const unsigned levels[] = {3, 4, 3, 5};

    spaces[hart].pages = rt_pages(USER_PAGES);
    pt_init(&spaces[hart].pt, 3);
    (void)levels;
    for (unsigned i = 0; i < USER_PAGES; i++)
        pt_map(&spaces[hart].pt, USER + i * PAGE, (uint64_t)spaces[hart].pages + i * PAGE, 0,
               PTE_V | PTE_R | PTE_W | (i < 2 ? PTE_X : 0) | PTE_U | PTE_AD);
}

// Half of them with the opcode of something, so that not nearly all are illegal.
static uint32_t any_insn(void)
{
    static const uint8_t opcodes[] = {0x03, 0x07, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27,
                                      0x2f, 0x33, 0x37, 0x3b, 0x43, 0x47, 0x53, 0x63,
                                      0x67, 0x6f, 0x73, 0x57, 0x13, 0x33, 0x2f, 0x53};
    uint32_t word = (uint32_t)rnd();

    return rnd() & 3 ? (word & ~0x7fu) | opcodes[rnd_below(sizeof(opcodes))] : word;
}

static void fill(uint8_t *pages)
{
    for (unsigned i = 0; i < 2 * PAGE; i += 4)
        wr32((uintptr_t)pages + i, any_insn());
    for (unsigned i = 0; i < 64; i++)
        wr64((uintptr_t)pages + 2 * PAGE + 8 * rnd_below(2 * PAGE / 8), wild());
}

void hostile_user_code(unsigned round)
{
    unsigned hart = rt_hart();

    csr_write(satp, pt_satp(&spaces[hart].pt, 1 + hart));
    pt_flush();
    csr_set(sstatus, STATUS_FS);
    csr_write(sie, BIT(IRQ_STI) | BIT(IRQ_SSI));
    for (unsigned i = 0; i < RUNS; i++) {
        uint64_t entry = USER + (rnd_below(2 * PAGE) & -2ul);

        if (i % 10 == 0) {
            fill(spaces[hart].pages);
            rt_fence_i();
        }
        hostile_counts[hart].tries++;
        SBI1(SBI_TIME, 0, rt_time() + SLICE);
        hostile_user[hart] = true;
        rt_run_in(PRIV_U, (uint64_t(*)(uint64_t))entry, wild(), 0);
        hostile_user[hart] = false;
    }
    csr_write(satp, 0);
    pt_flush();
    hostile_repair();
}
