// SPDX-License-Identifier: Apache-2.0
// SRST: wrong requests are refused, a shutdown ends the run.
// run: expect=0 qemu=no
#include "sbi.h"

static void requests(void)
{
    EQ(SBI2(SBI_SRST, 0, 3, 0).error, SBI_INVALID_PARAM);
    EQ(SBI2(SBI_SRST, 0, 0, 2).error, SBI_INVALID_PARAM);
    EQ(SBI2(SBI_SRST, 0, 0xf0000000, 0).error, SBI_INVALID_PARAM);
    EQ(SBI2(SBI_SRST, 1, 0, 0).error, SBI_NOT_SUPPORTED);
    rt_printf("ok requests\n");
    SBI2(SBI_SRST, 0, 0, 0);
    rt_exit(50); // must not be reached
}

const struct rt_case rt_cases[] = {{"shutdown", requests}, {0}};
