// SPDX-License-Identifier: Apache-2.0
// virtio balloon and entropy device: which memory goes back to the host, and random bytes.
#include "lib/bytes.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio_rig.h"

#define F_PAGE_POISON (1ull << 4)
#define F_PAGE_REPORTING (1ull << 5)
#define INFLATE 0
#define DEFLATE 1
#define QUEUE_SIZE 64
#define LIST RIG_BUFFERS

static int setup(void **state)
{
    static struct rig rig;
    struct virtio_bindings b;

    rig_init(&rig);
    b = rig_bindings(&rig);
    rig_add(&rig, hull_virtio_balloon_create(&b));
    memset(rig.ram + 0x200000, 0xaa, 0x200000);
    *state = &rig;
    return 0;
}

static int setup_rng(void **state)
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

#define PAGE(n) (RIG_RAM_BASE + 0x200000 + (n)*0x1000ull)

static bool page_is(struct rig *rig, unsigned n, uint8_t byte)
{
    const uint8_t *page = rig_ptr(rig, PAGE(n));

    for (unsigned i = 0; i < 4096; i++)
        if (page[i] != byte)
            return false;
    return true;
}

static void send_pages(struct rig *rig, unsigned queue, const uint64_t *pages, unsigned count)
{
    const struct rig_segment segment = {LIST, 4 * count, false};
    uint32_t head, len;

    for (unsigned i = 0; i < count; i++)
        hull_store_le32(rig_ptr(rig, LIST + 4 * i), (uint32_t)(pages[i] >> 12));
    rig_chain(rig, queue, &segment, 1);
    rig_kick(rig, queue);
    assert_true(rig_used(rig, queue, &head, &len));
}

static void inflated_pages_go_back_to_the_host(void **state)
{
    struct rig *rig = *state;
    const uint64_t pages[] = {PAGE(1), PAGE(2), PAGE(3), PAGE(9), PAGE(8), PAGE(20)};

    rig_start(rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    send_pages(rig, INFLATE, pages, 6);
    for (unsigned i = 0; i < 32; i++)
        assert_true(page_is(rig, i, (i >= 1 && i <= 3) || i == 8 || i == 9 || i == 20 ? 0 : 0xaa));
    assert_int_equal(rig->fake.discards, 3); // neighbours go together
    assert_true(rig->irq);
}

static void pages_outside_of_memory_are_left_out(void **state)
{
    struct rig *rig = *state;
    const uint64_t pages[] = {0,
                              RIG_RAM_BASE - 0x1000,
                              RIG_RAM_BASE + RIG_RAM_SIZE,
                              0xffffffff000,
                              PAGE(511),
                              RIG_RAM_BASE + RIG_RAM_SIZE,
                              PAGE(0)};

    rig_start(rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    send_pages(rig, INFLATE, pages, 7);
    assert_int_equal(rig->fake.discards, 2);
    assert_true(page_is(rig, 0, 0));
    assert_true(page_is(rig, 511, 0));
    assert_true(page_is(rig, 510, 0xaa));
    assert_false(rig_needs_reset(rig));
}

static void long_lists_have_an_end(void **state)
{
    struct rig *rig = *state;
    const struct rig_segment segment = {LIST, 0x80000, false};
    uint32_t head, len;

    rig_start(rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    // 131072 page numbers, alternating so that no two are neighbours
    for (unsigned i = 0; i < 0x20000; i++)
        hull_store_le32(rig_ptr(rig, LIST + 4 * i), (uint32_t)(PAGE(2 * (i % 200)) >> 12));
    rig_chain(rig, INFLATE, &segment, 1);
    rig_kick(rig, INFLATE);
    assert_true(rig_used(rig, INFLATE, &head, &len));
    assert_int_equal(rig->fake.discards, 4096);
}

static void deflating_discards_nothing(void **state)
{
    struct rig *rig = *state;
    const uint64_t pages[] = {PAGE(1)};

    rig_start(rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    send_pages(rig, DEFLATE, pages, 1);
    assert_true(page_is(rig, 1, 0xaa));
}

static void report_pages(struct rig *rig, unsigned queue)
{
    const struct rig_segment segments[] = {{PAGE(4), 0x2000, true},
                                           {PAGE(8) + 1, 0x2fff, true},
                                           {PAGE(16) + 8, 0xff0, true},
                                           {PAGE(18) + 8, 0x1000, true}};
    uint32_t head, len;

    memset(rig_ptr(rig, PAGE(0)), 0xaa, 0x20000);
    rig_chain(rig, queue, segments, 4);
    rig_kick(rig, queue);
    assert_true(rig_used(rig, queue, &head, &len));
    assert_int_equal(len, 0);
}

// The standard's queue number, and the ones that Linux has used.
static void reported_pages_go_back_to_the_host(void **state)
{
    struct rig *rig = *state;

    for (unsigned queue = 2; queue < 5; queue++) {
        rig_start(rig, VIRTIO_F_VERSION_1 | F_PAGE_REPORTING, 5, QUEUE_SIZE);
        report_pages(rig, queue);
        assert_true(page_is(rig, 4, 0));
        assert_true(page_is(rig, 5, 0));
        assert_true(page_is(rig, 6, 0xaa));
        assert_true(page_is(rig, 8, 0xaa)); // partly reported
        assert_true(page_is(rig, 9, 0));
        assert_true(page_is(rig, 10, 0));
        assert_true(page_is(rig, 16, 0xaa));
        assert_int_equal(rig->fake.discards, 2 * (queue - 1));
    }
}

static void reports_need_their_feature(void **state)
{
    struct rig *rig = *state;

    rig_start(rig, VIRTIO_F_VERSION_1, 5, QUEUE_SIZE);
    report_pages(rig, 4);
    assert_int_equal(rig->fake.discards, 0);
}

static void poisoned_pages_keep_their_poison(void **state)
{
    struct rig *rig = *state;
    const uint64_t features = VIRTIO_F_VERSION_1 | F_PAGE_REPORTING | F_PAGE_POISON;

    rig_start(rig, features, 5, QUEUE_SIZE);
    rig_set(rig, VIRTIO_MMIO_CONFIG + 12, 0xaaaaaaaa);
    assert_int_equal(rig_config(rig, 12, 4), 0xaaaaaaaa);
    report_pages(rig, 4);
    assert_int_equal(rig->fake.discards, 0);
    rig_set(rig, VIRTIO_MMIO_CONFIG + 12, 0); // poison of zeroes is what discarded pages hold
    report_pages(rig, 4);
    assert_true(page_is(rig, 4, 0));
    rig_set(rig, VIRTIO_MMIO_CONFIG + 12, 0x55555555);
    rig_start(rig, features & ~F_PAGE_POISON, 5, QUEUE_SIZE);
    assert_int_equal(rig_config(rig, 12, 4), 0);
    rig_set(rig, VIRTIO_MMIO_CONFIG + 12, 1);
    assert_int_equal(rig_config(rig, 12, 4), 0);
    report_pages(rig, 4);
    assert_true(page_is(rig, 4, 0));
}

static void target_and_actual_are_told(void **state)
{
    struct rig *rig = *state;

    rig_start(rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    hull_virtio_balloon_set_target(rig->dev, 1000);
    assert_int_equal(rig_get(rig, VIRTIO_MMIO_INTERRUPT_STATUS), 2);
    assert_int_equal(rig_config(rig, 0, 4), 1000);
    rig_ack(rig);
    hull_virtio_balloon_set_target(rig->dev, 1000);
    assert_false(rig->irq);
    rig_set(rig, VIRTIO_MMIO_CONFIG + 4, 512);
    assert_int_equal(hull_virtio_balloon_actual(rig->dev), 512);
    assert_int_equal(rig_config(rig, 4, 4), 512);
    rig_set(rig, VIRTIO_MMIO_CONFIG + 0, 7); // the target is the host's
    assert_int_equal(rig_config(rig, 0, 4), 1000);
    hull_virtio_balloon_set_target(rig->dev, UINT64_MAX);
    assert_int_equal(rig_config(rig, 0, 4), UINT32_MAX);
    rig_set(rig, VIRTIO_MMIO_STATUS, 0);
    assert_int_equal(hull_virtio_balloon_actual(rig->dev), 0);
    assert_int_equal(rig_config(rig, 0, 4), UINT32_MAX);
}

static void many_requests_come_in_slices(void **state)
{
    struct rig *rig = *state;
    const uint64_t pages[] = {PAGE(1)};

    rig_start(rig, VIRTIO_F_VERSION_1, 2, QUEUE_SIZE);
    send_pages(rig, INFLATE, pages, 1);
    hull_store_le16(rig_ptr(rig, rig->q[INFLATE].driver + 2), QUEUE_SIZE); // all name chain 0
    rig_kick(rig, INFLATE);
    assert_int_equal(rig->fake.discards, 17);
    fake_env_advance(&rig->fake, 1);
    assert_int_equal(rig->fake.discards, QUEUE_SIZE);
}

static unsigned written_calls;

static void count_written(void *ctx, gpa_t gpa)
{
    (void)ctx;
    (void)gpa;
    written_calls++;
}

static void random_bytes_fill_the_buffers(void **state)
{
    struct rig *rig = *state;
    const struct rig_segment segments[] = {{RIG_BUFFERS, 100, true},
                                           {RIG_BUFFERS + 0x1000, 28, true}};
    const uint8_t *at = rig_ptr(rig, RIG_BUFFERS);
    uint32_t head, len, zeroes = 0;

    rig_start(rig, VIRTIO_F_VERSION_1, 1, QUEUE_SIZE);
    written_calls = 0;
    rig->memory.watch = (struct mem_watch){RIG_BUFFERS + 0x1000, 28, count_written, NULL};
    rig_chain(rig, 0, segments, 2);
    rig_kick(rig, 0);
    assert_true(rig_used(rig, 0, &head, &len));
    assert_int_equal(len, 128);
    for (unsigned i = 0; i < 100; i++)
        zeroes += !at[i];
    for (unsigned i = 0; i < 28; i++)
        zeroes += !at[0x1000 + i];
    assert_true(zeroes < 10);
    assert_int_equal(written_calls, 1);
    assert_true(rig->irq);
    assert_int_equal(at[100], 0);
    assert_int_equal(at[0x1000 + 28], 0);
}

static void large_buffers_are_filled_in_part(void **state)
{
    struct rig *rig = *state;
    const struct rig_segment segments[] = {{RIG_BUFFERS, 0x8000, true},
                                           {RIG_BUFFERS + 0x10000, 0x20000, true}};
    uint32_t head, len;

    rig_start(rig, VIRTIO_F_VERSION_1, 1, QUEUE_SIZE);
    rig_chain(rig, 0, segments, 2);
    rig_kick(rig, 0);
    assert_true(rig_used(rig, 0, &head, &len));
    assert_int_equal(len, 65536);
}

static void no_bytes_no_used_buffer(void **state)
{
    struct rig *rig = *state;
    const struct rig_segment in = {RIG_BUFFERS, 16, true}, out = {RIG_BUFFERS, 16, false};
    uint32_t head, len;

    rig_start(rig, VIRTIO_F_VERSION_1, 1, QUEUE_SIZE);
    rig->fake.random_fails = true;
    rig_chain(rig, 0, &in, 1);
    rig_kick(rig, 0);
    assert_false(rig_used(rig, 0, &head, &len));
    assert_true(rig_needs_reset(rig));
    rig->fake.random_fails = false;
    rig_start(rig, VIRTIO_F_VERSION_1, 1, QUEUE_SIZE);
    rig_chain(rig, 0, &out, 1);
    rig_kick(rig, 0);
    assert_true(rig_needs_reset(rig));
}

static void many_wishes_for_bytes_come_in_slices(void **state)
{
    struct rig *rig = *state;
    const struct rig_segment segment = {RIG_BUFFERS, 16, true};
    uint32_t head, len, count = 0;

    rig_start(rig, VIRTIO_F_VERSION_1, 1, QUEUE_SIZE);
    for (unsigned i = 0; i < 40; i++)
        rig_chain(rig, 0, &segment, 1);
    rig_kick(rig, 0);
    while (rig_used(rig, 0, &head, &len))
        count++;
    assert_int_equal(count, 16);
    fake_env_advance(&rig->fake, 1);
    while (rig_used(rig, 0, &head, &len))
        count++;
    assert_int_equal(count, 40);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define RNG_TEST(f) cmocka_unit_test_setup_teardown(f, setup_rng, teardown)
    const struct CMUnitTest tests[] = {
        TEST(inflated_pages_go_back_to_the_host),
        TEST(pages_outside_of_memory_are_left_out),
        TEST(long_lists_have_an_end),
        TEST(deflating_discards_nothing),
        TEST(reported_pages_go_back_to_the_host),
        TEST(reports_need_their_feature),
        TEST(poisoned_pages_keep_their_poison),
        TEST(target_and_actual_are_told),
        TEST(many_requests_come_in_slices),
        RNG_TEST(random_bytes_fill_the_buffers),
        RNG_TEST(large_buffers_are_filled_in_part),
        RNG_TEST(no_bytes_no_used_buffer),
        RNG_TEST(many_wishes_for_bytes_come_in_slices),
    };
    return cmocka_run_group_tests_name("core/dev/virtio/balloon, rng", tests, NULL, NULL);
}
