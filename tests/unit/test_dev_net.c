// SPDX-License-Identifier: Apache-2.0
// virtio-net: frames out with checksums, frames in over one or several buffers.
#include "lib/bytes.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio_rig.h"

#define F_CSUM (1ull << 0)
#define F_MTU (1ull << 3)
#define F_MAC (1ull << 5)
#define F_MRG_RXBUF (1ull << 15)
#define RX 0
#define TX 1
#define HEADER 12
#define QUEUE_SIZE 16

struct fake_wire {
    struct rig rig;
    struct net_backend backend;
    uint8_t sent[70000];
    size_t sent_len;
    unsigned sent_count, ready_count;
};

static void wire_send(void *ctx, const struct hull_iovec *iov, unsigned iov_count)
{
    struct fake_wire *wire = ctx;

    wire->sent_len = 0;
    for (unsigned i = 0; i < iov_count; i++) {
        memcpy(wire->sent + wire->sent_len, iov[i].base, iov[i].len);
        wire->sent_len += iov[i].len;
    }
    wire->sent_count++;
}

static void wire_ready(void *ctx)
{
    ((struct fake_wire *)ctx)->ready_count++;
}

static int setup(void **state)
{
    static struct fake_wire wire;
    struct virtio_bindings b;

    memset(&wire, 0, sizeof(wire));
    rig_init(&wire.rig);
    b = rig_bindings(&wire.rig);
    wire.backend = (struct net_backend){.send = wire_send,
                                        .rx_ready = wire_ready,
                                        .ctx = &wire,
                                        .mac = {0x52, 0x54, 0, 1, 2, 3},
                                        .mtu = 1400};
    rig_add(&wire.rig, hull_virtio_net_create(&b, &wire.backend));
    *state = &wire;
    return 0;
}

static int teardown(void **state)
{
    struct fake_wire *wire = *state;

    rig_fini(&wire->rig);
    return 0;
}

static void config_space_describes_the_card(void **state)
{
    struct fake_wire *wire = *state;

    assert_int_equal(rig_get(&wire->rig, VIRTIO_MMIO_DEVICE_ID), 1);
    assert_int_equal(rig_config(&wire->rig, 0, 4), 0x01005452);
    assert_int_equal(rig_config(&wire->rig, 4, 2), 0x0302);
    assert_int_equal(rig_config(&wire->rig, 6, 2), 1);
    assert_int_equal(rig_config(&wire->rig, 8, 2), 1);
    assert_int_equal(rig_config(&wire->rig, 10, 2), 1400);
    assert_true(virtio_of(wire->rig.dev)->offered & F_MTU);
}

static void mtu_is_offered_only_when_known(void **state)
{
    struct fake_wire *wire = *state;
    struct virtio_bindings b = rig_bindings(&wire->rig);
    struct device *dev;

    wire->backend.mtu = 0;
    dev = hull_virtio_net_create(&b, &wire->backend);
    assert_non_null(dev);
    assert_false(virtio_of(dev)->offered & F_MTU);
    dev->ops->destroy(dev);
}

// Sends `len` bytes of frame behind a header of `header` bytes, cut in two inside of the frame.
static void send_frame(struct fake_wire *wire, unsigned header, uint32_t len)
{
    const struct rig_segment segments[] = {{RIG_BUFFERS, header + 5, false},
                                           {RIG_BUFFERS + header + 5, len - 5, false}};
    uint32_t head, used;

    rig_chain(&wire->rig, TX, segments, 2);
    rig_kick(&wire->rig, TX);
    assert_true(rig_used(&wire->rig, TX, &head, &used));
    assert_int_equal(used, 0);
}

static uint8_t *fill_frame(struct fake_wire *wire, unsigned header, uint32_t len)
{
    uint8_t *at = rig_ptr(&wire->rig, RIG_BUFFERS);

    memset(at, 0, header);
    for (uint32_t i = 0; i < len; i++)
        at[header + i] = (uint8_t)(i * 3);
    return at;
}

static void frames_go_out(void **state)
{
    struct fake_wire *wire = *state;
    uint8_t *at;

    for (unsigned old = 0; old < 2; old++) {
        unsigned header = old ? 10 : 12; // without VERSION_1 there is no num_buffers

        rig_start(&wire->rig, old ? 0 : VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
        at = fill_frame(wire, header, 1514);
        send_frame(wire, header, 1514);
        assert_int_equal(wire->sent_len, 1514);
        assert_memory_equal(wire->sent, at + header, 1514);
    }
    assert_true(wire->rig.irq);
    fill_frame(wire, 10, 14);
    send_frame(wire, 10, 14);
    assert_int_equal(wire->sent_len, 14);
    at = fill_frame(wire, 10, 65550);
    send_frame(wire, 10, 65550);
    assert_int_equal(wire->sent_len, 65550);
}

static void frames_that_make_no_sense_are_dropped(void **state)
{
    struct fake_wire *wire = *state;
    uint8_t *at;

    rig_start(&wire->rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    fill_frame(wire, HEADER, 65551);
    send_frame(wire, HEADER, 65551);
    send_frame(wire, HEADER, 13);
    at = fill_frame(wire, HEADER, 100);
    at[1] = 1; // gso
    send_frame(wire, HEADER, 100);
    at = fill_frame(wire, HEADER, 100);
    at[0] = 1;
    hull_store_le16(at + 6, 90);
    hull_store_le16(at + 8, 9); // the field would end past the frame
    send_frame(wire, HEADER, 100);
    hull_store_le16(at + 6, 0xffff);
    hull_store_le16(at + 8, 0xffff);
    send_frame(wire, HEADER, 100);
    assert_int_equal(wire->sent_count, 0);
    assert_false(rig_needs_reset(&wire->rig));
    hull_store_le16(at + 6, 90);
    hull_store_le16(at + 8, 8);
    send_frame(wire, HEADER, 100);
    assert_int_equal(wire->sent_count, 1);
}

static void checksums_are_completed(void **state)
{
    struct fake_wire *wire = *state;
    // RFC 1071's example: 0001 f203 f4f5 f6f7 sums up to ddf2.
    static const uint8_t words[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
    uint8_t *at;

    rig_start(&wire->rig, VIRTIO_F_VERSION_1 | F_CSUM, 2, QUEUE_SIZE);
    at = fill_frame(wire, HEADER, 45);
    memset(at + HEADER + 34, 0, 11);
    memcpy(at + HEADER + 34, words, 8);
    at[0] = 1;
    hull_store_le16(at + 6, 34);
    hull_store_le16(at + 8, 8);
    send_frame(wire, HEADER, 45); // 11 bytes: the odd one counts as the high half of a word
    assert_int_equal(hull_load_be16(wire->sent + 42), 0x220d);
    at[HEADER + 44] = 0x22;
    send_frame(wire, HEADER, 45);
    assert_int_equal(hull_load_be16(wire->sent + 42), 0x000d);
    at[HEADER + 44] = 0;
    hull_store_be16(at + HEADER + 42, 0x220d); // all of it sums up to 0xffff
    send_frame(wire, HEADER, 45);
    assert_int_equal(hull_load_be16(wire->sent + 42), 0xffff);
}

static bool receive(struct fake_wire *wire, size_t len)
{
    static uint8_t frame[70000];

    for (size_t i = 0; i < len; i++)
        frame[i] = (uint8_t)(i * 5 + 1);
    return hull_virtio_net_receive(wire->rig.dev, frame, len);
}

static void give_buffers(struct fake_wire *wire, unsigned count, uint32_t len)
{
    for (unsigned i = 0; i < count; i++) {
        struct rig_segment segment = {RIG_BUFFERS + 0x10000 * i, len, true};

        memset(rig_ptr(&wire->rig, segment.gpa), 0xcc, len);
        rig_chain(&wire->rig, RX, &segment, 1);
    }
}

static void a_frame_fills_one_buffer(void **state)
{
    struct fake_wire *wire = *state;
    const uint8_t *at = rig_ptr(&wire->rig, RIG_BUFFERS);
    uint32_t head, len;

    for (unsigned old = 0; old < 2; old++) {
        unsigned header = old ? 10 : 12;

        rig_start(&wire->rig, old ? 0 : VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
        assert_false(receive(wire, 60));
        give_buffers(wire, 1, 1526);
        assert_true(receive(wire, 1514));
        assert_true(rig_used(&wire->rig, RX, &head, &len));
        assert_int_equal(len, 1514 + header);
        assert_int_equal(hull_load_le64(at), 0);
        if (!old)
            assert_int_equal(hull_load_le16(at + 10), 1);
        assert_int_equal(at[header], 1);
        assert_int_equal(at[header + 1513], (uint8_t)(1513 * 5 + 1));
        assert_true(wire->rig.irq);
    }
}

static void a_frame_spreads_over_mergeable_buffers(void **state)
{
    struct fake_wire *wire = *state;
    uint32_t head, len;

    rig_start(&wire->rig, VIRTIO_F_VERSION_1 | F_MRG_RXBUF, 2, QUEUE_SIZE);
    give_buffers(wire, 2, 100);
    assert_false(receive(wire, 250)); // too few: nothing is used up
    assert_false(rig_used(&wire->rig, RX, &head, &len));
    give_buffers(wire, 3, 100);
    assert_true(receive(wire, 250));
    for (unsigned i = 0; i < 3; i++) {
        const uint8_t *at = rig_ptr(&wire->rig, RIG_BUFFERS + 0x10000 * (i < 2 ? i : 0));

        assert_true(rig_used(&wire->rig, RX, &head, &len));
        assert_int_equal(head, i);
        assert_int_equal(len, i < 2 ? 100 : 62);
        if (i == 1)
            assert_int_equal(at[0], (uint8_t)(88 * 5 + 1));
    }
    assert_false(rig_used(&wire->rig, RX, &head, &len));
    // The third chain shares its memory with the first here: look at num_buffers in a clean one.
    rig_start(&wire->rig, VIRTIO_F_VERSION_1 | F_MRG_RXBUF, 2, QUEUE_SIZE);
    give_buffers(wire, 3, 100);
    assert_true(receive(wire, 250));
    assert_int_equal(hull_load_le16(rig_ptr(&wire->rig, RIG_BUFFERS + 10)), 3);
    assert_int_equal(wire->rig.irq_rises, 2);
}

static void a_frame_that_never_fits_is_dropped(void **state)
{
    struct fake_wire *wire = *state;
    uint32_t head, len;

    rig_start(&wire->rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    give_buffers(wire, 1, 100);
    assert_true(receive(wire, 89));
    assert_false(rig_used(&wire->rig, RX, &head, &len));
    assert_true(receive(wire, 88));
    assert_true(rig_used(&wire->rig, RX, &head, &len));

    rig_start(&wire->rig, VIRTIO_F_VERSION_1 | F_MRG_RXBUF, 2, QUEUE_SIZE);
    give_buffers(wire, QUEUE_SIZE, 20);
    assert_true(receive(wire, QUEUE_SIZE * 20 - HEADER + 1));
    assert_false(rig_used(&wire->rig, RX, &head, &len));
    assert_true(receive(wire, QUEUE_SIZE * 20 - HEADER));
    assert_true(rig_used(&wire->rig, RX, &head, &len));

    assert_true(receive(wire, 13)); // neither of these is a frame
    assert_true(receive(wire, 65551));
    assert_false(receive(wire, 14)); // these are
    assert_false(receive(wire, 65550));
    assert_false(rig_needs_reset(&wire->rig));
}

static void useless_receive_buffers_break_the_device(void **state)
{
    struct fake_wire *wire = *state;

    rig_start(&wire->rig, VIRTIO_F_VERSION_1 | F_MRG_RXBUF, 2, QUEUE_SIZE);
    give_buffers(wire, 1, HEADER);
    assert_false(receive(wire, 60));
    assert_true(rig_needs_reset(&wire->rig));
    assert_false(receive(wire, 60));
    assert_false(hull_virtio_net_can_receive(wire->rig.dev));
}

static void the_backend_hears_of_new_buffers(void **state)
{
    struct fake_wire *wire = *state;

    assert_false(hull_virtio_net_can_receive(wire->rig.dev)); // no driver
    rig_start(&wire->rig, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX, 2, QUEUE_SIZE);
    assert_false(hull_virtio_net_can_receive(wire->rig.dev));
    rig_kick(&wire->rig, RX);
    assert_int_equal(wire->ready_count, 0);
    give_buffers(wire, 1, 2000);
    assert_int_equal(rig_avail_event(&wire->rig, RX), 0); // so the driver kicks
    rig_kick(&wire->rig, RX);
    assert_int_equal(wire->ready_count, 1);
    assert_true(hull_virtio_net_can_receive(wire->rig.dev));
    rig_kick(&wire->rig, RX); // nobody waits
    assert_int_equal(wire->ready_count, 1);
    assert_true(receive(wire, 60));
    give_buffers(wire, 1, 2000);
    rig_kick(&wire->rig, RX); // the last frame found its buffer
    assert_int_equal(wire->ready_count, 1);
    assert_true(receive(wire, 60));
    assert_false(receive(wire, 60));
    assert_int_equal(rig_avail_event(&wire->rig, RX), 2);
    give_buffers(wire, 1, 2000);
    rig_kick(&wire->rig, RX);
    assert_int_equal(wire->ready_count, 2);
}

static void a_flood_is_sent_in_slices(void **state)
{
    struct fake_wire *wire = *state;
    struct rig *rig = &wire->rig;
    const struct rig_segment segment = {RIG_BUFFERS, HEADER + 60, false};

    rig_start(rig, VIRTIO_F_VERSION_1, 2, 256);
    fill_frame(wire, HEADER, 60);
    rig_chain(rig, TX, &segment, 1);
    hull_store_le16(rig_ptr(rig, rig->q[TX].driver + 2), 256); // all entries name chain 0
    rig_kick(rig, TX);
    assert_int_equal(wire->sent_count, VIRTIO_SLICE);
    assert_true(rig->irq);
    hull_store_le16(rig_ptr(rig, rig->q[TX].driver + 2), 266);
    fake_env_advance(&rig->fake, 1);
    assert_int_equal(wire->sent_count, 266);
}

static void creation_fails_cleanly(void **state)
{
    struct fake_wire *wire = *state;
    struct virtio_bindings b = rig_bindings(&wire->rig);
    size_t before = wire->rig.fake.allocated;

    for (long n = 0; n < 2; n++) {
        wire->rig.fake.fail_alloc = n;
        assert_null(hull_virtio_net_create(&b, &wire->backend));
        assert_int_equal(wire->rig.fake.allocated, before);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(config_space_describes_the_card),
        TEST(mtu_is_offered_only_when_known),
        TEST(frames_go_out),
        TEST(frames_that_make_no_sense_are_dropped),
        TEST(checksums_are_completed),
        TEST(a_frame_fills_one_buffer),
        TEST(a_frame_spreads_over_mergeable_buffers),
        TEST(a_frame_that_never_fits_is_dropped),
        TEST(useless_receive_buffers_break_the_device),
        TEST(the_backend_hears_of_new_buffers),
        TEST(a_flood_is_sent_in_slices),
        TEST(creation_fails_cleanly),
    };
    return cmocka_run_group_tests_name("core/dev/virtio/net", tests, NULL, NULL);
}
