// SPDX-License-Identifier: Apache-2.0
// Page tables at work: fresh pages, and pages whose rights change while they are in use.
#define _GNU_SOURCE
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { PAGE = 4096, AREA = 32 << 20 };

int bench_pages(struct bench *b)
{
    uint64_t rounds = bench_count(b, 5), sum = 0;
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        char *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (area == MAP_FAILED) {
            return bench_fail(b, "memory");
        }
        madvise(area, AREA, MADV_NOHUGEPAGE);
        for (size_t at = 0; at < AREA; at += PAGE) {
            sum += (uint64_t)(++area[at]);
        }
        munmap(area, AREA);
    }
    bench_stop(b);
    bench_check(b, sum);
    return 0;
}

int bench_mprotect(struct bench *b)
{
    enum { PAGES = 64 };
    uint64_t rounds = bench_count(b, 300), sum = 0;
    volatile char *area =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED) {
        return bench_fail(b, "memory");
    }
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < PAGES; i++) {
            void *page = (void *)(area + i * PAGE);
            area[i * PAGE] = (char)round;
            if (mprotect(page, PAGE, PROT_READ) != 0) {
                return bench_fail(b, "mprotect");
            }
            sum += (uint64_t)(area[i * PAGE] & 0x7f);
            if (mprotect(page, PAGE, PROT_READ | PROT_WRITE) != 0) {
                return bench_fail(b, "mprotect");
            }
        }
    }
    bench_stop(b);
    bench_check(b, sum);
    return 0;
}
