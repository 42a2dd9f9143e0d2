// SPDX-License-Identifier: Apache-2.0
// ACLINT: software interrupts, mtime and mtimecmp; the finisher's requests.
#include "core/dev/devices.h"
#include "tests/unit/fake_vm.h"
#include "tests/unit/unit.h"

#define BASE 0x02000000ull
#define MSIP(hart) (4 * (hart))
#define MTIMECMP(hart) (0x4000 + 8 * (hart))
#define MTIME 0xbff8
#define VCPUS 3
#define LINE_MSIP 3
#define LINE_MTIP 7
#define FINISHER 0x100000ull

static struct fake_vm fvm;

static int setup(void **state)
{
    struct device *dev;

    (void)state;
    fake_vm_init(&fvm, VCPUS);
    dev = hull_aclint_create(&fvm.vm);
    assert_non_null(dev);
    assert_int_equal(hull_bus_add(&fvm.vm.bus, dev, BASE, 0x10000), 0);
    dev = hull_finisher_create(&fvm.vm);
    assert_non_null(dev);
    assert_int_equal(hull_bus_add(&fvm.vm.bus, dev, FINISHER, 0x1000), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    fake_vm_fini(&fvm);
    return 0;
}

static uint64_t get(uint64_t reg, unsigned size)
{
    uint64_t value = UINT64_MAX;

    assert_int_equal(hull_bus_read(&fvm.vm.bus, BASE + reg, size, &value), 0);
    return value;
}

static void set(uint64_t reg, unsigned size, uint64_t value)
{
    assert_int_equal(hull_bus_write(&fvm.vm.bus, BASE + reg, size, value), 0);
}

static void software_interrupts(void **state)
{
    (void)state;
    set(MSIP(1), 4, 0xffffffff);
    assert_false(fake_vm_line(&fvm, 0, LINE_MSIP));
    assert_true(fake_vm_line(&fvm, 1, LINE_MSIP));
    assert_int_equal(get(MSIP(1), 4), 1); // one bit is there
    assert_int_equal(get(MSIP(0), 4), 0);
    set(MSIP(1), 4, 0xfffffffe);
    assert_false(fake_vm_line(&fvm, 1, LINE_MSIP));
    set(MSIP(VCPUS), 4, 1); // no such hart
    assert_int_equal(get(MSIP(VCPUS), 4), 0);
}

static void the_timer_comes_due(void **state)
{
    (void)state;
    assert_int_equal(get(MTIME, 8), 50);
    assert_int_equal(get(MTIMECMP(2), 8), UINT64_MAX);
    set(MTIMECMP(2), 8, 100);
    assert_false(fake_vm_line(&fvm, 2, LINE_MTIP));
    fake_env_advance(&fvm.fake, 49 * 100);
    assert_int_equal(get(MTIME, 8), 99);
    assert_false(fake_vm_line(&fvm, 2, LINE_MTIP));
    fake_env_advance(&fvm.fake, 100);
    assert_true(fake_vm_line(&fvm, 2, LINE_MTIP));
    assert_false(fake_vm_line(&fvm, 1, LINE_MTIP));
    set(MTIMECMP(2), 8, 200);
    assert_false(fake_vm_line(&fvm, 2, LINE_MTIP));
    set(MTIMECMP(2), 8, 100); // the past
    assert_true(fake_vm_line(&fvm, 2, LINE_MTIP));
    set(MTIMECMP(2), 8, UINT64_MAX);
    assert_false(fake_vm_line(&fvm, 2, LINE_MTIP));
    fake_env_advance(&fvm.fake, HULL_NSEC_PER_SEC);
    assert_false(fake_vm_line(&fvm, 2, LINE_MTIP));
}

static void halves_make_a_whole(void **state)
{
    (void)state;
    set(MTIMECMP(1), 4, 0x11223344);
    set(MTIMECMP(1) + 4, 4, 0x55667788);
    assert_int_equal(get(MTIMECMP(1), 8), 0x5566778811223344);
    assert_int_equal(get(MTIMECMP(1), 4), 0x11223344);
    assert_int_equal(get(MTIMECMP(1) + 4, 4), 0x55667788);
    set(MTIME, 8, 0x100000000);
    assert_int_equal(get(MTIME, 4), 0);
    assert_int_equal(get(MTIME + 4, 4), 1);
    set(MTIME, 4, 77);
    assert_int_equal(get(MTIME, 8), 0x10000004d);
    set(MTIME + 4, 4, 0);
    assert_int_equal(get(MTIME, 8), 77);
}

static void setting_the_time_moves_every_timer(void **state)
{
    (void)state;
    set(MTIMECMP(0), 8, 1000);
    set(MTIMECMP(1), 8, 5000);
    atomic_store(&fvm.vm.vcpus[2].attention, 0);
    set(MTIME, 8, 2000);
    assert_int_equal(hull_vm_time(&fvm.vm), 2000); // the time CSR goes along
    assert_true(fake_vm_line(&fvm, 0, LINE_MTIP));
    assert_false(fake_vm_line(&fvm, 1, LINE_MTIP));
    assert_true(atomic_load(&fvm.vm.vcpus[2].attention) & VCPU_ATTN_TIMER); // stimecmp too
    fake_env_advance(&fvm.fake, 3000 * 100);
    assert_true(fake_vm_line(&fvm, 1, LINE_MTIP));
    set(MTIME, 8, 0);
    assert_false(fake_vm_line(&fvm, 0, LINE_MTIP));
    assert_false(fake_vm_line(&fvm, 1, LINE_MTIP));
}

static void reset_starts_the_time_again(void **state)
{
    (void)state;
    set(MSIP(0), 4, 1);
    set(MTIMECMP(0), 8, 1);
    fake_env_advance(&fvm.fake, 12345);
    hull_bus_reset(&fvm.vm.bus);
    assert_false(fake_vm_line(&fvm, 0, LINE_MSIP));
    assert_false(fake_vm_line(&fvm, 0, LINE_MTIP));
    assert_int_equal(get(MTIME, 8), 0);
    assert_int_equal(get(MTIMECMP(0), 8), UINT64_MAX);
}

static void what_is_not_there_reads_zero(void **state)
{
    (void)state;
    set(MTIMECMP(VCPUS), 8, 5);
    assert_int_equal(get(MTIMECMP(VCPUS), 8), 0);
    set(0xc000, 8, 1);
    assert_int_equal(get(0xc000, 8), 0);
    assert_int_equal(get(0xfff8, 8), 0);
}

static void other_accesses_fault(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(hull_bus_read(&fvm.vm.bus, BASE + MTIME, 1, &value), -HULL_EFAULT);
    assert_int_equal(hull_bus_read(&fvm.vm.bus, BASE + MTIME, 2, &value), -HULL_EFAULT);
    assert_int_equal(hull_bus_read(&fvm.vm.bus, BASE + MTIME + 4, 8, &value), -HULL_EFAULT);
    assert_int_equal(hull_bus_write(&fvm.vm.bus, BASE + MSIP(0), 8, 1), -HULL_EFAULT);
    assert_int_equal(hull_bus_write(&fvm.vm.bus, BASE + MSIP(0), 1, 1), -HULL_EFAULT);
    assert_int_equal(hull_bus_write(&fvm.vm.bus, BASE + MTIMECMP(0) + 2, 4, 1), -HULL_EFAULT);
}

static void the_finisher_asks_the_owner(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(hull_bus_write(&fvm.vm.bus, FINISHER, 4, 0x5555), 0);
    assert_int_equal(fvm.last_request, VM_REQUEST_POWEROFF);
    assert_int_equal(hull_bus_write(&fvm.vm.bus, FINISHER, 4, 0x7777), 0);
    assert_int_equal(fvm.last_request, VM_REQUEST_RESET);
    assert_int_equal(hull_bus_write(&fvm.vm.bus, FINISHER, 4, 42 << 16 | 0x3333), 0);
    assert_int_equal(fvm.last_request, VM_REQUEST_FAIL);
    assert_int_equal(fvm.last_code, 42);
    assert_int_equal(hull_bus_write(&fvm.vm.bus, FINISHER, 2, 0x5555), 0);
    assert_int_equal(fvm.requests, 4);
    assert_int_equal(hull_bus_write(&fvm.vm.bus, FINISHER, 4, 0x1234), 0);
    assert_int_equal(hull_bus_write(&fvm.vm.bus, FINISHER, 1, 0x55), 0);
    assert_int_equal(hull_bus_write(&fvm.vm.bus, FINISHER + 4, 4, 0x5555), 0);
    assert_int_equal(fvm.requests, 4);
    assert_int_equal(hull_bus_read(&fvm.vm.bus, FINISHER, 4, &value), 0);
    assert_int_equal(value, 0);
}

static void creation_fails_cleanly(void **state)
{
    (void)state;
    fvm.fake.fail_alloc = 0;
    assert_null(hull_aclint_create(&fvm.vm));
    fvm.fake.fail_alloc = 0;
    assert_null(hull_finisher_create(&fvm.vm));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(software_interrupts),         TEST(the_timer_comes_due),
        TEST(halves_make_a_whole),         TEST(setting_the_time_moves_every_timer),
        TEST(reset_starts_the_time_again), TEST(what_is_not_there_reads_zero),
        TEST(other_accesses_fault),        TEST(the_finisher_asks_the_owner),
        TEST(creation_fails_cleanly),
    };
    return cmocka_run_group_tests_name("core/dev/aclint, finisher", tests, NULL, NULL);
}
