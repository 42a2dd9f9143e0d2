// SPDX-License-Identifier: Apache-2.0
// Finds the command and starts it; the two ways to complain.
#include <lib/str.h>
#include <stdarg.h>
#include <string.h>

#include "host/cli/cli.h"

#define COMMANDS_MAX 16

static void complain(const char *format, va_list args)
{
    fputs("hull: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void hull_cli_error(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(format, args);
    va_end(args);
}

int hull_cli_usage_error(const struct cli_command *command, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    complain(format, args);
    va_end(args);
    fprintf(stderr, "hull: 'hull help%s%s' tells more\n", command ? " " : "",
            command ? command->name : "");
    return HULL_EXIT_USAGE;
}

const struct cli_command *hull_cli_command(const char *name)
{
    const char *names[COMMANDS_MAX];
    char hint[64];
    size_t count = 0;
    for (const struct cli_command *command = hull_cli_commands; command->name; command++) {
        if (strcmp(command->name, name) == 0)
            return command;
        if (count < COMMANDS_MAX)
            names[count++] = command->name;
    }
    hull_cli_usage_error(NULL, "unknown %s '%s'%s", name[0] == '-' ? "option" : "command", name,
                         hull_did_you_mean(name, names, count, hint, sizeof(hint)));
    return NULL;
}

static int command_run(const struct cli_command *command, int argc, char **argv)
{
    struct cli_args args;
    int code = HULL_EXIT_USAGE;
    if (command->exec)
        return command->exec(argc, argv);
    if (!hull_cli_parse(command, argc, argv, &args)) {
        code = HULL_EXIT_OK;
        if (args.help)
            hull_cli_help_command(command, stdout);
        else
            code = command->run(&args);
    }
    hull_cli_args_free(&args);
    return code;
}

static int dispatch(int argc, char **argv)
{
    if (argc < 2) {
        hull_cli_help_program(stderr);
        return HULL_EXIT_USAGE;
    }
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
        argv[1] = "help";
    else if (strcmp(argv[1], "-V") == 0 || strcmp(argv[1], "--version") == 0)
        argv[1] = "version";
    const struct cli_command *command = hull_cli_command(argv[1]);
    return command ? command_run(command, argc - 1, argv + 1) : HULL_EXIT_USAGE;
}

int hull_cli_main(int argc, char **argv)
{
    int code = dispatch(argc, argv);
    // What was printed is the result of most commands: a full disk must not pass for success.
    if ((fflush(stdout) || ferror(stdout)) && code == HULL_EXIT_OK) {
        hull_cli_error("cannot write to stdout");
        code = HULL_EXIT_HOST;
    }
    return code;
}
