// SPDX-License-Identifier: Apache-2.0
// HTIF: text by system call and by the console device, and a verdict that becomes the exit code.
// run: expect=7 qemu=no
#include "rt.h"

extern volatile uint64_t tohost, fromhost;

static uint64_t call(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    static volatile uint64_t block[8] __attribute__((aligned(64)));

    block[0] = number;
    block[1] = a;
    block[2] = b;
    block[3] = c;
    rt_fence();
    tohost = (uint64_t)block;
    while (!fromhost)
        ;
    fromhost = 0;
    return block[0];
}

static void verdict(void)
{
    static const char text[] = "ok written-by-system-call\n", more[] = "ok written-by-device\n";

    EQ(call(64, 1, (uint64_t)text, sizeof(text) - 1), sizeof(text) - 1);
    CHECK((int64_t)call(64, 1, 0x40000000, 10) < 0); // no memory there
    CHECK((int64_t)call(9999, 0, 0, 0) < 0);
    for (unsigned i = 0; i < sizeof(more) - 1; i++) {
        while (tohost)
            ;
        tohost = 1ul << 56 | 1ul << 48 | (uint8_t)more[i];
    }
    tohost = 7 << 1 | 1;
    for (;;)
        ;
}

const struct rt_case rt_cases[] = {{"verdict", verdict}, {0}};
