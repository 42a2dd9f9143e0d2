// SPDX-License-Identifier: Apache-2.0
// PLIC: priorities, thresholds, claim and complete, the gateways.
#include "core/dev/devices.h"
#include "tests/unit/fake_vm.h"
#include "tests/unit/unit.h"

#define BASE 0x0c000000ull
#define PRIORITY(source) (4 * (source))
#define PENDING(word) (0x1000 + 4 * (word))
#define ENABLE(context, word) (0x2000 + 0x80 * (context) + 4 * (word))
#define THRESHOLD(context) (0x200000 + 0x1000 * (context))
#define CLAIM(context) (0x200004 + 0x1000 * (context))
#define SOURCES 96
#define VCPUS 2
#define LINE_S 9
#define LINE_M 11

static struct fake_vm fvm;
static struct device *plic;

static int setup(void **state)
{
    fake_vm_init(&fvm, VCPUS);
    plic = hull_plic_create(&fvm.vm, SOURCES);
    assert_non_null(plic);
    assert_int_equal(hull_bus_add(&fvm.vm.bus, plic, BASE, 0x600000), 0);
    *state = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_vm_fini(&fvm);
    return 0;
}

static uint32_t get(uint64_t reg)
{
    uint64_t value = UINT64_MAX;

    assert_int_equal(hull_bus_read(&fvm.vm.bus, BASE + reg, 4, &value), 0);
    return (uint32_t)value;
}

static void set(uint64_t reg, uint32_t value)
{
    assert_int_equal(hull_bus_write(&fvm.vm.bus, BASE + reg, 4, value), 0);
}

static void wire(unsigned source, bool level)
{
    struct irq_wire w = hull_plic_wire(plic, source);

    hull_irq_set(&w, level);
}

static bool interrupted(unsigned context)
{
    return fake_vm_line(&fvm, context / 2, context & 1 ? LINE_S : LINE_M);
}

static void enable(unsigned context, unsigned source, unsigned priority)
{
    set(PRIORITY(source), priority);
    set(ENABLE(context, source / 32), get(ENABLE(context, source / 32)) | 1u << source % 32);
}

static void an_interrupt_is_claimed_and_completed(void **state)
{
    (void)state;
    enable(1, 10, 1);
    assert_false(interrupted(1));
    wire(10, true);
    assert_true(interrupted(1));
    assert_int_equal(get(PENDING(0)), 1u << 10);
    assert_int_equal(get(CLAIM(1)), 10);
    assert_false(interrupted(1));
    assert_int_equal(get(PENDING(0)), 0);
    assert_int_equal(get(CLAIM(1)), 0);
    wire(10, false);
    set(CLAIM(1), 10);
    assert_false(interrupted(1));
    wire(10, true);
    assert_true(interrupted(1));
}

static void a_wire_still_high_interrupts_again_after_completion(void **state)
{
    (void)state;
    enable(1, 10, 1);
    wire(10, true);
    assert_int_equal(get(CLAIM(1)), 10);
    wire(10, false);
    wire(10, true); // the gateway is shut
    assert_false(interrupted(1));
    set(CLAIM(1), 10);
    assert_true(interrupted(1));
    assert_int_equal(get(CLAIM(1)), 10);
}

static void a_request_stays_when_the_wire_falls(void **state)
{
    (void)state;
    enable(1, 10, 1);
    wire(10, true);
    wire(10, false);
    assert_true(interrupted(1));
    assert_int_equal(get(CLAIM(1)), 10);
    set(CLAIM(1), 10);
    assert_false(interrupted(1));
}

static void completion_counts_only_where_enabled(void **state)
{
    (void)state;
    enable(1, 10, 1);
    wire(10, true);
    assert_int_equal(get(CLAIM(1)), 10);
    set(CLAIM(3), 10); // not enabled there
    assert_false(interrupted(1));
    set(CLAIM(1), 11);
    set(CLAIM(1), 0);
    set(CLAIM(1), SOURCES);
    set(CLAIM(1), UINT32_MAX);
    assert_false(interrupted(1));
    enable(3, 10, 1);
    set(CLAIM(3), 10); // any context may, where the source is enabled
    assert_true(interrupted(1));
    assert_true(interrupted(3));
}

static void priorities_decide_then_numbers(void **state)
{
    (void)state;
    enable(0, 40, 2);
    enable(0, 3, 2);
    enable(0, 95, 7);
    enable(0, 1, 1);
    wire(1, true);
    wire(40, true);
    wire(95, true);
    wire(3, true);
    assert_int_equal(get(PENDING(0)), 1u << 1 | 1u << 3);
    assert_int_equal(get(PENDING(1)), 1u << 8);
    assert_int_equal(get(PENDING(2)), 1u << 31);
    assert_int_equal(get(CLAIM(0)), 95);
    assert_int_equal(get(CLAIM(0)), 3);
    assert_int_equal(get(CLAIM(0)), 40);
    assert_int_equal(get(CLAIM(0)), 1);
    assert_int_equal(get(CLAIM(0)), 0);
}

static void the_threshold_masks_the_wire_but_not_the_claim(void **state)
{
    (void)state;
    enable(1, 5, 3);
    set(THRESHOLD(1), 3);
    wire(5, true);
    assert_false(interrupted(1));
    set(THRESHOLD(1), 2);
    assert_true(interrupted(1));
    set(THRESHOLD(1), 7);
    assert_false(interrupted(1));
    assert_int_equal(get(CLAIM(1)), 5);
}

static void priority_0_never_interrupts(void **state)
{
    (void)state;
    enable(1, 5, 0);
    wire(5, true);
    assert_false(interrupted(1));
    assert_int_equal(get(CLAIM(1)), 0);
    set(PRIORITY(5), 1);
    assert_true(interrupted(1));
    set(PRIORITY(5), 0);
    assert_false(interrupted(1));
}

static void each_context_has_its_own_enables(void **state)
{
    (void)state;
    enable(0, 7, 1);
    enable(3, 7, 1);
    wire(7, true);
    assert_true(interrupted(0));
    assert_false(interrupted(1));
    assert_false(interrupted(2));
    assert_true(interrupted(3));
    assert_int_equal(get(CLAIM(3)), 7); // one takes it from all
    assert_false(interrupted(0));
    set(CLAIM(0), 7);
    assert_true(interrupted(3));
    set(ENABLE(3, 0), 0);
    assert_false(interrupted(3));
    assert_true(interrupted(0));
}

static void registers_hold_what_they_can(void **state)
{
    (void)state;
    set(PRIORITY(9), UINT32_MAX);
    assert_int_equal(get(PRIORITY(9)), 7);
    set(PRIORITY(9), 8);
    assert_int_equal(get(PRIORITY(9)), 0);
    set(PRIORITY(0), 1);
    assert_int_equal(get(PRIORITY(0)), 0);
    set(PRIORITY(SOURCES), 1);
    assert_int_equal(get(PRIORITY(SOURCES)), 0);
    set(PENDING(0), UINT32_MAX);
    assert_int_equal(get(PENDING(0)), 0);
    assert_int_equal(get(PENDING(31)), 0);
    for (unsigned context = 0; context < 2 * VCPUS; context++)
        for (unsigned word = 0; word < 32; word++) {
            set(ENABLE(context, word), UINT32_MAX);
            assert_int_equal(get(ENABLE(context, word)), word == 0  ? UINT32_MAX - 1
                                                         : word < 3 ? UINT32_MAX
                                                                    : 0);
        }
    set(ENABLE(2 * VCPUS, 0), UINT32_MAX);
    assert_int_equal(get(ENABLE(2 * VCPUS, 0)), 0);
    set(THRESHOLD(1), 0xff);
    assert_int_equal(get(THRESHOLD(1)), 7);
    set(THRESHOLD(2 * VCPUS), 1);
    assert_int_equal(get(THRESHOLD(2 * VCPUS)), 0);
    assert_int_equal(get(CLAIM(2 * VCPUS)), 0);
    set(CLAIM(2 * VCPUS), 1);
    set(0x200008, 1);
    assert_int_equal(get(0x200008), 0);
    assert_int_equal(get(0x1f0000), 0);
    set(0x1f0000, 1);
}

static void a_number_of_sources_that_is_no_multiple_of_32(void **state)
{
    struct device *odd = hull_plic_create(&fvm.vm, 33);
    uint64_t value;

    (void)state;
    assert_non_null(odd);
    assert_int_equal(odd->ops->write(odd, ENABLE(0, 1), 4, UINT32_MAX), 0);
    assert_int_equal(odd->ops->read(odd, ENABLE(0, 1), 4, &value), 0);
    assert_int_equal(value, 1);
    odd->ops->destroy(odd);
}

static void other_widths_fault(void **state)
{
    static const unsigned sizes[] = {1, 2, 8};
    uint64_t value;

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(hull_bus_read(&fvm.vm.bus, BASE + 8, sizes[i], &value), -HULL_EFAULT);
        assert_int_equal(hull_bus_write(&fvm.vm.bus, BASE + 8, sizes[i], 1), -HULL_EFAULT);
    }
    assert_int_equal(hull_bus_read(&fvm.vm.bus, BASE + 2, 4, &value), -HULL_EFAULT);
}

static void wires_outside_of_the_range_do_nothing(void **state)
{
    (void)state;
    wire(0, true);
    wire(SOURCES, true);
    wire(UINT32_MAX, true);
    for (unsigned word = 0; word < 32; word++)
        assert_int_equal(get(PENDING(word)), 0);
}

static void reset_forgets_everything_but_the_wires(void **state)
{
    (void)state;
    enable(1, 10, 1);
    enable(1, 11, 1);
    wire(10, true);
    wire(11, true);
    assert_int_equal(get(CLAIM(1)), 10);
    set(THRESHOLD(0), 3);
    hull_bus_reset(&fvm.vm.bus);
    assert_false(interrupted(1));
    assert_int_equal(get(PRIORITY(10)), 0);
    assert_int_equal(get(ENABLE(1, 0)), 0);
    assert_int_equal(get(THRESHOLD(0)), 0);
    assert_int_equal(get(PENDING(0)), 0);
    enable(1, 10, 1);
    wire(10, false);
    wire(10, true); // the claim is forgotten: the gateway is open
    assert_true(interrupted(1));
}

static void creation_fails_cleanly(void **state)
{
    (void)state;
    fvm.fake.fail_alloc = 0;
    assert_null(hull_plic_create(&fvm.vm, SOURCES));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(an_interrupt_is_claimed_and_completed),
        TEST(a_wire_still_high_interrupts_again_after_completion),
        TEST(a_request_stays_when_the_wire_falls),
        TEST(completion_counts_only_where_enabled),
        TEST(priorities_decide_then_numbers),
        TEST(the_threshold_masks_the_wire_but_not_the_claim),
        TEST(priority_0_never_interrupts),
        TEST(each_context_has_its_own_enables),
        TEST(registers_hold_what_they_can),
        TEST(a_number_of_sources_that_is_no_multiple_of_32),
        TEST(other_widths_fault),
        TEST(wires_outside_of_the_range_do_nothing),
        TEST(reset_forgets_everything_but_the_wires),
        TEST(creation_fails_cleanly),
    };
    return cmocka_run_group_tests_name("core/dev/plic", tests, NULL, NULL);
}
