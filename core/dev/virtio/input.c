// SPDX-License-Identifier: Apache-2.0
// virtio input device (virtio 1.2, 5.8) with one key: the power button. Guests that handle an ACPI
// button handle it alike (Linux's evdev and logind: KEY_POWER).
#include "core/dev/virtio/virtio.h"
#include "lib/bytes.h"
#include "lib/mem.h"

#define QUEUE_EVENT 0
#define QUEUE_STATUS 1
#define QUEUE_SIZE 64

enum input_config { // offsets in the configuration space
    INPUT_CONFIG_SELECT = 0,
    INPUT_CONFIG_SUBSEL = 1,
    INPUT_CONFIG_SIZE = 2,
    INPUT_CONFIG_DATA = 8,
    INPUT_CONFIG_END = 136,
};

enum input_select {
    INPUT_ID_NAME = 0x01,
    INPUT_ID_DEVIDS = 0x03,
    INPUT_EV_BITS = 0x11,
};

// Linux's event codes, which 5.8 refers to.
#define EV_SYN 0
#define EV_KEY 1
#define KEY_POWER 116
#define BUS_VIRTUAL 6

#define EVENT_SIZE 8
#define DATA_MAX 32 // of what this device answers

struct input {
    struct virtio_device vdev;
    uint8_t select, subsel;
    unsigned events_left; // of a press, waiting for buffers
    struct virtq_chain chain;
};

static const struct {
    uint16_t type, code;
    uint32_t value;
} press[] = {{EV_KEY, KEY_POWER, 1}, {EV_SYN, 0, 0}, {EV_KEY, KEY_POWER, 0}, {EV_SYN, 0, 0}};

static struct input *input_of(struct virtio_device *v)
{
    return hull_container_of(v, struct input, vdev);
}

static void event_write(struct virtq *q, const struct virtq_chain *chain, unsigned i)
{
    uint8_t event[EVENT_SIZE];

    hull_store_le16(event, press[i].type);
    hull_store_le16(event + 2, press[i].code);
    hull_store_le32(event + 4, press[i].value);
    virtq_push(q, chain->head, (uint32_t)virtq_chain_write(q, chain, 0, event, sizeof(event)));
}

static void events_send(struct input *in)
{
    struct virtq *q = &in->vdev.queues[QUEUE_EVENT];

    while (in->events_left && virtq_pop(q, &in->chain) > 0) {
        if (in->chain.writable_len < EVENT_SIZE) {
            virtio_broken(&in->vdev, "an event buffer is too small");
            break;
        }
        event_write(q, &in->chain, HULL_ARRAY_SIZE(press) - in->events_left--);
    }
    virtq_interrupt(q);
}

// What drivers send (LEDs) means nothing to a button.
static void status_take(struct input *in)
{
    struct virtq *q = &in->vdev.queues[QUEUE_STATUS];
    unsigned n = 0;

    while (n < QUEUE_SIZE && virtq_pop(q, &in->chain) > 0) {
        virtq_push(q, in->chain.head, 0);
        n++;
    }
    if (n == QUEUE_SIZE)
        virtio_run_later(&in->vdev, QUEUE_STATUS);
    virtq_interrupt(q);
}

static void input_notify(struct virtio_device *v, unsigned queue)
{
    if (queue == QUEUE_EVENT)
        events_send(input_of(v));
    else
        status_take(input_of(v));
}

bool hull_virtio_power_button_press(struct device *dev)
{
    struct virtio_device *v = virtio_of(dev);
    struct input *in = input_of(v);
    bool heard;

    virtio_lock(v);
    heard = virtio_running(v) && v->queues[QUEUE_EVENT].ready;
    if (heard && !in->events_left) {
        in->events_left = HULL_ARRAY_SIZE(press);
        events_send(in);
    }
    virtio_unlock(v);
    return heard;
}

// What the pair of selectors asks for; its size, 0: no such thing.
static unsigned answer(const struct input *in, uint8_t *data)
{
    static const char name[] = "Hull power button";

    memset(data, 0, DATA_MAX);
    if (in->select == INPUT_ID_NAME && in->subsel == 0) {
        memcpy(data, name, sizeof(name) - 1);
        return sizeof(name) - 1;
    }
    if (in->select == INPUT_ID_DEVIDS && in->subsel == 0) {
        hull_store_le16(data, BUS_VIRTUAL); // vendor, product, version: none
        return 8;
    }
    if (in->select == INPUT_EV_BITS && in->subsel == EV_KEY) {
        data[KEY_POWER / 8] = 1u << KEY_POWER % 8;
        return KEY_POWER / 8 + 1;
    }
    return 0;
}

static uint8_t input_config_read(struct virtio_device *v, unsigned offset)
{
    struct input *in = input_of(v);
    uint8_t data[DATA_MAX];
    unsigned size = answer(in, data);

    switch (offset) {
    case INPUT_CONFIG_SELECT: return in->select;
    case INPUT_CONFIG_SUBSEL: return in->subsel;
    case INPUT_CONFIG_SIZE: return (uint8_t)size;
    default:
        return offset >= INPUT_CONFIG_DATA && offset - INPUT_CONFIG_DATA < size
                   ? data[offset - INPUT_CONFIG_DATA]
                   : 0;
    }
}

static void input_config_write(struct virtio_device *v, unsigned offset, unsigned size,
                               uint32_t value)
{
    struct input *in = input_of(v);

    for (unsigned i = 0; i < size; i++) {
        if (offset + i == INPUT_CONFIG_SELECT)
            in->select = (uint8_t)(value >> 8 * i);
        else if (offset + i == INPUT_CONFIG_SUBSEL)
            in->subsel = (uint8_t)(value >> 8 * i);
    }
}

static void input_reset(struct virtio_device *v)
{
    struct input *in = input_of(v);

    in->select = in->subsel = 0;
    in->events_left = 0;
}

static void input_destroy(struct virtio_device *v)
{
    hull_free(v->env, input_of(v), sizeof(struct input));
}

static const struct virtio_device_ops input_ops = {
    .name = "virtio-input",
    .id = VIRTIO_ID_INPUT,
    .queue_count = 2,
    .queue_size = QUEUE_SIZE,
    .config_read = input_config_read,
    .config_write = input_config_write,
    .config_size = INPUT_CONFIG_END,
    .notify = input_notify,
    .reset = input_reset,
    .destroy = input_destroy,
};

struct device *hull_virtio_power_button_create(const struct virtio_bindings *b)
{
    struct input *in = hull_alloc(b->env, sizeof(*in));

    return in ? virtio_mmio_create(&in->vdev, &input_ops, b, 0) : NULL;
}
