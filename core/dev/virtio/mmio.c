// SPDX-License-Identifier: Apache-2.0
// The virtio-mmio transport, version 2 (virtio 1.2, 4.2). A legacy driver sees that version in the
// register and leaves the device alone.
#include "core/dev/virtio/mmio.h"

#include "core/dev/virtio/virtio.h"

struct virtio_mmio {
    struct virtio_transport transport;
    struct irq_wire irq;
    uint32_t interrupt_status; // enum virtio_interrupt
    uint32_t device_features_sel, driver_features_sel, queue_sel;
    uint64_t driver_features; // taken over by FEATURES_OK
};

static struct virtio_mmio *mmio_of(struct device *dev)
{
    return hull_container_of(dev, struct virtio_mmio, transport.dev);
}

static void set_interrupts(struct virtio_mmio *m, uint32_t status)
{
    bool changed = !status != !m->interrupt_status;

    m->interrupt_status = status;
    if (changed)
        hull_irq_set(&m->irq, status != 0);
}

static void mmio_interrupt(struct virtio_transport *t, enum virtio_interrupt cause)
{
    struct virtio_mmio *m = hull_container_of(t, struct virtio_mmio, transport);

    set_interrupts(m, m->interrupt_status | cause);
}

// The queue that QueueSel names, or NULL.
static struct virtq *selected_queue(struct virtio_mmio *m)
{
    struct virtio_device *v = m->transport.vdev;

    return m->queue_sel < v->ops->queue_count ? &v->queues[m->queue_sel] : NULL;
}

static uint32_t read_register(struct virtio_mmio *m, uint64_t offset)
{
    struct virtio_device *v = m->transport.vdev;
    const struct virtq *q = selected_queue(m);

    switch (offset) {
    case VIRTIO_MMIO_MAGIC_VALUE: return VIRTIO_MMIO_MAGIC;
    case VIRTIO_MMIO_VERSION: return VIRTIO_MMIO_VERSION_2;
    case VIRTIO_MMIO_DEVICE_ID: return v->ops->id;
    case VIRTIO_MMIO_VENDOR_ID: return VIRTIO_VENDOR;
    case VIRTIO_MMIO_DEVICE_FEATURES:
        return m->device_features_sel < 2 ? (uint32_t)(v->offered >> 32 * m->device_features_sel)
                                          : 0;
    case VIRTIO_MMIO_QUEUE_NUM_MAX: return q ? v->ops->queue_size : 0;
    case VIRTIO_MMIO_QUEUE_READY: return q && q->ready;
    case VIRTIO_MMIO_INTERRUPT_STATUS: return m->interrupt_status;
    case VIRTIO_MMIO_STATUS: return v->status;
    case VIRTIO_MMIO_SHM_LEN_LOW: // there are no shared memory regions (4.2.2.1)
    case VIRTIO_MMIO_SHM_LEN_HIGH:
    case VIRTIO_MMIO_SHM_BASE_LOW:
    case VIRTIO_MMIO_SHM_BASE_HIGH: return UINT32_MAX;
    case VIRTIO_MMIO_CONFIG_GENERATION: return v->config_generation;
    default: return 0;
    }
}

static void set_low(gpa_t *address, uint32_t value)
{
    *address = (*address & ~(gpa_t)UINT32_MAX) | value;
}

static void set_high(gpa_t *address, uint32_t value)
{
    *address = (*address & UINT32_MAX) | (gpa_t)value << 32;
}

// A queue's registers are fixed while it is ready.
static void write_queue(struct virtio_mmio *m, uint64_t offset, uint32_t value)
{
    struct virtq *q = selected_queue(m);

    if (!q || q->ready)
        return;
    switch (offset) {
    case VIRTIO_MMIO_QUEUE_NUM: q->size = value; break;
    case VIRTIO_MMIO_QUEUE_DESC_LOW: set_low(&q->desc, value); break;
    case VIRTIO_MMIO_QUEUE_DESC_HIGH: set_high(&q->desc, value); break;
    case VIRTIO_MMIO_QUEUE_DRIVER_LOW: set_low(&q->driver, value); break;
    case VIRTIO_MMIO_QUEUE_DRIVER_HIGH: set_high(&q->driver, value); break;
    case VIRTIO_MMIO_QUEUE_DEVICE_LOW: set_low(&q->device, value); break;
    case VIRTIO_MMIO_QUEUE_DEVICE_HIGH: set_high(&q->device, value); break;
    default: break;
    }
}

static void write_driver_features(struct virtio_mmio *m, uint32_t value)
{
    unsigned shift = 32 * m->driver_features_sel;

    if (m->driver_features_sel < 2)
        m->driver_features =
            (m->driver_features & ~((uint64_t)UINT32_MAX << shift)) | (uint64_t)value << shift;
    else if (value)
        m->driver_features |= 1ull << 63; // features past bit 63: never offered, so refused
}

static void mmio_reset(struct device *dev)
{
    struct virtio_mmio *m = mmio_of(dev);

    virtio_reset(m->transport.vdev);
    m->device_features_sel = m->driver_features_sel = m->queue_sel = 0;
    m->driver_features = 0;
    set_interrupts(m, 0);
}

static void write_register(struct virtio_mmio *m, uint64_t offset, uint32_t value)
{
    struct virtio_device *v = m->transport.vdev;

    switch (offset) {
    case VIRTIO_MMIO_DEVICE_FEATURES_SEL: m->device_features_sel = value; break;
    case VIRTIO_MMIO_DRIVER_FEATURES_SEL: m->driver_features_sel = value; break;
    case VIRTIO_MMIO_DRIVER_FEATURES: write_driver_features(m, value); break;
    case VIRTIO_MMIO_QUEUE_SEL: m->queue_sel = value; break;
    case VIRTIO_MMIO_QUEUE_NOTIFY: virtio_notify(v, value); break;
    case VIRTIO_MMIO_INTERRUPT_ACK: set_interrupts(m, m->interrupt_status & ~value); break;
    case VIRTIO_MMIO_QUEUE_READY:
        if (m->queue_sel >= v->ops->queue_count)
            break;
        if (value & 1)
            virtio_queue_enable(v, m->queue_sel);
        else
            virtio_queue_disable(v, m->queue_sel);
        break;
    case VIRTIO_MMIO_STATUS:
        if (value & 0xff)
            virtio_set_status(v, (uint8_t)value, m->driver_features);
        else
            mmio_reset(&m->transport.dev);
        break;
    default: write_queue(m, offset, value); break;
    }
}

// 4.2.2.2: the registers are accessed by aligned 32-bit words, the configuration space by any.
static int mmio_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct virtio_mmio *m = mmio_of(dev);

    if (offset >= VIRTIO_MMIO_CONFIG)
        *value = virtio_config_read(m->transport.vdev, offset - VIRTIO_MMIO_CONFIG, size);
    else
        *value = size == 4 ? read_register(m, offset) : 0;
    return 0;
}

static int mmio_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtio_mmio *m = mmio_of(dev);

    if (offset >= VIRTIO_MMIO_CONFIG)
        virtio_config_write(m->transport.vdev, offset - VIRTIO_MMIO_CONFIG, size, value);
    else if (size == 4)
        write_register(m, offset, (uint32_t)value);
    return 0;
}

static void mmio_destroy(struct device *dev)
{
    struct virtio_mmio *m = mmio_of(dev);
    const struct hull_env *env = dev->env;

    virtio_destroy(m->transport.vdev);
    hull_device_fini(dev);
    hull_free(env, m, sizeof(*m));
}

static const struct device_ops mmio_ops = {
    .name = "virtio-mmio",
    .read = mmio_read,
    .write = mmio_write,
    .reset = mmio_reset,
    .destroy = mmio_destroy,
};

struct device *virtio_mmio_create(struct virtio_device *v, const struct virtio_device_ops *ops,
                                  const struct virtio_bindings *b, uint64_t features)
{
    struct virtio_mmio *m = hull_alloc(b->env, sizeof(*m));

    virtio_init(v, ops, b, features);
    if (!m) {
        virtio_destroy(v);
        return NULL;
    }
    hull_device_init(&m->transport.dev, &mmio_ops, b->env);
    m->irq = b->irq;
    m->transport.interrupt = mmio_interrupt;
    virtio_attach(v, &m->transport);
    return &m->transport.dev;
}
