// SPDX-License-Identifier: Apache-2.0
// `hull dtb`: the device tree that a guest would get, as a blob or as source.
#include <errno.h>
#include <lib/fdt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "guest/riscv/board.h"
#include "host/cli/cli.h"

// The blob, to be freed, and its size; NULL with the error in *size. The seed for the guest's random
// numbers is left out: the same options print the same tree.
static void *make_tree(const struct vm_spec *spec, int *size)
{
    const struct riscv_isa isa = riscv_board_isa(spec);
    void *blob = malloc(BOARD_FDT_MAX);
    *size = blob ? riscv_board_fdt(spec, &isa, 0, 0, NULL, blob, BOARD_FDT_MAX) : -HULL_ENOMEM;
    if (*size >= 0)
        return blob;
    free(blob);
    return NULL;
}

static void write_text(void *context, const char *text, size_t length)
{
    fwrite(text, 1, length, context);
}

static bool write_tree(const void *blob, int size, bool dts, FILE *to)
{
    struct fdt_view view;
    if (!dts)
        fwrite(blob, 1, (size_t)size, to);
    else if (hull_fdt_open(&view, blob, (size_t)size) || hull_fdt_print_dts(&view, write_text, to))
        return false;
    return fflush(to) == 0 && !ferror(to);
}

static int output_tree(const struct cli_vm *vm, const void *blob, int size)
{
    FILE *to = vm->output ? fopen(vm->output, "wbe") : stdout;
    const char *name = vm->output ? vm->output : "stdout";
    if (!to) {
        hull_cli_error("%s: %s", name, strerror(errno));
        return HULL_EXIT_HOST;
    }
    bool written = write_tree(blob, size, vm->dts, to);
    if (to != stdout)
        written = fclose(to) == 0 && written;
    if (!written)
        hull_cli_error("%s: cannot be written", name);
    return written ? HULL_EXIT_OK : HULL_EXIT_HOST;
}

int hull_cli_dtb(const struct cli_args *args)
{
    struct cli_vm vm;
    int code = HULL_EXIT_USAGE, size = 0;
    void *blob = NULL;
    if (!hull_cli_vm_build(args, &vm, false))
        goto out;
    if (!vm.dts && !vm.output && isatty(STDOUT_FILENO)) {
        code = hull_cli_usage_error(args->command,
                                    "a device tree blob is nothing for a terminal: use --dts, or "
                                    "-o FILE");
        goto out;
    }
    blob = make_tree(&vm.config.spec, &size);
    if (blob) {
        code = output_tree(&vm, blob, size);
    } else {
        hull_cli_error("cannot make the device tree: %s", hull_strerror(size));
        code = HULL_EXIT_HOST;
    }
out:
    free(blob);
    hull_config_free(&vm.config);
    return code;
}
