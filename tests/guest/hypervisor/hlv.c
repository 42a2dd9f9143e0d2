// SPDX-License-Identifier: Apache-2.0
// hlv, hlvx and hsv: a guest's memory from outside, in M, HS and U mode; and the same by mstatus.MPRV
// with MPV. Values, permissions, and what faults say.
#include "hyp.h"

#define GPA 0x1f2345000ul
#define VA 0x3f12345000ul

static uint64_t *page;
static struct pt vs;

static struct rt_last *last(void)
{
    return &rt_last[rt_hart()];
}

static void map(uint64_t vs_flags, uint64_t g_flags)
{
    pt_map(&vs, VA, GPA, 0, vs_flags);
    pt_map(&hyp_g, GPA, (uint64_t)page, 0, g_flags);
    hfence_gvma();
    hfence_vvma();
}

static void begin(void)
{
    hyp_begin(4, 5);
    page = rt_page();
    pt_init(&vs, 3);
    csr_write(vsatp, pt_satp(&vs, 2));
    csr_write(hstatus, HSTATUS_SPVP);
    map(PTE_LEAF, PTE_LEAF | PTE_U);
}

#define LOADS(insn, addr, want)            \
    do {                                   \
        uint64_t value_ = 0;               \
        NO_TRAPS(HLV(insn, value_, addr)); \
        EQ(value_, want);                  \
    } while (0)
#define LOAD_TRAPS(insn, addr, cause)                \
    do {                                             \
        uint64_t value_ = 0;                         \
        TRAPS(HLV(insn, value_, addr), cause, addr); \
    } while (0)

static uint64_t all_sizes(uint64_t arg)
{
    (void)arg;
    for (unsigned i = 0; i < 30; i++) { // often enough to be translated
        LOADS(HLV_B, VA + 7, -0x78ul);
        LOADS(HLV_BU, VA + 7, 0x88);
        LOADS(HLV_H, VA + 6, -0x7789ul);
        LOADS(HLV_HU, VA + 6, 0x8877);
        LOADS(HLVX_HU, VA + 6, 0x8877);
        LOADS(HLV_W, VA + 4, -0x7788999bul);
        LOADS(HLV_WU, VA + 4, 0x88776665);
        LOADS(HLVX_WU, VA + 4, 0x88776665);
        LOADS(HLV_D, VA, 0x8877666544332211);
        LOADS(HLV_D, VA + 1, 0x0088776665443322); // not aligned
    }
    NO_TRAPS(HSV(HSV_B, 0xaaaaaaaaaaaaaa01, VA + 16));
    NO_TRAPS(HSV(HSV_H, 0xaaaaaaaaaaaa0302, VA + 17));
    NO_TRAPS(HSV(HSV_W, 0xaaaaaaaa07060504, VA + 20));
    NO_TRAPS(HSV(HSV_D, 0x1122334455667788, VA + 24));
    LOADS(HLV_D, VA + 16, 0x0706050400030201);
    return 0;
}

static void values(void)
{
    begin();
    page[0] = 0x8877666544332211;
    all_sizes(0); // in M mode
    EQ(page[3], 0x1122334455667788);
    page[2] = page[3] = 0;
    hyp_run(PRIV_S, all_sizes, 0);
    EQ(page[3], 0x1122334455667788);
    page[2] = page[3] = 0;
    csr_set(hstatus, HSTATUS_HU);
    hyp_run(PRIV_U, all_sizes, 0);
    EQ(page[3], 0x1122334455667788);
    hyp_end();
}

// SPVP says as who: not sstatus.SPP, nor sstatus.SUM, but vsstatus.SUM.
static void privileges(void)
{
    NOT_ON_QEMU("it keeps translations of one SPVP for the other");
    begin();
    LOADS(HLV_D, VA, 0);
    csr_clear(hstatus, HSTATUS_SPVP);
    LOAD_TRAPS(HLV_D, VA, CAUSE_LOAD_PAGE);
    map(PTE_LEAF | PTE_U, PTE_LEAF | PTE_U);
    LOADS(HLV_D, VA, 0);
    csr_set(hstatus, HSTATUS_SPVP);
    LOAD_TRAPS(HLV_D, VA, CAUSE_LOAD_PAGE);
    csr_set(mstatus, STATUS_SUM);
    LOAD_TRAPS(HLV_D, VA, CAUSE_LOAD_PAGE);
    csr_clear(mstatus, STATUS_SUM);
    csr_set(vsstatus, STATUS_SUM);
    LOADS(HLV_D, VA, 0);
    NO_TRAPS(HSV(HSV_D, 3, VA));
    EQ(page[0], 3);
    hyp_end();
}

static void faults(void)
{
    NOT_ON_QEMU("GVA is SPV there, and the first stage's are access faults");
    begin();
    // The first stage's: a page fault with a guest virtual address.
    LOAD_TRAPS(HLV_W, VA + PAGE, CAUSE_LOAD_PAGE);
    EQ(last()->status & (STATUS_GVA | STATUS_MPV), STATUS_GVA);
    TRAPS(HSV(HSV_W, 0, VA + PAGE), CAUSE_STORE_PAGE, VA + PAGE);
    EQ(last()->status & (STATUS_GVA | STATUS_MPV), STATUS_GVA);
    // The second stage's.
    map(PTE_LEAF, PTE_V | PTE_R | PTE_A | PTE_U);
    LOADS(HLV_D, VA, 0);
    TRAPS(HSV(HSV_D, 0, VA + 8), CAUSE_STORE_GUEST_PAGE, VA + 8);
    EQ(last()->status & (STATUS_GVA | STATUS_MPV), STATUS_GVA);
    EQ(last()->tval2, (GPA + 8) >> 2);
    map(PTE_LEAF, 0);
    LOAD_TRAPS(HLV_BU, VA + 9, CAUSE_LOAD_GUEST_PAGE);
    EQ(last()->tval2, (GPA + 9) >> 2);
    {
        register uint64_t a4 __asm__("a4") = 0;
        register uint64_t a5 __asm__("a5") = VA + 9;

        TRAPS(TRY_OUT(".insn r 0x73, 4, 0x30, a4, a5, x1", a4, "r"(a5)), CAUSE_LOAD_GUEST_PAGE,
              VA + 9);
        EQ(last()->tinst, 0x60104773); // hlv.bu a4, without a5
    }
    hyp_end();
}

static uint64_t load_in_hypervisor(uint64_t arg)
{
    uint64_t value = 0;

    (void)arg;
    return HLV(HLV_D, value, VA).cause;
}

// By medeleg: SPV stays clear where GVA is set.
static void faults_in_hypervisor_mode(void)
{
    begin();
    map(PTE_LEAF, 0);
    csr_write(medeleg, BIT(CAUSE_LOAD_GUEST_PAGE));
    EQ(hyp_run(PRIV_S, load_in_hypervisor, 0), CAUSE_LOAD_GUEST_PAGE);
    EQ(last()->mode, PRIV_S);
    EQ(last()->hs & (HSTATUS_GVA | HSTATUS_SPV | HSTATUS_SPVP), HSTATUS_GVA | HSTATUS_SPVP);
    EQ(last()->tval2, GPA >> 2);
    hyp_end();
}

// hlvx needs X in both stages, in place of R; what it faults with is a load's.
static void execute_instead_of_read(void)
{
    static const uint64_t bits[] = {PTE_R, PTE_X, PTE_R | PTE_X};

    NOT_ON_QEMU("it takes R for X, and has access faults in place of others");
    begin();
    for (unsigned v = 0; v < 3; v++)
        for (unsigned g = 0; g < 3; g++) {
            map(PTE_V | PTE_AD | bits[v], PTE_V | PTE_AD | PTE_U | bits[g]);
            if (!(bits[v] & PTE_X))
                LOAD_TRAPS(HLVX_WU, VA, CAUSE_LOAD_PAGE);
            else if (!(bits[g] & PTE_X))
                LOAD_TRAPS(HLVX_WU, VA, CAUSE_LOAD_GUEST_PAGE);
            else
                LOADS(HLVX_WU, VA, 0);
            if (!(bits[v] & PTE_R))
                LOAD_TRAPS(HLV_W, VA, CAUSE_LOAD_PAGE);
            else if (!(bits[g] & PTE_R))
                LOAD_TRAPS(HLV_W, VA, CAUSE_LOAD_GUEST_PAGE);
            else
                LOADS(HLV_W, VA, 0);
        }
    hyp_end();
}

// MPRV with MPV and MPP: M mode's own loads and stores as the guest's.
static void modify_privilege(void)
{
    uint64_t value = 0;

    begin();
    page[1] = 0x5555;
    csr_clear(mstatus, STATUS_MPP);
    csr_set(mstatus, STATUS_MPP_S | STATUS_MPV);
    // Only the access itself: traps clear nothing of it, so it goes on and off around it.
    NO_TRAPS(TRY_OUT("csrs mstatus, %4\n\tld %2, 8(%3)\n\tcsrc mstatus, %4", value, "r"(VA),
                     "r"(STATUS_MPRV)));
    EQ(value, 0x5555);
    csr_clear(mstatus, STATUS_MPP);
    csr_set(mstatus, STATUS_MPP_S | STATUS_MPV);
    NO_TRAPS(TRY("csrs mstatus, %4\n\tsd %2, 16(%3)\n\tcsrc mstatus, %4", "r"(0x66ul), "r"(VA),
                 "r"(STATUS_MPRV)));
    EQ(page[2], 0x66);
    csr_clear(mstatus, STATUS_MPV | STATUS_MPP);
    hyp_end();
}

const struct rt_case rt_cases[] = {
    {"values", values},
    {"privileges", privileges},
    {"faults-in-machine-mode", faults},
    {"faults-in-hypervisor-mode", faults_in_hypervisor_mode},
    {"hlvx", execute_instead_of_read},
    {"mprv", modify_privilege},
    {0},
};
