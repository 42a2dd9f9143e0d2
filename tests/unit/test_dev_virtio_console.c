// SPDX-License-Identifier: Apache-2.0
// virtio-console: output under a backend that takes little, input, resize.
#include "tests/unit/unit.h"
#include "tests/unit/virtio_rig.h"

#define F_SIZE 1u
#define RX 0
#define TX 1
#define QUEUE_SIZE 16

struct fake_tty {
    struct rig rig;
    char out[400000];
    size_t out_len, room; // the backend takes `room` bytes more
    unsigned ready_count;
};

static size_t tty_write(void *ctx, const void *buf, size_t len)
{
    struct fake_tty *tty = ctx;
    size_t n = len < tty->room ? len : tty->room;

    assert_true(tty->out_len + n <= sizeof(tty->out));
    memcpy(tty->out + tty->out_len, buf, n);
    tty->out_len += n;
    tty->room -= n;
    return n;
}

static void tty_ready(void *ctx)
{
    ((struct fake_tty *)ctx)->ready_count++;
}

static int setup(void **state)
{
    static struct fake_tty tty;
    struct virtio_bindings b;
    struct char_backend backend = {.write = tty_write, .rx_ready = tty_ready, .ctx = &tty};

    memset(&tty, 0, sizeof(tty));
    tty.room = sizeof(tty.out);
    rig_init(&tty.rig);
    b = rig_bindings(&tty.rig);
    rig_add(&tty.rig, hull_virtio_console_create(&b, backend));
    *state = &tty;
    return 0;
}

static int teardown(void **state)
{
    struct fake_tty *tty = *state;

    rig_fini(&tty->rig);
    return 0;
}

static void put_output(struct fake_tty *tty, const char *first, const char *second)
{
    const struct rig_segment segments[] = {{RIG_BUFFERS, (uint32_t)strlen(first), false},
                                           {RIG_BUFFERS + 0x1000, (uint32_t)strlen(second), false}};

    memcpy(rig_ptr(&tty->rig, RIG_BUFFERS), first, strlen(first));
    memcpy(rig_ptr(&tty->rig, RIG_BUFFERS + 0x1000), second, strlen(second));
    rig_chain(&tty->rig, TX, segments, 2);
    rig_kick(&tty->rig, TX);
}

static void output_reaches_the_backend(void **state)
{
    struct fake_tty *tty = *state;
    uint32_t head, len;

    rig_start(&tty->rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    put_output(tty, "hello, ", "world");
    assert_int_equal(tty->out_len, 12);
    assert_memory_equal(tty->out, "hello, world", 12);
    assert_true(rig_used(&tty->rig, TX, &head, &len));
    assert_int_equal(len, 0);
    assert_true(tty->rig.irq);
}

static void output_waits_for_the_backend(void **state)
{
    struct fake_tty *tty = *state;
    uint32_t head, len;

    tty->room = 9;
    rig_start(&tty->rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    put_output(tty, "hello, ", "world");
    assert_int_equal(tty->out_len, 9);
    assert_false(rig_used(&tty->rig, TX, &head, &len));
    tty->room = 1;
    hull_virtio_console_tx_ready(tty->rig.dev);
    assert_false(rig_used(&tty->rig, TX, &head, &len));
    tty->room = 100;
    hull_virtio_console_tx_ready(tty->rig.dev);
    assert_true(rig_used(&tty->rig, TX, &head, &len));
    assert_memory_equal(tty->out, "hello, world", 12);
    put_output(tty, "!", "?");
    assert_memory_equal(tty->out, "hello, world!?", 14);
    assert_int_equal(tty->out_len, 14);
}

static void held_output_goes_with_its_queue(void **state)
{
    struct fake_tty *tty = *state;
    uint32_t head, len;

    tty->room = 0;
    rig_start(&tty->rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    put_output(tty, "old", "old");
    rig_start(&tty->rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    tty->room = 100;
    hull_virtio_console_tx_ready(tty->rig.dev);
    assert_int_equal(tty->out_len, 0);
    assert_false(rig_used(&tty->rig, TX, &head, &len));
    put_output(tty, "new", "er");
    assert_memory_equal(tty->out, "newer", 5);
}

static void a_flood_lets_go_of_the_lock(void **state)
{
    struct fake_tty *tty = *state;
    const struct rig_segment segment = {RIG_BUFFERS, 300000, false};
    uint32_t head, len;

    rig_start(&tty->rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    rig_chain(&tty->rig, TX, &segment, 1);
    rig_kick(&tty->rig, TX);
    assert_int_equal(tty->out_len, 65536);
    assert_false(rig_used(&tty->rig, TX, &head, &len));
    fake_env_advance(&tty->rig.fake, 1);
    assert_int_equal(tty->out_len, 300000);
    assert_true(rig_used(&tty->rig, TX, &head, &len));
}

static void give_input_buffer(struct fake_tty *tty, unsigned slot, uint32_t len)
{
    const struct rig_segment segment = {RIG_BUFFERS + 0x1000 * slot, len, true};

    rig_chain(&tty->rig, RX, &segment, 1);
}

static void input_fills_buffers(void **state)
{
    struct fake_tty *tty = *state;
    uint32_t head, len;

    assert_int_equal(hull_virtio_console_receive(tty->rig.dev, "x", 1), 0); // no driver yet
    rig_start(&tty->rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    assert_int_equal(hull_virtio_console_receive(tty->rig.dev, "abcdef", 6), 0);
    assert_int_equal(tty->ready_count, 0);
    give_input_buffer(tty, 0, 4);
    rig_kick(&tty->rig, RX);
    assert_int_equal(tty->ready_count, 1);
    assert_int_equal(hull_virtio_console_receive(tty->rig.dev, "abcdef", 6), 4);
    assert_true(rig_used(&tty->rig, RX, &head, &len));
    assert_int_equal(len, 4);
    assert_memory_equal(rig_ptr(&tty->rig, RIG_BUFFERS), "abcd", 4);
    give_input_buffer(tty, 1, 4);
    rig_kick(&tty->rig, RX);
    assert_int_equal(tty->ready_count, 2);
    assert_int_equal(hull_virtio_console_receive(tty->rig.dev, "ef", 2), 2);
    assert_true(rig_used(&tty->rig, RX, &head, &len));
    assert_int_equal(len, 2);
    assert_true(tty->rig.irq);
    give_input_buffer(tty, 2, 4);
    rig_kick(&tty->rig, RX); // the backend has nothing left
    assert_int_equal(tty->ready_count, 2);
    give_input_buffer(tty, 3, 4);
    assert_int_equal(hull_virtio_console_receive(tty->rig.dev, "0123456789", 10), 8);
    assert_memory_equal(rig_ptr(&tty->rig, RIG_BUFFERS + 0x2000), "0123", 5);
    assert_memory_equal(rig_ptr(&tty->rig, RIG_BUFFERS + 0x3000), "4567", 5);
    give_input_buffer(tty, 4, 4);
    rig_kick(&tty->rig, RX);
    rig_kick(&tty->rig, RX); // told once
    assert_int_equal(tty->ready_count, 3);
    assert_int_equal(hull_virtio_console_receive(tty->rig.dev, "ab", 2), 2);
    assert_true(rig_used(&tty->rig, RX, &head, &len));
    assert_true(rig_used(&tty->rig, RX, &head, &len));
    assert_true(rig_used(&tty->rig, RX, &head, &len)); // no more buffers were used than needed
    assert_false(rig_used(&tty->rig, RX, &head, &len));
}

static void an_input_buffer_without_room_breaks_the_device(void **state)
{
    struct fake_tty *tty = *state;
    const struct rig_segment segment = {RIG_BUFFERS, 4, false};

    rig_start(&tty->rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    rig_chain(&tty->rig, RX, &segment, 1);
    assert_int_equal(hull_virtio_console_receive(tty->rig.dev, "ab", 2), 0);
    assert_true(rig_needs_reset(&tty->rig));
}

static void resizing_tells_the_driver(void **state)
{
    struct fake_tty *tty = *state;

    hull_virtio_console_resize(tty->rig.dev, 80, 24);
    assert_false(tty->rig.irq); // no driver yet
    rig_start(&tty->rig, VIRTIO_F_VERSION_1 | F_SIZE, 2, QUEUE_SIZE);
    assert_int_equal(rig_config(&tty->rig, 0, 4), 80 | 24 << 16);
    assert_int_equal(rig_config(&tty->rig, 4, 4), 1);
    hull_virtio_console_resize(tty->rig.dev, 80, 24);
    assert_false(tty->rig.irq); // nothing changed
    hull_virtio_console_resize(tty->rig.dev, 132, 24);
    rig_ack(&tty->rig);
    hull_virtio_console_resize(tty->rig.dev, 132, 70000);
    assert_int_equal(rig_get(&tty->rig, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
    assert_int_equal(rig_get(&tty->rig, VIRTIO_MMIO_CONFIG_GENERATION), 3);
    hull_virtio_console_resize(tty->rig.dev, 132, 70000);
    assert_int_equal(rig_get(&tty->rig, VIRTIO_MMIO_CONFIG_GENERATION), 3);
    assert_int_equal(rig_config(&tty->rig, 0, 2), 132);
    assert_int_equal(rig_config(&tty->rig, 2, 2), 65535);
}

static void emergency_output_needs_no_driver(void **state)
{
    struct fake_tty *tty = *state;

    rig_set(&tty->rig, VIRTIO_MMIO_CONFIG + 8, 'p');
    rig_set(&tty->rig, VIRTIO_MMIO_CONFIG + 4, 'x');
    assert_int_equal(tty->out_len, 1);
    assert_int_equal(tty->out[0], 'p');
    assert_int_equal(hull_bus_write(&tty->rig.bus, RIG_DEVICE_BASE + VIRTIO_MMIO_CONFIG + 4, 8,
                                    (uint64_t)'q' << 32 | 'x'),
                     0); // two halves
    assert_int_equal(tty->out_len, 2);
    assert_int_equal(tty->out[1], 'q');
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(output_reaches_the_backend),
        TEST(output_waits_for_the_backend),
        TEST(held_output_goes_with_its_queue),
        TEST(a_flood_lets_go_of_the_lock),
        TEST(input_fills_buffers),
        TEST(an_input_buffer_without_room_breaks_the_device),
        TEST(resizing_tells_the_driver),
        TEST(emergency_output_needs_no_driver),
    };
    return cmocka_run_group_tests_name("core/dev/virtio/console", tests, NULL, NULL);
}
