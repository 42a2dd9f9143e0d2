// SPDX-License-Identifier: Apache-2.0
// The page walk: levels, permissions, reserved encodings, A and D bits, NAPOT, PMP on the way.
#include "tests/unit/unit.h"

#include "guest/riscv/mmu.h"
#include "guest/riscv/trap.h"
#include "tests/unit/riscv_fixture.h"

#define V 0x01ull
#define R 0x02ull
#define W 0x04ull
#define X 0x08ull
#define U 0x10ull
#define G 0x20ull
#define A 0x40ull
#define D 0x80ull
#define RSW 0x300ull
#define N (1ull << 63)
#define PBMT(n) ((uint64_t)(n) << 61)
#define LEAF (V | R | W | X | A | D)

#define TABLE(n) (FIXTURE_RAM + 0x1000ull * (n)) // page tables, the root first
#define PTE(gpa, flags) (((gpa) >> 12 << 10) | (flags))
#define VA 0x12345678abcull // in Sv48's and Sv57's lower half; Sv39's tests cut it
#define TARGET 0x80abcd000ull

static const struct mmu_mode S = {.priv = PRIV_S}, S_SUM = {.priv = PRIV_S, .sum = true},
                             S_MXR = {.priv = PRIV_S, .mxr = true}, UMODE = {.priv = PRIV_U};

static int setup(void **state)
{
    static struct riscv_fixture f;

    riscv_fixture_init(&f, true);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    riscv_fixture_fini(*state);
    return 0;
}

static void set_mode(struct riscv_fixture *f, unsigned levels)
{
    f->hart.s.satp = (uint64_t)(SATP_MODE_SV39 + levels - 3) << SATP_MODE_SHIFT | TABLE(0) >> 12;
}

static gpa_t pte_gpa(gva_t va, unsigned levels, unsigned level)
{
    return TABLE(levels - 1 - level) + (va >> (12 + 9 * level) & 0x1ff) * 8;
}

// Maps va with `pte` at `level`, through tables of their own.
static gpa_t map(struct riscv_fixture *f, unsigned levels, unsigned level, gva_t va, uint64_t pte)
{
    set_mode(f, levels);
    for (unsigned i = levels - 1; i > level; i--)
        fixture_poke(f, pte_gpa(va, levels, i), PTE(TABLE(levels - i), V));
    fixture_poke(f, pte_gpa(va, levels, level), pte);
    return pte_gpa(va, levels, level);
}

static int walk(struct riscv_fixture *f, gva_t va, enum mmu_access access, struct mmu_mode mode,
                struct mmu_result *result)
{
    memset(result, 0, sizeof(*result));
    return riscv_mmu_translate(&f->hart, va, 1, access, mode, result);
}

static int cause_of(struct riscv_fixture *f, gva_t va, enum mmu_access access, struct mmu_mode mode)
{
    struct mmu_result result;

    return walk(f, va, access, mode, &result);
}

static const int page_faults[] = {CAUSE_LOAD_PAGE_FAULT, CAUSE_STORE_PAGE_FAULT,
                                  CAUSE_FETCH_PAGE_FAULT};
static const int access_faults[] = {CAUSE_LOAD_ACCESS, CAUSE_STORE_ACCESS, CAUSE_FETCH_ACCESS};

static void every_level_of_every_mode_maps(void **state)
{
    struct riscv_fixture *f = *state;

    for (unsigned levels = 3; levels <= 5; levels++) {
        gva_t va = VA & ((1ull << (11 + 9 * levels)) - 1);

        for (unsigned half = 0; half < 2; half++) {
            for (unsigned level = 0; level < levels; level++) {
                uint64_t size = 1ull << (12 + 9 * level);
                gpa_t base = 0x5a5a5a5a5a5000ull & ~(size - 1);
                struct mmu_result r;

                map(f, levels, level, va, PTE(base, LEAF));
                assert_int_equal(walk(f, va, MMU_LOAD, S, &r), 0);
                assert_int_equal(r.gpa, base + (va & (size - 1)));
                assert_int_equal(r.page, size);
                assert_int_equal(r.perms, 7);
                memset(f->ram, 0, 0x8000);
            }
            va = (va | 1ull << (11 + 9 * levels)) | ~0ull << (12 + 9 * levels);
        }
    }
}

static void addresses_are_canonical(void **state)
{
    struct riscv_fixture *f = *state;

    for (unsigned levels = 3; levels <= 5; levels++) {
        unsigned bits = 12 + 9 * levels;
        gva_t va = VA & ((1ull << (bits - 1)) - 1);

        map(f, levels, levels - 1, va, PTE(0, LEAF));
        assert_int_equal(cause_of(f, va, MMU_FETCH, S), 0);
        assert_int_equal(cause_of(f, va | 1ull << bits, MMU_FETCH, S), CAUSE_FETCH_PAGE_FAULT);
        assert_int_equal(cause_of(f, va | 1ull << 63, MMU_LOAD, S), CAUSE_LOAD_PAGE_FAULT);
        map(f, levels, levels - 1, va | 1ull << (bits - 1), PTE(0, LEAF));
        assert_int_equal(cause_of(f, va | 1ull << (bits - 1), MMU_STORE, S),
                         CAUSE_STORE_PAGE_FAULT);
        assert_int_equal(cause_of(f, va | ~0ull << (bits - 1), MMU_STORE, S), 0);
        memset(f->ram, 0, 0x8000);
    }
}

static void machine_and_bare_do_not_walk(void **state)
{
    struct riscv_fixture *f = *state;
    struct mmu_mode m = {.priv = PRIV_M};
    struct mmu_result r;

    assert_int_equal(walk(f, 0xfedcba9876543210, MMU_STORE, S, &r), 0);
    assert_int_equal(r.gpa, 0xfedcba9876543210);
    assert_int_equal(r.perms, 7);
    set_mode(f, 3);
    assert_int_equal(walk(f, 0x1234, MMU_STORE, m, &r), 0);
    assert_int_equal(r.gpa, 0x1234);
    assert_int_equal(cause_of(f, 0x1234, MMU_STORE, S), CAUSE_STORE_PAGE_FAULT);
}

// What the specification says each combination allows, for each mode.
static void permissions_follow_the_table(void **state)
{
    struct riscv_fixture *f = *state;
    const struct mmu_mode modes[] = {S, S_SUM, S_MXR, UMODE};
    gva_t va = 0x1234567000;

    for (uint64_t flags = 0; flags < 16; flags++) { // R, W, X, U
        map(f, 3, 0, va, PTE(TARGET, V | A | D | flags << 1));
        for (unsigned m = 0; m < HULL_ARRAY_SIZE(modes); m++) {
            struct mmu_mode mode = modes[m];
            uint64_t pte = flags << 1;
            bool user = mode.priv == PRIV_U, page_user = pte & U;
            bool reach = user ? page_user : !page_user || mode.sum;
            bool legal = (pte & (R | X)) && (pte & (R | W)) != W;
            bool can[] = {
                [MMU_LOAD] = legal && reach && ((pte & R) || (mode.mxr && (pte & X))),
                [MMU_STORE] = legal && reach && (pte & W),
                [MMU_FETCH] = legal && (pte & X) && user == page_user,
            };

            for (enum mmu_access access = MMU_LOAD; access <= MMU_FETCH; access++) {
                struct mmu_result r;
                int cause = walk(f, va, access, mode, &r);

                assert_int_equal(cause, can[access] ? 0 : page_faults[access]);
                if (!cause)
                    assert_int_equal(r.perms, can[0] << 0 | can[1] << 1 | can[2] << 2);
            }
        }
    }
}

static void reserved_leaf_bits_fault(void **state)
{
    struct riscv_fixture *f = *state;
    gva_t va = 0x1234567000;

    map(f, 3, 0, va, PTE(TARGET, LEAF | RSW | G));
    assert_int_equal(cause_of(f, va, MMU_LOAD, S), 0);
    map(f, 3, 0, va, PTE(TARGET, LEAF & ~V));
    assert_int_equal(cause_of(f, va, MMU_LOAD, S), CAUSE_LOAD_PAGE_FAULT);
    for (unsigned bit = 54; bit <= 60; bit++) {
        map(f, 3, 0, va, PTE(TARGET, LEAF) | 1ull << bit);
        assert_int_equal(cause_of(f, va, MMU_LOAD, S), CAUSE_LOAD_PAGE_FAULT);
    }
    for (unsigned pbmt = 1; pbmt < 4; pbmt++) {
        map(f, 3, 0, va, PTE(TARGET, LEAF) | PBMT(pbmt));
        f->hart.s.menvcfg |= MENVCFG_PBMTE;
        assert_int_equal(cause_of(f, va, MMU_LOAD, S), pbmt == 3 ? CAUSE_LOAD_PAGE_FAULT : 0);
        f->hart.s.menvcfg &= ~MENVCFG_PBMTE;
        assert_int_equal(cause_of(f, va, MMU_LOAD, S), CAUSE_LOAD_PAGE_FAULT);
    }
}

static void reserved_bits_in_pointers_fault(void **state)
{
    struct riscv_fixture *f = *state;
    static const uint64_t reserved[] = {D, A, U, PBMT(1), PBMT(2), N, 1ull << 54, 1ull << 60, W};
    gva_t va = 0x1234567000;

    map(f, 3, 0, va, PTE(TARGET, LEAF));
    fixture_poke(f, pte_gpa(va, 3, 1), PTE(TABLE(2), V | G | RSW));
    assert_int_equal(cause_of(f, va, MMU_FETCH, S), 0);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(reserved); i++) {
        fixture_poke(f, pte_gpa(va, 3, 1), PTE(TABLE(2), V) | reserved[i]);
        assert_int_equal(cause_of(f, va, MMU_FETCH, S), CAUSE_FETCH_PAGE_FAULT);
    }
    map(f, 3, 0, va, PTE(TARGET, V)); // a pointer where only a leaf can be
    assert_int_equal(cause_of(f, va, MMU_FETCH, S), CAUSE_FETCH_PAGE_FAULT);
}

static void superpages_are_aligned(void **state)
{
    struct riscv_fixture *f = *state;
    gva_t va = 0x1234567000;

    for (unsigned level = 1; level < 3; level++) {
        map(f, 3, level, va, PTE(1ull << (12 + 9 * level), LEAF));
        assert_int_equal(cause_of(f, va, MMU_LOAD, S), 0);
        map(f, 3, level, va, PTE(1ull << (11 + 9 * level), LEAF));
        assert_int_equal(cause_of(f, va, MMU_LOAD, S), CAUSE_LOAD_PAGE_FAULT);
        map(f, 3, level, va, PTE(1ull << 12, LEAF));
        assert_int_equal(cause_of(f, va, MMU_LOAD, S), CAUSE_LOAD_PAGE_FAULT);
        memset(f->ram, 0, 0x8000);
    }
}

static void napot_maps_64_kib(void **state)
{
    struct riscv_fixture *f = *state;
    struct mmu_result r;
    gva_t va = 0x123456f123;

    map(f, 3, 0, va, PTE(0x87654000ull | 0x8000, LEAF) | N);
    assert_int_equal(cause_of(f, va, MMU_LOAD, S), CAUSE_LOAD_PAGE_FAULT); // ppn[3:0] = 1100
    map(f, 3, 0, va, PTE(0x87658000ull, LEAF) | N);
    assert_int_equal(walk(f, va, MMU_LOAD, S, &r), 0);
    assert_int_equal(r.gpa, 0x8765f123);
    assert_int_equal(r.page, 0x10000);
    for (unsigned low = 0; low < 16; low++) {
        map(f, 3, 0, va, PTE(0x87650000ull + 0x1000 * low, LEAF) | N);
        assert_int_equal(cause_of(f, va, MMU_LOAD, S), low == 8 ? 0 : CAUSE_LOAD_PAGE_FAULT);
    }
    map(f, 3, 0, va, PTE(0x87658000ull, LEAF) | N);
    f->isa.extensions &= ~(1ull << EXT_SVNAPOT);
    assert_int_equal(cause_of(f, va, MMU_LOAD, S), CAUSE_LOAD_PAGE_FAULT);
    f->isa = riscv_isa_default();
    map(f, 3, 1, va, PTE(0x87600000ull, LEAF) | N);
    assert_int_equal(cause_of(f, va, MMU_LOAD, S), CAUSE_LOAD_PAGE_FAULT);
}

static void clear_a_and_d_fault_without_svadu(void **state)
{
    struct riscv_fixture *f = *state;
    gva_t va = 0x1234567000;
    struct mmu_result r;
    gpa_t pte;

    pte = map(f, 3, 0, va, PTE(TARGET, LEAF & ~A));
    for (enum mmu_access access = MMU_LOAD; access <= MMU_FETCH; access++)
        assert_int_equal(cause_of(f, va, access, S), page_faults[access]);
    map(f, 3, 0, va, PTE(TARGET, LEAF & ~D));
    assert_int_equal(cause_of(f, va, MMU_STORE, S), CAUSE_STORE_PAGE_FAULT);
    assert_int_equal(walk(f, va, MMU_LOAD, S, &r), 0);
    assert_int_equal(r.perms, 1 << MMU_LOAD | 1 << MMU_FETCH); // a store has to come back
    assert_int_equal(fixture_peek(f, pte), PTE(TARGET, LEAF & ~D));
}

static void svadu_sets_a_and_d(void **state)
{
    struct riscv_fixture *f = *state;
    gva_t va = 0x1234567000;
    struct mmu_result r;
    gpa_t pte;

    f->hart.s.menvcfg |= MENVCFG_ADUE;
    pte = map(f, 3, 0, va, PTE(TARGET, LEAF & ~(A | D)));
    assert_int_equal(walk(f, va, MMU_FETCH, S, &r), 0);
    assert_int_equal(r.perms, 1 << MMU_LOAD | 1 << MMU_FETCH);
    assert_int_equal(fixture_peek(f, pte), PTE(TARGET, LEAF & ~D));
    assert_int_equal(walk(f, va, MMU_STORE, S, &r), 0);
    assert_int_equal(r.perms, 7);
    assert_int_equal(fixture_peek(f, pte), PTE(TARGET, LEAF));

    map(f, 3, 0, va, PTE(TARGET, V | R)); // an access that is not allowed leaves no trace
    assert_int_equal(cause_of(f, va, MMU_STORE, S), CAUSE_STORE_PAGE_FAULT);
    assert_int_equal(fixture_peek(f, pte), PTE(TARGET, V | R));
}

static void note_write(void *ctx, gpa_t gpa)
{
    *(gpa_t *)ctx = gpa;
}

static void svadu_tells_who_watches(void **state)
{
    struct riscv_fixture *f = *state;
    gva_t va = 0x1234567000;
    gpa_t written = 0, pte = map(f, 3, 0, va, PTE(TARGET, V | R));

    f->hart.s.menvcfg |= MENVCFG_ADUE;
    f->vm.memory.watch = (struct mem_watch){
        .base = pte & ~0xfffull, .size = 4096, .written = note_write, .ctx = &written};
    assert_int_equal(cause_of(f, va, MMU_LOAD, S), 0);
    assert_int_equal(written, pte);
}

static void tables_outside_of_ram_are_access_faults(void **state)
{
    struct riscv_fixture *f = *state;
    gva_t va = 0x1234567000;

    map(f, 3, 0, va, PTE(TARGET, LEAF));
    fixture_poke(f, pte_gpa(va, 3, 1), PTE(FIXTURE_RAM + FIXTURE_RAM_SIZE, V));
    for (enum mmu_access access = MMU_LOAD; access <= MMU_FETCH; access++)
        assert_int_equal(cause_of(f, va, access, S), access_faults[access]);
    f->hart.s.satp |= SATP_PPN;
    assert_int_equal(cause_of(f, va, MMU_STORE, S), CAUSE_STORE_ACCESS);
}

static void pmp_guards_tables_and_pages(void **state)
{
    struct riscv_fixture *f = *state;
    gva_t va = 0x1234567000;
    struct mmu_result r;
    gpa_t pte = map(f, 3, 0, va, PTE(TARGET, LEAF & ~A));

    f->hart.s.menvcfg |= MENVCFG_ADUE;
    f->hart.sbi = false;
    f->hart.s.pmpcfg[0] = PMPCFG_NA4 | PMPCFG_R; // half of the leaf: matched in part
    f->hart.s.pmpaddr[0] = pte >> 2;
    f->hart.s.pmpcfg[3] = PMPCFG_NAPOT | PMPCFG_R | PMPCFG_W | PMPCFG_X;
    f->hart.s.pmpaddr[3] = (1ull << 54) - 1;
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(cause_of(f, va, MMU_LOAD, S), CAUSE_LOAD_ACCESS);
    f->hart.s.pmpcfg[0] = PMPCFG_NAPOT | PMPCFG_R; // readable, but A cannot be set
    f->hart.s.pmpaddr[0] = (pte & ~0xfffull) >> 2 | 0x1ff;
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(cause_of(f, va, MMU_FETCH, S), CAUSE_FETCH_ACCESS);
    assert_int_equal(fixture_peek(f, pte), PTE(TARGET, LEAF & ~A));
    fixture_poke(f, pte, PTE(TARGET, LEAF));
    assert_int_equal(walk(f, va, MMU_STORE, S, &r), 0);
    assert_int_equal(r.page, 4096);

    // The page itself: its second half is read-only.
    f->hart.s.pmpcfg[1] = PMPCFG_NAPOT | PMPCFG_R;
    f->hart.s.pmpaddr[1] = (TARGET + 2048) >> 2 | 0xff;
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(walk(f, va, MMU_STORE, S, &r), 0);
    assert_int_equal(r.page, 2048);
    assert_int_equal(walk(f, va + 2048, MMU_STORE, S, &r), CAUSE_STORE_ACCESS);
    assert_int_equal(walk(f, va + 2048, MMU_LOAD, S, &r), 0);
    assert_int_equal(r.perms, 1 << MMU_LOAD);
}

static void pmp_cuts_superpages(void **state)
{
    struct riscv_fixture *f = *state;
    gva_t va = 0x1234400000;
    struct mmu_result r;

    map(f, 3, 2, va, PTE(0x80000000ull, LEAF));
    f->hart.sbi = false;
    f->hart.s.pmpcfg[0] = PMPCFG_NAPOT; // firmware's 512 KiB
    f->hart.s.pmpaddr[0] = 0xb0000000ull >> 2 | 0xffff;
    f->hart.s.pmpcfg[1] = PMPCFG_NAPOT | PMPCFG_R | PMPCFG_W | PMPCFG_X;
    f->hart.s.pmpaddr[1] = (1ull << 54) - 1;
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(walk(f, 0x1234400000, MMU_STORE, S, &r), 0); // 0xb4400000 behind it
    assert_int_equal(r.gpa, 0xb4400000);
    assert_int_equal(r.page, 0x4000000);
    assert_int_equal(walk(f, 0x1230080000, MMU_STORE, S, &r), 0); // right behind it
    assert_int_equal(r.page, 0x80000);
    assert_int_equal(walk(f, 0x1230040000, MMU_STORE, S, &r), CAUSE_STORE_ACCESS);
    assert_int_equal(walk(f, 0x1200000000, MMU_STORE, S, &r), 0); // far below
    assert_int_equal(r.gpa, 0x80000000);
    assert_int_equal(r.page, 0x20000000);
}

static void mprv_borrows_the_previous_mode(void **state)
{
    struct riscv_fixture *f = *state;
    struct mmu_mode mode;

    f->hart.s.priv = PRIV_M;
    f->hart.s.mstatus = MSTATUS_SUM | MSTATUS_MXR | 1ull << MSTATUS_MPP_SHIFT;
    mode = riscv_mmu_data_mode(&f->hart);
    assert_int_equal(mode.priv, PRIV_M);
    assert_false(mode.sum || mode.mxr);
    f->hart.s.mstatus |= MSTATUS_MPRV;
    mode = riscv_mmu_data_mode(&f->hart);
    assert_int_equal(mode.priv, PRIV_S);
    assert_true(mode.sum && mode.mxr);
    assert_int_equal(riscv_mmu_fetch_mode(&f->hart).priv, PRIV_M);
    f->hart.s.mstatus &= ~MSTATUS_MPP;
    mode = riscv_mmu_data_mode(&f->hart);
    assert_int_equal(mode.priv, PRIV_U);
    assert_true(!mode.sum && mode.mxr);
    f->hart.s.priv = PRIV_S;
    assert_int_equal(riscv_mmu_data_mode(&f->hart).priv, PRIV_S);
    assert_false(riscv_mmu_fetch_mode(&f->hart).sum);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_level_of_every_mode_maps),
        TEST(addresses_are_canonical),
        TEST(machine_and_bare_do_not_walk),
        TEST(permissions_follow_the_table),
        TEST(reserved_leaf_bits_fault),
        TEST(reserved_bits_in_pointers_fault),
        TEST(superpages_are_aligned),
        TEST(napot_maps_64_kib),
        TEST(clear_a_and_d_fault_without_svadu),
        TEST(svadu_sets_a_and_d),
        TEST(svadu_tells_who_watches),
        TEST(tables_outside_of_ram_are_access_faults),
        TEST(pmp_guards_tables_and_pages),
        TEST(pmp_cuts_superpages),
        TEST(mprv_borrows_the_previous_mode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
