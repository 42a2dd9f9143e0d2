// SPDX-License-Identifier: Apache-2.0
// Two-stage translation: Sv39x4, Sv48x4, Sv57x4 alone and under Sv39 to Sv57, permissions, sizes,
// faults of the accesses themselves and of those to the VS-stage's tables, htval and htinst.
#include "hyp.h"

static unsigned levels;
static uint64_t *page;

#define GPA 0x1f2345000ul // in no page of hyp_g_init's
#define VA 0x3f12345000ul

static struct rt_last *last(void)
{
    return &rt_last[rt_hart()];
}

static void begin(void)
{
    hyp_begin(levels, 3);
    EQ(csr_read(hgatp), hyp_hgatp(&hyp_g, 3));
    page = rt_page();
    for (unsigned i = 0; i < 512; i++)
        page[i] = i;
}

static void set_g(uint64_t flags)
{
    page[0] = 0x80828082; // ret
    rt_fence_i();
    pt_map(&hyp_g, GPA, (uint64_t)page, 0, flags);
    hfence_gvma();
}

#define WORKS(mode, access, va) NO_TRAPS(hyp_access(mode, access, va))
#define GUEST_FAULTS(from, access, va, gpa)                                     \
    do {                                                                        \
        TRAPS(hyp_access(from, access, va), guest_page_fault[access], va);      \
        EQ(last()->tval2, (gpa) >> 2);                                          \
        EQ(last()->status &(STATUS_GVA | STATUS_MPV), STATUS_GVA | STATUS_MPV); \
        EQ(last()->mode, PRIV_M);                                               \
    } while (0)

// The G-stage alone: R, W, X, V, U in all combinations, from VS and VU mode.
static void permissions(void)
{
    begin();
    for (unsigned bits = 0; bits < 32; bits++) {
        bool valid = (bits & PTE_V) && (bits & (PTE_R | PTE_W)) != PTE_W && (bits & PTE_RWX) &&
                     (bits & PTE_U);

        for (int access = LOAD; access <= FETCH; access++) {
            static const uint64_t needed[] = {PTE_R, PTE_W, PTE_X};

            for (unsigned mode = PRIV_VU; mode <= PRIV_VS; mode++) {
                set_g(bits | PTE_AD);
                if (valid && (bits & needed[access]))
                    WORKS(mode, access, GPA);
                else
                    GUEST_FAULTS(mode, access, GPA, GPA);
            }
        }
    }
    hyp_end();
}

// Without hardware updates.
static void accessed_and_dirty(void)
{
    begin();
    NOT_ON_QEMU("it sets A and D by itself");
    set_g(PTE_V | PTE_RWX | PTE_U);
    for (int access = LOAD; access <= FETCH; access++)
        GUEST_FAULTS(PRIV_VS, access, GPA, GPA);
    set_g(PTE_V | PTE_RWX | PTE_U | PTE_A);
    WORKS(PRIV_VS, LOAD, GPA);
    GUEST_FAULTS(PRIV_VS, STORE, GPA, GPA);
    csr_set(menvcfg, MENVCFG_ADUE);
    hfence_gvma();
    WORKS(PRIV_VS, STORE, GPA);
    EQ(*pt_entry(&hyp_g, GPA, 0) & PTE_AD, PTE_AD);
    set_g(PTE_V | PTE_RWX | PTE_U);
    WORKS(PRIV_VS, LOAD, GPA);
    EQ(*pt_entry(&hyp_g, GPA, 0) & PTE_AD, PTE_A);
    csr_clear(menvcfg, MENVCFG_ADUE);
    hyp_end();
}

static void executable_as_readable(void)
{
    begin();
    set_g(PTE_V | PTE_X | PTE_AD | PTE_U);
    GUEST_FAULTS(PRIV_VS, LOAD, GPA, GPA);
    csr_set(vsstatus, STATUS_MXR); // of the first stage only, but not in QEMU 7.2
    if (!rt_on_qemu())
        GUEST_FAULTS(PRIV_VS, LOAD, GPA, GPA);
    csr_set(mstatus, STATUS_MXR);
    WORKS(PRIV_VS, LOAD, GPA);
    WORKS(PRIV_VU, LOAD, GPA);
    GUEST_FAULTS(PRIV_VS, STORE, GPA, GPA);
    hyp_end();
}

// Guest physical addresses are two bits wider than the virtual ones of the mode, and not sign-extended.
static void widths(void)
{
    unsigned bits = 12 + 9 * levels + 2;
    uint64_t top;

    begin();
    top = (1ul << bits) - 2 * PAGE;
    pt_map(&hyp_g, top, (uint64_t)page, 0, PTE_LEAF | PTE_U);
    hfence_gvma();
    if (!rt_on_qemu()) // which sign-extends
        WORKS(PRIV_VS, LOAD, top + 16);
    GUEST_FAULTS(PRIV_VS, LOAD, 1ul << bits, 1ul << bits);
    GUEST_FAULTS(PRIV_VS, STORE, -4096ul, -4096ul);
    GUEST_FAULTS(PRIV_VS, LOAD, top + PAGE + 8, top + PAGE + 8);
    hyp_end();
}

// Pages of every size in each stage, one in the other.
static void sizes(void)
{
    const uint64_t gb = 1ul << 30, gpa = 0x3540000000ul, va = 0x2840000000ul;

    for (unsigned level = 0; level < 3; level++)
        for (unsigned g_level = 0; g_level < 3; g_level++) {
            uint64_t mask = ~((1ul << (12 + 9 * level)) - 1), offset;
            uint64_t g_mask = ~((1ul << (12 + 9 * g_level)) - 1);
            struct pt pt;

            begin();
            offset = (uint64_t)page & (gb - 1);
            pt_map(&hyp_g, gpa + (offset & g_mask), (uint64_t)page & g_mask, g_level,
                   PTE_LEAF | PTE_U);
            pt_init(&pt, 3);
            pt_map(&pt, va + (offset & mask), gpa + (offset & mask), level, PTE_LEAF);
            csr_write(vsatp, pt_satp(&pt, 1));
            hfence_gvma();
            hfence_vvma();
            page[0] = 0x80828082;
            rt_fence_i();
            for (int access = FETCH; access >= LOAD; access--)
                WORKS(PRIV_VS, access, va + offset);
            WORKS(PRIV_VS, STORE, va + offset + 40);
            EQ(page[5], 0x80828082);
            if (level == 0)
                TRAPS(hyp_access(PRIV_VS, LOAD, va + offset + PAGE), CAUSE_LOAD_PAGE,
                      va + offset + PAGE);
            else if (g_level == 0)
                GUEST_FAULTS(PRIV_VS, LOAD, va + offset + PAGE, gpa + offset + PAGE);
            hyp_end();
        }
}

// A superpage of the G-stage that isn't aligned.
static void misaligned_superpages(void)
{
    begin();
    for (unsigned level = 1; level < levels; level++) {
        uint64_t size = 1ul << (12 + 9 * level), gpa = 0x1000000000 + size * 5;

        if (level == levels - 1)
            gpa = size * 1500; // in the last page of the root
        pt_map(&hyp_g, gpa, RAM & ~(size - 1), level, PTE_LEAF | PTE_U);
        hfence_gvma();
        if (level < 3 && !(rt_on_qemu() && level == levels - 1))
            WORKS(PRIV_VS, LOAD, gpa + (RAM & (size - 1)));
        pt_map(&hyp_g, gpa, PAGE, level, PTE_LEAF | PTE_U);
        hfence_gvma();
        GUEST_FAULTS(PRIV_VS, LOAD, gpa, gpa);
    }
    hyp_end();
}

static struct pt vs;

static void begin_both(unsigned vs_levels)
{
    begin();
    pt_init(&vs, vs_levels);
    pt_map(&vs, VA, GPA, 0, PTE_LEAF);
    csr_write(vsatp, pt_satp(&vs, 1));
    EQ(csr_read(vsatp), pt_satp(&vs, 1));
    hfence_vvma();
    set_g(PTE_LEAF | PTE_U);
}

// Faults of the first stage are page faults as ever; GVA tells them from the hypervisor's own.
static void first_stage_faults(void)
{
    for (unsigned n = 3; n <= 5; n++) {
        begin_both(n);
        for (int access = FETCH; access >= LOAD; access--) {
            WORKS(PRIV_VS, access, VA);
            page[0] = 0x80828082;
            rt_fence_i();
        }
        for (int access = LOAD; access <= FETCH; access++) {
            TRAPS(hyp_access(PRIV_VS, access, VA + PAGE), page_fault[access], VA + PAGE);
            EQ(last()->status & (STATUS_GVA | STATUS_MPV), STATUS_GVA | STATUS_MPV);
            EQ(last()->tval2, 0);
        }
        hyp_end();
    }
}

static uint64_t nothing(uint64_t arg)
{
    return arg;
}

static uint64_t code_fault[4];

static bool note_code_fault(struct rt_frame *f)
{
    code_fault[0] = f->cause;
    code_fault[1] = f->tval;
    code_fault[2] = csr_read(mtval2);
    code_fault[3] = csr_read(mtinst);
    csr_write(vsatp, 0);
    hfence_vvma();
    return true;
}

static void code_faults(uint64_t root)
{
    rt_trap_hook = note_code_fault;
    EQ(hyp_run(PRIV_VS, nothing, 5), 5);
    rt_trap_hook = NULL;
    EQ(code_fault[0], CAUSE_FETCH_GUEST_PAGE);
    EQ(code_fault[1], (uint64_t)nothing);
    EQ(code_fault[2] >> 10, root >> 12);
    EQ(code_fault[3], 0x3000);
}

// What the tables of the first stage lie in.
static void table_faults(void)
{
    NOT_ON_QEMU("all of them are loads' there");
    for (unsigned n = 3; n <= 5; n++)
        for (unsigned level = 0; level < n; level++) {
            uint64_t *entry, table, g_copy, pa;

            begin_both(n);
            entry = pt_entry(&vs, VA, level);
            table = (uint64_t)entry & ~(PAGE - 1);
            // The table moves to where the G-stage has nothing.
            g_copy = 0x2a5000000ul + level * PAGE;
            if (level == n - 1)
                csr_write(vsatp, (pt_satp(&vs, 1) >> 44 << 44) | g_copy >> 12);
            else
                *pt_entry(&vs, VA, level + 1) = pt_pte(g_copy, PTE_V);
            hfence_vvma();
            pa = g_copy + ((uint64_t)entry & (PAGE - 1));
            if (level >= 2) { // not even the code is found
                code_faults(pa - ((uint64_t)entry & (PAGE - 1)));
                hyp_end();
                continue;
            }
            for (int access = LOAD; access <= FETCH; access++) {
                GUEST_FAULTS(PRIV_VS, access, VA + 8, pa);
                EQ(last()->tinst, 0x3000);
            }
            // Readable is enough, without updates.
            pt_map(&hyp_g, g_copy, table, 0, PTE_V | PTE_R | PTE_A | PTE_U);
            hfence_gvma();
            WORKS(PRIV_VS, LOAD, VA);
            pt_map(&hyp_g, g_copy, table, 0, PTE_V | PTE_R | PTE_W | PTE_AD);
            hfence_gvma();
            GUEST_FAULTS(PRIV_VS, LOAD, VA, pa);
            hyp_end();
        }
}

// A and D of the first stage are set by an implicit store.
static void table_updates(void)
{
    uint64_t *entry, table, copy = 0x2a5000000ul;

    begin_both(3);
    NOT_ON_QEMU("it sets A and D by itself");
    csr_set(menvcfg, MENVCFG_ADUE);
    csr_set(henvcfg, MENVCFG_ADUE);
    EQ(csr_read(henvcfg) & MENVCFG_ADUE, MENVCFG_ADUE);
    entry = pt_entry(&vs, VA, 0);
    table = (uint64_t)entry & ~(PAGE - 1);
    *pt_entry(&vs, VA, 1) = pt_pte(copy, PTE_V);
    *entry = pt_pte(GPA, PTE_V | PTE_RWX);
    pt_map(&hyp_g, copy, table, 0, PTE_V | PTE_R | PTE_AD | PTE_U);
    hfence_gvma();
    hfence_vvma();
    GUEST_FAULTS(PRIV_VS, LOAD, VA, copy + ((uint64_t)entry & (PAGE - 1)));
    EQ(last()->tinst, 0x3020);
    GUEST_FAULTS(PRIV_VS, STORE, VA, copy + ((uint64_t)entry & (PAGE - 1)));
    EQ(last()->tinst, 0x3020);
    pt_map(&hyp_g, copy, table, 0, PTE_V | PTE_R | PTE_W | PTE_AD | PTE_U);
    hfence_gvma();
    WORKS(PRIV_VS, LOAD, VA);
    EQ(*entry & PTE_AD, PTE_A);
    WORKS(PRIV_VS, STORE, VA);
    EQ(*entry & PTE_AD, PTE_AD);
    // Off for the guest alone.
    csr_clear(henvcfg, MENVCFG_ADUE);
    *entry = pt_pte(GPA, PTE_V | PTE_RWX);
    hfence_vvma();
    TRAPS(hyp_access(PRIV_VS, LOAD, VA), CAUSE_LOAD_PAGE, VA);
    hyp_end();
}

// SUM and MXR of vsstatus rule the first stage, sstatus.SUM does not.
static void status_fields(void)
{
    begin_both(3);
    pt_map(&vs, VA, GPA, 0, PTE_LEAF | PTE_U);
    hfence_vvma();
    csr_set(mstatus, STATUS_SUM);
    TRAPS(hyp_access(PRIV_VS, LOAD, VA), CAUSE_LOAD_PAGE, VA);
    csr_clear(mstatus, STATUS_SUM);
    csr_set(vsstatus, STATUS_SUM);
    WORKS(PRIV_VS, LOAD, VA);
    WORKS(PRIV_VS, STORE, VA);
    TRAPS(hyp_access(PRIV_VS, FETCH, VA), CAUSE_FETCH_PAGE, VA);
    csr_clear(vsstatus, STATUS_SUM);
    pt_map(&vs, VA, GPA, 0, PTE_V | PTE_X | PTE_AD);
    hfence_vvma();
    TRAPS(hyp_access(PRIV_VS, LOAD, VA), CAUSE_LOAD_PAGE, VA);
    csr_set(vsstatus, STATUS_MXR);
    WORKS(PRIV_VS, LOAD, VA);
    csr_clear(vsstatus, STATUS_MXR);
    csr_set(mstatus, STATUS_MXR);
    if (!rt_on_qemu()) // where it rules the G-stage only
        WORKS(PRIV_VS, LOAD, VA);
    hyp_end();
}

static uint64_t seen[10], unseen;

// With the access at GPA + 8: a5 is set up for an offset of 8, or of none.
static uint64_t do_instructions(uint64_t arg)
{
    uint64_t at = GPA;
    unsigned n = 0;

#define INST(code)                                                                            \
    do {                                                                                      \
        register uint64_t a4 __asm__("a4") = 0;                                               \
        register uint64_t a5 __asm__("a5") = at;                                              \
        struct rt_outcome o_ =                                                                \
            TRY_OUT(".option push\n\t.option norvc\n\t" code "\n\t.option pop", a4, "r"(a5)); \
        unseen += o_.cause != CAUSE_LOAD_GUEST_PAGE && o_.cause != CAUSE_STORE_GUEST_PAGE;    \
        seen[n++] = rt_last[rt_hart()].tinst;                                                 \
    } while (0)
    INST("ld a4, 8(a5)");
    INST("lwu a4, 8(a5)");
    INST("sd a4, -8(a5)");
    INST("sb a4, 8(a5)");
    INST(".option rvc\n\tc.ld a4, 8(a5)");
    INST(".option rvc\n\tc.sw a4, 8(a5)");
    INST("amoadd.d.aq a4, a4, (a5)");
    INST("lr.d a4, (a5)");
    at = GPA - 3; // the part at fault lies in the next page
    INST("ld a4, 0(a5)");
    return n;
}

// htinst: the instruction without its immediate and with the offset in place of rs1.
static void instructions(void)
{
    static const uint64_t want[] = {0x00003703, 0x00006703, 0x00e03023, 0x00e00023, 0x00003701,
                                    0x00e02021, 0x04e0372f, 0x1000372f, 0x0001b703};
    unsigned count;

    begin();
    NOT_ON_QEMU("mtinst is zero there");
    pt_map(&hyp_g, GPA - PAGE, (uint64_t)page, 0, PTE_LEAF | PTE_U);
    hfence_gvma();
    unseen = 0;
    count = hyp_run(PRIV_VS, do_instructions, 0);
    EQ(unseen, 1); // sd a4, -8(a5), which has a page
    for (unsigned i = 0; i < count; i++)
        if (i != 2)
            EQ(seen[i], want[i]);
    hyp_end();
}

#define EACH(name)              \
    static void name##_39(void) \
    {                           \
        levels = 3;             \
        name();                 \
    }                           \
    static void name##_48(void) \
    {                           \
        levels = 4;             \
        name();                 \
    }                           \
    static void name##_57(void) \
    {                           \
        levels = 5;             \
        name();                 \
    }
// clang-format off
#define LIST(name, text) {text "/sv39x4", name##_39}, {text "/sv48x4", name##_48}, {text "/sv57x4", name##_57}
EACH(permissions) EACH(accessed_and_dirty) EACH(executable_as_readable) EACH(widths) EACH(sizes)
EACH(misaligned_superpages) EACH(first_stage_faults) EACH(table_faults) EACH(table_updates)
EACH(status_fields) EACH(instructions)

const struct rt_case rt_cases[] = {
    LIST(permissions, "permissions"),
    LIST(accessed_and_dirty, "a-and-d"),
    LIST(executable_as_readable, "mxr"),
    LIST(widths, "widths"),
    LIST(sizes, "sizes"),
    LIST(misaligned_superpages, "misaligned-superpages"),
    LIST(first_stage_faults, "first-stage"),
    LIST(table_faults, "tables"),
    LIST(table_updates, "table-updates"),
    LIST(status_fields, "status"),
    LIST(instructions, "instructions"),
    {0},
};
