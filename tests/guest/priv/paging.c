// SPDX-License-Identifier: Apache-2.0
// Sv39, Sv48, Sv57: each way in which a walk can fail, permissions, sizes, A and D, NAPOT, PBMT.
#include "csr.h"
#include "pt.h"

static unsigned levels; // of the mode that a case is run with

static struct pt pt;
static uint64_t *page; // where the tested address leads, filled with its own offsets

#define VA 0x3f12345000ul // canonical in every mode, in no page of pt_init's

static void begin(void)
{
    pt_init(&pt, levels);
    page = rt_page();
    for (unsigned i = 0; i < 512; i++)
        page[i] = i;
    pt_map(&pt, VA, (uint64_t)page, 0, PTE_LEAF);
    csr_write(satp, pt_satp(&pt, 0));
    EQ(csr_read(satp), pt_satp(&pt, 0));
    pt_flush();
}

static void end(void)
{
    csr_write(satp, 0);
    pt_flush();
    csr_clear(mstatus, STATUS_SUM | STATUS_MXR);
}

// In S or U mode; U mode's code is reached at an alias of the first gigabyte of RAM.
#define ALIAS 0x2000000000ul

static struct rt_outcome access_in(unsigned mode, enum access access, uint64_t va)
{
    static struct rt_request r;

    r.access = access;
    r.va = va;
    if (mode == PRIV_U) {
        pt_map(&pt, RAM + ALIAS, RAM, 2, PTE_LEAF | PTE_U);
        pt_flush();
        rt_run_in(PRIV_U, rt_access, (uint64_t)&r + ALIAS, ALIAS);
    } else {
        rt_run_in(PRIV_S, rt_access, (uint64_t)&r, 0);
    }
    return r.outcome;
}

static const uint64_t page_fault[] = {CAUSE_LOAD_PAGE, CAUSE_STORE_PAGE, CAUSE_FETCH_PAGE};
static const uint64_t access_fault[] = {CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS};

#define FAULTS(mode, access, va) TRAPS(access_in(mode, access, va), page_fault[access], va)
#define WORKS(mode, access, va) NO_TRAPS(access_in(mode, access, va))

static void set_leaf(uint64_t flags)
{
    page[0] = 0x80828082; // ret
    rt_fence_i();
    pt_map(&pt, VA, (uint64_t)page, 0, flags);
    pt_flush();
}

// R, W, X and V in all combinations.
static void permissions(void)
{
    begin();
    for (unsigned bits = 0; bits < 16; bits++) {
        bool valid = (bits & PTE_V) && (bits & (PTE_R | PTE_W)) != PTE_W && (bits & PTE_RWX);

        for (int access = LOAD; access <= FETCH; access++) {
            static const uint64_t needed[] = {PTE_R, PTE_W, PTE_X};

            set_leaf(bits | PTE_AD);
            if (valid && (bits & needed[access]))
                WORKS(PRIV_S, access, VA);
            else
                FAULTS(PRIV_S, access, VA);
        }
    }
    end();
}

static void user_pages(void)
{
    begin();
    set_leaf(PTE_LEAF);
    for (int access = LOAD; access <= FETCH; access++)
        FAULTS(PRIV_U, access, VA);
    set_leaf(PTE_LEAF | PTE_U);
    for (int access = LOAD; access <= FETCH; access++) {
        set_leaf(PTE_LEAF | PTE_U);
        WORKS(PRIV_U, access, VA);
        FAULTS(PRIV_S, access, VA);
    }
    csr_set(mstatus, STATUS_SUM);
    WORKS(PRIV_S, LOAD, VA);
    WORKS(PRIV_S, STORE, VA);
    FAULTS(PRIV_S, FETCH, VA); // never, whatever SUM says
    end();
}

static void make_executable_readable(void)
{
    begin();
    set_leaf(PTE_V | PTE_X | PTE_AD);
    FAULTS(PRIV_S, LOAD, VA);
    csr_set(mstatus, STATUS_MXR);
    WORKS(PRIV_S, LOAD, VA);
    FAULTS(PRIV_S, STORE, VA);
    set_leaf(PTE_V | PTE_X | PTE_AD | PTE_U);
    WORKS(PRIV_U, LOAD, VA);
    FAULTS(PRIV_S, LOAD, VA);
    csr_set(mstatus, STATUS_SUM);
    WORKS(PRIV_S, LOAD, VA);
    end();
}

// Bits that are reserved in a leaf.
static void reserved_bits(void)
{
    begin();
    NOT_ON_QEMU("it does not look at them in all cases");
    for (unsigned bit = 54; bit < 64; bit++) {
        for (int access = LOAD; access <= FETCH; access++) {
            csr_clear(menvcfg, MENVCFG_PBMTE);
            set_leaf(PTE_LEAF | BIT(bit));
            FAULTS(PRIV_S, access, VA); // N as well: ppn[3:0] is not 1000
        }
    }
    set_leaf(PTE_LEAF | PTE_RSW | PTE_G); // software's own
    WORKS(PRIV_S, LOAD, VA);
    end();
}

// Reserved in a pointer: D, A, U, PBMT, N, and the bits reserved everywhere. The last level can't be one.
static void reserved_in_pointers(void)
{
    uint64_t good, *entry;

    begin();
    NOT_ON_QEMU("it does not look at them in all cases");
    entry = pt_entry(&pt, VA, 1);
    good = *entry;
    for (unsigned bit = 0; bit < 64; bit++) {
        bool reserved = bit == 4 || bit == 6 || bit == 7 || bit >= 54;

        if (bit == 0 || (bit >= 1 && bit <= 3) || (bit >= 10 && bit < 54))
            continue;
        *entry = good | BIT(bit);
        pt_flush();
        if (reserved)
            FAULTS(PRIV_S, LOAD, VA);
        else
            WORKS(PRIV_S, LOAD, VA);
    }
    *entry = good;
    pt_map(&pt, VA, (uint64_t)page, 0, PTE_V);
    pt_flush();
    FAULTS(PRIV_S, LOAD, VA);
    end();
}

// Every level's page size, and what happens when it isn't aligned.
static void superpages(void)
{
    for (unsigned level = 1; level < levels; level++) {
        uint64_t size = 1ul << (12 + 9 * level), va = 0x3d00000000ul & ~(size - 1);
        uint64_t pa = RAM & ~(size - 1), offset;

        begin();
        if (level == levels - 1)
            va = size * 255; // not the identity's own
        if (levels > 3 && level == 3)
            va = size * 9;
        pt_map(&pt, va, pa, level, PTE_LEAF);
        pt_flush();
        offset = (uint64_t)page - pa;
        if (offset < size) {
            set_leaf(PTE_LEAF);
            WORKS(PRIV_S, LOAD, va + offset);
            WORKS(PRIV_S, STORE, va + offset);
            page[0] = 0x80828082;
            rt_fence_i();
            WORKS(PRIV_S, FETCH, va + offset);
        }
        for (unsigned bit = 0; bit < 9 * level; bit += 4) {
            pt_map(&pt, va, pa, level, PTE_LEAF);
            *pt_entry(&pt, va, level) |= BIT(10 + bit);
            pt_flush();
            for (int access = LOAD; access <= FETCH; access++)
                FAULTS(PRIV_S, access, va);
        }
        end();
    }
}

// Addresses must be sign-extended from the mode's width.
static void canonical(void)
{
    unsigned bits = 12 + 9 * levels;

    begin();
    for (unsigned bit = bits; bit < 64; bit++)
        for (int access = LOAD; access <= FETCH; access++)
            FAULTS(PRIV_S, access, VA | BIT(bit));
    FAULTS(PRIV_S, LOAD, VA | BIT(bits - 1));                  // canonical would be all ones above
    pt_map(&pt, -(uint64_t)PAGE, (uint64_t)page, 0, PTE_LEAF); // the highest page
    pt_flush();
    WORKS(PRIV_S, LOAD, -8ul);
    WORKS(PRIV_S, LOAD, -4096ul);
    FAULTS(PRIV_S, LOAD, -4104ul);
    end();
}

// Svade: a clear A, or D on a store, faults. Svadu: the walk sets them.
static void accessed_and_dirty(void)
{
    begin();
    NOT_ON_QEMU("it sets A and D by itself");
    csr_clear(menvcfg, MENVCFG_ADUE);
    for (int access = LOAD; access <= FETCH; access++) {
        set_leaf(PTE_LEAF & ~PTE_A);
        FAULTS(PRIV_S, access, VA);
        EQ(*pt_entry(&pt, VA, 0) & PTE_AD, PTE_D);
        set_leaf(PTE_LEAF & ~PTE_D);
        if (access == STORE)
            FAULTS(PRIV_S, access, VA);
        else
            WORKS(PRIV_S, access, VA);
        EQ(*pt_entry(&pt, VA, 0) & PTE_AD, PTE_A);
    }
    csr_set(menvcfg, MENVCFG_ADUE);
    for (int access = LOAD; access <= FETCH; access++) {
        set_leaf(PTE_LEAF & ~PTE_AD);
        WORKS(PRIV_S, access, VA);
        EQ(*pt_entry(&pt, VA, 0) & PTE_AD, access == STORE ? PTE_AD : PTE_A);
    }
    // A store after a load through the same translation still has to set D.
    set_leaf(PTE_LEAF & ~PTE_AD);
    WORKS(PRIV_S, LOAD, VA);
    EQ(*pt_entry(&pt, VA, 0) & PTE_AD, PTE_A);
    WORKS(PRIV_S, STORE, VA);
    EQ(*pt_entry(&pt, VA, 0) & PTE_AD, PTE_AD);
    // A page that must not be written does not become dirty by the attempt, nor accessed.
    set_leaf((PTE_LEAF & ~PTE_AD) & ~PTE_W);
    FAULTS(PRIV_S, STORE, VA);
    EQ(*pt_entry(&pt, VA, 0) & PTE_AD, 0);
    csr_clear(menvcfg, MENVCFG_ADUE);
    end();
}

static void napot(void)
{
    uint64_t *pages, va = VA & ~0xfffful;

    begin();
    pages = rt_pages(32);
    pages = (uint64_t *)(((uint64_t)pages + 0xffff) & ~0xfffful);
    for (unsigned i = 0; i < 16; i++)
        pages[i * 512] = i;
    // All sixteen entries are the same, with ppn[3:0] = 1000.
    for (unsigned i = 0; i < 16; i++)
        *pt_entry(&pt, va + i * PAGE, 0) = pt_pte((uint64_t)pages | 8 << 12, PTE_LEAF | PTE_N);
    pt_flush();
    csr_set(mstatus, STATUS_MPP_S);
    for (unsigned i = 0; i < 16; i++) {
        static struct rt_request r;

        r.va = va + i * PAGE;
        r.access = STORE;
        rt_run_in(PRIV_S, rt_access, (uint64_t)&r, 0);
        NO_TRAPS(r.outcome);
        EQ(pages[i * 512], 0x80828082);
    }
    // Other sizes are reserved.
    for (unsigned low = 0; low < 16; low++) {
        if (low == 8)
            continue;
        *pt_entry(&pt, va, 0) = pt_pte((uint64_t)pages | low << 12, PTE_LEAF | PTE_N);
        pt_flush();
        FAULTS(PRIV_S, LOAD, va);
    }
    // And there are no NAPOT superpages.
    if (!rt_on_qemu()) {
        *pt_entry(&pt, 0x3e00000000, 1) = pt_pte(RAM, PTE_LEAF | PTE_N);
        pt_flush();
        FAULTS(PRIV_S, LOAD, 0x3e00000000);
    }
    end();
}

static void memory_types(void)
{
    begin();
    csr_set(menvcfg, MENVCFG_PBMTE);
    for (uint64_t type = 0; type < 4; type++)
        for (int access = LOAD; access <= FETCH; access++) {
            set_leaf(PTE_LEAF | type << 61);
            if (type == 3 && rt_on_qemu())
                continue; // it takes the reserved type
            if (type == 3)
                FAULTS(PRIV_S, access, VA);
            else
                WORKS(PRIV_S, access, VA);
        }
    csr_clear(menvcfg, MENVCFG_PBMTE);
    pt_flush();
    if (!rt_on_qemu()) {
        set_leaf(PTE_LEAF | PTE_NC);
        FAULTS(PRIV_S, LOAD, VA);
    }
    end();
}

// Tables or pages where there is no memory: access faults of the kind that was wanted.
static void nothing_there(void)
{
    begin();
    for (int access = LOAD; access <= FETCH; access++) {
        pt_map(&pt, VA, 0x40000000000, 0, PTE_LEAF);
        pt_flush();
        if (!rt_on_qemu())
            TRAPS(access_in(PRIV_S, access, VA), access_fault[access], VA);
        pt_map(&pt, 0x3a00000000, 0x40000000000, 1, PTE_V);
        pt_flush();
        if (!rt_on_qemu()) // there it is a page fault
            TRAPS(access_in(PRIV_S, access, 0x3a00000000), access_fault[access], 0x3a00000000);
    }
    end();
}

// An access over a page's end faults with the address of its part in the second page.
static void crossing(void)
{
    uint64_t value;

    begin();
    NOT_ON_QEMU("it reports the first byte");
    (void)value;
    pt_map(&pt, VA + PAGE, 0, 0, 0);
    pt_flush();
    for (unsigned back = 1; back < 8; back++) {
        TRAPS(access_in(PRIV_S, LOAD, VA + PAGE - back), CAUSE_LOAD_PAGE, VA + PAGE);
        TRAPS(access_in(PRIV_S, STORE, VA + PAGE - back), CAUSE_STORE_PAGE, VA + PAGE);
        EQ(page[511], 511); // nothing of it was stored
    }
    // An instruction of four bytes half of which is there: epc is its start.
    ((uint16_t *)page)[2047] = 0x0013;
    rt_fence_i();
    TRAPS(access_in(PRIV_S, FETCH, VA + PAGE - 2), CAUSE_FETCH_PAGE, VA + PAGE);
    EQ(rt_last[0].epc, VA + PAGE - 2);
    ((uint16_t *)page)[2047] = 0x8082; // a compressed one needs nothing of the next page
    rt_fence_i();
    WORKS(PRIV_S, FETCH, VA + PAGE - 2);
    end();
}

// Two pages that are far apart in memory: data and instructions across.
static void crossing_works(void)
{
    uint64_t *other;
    static struct rt_request r;

    begin();
    rt_page();
    other = rt_page();
    pt_map(&pt, VA + PAGE, (uint64_t)other, 0, PTE_LEAF);
    pt_flush();
    r.access = STORE;
    r.va = VA + PAGE - 3;
    rt_run_in(PRIV_S, rt_access, (uint64_t)&r, 0);
    NO_TRAPS(r.outcome);
    EQ(page[511] >> 40, 0x828082);
    EQ(other[0], 0x80);
    // addi a0, a0, 0 across the boundary, then ret
    ((uint16_t *)page)[2047] = 0x0513;
    ((uint16_t *)other)[0] = 0x0005;
    ((uint16_t *)other)[1] = 0x8082;
    rt_fence_i();
    WORKS(PRIV_S, FETCH, VA + PAGE - 2);
    end();
}

static void bare_and_unknown_modes(void)
{
    begin();
    csr_write(satp, 0);
    for (uint64_t mode = 1; mode < 16; mode++) {
        if (mode >= 8 && mode <= 10)
            continue;
        csr_write(satp, mode << 60 | 0x80000);
        EQ(csr_read(satp), 0);
    }
    csr_write(satp, pt_satp(&pt, 0xffff));
    CHECK((csr_read(satp) & ((1ul << 44) - 1)) == (uint64_t)pt.root >> 12);
    end();
}

typedef void case_fn(void);
#define MODE(name, n)            \
    static void name##_##n(void) \
    {                            \
        levels = n;              \
        name();                  \
    }
#define MODES(name) MODE(name, 3) MODE(name, 4) MODE(name, 5)
#define ROWS(text, name)                                \
    {text "/sv39", name##_3}, {text "/sv48", name##_4}, \
    {                                                   \
        text "/sv57", name##_5                          \
    }

MODES(permissions)
MODES(user_pages)
MODES(make_executable_readable)
MODES(reserved_bits)
MODES(reserved_in_pointers)
MODES(superpages)
MODES(canonical)
MODES(accessed_and_dirty)
MODES(napot)
MODES(memory_types)
MODES(nothing_there)
MODES(crossing)
MODES(crossing_works)
MODES(bare_and_unknown_modes)

const struct rt_case rt_cases[] = {
    ROWS("permissions", permissions),
    ROWS("user-pages", user_pages),
    ROWS("mxr", make_executable_readable),
    ROWS("reserved-bits", reserved_bits),
    ROWS("reserved-in-pointers", reserved_in_pointers),
    ROWS("superpages", superpages),
    ROWS("canonical", canonical),
    ROWS("a-and-d", accessed_and_dirty),
    ROWS("napot", napot),
    ROWS("pbmt", memory_types),
    ROWS("nothing-there", nothing_there),
    ROWS("crossing-faults", crossing),
    ROWS("crossing", crossing_works),
    ROWS("satp", bare_and_unknown_modes),
    {0},
};
