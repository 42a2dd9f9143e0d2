// SPDX-License-Identifier: Apache-2.0
// Memory latency: a random cycle of pointers through 16 MiB, and single words from more pages than
// any TLB holds.
#include "bench.h"

#include <stdlib.h>
#include <sys/mman.h>

enum { CELLS = 16 << 20 >> 3, PAGES = 16384, PAGE = 4096 };

// A permutation that is one single cycle (Sattolo).
static void make_cycle(uint64_t *next, uint64_t count)
{
    uint64_t state = 17;
    for (uint64_t i = 0; i < count; i++) {
        next[i] = i;
    }
    for (uint64_t i = count - 1; i > 0; i--) {
        uint64_t j = bench_random(&state) % i, t = next[i];
        next[i] = next[j];
        next[j] = t;
    }
}

int bench_chase(struct bench *b)
{
    uint64_t steps = bench_count(b, 600000), at = 0;
    uint64_t *next = malloc(CELLS * sizeof(*next));
    if (!next) {
        return bench_fail(b, "memory");
    }
    make_cycle(next, CELLS);
    bench_start(b);
    for (uint64_t i = 0; i < steps; i++) {
        at = next[at];
    }
    bench_stop(b);
    bench_check(b, at);
    free(next);
    return 0;
}

int bench_tlb(struct bench *b)
{
    uint64_t rounds = bench_count(b, 200), sum = 0;
    uint8_t *memory = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        return bench_fail(b, "memory");
    }
    // Small pages on every machine.
    madvise(memory, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < PAGES; i++) {
        memory[i * PAGE + i % 61 * 64] = (uint8_t)i;
    }
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        for (size_t i = 0; i < PAGES; i++) {
            size_t page = i * 5003 % PAGES;
            sum += memory[page * PAGE + page % 61 * 64]++;
        }
    }
    bench_stop(b);
    bench_check(b, sum);
    munmap(memory, (size_t)PAGES * PAGE);
    return 0;
}
