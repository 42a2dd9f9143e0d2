// SPDX-License-Identifier: Apache-2.0
// Virtio devices that get anything for registers, rings and descriptors. What devices write goes to the
// arena or nowhere.
#include "hostile.h"

#include "virtio.h"

#define ROUNDS 100
#define TABLES_SIZE 0x10000ul // descriptors and rings of a device
#define DATA_SIZE 0x80000ul   // what its descriptors point to, mostly

// The balloon takes away the pages whose numbers it reads. It must not read any by chance that are this
// program's: it gets no wild addresses, and the other devices' random bytes go elsewhere.
struct part {
    uint64_t tables, data;
    bool tame;
};

static uint32_t harmless(uint32_t word)
{
    return word >= 0x80000 && word < 0x90000 ? word | 0x80000000 : word;
}

static void put64(uint64_t at, uint64_t value)
{
    wr32(at, harmless((uint32_t)value));
    wr32(at + 4, harmless((uint32_t)(value >> 32)));
}

static uint32_t any_length(const struct part *part)
{
    static const uint32_t lengths[] = {0, 1, 16, 512, 4096, 0x10000, 0x7fffffff, 0xffffffff};

    if (part->tame)
        return lengths[rnd_below(5)];
    return rnd() & 1 ? lengths[rnd_below(8)] : harmless((uint32_t)rnd());
}

static void fill_descriptors(const struct part *part)
{
    for (uint64_t at = part->tables; at < part->tables + TABLES_SIZE; at += 16) {
        uint64_t address =
            part->tame || rnd() & 3 ? part->data + (rnd_below(DATA_SIZE) & -4ul) : wild();

        put64(at, address);
        wr32(at + 8, any_length(part));
        wr32(at + 12,
             harmless((uint32_t)((rnd() & 7) | (rnd() & (rnd() & 1 ? 15 : 0xffff)) << 16)));
    }
}

// A header as the disk has them; for the balloon, bytes that are no page of ours from wherever they are
// read.
static void put_header(const struct part *part, uint64_t at)
{
    bool proper = !part->tame && rnd() & 3;

    put64(at, proper ? rnd_below(16) : rnd() | 0x8080808080808080);
    put64(at + 8, proper ? rnd_below(4096) : rnd() | 0x8080808080808080);
}

static void fill_data(const struct part *part)
{
    for (unsigned i = 0; i < 512; i++)
        put_header(part, (part->data + rnd_below(DATA_SIZE - 64)) & -16ul);
}

static uint64_t any_table(const struct part *part)
{
    return rnd_below(8) ? (part->tables + rnd_below(TABLES_SIZE)) & -16ul : wild_outside();
}

static void set_address(uintptr_t at, uint64_t address)
{
    wr32(at, (uint32_t)address);
    wr32(at + 4, (uint32_t)(address >> 32));
}

static void set_queue(const struct part *part, uintptr_t base, unsigned queue)
{
    static const uint16_t sizes[] = {1, 2, 16, 64, 256, 1024, 3, 0};

    wr32(base + V_QUEUE_SEL, queue);
    wr32(base + V_QUEUE_NUM, rnd_below(8) ? sizes[rnd_below(8)] : (uint32_t)rnd());
    for (unsigned i = 0; i < 3; i++)
        set_address(base + V_QUEUE_DESC + 0x10 * i, any_table(part));
    wr32(base + V_QUEUE_READY, 1);
}

// A queue that is in order, with requests that are nearly so: these get further into the device.
struct good_queue {
    struct vdesc desc[64];
    uint8_t pad[0x1000 - 64 * 16];
    uint16_t avail[0x800], used[0x800];
};

static volatile struct good_queue *good_queue(const struct part *part, unsigned queue)
{
    return (volatile struct good_queue *)(part->tables + queue * 0x4000);
}

static void fill_good_queue(const struct part *part, unsigned queue)
{
    static const uint32_t lengths[] = {16, 16, 512, 512, 4096, 1, 12, 64};
    volatile struct good_queue *q = good_queue(part, queue);

    for (unsigned i = 0; i < 64; i++) {
        q->desc[i].addr = part->data + (rnd_below(DATA_SIZE - 0x10000) & -16ul);
        q->desc[i].len = rnd_below(16) ? lengths[rnd_below(8)] : any_length(part);
        q->desc[i].flags = (uint16_t)(rnd_below(16) ? rnd() & 3 : rnd() & 7);
        q->desc[i].next = (uint16_t)(rnd_below(16) ? (i + 1) % 64 : rnd_below(70));
        q->avail[2 + i] = (uint16_t)(rnd_below(16) ? rnd_below(64) : rnd());
        put_header(part, q->desc[i].addr);
    }
    q->avail[0] = q->used[0] = q->used[1] = 0;
    q->avail[1] = (uint16_t)rnd_below(16);
}

static void set_good_queue(const struct part *part, uintptr_t base, unsigned queue)
{
    volatile struct good_queue *q = good_queue(part, queue);

    fill_good_queue(part, queue);
    wr32(base + V_QUEUE_SEL, queue);
    wr32(base + V_QUEUE_NUM, 64);
    set_address(base + V_QUEUE_DESC, (uint64_t)q->desc);
    set_address(base + V_QUEUE_DRIVER, (uint64_t)q->avail);
    set_address(base + V_QUEUE_DEVICE, (uint64_t)q->used);
    wr32(base + V_QUEUE_READY, 1);
}

// Any register of any size, but not one that would tell the device a table in this program.
static void poke(uintptr_t base)
{
    uint64_t offset = rnd_below(0x200);

    if (offset + 8 > V_QUEUE_DESC && offset < V_QUEUE_DEVICE + 8)
        return;
    hostile_count(rt_try_store(base + offset, 1u << rnd_below(4), rnd()));
    hostile_count(rt_try_load(base + rnd_below(0x1000), 1u << rnd_below(4), NULL));
}

// Good queues first, each of which is left alone with the device for a moment.
static void drive_good(const struct part *part, uintptr_t base)
{
    for (unsigned queue = 0; queue < 4; queue++)
        set_good_queue(part, base, queue);
    v_ready(base);
    for (unsigned queue = 0; queue < 4; queue++)
        wr32(base + V_QUEUE_NOTIFY, queue);
    rt_wait(RT_MS / 20);
    for (unsigned queue = 0; queue < 4; queue++)
        hostile_counts[rt_hart()].traps += good_queue(part, queue)->used[1];
}

static void drive(const struct part *part, uintptr_t base)
{
    wr32(base + V_STATUS, 0);
    if (!v_begin(base, rnd()))
        return;
    if (rnd() & 1) {
        drive_good(part, base);
    } else {
        for (unsigned queue = 0; queue < 4; queue++)
            set_queue(part, base, queue);
        v_ready(base);
    }
    for (unsigned i = 0; i < 64; i++) {
        // The rings move on under the device, a little or a lot.
        uint64_t at = (part->tables + rnd_below(TABLES_SIZE - 4)) & -2ul;

        if (!part->tame)
            *(volatile uint16_t *)at = (uint16_t)(rnd() & (rnd() & 1 ? 15 : 0xffff));
        wr32(base + V_QUEUE_NOTIFY, rnd_below(16) ? (uint32_t)rnd_below(4) : (uint32_t)rnd());
        if (rnd_below(4) == 0)
            poke(base);
        wr32(base + V_INTERRUPT_ACK, (uint32_t)rnd());
    }
    hostile_counts[rt_hart()].tries += 64;
    if (rnd() & 1)
        rt_wait(RT_MS / 20); // for requests that take their time
    wr32(base + V_STATUS, 0);
}

void hostile_rings(unsigned round)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned slot = (i + round) % 8;
        const struct part part = {
            .tables = ARENA + slot * TABLES_SIZE,
            .data = ARENA + 8 * TABLES_SIZE + slot * DATA_SIZE,
            .tame = rd32(VIRTIO(slot) + V_DEVICE_ID) == V_ID_BALLOON,
        };

        if (i < 8 || i % 32 < 8) {
            fill_descriptors(&part);
            fill_data(&part);
        }
        drive(&part, VIRTIO(slot));
    }
    for (unsigned slot = 0; slot < 8; slot++)
        wr32(VIRTIO(slot) + V_STATUS, 0);
    hostile_repair();
}
