// SPDX-License-Identifier: Apache-2.0
// APLIC and IMSIC: source modes, delegation, MSIs and their targets, direct delivery, registers that
// hold only what they can.
#include "tests/unit/aplic_rig.h"

static void an_msi_goes_to_the_target(void **state)
{
    (void)state;
    source(S, 10, LEVEL1, TO(1, 0, 77));
    assert_true(nothing_came());
    wire(10, true);
    assert_true(came(1, HULL_MSI_FILE_S, 77));
    assert_int_equal(get(S + SETIP(0)), 0); // sent is no longer pending
    wire(10, false);
    wire(10, true);
    assert_true(came(1, HULL_MSI_FILE_S, 77));
    set(S + TARGET(10), TO(0, GUESTS, 255));
    wire(10, false);
    wire(10, true);
    assert_true(came(0, GUESTS, 255));
    assert_true(nothing_came());
    assert_true(atomic_load(&fvm.vm.vcpus[0].attention) & VCPU_ATTN_IRQ);
}

static void targets_that_are_not_there_get_nothing(void **state)
{
    const uint32_t targets[] = {TO(VCPUS, 0, 5), TO(0x3fff, 0, 5),  TO(0, GUESTS + 1, 5),
                                TO(0, 63, 5),    TO(0, 0, 256),     TO(0, 0, 0),
                                TO(0, 0, 2047),  TO(0x3fff, 63, 1), TO(1, 8, 1)};

    (void)state;
    source(S, 10, EDGE1, 0);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(targets); i++) {
        set(S + TARGET(10), targets[i]);
        assert_int_equal(get(S + TARGET(10)), targets[i]);
        set(S + SETIPNUM, 10);
        set(S + GENMSI, targets[i] & ~TO(0, 63, 0) & ~255u);
        assert_true(nothing_came());
    }
}

static void levels_are_sent_again_only_when_asked_for(void **state)
{
    (void)state;
    source(S, 3, LEVEL1, TO(0, 0, 3));
    set(S + SETIPNUM, 3); // low: cannot be made pending
    assert_true(nothing_came());
    wire(3, true);
    assert_true(came(0, 0, 3));
    wire(3, true);
    assert_true(nothing_came());
    set(S + SETIPNUM_LE, 3); // a driver's end of interrupt
    assert_true(came(0, 0, 3));
    set(S + CLRIENUM, 3);
    set(S + SETIPNUM, 3);
    assert_int_equal(get(S + SETIP(0)), 1u << 3);
    wire(3, false); // falls before it was sent
    assert_int_equal(get(S + SETIP(0)), 0);
    set(S + SETIENUM, 3);
    assert_true(nothing_came());
    set(S + SOURCECFG(3), LEVEL0);
    assert_true(came(0, 0, 3));
    assert_int_equal(get(S + IN_CLRIP(0)), 1u << 3);
}

static void edges_stay_pending(void **state)
{
    (void)state;
    source(S, 40, EDGE1, TO(0, 0, 40));
    set(S + DOMAINCFG, 0);
    wire(40, true);
    wire(40, false);
    assert_int_equal(get(S + SETIP(1)), 1u << 8);
    assert_true(nothing_came());
    set(S + DOMAINCFG, IE);
    assert_true(came(0, 0, 40));
    set(S + SOURCECFG(40), EDGE0);
    assert_true(nothing_came());
    wire(40, true);
    assert_true(nothing_came());
    wire(40, false);
    assert_true(came(0, 0, 40));
    set(S + SOURCECFG(40), DETACHED);
    wire(40, true);
    assert_true(nothing_came());
    assert_int_equal(get(S + IN_CLRIP(1)), 0);
    set(S + CLRIENUM, 40);
    set(S + SETIP(1), 1u << 8);
    set(S + IN_CLRIP(1), 1u << 8);
    assert_int_equal(get(S + SETIP(1)), 0);
    set(S + SETIP(1), 1u << 8);
    set(S + SETIE(1), 1u << 8);
    assert_true(came(0, 0, 40));
    set(S + SETIPNUM_BE, 40); // little-endian systems need not have it
    assert_true(nothing_came());
}

static void an_inactive_source_is_zero(void **state)
{
    (void)state;
    source(S, 10, DETACHED, TO(1, 2, 77));
    set(S + DOMAINCFG, 0);
    set(S + SETIPNUM, 10);
    assert_int_equal(get(S + SETIP(0)) & get(S + SETIE(0)), 1u << 10);
    set(S + SOURCECFG(10), 0);
    assert_int_equal(get(S + SETIP(0)) | get(S + SETIE(0)) | get(S + TARGET(10)), 0);
    set(S + TARGET(10), TO(1, 2, 77));
    set(S + SETIENUM, 10);
    set(S + SETIPNUM, 10);
    assert_int_equal(get(S + SETIP(0)) | get(S + SETIE(0)) | get(S + TARGET(10)), 0);
    for (unsigned mode = 2; mode < 4; mode++) {
        set(S + SOURCECFG(10), mode);
        assert_int_equal(get(S + SOURCECFG(10)), 0);
    }
    set(S + SOURCECFG(10), LEVEL1 | DELEGATE); // a leaf has nobody to delegate to
    assert_int_equal(get(S + SOURCECFG(10)), 0);
}

static void delegated_sources_are_the_child_s(void **state)
{
    (void)state;
    set(S + SOURCECFG(9), LEVEL1);
    assert_int_equal(get(S + SOURCECFG(9)), 0); // not its own yet
    source(M, 9, LEVEL1, TO(1, 3, 9));
    assert_int_equal(get(M + TARGET(9)), TO(1, 0, 9)); // no guests at machine level
    wire(9, true);
    assert_true(came(1, HULL_MSI_FILE_M, 9));
    set(M + SOURCECFG(9), DELEGATE | 7);
    assert_int_equal(get(M + SOURCECFG(9)), DELEGATE);
    assert_int_equal(get(M + TARGET(9)) | get(M + SETIE(0)), 0);
    source(S, 9, LEVEL1, TO(0, 1, 99));
    assert_true(came(0, 1, 99)); // the wire was high already
    assert_true(nothing_came());
    wire(9, false);
    wire(9, true);
    assert_true(came(0, 1, 99));
    set(M + SOURCECFG(9), EDGE1); // and back
    assert_int_equal(get(S + SOURCECFG(9)) | get(S + TARGET(9)) | get(S + SETIE(0)), 0);
    set(M + SOURCECFG(9), DELEGATE);
    assert_int_equal(get(S + SOURCECFG(9)), 0);
    assert_true(nothing_came());
}

static void registers_hold_what_they_can(void **state)
{
    (void)state;
    assert_int_equal(get(M + DOMAINCFG), 0x80000004);
    set(M + DOMAINCFG, ~0u);
    assert_int_equal(get(M + DOMAINCFG), 0x80000104);
    for (unsigned reg = 0x1bc0; reg < 0x1bd0; reg += 4) { // where MSIs go is locked
        set(M + reg, 0x12345);
        assert_int_equal(get(M + reg), reg == 0x1bc4 ? 0x80000000 : 0);
        assert_int_equal(get(S + reg), 0);
    }
    set(M + SOURCECFG(SOURCES), EDGE1);
    set(M + SOURCECFG(SOURCES + 1), EDGE1);
    set(M + SOURCECFG(1023), EDGE1);
    assert_int_equal(get(M + SOURCECFG(SOURCES)), EDGE1);
    assert_int_equal(get(M + SOURCECFG(SOURCES + 1)) | get(M + SOURCECFG(1023)), 0);
    set(M + TARGET(SOURCES), ~0u);
    assert_int_equal(get(M + TARGET(SOURCES)), 0xfffc07ff);
    set(M + TARGET(SOURCES + 1), ~0u);
    set(M + TARGET(1023), ~0u);
    assert_int_equal(get(M + TARGET(1023)), 0);
    for (unsigned word = 0; word < 32; word++) {
        set(M + SETIE(word), ~0u);
        assert_int_equal(get(M + SETIE(word)), word == 3 ? 1 : 0); // the active one
        set(M + CLRIE(word), ~0u);
        assert_int_equal(get(M + SETIE(word)) | get(M + CLRIE(word)), 0);
    }
    set(M + SETIENUM, SOURCES);
    set(M + SETIENUM, SOURCES + 1);
    set(M + SETIENUM, 0x10000 + SOURCES);
    set(M + SETIENUM, ~0u);
    assert_int_equal(get(M + SETIE(3)), 1);
    set(M + GENMSI, ~0u);
    assert_int_equal(get(M + GENMSI), 0xfffc07ff);
    set(M + GENMSI, TO(1, 0, 200));
    assert_true(came(1, HULL_MSI_FILE_M, 200));
    set(S + GENMSI, TO(1, 2, 200)); // no guest index here
    assert_true(came(1, HULL_MSI_FILE_S, 200));
    assert_int_equal(get(M + IDC(0, TOPI)) | get(M + IDC(0, IDELIVERY)), 0);
    set(M + IDC(0, IDELIVERY), 1);
    assert_int_equal(get(M + IDC(0, IDELIVERY)), 0);
}

static void other_widths_fault(void **state)
{
    const gpa_t bases[] = {M, S, IMSIC_M, IMSIC_S};
    uint64_t value;

    (void)state;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(bases); i++)
        for (unsigned size = 1; size <= 8; size *= 2)
            for (unsigned offset = 0; offset < 4; offset++) {
                int expected = size == 4 && !offset ? 0 : -HULL_EFAULT;

                assert_int_equal(hull_bus_read(&fvm.vm.bus, bases[i] + offset, size, &value),
                                 expected);
                assert_int_equal(hull_bus_write(&fvm.vm.bus, bases[i] + offset, size, 0), expected);
            }
}

// Whatever is written where: reads answer, and nothing but MSIs comes of it.
static void any_word_may_be_written_anywhere(void **state)
{
    const uint32_t values[] = {0, 1, 5, 0x104, 0x406, 96, 97, 0x0fffffff, ~0u, TO(1, 2, 3)};

    (void)state;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(values); i++)
        for (uint64_t reg = 0; reg < SIZE; reg += 4) {
            set(M + reg, values[i]);
            set(S + reg, values[(i + 3) % HULL_ARRAY_SIZE(values)]);
            wire(reg / 4 % 100, i & 1);
            (void)get(M + reg);
            (void)get(S + reg);
        }
}

static void reset_forgets_everything_but_the_wires(void **state)
{
    (void)state;
    set(M + SOURCECFG(10), DELEGATE);
    source(S, 10, LEVEL1, TO(0, 0, 10));
    source(M, 11, EDGE1, TO(0, 0, 11));
    set(M + GENMSI, TO(0, 0, 1));
    wire(10, true);
    wire(11, true);
    set(M + SOURCECFG(12), DETACHED);
    set(M + SETIPNUM, 12); // stays pending, not being enabled
    assert_int_equal(get(M + SETIP(0)), 1u << 12);
    hull_bus_reset(&fvm.vm.bus);
    assert_true(nothing_came());
    assert_int_equal(atomic_load(&fvm.vm.vcpus[0].msis->files), 0);
    for (uint64_t reg = 0; reg < SIZE; reg += 4) {
        assert_int_equal(get(M + reg), reg == 0 ? 0x80000004 : reg == 0x1bc4 ? 0x80000000 : 0);
        assert_int_equal(get(S + reg), reg == 0 ? 0x80000004 : 0);
    }
    source(M, 10, LEVEL1, TO(0, 0, 10));
    assert_true(came(0, HULL_MSI_FILE_M, 10)); // it is still high
}

static void pages_take_msis(void **state)
{
    (void)state;
    set(IMSIC_S + 5 * HULL_PAGE_SIZE, 63); // hart 1's guest 1
    assert_true(came(1, 1, 63));
    set(IMSIC_S + 4 * HULL_PAGE_SIZE, 64);
    assert_true(came(1, HULL_MSI_FILE_S, 64));
    set(IMSIC_M + HULL_PAGE_SIZE, 255);
    assert_true(came(1, HULL_MSI_FILE_M, 255));
    set(IMSIC_S, 0);
    set(IMSIC_S, 256);
    set(IMSIC_S, 0x10001);
    set(IMSIC_S + 4, 1);
    set(IMSIC_S + 4, 0x01000000);
    set(IMSIC_S + 8, 1);
    set(IMSIC_S + HULL_PAGE_SIZE - 4, 1);
    assert_true(nothing_came());
    assert_int_equal(get(IMSIC_S), 0);
}

static void a_page_of_no_file_takes_nothing(void **state)
{
    (void)state;
    set(IMSIC_S + 7 * HULL_PAGE_SIZE, 63);
    assert_true(nothing_came());
    assert_int_equal(atomic_load(&fvm.vm.vcpus[1].msis->files), 0);
    set(IMSIC_S + 6 * HULL_PAGE_SIZE, 63);
    assert_true(came(1, 2, 63));
}

static void direct(unsigned number, unsigned mode, uint32_t target)
{
    source(S, number, mode, target);
    for (unsigned i = 0; i < VCPUS; i++)
        set(S + IDC(i, IDELIVERY), 1);
}

static bool interrupted(unsigned vcpu)
{
    return fake_vm_line(&fvm, vcpu, 9);
}

static void without_msis_harts_claim(void **state)
{
    (void)state;
    assert_int_equal(get(S + DOMAINCFG), 0x80000000);
    direct(10, LEVEL1, TO(1, 0, 7));
    direct(11, EDGE1, TO(1, 0, 7));
    direct(12, EDGE1, TO(1, 0, 5));
    assert_int_equal(get(S + TARGET(10)), TO(1, 0, 7));
    wire(10, true);
    assert_true(interrupted(1) && !interrupted(0));
    wire(11, true);
    wire(12, true);
    assert_int_equal(get(S + IDC(1, TOPI)), 12 << 16 | 5);
    assert_int_equal(get(S + IDC(1, CLAIMI)), 12 << 16 | 5);
    assert_int_equal(get(S + IDC(1, CLAIMI)), 10 << 16 | 7);
    assert_int_equal(get(S + IDC(1, CLAIMI)), 10 << 16 | 7); // a level stays as long as the wire
    set(S + CLRIPNUM, 10);
    assert_int_equal(get(S + SETIP(0)), 3u << 10);
    wire(10, false);
    assert_int_equal(get(S + IDC(1, CLAIMI)), 11 << 16 | 7);
    assert_false(interrupted(1));
    assert_int_equal(get(S + IDC(1, CLAIMI)), 0);
    assert_int_equal(get(S + IDC(0, TOPI)), 0);
}

static void thresholds_and_enables_decide(void **state)
{
    (void)state;
    direct(20, DETACHED, 0);
    assert_int_equal(get(S + TARGET(20)), 1); // priority 0 is none
    set(S + TARGET(20), 5);
    set(S + SETIPNUM, 20);
    assert_true(interrupted(0));
    set(S + IDC(0, ITHRESHOLD), 5);
    assert_false(interrupted(0));
    assert_int_equal(get(S + IDC(0, TOPI)), 0);
    set(S + IDC(0, ITHRESHOLD), 6);
    assert_true(interrupted(0));
    set(S + IDC(0, IDELIVERY), 0);
    assert_false(interrupted(0));
    set(S + IDC(0, IDELIVERY), 1);
    set(S + DOMAINCFG, 0);
    assert_false(interrupted(0));
    assert_int_equal(get(S + IDC(0, TOPI)), 20 << 16 | 5);
    set(S + DOMAINCFG, IE);
    set(S + CLRIENUM, 20);
    assert_false(interrupted(0));
    set(S + SETIENUM, 20);
    set(S + TARGET(20), TO(1, 0, 1)); // moves to the other hart
    assert_true(interrupted(1) && !interrupted(0));
    set(S + SOURCECFG(20), 0);
    assert_false(interrupted(1));
    set(S + IDC(1, IFORCE), 1); // spurious
    assert_true(interrupted(1));
    assert_int_equal(get(S + IDC(1, CLAIMI)), 0);
    assert_false(interrupted(1));
    set(S + IDC(1, IFORCE), 1);
    hull_bus_reset(&fvm.vm.bus);
    assert_false(interrupted(1));
}

static unsigned completed;

static void note_completed(void *ctx, unsigned number)
{
    assert_ptr_equal(ctx, &completed);
    completed = number;
}

static void a_latched_wire_falls_when_claimed(void **state)
{
    (void)state;
    completed = 0;
    hull_aplic_on_complete(root, 0, 1u << 13, note_completed, &completed);
    source(S, 13, LEVEL1, 1);
    set(S + IDC(0, IDELIVERY), 1);
    wire(13, true);
    assert_int_equal(completed, 0);
    assert_int_equal(get(S + IDC(0, CLAIMI)) >> 16, 13);
    assert_int_equal(completed, 13);
    assert_int_equal(get(S + IN_CLRIP(0)), 0);
    assert_int_equal(get(S + IDC(0, CLAIMI)), 0);
    wire(13, true);
    assert_int_equal(get(S + IDC(0, CLAIMI)) >> 16, 13);
}

static void creation_fails_cleanly(void **state)
{
    const struct aplic_config config = {.sources = SOURCES};

    (void)state;
    fvm.fake.fail_alloc = 0;
    assert_null(hull_aplic_create(&fvm.vm, &config));
    fvm.fake.fail_alloc = 0;
    assert_null(hull_imsic_create(&fvm.vm, 7));
    fvm.fake.fail_alloc = 0;
    assert_null(hull_imsic_machine_create(&fvm.vm));
    assert_null(fvm.vm.vcpus[0].msis);
    hull_msi_send(&fvm.vm.vcpus[0], 0, 1); // to a hart without an IMSIC
}

int main(void)
{
#define TEST(f, setup) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_msi_goes_to_the_target, with_msis),
        TEST(targets_that_are_not_there_get_nothing, with_msis),
        TEST(levels_are_sent_again_only_when_asked_for, with_msis),
        TEST(edges_stay_pending, with_msis),
        TEST(an_inactive_source_is_zero, with_msis),
        TEST(delegated_sources_are_the_child_s, two_domains),
        TEST(registers_hold_what_they_can, two_domains),
        TEST(other_widths_fault, two_domains),
        TEST(any_word_may_be_written_anywhere, two_domains),
        TEST(reset_forgets_everything_but_the_wires, two_domains),
        TEST(pages_take_msis, two_domains),
        TEST(a_page_of_no_file_takes_nothing, with_a_page_too_many),
        TEST(without_msis_harts_claim, with_wires),
        TEST(thresholds_and_enables_decide, with_wires),
        TEST(a_latched_wire_falls_when_claimed, with_wires),
        TEST(creation_fails_cleanly, with_wires),
    };
    return cmocka_run_group_tests_name("core/dev/aplic", tests, NULL, NULL);
}
