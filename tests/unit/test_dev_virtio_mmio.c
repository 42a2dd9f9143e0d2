// SPDX-License-Identifier: Apache-2.0
// The virtio-mmio transport: registers, negotiation, status, reset.
#include "tests/unit/unit.h"
#include "tests/unit/virtio_rig.h"

static int setup(void **state)
{
    static struct rig rig;
    struct virtio_bindings b;

    rig_init(&rig);
    b = rig_bindings(&rig);
    rig_add(&rig, hull_virtio_rng_create(&b));
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    rig_fini(*state);
    return 0;
}

static void identifies_itself(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(rig_get(rig, VIRTIO_MMIO_MAGIC_VALUE), 0x74726976);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_VERSION), 2);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_ID), 4);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_VENDOR_ID), 0x554d4551);
}

static void empty_slot_has_device_id_0(void **state)
{
    struct rig *rig = *state;
    struct bus bus = {0};
    struct device *dev = hull_virtio_empty_create(&rig->fake.env);
    static const uint32_t expected[] = {0x74726976, 2, 0, 0x554d4551, 0};
    uint64_t value;

    assert_non_null(dev);
    assert_int_equal(hull_bus_add(&bus, dev, 0x1000, 0x1000), 0);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(expected); i++) {
        assert_int_equal(hull_bus_read(&bus, 0x1000 + 4 * i, 4, &value), 0);
        assert_int_equal(value, expected[i]);
    }
    assert_int_equal(hull_bus_write(&bus, 0x1070, 4, 1), 0);
    assert_int_equal(hull_bus_read(&bus, 0x1070, 4, &value), 0);
    assert_int_equal(value, 0);
    hull_bus_destroy(&bus);
    rig->fake.fail_alloc = 0;
    assert_null(hull_virtio_empty_create(&rig->fake.env));
}

static void registers_take_words_only(void **state)
{
    struct rig *rig = *state;
    uint64_t value = 1;

    assert_int_equal(hull_bus_read(&rig->bus, RIG_DEVICE_BASE, 1, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(hull_bus_read(&rig->bus, RIG_DEVICE_BASE, 8, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(hull_bus_write(&rig->bus, RIG_DEVICE_BASE + VIRTIO_MMIO_STATUS, 1, 1), 0);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), 0);
}

static void features_come_in_halves(void **state)
{
    struct rig *rig = *state;

    rig_set(rig, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 0);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_FEATURES), 3u << 28);
    rig_set(rig, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_FEATURES), 1);
    rig_set(rig, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 2);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_FEATURES), 0);
    rig_set(rig, VIRTIO_MMIO_DEVICE_FEATURES_SEL, UINT32_MAX);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_FEATURES), 0);
}

static void features_not_offered_are_refused(void **state)
{
    struct rig *rig = *state;

    assert_true(rig_negotiate(rig, VIRTIO_F_VERSION_1));
    assert_true(rig_negotiate(rig, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX));
    assert_false(rig_negotiate(rig, VIRTIO_F_VERSION_1 | 1ull << 34));
    assert_false(rig_negotiate(rig, VIRTIO_F_VERSION_1 | 1));
}

static void features_beyond_64_are_refused(void **state)
{
    struct rig *rig = *state;

    rig_set(rig, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 2);
    rig_set(rig, VIRTIO_MMIO_DRIVER_FEATURES, 1);
    rig_set(rig, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_FEATURES_OK);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), 0);
}

// xv6 and other small kernels negotiate the low half only.
static void a_driver_without_version_1_is_served(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 8, true};
    uint32_t head, len;

    rig_start(rig, 0, 1, 8);
    rig_chain(rig, 0, &segment, 1);
    rig_kick(rig, 0);
    assert_true(rig_used(rig, 0, &head, &len));
    assert_int_equal(len, 8);
}

static void features_are_fixed_by_features_ok(void **state)
{
    struct rig *rig = *state;
    struct virtio_device *v = virtio_of(rig->dev);

    rig_start(rig, VIRTIO_F_VERSION_1, 1, 8);
    rig_set(rig, VIRTIO_MMIO_DRIVER_FEATURES_SEL, 0);
    rig_set(rig, VIRTIO_MMIO_DRIVER_FEATURES, 3u << 28);
    rig_set(rig, VIRTIO_MMIO_STATUS, 15);
    assert_int_equal(v->features, VIRTIO_F_VERSION_1);
}

static void status_bits_only_add_up(void **state)
{
    struct rig *rig = *state;

    rig_set(rig, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER);
    rig_set(rig, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_ACKNOWLEDGE);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), 3);
    rig_set(rig, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_DEVICE_NEEDS_RESET | 16 | 32);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), 3);
    rig_set(rig, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), 0);
}

static void queue_registers_are_per_queue(void **state)
{
    struct rig *rig = *state;

    rig_set(rig, VIRTIO_MMIO_QUEUE_SEL, 0);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_NUM_MAX), 64);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
    rig_set(rig, VIRTIO_MMIO_QUEUE_SEL, 1);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
    rig_set(rig, VIRTIO_MMIO_QUEUE_READY, 1);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
    rig_set(rig, VIRTIO_MMIO_QUEUE_SEL, UINT32_MAX);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_NUM_MAX), 0);
}

// Sets up queue 0 with one value replaced; whether it came to life.
static bool queue_works_with(struct rig *rig, uint64_t reg, uint32_t value)
{
    assert_true(rig_negotiate(rig, VIRTIO_F_VERSION_1));
    rig_queue_setup(rig, 0, 8);
    rig_set(rig, VIRTIO_MMIO_QUEUE_READY, 0);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
    rig_set(rig, VIRTIO_MMIO_QUEUE_NUM, 8);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x80000000);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DRIVER_LOW, 0x80004000);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DEVICE_LOW, 0x80008000);
    if (reg)
        rig_set(rig, reg, value);
    rig_set(rig, VIRTIO_MMIO_QUEUE_READY, 1);
    assert_int_equal(rig_needs_reset(rig), !rig_get(rig, VIRTIO_MMIO_QUEUE_READY));
    return rig_get(rig, VIRTIO_MMIO_QUEUE_READY);
}

static void bad_queue_addresses_and_sizes_need_a_reset(void **state)
{
    struct rig *rig = *state;
    const uint32_t end = (uint32_t)(RIG_RAM_BASE + RIG_RAM_SIZE);

    assert_true(queue_works_with(rig, 0, 0));
    assert_true(queue_works_with(rig, VIRTIO_MMIO_QUEUE_NUM, 64));
    assert_true(queue_works_with(rig, VIRTIO_MMIO_QUEUE_NUM, 1));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_NUM, 0));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_NUM, 7));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_NUM, 128));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_NUM, 0x80000000));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DESC_LOW, 0x80000008));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DRIVER_LOW, 0x80004001));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DEVICE_LOW, 0x80008002));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DESC_LOW, 0));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DESC_HIGH, UINT32_MAX));
    assert_true(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DESC_LOW, end - 128));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DESC_LOW, end - 112));
    assert_true(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DRIVER_LOW, end - 22));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DRIVER_LOW, end - 20));
    assert_true(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DEVICE_LOW, end - 72));
    assert_false(queue_works_with(rig, VIRTIO_MMIO_QUEUE_DEVICE_LOW, end - 68));
}

static void a_ready_queue_is_fixed(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 8, true};
    struct virtio_device *v = virtio_of(rig->dev);
    struct virtq before;

    rig_start(rig, VIRTIO_F_VERSION_1, 1, 8);
    rig_chain(rig, 0, &segment, 1);
    rig_kick(rig, 0);
    before = v->queues[0];
    assert_int_equal(before.last_avail, 1);
    for (uint64_t reg = VIRTIO_MMIO_QUEUE_NUM; reg <= VIRTIO_MMIO_QUEUE_DEVICE_HIGH; reg += 4)
        if (reg < VIRTIO_MMIO_QUEUE_NOTIFY || reg > VIRTIO_MMIO_STATUS)
            rig_set(rig, reg, reg == VIRTIO_MMIO_QUEUE_READY ? 1 : 0x1234);
    assert_memory_equal(&before, &v->queues[0], sizeof(before));
}

static void nothing_moves_before_driver_ok(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 8, true};
    uint32_t head, len;

    assert_true(rig_negotiate(rig, VIRTIO_F_VERSION_1));
    rig_queue_setup(rig, 0, 8);
    rig_chain(rig, 0, &segment, 1);
    rig_kick(rig, 0);
    assert_false(rig_used(rig, 0, &head, &len));
    assert_false(rig->irq);
    rig_set(rig, VIRTIO_MMIO_STATUS, 15); // DRIVER_OK finds what stands there
    assert_true(rig_used(rig, 0, &head, &len));
    assert_true(rig->irq);
}

static void a_queue_may_come_late(void **state)
{
    struct rig *rig = *state;
    uint32_t head, len;

    assert_true(rig_negotiate(rig, VIRTIO_F_VERSION_1));
    rig_set(rig, VIRTIO_MMIO_STATUS, 15);
    rig_queue_setup(rig, 0, 8);
    rig_set(rig, VIRTIO_MMIO_QUEUE_READY, 0);
    rig_desc(rig, 0, 0, RIG_BUFFERS, 8, DESC_WRITE, 0);
    rig_make_available(rig, 0, 0);
    rig_set(rig, VIRTIO_MMIO_QUEUE_NUM, 8);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DESC_LOW, (uint32_t)rig->q[0].desc);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DRIVER_LOW, (uint32_t)rig->q[0].driver);
    rig_set(rig, VIRTIO_MMIO_QUEUE_DEVICE_LOW, (uint32_t)rig->q[0].device);
    rig_set(rig, VIRTIO_MMIO_QUEUE_READY, 1);
    assert_true(rig_used(rig, 0, &head, &len));
}

static void stray_notifications_do_nothing(void **state)
{
    struct rig *rig = *state;

    assert_true(rig_negotiate(rig, VIRTIO_F_VERSION_1));
    rig_set(rig, VIRTIO_MMIO_STATUS, 15);
    rig_kick(rig, 0); // not ready
    rig_set(rig, VIRTIO_MMIO_QUEUE_NOTIFY, 1);
    rig_set(rig, VIRTIO_MMIO_QUEUE_NOTIFY, 0x80000000);
    assert_false(rig_needs_reset(rig));
}

static void interrupts_are_acknowledged_bit_by_bit(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 8, true};

    rig_start(rig, VIRTIO_F_VERSION_1, 1, 8);
    rig_chain(rig, 0, &segment, 1);
    rig_kick(rig, 0);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 1);
    hull_device_lock(rig->dev);
    virtio_config_changed(virtio_of(rig->dev));
    hull_device_unlock(rig->dev);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 3);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_CONFIG_GENERATION), 1);
    rig_set(rig, VIRTIO_MMIO_INTERRUPT_ACK, 1);
    assert_true(rig->irq);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
    rig_set(rig, VIRTIO_MMIO_INTERRUPT_ACK, 2);
    assert_false(rig->irq);
}

static void reset_forgets_everything(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 8, true};

    for (unsigned by_bus = 0; by_bus < 2; by_bus++) {
        rig_start(rig, VIRTIO_F_VERSION_1, 1, 8);
        rig_chain(rig, 0, &segment, 1);
        rig_kick(rig, 0);
        assert_true(rig->irq);
        rig_set(rig, VIRTIO_MMIO_DEVICE_FEATURES_SEL, 1);
        if (by_bus)
            hull_bus_reset(&rig->bus);
        else
            rig_set(rig, VIRTIO_MMIO_STATUS, 0);
        assert_false(rig->irq);
        assert_int_equal(rig_get(rig, VIRTIO_MMIO_STATUS), 0);
        assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 0);
        assert_int_equal(rig_get(rig, VIRTIO_MMIO_QUEUE_READY), 0);
        assert_int_equal(virtio_of(rig->dev)->features, 0);
        assert_int_equal(rig_get(rig, VIRTIO_MMIO_DEVICE_FEATURES), 3u << 28); // the low half
        rig_set(rig, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_FEATURES_OK);
        assert_int_equal(virtio_of(rig->dev)->features, 0);
        rig_set(rig, VIRTIO_MMIO_STATUS, 0);
        rig_set(rig, VIRTIO_MMIO_DRIVER_FEATURES, 1u << 28);
        rig_set(rig, VIRTIO_MMIO_STATUS, VIRTIO_STATUS_FEATURES_OK);
        assert_int_equal(virtio_of(rig->dev)->features, VIRTIO_F_INDIRECT_DESC);
        rig_set(rig, VIRTIO_MMIO_STATUS, 0);
        rig_kick(rig, 0);
        assert_false(rig->irq);
    }
}

static void a_broken_device_says_so_and_recovers(void **state)
{
    struct rig *rig = *state;
    struct rig_segment good = {RIG_BUFFERS, 8, true}, bad = {0, 8, true};
    uint32_t head, len;

    rig_start(rig, VIRTIO_F_VERSION_1, 1, 8);
    rig_chain(rig, 0, &bad, 1);
    rig_kick(rig, 0);
    assert_true(rig_needs_reset(rig));
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), VIRTIO_INTERRUPT_CONFIG);
    assert_int_equal(rig->fake.log_lines, 1);
    rig_chain(rig, 0, &good, 1);
    rig_kick(rig, 0);
    assert_false(rig_used(rig, 0, &head, &len));
    rig_start(rig, VIRTIO_F_VERSION_1, 1, 8);
    rig_chain(rig, 0, &good, 1);
    rig_kick(rig, 0);
    assert_true(rig_used(rig, 0, &head, &len));
}

static void a_failed_driver_is_left_alone(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 8, true};
    uint32_t head, len;

    rig_start(rig, VIRTIO_F_VERSION_1, 1, 8);
    rig_set(rig, VIRTIO_MMIO_STATUS, 15 | VIRTIO_STATUS_FAILED);
    rig_chain(rig, 0, &segment, 1);
    rig_kick(rig, 0);
    assert_false(rig_used(rig, 0, &head, &len));
}

static void shared_memory_regions_are_absent(void **state)
{
    struct rig *rig = *state;

    rig_set(rig, VIRTIO_MMIO_SHM_SEL, 0);
    for (uint64_t reg = VIRTIO_MMIO_SHM_LEN_LOW; reg <= VIRTIO_MMIO_SHM_BASE_HIGH; reg += 4)
        assert_int_equal(rig_get(rig, reg), UINT32_MAX);
}

static void config_space_has_an_end(void **state)
{
    struct rig *rig = *state; // the entropy device has none at all
    gpa_t config = RIG_DEVICE_BASE + VIRTIO_MMIO_CONFIG;

    assert_int_equal(rig_config(rig, 0, 8), 0);
    assert_int_equal(rig_config(rig, 0xef8, 8), 0);
    assert_int_equal(hull_bus_write(&rig->bus, config, 8, UINT64_MAX), 0);
}

static void creation_survives_a_lack_of_memory(void **state)
{
    struct rig *rig = *state;
    struct virtio_bindings b = rig_bindings(rig);
    size_t before = rig->fake.allocated;

    for (long n = 0; n < 2; n++) {
        rig->fake.fail_alloc = n;
        assert_null(hull_virtio_rng_create(&b));
        rig->fake.fail_alloc = n;
        assert_null(hull_virtio_balloon_create(&b));
        rig->fake.fail_alloc = n;
        assert_null(hull_virtio_console_create(&b, (struct char_backend){0}));
        assert_int_equal(rig->fake.allocated, before);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(identifies_itself),
        TEST(empty_slot_has_device_id_0),
        TEST(registers_take_words_only),
        TEST(features_come_in_halves),
        TEST(features_not_offered_are_refused),
        TEST(features_beyond_64_are_refused),
        TEST(a_driver_without_version_1_is_served),
        TEST(features_are_fixed_by_features_ok),
        TEST(status_bits_only_add_up),
        TEST(queue_registers_are_per_queue),
        TEST(bad_queue_addresses_and_sizes_need_a_reset),
        TEST(a_ready_queue_is_fixed),
        TEST(nothing_moves_before_driver_ok),
        TEST(a_queue_may_come_late),
        TEST(stray_notifications_do_nothing),
        TEST(interrupts_are_acknowledged_bit_by_bit),
        TEST(reset_forgets_everything),
        TEST(a_broken_device_says_so_and_recovers),
        TEST(a_failed_driver_is_left_alone),
        TEST(shared_memory_regions_are_absent),
        TEST(config_space_has_an_end),
        TEST(creation_survives_a_lack_of_memory),
    };
    return cmocka_run_group_tests_name("core/dev/virtio/mmio", tests, NULL, NULL);
}
