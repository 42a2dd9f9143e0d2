// SPDX-License-Identifier: Apache-2.0
// A hostile virtio driver. Operations that a random stream would never hit upon (a whole negotiation, a
// well-formed chain) are offered ready-made, so that the fuzzer gets behind them.
#include "tests/fuzz/virtio_driver.h"

#include <string.h>

#include "core/dev/virtio/mmio.h"
#include "core/dev/virtio/virtio.h"
#include "lib/bytes.h"

#define RAM_BASE 0x80000000ull
#define RAM_SIZE 0x40000ull
#define DEVICE 0x10001000ull
#define QUEUE_BYTES 0x2000u // for each queue: table, available ring at 0x1000, used ring at 0x1400
#define BUFFERS 0x10000u    // offset in RAM behind the queues

static void set(struct virtio_driver *d, uint64_t reg, uint32_t value)
{
    FUZZ_CHECK(!hull_bus_write(&d->bus, DEVICE + reg, 4, value));
}

static uint32_t get(struct virtio_driver *d, uint64_t reg)
{
    uint64_t value = 0;

    FUZZ_CHECK(!hull_bus_read(&d->bus, DEVICE + reg, 4, &value));
    return (uint32_t)value;
}

static void no_irq(void *ctx, unsigned line, bool level)
{
    (void)ctx;
    (void)line;
    (void)level;
}

static void setup_queue(struct virtio_driver *d, unsigned queue, uint8_t shape)
{
    uint32_t base = (uint32_t)RAM_BASE + QUEUE_BYTES * queue;

    set(d, VIRTIO_MMIO_QUEUE_SEL, queue);
    set(d, VIRTIO_MMIO_QUEUE_NUM, 1u << shape % 9);
    set(d, VIRTIO_MMIO_QUEUE_DESC_LOW, base);
    set(d, VIRTIO_MMIO_QUEUE_DRIVER_LOW, base + 0x1000);
    set(d, VIRTIO_MMIO_QUEUE_DEVICE_LOW, base + 0x1400);
    set(d, VIRTIO_MMIO_QUEUE_READY, 1);
    d->avail[queue] = 0;
}

// A whole start of a driver that takes some of the features.
static void start(struct virtio_driver *d, struct input *in)
{
    uint8_t shape = input_byte(in);
    uint64_t features = ~input_number(in, 4) | VIRTIO_F_VERSION_1;

    set(d, VIRTIO_MMIO_STATUS, 0);
    set(d, VIRTIO_MMIO_STATUS, 3);
    for (unsigned half = 0; half < 2; half++) {
        set(d, VIRTIO_MMIO_DEVICE_FEATURES_SEL, half);
        set(d, VIRTIO_MMIO_DRIVER_FEATURES_SEL, half);
        set(d, VIRTIO_MMIO_DRIVER_FEATURES,
            get(d, VIRTIO_MMIO_DEVICE_FEATURES) & (uint32_t)(features >> 32 * half));
    }
    set(d, VIRTIO_MMIO_STATUS, 11);
    memset(d->ram, 0, BUFFERS);
    for (unsigned queue = 0; queue < 5; queue++)
        setup_queue(d, queue, shape);
    set(d, VIRTIO_MMIO_STATUS, 15);
}

// A descriptor whose address and length are mostly sensible.
static void put_descriptor(uint8_t *at, struct input *in)
{
    uint8_t kind = input_byte(in);
    uint64_t addr = RAM_BASE + BUFFERS + 16 * input_number(in, 2) % (RAM_SIZE - BUFFERS);
    uint32_t len = input_byte(in);

    if (kind & 0x40)
        len *= kind & 0x10 ? 512 : 16;
    if ((kind & 0xa0) == 0xa0)
        addr = input_number(in, 8);
    if ((kind & 0x90) == 0x90)
        len = (uint32_t)input_number(in, 4);
    hull_store_le64(at, addr);
    hull_store_le32(at + 8, len);
    hull_store_le16(at + 12, kind & 7);
    hull_store_le16(at + 14, (uint16_t)input_number(in, kind & 8 ? 2 : 1));
}

// Descriptors 0, 1, … of a queue chained up: `count` readable ones, then writable ones.
static void put_chain(struct virtio_driver *d, unsigned queue, struct input *in)
{
    uint8_t shape = input_byte(in);
    unsigned readable = shape & 7, count = readable + (shape >> 3 & 7);
    uint16_t first = input_byte(in) & 0x3f;

    for (unsigned i = 0; i < count; i++) {
        uint8_t *at = d->ram + QUEUE_BYTES * queue + 16 * (first + i);
        uint8_t len = input_byte(in);

        hull_store_le64(at, RAM_BASE + BUFFERS + 0x1000 * ((first + i) % 32));
        hull_store_le32(at + 8, len >= 0xf0 ? (len & 15u) * 512 : len);
        hull_store_le16(at + 12, (i >= readable ? 2 : 0) | (i + 1 < count ? 1 : 0));
        hull_store_le16(at + 14, (uint16_t)(first + i + 1));
    }
}

static void make_available(struct virtio_driver *d, unsigned queue, struct input *in)
{
    uint8_t byte = input_byte(in);
    uint16_t head = byte < 0xfe ? byte : (uint16_t)input_number(in, 2);
    uint8_t *ring = d->ram + QUEUE_BYTES * queue + 0x1000;
    uint32_t size = virtio_of(d->dev)->queues[queue].size;

    if (size && size <= 256)
        hull_store_le16(ring + 4 + 2 * (d->avail[queue] & (size - 1)), head);
    hull_store_le16(ring + 2, ++d->avail[queue]);
}

static void write_memory(struct virtio_driver *d, struct input *in)
{
    uint32_t at = (uint32_t)input_number(in, 3) % (RAM_SIZE - 64);
    unsigned count = input_byte(in) % 64;

    for (unsigned i = 0; i < count; i++)
        d->ram[at + i] = input_byte(in);
}

static void access_any(struct virtio_driver *d, struct input *in, bool write)
{
    uint64_t reg = input_number(in, 2) & 0x1ff;
    unsigned size = 1u << (input_byte(in) & 3);
    uint64_t value;

    if (write)
        FUZZ_CHECK(!hull_bus_write(&d->bus, DEVICE + reg, size, input_number(in, size)));
    else
        FUZZ_CHECK(!hull_bus_read(&d->bus, DEVICE + reg, size, &value));
}

static void run_operation(struct virtio_driver *d, const struct virtio_target *t, struct input *in)
{
    uint8_t op = input_byte(in);
    unsigned queue = op >> 4 & 7;

    if (queue > 4)
        queue -= 5;
    switch (op & 15) {
    case 0: start(d, in); break;
    case 1: access_any(d, in, true); break;
    case 2: access_any(d, in, false); break;
    case 3: write_memory(d, in); break;
    case 4: put_descriptor(d->ram + QUEUE_BYTES * queue + 16 * input_byte(in), in); break;
    case 5: put_descriptor(d->ram + BUFFERS + 16 * input_byte(in), in); break; // indirect
    case 6:
    case 7: put_chain(d, queue, in); break;
    case 8:
    case 9:
        make_available(d, queue, in);
        set(d, VIRTIO_MMIO_QUEUE_NOTIFY, queue);
        break;
    case 10: make_available(d, queue, in); break;
    case 11: set(d, VIRTIO_MMIO_QUEUE_NOTIFY, queue); break;
    case 12: fake_env_advance(&d->fake, input_byte(in)); break;
    case 13: set(d, VIRTIO_MMIO_INTERRUPT_ACK, 3); break;
    case 14:
        if (op == 14)
            hull_bus_reset(&d->bus);
        break;
    case 15: t->act(d->dev, input_byte(in), in); break;
    }
    FUZZ_CHECK(d->fake.locks_held == 0);
    if (t->check)
        t->check(d->dev);
}

void virtio_drive(const struct virtio_target *target, struct input *in)
{
    static struct virtio_driver d;
    struct virtio_bindings b = {.env = &d.fake.env, .memory = &d.memory, .irq = {.set = no_irq}};
    uint8_t *ram = d.ram ? d.ram : aligned_alloc(HULL_PAGE_SIZE, RAM_SIZE);

    FUZZ_CHECK(ram);
    memset(&d, 0, sizeof(d));
    d.ram = ram;
    memset(ram, 0, RAM_SIZE);
    fake_env_init(&d.fake);
    FUZZ_CHECK(!hull_memory_add(&d.memory, RAM_BASE, RAM_SIZE, ram));
    d.dev = target->create(&b);
    FUZZ_CHECK(d.dev);
    FUZZ_CHECK(!hull_bus_add(&d.bus, d.dev, DEVICE, 0x1000));
    while (input_more(in))
        run_operation(&d, target, in);
    hull_bus_destroy(&d.bus);
    FUZZ_CHECK(d.fake.allocated == 0 && d.fake.locks_held == 0 && !d.fake.timers);
}
