// SPDX-License-Identifier: Apache-2.0
// The queue of Ethernet frames against a plain model, and the addresses of nameless cards.
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "host/backend/frame_queue.h"
#include "host/backend/net.h"

#define SIZE 8192u

static bool put(struct frame_queue *queue, const uint8_t *bytes, size_t len)
{
    size_t cut = len ? (size_t)rand() % len : 0;
    struct hull_iovec iov[2] = {{(void *)bytes, cut}, {(void *)(bytes + cut), len - cut}};

    return hull_frame_queue_put(queue, iov, 2);
}

// Each frame is filled with its number, so that order and borders show.
static void frames_come_out_as_they_went_in(void **state)
{
    struct frame_queue queue;
    uint8_t frame[2048], got[2048];
    size_t lengths[10000];
    unsigned in = 0, out = 0, refused = 0;

    (void)state;
    srand(3);
    assert_int_equal(hull_frame_queue_init(&queue, SIZE), 0);
    while (out < 5000) {
        if (rand() % 2 && in < 10000) {
            size_t len = 1 + (unsigned)rand() % 1514;

            memset(frame, (int)in, len);
            if (put(&queue, frame, len))
                lengths[in++] = len;
            else
                refused++;
        } else {
            size_t len = hull_frame_queue_peek(&queue, got, sizeof(got));

            assert_int_equal(len, in == out ? 0 : lengths[out]);
            for (size_t i = 0; i < len; i++)
                assert_int_equal(got[i], out & 0xff);
            hull_frame_queue_pop(&queue);
            out += len != 0;
        }
        assert_true(queue.used <= SIZE);
    }
    assert_true(refused > 0);
    hull_frame_queue_fini(&queue);
}

static void absurd_lengths_are_refused(void **state)
{
    struct frame_queue queue;
    uint8_t bytes[8] = {0};
    struct hull_iovec iov[2] = {{bytes, SIZE_MAX}, {bytes, 2}};

    (void)state;
    assert_int_equal(hull_frame_queue_init(&queue, SIZE), 0);
    assert_false(hull_frame_queue_put(&queue, iov, 2));
    iov[0].len = SIZE - 3;
    assert_false(hull_frame_queue_put(&queue, iov, 1));
    iov[0].len = 0;
    assert_false(hull_frame_queue_put(&queue, iov, 1));
    assert_int_equal(hull_frame_queue_peek(&queue, bytes, sizeof(bytes)), 0);
    hull_frame_queue_pop(&queue);
    assert_int_equal(queue.used, 0);
    hull_frame_queue_fini(&queue);
}

static void addresses_are_stable_local_and_distinct(void **state)
{
    struct vm_spec spec = {.name = "one", .net_count = 2};
    uint8_t a[6], b[6], c[6], d[6];

    (void)state;
    hull_spec_mac(&spec, 0, a);
    hull_spec_mac(&spec, 0, b);
    assert_memory_equal(a, b, 6);
    hull_spec_mac(&spec, 1, b);
    spec.name = "two";
    hull_spec_mac(&spec, 0, c);
    assert_memory_not_equal(a, b, 6);
    assert_memory_not_equal(a, c, 6);
    assert_int_equal(a[0] & 3, 2); // locally administered, unicast
    memcpy(spec.nets[0].mac, "\x02\x01\x02\x03\x04\x05", 6);
    hull_spec_mac(&spec, 0, d);
    assert_memory_equal(d, spec.nets[0].mac, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_come_out_as_they_went_in),
        cmocka_unit_test(absurd_lengths_are_refused),
        cmocka_unit_test(addresses_are_stable_local_and_distinct),
    };
    return cmocka_run_group_tests_name("host/frames", tests, NULL, NULL);
}
