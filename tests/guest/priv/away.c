// SPDX-License-Identifier: Apache-2.0
// Data of address spaces that were left and come back, as hundreds of switches of processes make them:
// each finds its own, and nothing of what fences took away while another one was there. As loads, as stores,
// for S mode, for S mode with SUM, and for U mode.
#include "csr.h"
#include "pt.h"

#define VA 0x3f12400000ul
#define BIG 0x3e40000000ul
#define SPACES 3u
#define WORKING_SET 64u

static struct pt spaces[SPACES];
static uint64_t pages[SPACES][2]; // that VA is mapped to in turn; each holds a number of its own

#define NUMBER(space, version) (100u * ((space) + 1) + (version))

// In which way VA is accessed; so each case tries a TLB of its own.
enum way { AS_S, AS_S_SUM, AS_U, WAYS };
static enum way way;

// As U: from M mode, which the cases of that way run in.
static uint64_t load(uint64_t va)
{
    uint64_t value;

    if (way == AS_U)
        __asm__ volatile("csrs mstatus, %2\n\tld %0, (%1)\n\tcsrc mstatus, %2"
                         : "=&r"(value)
                         : "r"(va), "r"(STATUS_MPRV)
                         : "memory");
    else
        value = *(volatile uint64_t *)va;
    return value;
}

// The same 60 times in a loop, where translated code remembers the page from one time to the next.
#define LOOP "li t0, 60\n1:\tld t1, 0(%1)\n\tadd %0, %0, t1\n\taddi t0, t0, -1\n\tbnez t0, 1b\n\t"
static __attribute__((noinline)) uint64_t load_often(uint64_t va)
{
    uint64_t sum = 0;

    if (way == AS_U)
        __asm__ volatile("csrs mstatus, %2\n\t" LOOP "csrc mstatus, %2"
                         : "+&r"(sum)
                         : "r"(va), "r"(STATUS_MPRV)
                         : "memory", "t0", "t1");
    else
        __asm__ volatile(LOOP : "+&r"(sum) : "r"(va) : "memory", "t0", "t1");
    return sum / 60;
}

static void store(uint64_t va, uint64_t value)
{
    if (way == AS_U)
        __asm__ volatile("csrs mstatus, %2\n\tsd %0, (%1)\n\tcsrc mstatus, %2" ::"r"(value),
                         "r"(va), "r"(STATUS_MPRV)
                         : "memory");
    else
        *(volatile uint64_t *)va = value;
}

static uint64_t leaf(void)
{
    return way == AS_S ? PTE_LEAF : PTE_LEAF | PTE_U;
}

static uint64_t marked(uint64_t number)
{
    uint64_t *page = rt_page();

    page[0] = number;
    return (uint64_t)page;
}

// ASIDs are 1 and up.
static void switch_to(unsigned space)
{
    csr_write(satp, pt_satp(&spaces[space], space + 1));
}

static void begin(void)
{
    if (way == AS_U)
        csr_clear(mstatus, STATUS_MPP);
    if (way == AS_S_SUM)
        csr_set(sstatus, STATUS_SUM);
    for (unsigned i = 0; i < SPACES; i++) {
        pt_init(&spaces[i], 3);
        for (unsigned version = 0; version < 2; version++)
            pages[i][version] = marked(NUMBER(i, version));
        pt_map(&spaces[i], VA, pages[i][0], 0, leaf());
    }
    switch_to(0);
    pt_flush();
}

static void end(void)
{
    csr_write(satp, 0);
    pt_flush();
    if (way == AS_S_SUM)
        csr_clear(sstatus, STATUS_SUM);
}

static void each_its_own(void)
{
    begin();
    for (unsigned i = 0; i < 200; i++) {
        unsigned space = i * 7 / 3 % SPACES;

        switch_to(space);
        EQ(load(VA) % 100, 0);
        EQ(load(VA) / 100, space + 1);
        store(VA + 8, load(VA + 8) + 1);
    }
    for (unsigned i = 0, sum = 0; i < SPACES; i++) {
        switch_to(i);
        sum += load(VA + 8);
        EQ(i < SPACES - 1 || sum == 200, true);
    }
    end();
}

// Every form of the fence, from the space itself before it is left, from another one, and after the return.
static void fence(unsigned form, uint64_t va, unsigned asid)
{
    switch (form) {
    case 0: __asm__ volatile("sfence.vma %0, zero" ::"r"(va) : "memory"); break;
    case 1: __asm__ volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory"); break;
    case 2: __asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory"); break;
    case 3: __asm__ volatile("sfence.vma" ::: "memory"); break;
    default: // svinval
        __asm__ volatile(
            ".word 0x18000073\n\t.insn r 0x73, 0, 0x0b, x0, %0, x0\n\t.word 0x18100073" ::"r"(va)
            : "memory");
    }
}
#define FORMS 5u

static void a_page_moves(void)
{
    begin();
    for (unsigned form = 0; form < FORMS; form++)
        for (unsigned where = 0; where < 3; where++)
            for (unsigned i = 0; i < 6; i++) {
                switch_to(0);
                EQ(load(VA), NUMBER(0, i & 1));
                store(VA + 16, 1);
                if (where == 1)
                    switch_to(1);
                pt_map(&spaces[0], VA, pages[0][~i & 1], 0, leaf());
                if (where < 2)
                    fence(form, VA, 1);
                if (where != 1)
                    switch_to(1);
                EQ(load(VA), NUMBER(1, 0));
                if (where == 2 && i & 2)
                    switch_to(2);
                switch_to(0);
                if (where == 2)
                    fence(form, VA, 1);
                EQ(load(VA), NUMBER(0, ~i & 1));
            }
    end();
}

// Loops that read one page again and again, in every space and behind every fence.
static void loops(void)
{
    begin();
    for (unsigned i = 0; i < 60; i++) {
        unsigned space = i * 7 / 3 % SPACES;

        switch_to(space);
        EQ(load_often(VA), NUMBER(space, 0));
    }
    for (unsigned form = 0; form < FORMS; form++)
        for (unsigned i = 0; i < 6; i++) {
            switch_to(0);
            EQ(load_often(VA), NUMBER(0, i & 1));
            if (i & 2)
                switch_to(1);
            pt_map(&spaces[0], VA, pages[0][~i & 1], 0, leaf());
            fence(form, VA, 1);
            switch_to(0);
            EQ(load_often(VA), NUMBER(0, ~i & 1));
        }
    end();
}

// Fences of many other addresses come after the one that matters.
static void many_fences(void)
{
    static const unsigned counts[] = {0, 1, 30, 62, 63, 64, 65, 127, 128, 200, 1000};

    begin();
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        switch_to(0);
        EQ(load(VA), NUMBER(0, i & 1));
        switch_to(1);
        pt_map(&spaces[0], VA, pages[0][~i & 1], 0, leaf());
        fence(0, VA, 0);
        for (unsigned n = 0; n < counts[i]; n++)
            fence(0, VA + (n + 1) * PAGE, 0);
        switch_to(0);
        EQ(load(VA), NUMBER(0, ~i & 1));
    }
    end();
}

// A fence while the space is there must not be needed a second time, nor be undone by what was kept before.
static void left_twice(void)
{
    begin();
    for (unsigned i = 0; i < 12; i++) {
        switch_to(0);
        EQ(load(VA), NUMBER(0, i & 1));
        switch_to(1);
        switch_to(0);
        pt_map(&spaces[0], VA, pages[0][~i & 1], 0, leaf());
        fence(1, VA, 1);
        if (i & 2) // what it has then is new, or nothing
            EQ(load(VA), NUMBER(0, ~i & 1));
        switch_to(1);
        switch_to(2);
        switch_to(0);
        EQ(load(VA), NUMBER(0, ~i & 1));
    }
    end();
}

// A megapage; the fence names an address of it that nobody has used.
static void a_superpage_moves(void)
{
    const uint64_t place[2] = {RAM + (52ul << 20), RAM + (54ul << 20)};

    begin();
    for (unsigned i = 0; i < 8; i++) {
        *(volatile uint64_t *)(place[0] + i * 5 * PAGE) = i;
        *(volatile uint64_t *)(place[1] + i * 5 * PAGE) = 50 + i;
    }
    for (unsigned round = 0; round < 12; round++) {
        switch_to(0);
        pt_map(&spaces[0], BIG, place[round & 1], 1, leaf());
        fence(0, BIG, 0);
        for (unsigned i = 0; i < 8; i++)
            EQ(load(BIG + i * 5 * PAGE), i + (round & 1 ? 50 : 0));
        switch_to(1);
        pt_map(&spaces[0], BIG, place[~round & 1], 1, leaf());
        fence(round % 3, BIG + 511 * PAGE, 1);
        switch_to(0);
        for (unsigned i = 0; i < 8; i++)
            EQ(load(BIG + i * 5 * PAGE), i + (round & 1 ? 0 : 50));
    }
    end();
}

// A page that is global in all; it moves while any of them is there.
static void a_global_page(void)
{
    begin();
    for (unsigned i = 0; i < 24; i++) {
        unsigned form = i % 3 ? 0 : 3;

        for (unsigned space = 0; space < SPACES; space++)
            pt_map(&spaces[space], VA, pages[0][i & 1], 0, leaf() | PTE_G);
        fence(form, VA, 0);
        for (unsigned space = 0; space < SPACES; space++) {
            switch_to((i + space) % SPACES);
            EQ(load(VA), NUMBER(0, i & 1));
        }
    }
    end();
}

// It is global only now, or not any more.
static void global_or_not(void)
{
    begin();
    for (unsigned i = 0; i < 12; i++) {
        switch_to(0);
        EQ(load(VA), NUMBER(0, 0));
        switch_to(1);
        EQ(load(VA), NUMBER(i & 1 ? 0 : 1, 0));
        for (unsigned space = 0; space < SPACES; space++)
            pt_map(&spaces[space], VA, pages[i & 1 ? space : 0][0], 0,
                   leaf() | (i & 1 ? 0 : PTE_G));
        fence(i & 2 ? 0 : 3, VA, 0);
    }
    end();
}

// Rights that go and come, while the space is away.
static void rights_change(void)
{
    if (way == AS_U)
        return; // traps are expected in code of the runtime
    begin();
    for (unsigned i = 0; i < 12; i++) {
        switch_to(0);
        store(VA + 8, i);
        switch_to(1);
        pt_map(&spaces[0], VA, pages[0][0], 0, leaf() & ~PTE_W);
        fence(i % FORMS, VA, 1);
        switch_to(0);
        TRAPS(rt_try_store(VA + 8, 8, 77), CAUSE_STORE_PAGE, VA + 8);
        EQ(load(VA + 8), i);
        switch_to(1);
        pt_map(&spaces[0], VA, pages[0][0], 0, 0);
        fence((i + 1) % FORMS, VA, 1);
        switch_to(0);
        TRAPS(rt_try_load(VA + 8, 8, NULL), CAUSE_LOAD_PAGE, VA + 8);
        pt_map(&spaces[0], VA, pages[0][0], 0, leaf());
        fence(i % FORMS, VA, 1);
    }
    end();
}

// What MXR allowed, found by a space that was left with it, is not allowed without.
static void mxr_changes(void)
{
    if (way == AS_U)
        return;
    begin();
    pt_map(&spaces[0], VA, pages[0][0], 0, (leaf() & ~(PTE_R | PTE_W)));
    pt_flush();
    for (unsigned i = 0; i < 12; i++) {
        switch_to(0);
        csr_set(sstatus, STATUS_MXR);
        EQ(load(VA), NUMBER(0, 0));
        if (i & 1)
            switch_to(1);
        csr_clear(sstatus, STATUS_MXR);
        if ((i & 3) == 3)
            EQ(load(VA), NUMBER(1, 0));
        switch_to(0);
        TRAPS(rt_try_load(VA, 8, NULL), CAUSE_LOAD_PAGE, VA);
    }
    end();
}

// An ASID changes hands: other tables, and a fence of that ASID.
static void an_asid_is_used_again(void)
{
    begin();
    for (unsigned i = 0; i < 12; i++) {
        switch_to(0);
        EQ(load(VA), NUMBER(0, 0));
        switch_to(1);
        EQ(load(VA), NUMBER(1, 0));
        if (i & 1)
            fence(2, 0, 1);
        csr_write(satp, pt_satp(&spaces[2], 1));
        if (!(i & 1))
            fence(2, 0, 1);
        EQ(load(VA), NUMBER(2, 0));
        switch_to(1);
        if (i & 2)
            fence(3, 0, 0);
        else
            fence(2, 0, 1);
        EQ(load(VA), NUMBER(1, 0));
    }
    end();
}

// ASID 0 is one like the others.
static void asid_0(void)
{
    begin();
    for (unsigned i = 0; i < 12; i++) {
        csr_write(satp, pt_satp(&spaces[0], 0));
        EQ(load(VA), NUMBER(0, i & 1));
        switch_to(1);
        EQ(load(VA), NUMBER(1, 0));
        pt_map(&spaces[0], VA, pages[0][~i & 1], 0, leaf());
        fence(i % FORMS, VA, 0);
    }
    end();
}

// More spaces than anybody keeps, and more than once; then their pages move, all under one fence.
static void many_spaces(void)
{
    enum { MANY = 90 };
    static struct pt many[MANY];
    uint64_t of[2][MANY];

    begin();
    for (unsigned i = 0; i < MANY; i++) {
        many[i] = spaces[0];
        many[i].root = rt_page();
        memcpy(many[i].root, spaces[1].root, PAGE);
        *pt_entry(&many[i], VA, 2) = 0;
        for (unsigned version = 0; version < 2; version++)
            of[version][i] = marked(1000 * version + i);
        pt_map(&many[i], VA, of[0][i], 0, leaf());
        if (i & 1) // the next ones must not find it
            pt_map(&many[i], VA + PAGE, of[0][i], 0, leaf());
    }
    for (unsigned round = 0; round < 6; round++) {
        unsigned version = round / 2 & 1, count = round & 1 ? 12 : MANY;

        for (unsigned i = 0; i < 2 * count; i++) {
            unsigned space = i & 1 ? i / 4 : i / 2;

            csr_write(satp, pt_satp(&many[space], space + 1));
            EQ(load(VA), 1000 * version + space);
            if (space & 1)
                EQ(load(VA + PAGE), space);
            else if (way != AS_U)
                TRAPS(rt_try_load(VA + PAGE, 8, NULL), CAUSE_LOAD_PAGE, VA + PAGE);
        }
        if (way == AS_U) // nor must M mode, to whom it is no address of memory
            TRAPS(rt_try_load(VA + PAGE, 8, NULL), CAUSE_LOAD_ACCESS, VA + PAGE);
        if (!(round & 1))
            continue;
        for (unsigned i = 0; i < MANY; i++)
            pt_map(&many[i], VA, of[~version & 1][i], 0, leaf());
        fence(0, VA, 0);
    }
    end();
}

// As processes do in turn: working sets at the same addresses. For the test that counts what is looked up in
// the page tables, it is done often.
static void working_sets(void)
{
    begin();
    for (unsigned space = 0; space < SPACES; space++)
        for (unsigned i = 1; i < WORKING_SET; i++)
            pt_map(&spaces[space], VA + i * PAGE, marked(0), 0, leaf());
    pt_flush();
    for (unsigned turn = 0; turn < 600; turn++) {
        switch_to(turn % SPACES);
        for (unsigned i = 1; i < WORKING_SET; i++)
            store(VA + i * PAGE, load(VA + i * PAGE) + i);
    }
    for (unsigned space = 0; space < SPACES; space++) {
        switch_to(space);
        for (unsigned i = 1; i < WORKING_SET; i++)
            EQ(load(VA + i * PAGE), 600 / SPACES * i);
    }
    end();
}

// More than anybody keeps, and fewer again.
static void large_sets(void)
{
    enum { LARGE = 700 };
    uint64_t shared = marked(5);

    begin();
    for (unsigned i = 1; i < LARGE; i++)
        pt_map(&spaces[0], VA + i * PAGE, i % 8 ? shared : marked(i), 0, leaf());
    pt_flush();
    for (unsigned round = 0; round < 8; round++) {
        unsigned count = round & 1 ? 20 : LARGE;

        switch_to(0);
        for (unsigned i = 1; i < count; i++)
            EQ(load(VA + i * PAGE), i % 8 ? 5 : i);
        switch_to(1);
        EQ(load(VA), NUMBER(1, 0));
        pt_map(&spaces[0], VA + 8 * PAGE, round & 1 ? shared : pages[0][0], 0, leaf());
        fence(0, VA + 8 * PAGE, 0);
        switch_to(0);
        EQ(load(VA + 8 * PAGE), round & 1 ? 5 : NUMBER(0, 0));
        switch_to(1);
        pt_map(&spaces[0], VA + 8 * PAGE, marked(8), 0, leaf());
        fence(2, 0, 1);
    }
    end();
}

// S mode executes the cases as a whole: what M mode does in between would hide what they are after.
#define IN_ALL_WAYS(body)                                    \
    static uint64_t body##_body(uint64_t arg)                \
    {                                                        \
        body();                                              \
        return arg;                                          \
    }                                                        \
    static void body##_in_all_ways(void)                     \
    {                                                        \
        for (way = AS_S; way < AS_U; way++)                  \
            EQ(rt_run_in(PRIV_S, body##_body, way, 0), way); \
        body();                                              \
    }
IN_ALL_WAYS(each_its_own)
IN_ALL_WAYS(a_page_moves)
IN_ALL_WAYS(loops)
IN_ALL_WAYS(many_fences)
IN_ALL_WAYS(left_twice)
IN_ALL_WAYS(a_superpage_moves)
IN_ALL_WAYS(a_global_page)
IN_ALL_WAYS(global_or_not)
IN_ALL_WAYS(rights_change)
IN_ALL_WAYS(mxr_changes)
IN_ALL_WAYS(an_asid_is_used_again)
IN_ALL_WAYS(asid_0)
IN_ALL_WAYS(many_spaces)
IN_ALL_WAYS(working_sets)
IN_ALL_WAYS(large_sets)

const struct rt_case rt_cases[] = {
    {"each-its-own", each_its_own_in_all_ways},
    {"a-page-moves", a_page_moves_in_all_ways},
    {"loops", loops_in_all_ways},
    {"many-fences", many_fences_in_all_ways},
    {"left-twice", left_twice_in_all_ways},
    {"a-superpage-moves", a_superpage_moves_in_all_ways},
    {"a-global-page", a_global_page_in_all_ways},
    {"global-or-not", global_or_not_in_all_ways},
    {"rights-change", rights_change_in_all_ways},
    {"mxr-changes", mxr_changes_in_all_ways},
    {"an-asid-is-used-again", an_asid_is_used_again_in_all_ways},
    {"asid-0", asid_0_in_all_ways},
    {"many-spaces", many_spaces_in_all_ways},
    {"working-sets", working_sets_in_all_ways},
    {"large-sets", large_sets_in_all_ways},
    {0},
};
