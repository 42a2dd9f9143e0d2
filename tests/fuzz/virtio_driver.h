// SPDX-License-Identifier: Apache-2.0
// A hostile virtio driver: the fuzzer's bytes as register accesses, memory contents, notifications
// and what the backend does meanwhile.
#ifndef TESTS_FUZZ_VIRTIO_DRIVER_H
#define TESTS_FUZZ_VIRTIO_DRIVER_H

#include "core/dev/virtio/virtio_devices.h"
#include "tests/fuzz/input.h"
#include "tests/unit/fake_env.h"

struct virtio_driver {
    struct fake_env fake;
    struct guest_memory memory;
    uint8_t *ram;
    struct bus bus;
    struct device *dev;
    uint16_t avail[5]; // available indices, as a driver keeps them
};

struct virtio_target {
    struct device *(*create)(const struct virtio_bindings *b);
    // Something happens on the backend's side.
    void (*act)(struct device *dev, uint8_t what, struct input *in);
    void (*check)(struct device *dev); // after each operation; may be NULL
};

void virtio_drive(const struct virtio_target *target, struct input *in);

#endif
