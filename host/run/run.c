// SPDX-License-Identifier: Apache-2.0
// hull run: puts a VM together from its spec, runs it, and takes it apart again.
#include "host/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/run/hosted_vm.h"

// What fails before there is a VM has said so itself; these have not.
static int fail(const char *what, int err)
{
    if (err)
        fprintf(stderr, "hull: %s: %s\n", what, hull_strerror(err));
    return err;
}

static void timer_ready(void *ctx, short revents)
{
    struct hosted_vm *h = ctx;

    (void)revents;
    hull_timers_run(&h->host.timers);
}

static void timers_watch(struct hosted_vm *h)
{
    h->timer_source = (struct loop_source){
        .fd = h->host.timers.fd, .events = POLLIN, .ready = timer_ready, .ctx = h};
    hull_loop_add(&h->loop, &h->timer_source);
}

static int ram_make(struct hosted_vm *h)
{
    h->ram = hull_host_ram_map(h->spec->memory);
    if (!h->ram) {
        fprintf(stderr, "hull: no address space for %llu MiB of guest memory\n",
                (unsigned long long)(h->spec->memory >> 20));
        return -HULL_ENOMEM;
    }
    return fail("guest memory", hull_memory_add(&h->vm.memory, riscv_board_ram_base(h->spec),
                                                h->spec->memory, h->ram));
}

static int vm_make(struct hosted_vm *h)
{
    struct vm_owner owner = hull_hosted_owner(h);
    int err = hull_vm_init(&h->vm, &h->host.env, &owner, hull_hosted_engine(h->spec->engine),
                           h->spec->cpus);

    if (err)
        return fail("the virtual CPUs", err);
    h->vm_made = true;
    for (unsigned i = 0; i < h->vm.vcpu_count; i++)
        h->vm.vcpus[i].host_data = &h->vcpus[i];
    return ram_make(h);
}

static int board_make(struct hosted_vm *h)
{
    struct board_images images;
    int err;

    hull_images_describe(&h->images, &images);
    h->backends.uart = hull_console_uart_backend(h->console);
    h->backends.console = hull_console_virtio_backend(h->console);
    err = riscv_board_create(&h->board, &h->vm, h->spec, &images, &h->backends);
    if (err) {
        fprintf(stderr, "hull: %s\n", h->board.message[0] ? h->board.message : hull_strerror(err));
        return err;
    }
    h->board_made = true;
    hull_console_attach(h->console, h->board.uart, h->board.console);
    hull_hosted_backends_attach(h);
    return 0;
}

// Everything up to the point where the guest could run.
static int hosted_open(struct hosted_vm *h)
{
    struct console_owner owner = hull_hosted_console_owner(h);
    int err = hull_images_open(&h->images, &h->spec->boot, h->spec->memory);

    if (!err)
        err = hull_console_create(&h->console, &h->host, &h->loop, h->spec, &owner);
    if (!err)
        err = hull_hosted_backends_open(h);
    if (!err)
        err = vm_make(h);
    if (!err)
        err = board_make(h);
    if (!err)
        err = hull_hosted_monitor_open(h);
    if (!err)
        err = hull_host_watch_open(&h->watch, &h->vm, h->options, &h->spec->boot);
    hull_images_drop(&h->images);
    return err;
}

static void hosted_run(struct hosted_vm *h)
{
    void *altstack = hull_terminal_altstack();

    if (!h->options->quiet && h->console->terminal.is_tty)
        fprintf(stderr, "hull: Ctrl-A x quits, Ctrl-A h helps\n");
    hull_console_start(h->console);
    malloc_trim(0);
    h->start_ns = hull_clock_monotonic_ns();
    hull_hosted_engine_start(h);
    if (hull_hosted_vcpus_start(h) == 0)
        hull_loop_run(&h->loop);
    else
        h->exit_code = HULL_EXIT_HOST;
    hull_hosted_engine_stop(h);
    hull_vm_end(&h->vm);
    hull_hosted_vcpus_join(h);
    hull_hosted_backends_drain(h);
    hull_console_stop(h->console);
    hull_terminal_altstack_free(altstack);
}

static void stats_to_stderr(void *ctx, const char *text)
{
    (void)ctx;
    fprintf(stderr, "hull: %s", text);
}

// In the reverse order; copes with whatever hosted_open() got to.
static void hosted_close(struct hosted_vm *h)
{
    hull_hosted_monitor_close(h);
    if (h->console)
        hull_console_detach(h->console);
    hull_hosted_backends_detach(h);
    if (h->board_made)
        riscv_board_destroy(&h->board);
    if (h->vm_made)
        hull_vm_fini(&h->vm);
    hull_host_watch_close(&h->watch);
    hull_host_ram_unmap(h->ram, h->spec->memory);
    hull_hosted_backends_close(h);
    hull_console_destroy(h->console);
    hull_images_close(&h->images);
}

// With the environment and the loop there.
static int hosted_main(struct hosted_vm *h)
{
    int err = fail("signals", hull_hosted_signals_open(h));

    timers_watch(h);
    hull_blk_pool_init(&h->pool);
    if (!err)
        err = hosted_open(h);
    if (!err)
        hosted_run(h);
    else
        h->exit_code = HULL_EXIT_HOST;
    if (!err && h->options->stats)
        hull_hosted_stats(h, stats_to_stderr, NULL);
    if (!err)
        hull_host_watch_write(&h->watch);
    hosted_close(h);
    hull_blk_pool_fini(&h->pool);
    hull_hosted_signals_close(h);
    hull_loop_remove(&h->loop, &h->timer_source);
    return h->exit_code;
}

static int environment_fail(const char *file)
{
    fprintf(stderr, "hull: can't start%s%s: %s\n", file ? " with the log file " : "",
            file ? file : "", strerror(errno));
    return HULL_EXIT_HOST;
}

// A file that we open must not become the guest's terminal, which it would as descriptor 0 or 1.
static void standard_streams_open(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
            return;
}

int hull_run_vm(const struct vm_spec *spec, const struct run_options *options)
{
    struct hosted_vm *h;
    int code;

    standard_streams_open();
    // One heap for all threads: they allocate next to nothing, and each heap costs memory.
    mallopt(M_ARENA_MAX, 1);
    h = calloc(1, sizeof(*h));
    if (!h)
        return environment_fail(NULL);
    h->spec = spec;
    h->options = options;
    h->images.kernel.fd = h->images.initrd.fd = h->images.firmware.fd = -1;
    if (hull_host_env_init(&h->host, options->log_level, options->log_file) < 0) {
        free(h);
        return environment_fail(options->log_file);
    }
    if (hull_loop_init(&h->loop) < 0) {
        code = environment_fail(NULL);
    } else {
        code = hosted_main(h);
        hull_loop_fini(&h->loop);
    }
    hull_host_env_fini(&h->host);
    free(h);
    return code;
}
