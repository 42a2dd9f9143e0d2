// SPDX-License-Identifier: Apache-2.0
// CRC-32 a byte at a time by table: a chain of dependent loads.
#include "bench.h"

static void make_table(uint32_t *table)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) {
            c = c & 1 ? c >> 1 ^ 0xedb88320 : c >> 1;
        }
        table[i] = c;
    }
}

int bench_crc32(struct bench *b)
{
    static uint32_t table[256];
    static uint8_t data[65536];
    uint64_t state = 7, rounds = bench_count(b, 600);
    uint32_t crc = 0xffffffff;
    make_table(table);
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)bench_random(&state);
    }
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < sizeof(data); i++) {
            crc = table[(crc ^ data[i]) & 0xff] ^ crc >> 8;
        }
    }
    bench_stop(b);
    bench_check(b, crc);
    return 0;
}
