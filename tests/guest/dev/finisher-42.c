// SPDX-License-Identifier: Apache-2.0
// The finisher's failure code 42 becomes the exit code 42 of hull.
// run: expect=42 qemu=no
#include "rt.h"

static void fail(void)
{
    wr32(FINISHER, 42u << 16 | 0x3333);
    for (;;)
        ;
}

const struct rt_case rt_cases[] = {{"fail", fail}, {0}};
