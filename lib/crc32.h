// SPDX-License-Identifier: Apache-2.0
// CRC-32 as in IEEE 802.3, zlib and gzip (polynomial 0xedb88320, reflected).
#ifndef LIB_CRC32_H
#define LIB_CRC32_H

#include <stddef.h>
#include <stdint.h>

// Start with 0; feed the result back in to go on.
uint32_t hull_crc32(uint32_t crc, const void *data, size_t size);

#endif
