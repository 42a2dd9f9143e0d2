// SPDX-License-Identifier: Apache-2.0
// Split virtqueues: chains as drivers may build them, chains as they may not, and who is notified when.
#include "lib/bytes.h"
#include "tests/unit/unit.h"
#include "tests/unit/virtio_rig.h"

#define FEATURES (VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC)
#define SIZE 8

struct probe { // a device that does nothing by itself: the test pops and pushes
    struct virtio_device vdev;
};

static void probe_notify(struct virtio_device *v, unsigned queue)
{
    (void)v;
    (void)queue;
}

static void probe_destroy(struct virtio_device *v)
{
    hull_free(v->env, v, sizeof(struct probe));
}

static const struct virtio_device_ops probe_ops = {
    .name = "probe",
    .id = VIRTIO_ID_ENTROPY,
    .queue_count = 1,
    .queue_size = VIRTQ_SIZE_MAX,
    .notify = probe_notify,
    .destroy = probe_destroy,
};

static int setup(void **state)
{
    static struct rig rig;
    struct virtio_bindings b;
    struct probe *probe;

    rig_init(&rig);
    b = rig_bindings(&rig);
    probe = hull_alloc(b.env, sizeof(*probe));
    assert_non_null(probe);
    rig_add(&rig, virtio_mmio_create(&probe->vdev, &probe_ops, &b, 0));
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    rig_fini(*state);
    return 0;
}

static struct virtq *queue(struct rig *rig)
{
    return &virtio_of(rig->dev)->queues[0];
}

static int pop(struct rig *rig, struct virtq_chain *chain)
{
    int result;

    hull_device_lock(rig->dev);
    result = virtq_pop(queue(rig), chain);
    hull_device_unlock(rig->dev);
    return result;
}

static void push(struct rig *rig, uint16_t head, uint32_t len)
{
    hull_device_lock(rig->dev);
    virtq_push(queue(rig), head, len);
    virtq_interrupt(queue(rig));
    hull_device_unlock(rig->dev);
}

static void assert_broken(struct rig *rig, const char *why)
{
    struct virtq_chain chain;

    assert_int_equal(pop(rig, &chain), -HULL_EFORMAT);
    assert_true(rig_needs_reset(rig));
    if (!strstr(rig->fake.last_log, why))
        fail_msg("expected \"%s\" in \"%s\"", why, rig->fake.last_log);
    assert_int_equal(pop(rig, &chain), 0); // and stays quiet
}

static void put_desc(struct rig *rig, gpa_t table, unsigned at, gpa_t addr, uint32_t len,
                     uint16_t flags, uint16_t next)
{
    uint8_t *d = (uint8_t *)rig_ptr(rig, table) + 16 * at;

    hull_store_le64(d, addr);
    hull_store_le32(d + 8, len);
    hull_store_le16(d + 12, flags);
    hull_store_le16(d + 14, next);
}

static void chains_come_out_as_they_were_put_in(void **state)
{
    struct rig *rig = *state;
    struct virtq_chain chain;
    const struct rig_segment segments[] = {
        {RIG_BUFFERS, 16, false}, {RIG_BUFFERS + 0x100, 3, false}, {RIG_BUFFERS + 0x200, 5, true}};
    uint32_t head, len;

    rig_start(rig, FEATURES, 1, SIZE);
    assert_int_equal(pop(rig, &chain), 0);
    for (unsigned round = 0; round < 3 * SIZE; round++) { // more than once around
        uint16_t h = rig_chain(rig, 0, segments, 3);

        assert_int_equal(pop(rig, &chain), 1);
        assert_int_equal(chain.head, h);
        assert_int_equal(chain.readable_count, 2);
        assert_int_equal(chain.readable_len, 19);
        assert_int_equal(chain.writable_count, 1);
        assert_int_equal(chain.writable_len, 5);
        for (unsigned i = 0; i < 3; i++) {
            assert_ptr_equal(chain.iov[i].base, rig_ptr(rig, segments[i].gpa));
            assert_int_equal(chain.iov[i].len, segments[i].len);
            assert_int_equal(chain.gpa[i], segments[i].gpa);
        }
        push(rig, chain.head, 5);
        assert_true(rig_used(rig, 0, &head, &len));
        assert_int_equal(head, h);
        assert_int_equal(len, 5);
    }
    assert_int_equal(pop(rig, &chain), 0);
}

static void indices_wrap_at_65536(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 1, true};
    struct virtq_chain chain;
    uint32_t head, len;

    rig_start(rig, FEATURES | VIRTIO_F_EVENT_IDX, 1, SIZE);
    for (unsigned i = 0; i < 65536 + 10; i++) {
        rig_set_used_event(rig, 0, (uint16_t)i);
        rig_chain(rig, 0, &segment, 1);
        assert_int_equal(pop(rig, &chain), 1);
        push(rig, chain.head, 1);
        assert_true(rig_used(rig, 0, &head, &len));
        assert_true(rig->irq);
        rig_ack(rig);
    }
}

static void indirect_tables_are_followed(void **state)
{
    struct rig *rig = *state;
    struct virtq_chain chain;
    const gpa_t table = RIG_BUFFERS + 0x1000;

    rig_start(rig, FEATURES, 1, SIZE);
    put_desc(rig, table, 0, RIG_BUFFERS, 4, DESC_NEXT, 2);
    put_desc(rig, table, 2, RIG_BUFFERS + 8, 4, DESC_NEXT | DESC_WRITE, 1);
    put_desc(rig, table, 1, RIG_BUFFERS + 16, 4, DESC_WRITE, 0);
    // A direct descriptor may come first; WRITE on the indirect one means nothing.
    rig_desc(rig, 0, 0, RIG_BUFFERS + 32, 2, DESC_NEXT, 5);
    rig_desc(rig, 0, 5, table, 3 * 16, DESC_INDIRECT | DESC_WRITE, 0);
    rig_make_available(rig, 0, 0);
    assert_int_equal(pop(rig, &chain), 1);
    assert_int_equal(chain.readable_count, 2);
    assert_int_equal(chain.readable_len, 6);
    assert_int_equal(chain.writable_count, 2);
    assert_int_equal(chain.gpa[2], RIG_BUFFERS + 8);
    assert_int_equal(chain.gpa[3], RIG_BUFFERS + 16);
}

static void empty_descriptors_are_left_out(void **state)
{
    struct rig *rig = *state;
    struct virtq_chain chain;

    rig_start(rig, FEATURES, 1, SIZE);
    rig_desc(rig, 0, 0, 0, 0, DESC_NEXT, 1);
    rig_desc(rig, 0, 1, RIG_BUFFERS, 1, DESC_WRITE, 0);
    rig_make_available(rig, 0, 0);
    assert_int_equal(pop(rig, &chain), 1);
    assert_int_equal(chain.readable_count, 0);
    assert_int_equal(chain.writable_count, 1);
}

static void a_long_indirect_chain_fits_exactly(void **state)
{
    struct rig *rig = *state;
    struct virtq_chain chain;
    const gpa_t table = RIG_BUFFERS + 0x10000;

    for (unsigned n = VIRTQ_CHAIN_MAX; n <= VIRTQ_CHAIN_MAX + 1; n++) {
        rig_start(rig, FEATURES, 1, SIZE);
        for (unsigned i = 0; i < n; i++)
            put_desc(rig, table, i, RIG_BUFFERS, 1, i + 1 < n ? DESC_NEXT : 0, (uint16_t)(i + 1));
        rig_desc(rig, 0, 0, table, n * 16, DESC_INDIRECT, 0);
        rig_make_available(rig, 0, 0);
        if (n == VIRTQ_CHAIN_MAX) {
            assert_int_equal(pop(rig, &chain), 1);
            assert_int_equal(chain.readable_count, VIRTQ_CHAIN_MAX);
        } else {
            assert_broken(rig, "too long");
        }
    }
}

struct malformed { // one descriptor at 0, one at 1, a table with one
    const char *why;
    struct {
        gpa_t addr;
        uint32_t len;
        uint16_t flags, next;
    } d[3];
    uint16_t head;
    uint64_t without; // a feature to leave out
};

#define TABLE (RIG_BUFFERS + 0x1000)
#define OK_BUF RIG_BUFFERS, 4

static const struct malformed malformed[] = {
    {"out of range", {{OK_BUF, 0, 0}}, SIZE, 0},
    {"out of range", {{OK_BUF, 0, 0}}, UINT16_MAX, 0},
    {"out of range", {{OK_BUF, DESC_NEXT, SIZE}}, 0, 0},
    {"loops", {{OK_BUF, DESC_NEXT, 0}}, 0, 0},
    {"loops", {{OK_BUF, DESC_NEXT, 1}, {OK_BUF, DESC_NEXT, 0}}, 0, 0},
    {"outside of memory", {{RIG_RAM_BASE - 1, 4, 0, 0}}, 0, 0},
    {"outside of memory", {{RIG_RAM_BASE + RIG_RAM_SIZE - 3, 4, 0, 0}}, 0, 0},
    {"outside of memory", {{RIG_BUFFERS, UINT32_MAX, 0, 0}}, 0, 0},
    {"outside of memory", {{UINT64_MAX - 1, 4, 0, 0}}, 0, 0},
    {"follows a device-writable", {{OK_BUF, DESC_NEXT | DESC_WRITE, 1}, {OK_BUF, 0, 0}}, 0, 0},
    {"not negotiated",
     {{TABLE, 16, DESC_INDIRECT, 0}, {0}, {OK_BUF, 0, 0}},
     0,
     VIRTIO_F_INDIRECT_DESC},
    {"inside of an indirect",
     {{TABLE, 16, DESC_INDIRECT, 0}, {0}, {TABLE, 16, DESC_INDIRECT, 0}},
     0,
     0},
    {"both indirect and chained",
     {{TABLE, 16, DESC_INDIRECT | DESC_NEXT, 1}, {OK_BUF, 0, 0}},
     0,
     0},
    {"broken length", {{TABLE, 0, DESC_INDIRECT, 0}}, 0, 0},
    {"broken length", {{TABLE, 24, DESC_INDIRECT, 0}}, 0, 0},
    {"table lies outside", {{RIG_RAM_BASE + RIG_RAM_SIZE, 16, DESC_INDIRECT, 0}}, 0, 0},
    {"table lies outside", {{RIG_BUFFERS, 0xfffffff0, DESC_INDIRECT, 0}}, 0, 0},
    {"out of range", {{TABLE, 16, DESC_INDIRECT, 0}, {0}, {OK_BUF, DESC_NEXT, 1}}, 0, 0},
    {"loops", {{TABLE, 16, DESC_INDIRECT, 0}, {0}, {OK_BUF, DESC_NEXT, 0}}, 0, 0},
};

static void malformed_chains_break_the_device(void **state)
{
    struct rig *rig = *state;

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(malformed); i++) {
        const struct malformed *m = &malformed[i];

        rig_start(rig, FEATURES & ~m->without, 1, SIZE);
        for (uint16_t k = 0; k < 2; k++)
            rig_desc(rig, 0, k, m->d[k].addr, m->d[k].len, m->d[k].flags, m->d[k].next);
        put_desc(rig, TABLE, 0, m->d[2].addr, m->d[2].len, m->d[2].flags, m->d[2].next);
        rig_make_available(rig, 0, m->head);
        assert_broken(rig, m->why);
        rig->fake.now_ns += 10 * HULL_NSEC_PER_SEC; // past the limit on log lines
    }
}

static void a_chain_of_more_than_4_gib_breaks_the_device(void **state)
{
    struct rig *rig = *state;
    const gpa_t table = RIG_BUFFERS + 0x10000;
    const unsigned n = 256;

    rig_start(rig, FEATURES, 1, SIZE);
    // The region claims to be larger than it is; nothing is touched.
    rig->memory.regions[0].size = 1ull << 33;
    for (unsigned i = 0; i < n; i++)
        put_desc(rig, table, i, RIG_RAM_BASE, 0x2000000, i + 1 < n ? DESC_NEXT : 0,
                 (uint16_t)(i + 1));
    rig_desc(rig, 0, 0, table, n * 16, DESC_INDIRECT, 0);
    rig_make_available(rig, 0, 0);
    assert_broken(rig, "2^32");
    rig->memory.regions[0].size = RIG_RAM_SIZE;
}

static void a_jumping_available_index_breaks_the_device(void **state)
{
    struct rig *rig = *state;
    struct virtq_chain chain;
    uint8_t *ring;

    rig_start(rig, FEATURES, 1, SIZE);
    ring = rig_ptr(rig, rig->q[0].driver);
    rig_desc(rig, 0, 0, RIG_BUFFERS, 4, 0, 0);
    hull_store_le16(ring + 2, SIZE);
    for (unsigned i = 0; i < SIZE; i++)
        assert_int_equal(pop(rig, &chain), 1); // as many as there are entries is fine
    hull_store_le16(ring + 2, 2 * SIZE + 1);
    assert_broken(rig, "jumped");
}

static void descriptors_are_read_once(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 4, true};
    struct virtq_chain chain;

    rig_start(rig, FEATURES, 1, SIZE);
    rig_chain(rig, 0, &segment, 1);
    assert_int_equal(pop(rig, &chain), 1);
    rig_desc(rig, 0, 0, 0, UINT32_MAX, DESC_WRITE, 0); // the guest thinks again
    assert_int_equal(chain.writable_len, 4);
    assert_ptr_equal(chain.writable[0].base, rig_ptr(rig, RIG_BUFFERS));
}

static void unpopped_chains_come_again(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 4, true};
    struct virtq_chain chain;
    uint16_t heads[2];

    rig_start(rig, FEATURES, 1, SIZE);
    for (unsigned i = 0; i < 2; i++)
        heads[i] = rig_chain(rig, 0, &segment, 1);
    assert_int_equal(pop(rig, &chain), 1);
    assert_int_equal(pop(rig, &chain), 1);
    virtq_unpop(queue(rig), 2);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pop(rig, &chain), 1);
        assert_int_equal(chain.head, heads[i]);
    }
}

static void interrupts_can_be_suppressed_by_flag(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 4, true};
    struct virtq_chain chain;

    rig_start(rig, FEATURES, 1, SIZE);
    for (unsigned suppressed = 0; suppressed < 2; suppressed++) {
        rig_set_avail_flags(rig, 0, suppressed);
        rig_chain(rig, 0, &segment, 1);
        assert_int_equal(pop(rig, &chain), 1);
        push(rig, chain.head, 4);
        assert_int_equal(rig->irq, !suppressed);
        rig_ack(rig);
    }
}

static void interrupts_come_at_the_used_event(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 4, true};
    struct virtq_chain chain;

    rig_start(rig, FEATURES | VIRTIO_F_EVENT_IDX, 1, SIZE);
    rig_set_avail_flags(rig, 0, 1); // to be ignored
    rig_set_used_event(rig, 0, 2);
    for (unsigned i = 0; i < 5; i++) {
        rig_chain(rig, 0, &segment, 1);
        assert_int_equal(pop(rig, &chain), 1);
        push(rig, chain.head, 4);
        assert_int_equal(rig->irq, i == 2); // when entry 2 was used, not before, not again
        rig_ack(rig);
    }
}

static void an_event_inside_a_batch_interrupts_once(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 4, true};
    struct virtq_chain chain;

    rig_start(rig, FEATURES | VIRTIO_F_EVENT_IDX, 1, SIZE);
    rig_set_used_event(rig, 0, 1);
    hull_device_lock(rig->dev);
    for (unsigned i = 0; i < 4; i++) {
        rig_chain(rig, 0, &segment, 1);
        assert_int_equal(virtq_pop(queue(rig), &chain), 1);
        virtq_push(queue(rig), chain.head, 4);
    }
    virtq_interrupt(queue(rig));
    assert_int_equal(rig->irq_rises, 1);
    virtq_interrupt(queue(rig)); // nothing new
    hull_device_unlock(rig->dev);
    assert_int_equal(rig->irq_rises, 1);
}

static void kicks_are_asked_for_when_the_queue_is_empty(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 4, true};
    struct virtq_chain chain;

    rig_start(rig, FEATURES, 1, SIZE);
    rig_chain(rig, 0, &segment, 1);
    rig_chain(rig, 0, &segment, 1);
    assert_int_equal(pop(rig, &chain), 1);
    assert_int_equal(rig_used_flags(rig, 0), 1); // at work: no need to notify
    assert_int_equal(pop(rig, &chain), 1);
    assert_int_equal(pop(rig, &chain), 0);
    assert_int_equal(rig_used_flags(rig, 0), 0);

    rig_start(rig, FEATURES | VIRTIO_F_EVENT_IDX, 1, SIZE);
    rig_chain(rig, 0, &segment, 1);
    rig_chain(rig, 0, &segment, 1);
    assert_int_equal(pop(rig, &chain), 1);
    assert_int_equal(rig_avail_event(rig, 0), 0); // behind: the driver stays silent
    assert_int_equal(pop(rig, &chain), 1);
    assert_int_equal(pop(rig, &chain), 0);
    assert_int_equal(rig_avail_event(rig, 0), 2);
    assert_int_equal(rig_used_flags(rig, 0), 0);
}

static void fill_meanwhile(void *ctx, gpa_t gpa)
{
    const struct rig_segment segment = {RIG_BUFFERS, 4, true};

    (void)gpa;
    rig_chain(ctx, 0, &segment, 1);
}

// The driver adds a buffer after the device found none and before it asks to be notified.
static void nothing_is_lost_between_looking_and_asking(void **state)
{
    struct rig *rig = *state;
    struct virtq_chain chain;

    rig_start(rig, FEATURES | VIRTIO_F_EVENT_IDX, 1, SIZE);
    rig->memory.watch = (struct mem_watch){rig->q[0].device + 4 + 8 * SIZE, 2, fill_meanwhile, rig};
    assert_int_equal(pop(rig, &chain), 1);
    assert_int_equal(chain.writable_len, 4);
}

static unsigned written_calls;

static void count_written(void *ctx, gpa_t gpa)
{
    (void)ctx;
    (void)gpa;
    written_calls++;
}

static void writes_into_memory_are_told(void **state)
{
    struct rig *rig = *state;
    struct rig_segment segment = {RIG_BUFFERS, 4, true};
    struct virtq_chain chain;

    rig_start(rig, FEATURES, 1, SIZE);
    rig_chain(rig, 0, &segment, 1);
    assert_int_equal(pop(rig, &chain), 1);
    written_calls = 0;
    rig->memory.watch = (struct mem_watch){rig->q[0].device + 2, 2, count_written, NULL};
    push(rig, chain.head, 4);
    assert_int_equal(written_calls, 1);
    rig->memory.watch = (struct mem_watch){rig->q[0].device + 12, 8, count_written, NULL};
    rig_chain(rig, 0, &segment, 1);
    assert_int_equal(pop(rig, &chain), 1);
    push(rig, chain.head, 4);
    assert_int_equal(written_calls, 2);
    rig->memory.watch = (struct mem_watch){RIG_BUFFERS + 3, 1, count_written, NULL};
    assert_int_equal(virtq_chain_write(queue(rig), &chain, 0, "abc", 3), 3);
    assert_int_equal(written_calls, 2);
    assert_int_equal(virtq_chain_write(queue(rig), &chain, 3, "d", 1), 1);
    assert_int_equal(written_calls, 3);
    virtq_chain_written(queue(rig), &chain, 3);
    assert_int_equal(written_calls, 3);
    virtq_chain_written(queue(rig), &chain, 4);
    assert_int_equal(written_calls, 4);
}

// Every offset and length, against the same bytes in one piece.
static void any_part_of_a_chain_can_be_copied(void **state)
{
    struct rig *rig = *state;
    static const unsigned lens[] = {3, 1, 4};
    struct rig_segment segments[6];
    struct virtq_chain chain;
    char flat[] = "abcdefgh", buf[16], back[9];

    rig_start(rig, FEATURES, 1, SIZE);
    for (unsigned i = 0, at = 0; i < 3; at += lens[i++]) {
        segments[i] = (struct rig_segment){RIG_BUFFERS + 64 * i, lens[i], false};
        segments[i + 3] = (struct rig_segment){RIG_BUFFERS + 64 * (i + 3), lens[i], true};
        memcpy(rig_ptr(rig, segments[i].gpa), flat + at, lens[i]);
    }
    rig_chain(rig, 0, segments, 6);
    assert_int_equal(pop(rig, &chain), 1);
    for (unsigned offset = 0; offset <= 9; offset++) {
        for (unsigned len = 0; len <= 9; len++) {
            unsigned n = offset > 8 ? 0 : len < 8 - offset ? len : 8 - offset;

            memset(buf, '-', sizeof(buf));
            assert_int_equal(virtq_chain_read(&chain, offset, buf, len), n);
            assert_memory_equal(buf, flat + (offset > 8 ? 0 : offset), n);
            assert_int_equal(buf[n], '-');
            for (unsigned i = 3; i < 6; i++)
                memset(rig_ptr(rig, segments[i].gpa), '.', 32);
            assert_int_equal(virtq_chain_write(queue(rig), &chain, offset, flat, len), n);
            for (unsigned i = 3, at = 0; i < 6; at += lens[i++ - 3])
                memcpy(back + at, rig_ptr(rig, segments[i].gpa), lens[i - 3]);
            for (unsigned i = 0; i < 8; i++)
                assert_int_equal(back[i], i >= offset && i < offset + n ? flat[i - offset] : '.');
            for (unsigned i = 3; i < 6; i++)
                assert_memory_equal((char *)rig_ptr(rig, segments[i].gpa) + lens[i - 3], "....", 4);
        }
    }
    written_calls = 0;
    rig->memory.watch = (struct mem_watch){segments[5].gpa + 2, 2, count_written, NULL};
    virtq_chain_written(queue(rig), &chain, 6);
    assert_int_equal(written_calls, 0);
    virtq_chain_written(queue(rig), &chain, 7);
    assert_int_equal(written_calls, 1);
}

static void bytes_cross_segments(void **state)
{
    struct rig *rig = *state;
    const struct rig_segment segments[] = {{RIG_BUFFERS, 3, false},
                                           {RIG_BUFFERS + 16, 3, false},
                                           {RIG_BUFFERS + 32, 2, true},
                                           {RIG_BUFFERS + 48, 3, true}};
    struct virtq_chain chain;
    char text[8] = {0};

    rig_start(rig, FEATURES, 1, SIZE);
    rig_chain(rig, 0, segments, 4);
    memcpy(rig_ptr(rig, RIG_BUFFERS), "abc", 3);
    memcpy(rig_ptr(rig, RIG_BUFFERS + 16), "def", 3);
    assert_int_equal(pop(rig, &chain), 1);
    assert_int_equal(virtq_chain_read(&chain, 2, text, 8), 4);
    assert_string_equal(text, "cdef");
    assert_int_equal(virtq_chain_read(&chain, 6, text, 8), 0);
    assert_int_equal(virtq_chain_write(queue(rig), &chain, 1, "1234567", 7), 4);
    assert_memory_equal(rig_ptr(rig, RIG_BUFFERS + 32), "\0001", 2);
    assert_memory_equal(rig_ptr(rig, RIG_BUFFERS + 48), "234\0", 4);
    virtq_chain_skip(&chain, 4);
    assert_int_equal(chain.readable_len, 2);
    assert_int_equal(chain.readable_count, 1);
    assert_int_equal(virtq_chain_gpa(&chain, chain.readable), RIG_BUFFERS + 17);
    assert_int_equal(virtq_chain_read(&chain, 0, text, 8), 2);
    assert_memory_equal(text, "ef", 2);
    virtq_chain_cut(&chain, 3);
    assert_int_equal(chain.writable_count, 1);
    virtq_chain_cut(&chain, 1);
    assert_int_equal(chain.writable_len, 1);
    assert_int_equal(chain.writable[0].len, 1);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(chains_come_out_as_they_were_put_in),
        TEST(indices_wrap_at_65536),
        TEST(indirect_tables_are_followed),
        TEST(empty_descriptors_are_left_out),
        TEST(a_long_indirect_chain_fits_exactly),
        TEST(malformed_chains_break_the_device),
        TEST(a_chain_of_more_than_4_gib_breaks_the_device),
        TEST(a_jumping_available_index_breaks_the_device),
        TEST(descriptors_are_read_once),
        TEST(unpopped_chains_come_again),
        TEST(interrupts_can_be_suppressed_by_flag),
        TEST(interrupts_come_at_the_used_event),
        TEST(an_event_inside_a_batch_interrupts_once),
        TEST(kicks_are_asked_for_when_the_queue_is_empty),
        TEST(nothing_is_lost_between_looking_and_asking),
        TEST(writes_into_memory_are_told),
        TEST(any_part_of_a_chain_can_be_copied),
        TEST(bytes_cross_segments),
    };
    return cmocka_run_group_tests_name("core/dev/virtio/virtq", tests, NULL, NULL);
}
