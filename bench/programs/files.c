// SPDX-License-Identifier: Apache-2.0
// Files: small ones in memory, where the kernel's own code is all that counts, and a disk, read and
// written past the guest's page cache so that every request reaches the virtual device.
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int one_file(const char *path, unsigned char *bytes, size_t size, uint64_t *sum)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    struct stat info;
    if (fd < 0) {
        return -1;
    }
    bool good = write(fd, bytes, size) == (ssize_t)size && lseek(fd, 0, SEEK_SET) == 0 &&
                read(fd, bytes, size) == (ssize_t)size && fstat(fd, &info) == 0 &&
                (size_t)info.st_size == size;
    close(fd);
    *sum = bench_mix(*sum, bytes[size - 1]);
    return good && unlink(path) == 0 ? 0 : -1;
}

int bench_files(struct bench *b)
{
    uint64_t files = bench_count(b, 4000), sum = 0;
    static unsigned char bytes[6000];
    char path[256];
    bench_start(b);
    for (uint64_t i = 0; i < files; i++) {
        size_t size = (size_t)(i * 37 % sizeof(bytes)) + 1;
        bytes[size - 1] = (unsigned char)i;
        snprintf(path, sizeof(path), "%s/bench-file-%u", bench_setting("BENCH_TMP", "/tmp"),
                 (unsigned)(i % 50));
        if (one_file(path, bytes, size, &sum) != 0) {
            return bench_fail(b, path);
        }
    }
    bench_stop(b);
    bench_check(b, sum);
    return 0;
}

enum { CHUNK = 256 << 10, DISK = 64 << 20 };

// Natively the disk is a file in the page cache: the same thing as what the virtual disk stands on.
static int open_disk(struct bench *b, unsigned char **chunk)
{
    // Never a disk by default: it is overwritten.
    const char *path = bench_setting("BENCH_DISK", "BENCH_DISK");
    int direct = strncmp(path, "/dev/", 5) == 0 ? O_DIRECT : 0;
    int fd = open(path, O_RDWR | direct);
    if (fd < 0 || posix_memalign((void **)chunk, 4096, CHUNK) != 0) {
        bench_fail(b, path);
        return -1;
    }
    memset(*chunk, 0, CHUNK);
    return fd;
}

static int sweep(struct bench *b, bool writing)
{
    unsigned char *chunk;
    uint64_t rounds = bench_count(b, 3), sum = 0;
    int fd = open_disk(b, &chunk);
    if (fd < 0) {
        return -1;
    }
    bench_start(b);
    for (uint64_t round = 0; round < rounds; round++) {
        for (off_t at = 0; at < DISK; at += CHUNK) {
            chunk[0] = writing ? (unsigned char)(at / CHUNK) : chunk[0];
            ssize_t done = writing ? pwrite(fd, chunk, CHUNK, at) : pread(fd, chunk, CHUNK, at);
            if (done != CHUNK) {
                return bench_fail(b, writing ? "write" : "read");
            }
            sum = bench_mix(sum, chunk[0]);
        }
    }
    bench_stop(b);
    close(fd);
    free(chunk);
    bench_check(b, sum);
    return 0;
}

int bench_disk_write(struct bench *b)
{
    return sweep(b, true);
}

// After disk-write this finds what that wrote: the check value says whether all of it is there.
int bench_disk_read(struct bench *b)
{
    return sweep(b, false);
}

int bench_disk_random(struct bench *b)
{
    unsigned char *chunk;
    uint64_t reads = bench_count(b, 4000), state = 71, sum = 0;
    int fd = open_disk(b, &chunk);
    if (fd < 0) {
        return -1;
    }
    bench_start(b);
    for (uint64_t i = 0; i < reads; i++) {
        off_t at = (off_t)(bench_random(&state) % (DISK / 4096)) * 4096;
        if (pread(fd, chunk, 4096, at) != 4096) {
            return bench_fail(b, "read");
        }
        sum = bench_mix(sum, chunk[0]);
    }
    bench_stop(b);
    close(fd);
    free(chunk);
    bench_check(b, sum);
    return 0;
}
