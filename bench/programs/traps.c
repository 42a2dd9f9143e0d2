// SPDX-License-Identifier: Apache-2.0
// The shortest ways into the kernel and back: system calls, signals.
#include "bench.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

int bench_getppid(struct bench *b)
{
    uint64_t calls = bench_count(b, 1000000), same = 0;
    long parent = getppid();
    bench_start(b);
    for (uint64_t i = 0; i < calls; i++) {
        same += syscall(SYS_getppid) == parent;
    }
    bench_stop(b);
    bench_check(b, same);
    return 0;
}

static volatile sig_atomic_t delivered;

static void on_signal(int signal)
{
    delivered += signal == SIGUSR1;
}

int bench_signals(struct bench *b)
{
    uint64_t signals = bench_count(b, 60000);
    struct sigaction action = {.sa_handler = on_signal};
    if (sigaction(SIGUSR1, &action, NULL) != 0) {
        return bench_fail(b, "sigaction");
    }
    bench_start(b);
    for (uint64_t i = 0; i < signals; i++) {
        raise(SIGUSR1);
    }
    bench_stop(b);
    bench_check(b, (uint64_t)delivered);
    return 0;
}
