// SPDX-License-Identifier: Apache-2.0
// The Debug Console: writing, reading, addresses that are no memory.
// run: qemu=no input=hello
#include "sbi.h"

static void writing(void)
{
    static const char text[] = "# from the debug console\n";
    struct sbi_ret r = SBI3(SBI_DBCN, 0, sizeof(text) - 1, (uint64_t)text, 0);

    EQ(r.error, SBI_OK);
    EQ(r.value, sizeof(text) - 1);
    r = SBI3(SBI_DBCN, 0, 0, (uint64_t)text, 0);
    EQ(r.error, SBI_OK);
    EQ(r.value, 0);
    EQ(SBI1(SBI_DBCN, 2, '#').error, SBI_OK);
    EQ(SBI1(SBI_DBCN, 2, 0xffffff00 | '\n').error, SBI_OK); // the low byte counts
}

static void errors(void)
{
    static char buffer[16];

    for (unsigned fid = 0; fid < 2; fid++) {
        EQ(SBI3(SBI_DBCN, fid, 4, 0x40000000, 0).error, SBI_INVALID_PARAM);
        EQ(SBI3(SBI_DBCN, fid, 4, (uint64_t)buffer, 1).error, SBI_INVALID_PARAM);
        EQ(SBI3(SBI_DBCN, fid, 4, -2ul, 0).error, SBI_INVALID_PARAM);
        EQ(SBI3(SBI_DBCN, fid, -1ul, (uint64_t)buffer, 0).error, SBI_INVALID_PARAM);
        EQ(SBI3(SBI_DBCN, fid, 4, UART, 0).error, SBI_INVALID_PARAM);
        EQ(SBI3(SBI_DBCN, fid, 1ul << 40, (uint64_t)buffer, 0).error, SBI_INVALID_PARAM);
    }
}

static void reading(void)
{
    static char buffer[16];
    uint64_t end = rt_time() + 5000 * RT_MS, n = 0;

    while (n < 5 && rt_time() < end) {
        struct sbi_ret r = SBI3(SBI_DBCN, 1, sizeof(buffer) - n, (uint64_t)buffer + n, 0);

        EQ(r.error, SBI_OK);
        n += r.value;
    }
    EQ(n, 5);
    EQ(memcmp(buffer, "hello", 5), 0);
    EQ(SBI3(SBI_DBCN, 1, sizeof(buffer), (uint64_t)buffer, 0).value,
       0); // nothing more: it does not wait
}

const struct rt_case rt_cases[] = {
    {"writing", writing}, {"errors", errors}, {"reading", reading}, {0}};
