// SPDX-License-Identifier: Apache-2.0
// What every device model has in common: its lock.
#include <hull/device.h>

void hull_device_init(struct device *dev, const struct device_ops *ops, const struct hull_env *env)
{
    dev->ops = ops;
    dev->env = env;
    dev->base = 0;
    dev->size = 0;
    env->ops->lock_init(env->ctx, &dev->lock);
}

void hull_device_fini(struct device *dev)
{
    dev->env->ops->lock_destroy(dev->env->ctx, &dev->lock);
}
