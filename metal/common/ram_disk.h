// SPDX-License-Identifier: Apache-2.0
// A disk in the bundle, used in place: what a VM writes stays until the machine is reset.
#ifndef METAL_COMMON_RAM_DISK_H
#define METAL_COMMON_RAM_DISK_H

#include <hull/backend.h>
#include <hull/bundle.h>

struct ram_disk {
    struct blk_backend backend;
    uint8_t *data;
};

struct blk_backend *ram_disk_init(struct ram_disk *disk, const struct bundle_blob *blob,
                                  const struct disk_spec *spec);

#endif
