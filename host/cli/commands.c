// SPDX-License-Identifier: Apache-2.0
// The table of commands, and the short ones: version, help, run, check. `dtb` and `image` have
// files of their own.
#include <string.h>
#include <unistd.h>

#include <hull/bundle.h>

#include "host/cli/cli.h"

const struct cli_command hull_cli_commands[] = {
    {"run", "[NAME|FILE.json]", "run a virtual machine",
     "Runs the VM that an image (NAME), a JSON file or the options describe, until the guest powers\n"
     "off. Options win over the file. Without any of these, the image 'mini' is run.\n"
     "In the console, Ctrl-A h lists the keys; Ctrl-A x quits.",
     CLI_USE_VM | CLI_USE_RUN, 0, 1, hull_cli_run, NULL},
    {"check", "NAME|FILE.json", "say what is wrong with a VM's description, or what it describes",
     "Faults are printed as FILE:LINE:COLUMN: FIELD: REASON, one a line.", 0, 1, 1, hull_cli_check,
     NULL},
    {"dtb", "[NAME|FILE.json]", "print the device tree that a guest gets",
     "The description is given as for 'hull run', but no file that it names is opened, and the\n"
     "place of an initial RAM disk is left out: it is known only when the VM starts.",
     CLI_USE_VM | CLI_USE_DTB, 0, 1, hull_cli_dtb, NULL},
    {"pack", "BUNDLE [BOARD.json VM.json...]", "make a bundle for bare metal, or look into one",
     "Puts a board's description, VMs (the same files as for 'hull run') and their images into one\n"
     "file, which hull-metal gets as its initrd. Everything is checked first, also whether the VMs\n"
     "fit onto the board and go together; faults are printed as FILE:LINE:COLUMN: FIELD: REASON.\n"
     "With --list or --check, BUNDLE is one that is there already.",
     CLI_USE_PACK, 1, 2 + HULL_BUNDLE_VMS_MAX, hull_cli_pack, NULL},
    {"image", "list|pull|path|rm|clean …", "make and remove guest images",
     "  list          what there is to pull, and what is here already\n"
     "  pull NAME     make an image; --fresh makes it anew\n"
     "  path NAME     print an image's folder\n"
     "  rm NAME       remove an image, with everything written to its disk\n"
     "  clean         remove fetched packages and half-made images\n"
     "Images are kept in $HULL_CACHE, by default ~/.cache/hull.",
     0, 0, 0, NULL, hull_cli_image},
    {"version", "", "print the version", "Prints the program's name and version.", 0, 0, 0,
     hull_cli_version, NULL},
    {"help", "[COMMAND]", "print help", "Prints what a command does and its options.", 0, 0, 1,
     hull_cli_help, NULL},
    {NULL, NULL, NULL, NULL, 0, 0, 0, NULL, NULL},
};

int hull_cli_run(const struct cli_args *args)
{
    struct cli_vm vm;
    int code = HULL_EXIT_USAGE;
    if (hull_cli_vm_build(args, &vm, true))
        code = hull_run_vm(&vm.config.spec, &vm.run);
    hull_config_free(&vm.config);
    return code;
}

int hull_cli_check(const struct cli_args *args)
{
    struct vm_config config;
    struct config_reason why;
    int code = HULL_EXIT_USAGE;
    hull_config_init(&config);
    const char *own = config.spec.name;
    const char *file = hull_cli_target(&config.pool, args->operands[0], &why);
    if (!file) {
        hull_cli_error("%s", why.text);
    } else {
        int broken = hull_config_load(&config, file);
        if (config.spec.name == own)
            hull_cli_target_name(&config, args->operands[0]);
        // A file that can't be read as a description says nothing about other files.
        if ((!broken || config.text) && !hull_config_check(&config, true) && !broken) {
            hull_cli_describe(&config.spec, stdout);
            code = HULL_EXIT_OK;
        }
    }
    hull_config_print_faults(&config, stderr, "");
    hull_config_free(&config);
    return code;
}

int hull_cli_version(const struct cli_args *args)
{
    (void)args;
    printf("hull " HULL_VERSION "\n");
    return HULL_EXIT_OK;
}

int hull_cli_help(const struct cli_args *args)
{
    if (!args->operand_count) {
        hull_cli_help_program(stdout);
        return HULL_EXIT_OK;
    }
    const struct cli_command *command = hull_cli_command(args->operands[0]);
    if (!command)
        return HULL_EXIT_USAGE;
    hull_cli_help_command(command, stdout);
    return HULL_EXIT_OK;
}
