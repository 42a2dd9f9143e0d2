// SPDX-License-Identifier: Apache-2.0
// The one program that holds all benchmarks: runs one by name, or times another program.
#define _GNU_SOURCE
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

double bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void bench_start(struct bench *b)
{
    b->started = bench_now();
}

void bench_stop(struct bench *b)
{
    b->seconds = bench_now() - b->started;
}

uint64_t bench_count(const struct bench *b, uint64_t usual)
{
    uint64_t count = usual * b->effort / 100;
    return count ? count : 1;
}

void bench_check(struct bench *b, uint64_t value)
{
    snprintf(b->check, sizeof(b->check), "%016llx", (unsigned long long)value);
}

void bench_check_double(struct bench *b, double value, int digits, uint64_t bits)
{
    snprintf(b->check, sizeof(b->check), "%.*e/%016llx", digits - 1, value,
             (unsigned long long)bits);
}

int bench_fail(const struct bench *b, const char *what)
{
    fprintf(stderr, "%s: %s: %s\n", b->name, what, strerror(errno));
    return -1;
}

const char *bench_setting(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value && *value ? value : otherwise;
}

static void print_result(const struct bench *b)
{
    printf("BENCH %s %.6f %s\n", b->name, b->seconds, b->check);
}

static int list_programs(void)
{
    for (const struct bench_program *p = bench_programs; p->name; p++) {
        printf("%s %s %d %s\n", p->name, p->group, p->harts, p->text);
    }
    return 0;
}

static int run_program(const char *name, const char *effort)
{
    struct bench b = {.name = name, .effort = effort ? (uint32_t)strtoul(effort, NULL, 10) : 100};
    for (const struct bench_program *p = bench_programs; p->name; p++) {
        if (strcmp(p->name, name) != 0) {
            continue;
        }
        if (p->run(&b) != 0) {
            return 1;
        }
        print_result(&b);
        return 0;
    }
    fprintf(stderr, "no program is called %s\n", name);
    return 2;
}

// The check value of a foreign program is its exit code and a hash of what it printed.
static uint64_t hash_file(int fd)
{
    unsigned char bytes[4096];
    uint64_t sum = 1;
    ssize_t got;
    lseek(fd, 0, SEEK_SET);
    while ((got = read(fd, bytes, sizeof(bytes))) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            sum = bench_mix(sum, bytes[i]);
        }
    }
    return sum;
}

static int time_command(const char *name, char **command)
{
    struct bench b = {.name = name};
    char file[] = "/tmp/bench-output-XXXXXX";
    int out = mkstemp(file);
    if (out < 0) {
        return bench_fail(&b, file);
    }
    unlink(file);
    bench_start(&b);
    pid_t child = fork();
    if (child == 0) {
        const char *root = getenv("BENCH_ROOT");
        if (root && (chroot(root) != 0 || chdir("/") != 0)) {
            _exit(126);
        }
        dup2(out, STDOUT_FILENO);
        execvp(command[0], command);
        _exit(127);
    }
    int status = -1;
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return bench_fail(&b, command[0]);
    }
    bench_stop(&b);
    if (status != 0) {
        fprintf(stderr, "%s: %s failed (status %x)\n", name, command[0], (unsigned)status);
        return 1;
    }
    bench_check(&b, hash_file(out));
    print_result(&b);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--exit") == 0) {
        return 0; // what vfork-exec executes
    }
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        return list_programs();
    }
    if (argc >= 4 && strcmp(argv[1], "--time") == 0) {
        return time_command(argv[2], argv + 3) ? 1 : 0;
    }
    if (argc == 2 || argc == 3) {
        return run_program(argv[1], argv[2]);
    }
    fprintf(stderr, "usage: %s --list | NAME [EFFORT] | --time NAME COMMAND...\n", argv[0]);
    return 2;
}
