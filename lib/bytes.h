// SPDX-License-Identifier: Apache-2.0
// Loads and stores of any alignment in a stated byte order. Written byte by byte: compilers turn
// each into one access where the machine has it.
#ifndef LIB_BYTES_H
#define LIB_BYTES_H

#include <stdint.h>

static inline uint16_t hull_load_le16(const void *from)
{
    const uint8_t *b = from;
    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint32_t hull_load_le32(const void *from)
{
    const uint8_t *b = from;
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

static inline uint64_t hull_load_le64(const void *from)
{
    const uint8_t *b = from;
    return hull_load_le32(b) | (uint64_t)hull_load_le32(b + 4) << 32;
}

static inline uint16_t hull_load_be16(const void *from)
{
    const uint8_t *b = from;
    return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t hull_load_be32(const void *from)
{
    const uint8_t *b = from;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static inline uint64_t hull_load_be64(const void *from)
{
    const uint8_t *b = from;
    return (uint64_t)hull_load_be32(b) << 32 | hull_load_be32(b + 4);
}

static inline void hull_store_le16(void *to, uint16_t x)
{
    uint8_t *b = to;
    b[0] = (uint8_t)x;
    b[1] = (uint8_t)(x >> 8);
}

static inline void hull_store_le32(void *to, uint32_t x)
{
    uint8_t *b = to;
    b[0] = (uint8_t)x;
    b[1] = (uint8_t)(x >> 8);
    b[2] = (uint8_t)(x >> 16);
    b[3] = (uint8_t)(x >> 24);
}

static inline void hull_store_le64(void *to, uint64_t x)
{
    uint8_t *b = to;
    hull_store_le32(b, (uint32_t)x);
    hull_store_le32(b + 4, (uint32_t)(x >> 32));
}

static inline void hull_store_be16(void *to, uint16_t x)
{
    uint8_t *b = to;
    b[0] = (uint8_t)(x >> 8);
    b[1] = (uint8_t)x;
}

static inline void hull_store_be32(void *to, uint32_t x)
{
    uint8_t *b = to;
    b[0] = (uint8_t)(x >> 24);
    b[1] = (uint8_t)(x >> 16);
    b[2] = (uint8_t)(x >> 8);
    b[3] = (uint8_t)x;
}

static inline void hull_store_be64(void *to, uint64_t x)
{
    uint8_t *b = to;
    hull_store_be32(b, (uint32_t)(x >> 32));
    hull_store_be32(b + 4, (uint32_t)x);
}

#endif
