// SPDX-License-Identifier: Apache-2.0
// The bus: finds the device behind a guest physical address and calls it with its lock held.
#include <hull/device.h>

#include "lib/checked.h"

int hull_bus_add(struct bus *bus, struct device *dev, gpa_t base, uint64_t size)
{
    unsigned at = 0;

    if (!size || !hull_range_valid(base, size))
        return -HULL_EINVAL;
    for (unsigned i = 0; i < bus->count; i++) {
        const struct device *other = bus->devices[i];

        if (hull_range_overlaps(other->base, other->size, base, size))
            return -HULL_EEXIST;
        if (other->base < base)
            at = i + 1;
    }
    if (bus->count == HULL_BUS_DEVICES_MAX)
        return -HULL_ENOSPC;
    for (unsigned i = bus->count; i > at; i--)
        bus->devices[i] = bus->devices[i - 1];
    dev->base = base;
    dev->size = size;
    bus->devices[at] = dev;
    bus->added[bus->count++] = dev;
    return 0;
}

void hull_bus_reset(struct bus *bus)
{
    for (unsigned i = 0; i < bus->count; i++) {
        struct device *dev = bus->devices[i];

        if (!dev->ops->reset)
            continue;
        hull_device_lock(dev);
        dev->ops->reset(dev);
        hull_device_unlock(dev);
    }
}

// Devices are made from the interrupt controller outwards, so the last one goes first: nobody is left
// with a wire into a controller that is gone.
void hull_bus_destroy(struct bus *bus)
{
    while (bus->count) {
        struct device *dev = bus->added[--bus->count];

        dev->ops->destroy(dev);
    }
}

struct device *hull_bus_find(struct bus *bus, gpa_t gpa, unsigned size)
{
    unsigned low = 0, high = bus->count;

    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        struct device *dev = bus->devices[middle];

        if (gpa < dev->base)
            high = middle;
        else if (gpa - dev->base >= dev->size)
            low = middle + 1;
        else
            return dev->size - (gpa - dev->base) >= size ? dev : NULL;
    }
    return NULL;
}

bool hull_bus_has(struct bus *bus, gpa_t gpa)
{
    return hull_bus_find(bus, gpa, 1) != NULL;
}

int hull_bus_read(struct bus *bus, gpa_t gpa, unsigned size, uint64_t *value)
{
    struct device *dev = hull_bus_find(bus, gpa, size);

    return dev ? hull_device_read(dev, gpa - dev->base, size, value) : -HULL_EFAULT;
}

int hull_bus_write(struct bus *bus, gpa_t gpa, unsigned size, uint64_t value)
{
    struct device *dev = hull_bus_find(bus, gpa, size);

    return dev ? hull_device_write(dev, gpa - dev->base, size, value) : -HULL_EFAULT;
}
