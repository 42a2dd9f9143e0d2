// SPDX-License-Identifier: Apache-2.0
// Random bytes: ChaCha20 (RFC 8439), keyed by the seed that the firmware left in the device tree.
#ifndef METAL_COMMON_ENTROPY_H
#define METAL_COMMON_ENTROPY_H

#include <hull/error.h>
#include <hull/types.h>

// Takes /chosen/rng-seed; without one, entropy_get() answers -HULL_EIO.
void entropy_init(const uint8_t *seed, size_t size);
int entropy_get(void *to, size_t length); // 0 or -HULL_EIO

#endif
