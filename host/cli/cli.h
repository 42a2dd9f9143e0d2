// SPDX-License-Identifier: Apache-2.0
// The command line: commands, their options, and what is shared between them.
#ifndef HOST_CLI_CLI_H
#define HOST_CLI_CLI_H

#include <stdbool.h>

#include "host/config/config.h"
#include "host/run/run.h"

// What the commands that take a VM's options collect.
struct cli_vm {
    struct vm_config config;
    struct run_options run;
    const char *output; // dtb -o
    bool dts;
    bool nets_replaced; // the first --net drops the file's
};

// Which commands an option belongs to; an option has at least one of its command's bits.
enum cli_use {
    CLI_USE_VM = 1,  // describes the VM
    CLI_USE_RUN = 2, // how `hull run` goes about it
    CLI_USE_DTB = 4,
    CLI_USE_ANY = 8, // every command
    CLI_USE_PACK = 16,
};

struct cli_option {
    const char *name;  // without the dashes
    char letter;       // '\0': none
    unsigned uses;     // enum cli_use
    const char *value; // what the help calls it; NULL: the option takes none
    const char *help;  // lines
    // False with *why filled. `vm` is NULL for commands without one. NULL: --help.
    bool (*apply)(struct cli_vm *vm, const char *value, struct config_reason *why);
};

extern const struct cli_option hull_cli_options[]; // ends with a NULL name

// One option as it was given.
struct cli_choice {
    const struct cli_option *option;
    const char *value;
};

struct cli_command;

struct cli_args {
    const struct cli_command *command;
    struct cli_choice *choices; // in their order
    unsigned choice_count;
    char **operands; // what isn't an option
    unsigned operand_count;
    bool help;
};

struct cli_command {
    const char *name;
    const char *operands; // for the synopsis: "[NAME|FILE.json]"
    const char *summary;
    const char *details; // a paragraph or two for its help
    unsigned uses;
    unsigned operand_min, operand_max;
    int (*run)(const struct cli_args *args); // returns the exit code
    int (*exec)(int argc, char **argv);      // instead of parsing: hands everything on
};

extern const struct cli_command hull_cli_commands[]; // ends with a NULL name

// The whole program. Returns the exit code.
int hull_cli_main(int argc, char **argv);

// The command of that name; NULL after having said on stderr that there is none.
const struct cli_command *hull_cli_command(const char *name);

// argv[0] is the command's name. 0, or -HULL_EINVAL after having said why on stderr; free in both
// cases.
HULL_MUST_CHECK int hull_cli_parse(const struct cli_command *command, int argc, char **argv,
                                   struct cli_args *args);
void hull_cli_args_free(struct cli_args *args);

// "hull: TEXT" and where to read more, on stderr. Returns HULL_EXIT_USAGE.
int hull_cli_usage_error(const struct cli_command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// "hull: TEXT" on stderr.
void hull_cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

void hull_cli_help_program(FILE *to);
void hull_cli_help_command(const struct cli_command *command, FILE *to);

// Fills `vm` from the file or image that is named (the operand) and the options, and checks it.
// False after having said what is wrong; hull_config_free(&vm->config) in both cases.
bool hull_cli_vm_build(const struct cli_args *args, struct cli_vm *vm, bool need_files);

// The JSON file that a NAME|FILE means, from the pool; NULL with the reason.
const char *hull_cli_target(struct config_pool *pool, const char *target,
                            struct config_reason *why);
// Gives the VM the name of its image or file, when nothing else named it.
void hull_cli_target_name(struct vm_config *config, const char *target);

// A readable summary of a valid spec.
void hull_cli_describe(const struct vm_spec *spec, FILE *to);
void hull_cli_describe_metal(const struct metal_spec *metal, FILE *to);

int hull_cli_run(const struct cli_args *args);
int hull_cli_check(const struct cli_args *args);
int hull_cli_dtb(const struct cli_args *args);
int hull_cli_pack(const struct cli_args *args);
int hull_cli_image(int argc, char **argv);
int hull_cli_version(const struct cli_args *args);
int hull_cli_help(const struct cli_args *args);

#endif
