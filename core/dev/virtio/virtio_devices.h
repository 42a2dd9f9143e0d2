// SPDX-License-Identifier: Apache-2.0
// Constructors of the virtio devices, each with its virtio-mmio transport (version 2, virtio 1.2).
// What they return is the transport: a device for hull_bus_add(), 0x200 bytes at least. NULL: no memory.
#ifndef HULL_CORE_DEV_VIRTIO_DEVICES_H
#define HULL_CORE_DEV_VIRTIO_DEVICES_H

#include <hull/backend.h>
#include <hull/device.h>
#include <hull/memory.h>

struct virtio_bindings { // what every virtio device needs of its VM
    const struct hull_env *env;
    struct guest_memory *memory;
    struct irq_wire irq;
};

struct device *hull_virtio_blk_create(const struct virtio_bindings *b, struct blk_backend *backend);
struct device *hull_virtio_net_create(const struct virtio_bindings *b, struct net_backend *backend);
// One frame for the guest: true when it took it, false: no buffers, the backend keeps or drops it.
bool hull_virtio_net_receive(struct device *dev, const void *frame, size_t len);
bool hull_virtio_net_can_receive(struct device *dev);

struct device *hull_virtio_console_create(const struct virtio_bindings *b,
                                          struct char_backend backend);
size_t hull_virtio_console_receive(struct device *dev, const void *buf, size_t len);
void hull_virtio_console_tx_ready(struct device *dev);
void hull_virtio_console_resize(struct device *dev, unsigned columns, unsigned rows);

struct device *hull_virtio_rng_create(const struct virtio_bindings *b);

struct device *hull_virtio_balloon_create(const struct virtio_bindings *b);
void hull_virtio_balloon_set_target(struct device *dev, uint64_t pages); // 4 KiB pages to take
uint64_t hull_virtio_balloon_actual(struct device *dev);

// An input device with nothing but a power button. press: false when no driver would hear it.
struct device *hull_virtio_power_button_create(const struct virtio_bindings *b);
bool hull_virtio_power_button_press(struct device *dev);

// An empty slot: answers MagicValue and DeviceID 0.
struct device *hull_virtio_empty_create(const struct hull_env *env);

#endif
