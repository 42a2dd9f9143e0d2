// SPDX-License-Identifier: Apache-2.0
// What all virtio devices have in common, whatever their transport: status, feature negotiation,
// reset, the life of the queues (virtio 1.2, chapters 2 and 3).
#include "core/dev/virtio/virtio.h"

#define DRIVER_BITS                                                               \
    (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER | VIRTIO_STATUS_DRIVER_OK | \
     VIRTIO_STATUS_FEATURES_OK | VIRTIO_STATUS_FAILED)

static void run_later(void *ctx)
{
    struct virtio_device *v = ctx;
    uint32_t queues;

    virtio_lock(v);
    queues = v->later;
    v->later = 0;
    for (unsigned i = 0; i < v->ops->queue_count; i++)
        if (queues >> i & 1)
            virtio_notify(v, i);
    virtio_unlock(v);
}

void virtio_init(struct virtio_device *v, const struct virtio_device_ops *ops,
                 const struct virtio_bindings *b, uint64_t features)
{
    v->ops = ops;
    v->env = b->env;
    v->memory = b->memory;
    v->offered = features | VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX;
    for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
        v->queues[i].vdev = v;
}

void virtio_attach(struct virtio_device *v, struct virtio_transport *t)
{
    t->vdev = v;
    v->transport = t;
    v->timer.fire = run_later;
    v->timer.ctx = v;
    v->env->ops->timer_init(v->env->ctx, &v->timer);
    v->timer_made = true;
}

void virtio_destroy(struct virtio_device *v)
{
    if (v->timer_made)
        v->env->ops->timer_destroy(v->env->ctx, &v->timer);
    v->ops->destroy(v);
}

// 2.1.2: the driver of a device that needs a reset learns it by a configuration change.
void virtio_broken(struct virtio_device *v, const char *why)
{
    if (v->status & VIRTIO_STATUS_DEVICE_NEEDS_RESET)
        return;
    v->status |= VIRTIO_STATUS_DEVICE_NEEDS_RESET;
    hull_log_limited(v->env, &v->log_limit, HULL_LOG_WARN, v->ops->name, "stopped: %s", why);
    if (v->status & VIRTIO_STATUS_DRIVER_OK)
        v->transport->interrupt(v->transport, VIRTIO_INTERRUPT_CONFIG);
}

void virtio_config_changed(struct virtio_device *v)
{
    v->config_generation++;
    if (virtio_running(v))
        v->transport->interrupt(v->transport, VIRTIO_INTERRUPT_CONFIG);
}

void virtio_run_later(struct virtio_device *v, unsigned queue)
{
    v->later |= (uint32_t)1 << queue;
    v->env->ops->timer_arm(v->env->ctx, &v->timer, v->env->ops->now_ns(v->env->ctx));
}

// Waits until the device has let go of every buffer: from then on it neither reads nor writes guest
// memory by itself. Meanwhile the lock is open, and whoever comes in finds the device `quiescing`.
static void quiesce(struct virtio_device *v)
{
    v->quiescing = true;
    if (v->ops->drain)
        v->ops->drain(v);
    v->quiescing = false;
}

void virtio_reset(struct virtio_device *v)
{
    while (v->quiescing) { // on behalf of another vCPU
        virtio_unlock(v);
        v->env->ops->relax(v->env->ctx);
        virtio_lock(v);
    }
    quiesce(v);
    for (unsigned i = 0; i < VIRTIO_QUEUES_MAX; i++)
        virtq_deactivate(&v->queues[i]);
    v->status = 0;
    v->features = 0;
    v->later = 0;
    if (v->ops->reset)
        v->ops->reset(v);
}

// Any subset of what was offered will do. VERSION_1 may be left out (6.2 leaves that to the device):
// small kernels do, and of what it changes only the length of a network header is ours.
static void negotiate(struct virtio_device *v, uint64_t driver_features)
{
    if (driver_features & ~v->offered)
        return;
    v->features = driver_features;
    v->status |= VIRTIO_STATUS_FEATURES_OK;
}

// A driver only ever adds bits (2.1.1). For 0 the transport calls virtio_reset().
void virtio_set_status(struct virtio_device *v, uint8_t status, uint64_t driver_features)
{
    uint8_t added = status & ~v->status & DRIVER_BITS;

    if (v->quiescing)
        return;
    if (added & VIRTIO_STATUS_FEATURES_OK) {
        if (!(v->status & VIRTIO_STATUS_DRIVER_OK))
            negotiate(v, driver_features);
        added &= ~VIRTIO_STATUS_FEATURES_OK;
    }
    v->status |= added;
    // Queues may hold buffers already; the driver does not notify before DRIVER_OK.
    if (added & VIRTIO_STATUS_DRIVER_OK)
        for (unsigned i = 0; i < v->ops->queue_count; i++)
            virtio_notify(v, i);
}

void virtio_queue_enable(struct virtio_device *v, unsigned queue)
{
    if (v->quiescing || v->queues[queue].ready)
        return;
    if (virtq_activate(&v->queues[queue]))
        virtio_broken(v, "a queue's size or addresses are not what they may be");
    else
        virtio_notify(v, queue);
}

void virtio_queue_disable(struct virtio_device *v, unsigned queue)
{
    if (v->quiescing || !v->queues[queue].ready)
        return;
    quiesce(v);
    virtq_deactivate(&v->queues[queue]);
}

void virtio_notify(struct virtio_device *v, uint32_t queue)
{
    if (queue < v->ops->queue_count && v->queues[queue].ready && virtio_running(v))
        v->ops->notify(v, queue);
}

uint64_t virtio_config_read(struct virtio_device *v, uint64_t offset, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        if (offset + i < v->ops->config_size)
            value |= (uint64_t)v->ops->config_read(v, (unsigned)offset + i) << 8 * i;
    return value;
}

void virtio_config_write(struct virtio_device *v, uint64_t offset, unsigned size, uint64_t value)
{
    if (size == 8) { // 64-bit fields are written as two halves (4.2.2.2)
        virtio_config_write(v, offset, 4, (uint32_t)value);
        virtio_config_write(v, offset + 4, 4, value >> 32);
    } else if (!v->quiescing && v->ops->config_write && offset + size <= v->ops->config_size) {
        v->ops->config_write(v, (unsigned)offset, size, (uint32_t)value);
    }
}
