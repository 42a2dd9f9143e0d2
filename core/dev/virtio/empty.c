// SPDX-License-Identifier: Apache-2.0
// A virtio-mmio slot with nothing in it (virtio 1.2, 4.2.2): drivers find DeviceID 0 and go on.
#include "core/dev/virtio/mmio.h"
#include "core/dev/virtio/virtio_devices.h"

static int empty_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    (void)dev;
    *value = 0;
    if (size != 4)
        return 0;
    switch (offset) {
    case VIRTIO_MMIO_MAGIC_VALUE: *value = VIRTIO_MMIO_MAGIC; break;
    case VIRTIO_MMIO_VERSION: *value = VIRTIO_MMIO_VERSION_2; break;
    case VIRTIO_MMIO_VENDOR_ID: *value = VIRTIO_VENDOR; break;
    default: break;
    }
    return 0;
}

static int empty_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)dev;
    (void)offset;
    (void)size;
    (void)value;
    return 0;
}

static void empty_destroy(struct device *dev)
{
    const struct hull_env *env = dev->env;

    hull_device_fini(dev);
    hull_free(env, dev, sizeof(*dev));
}

static const struct device_ops empty_ops = {
    .name = "virtio-empty",
    .read = empty_read,
    .write = empty_write,
    .destroy = empty_destroy,
};

struct device *hull_virtio_empty_create(const struct hull_env *env)
{
    struct device *dev = hull_alloc(env, sizeof(*dev));

    if (dev)
        hull_device_init(dev, &empty_ops, env);
    return dev;
}
