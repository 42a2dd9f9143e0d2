// SPDX-License-Identifier: Apache-2.0
// Drivers that do what no driver may. The device fails the request or says that it needs a reset; the VM
// goes on, and after a reset the device works.
// run: disk=1M qemu=no
#include "virtio.h"

static uintptr_t base;
static struct vqueue q;
static uint8_t *buffer;
static volatile uint8_t status_byte;
static struct {
    uint32_t type, reserved;
    uint64_t sector;
} header;

static bool begin(uint64_t features)
{
    base = v_find(V_ID_BLOCK, 0);
    buffer = rt_page();
    if (!base || !v_begin(base, features) || !v_queue(base, 0, 16, &q)) {
        CHECK(!"a disk that works");
        return false;
    }
    v_ready(base);
    header.type = header.reserved = 0;
    header.sector = 0;
    status_byte = 0xee;
    return true;
}

// A good request must work, from a fresh start.
static void works_again(void)
{
    struct vused used;

    if (!begin(0))
        return;
    v_desc(&q, 0, &header, 16, V_NEXT, 1);
    v_desc(&q, 1, buffer, 512, V_NEXT | V_WRITE, 2);
    v_desc(&q, 2, &status_byte, 1, V_WRITE, 0);
    v_push(&q, 0);
    v_notify(&q);
    CHECK(v_wait(&q, &used));
    EQ(status_byte, 0);
    EQ(v_status(base) & V_NEEDS_RESET, 0);
}

// Waits for either end. True: it needs a reset.
static bool needs_reset(void)
{
    uint64_t end = rt_time() + 300 * RT_MS;

    v_notify(&q);
    while (rt_time() < end && !(v_status(base) & V_NEEDS_RESET) && q.used[1] == q.taken)
        ;
    return v_status(base) & V_NEEDS_RESET;
}

// What is so wrong that there is no way to answer.
static void push_and_break(uint16_t head, int line)
{
    v_push(&q, head);
    if (!needs_reset())
        rt_check_failed(__FILE__, line, "needs a reset", v_status(base), V_NEEDS_RESET);
    // Nothing happens any more until then.
    v_notify(&q);
    CHECK(v_status(base) & V_NEEDS_RESET);
    works_again();
}

static void loops(void)
{
    if (!begin(0))
        return;
    v_desc(&q, 0, &header, 16, V_NEXT, 0); // itself
    push_and_break(0, __LINE__);
    begin(0);
    for (unsigned i = 0; i < 16; i++)
        v_desc(&q, i, &header, 16, V_NEXT, (i + 1) % 16);
    push_and_break(3, __LINE__);
}

static void indices(void)
{
    if (!begin(0))
        return;
    push_and_break(16, __LINE__); // no such descriptor
    begin(0);
    push_and_break(0xffff, __LINE__);
    begin(0);
    v_desc(&q, 0, &header, 16, V_NEXT, 16);
    push_and_break(0, __LINE__);
    begin(0);
    q.avail[1] = 17; // more than there are
    rt_fence();
    CHECK(needs_reset());
    works_again();
}

static void addresses(void)
{
    static const uint64_t bad[] = {0, 0x40000000, 0x10000000, 0x7ffffff0, -16ul, 1ul << 63};

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!begin(0))
            return;
        v_desc(&q, 0, (void *)bad[i], 32, V_NEXT, 1);
        v_desc(&q, 1, &status_byte, 1, V_WRITE, 0);
        v_push(&q, 0);
        needs_reset(); // or an error; anything but a crash
        works_again();
        begin(0);
        v_desc(&q, 0, &header, 16, V_NEXT, 1);
        v_desc(&q, 1, (void *)bad[i], 512, V_NEXT | V_WRITE, 2);
        v_desc(&q, 2, &status_byte, 1, V_WRITE, 0);
        v_push(&q, 0);
        if (!needs_reset())
            CHECK(status_byte != 0);
        works_again();
        begin(0);
        v_desc(&q, 0, &header, 16, V_NEXT, 1);
        v_desc(&q, 1, (void *)bad[i], 1, V_WRITE, 0);
        v_push(&q, 0);
        needs_reset();
        works_again();
    }
}

static void lengths(void)
{
    static const uint32_t bad[] = {0, 1, 15, 0x7fffffff, 0x80000000, 0xffffffff};

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (!begin(0))
            return;
        v_desc(&q, 0, &header, bad[i], V_NEXT, 1);
        v_desc(&q, 1, &status_byte, 1, V_WRITE, 0);
        v_push(&q, 0);
        if (!needs_reset())
            CHECK(status_byte != 0);
        works_again();
        begin(0);
        v_desc(&q, 0, &header, 16, V_NEXT, 1);
        v_desc(&q, 1, buffer, bad[i], V_NEXT | V_WRITE, 2);
        v_desc(&q, 2, &status_byte, 1, V_WRITE, 0);
        v_push(&q, 0);
        if (!needs_reset() && bad[i])
            CHECK(status_byte != 0);
        works_again();
    }
}

// Wrong directions, and chains that lack something.
static void directions(void)
{
    if (!begin(0))
        return;
    v_desc(&q, 0, &header, 16, V_NEXT, 1); // no byte for the status
    v_desc(&q, 1, buffer, 512, 0, 0);
    v_push(&q, 0);
    needs_reset();
    works_again();
    begin(0);
    v_desc(&q, 0, buffer, 512, V_WRITE | V_NEXT, 1); // a readable part behind a writable one
    v_desc(&q, 1, &header, 16, 0, 0);
    push_and_break(0, __LINE__);
    begin(0);
    v_desc(&q, 0, &status_byte, 1, V_WRITE, 0); // no header
    v_push(&q, 0);
    needs_reset();
    works_again();
    begin(0);
    v_desc(&q, 0, &header, 16, V_NEXT, 1); // an indirect table without the feature
    v_desc(&q, 1, buffer, 32, V_INDIRECT, 0);
    v_push(&q, 0);
    needs_reset();
    works_again();
}

static void indirect_tables(void)
{
    struct vdesc *table;
    static const uint32_t sizes[] = {0, 1, 15, 17, 0xfffffff0};

    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (!begin(V_F_INDIRECT))
            return;
        table = rt_page();
        table[0] = (struct vdesc){(uint64_t)&header, 16, V_NEXT, 1};
        v_desc(&q, 0, table, sizes[i], V_INDIRECT, 0);
        push_and_break(0, __LINE__);
    }
    begin(V_F_INDIRECT);
    table = rt_page();
    table[0] = (struct vdesc){(uint64_t)table, 32, V_INDIRECT, 0}; // one in another
    v_desc(&q, 0, table, 32, V_INDIRECT, 0);
    push_and_break(0, __LINE__);
    begin(V_F_INDIRECT);
    table = rt_page();
    table[0] = (struct vdesc){(uint64_t)&header, 16, V_NEXT, 0}; // a loop
    v_desc(&q, 0, table, 32, V_INDIRECT, 0);
    push_and_break(0, __LINE__);
    begin(V_F_INDIRECT);
    v_desc(&q, 0, (void *)0x40000000, 32, V_INDIRECT, 0); // nowhere
    push_and_break(0, __LINE__);
}

// Rings where no memory is; sizes that are none; ready without anything.
static void rings(void)
{
    static const uint64_t bad[] = {0, 0x40000000, 0x83ffffff0 /* past the end */, -4096ul};
    static const uint32_t sizes[] = {0, 3, 15, 32768, 65536, ~0u};

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        for (unsigned which = 0; which < 3; which++) {
            if (!begin(0))
                return;
            wr32(base + V_QUEUE_READY, 0);
            wr32(base + V_QUEUE_DESC + 0x10 * which, (uint32_t)bad[i]);
            wr32(base + V_QUEUE_DESC + 0x10 * which + 4, (uint32_t)(bad[i] >> 32));
            wr32(base + V_QUEUE_READY, 1);
            v_push(&q, 0);
            v_notify(&q);
            rt_wait(RT_MS);
            works_again();
        }
    for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        if (!begin(0))
            return;
        wr32(base + V_QUEUE_READY, 0);
        wr32(base + V_QUEUE_NUM, sizes[i]);
        wr32(base + V_QUEUE_READY, 1);
        v_notify(&q);
        rt_wait(RT_MS);
        works_again();
    }
}

// Registers in the wrong order, notifications of queues that aren't there or not ready.
static void disorder(void)
{
    base = v_find(V_ID_BLOCK, 0);
    wr32(base + V_STATUS, 0);
    for (unsigned i = 0; i < 70000; i += 999)
        wr32(base + V_QUEUE_NOTIFY, i);
    wr32(base + V_QUEUE_SEL, 5);
    EQ(rd32(base + V_QUEUE_NUM_MAX), 0);
    wr32(base + V_QUEUE_READY, 1);
    EQ(rd32(base + V_QUEUE_READY), 0);
    wr32(base + V_QUEUE_SEL, ~0u);
    wr32(base + V_QUEUE_NUM, 16);
    wr32(base + V_QUEUE_READY, 1);
    wr32(base + V_QUEUE_SEL, 0);
    wr32(base + V_STATUS, V_DRIVER_OK); // without anything before
    wr32(base + V_QUEUE_NOTIFY, 0);
    works_again();
    // Features that were not offered are refused.
    wr32(base + V_STATUS, 0);
    wr32(base + V_STATUS, V_ACKNOWLEDGE | V_DRIVER);
    wr32(base + V_DRIVER_FEATURES_SEL, 0);
    wr32(base + V_DRIVER_FEATURES, ~0u);
    wr32(base + V_DRIVER_FEATURES_SEL, 1);
    wr32(base + V_DRIVER_FEATURES, 1);
    wr32(base + V_STATUS, V_ACKNOWLEDGE | V_DRIVER | V_FEATURES_OK);
    EQ(v_status(base) & V_FEATURES_OK, 0);
    // VIRTIO_F_VERSION_1 may be left out: teaching kernels do.
    wr32(base + V_STATUS, 0);
    wr32(base + V_STATUS, V_ACKNOWLEDGE | V_DRIVER);
    wr32(base + V_STATUS, V_ACKNOWLEDGE | V_DRIVER | V_FEATURES_OK);
    EQ(v_status(base) & V_FEATURES_OK, V_FEATURES_OK);
    works_again();
}

// Registers of any size at any place, in every device: nothing may happen to the VM.
static void registers(void)
{
    for (unsigned slot = 0; slot < 8; slot++) {
        uintptr_t at = VIRTIO(slot);

        EQ(rd32(at + V_MAGIC), 0x74726976);
        for (unsigned offset = 0; offset < 0x400; offset++) {
            rt_try_load(at + offset, 1, NULL);
            rt_try_load(at + offset, 2, NULL);
            rt_try_load(at + offset, 4, NULL);
            rt_try_load(at + offset, 8, NULL);
            rt_try_store(at + offset, 1, 0xa5);
            rt_try_store(at + offset, 2, 0xa5a5);
            rt_try_store(at + offset, 4, 0xa5a5a5a5);
            rt_try_store(at + offset, 8, 0xa5a5a5a5a5a5a5a5);
        }
        wr32(at + V_STATUS, 0);
    }
    works_again();
}

// The queue's memory rewritten under way: another hart isn't needed, the device runs by itself.
static void rewritten(void)
{
    if (!begin(0))
        return;
    for (unsigned round = 0; round < 300; round++) {
        for (unsigned i = 0; i < 16; i++)
            v_desc(&q, i, buffer, 512, V_NEXT, (i + 1) % 16);
        v_desc(&q, 0, &header, 16, V_NEXT, 1);
        v_desc(&q, 1, buffer, 512, V_NEXT | V_WRITE, 2);
        v_desc(&q, 2, &status_byte, 1, V_WRITE, 0);
        v_push(&q, 0);
        v_notify(&q);
        v_desc(&q, 1, (void *)(round * 0x12345678ul), 0xffffffff, V_NEXT, round % 20);
        q.avail[1] = (uint16_t)(round * 77);
        q.avail[2 + round % 16] = (uint16_t)(round * 3);
        v_notify(&q);
        if (v_status(base) & V_NEEDS_RESET && !begin(0))
            return;
    }
    works_again();
}

const struct rt_case rt_cases[] = {
    {"loops", loops},
    {"indices", indices},
    {"addresses", addresses},
    {"lengths", lengths},
    {"directions", directions},
    {"indirect-tables", indirect_tables},
    {"rings", rings},
    {"disorder", disorder},
    {"registers", registers},
    {"rewritten", rewritten},
    {0},
};
