// SPDX-License-Identifier: Apache-2.0
// SiFive's test finisher: one register by which a guest powers off, resets or reports failure.
#include "core/dev/devices.h"

#define FINISHER_FAIL 0x3333
#define FINISHER_PASS 0x5555
#define FINISHER_RESET 0x7777

struct finisher {
    struct device dev;
    struct vm *vm;
};

static int finisher_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    (void)dev;
    (void)offset;
    (void)size;
    *value = 0;
    return 0;
}

static int finisher_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct finisher *f = hull_container_of(dev, struct finisher, dev);

    if (offset != 0 || size == 1)
        return 0;
    switch (value & 0xffff) {
    case FINISHER_PASS: hull_vm_request(f->vm, VM_REQUEST_POWEROFF, 0); break;
    case FINISHER_FAIL: hull_vm_request(f->vm, VM_REQUEST_FAIL, value >> 16 & 0xffff); break;
    case FINISHER_RESET: hull_vm_request(f->vm, VM_REQUEST_RESET, 0); break;
    default: break;
    }
    return 0;
}

static void finisher_destroy(struct device *dev)
{
    struct finisher *f = hull_container_of(dev, struct finisher, dev);
    const struct hull_env *env = dev->env;

    hull_device_fini(dev);
    hull_free(env, f, sizeof(*f));
}

static const struct device_ops finisher_ops = {
    .name = "finisher",
    .read = finisher_read,
    .write = finisher_write,
    .destroy = finisher_destroy,
};

struct device *hull_finisher_create(struct vm *vm)
{
    struct finisher *f = hull_alloc(&vm->env, sizeof(*f));

    if (!f)
        return NULL;
    hull_device_init(&f->dev, &finisher_ops, &vm->env);
    f->vm = vm;
    return &f->dev;
}
