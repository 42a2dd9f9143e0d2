// SPDX-License-Identifier: Apache-2.0
// henvcfg: cache-block operations, memory types and updates of page tables in a guest; filters of counters
// by the modes of guests.
// run: qemu=no
#include "hyp.h"

static uint64_t block[16] __attribute__((aligned(128)));

static uint64_t cbo_cause(uint64_t which)
{
    switch (which) {
    case 0: return TRY(".insn i 0x0f, 2, x0, %2, 0", "r"(block)).cause;  // cbo.inval
    case 1: return TRY(".insn i 0x0f, 2, x0, %2, 1", "r"(block)).cause;  // cbo.clean
    case 2: return TRY(".insn i 0x0f, 2, x0, %2, 2", "r"(block)).cause;  // cbo.flush
    default: return TRY(".insn i 0x0f, 2, x0, %2, 4", "r"(block)).cause; // cbo.zero
    }
}

static void cache_blocks(void)
{
    static const uint64_t enable[] = {ENVCFG_CBIE_FLUSH, ENVCFG_CBCFE, ENVCFG_CBCFE, ENVCFG_CBZE};

    hyp_begin(3, 0);
    for (unsigned which = 0; which < 4; which++)
        for (unsigned bits = 0; bits < 8; bits++) {
            bool m = bits & 1, h = bits & 2, s = bits & 4;

            csr_write(menvcfg, m ? enable[which] : 0);
            csr_write(henvcfg, h ? enable[which] : 0);
            csr_write(senvcfg, s ? enable[which] : 0);
            EQ(hyp_run(PRIV_S, cbo_cause, which), m ? NO_TRAP : CAUSE_ILLEGAL);
            EQ(hyp_run(PRIV_U, cbo_cause, which), m && s ? NO_TRAP : CAUSE_ILLEGAL);
            EQ(hyp_run(PRIV_VS, cbo_cause, which), !m  ? CAUSE_ILLEGAL
                                                   : h ? NO_TRAP
                                                       : CAUSE_VIRTUAL);
            EQ(hyp_run(PRIV_VU, cbo_cause, which), !m       ? CAUSE_ILLEGAL
                                                   : h && s ? NO_TRAP
                                                            : CAUSE_VIRTUAL);
        }
    csr_write(senvcfg, 0);
    hyp_end();
}

#define GPA 0x1f2345000ul
#define VA 0x3f12345000ul

// Each stage has its own.
static void memory_types(void)
{
    struct pt vs;
    uint64_t page;

    hyp_begin(3, 1);
    page = (uint64_t)rt_page();
    pt_init(&vs, 3);
    csr_write(vsatp, pt_satp(&vs, 1));
    for (unsigned bits = 0; bits < 4; bits++) {
        bool m = bits & 1, h = bits & 2;

        csr_write(menvcfg, m ? MENVCFG_PBMTE : 0);
        csr_write(henvcfg, h ? MENVCFG_PBMTE : 0);
        EQ(csr_read(henvcfg), m && h ? MENVCFG_PBMTE : 0);
        pt_map(&vs, VA, GPA, 0, PTE_LEAF | PTE_NC);
        pt_map(&hyp_g, GPA, page, 0, PTE_LEAF | PTE_U);
        hfence_vvma();
        hfence_gvma();
        EQ(hyp_access(PRIV_VS, LOAD, VA).cause, m && h ? NO_TRAP : CAUSE_LOAD_PAGE);
        pt_map(&vs, VA, GPA, 0, PTE_LEAF);
        pt_map(&hyp_g, GPA, page, 0, PTE_LEAF | PTE_U | PTE_IO);
        hfence_vvma();
        hfence_gvma();
        EQ(hyp_access(PRIV_VS, LOAD, VA).cause, m ? NO_TRAP : CAUSE_LOAD_GUEST_PAGE);
    }
    hyp_end();
}

static uint64_t spin(uint64_t arg)
{
    for (volatile unsigned i = 0; i < 1000; i++)
        ;
    return arg;
}

// mhpmevent3 counts instructions, but for the modes that it leaves out.
static void filters(void)
{
    static const unsigned modes[] = {PRIV_U, PRIV_S, PRIV_VU, PRIV_VS};
    static const uint64_t inhibit[] = {BIT(60), BIT(61), BIT(58), BIT(59)};

    hyp_begin(3, 0);
    EQ(csr_probe(0x323, -1ul) >> 56, 0xfc);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned n = 0; n < 4; n++) {
            uint64_t counted;

            csr_write(0x323, 2 | BIT(62) | inhibit[i]); // not M mode
            csr_write(0xb03, 0);
            hyp_run(modes[n], spin, 0);
            counted = csr_read(0xb03);
            csr_write(0x323, 0);
            if (i == n)
                EQ(counted, 0);
            else
                CHECK(counted > 3000 && counted < 20000);
        }
    hyp_end();
}

const struct rt_case rt_cases[] = {
    {"cache-blocks", cache_blocks},
    {"memory-types", memory_types},
    {"filters", filters},
    {0},
};
