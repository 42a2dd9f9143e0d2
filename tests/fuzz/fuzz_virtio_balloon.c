// SPDX-License-Identifier: Apache-2.0
// The virtio balloon against a hostile driver. fake_env checks that whole pages are discarded.
#include "tests/fuzz/virtio_driver.h"

static struct device *create(const struct virtio_bindings *b)
{
    return hull_virtio_balloon_create(b);
}

static void act(struct device *dev, uint8_t what, struct input *in)
{
    if (what & 1)
        hull_virtio_balloon_set_target(dev, input_number(in, 8));
    else
        FUZZ_CHECK(hull_virtio_balloon_actual(dev) <= UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct virtio_target target = {create, act, NULL};
    struct input in = {data, size};

    virtio_drive(&target, &in);
    return 0;
}
