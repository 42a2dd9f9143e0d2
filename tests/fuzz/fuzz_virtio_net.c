// SPDX-License-Identifier: Apache-2.0
// virtio-net against a hostile driver, with frames coming in.
#include "tests/fuzz/virtio_driver.h"

static void send(void *ctx, const struct hull_iovec *iov, unsigned iov_count)
{
    uint64_t total = 0;

    (void)ctx;
    for (unsigned i = 0; i < iov_count; i++) {
        total += iov[i].len;
        fuzz_touch(iov[i].base, iov[i].len);
    }
    FUZZ_CHECK(total >= 14 && total <= 65550);
}

static void ready(void *ctx)
{
    (void)ctx;
}

static struct net_backend backend = {
    .send = send, .rx_ready = ready, .mac = {2, 0, 0, 0, 0, 1}, .mtu = 1500};

static struct device *create(const struct virtio_bindings *b)
{
    return hull_virtio_net_create(b, &backend);
}

static void act(struct device *dev, uint8_t what, struct input *in)
{
    static uint8_t frame[70000];
    size_t len = what & 1 ? input_number(in, 3) % sizeof(frame) : input_byte(in);

    if (what & 2)
        hull_virtio_net_receive(dev, frame, len);
    else
        hull_virtio_net_can_receive(dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct virtio_target target = {create, act, NULL};
    struct input in = {data, size};

    virtio_drive(&target, &in);
    return 0;
}
