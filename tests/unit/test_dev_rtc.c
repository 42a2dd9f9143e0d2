// SPDX-License-Identifier: Apache-2.0
// Goldfish RTC: the time in two halves, the alarm.
#include "core/dev/devices.h"
#include "tests/unit/fake_env.h"
#include "tests/unit/unit.h"

enum {
    TIME_LOW = 0,
    TIME_HIGH = 4,
    ALARM_LOW = 8,
    ALARM_HIGH = 0xc,
    IRQ_ENABLED = 0x10,
    CLEAR_ALARM = 0x14,
    ALARM_STATUS = 0x18,
    CLEAR_INTERRUPT = 0x1c
};

static struct fake_env fake;
static struct bus bus;
static bool irq;

static void irq_set(void *ctx, unsigned line, bool level)
{
    (void)ctx;
    assert_int_equal(line, 11);
    irq = level;
}

static int setup(void **state)
{
    struct device *dev;

    (void)state;
    memset(&bus, 0, sizeof(bus));
    irq = false;
    fake_env_init(&fake);
    dev = hull_rtc_create(&fake.env, (struct irq_wire){.set = irq_set, .line = 11});
    assert_non_null(dev);
    assert_int_equal(hull_bus_add(&bus, dev, 0x101000, 0x1000), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    hull_bus_destroy(&bus);
    assert_int_equal(fake.allocated, 0);
    assert_null(fake.timers);
    return 0;
}

static uint32_t get(unsigned reg)
{
    uint64_t value = UINT64_MAX;

    assert_int_equal(hull_bus_read(&bus, 0x101000 + reg, 4, &value), 0);
    return (uint32_t)value;
}

static void set(unsigned reg, uint32_t value)
{
    assert_int_equal(hull_bus_write(&bus, 0x101000 + reg, 4, value), 0);
}

static uint64_t get_time(void)
{
    uint64_t low = get(TIME_LOW);

    return low | (uint64_t)get(TIME_HIGH) << 32;
}

static void set_alarm(uint64_t time)
{
    set(ALARM_HIGH, (uint32_t)(time >> 32));
    set(ALARM_LOW, (uint32_t)time);
    set(IRQ_ENABLED, 1);
}

static void the_low_half_latches_the_high_half(void **state)
{
    uint64_t low;

    (void)state;
    assert_int_equal(get_time(), fake.realtime_ns);
    fake.realtime_ns = 0x1ffffffff;
    low = get(TIME_LOW);
    fake.realtime_ns++;
    assert_int_equal(low | (uint64_t)get(TIME_HIGH) << 32, 0x1ffffffff);
    assert_int_equal(get_time(), 0x200000000);
}

static void the_guest_can_set_it(void **state)
{
    (void)state;
    set(TIME_HIGH, 5);
    set(TIME_LOW, 6);
    assert_int_equal(get_time(), 5ull << 32 | 6);
    fake_env_advance(&fake, 1000);
    assert_int_equal(get_time(), (5ull << 32 | 6) + 1000);
    hull_bus_reset(&bus);
    assert_int_equal(get_time(), (5ull << 32 | 6) + 1000);
}

static void the_alarm_rings(void **state)
{
    (void)state;
    set_alarm(fake.realtime_ns + 5000);
    assert_int_equal(get(ALARM_STATUS), 1);
    assert_int_equal(get(IRQ_ENABLED), 1);
    fake_env_advance(&fake, 4999);
    assert_false(irq);
    fake_env_advance(&fake, 1);
    assert_true(irq);
    assert_int_equal(get(ALARM_STATUS), 0);
    set(IRQ_ENABLED, 0);
    assert_false(irq);
    set(IRQ_ENABLED, 1);
    assert_true(irq);
    set(CLEAR_INTERRUPT, 1);
    assert_false(irq);
}

static void an_alarm_in_the_past_rings_at_once(void **state)
{
    (void)state;
    set(ALARM_HIGH, 0);
    set(ALARM_LOW, 0);
    assert_false(irq); // not enabled
    set(IRQ_ENABLED, 1);
    assert_true(irq);
    hull_bus_reset(&bus);
    assert_false(irq);
    assert_int_equal(get(IRQ_ENABLED), 0);
    set_alarm(1ull << 63);
    get_time();
    hull_bus_reset(&bus);
    assert_int_equal(get(TIME_HIGH), 0);
    assert_int_equal(get(ALARM_HIGH), 0);
}

static void a_cleared_alarm_stays_silent(void **state)
{
    (void)state;
    set_alarm(fake.realtime_ns + 5000);
    set(CLEAR_ALARM, 1);
    assert_int_equal(get(ALARM_STATUS), 0);
    fake_env_advance(&fake, 10000);
    assert_false(irq);
}

static void setting_the_clock_moves_the_alarm(void **state)
{
    (void)state;
    set_alarm(fake.realtime_ns + HULL_NSEC_PER_SEC);
    fake.realtime_ns -= 60 * HULL_NSEC_PER_SEC; // the host's clock is set back: it rings later
    fake_env_advance(&fake, 2 * HULL_NSEC_PER_SEC);
    assert_false(irq);
    fake_env_advance(&fake, 59 * HULL_NSEC_PER_SEC);
    assert_true(irq);
    set(CLEAR_INTERRUPT, 1);
    set_alarm(fake.realtime_ns + (1ull << 40));
    set(TIME_HIGH, (uint32_t)(fake.realtime_ns >> 32) + 257); // the guest sets it forward
    assert_true(irq);
}

static void an_alarm_at_the_end_of_time_never_rings(void **state)
{
    (void)state;
    fake.now_ns = 1ull << 63;
    set_alarm(UINT64_MAX);
    assert_int_equal(get(ALARM_STATUS), 1);
    assert_int_equal(get(ALARM_LOW), UINT32_MAX);
    assert_int_equal(get(ALARM_HIGH), UINT32_MAX);
    fake_env_advance(&fake, 1ull << 62);
    assert_false(irq);
}

static void other_widths_fault(void **state)
{
    uint64_t value;

    (void)state;
    assert_int_equal(hull_bus_read(&bus, 0x101000, 8, &value), -HULL_EFAULT);
    assert_int_equal(hull_bus_read(&bus, 0x101000, 1, &value), -HULL_EFAULT);
    assert_int_equal(hull_bus_write(&bus, 0x101002, 4, 0), -HULL_EFAULT);
    assert_int_equal(get(0x20), 0);
    set(0x20, 1);
    fake.fail_alloc = 0;
    assert_null(hull_rtc_create(&fake.env, (struct irq_wire){0}));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(the_low_half_latches_the_high_half),
        TEST(the_guest_can_set_it),
        TEST(the_alarm_rings),
        TEST(an_alarm_in_the_past_rings_at_once),
        TEST(a_cleared_alarm_stays_silent),
        TEST(setting_the_clock_moves_the_alarm),
        TEST(an_alarm_at_the_end_of_time_never_rings),
        TEST(other_widths_fault),
    };
    return cmocka_run_group_tests_name("core/dev/rtc", tests, NULL, NULL);
}
