// SPDX-License-Identifier: Apache-2.0
// Physical memory protection: matching, permissions, locks, and the granule, held to a slow model.
#include "tests/unit/unit.h"

#include "guest/riscv/mmu.h"
#include "tests/unit/riscv_fixture.h"

enum { PMPCFG0 = 0x3a0, PMPCFG2 = 0x3a2, PMPADDR0 = 0x3b0 };

#define RWX (PMPCFG_R | PMPCFG_W | PMPCFG_X)

static int setup(void **state)
{
    static struct riscv_fixture f;

    riscv_fixture_init(&f, false);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    riscv_fixture_fini(*state);
    return 0;
}

static void entry(struct riscv_fixture *f, unsigned i, uint8_t cfg, uint64_t pmpaddr)
{
    unsigned csr = i < 8 ? PMPCFG0 : PMPCFG2, shift = 8 * (i & 7);

    fixture_csrw(f, PMPADDR0 + i, pmpaddr);
    fixture_csrw(f, csr, (fixture_csrr(f, csr) & ~(0xffull << shift)) | (uint64_t)cfg << shift);
}

static bool allowed(struct riscv_fixture *f, gpa_t gpa, unsigned size, enum mmu_access access,
                    unsigned priv)
{
    return riscv_pmp_check(&f->hart, gpa, size, access, priv, NULL);
}

static void nothing_programmed_shuts_out_all_but_machine(void **state)
{
    struct riscv_fixture *f = *state;
    uint64_t granule;

    assert_true(riscv_pmp_check(&f->hart, 0x1000, 8, MMU_STORE, PRIV_M, &granule));
    assert_true(granule >= 1ull << 56);
    assert_false(allowed(f, 0x1000, 8, MMU_LOAD, PRIV_S));
    assert_false(allowed(f, 0x1000, 8, MMU_FETCH, PRIV_U));
    f->hart.sbi = true;
    assert_true(allowed(f, 0x1000, 8, MMU_STORE, PRIV_S));
}

static void one_entry_opens_everything(void **state)
{
    struct riscv_fixture *f = *state;
    uint64_t granule;

    entry(f, 0, PMPCFG_NAPOT | RWX, ~0ull);
    assert_int_equal(fixture_csrr(f, PMPADDR0), (1ull << 54) - 1);
    assert_true(riscv_pmp_check(&f->hart, 0, 8, MMU_STORE, PRIV_U, &granule));
    assert_true(granule >= 1ull << 56);
    assert_true(riscv_pmp_check(&f->hart, (1ull << 56) - 8, 8, MMU_FETCH, PRIV_S, &granule));
    assert_true(granule >= 1ull << 30);
    entry(f, 0, PMPCFG_TOR | RWX, ~0ull);
    assert_true(allowed(f, 0, 8, MMU_STORE, PRIV_U));
}

static void modes_match_their_ranges(void **state)
{
    struct riscv_fixture *f = *state;

    entry(f, 0, PMPCFG_NA4 | PMPCFG_R, 0x80001000 >> 2);
    entry(f, 1, PMPCFG_NAPOT | PMPCFG_R | PMPCFG_W, (0x80002000 >> 2) | 0x1ff); // 4 KiB
    entry(f, 2, 0, 0x80004000 >> 2);
    entry(f, 3, PMPCFG_TOR | PMPCFG_X, 0x80006004 >> 2);
    entry(f, 4, PMPCFG_TOR | RWX, 0x80005000 >> 2); // empty: ends below its start
    assert_true(allowed(f, 0x80001000, 4, MMU_LOAD, PRIV_S));
    assert_false(allowed(f, 0x80001000, 4, MMU_STORE, PRIV_S));
    assert_false(allowed(f, 0x80001000, 8, MMU_LOAD, PRIV_S)); // matched in part
    assert_false(allowed(f, 0x80001000, 8, MMU_LOAD, PRIV_M));
    assert_false(allowed(f, 0x80000ffc, 8, MMU_LOAD, PRIV_M));
    assert_false(allowed(f, 0x80001004, 4, MMU_LOAD, PRIV_S));
    assert_false(allowed(f, 0x80001ffc, 4, MMU_LOAD, PRIV_S));
    assert_true(allowed(f, 0x80002000, 8, MMU_STORE, PRIV_U));
    assert_true(allowed(f, 0x80002ff8, 8, MMU_LOAD, PRIV_U));
    assert_false(allowed(f, 0x80002ff8, 8, MMU_FETCH, PRIV_U));
    assert_false(allowed(f, 0x80003000, 1, MMU_LOAD, PRIV_U));
    assert_false(allowed(f, 0x80003fff, 1, MMU_FETCH, PRIV_S));
    assert_true(allowed(f, 0x80004000, 4, MMU_FETCH, PRIV_S));
    assert_true(allowed(f, 0x80006000, 4, MMU_FETCH, PRIV_S));
    assert_false(allowed(f, 0x80006004, 2, MMU_FETCH, PRIV_S));
}

static void lowest_entry_decides_and_locks_bind_machine(void **state)
{
    struct riscv_fixture *f = *state;

    entry(f, 0, PMPCFG_NAPOT | PMPCFG_R, (0x80000000 >> 2) | 0x1ff);
    entry(f, 1, PMPCFG_NAPOT | RWX, ~0ull);
    assert_false(allowed(f, 0x80000008, 8, MMU_STORE, PRIV_S));
    assert_true(allowed(f, 0x80000008, 8, MMU_STORE, PRIV_M));
    assert_true(allowed(f, 0x80001000, 8, MMU_STORE, PRIV_S));
    entry(f, 0, PMPCFG_L | PMPCFG_NAPOT | PMPCFG_R, (0x80000000 >> 2) | 0x1ff);
    assert_false(allowed(f, 0x80000008, 8, MMU_STORE, PRIV_M));
    assert_true(allowed(f, 0x80000008, 8, MMU_LOAD, PRIV_M));
}

static void locked_entries_stay(void **state)
{
    struct riscv_fixture *f = *state;

    entry(f, 1, 0, 0x111);
    entry(f, 2, PMPCFG_L | PMPCFG_TOR | PMPCFG_R, 0x222);
    fixture_csrw(f, PMPADDR0 + 2, 0x999);
    fixture_csrw(f, PMPADDR0 + 1, 0x999); // where the locked range starts
    fixture_csrw(f, PMPCFG0, 0);
    assert_int_equal(fixture_csrr(f, PMPADDR0 + 2), 0x222);
    assert_int_equal(fixture_csrr(f, PMPADDR0 + 1), 0x111);
    assert_int_equal(fixture_csrr(f, PMPCFG0), 0x890000);
    entry(f, 5, PMPCFG_L | PMPCFG_NAPOT, 0x555);
    fixture_csrw(f, PMPADDR0 + 4, 0x444);
    assert_int_equal(fixture_csrr(f, PMPADDR0 + 4), 0x444);
    entry(f, 15, PMPCFG_L, 0x777); // locked although off
    fixture_csrw(f, PMPADDR0 + 15, 1);
    assert_int_equal(fixture_csrr(f, PMPADDR0 + 15), 0x777);
    fixture_csrw(f, PMPADDR0 + 14, 1);
    assert_int_equal(fixture_csrr(f, PMPADDR0 + 14), 1);
}

static void configuration_is_legalised(void **state)
{
    struct riscv_fixture *f = *state;

    fixture_csrw(f, PMPCFG0, 0x7f7a60030201007full);
    // Bits 5 and 6 are zero; W without R is reserved.
    assert_int_equal(fixture_csrr(f, PMPCFG0), 0x1f1800030001001full);
    assert_int_equal(f->hart.changed & HART_CHANGED_FETCH, HART_CHANGED_FETCH);
    fixture_csrw(f, PMPCFG2, 0x0f);
    assert_int_equal(f->hart.s.pmpcfg[8], 0x0f);
}

static uint64_t random_next(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

// The specification said slowly: looks at the access byte by byte.
static bool model(const struct hart_state *s, gpa_t gpa, unsigned size, enum mmu_access access,
                  unsigned priv)
{
    static const uint8_t need[] = {PMPCFG_R, PMPCFG_W, PMPCFG_X};

    for (unsigned i = 0; i < RISCV_PMP_ENTRIES; i++) {
        uint8_t cfg = s->pmpcfg[i];
        unsigned matched = 0;

        for (gpa_t byte = gpa; byte < gpa + size; byte++) {
            uint64_t word = byte >> 2, mask = 1;

            switch (cfg & PMPCFG_A) {
            case PMPCFG_TOR:
                matched += (i == 0 || word >= s->pmpaddr[i - 1]) && word < s->pmpaddr[i];
                break;
            case PMPCFG_NA4: matched += word == s->pmpaddr[i]; break;
            case PMPCFG_NAPOT:
                while ((s->pmpaddr[i] & mask) == mask)
                    mask = mask << 1 | 1;
                matched += (word & ~mask) == (s->pmpaddr[i] & ~mask);
                break;
            }
        }
        if (matched == 0)
            continue;
        if (matched < size)
            return false;
        return (priv == PRIV_M && !(cfg & PMPCFG_L)) || (cfg & need[access]);
    }
    return priv == PRIV_M;
}

// A small space full of entries, compared with the model; and everything in a granule is alike.
static void random_entries_agree_with_the_model(void **state)
{
    struct riscv_fixture *f = *state;
    uint64_t seed = 0x9e3779b97f4a7c15;
    const unsigned space = 0x400;

    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = 0; i < RISCV_PMP_ENTRIES; i++) {
            f->hart.s.pmpcfg[i] = i < round % 17 ? random_next(&seed) & 0x9f : 0;
            f->hart.s.pmpaddr[i] = random_next(&seed) % (space / 4);
        }
        riscv_hart_state_loaded(&f->hart);
        for (unsigned probe = 0; probe < 200; probe++) {
            unsigned size = 1u << random_next(&seed) % 4;
            gpa_t gpa = random_next(&seed) % space & ~(gpa_t)(size - 1);
            enum mmu_access access = random_next(&seed) % 3;
            unsigned priv = random_next(&seed) % 2 ? PRIV_M : PRIV_S;
            uint64_t granule = 0;
            bool ok = riscv_pmp_check(&f->hart, gpa, size, access, priv, &granule);
            gpa_t other;

            assert_int_equal(ok, model(&f->hart.s, gpa, size, access, priv));
            assert_true(granule >= 4 && (granule & (granule - 1)) == 0);
            if (granule < size)
                continue;
            other = (gpa & ~(granule - 1)) +
                    (random_next(&seed) % (granule < space ? granule : space) & ~7ull);
            if (granule >= 8)
                assert_int_equal(ok, model(&f->hart.s, other, 8, access, priv));
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_programmed_shuts_out_all_but_machine),
        TEST(one_entry_opens_everything),
        TEST(modes_match_their_ranges),
        TEST(lowest_entry_decides_and_locks_bind_machine),
        TEST(locked_entries_stay),
        TEST(configuration_is_legalised),
        TEST(random_entries_agree_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
