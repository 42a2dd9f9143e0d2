// SPDX-License-Identifier: Apache-2.0
// What a device is, and the bus through which vCPUs reach it. A vCPU enters a device only through
// hull_bus_read/write or hull_device_read/write, which take the device's lock; everybody else takes the
// same lock by hull_device_lock().
#ifndef HULL_DEVICE_H
#define HULL_DEVICE_H

#include <hull/env.h>
#include <hull/error.h>
#include <hull/types.h>

struct device;

struct device_ops {
    const char *name;
    // Register access, lock held. `offset` lies inside the device, `size` is 1, 2, 4 or 8 and
    // offset + size does not leave it; `offset` may be unaligned. -HULL_EFAULT: the access faults
    // in the guest. Devices ignore writes and read zero where the specification says nothing.
    int (*read)(struct device *dev, uint64_t offset, unsigned size, uint64_t *value);
    int (*write)(struct device *dev, uint64_t offset, unsigned size, uint64_t value);
    void (*reset)(struct device *dev);   // to power-on state, lock held; NULL: nothing to reset
    void (*destroy)(struct device *dev); // frees the device; no vCPU or I/O thread is in it
};

// The head of every device model; created by the model's own hull_<name>_create().
struct device {
    const struct device_ops *ops;
    const struct hull_env *env;
    struct hull_lock lock;
    gpa_t base;
    uint64_t size;
};

void hull_device_init(struct device *dev, const struct device_ops *ops, const struct hull_env *env);
void hull_device_fini(struct device *dev);

static inline void hull_device_lock(struct device *dev)
{
    hull_lock(dev->env, &dev->lock);
}

static inline void hull_device_unlock(struct device *dev)
{
    hull_unlock(dev->env, &dev->lock);
}

HULL_MUST_CHECK static inline int hull_device_read(struct device *dev, uint64_t offset,
                                                   unsigned size, uint64_t *value)
{
    int error;

    hull_device_lock(dev);
    error = dev->ops->read(dev, offset, size, value);
    hull_device_unlock(dev);
    return error;
}

HULL_MUST_CHECK static inline int hull_device_write(struct device *dev, uint64_t offset,
                                                    unsigned size, uint64_t value)
{
    int error;

    hull_device_lock(dev);
    error = dev->ops->write(dev, offset, size, value);
    hull_device_unlock(dev);
    return error;
}

#define HULL_BUS_DEVICES_MAX 32

// Sorted by base. Filled before vCPUs run and constant from then on, so look-ups take no lock.
struct bus {
    struct device *devices[HULL_BUS_DEVICES_MAX];
    struct device *added[HULL_BUS_DEVICES_MAX]; // the same, in the order of hull_bus_add
    unsigned count;
};

// -HULL_EEXIST: overlaps another device; -HULL_ENOSPC: full; -HULL_EINVAL: empty or wraps. From
// here on the bus owns the device.
HULL_MUST_CHECK int hull_bus_add(struct bus *bus, struct device *dev, gpa_t base, uint64_t size);
void hull_bus_reset(struct bus *bus);   // resets every device, in the order of addresses
void hull_bus_destroy(struct bus *bus); // destroys every device, last added first

// 0, or -HULL_EFAULT when there is no device or it refuses. `size` is 1, 2, 4 or 8.
HULL_MUST_CHECK int hull_bus_read(struct bus *bus, gpa_t gpa, unsigned size, uint64_t *value);
HULL_MUST_CHECK int hull_bus_write(struct bus *bus, gpa_t gpa, unsigned size, uint64_t value);
bool hull_bus_has(struct bus *bus, gpa_t gpa); // whether a device is there

// The two halves of that, for engines that remember which device it was last time: the device that has
// all of these bytes, or NULL, valid as long as the bus is; and the access, wholly inside it.
struct device *hull_bus_find(struct bus *bus, gpa_t gpa, unsigned size);

// An interrupt wire: a function, an opaque pointer and a number. Level-triggered. Called with the
// source device's lock held; must not block.
struct irq_wire {
    void (*set)(void *ctx, unsigned line, bool level);
    void *ctx;
    unsigned line;
};

static inline void hull_irq_set(const struct irq_wire *wire, bool level)
{
    if (wire->set)
        wire->set(wire->ctx, wire->line, level);
}

#endif
