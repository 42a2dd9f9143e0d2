// SPDX-License-Identifier: Apache-2.0
// Counters of a run: time, instructions, sleeps, memory.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/run/hosted_vm.h"

// Bytes of [p, p + len) that are backed by memory.
static uint64_t resident_bytes(const uint8_t *p, uint64_t len)
{
    unsigned char pages[4096];
    uint64_t count = 0, step = sizeof(pages) * HULL_PAGE_SIZE;

    for (uint64_t at = 0; at < len; at += step) {
        uint64_t n = len - at < step ? len - at : step;

        if (mincore((void *)(p + at), n, pages) < 0)
            return 0;
        for (uint64_t i = 0; i < n / HULL_PAGE_SIZE; i++)
            count += pages[i] & 1;
    }
    return count * HULL_PAGE_SIZE;
}

static uint64_t resident_total(void)
{
    char text[128] = "";
    unsigned long long size, resident = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return 0;
    if (read(fd, text, sizeof(text) - 1) <= 0 || sscanf(text, "%llu %llu", &size, &resident) != 2)
        resident = 0;
    close(fd);
    return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void vcpu_stats(struct hosted_vm *h, unsigned i, double seconds, stats_print *print,
                       void *ctx)
{
    const struct vcpu *vcpu = &h->vm.vcpus[i];
    struct vcpu_counts n;
    char text[256];

    hull_vcpu_count(vcpu, &n);
    snprintf(text, sizeof(text), "cpu%-2u  %14llu instructions, %8.1f MIPS, slept %llu times\n", i,
             (unsigned long long)n.instret, seconds > 0 ? (double)n.instret / seconds / 1e6 : 0.0,
             (unsigned long long)atomic_load(&h->vcpus[i].sleeps));
    print(ctx, text);
    snprintf(text, sizeof(text),
             "       left the guest for %llu SBI calls, %llu wfi, %llu requests for attention\n",
             (unsigned long long)atomic_load(&vcpu->exits[VCPU_EXIT_SBI]),
             (unsigned long long)atomic_load(&vcpu->exits[VCPU_EXIT_WFI]),
             (unsigned long long)n.attentions);
    print(ctx, text);
    snprintf(text, sizeof(text), "       took %llu exceptions, %llu interrupts\n",
             (unsigned long long)n.exceptions, (unsigned long long)n.interrupts);
    print(ctx, text);
    snprintf(text, sizeof(text),
             "       %llu data accesses missed the TLB and filled %llu entries; %llu entries for "
             "code; %llu accesses of devices\n",
             (unsigned long long)n.data_misses, (unsigned long long)n.data_fills,
             (unsigned long long)n.code_fills, (unsigned long long)n.device_accesses);
    print(ctx, text);
}

void hull_hosted_stats(struct hosted_vm *h, stats_print *print, void *ctx)
{
    double seconds = (double)(hull_clock_monotonic_ns() - h->start_ns) / 1e9;
    uint64_t total = resident_total(), guest = resident_bytes(h->ram, h->spec->memory);
    struct timespec cpu;
    char text[160];

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    snprintf(text, sizeof(text), "time   %.3f s, %.3f s of CPU\n", seconds,
             (double)cpu.tv_sec + (double)cpu.tv_nsec / 1e9);
    print(ctx, text);
    snprintf(text, sizeof(text), "engine %s, changed %llu times\n", h->vm.engine->name,
             (unsigned long long)h->engine.changes);
    print(ctx, text);
    for (unsigned i = 0; i < h->vm.vcpu_count; i++)
        vcpu_stats(h, i, seconds, print, ctx);
    if (h->vm.engine->report)
        h->vm.engine->report(&h->vm, print, ctx);
    snprintf(text, sizeof(text), "memory %llu KiB of the guest's RAM in use, %llu KiB beyond it\n",
             (unsigned long long)(guest >> 10),
             (unsigned long long)((total > guest ? total - guest : 0) >> 10));
    print(ctx, text);
}
