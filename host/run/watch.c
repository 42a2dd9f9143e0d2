// SPDX-License-Identifier: Apache-2.0
// See watch.h.
#include "host/run/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/jit/jit.h"
#include "engine/jit/watch.h"

static int complain(const char *option, const char *file, int err)
{
    fprintf(stderr, "hull: %s: %s: %s\n", option, file,
            err == -HULL_EIO       ? strerror(errno)
            : err == -HULL_EFORMAT ? "neither an ELF file for riscv64 nor a list of symbols"
                                   : hull_strerror(err));
    return err;
}

static const char *symbol_at(void *ctx, uint64_t address, uint64_t *start)
{
    return hull_symbols_find(ctx, address, start);
}

// The images' own, where they are ELF files that have some, and those that the user names.
static int load_symbols(struct host_watch *w, const struct run_options *options,
                        const struct boot_spec *boot)
{
    const char *images[] = {boot->kernel, boot->firmware};

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(images); i++)
        if (images[i] && hull_symbols_load(&w->symbols, images[i]) == -HULL_ENOMEM)
            return complain("symbols", images[i], -HULL_ENOMEM);
    for (unsigned i = 0; i < options->symbol_file_count; i++) {
        int err = hull_symbols_load(&w->symbols, options->symbol_files[i]);

        if (err)
            return complain("--symbols", options->symbol_files[i], err);
    }
    return 0;
}

static int open_file(FILE **file, const char *path, const char *option)
{
    *file = fopen(path, "we");
    return *file ? 0 : complain(option, path, -HULL_EIO);
}

static int open_map(struct host_watch *w)
{
    char path[64];

    snprintf(path, sizeof(path), "/tmp/perf-%ld.map", (long)getpid());
    // Whoever may write there could have put a link in the way.
    unlink(path);
    w->map = fopen(path, "wxe");
    if (!w->map)
        return complain("--perf-map", path, -HULL_EIO);
    setvbuf(w->map, NULL, _IOLBF, 0);
    return 0;
}

int hull_host_watch_open(struct host_watch *w, struct vm *vm, const struct run_options *options,
                         const struct boot_spec *boot)
{
    struct jit_watch_options watch = {.trace = options->trace_file,
                                      .regions = options->trace_regions,
                                      .symbol = symbol_at,
                                      .ctx = &w->symbols};
    int err;

    if (!options->trace_file && !options->perf_map)
        return 0;
    if (vm->engine != &jit_engine && !options->quiet)
        fprintf(stderr, "hull: nothing is translated by the engine %s: see --engine jit\n",
                vm->engine->name);
    w->trace_file = options->trace_file;
    err = load_symbols(w, options, boot);
    if (!err && options->trace_file)
        err = open_file(&w->trace, options->trace_file, "--trace");
    if (!err && options->perf_map)
        err = open_map(w);
    if (err)
        return err;
    watch.map = w->map;
    w->watch = jit_watch_create(vm, &watch);
    return w->watch ? 0 : complain("--trace", "watching", -HULL_ENOMEM);
}

bool hull_host_watch_write(struct host_watch *w)
{
    if (!w->watch || !w->trace)
        return false;
    rewind(w->trace);
    if (ftruncate(fileno(w->trace), 0) < 0 && errno != EINVAL) // a pipe is no file
        complain("--trace", w->trace_file, -HULL_EIO);
    jit_watch_print(w->watch, w->trace);
    if (fflush(w->trace) == EOF)
        complain("--trace", w->trace_file, -HULL_EIO);
    return true;
}

void hull_host_watch_close(struct host_watch *w)
{
    jit_watch_destroy(w->watch);
    if (w->trace)
        fclose(w->trace);
    if (w->map)
        fclose(w->map);
    hull_symbols_free(&w->symbols);
    *w = (struct host_watch){0};
}
