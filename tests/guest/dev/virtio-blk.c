// SPDX-License-Identifier: Apache-2.0
// virtio-blk: reads, writes, flush, identity, discard, write-zeroes, many requests at once, errors;
// indirect descriptors, event index, interrupts.
// run: disk=4M disk-options=,id=guest-test qemu-arg=-device qemu-arg=virtio-rng-device,bus=virtio-mmio-bus.1
#include "csr.h"
#include "virtio.h"

#define T_IN 0
#define T_OUT 1
#define T_FLUSH 4
#define T_GET_ID 8
#define T_DISCARD 11
#define T_WRITE_ZEROES 13
#define S_OK 0
#define S_IOERR 1
#define S_UNSUPP 2
#define F_FLUSH (1ul << 9)
#define F_DISCARD (1ul << 13)
#define F_WRITE_ZEROES (1ul << 14)
#define SECTORS (4ul << 20 >> 9)

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

static uintptr_t base;
static struct vqueue q;
static struct header headers[64];
static volatile uint8_t statuses[64];

static bool begin(uint64_t features)
{
    base = v_find(V_ID_BLOCK, 0);
    if (!base || !v_begin(base, features | F_FLUSH | F_DISCARD | F_WRITE_ZEROES) ||
        !v_queue(base, 0, 64, &q)) {
        CHECK(!"a disk that works");
        return false;
    }
    v_ready(base);
    return true;
}

// Three descriptors from 3 * slot on.
static void submit(unsigned slot, uint32_t type, uint64_t sector, void *data, uint32_t size)
{
    unsigned d = 3 * slot;

    headers[slot] = (struct header){type, 0, sector};
    statuses[slot] = 0xee;
    v_desc(&q, d, &headers[slot], sizeof(struct header), V_NEXT, size ? d + 1 : d + 2);
    v_desc(&q, d + 1, data, size, V_NEXT | (type == T_IN || type == T_GET_ID ? V_WRITE : 0), d + 2);
    v_desc(&q, d + 2, &statuses[slot], 1, V_WRITE, 0);
    v_push(&q, (uint16_t)d);
}

static unsigned request(uint32_t type, uint64_t sector, void *data, uint32_t size)
{
    struct vused used;

    submit(0, type, sector, data, size);
    v_notify(&q);
    if (!v_wait(&q, &used))
        return 0xff;
    EQ(used.id, 0);
    if (type == T_IN && statuses[0] == S_OK)
        EQ(used.len, size + 1);
    return statuses[0];
}

static void fill(uint8_t *p, unsigned size, unsigned seed)
{
    for (unsigned i = 0; i < size; i++)
        p[i] = (uint8_t)(i * 7 + seed + (i >> 8));
}

static void configuration(void)
{
    if (!begin(0))
        return;
    EQ(rd32(base + V_MAGIC), 0x74726976);
    EQ(rd32(base + V_VERSION), 2);
    EQ(rd32(base + V_CONFIG), SECTORS);
    EQ(rd32(base + V_CONFIG + 4), 0);
    EQ(rd8(base + V_CONFIG + 1), SECTORS >> 8);
    EQ(v_features(base) >> 32 & 1, 1);
    CHECK(v_features(base) & F_FLUSH);
}

static void read_back(void)
{
    uint8_t *a = rt_pages(2), *b = rt_pages(2);

    if (!begin(0))
        return;
    for (unsigned sector = 0; sector < SECTORS; sector += 1021) {
        fill(a, 8192, sector);
        EQ(request(T_OUT, sector, a, sector + 16 <= SECTORS ? 8192 : 512), S_OK);
    }
    EQ(request(T_FLUSH, 0, NULL, 0), S_OK);
    for (unsigned sector = 0; sector < SECTORS; sector += 1021) {
        uint32_t size = sector + 16 <= SECTORS ? 8192 : 512;

        fill(a, 8192, sector);
        memset(b, 0, 8192);
        EQ(request(T_IN, sector, b, size), S_OK);
        EQ(memcmp(a, b, size), 0);
    }
}

static void errors(void)
{
    uint8_t *a = rt_pages(2);

    if (!begin(0))
        return;
    EQ(request(T_IN, SECTORS, a, 512), S_IOERR);
    EQ(request(T_IN, SECTORS - 1, a, 1024), S_IOERR);
    EQ(request(T_IN, 1ul << 55, a, 512), S_IOERR);
    EQ(request(T_OUT, -1ul, a, 512), S_IOERR);
    CHECK(request(T_IN, 0, a, 511) != S_OK); // no whole sectors
    EQ(request(77, 0, a, 512), S_UNSUPP);
    EQ(v_status(base) & V_NEEDS_RESET, 0);
    EQ(request(T_IN, SECTORS - 1, a, 512), S_OK);
}

static void identity(void)
{
    char *id = rt_page();

    if (!begin(0))
        return;
    NOT_ON_QEMU("its serial number is another");
    EQ(request(T_GET_ID, 0, id, 20), S_OK);
    EQ(memcmp(id, "guest-test", 11), 0);
}

static void zeroes(void)
{
    static struct {
        uint64_t sector;
        uint32_t sectors, flags;
    } range;
    uint8_t *a = rt_page();

    if (!begin(0))
        return;
    if (!(v_features(base) & F_WRITE_ZEROES)) {
        CHECK(rt_on_qemu());
        return;
    }
    fill(a, PAGE, 1);
    EQ(request(T_OUT, 100, a, PAGE), S_OK);
    range.sector = 101;
    range.sectors = 2;
    EQ(request(T_WRITE_ZEROES, 0, &range, 16), S_OK);
    EQ(request(T_IN, 100, a, PAGE), S_OK);
    for (unsigned i = 0; i < PAGE; i++)
        EQ(a[i], i >= 512 && i < 1536 ? 0 : (uint8_t)(i * 7 + 1 + (i >> 8)));
    EQ(request(T_DISCARD, 0, &range, 16), S_OK);
    range.sectors = ~0u;
    EQ(request(T_WRITE_ZEROES, 0, &range, 16), S_IOERR);
    EQ(request(T_DISCARD, 0, &range, 16), S_IOERR);
    range.sector = SECTORS;
    range.sectors = 1;
    EQ(request(T_DISCARD, 0, &range, 16), S_IOERR);
    range.sector = 100;
    range.flags = 0x80;
    EQ(request(T_WRITE_ZEROES, 0, &range, 16), S_UNSUPP); // reserved flags
}

static void many_at_once(void)
{
    uint8_t *data = rt_pages(20);
    struct vused used;
    uint32_t seen = 0;

    if (!begin(V_F_EVENT_IDX))
        return;
    for (unsigned round = 0; round < 20; round++) {
        seen = 0;
        for (unsigned i = 0; i < 20; i++) {
            fill(data + i * PAGE, PAGE, round + i);
            submit(i, round & 1 ? T_IN : T_OUT, 8 * i, data + i * PAGE, PAGE);
        }
        v_notify(&q);
        for (unsigned i = 0; i < 20; i++) {
            if (!v_wait(&q, &used)) {
                CHECK(!"all were answered");
                return;
            }
            EQ(used.id % 3, 0);
            seen |= 1u << used.id / 3;
        }
        EQ(seen, (1u << 20) - 1);
        for (unsigned i = 0; i < 20; i++) {
            EQ(statuses[i], S_OK);
            EQ(data[i * PAGE + 5], (uint8_t)(35 + (round & ~1u) + i));
        }
    }
}

static void indirect(void)
{
    struct vdesc *table = rt_page();
    uint8_t *data = rt_page();
    struct vused used;

    if (!begin(V_F_INDIRECT))
        return;
    CHECK(v_features(base) & V_F_INDIRECT);
    fill(data, PAGE, 9);
    headers[0] = (struct header){T_OUT, 0, 64};
    statuses[0] = 0xee;
    // In pieces that are no sectors.
    table[0] = (struct vdesc){(uint64_t)&headers[0], 16, V_NEXT, 5};
    table[5] = (struct vdesc){(uint64_t)data, 100, V_NEXT, 2};
    table[2] = (struct vdesc){(uint64_t)data + 100, 900, V_NEXT, 3};
    table[3] = (struct vdesc){(uint64_t)data + 1000, 24, V_NEXT, 1};
    table[1] = (struct vdesc){(uint64_t)&statuses[0], 1, V_WRITE, 0};
    v_desc(&q, 7, table, 6 * 16, V_INDIRECT, 0);
    v_push(&q, 7);
    v_notify(&q);
    CHECK(v_wait(&q, &used));
    EQ(used.id, 7);
    EQ(statuses[0], S_OK);
    memset(data, 0, PAGE);
    EQ(request(T_IN, 64, data, 1024), S_OK);
    for (unsigned i = 0; i < 1024; i++)
        EQ(data[i], (uint8_t)(i * 7 + 9 + (i >> 8)));
}

// The header and the status need not have descriptors of their own (2.7.4.1): any layout goes.
static void any_layout(void)
{
    static struct {
        struct header header;
        uint8_t data[512];
    } __attribute__((packed)) out;
    static struct {
        uint8_t data[512], status;
    } in;
    struct vused used;

    if (!begin(0))
        return;
    NOT_ON_QEMU("it wants them apart");
    fill(out.data, 512, 3);
    out.header = (struct header){T_OUT, 0, 33};
    v_desc(&q, 0, &out, 16 + 512, V_NEXT, 1);
    statuses[0] = 0xee;
    v_desc(&q, 1, &statuses[0], 1, V_WRITE, 0);
    v_push(&q, 0);
    v_notify(&q);
    CHECK(v_wait(&q, &used));
    EQ(statuses[0], S_OK);
    headers[0] = (struct header){T_IN, 0, 33};
    in.status = 0xee;
    v_desc(&q, 0, &headers[0], 5, V_NEXT, 1); // the header in two pieces
    v_desc(&q, 1, (uint8_t *)&headers[0] + 5, 11, V_NEXT, 2);
    v_desc(&q, 2, &in, 513, V_WRITE, 0);
    v_push(&q, 0);
    v_notify(&q);
    CHECK(v_wait(&q, &used));
    EQ(in.status, S_OK);
    EQ(memcmp(in.data, out.data, 512), 0);
}

// Interrupts by the PLIC, suppressed by the flag and by the event index.
static void interrupts(void)
{
    uint8_t *data = rt_page();
    uint64_t end;

    if (!begin(V_F_EVENT_IDX))
        return;
    wr32(PLIC + 4 * v_irq(base), 1);
    wr32(PLIC + 0x2000, 1u << v_irq(base));
    wr32(PLIC + 0x200000, 0);
    *v_used_event(&q) = q.used[1]; // after the next one
    EQ(request(T_IN, 0, data, 512), S_OK);
    end = rt_time() + 1000 * RT_MS;
    while (!(csr_read(mip) & BIT(IRQ_MEI)) && rt_time() < end)
        ;
    EQ(csr_read(mip) & BIT(IRQ_MEI), BIT(IRQ_MEI));
    EQ(rd32(PLIC + 0x200004), v_irq(base));
    EQ(rd32(base + V_INTERRUPT_STATUS), 1);
    wr32(base + V_INTERRUPT_ACK, 1);
    EQ(rd32(base + V_INTERRUPT_STATUS), 0);
    wr32(PLIC + 0x200004, v_irq(base));
    EQ(csr_read(mip) & BIT(IRQ_MEI), 0);
    *v_used_event(&q) = (uint16_t)(q.used[1] + 2); // not after the next one
    EQ(request(T_IN, 0, data, 512), S_OK);
    rt_wait(20 * RT_MS);
    EQ(rd32(base + V_INTERRUPT_STATUS), 0);
    EQ(request(T_IN, 0, data, 512), S_OK);
    EQ(request(T_IN, 0, data, 512), S_OK);
    rt_wait(20 * RT_MS);
    EQ(rd32(base + V_INTERRUPT_STATUS), 1);
    wr32(base + V_INTERRUPT_ACK, 1);
    if (!begin(0))
        return;
    q.avail[0] = 1; // VIRTQ_AVAIL_F_NO_INTERRUPT
    EQ(request(T_IN, 0, data, 512), S_OK);
    rt_wait(20 * RT_MS);
    EQ(rd32(base + V_INTERRUPT_STATUS), 0);
    q.avail[0] = 0;
    EQ(request(T_IN, 0, data, 512), S_OK);
    rt_wait(20 * RT_MS);
    EQ(rd32(base + V_INTERRUPT_STATUS), 1);
    wr32(base + V_STATUS, 0); // a reset takes it back
    EQ(rd32(base + V_INTERRUPT_STATUS), 0);
    wr32(PLIC + 0x2000, 0);
}

// A reset with requests in flight: afterwards nothing of theirs is written.
static void reset_in_flight(void)
{
    uint8_t *data = rt_pages(20);

    for (unsigned round = 0; round < 30; round++) {
        if (!begin(0))
            return;
        for (unsigned i = 0; i < 20; i++)
            submit(i, T_IN, 8 * i, data + i * PAGE, PAGE);
        v_notify(&q);
        wr32(base + V_STATUS, 0);
        EQ(v_status(base), 0);
        EQ(rd32(base + V_QUEUE_READY), 0);
        memset(data, 0x5a, 20 * PAGE);
        for (unsigned i = 0; i < 20; i++)
            statuses[i] = 0xdd;
        rt_wait(RT_MS);
        for (unsigned i = 0; i < 20; i++) {
            EQ(statuses[i], 0xdd);
            EQ(data[i * PAGE], 0x5a);
        }
    }
    if (begin(0))
        EQ(request(T_IN, 0, data, 512), S_OK);
}

const struct rt_case rt_cases[] = {
    {"configuration", configuration},
    {"read-back", read_back},
    {"errors", errors},
    {"identity", identity},
    {"zeroes-and-discard", zeroes},
    {"many-at-once", many_at_once},
    {"indirect", indirect},
    {"any-layout", any_layout},
    {"interrupts", interrupts},
    {"reset-in-flight", reset_in_flight},
    {0},
};
