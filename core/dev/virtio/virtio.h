// SPDX-License-Identifier: Apache-2.0
// A virtio device without its transport: status, features and queues (virtio 1.2, chapter 2), and
// the operations that a device model fills in. Everything here runs with the transport's lock held
// unless it says otherwise.
#ifndef HULL_CORE_DEV_VIRTIO_VIRTIO_H
#define HULL_CORE_DEV_VIRTIO_VIRTIO_H

#include "core/dev/virtio/virtio_devices.h"
#include "core/dev/virtio/virtq.h"

enum virtio_status {
    VIRTIO_STATUS_ACKNOWLEDGE = 1,
    VIRTIO_STATUS_DRIVER = 2,
    VIRTIO_STATUS_DRIVER_OK = 4,
    VIRTIO_STATUS_FEATURES_OK = 8,
    VIRTIO_STATUS_DEVICE_NEEDS_RESET = 64,
    VIRTIO_STATUS_FAILED = 128,
};

// Features of every device (virtio 1.2, chapter 6), as masks.
#define VIRTIO_F_INDIRECT_DESC (1ull << 28)
#define VIRTIO_F_EVENT_IDX (1ull << 29)
#define VIRTIO_F_VERSION_1 (1ull << 32)

enum virtio_device_id {
    VIRTIO_ID_NET = 1,
    VIRTIO_ID_BLOCK = 2,
    VIRTIO_ID_CONSOLE = 3,
    VIRTIO_ID_ENTROPY = 4,
    VIRTIO_ID_BALLOON = 5,
    VIRTIO_ID_INPUT = 18,
};

enum virtio_interrupt { VIRTIO_INTERRUPT_QUEUE = 1, VIRTIO_INTERRUPT_CONFIG = 2 };

#define VIRTIO_QUEUES_MAX 5
// How many chains a device handles before it lets go of its lock.
#define VIRTIO_SLICE 256

struct virtio_device;

struct virtio_device_ops {
    const char *name;
    enum virtio_device_id id;
    unsigned queue_count;
    uint16_t queue_size; // the largest that a driver may choose; a power of two
    // One byte of the device's configuration space; optional, as is everything below.
    uint8_t (*config_read)(struct virtio_device *v, unsigned offset);
    // A write of 1, 2 or 4 bytes that lies inside the configuration space.
    void (*config_write)(struct virtio_device *v, unsigned offset, unsigned size, uint32_t value);
    unsigned config_size;
    // The driver put buffers into a queue, or the queue came to life. May drop the lock meanwhile.
    void (*notify)(struct virtio_device *v, unsigned queue);
    // Returns when no request is in flight; drops the lock to wait. No new ones start meanwhile.
    void (*drain)(struct virtio_device *v);
    // Back to the state before any driver; queues are inactive already, nothing is in flight.
    void (*reset)(struct virtio_device *v);
    // Frees the model; no lock, nobody else is there, but requests may be in flight.
    void (*destroy)(struct virtio_device *v);
};

// The head of every transport.
struct virtio_transport {
    struct device dev;
    struct virtio_device *vdev;
    void (*interrupt)(struct virtio_transport *t, enum virtio_interrupt cause);
};

// The head of every device model.
struct virtio_device {
    const struct virtio_device_ops *ops;
    const struct hull_env *env;
    struct guest_memory *memory;
    struct virtio_transport *transport;
    uint64_t offered;  // features; filled by the model
    uint64_t features; // negotiated, from FEATURES_OK on
    uint32_t config_generation;
    uint8_t status;
    bool quiescing;  // a reset waits for requests in flight
    uint32_t later;  // queues to be notified by the timer
    bool timer_made; // `timer` needs destroying
    struct hull_timer timer;
    struct hull_log_limit log_limit;
    struct virtq queues[VIRTIO_QUEUES_MAX];
};

// The model behind a transport that one of the constructors returned.
static inline struct virtio_device *virtio_of(struct device *dev)
{
    return hull_container_of(dev, struct virtio_transport, dev)->vdev;
}

static inline void virtio_lock(struct virtio_device *v)
{
    hull_device_lock(&v->transport->dev);
}

static inline void virtio_unlock(struct virtio_device *v)
{
    hull_device_unlock(&v->transport->dev);
}

static inline bool virtio_has(const struct virtio_device *v, uint64_t feature)
{
    return v->features & feature;
}

// Whether the device may take buffers: the driver is ready, and nothing went wrong.
static inline bool virtio_running(const struct virtio_device *v)
{
    const uint8_t stopped = VIRTIO_STATUS_DEVICE_NEEDS_RESET | VIRTIO_STATUS_FAILED;

    return (v->status & VIRTIO_STATUS_DRIVER_OK) && !(v->status & stopped) && !v->quiescing;
}

// For models: fills `v` and puts it behind a virtio-mmio transport. NULL: no memory; the model is
// destroyed then.
struct device *virtio_mmio_create(struct virtio_device *v, const struct virtio_device_ops *ops,
                                  const struct virtio_bindings *b, uint64_t features);

// The driver did what no driver may: the device stops until it is reset.
void virtio_broken(struct virtio_device *v, const char *why);
// The configuration space changed by itself.
void virtio_config_changed(struct virtio_device *v);
// Has ops->notify called for `queue` soon, from the I/O side.
void virtio_run_later(struct virtio_device *v, unsigned queue);

// For transports.
void virtio_init(struct virtio_device *v, const struct virtio_device_ops *ops,
                 const struct virtio_bindings *b, uint64_t features);
void virtio_attach(struct virtio_device *v, struct virtio_transport *t);
void virtio_set_status(struct virtio_device *v, uint8_t status, uint64_t driver_features);
void virtio_reset(struct virtio_device *v); // may drop the lock meanwhile
void virtio_queue_enable(struct virtio_device *v, unsigned queue);
void virtio_queue_disable(struct virtio_device *v, unsigned queue); // may drop the lock meanwhile
void virtio_notify(struct virtio_device *v, uint32_t queue);
uint64_t virtio_config_read(struct virtio_device *v, uint64_t offset, unsigned size);
void virtio_config_write(struct virtio_device *v, uint64_t offset, unsigned size, uint64_t value);
void virtio_destroy(struct virtio_device *v); // no lock held

#endif
