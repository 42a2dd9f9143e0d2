// SPDX-License-Identifier: Apache-2.0
// The power button (virtio input): what it says it is, and what a press sends.
#include "unit.h"

#include "lib/bytes.h"
#include "tests/unit/virtio_rig.h"

#define EVENTQ 0
#define STATUSQ 1
#define EV_KEY 1
#define KEY_POWER 116

static int button_setup(void **state)
{
    static struct rig rig;
    struct virtio_bindings bindings;

    rig_init(&rig);
    bindings = rig_bindings(&rig);
    rig_add(&rig, hull_virtio_power_button_create(&bindings));
    *state = &rig;
    return 0;
}

static int button_teardown(void **state)
{
    rig_fini(*state);
    return 0;
}

static void config_select(struct rig *rig, uint8_t select, uint8_t subsel)
{
    uint64_t config = RIG_DEVICE_BASE + 0x100;

    assert_int_equal(hull_bus_write(&rig->bus, config, 1, select), 0);
    assert_int_equal(hull_bus_write(&rig->bus, config + 1, 1, subsel), 0);
}

static void it_is_a_key(void **state)
{
    struct rig *rig = *state;

    assert_int_equal(rig_get(rig, 8), 18); // DeviceID
    config_select(rig, 1, 0);
    assert_int_equal(rig_config(rig, 2, 1), 17);
    assert_int_equal(rig_config(rig, 8, 1), 'H');
    config_select(rig, 3, 0);
    assert_int_equal(rig_config(rig, 2, 1), 8);
    assert_int_equal(rig_config(rig, 8, 1), 6);
    config_select(rig, 0x11, EV_KEY);
    assert_int_equal(rig_config(rig, 2, 1), 15);
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(rig_config(rig, 8 + i, 1), i == KEY_POWER / 8 ? 1 << KEY_POWER % 8 : 0);
    for (unsigned select = 0; select < 256; select++) {
        config_select(rig, (uint8_t)select, 2); // relative axes, and what isn't at all
        assert_int_equal(rig_config(rig, 2, 1), 0);
    }
}

static void post_buffers(struct rig *rig, unsigned count, uint32_t len)
{
    for (unsigned i = 0; i < count; i++) {
        struct rig_segment segment = {.gpa = RIG_BUFFERS + 64 * i, .len = len, .write = true};

        rig_chain(rig, EVENTQ, &segment, 1);
    }
    rig_kick(rig, EVENTQ);
}

static void expect_event(struct rig *rig, unsigned i, uint16_t type, uint16_t code, uint32_t value)
{
    const uint8_t *event = rig_ptr(rig, RIG_BUFFERS + 64 * i);
    uint32_t head, len;

    assert_true(rig_used(rig, EVENTQ, &head, &len));
    assert_int_equal(len, 8);
    assert_int_equal(hull_load_le16(event), type);
    assert_int_equal(hull_load_le16(event + 2), code);
    assert_int_equal(hull_load_le32(event + 4), value);
}

static void a_press_is_down_and_up(void **state)
{
    struct rig *rig = *state;
    uint32_t head, len;

    assert_false(hull_virtio_power_button_press(rig->dev)); // no driver yet
    rig_start(rig, 1ull << 32, 2, 16);
    post_buffers(rig, 6, 8);
    assert_false(rig_used(rig, EVENTQ, &head, &len));
    assert_true(hull_virtio_power_button_press(rig->dev));
    expect_event(rig, 0, EV_KEY, KEY_POWER, 1);
    expect_event(rig, 1, 0, 0, 0);
    expect_event(rig, 2, EV_KEY, KEY_POWER, 0);
    expect_event(rig, 3, 0, 0, 0);
    assert_false(rig_used(rig, EVENTQ, &head, &len));
    assert_true(rig->irq);
}

// A press waits for buffers; presses meanwhile are the same press.
static void events_wait_for_buffers(void **state)
{
    struct rig *rig = *state;
    uint32_t head, len;

    rig_start(rig, 1ull << 32, 2, 16);
    assert_true(hull_virtio_power_button_press(rig->dev));
    assert_true(hull_virtio_power_button_press(rig->dev));
    assert_false(rig_used(rig, EVENTQ, &head, &len));
    post_buffers(rig, 3, 8);
    expect_event(rig, 0, EV_KEY, KEY_POWER, 1);
    expect_event(rig, 1, 0, 0, 0);
    expect_event(rig, 2, EV_KEY, KEY_POWER, 0);
    post_buffers(rig, 3, 8);
    expect_event(rig, 0, 0, 0, 0);
    assert_false(rig_used(rig, EVENTQ, &head, &len));
}

static void small_buffers_break_it(void **state)
{
    struct rig *rig = *state;

    rig_start(rig, 1ull << 32, 2, 16);
    post_buffers(rig, 1, 7);
    assert_true(hull_virtio_power_button_press(rig->dev));
    assert_true(rig_needs_reset(rig));
    assert_false(hull_virtio_power_button_press(rig->dev));
}

static void status_buffers_come_back(void **state)
{
    struct rig *rig = *state;
    struct rig_segment led = {.gpa = RIG_BUFFERS, .len = 8};
    uint32_t head, len;

    rig_start(rig, 1ull << 32, 2, 16);
    rig_chain(rig, STATUSQ, &led, 1);
    rig_kick(rig, STATUSQ);
    assert_true(rig_used(rig, STATUSQ, &head, &len));
    assert_int_equal(len, 0);
}

#define button_test(f) cmocka_unit_test_setup_teardown(f, button_setup, button_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        button_test(it_is_a_key),
        button_test(a_press_is_down_and_up),
        button_test(events_wait_for_buffers),
        button_test(small_buffers_break_it),
        button_test(status_buffers_come_back),
    };
    return cmocka_run_group_tests_name("dev/virtio-input", tests, NULL, NULL);
}
