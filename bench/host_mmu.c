// SPDX-License-Identifier: Apache-2.0
// What it would cost to let the host's MMU translate guest addresses: pages of guest RAM (a memfd) mapped
// one by one where the guest has them, touched, and unmapped again. bench/host-mmu builds and runs it.
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGES = 30000, PAGE = 4096, STRIDE = 3 };

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

// Guest-physical pages are scattered: neighbours must not merge into one mapping.
static off_t scattered(unsigned i)
{
    return (off_t)((uint64_t)i * 7919 % PAGES) * PAGE;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

int main(void)
{
    int fd = memfd_create("ram", MFD_CLOEXEC);
    size_t space = (size_t)PAGES * STRIDE * PAGE;
    double start, mapped, touched, changed, unmapped;
    volatile uint8_t *at;
    uint8_t *ram;

    if (fd < 0 || ftruncate(fd, (off_t)PAGES * PAGE))
        fail("memfd");
    ram = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    at = mmap(NULL, space, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ram == MAP_FAILED || at == MAP_FAILED)
        fail("mmap");
    for (size_t i = 0; i < PAGES; i++)
        ram[i * PAGE] = 1; // there already, as the guest's RAM is

    start = now_ns();
    for (unsigned i = 0; i < PAGES; i++)
        if (mmap((void *)(at + (size_t)i * STRIDE * PAGE), PAGE, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_FIXED, fd, scattered(i)) == MAP_FAILED)
            fail("mmap of a page");
    mapped = now_ns();
    for (unsigned i = 0; i < PAGES; i++)
        at[(size_t)i * STRIDE * PAGE] = 2;
    touched = now_ns();
    for (unsigned i = 0; i < PAGES; i++)
        if (mprotect((void *)(at + (size_t)i * STRIDE * PAGE), PAGE, PROT_READ))
            fail("mprotect");
    changed = now_ns();
    if (munmap((void *)at, space))
        fail("munmap");
    unmapped = now_ns();

    printf("map a page                %7.0f ns\n", (mapped - start) / PAGES);
    printf("touch it for the first time %5.0f ns\n", (touched - mapped) / PAGES);
    printf("take write access away    %7.0f ns\n", (changed - touched) / PAGES);
    printf("unmap it (all at once)    %7.0f ns\n", (unmapped - changed) / PAGES);
    return 0;
}
