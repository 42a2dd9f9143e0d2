// SPDX-License-Identifier: Apache-2.0
// The finisher's failure code 65535 becomes the exit code 123 of hull.
// run: expect=123 qemu=no
#include "rt.h"

static void fail(void)
{
    wr32(FINISHER, 65535u << 16 | 0x3333);
    for (;;)
        ;
}

const struct rt_case rt_cases[] = {{"fail", fail}, {0}};
