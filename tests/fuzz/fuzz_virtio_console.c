// SPDX-License-Identifier: Apache-2.0
// virtio-console against a hostile driver, with input, resizes and a backend that takes little.
#include "tests/fuzz/virtio_driver.h"

static size_t room;

static size_t take(void *ctx, const void *buf, size_t len)
{
    size_t n = len < room ? len : room;

    (void)ctx;
    fuzz_touch(buf, n);
    room -= n;
    return n;
}

static void ready(void *ctx)
{
    (void)ctx;
}

static struct device *create(const struct virtio_bindings *b)
{
    room = 1000;
    return hull_virtio_console_create(b, (struct char_backend){take, ready, NULL});
}

static void act(struct device *dev, uint8_t what, struct input *in)
{
    static const uint8_t text[4096];
    size_t len;

    switch (what % 4) {
    case 0:
        room = input_number(in, 3);
        hull_virtio_console_tx_ready(dev);
        break;
    case 1:
    case 2:
        len = input_number(in, 2) % sizeof(text);
        FUZZ_CHECK(hull_virtio_console_receive(dev, text, len) <= len);
        break;
    case 3: hull_virtio_console_resize(dev, what, input_byte(in)); break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct virtio_target target = {create, act, NULL};
    struct input in = {data, size};

    virtio_drive(&target, &in);
    return 0;
}
