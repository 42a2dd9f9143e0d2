// SPDX-License-Identifier: Apache-2.0
// The power button (a virtio input device) against a hostile driver.
#include "tests/fuzz/virtio_driver.h"

static struct device *create(const struct virtio_bindings *b)
{
    return hull_virtio_power_button_create(b);
}

static void act(struct device *dev, uint8_t what, struct input *in)
{
    (void)what;
    (void)in;
    hull_virtio_power_button_press(dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct virtio_target target = {create, act, NULL};
    struct input in = {data, size};

    virtio_drive(&target, &in);
    return 0;
}
