// SPDX-License-Identifier: Apache-2.0
// Processes: made by fork, with memory of their own that has to be copied when written, and by
// vfork and exec; and two of them, or two threads, taking turns.
#define _GNU_SOURCE
#include "bench.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int bench_fork(struct bench *b)
{
    enum { MEMORY = 1 << 20 };
    uint64_t forks = bench_count(b, 400), sum = 0;
    char *memory = malloc(MEMORY);
    if (!memory) {
        return bench_fail(b, "memory");
    }
    memset(memory, 1, MEMORY);
    bench_start(b);
    for (uint64_t i = 0; i < forks; i++) {
        int status = 0;
        pid_t child = fork();
        if (child == 0) {
            for (size_t at = 0; at < MEMORY; at += 64 << 10) {
                memory[at]++;
            }
            _exit((int)(i & 63));
        }
        if (child < 0 || waitpid(child, &status, 0) != child) {
            return bench_fail(b, "fork");
        }
        sum += (uint64_t)WEXITSTATUS(status);
    }
    bench_stop(b);
    bench_check(b, sum);
    free(memory);
    return 0;
}

int bench_vfork_exec(struct bench *b)
{
    uint64_t runs = bench_count(b, 200), good = 0;
    bench_start(b);
    for (uint64_t i = 0; i < runs; i++) {
        int status = -1;
        pid_t child = vfork();
        if (child == 0) {
            execl("/proc/self/exe", "bench", "--exit", (char *)NULL);
            _exit(127);
        }
        if (child < 0 || waitpid(child, &status, 0) != child) {
            return bench_fail(b, "vfork");
        }
        good += status == 0;
    }
    bench_stop(b);
    bench_check(b, good);
    return 0;
}

static int echo_bytes(int from, int to)
{
    unsigned char byte;
    while (read(from, &byte, 1) == 1) {
        byte++;
        if (write(to, &byte, 1) != 1) {
            return 1;
        }
    }
    return 0;
}

int bench_pipe(struct bench *b)
{
    uint64_t rounds = bench_count(b, 20000);
    int to[2], from[2], status;
    unsigned char byte = 0;
    if (pipe(to) != 0 || pipe(from) != 0) {
        return bench_fail(b, "pipe");
    }
    pid_t child = fork();
    if (child == 0) {
        close(to[1]);
        _exit(echo_bytes(to[0], from[1]));
    }
    bench_start(b);
    for (uint64_t i = 0; i < rounds; i++) {
        if (write(to[1], &byte, 1) != 1 || read(from[0], &byte, 1) != 1) {
            return bench_fail(b, "pipe");
        }
    }
    bench_stop(b);
    close(to[1]);
    waitpid(child, &status, 0);
    bench_check(b, byte);
    return 0;
}

// Processes in a ring: each waits for a number, adds what it finds in pages of its own, and passes it on.
enum { RING = 6, RING_PAGES = 64, PAGE = 4096 };

static int ring_turns(int from, int to, volatile uint64_t *pages)
{
    uint64_t sum;
    while (read(from, &sum, sizeof(sum)) == sizeof(sum)) {
        for (size_t i = 0; i < RING_PAGES; i++) {
            sum += pages[i * (PAGE / sizeof(*pages))]++;
        }
        if (write(to, &sum, sizeof(sum)) != sizeof(sum)) {
            return 1;
        }
    }
    return 0;
}

// Forked from one process, so their pages lie at the same addresses.
// The ring ends when the first process closes `start`, which nobody else may hold then.
static int ring_start(struct bench *b, int start, int from, volatile uint64_t *pages,
                      unsigned number)
{
    int link[2];
    if (pipe(link) != 0) {
        return bench_fail(b, "pipe");
    }
    pid_t child = fork();
    if (child < 0) {
        return bench_fail(b, "fork");
    }
    if (child == 0) {
        close(start);
        close(link[0]);
        for (size_t i = 0; i < RING_PAGES; i++) {
            pages[i * (PAGE / sizeof(*pages))] = number * i;
        }
        _exit(ring_turns(from, link[1], pages));
    }
    close(link[1]);
    close(from);
    return link[0];
}

int bench_ring(struct bench *b)
{
    uint64_t rounds = bench_count(b, 4000), sum = 0;
    volatile uint64_t *pages = aligned_alloc(PAGE, RING_PAGES * PAGE);
    int first[2], last;
    if (!pages || pipe(first) != 0) {
        return bench_fail(b, "memory");
    }
    last = first[0];
    for (unsigned i = 0; i < RING && last >= 0; i++) {
        last = ring_start(b, first[1], last, pages, i + 1);
    }
    if (last < 0) {
        return -1;
    }
    bench_start(b);
    for (uint64_t i = 0; i < rounds; i++) {
        if (write(first[1], &sum, sizeof(sum)) != sizeof(sum) ||
            read(last, &sum, sizeof(sum)) != sizeof(sum)) {
            return bench_fail(b, "pipe");
        }
    }
    bench_stop(b);
    bench_check(b, sum);
    close(first[1]);
    while (wait(NULL) > 0) {
    }
    close(last);
    return 0;
}

// Threads that hand a word to each other by futex.
struct turns {
    atomic_uint turn;
    uint64_t rounds;
};

static void futex(atomic_uint *word, int operation, unsigned value)
{
    syscall(SYS_futex, word, operation, value, NULL, NULL, 0);
}

static void take_turns(struct turns *t, unsigned mine)
{
    for (uint64_t i = 0; i < t->rounds; i++) {
        unsigned now;
        while (((now = atomic_load(&t->turn)) & 1) != mine) {
            futex(&t->turn, FUTEX_WAIT_PRIVATE, now);
        }
        atomic_store(&t->turn, now + 1);
        futex(&t->turn, FUTEX_WAKE_PRIVATE, 1);
    }
}

static void *second_thread(void *argument)
{
    take_turns(argument, 1);
    return NULL;
}

int bench_switches(struct bench *b)
{
    struct turns t = {.rounds = bench_count(b, 20000)};
    pthread_t thread;
    bench_start(b);
    if (pthread_create(&thread, NULL, second_thread, &t) != 0) {
        return bench_fail(b, "thread");
    }
    take_turns(&t, 0);
    pthread_join(thread, NULL);
    bench_stop(b);
    bench_check(b, atomic_load(&t.turn));
    return 0;
}
