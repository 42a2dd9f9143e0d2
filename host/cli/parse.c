// SPDX-License-Identifier: Apache-2.0
// Takes an argv apart: options anywhere, "--opt value" and "--opt=value", "-oVALUE", "--" before
// operands that start with a dash. Long options are written out in full: what a script says today
// must mean the same when another option is added.
#include <lib/str.h>
#include <stdlib.h>
#include <string.h>

#include "host/cli/cli.h"

#define OPTIONS_MAX 64

static bool option_fits(const struct cli_option *option, const struct cli_command *command)
{
    return option->uses & (command->uses | CLI_USE_ANY);
}

static const struct cli_option *option_long(const struct cli_command *command, const char *name,
                                            size_t length)
{
    for (const struct cli_option *option = hull_cli_options; option->name; option++)
        if (option_fits(option, command) && strlen(option->name) == length &&
            memcmp(option->name, name, length) == 0)
            return option;
    return NULL;
}

static const struct cli_option *option_short(const struct cli_command *command, char letter)
{
    for (const struct cli_option *option = hull_cli_options; option->name; option++)
        if (option_fits(option, command) && option->letter && option->letter == letter)
            return option;
    return NULL;
}

static int unknown_option(const struct cli_command *command, const char *name, size_t length)
{
    const char *names[OPTIONS_MAX];
    char word[48], hint[64] = "";
    size_t count = 0;
    for (const struct cli_option *option = hull_cli_options; option->name; option++)
        if (option_fits(option, command) && count < OPTIONS_MAX)
            names[count++] = option->name;
    snprintf(word, sizeof(word), "%.*s", (int)(length < 40 ? length : 40), name);
    const char *near = hull_suggest(word, names, count);
    if (near)
        snprintf(hint, sizeof(hint), " (did you mean '--%s'?)", near);
    return hull_cli_usage_error(command, "unknown option '--%s'%s", word, hint);
}

// The arguments still to come.
struct cursor {
    char **at, **end;
};

// `attached` is what followed '=' or the letter, or NULL: then the next argument is the value.
static int take_option(struct cli_args *args, const struct cli_option *option, const char *attached,
                       struct cursor *cursor)
{
    const struct cli_command *command = args->command;
    const char *value = attached;
    if (!option->value && attached)
        return hull_cli_usage_error(command, "--%s takes no value", option->name);
    if (option->value && !attached) {
        const char *next = cursor->at == cursor->end ? NULL : *cursor->at;
        if (!next)
            return hull_cli_usage_error(command, "--%s needs a value (%s)", option->name,
                                        option->value);
        if (strncmp(next, "--", 2) == 0 &&
            (!next[2] || option_long(command, next + 2, strcspn(next + 2, "="))))
            return hull_cli_usage_error(
                command, "--%s needs a value (%s); if '%s' is meant to be it, write --%s=%s",
                option->name, option->value, next, option->name, next);
        value = next;
        cursor->at++;
    }
    args->choices[args->choice_count++] = (struct cli_choice){option, value};
    args->help |= !option->apply;
    return 0;
}

static int parse_long(struct cli_args *args, const char *name, struct cursor *cursor)
{
    size_t length = strcspn(name, "=");
    const struct cli_option *option = option_long(args->command, name, length);
    if (!option)
        return unknown_option(args->command, name, length);
    return take_option(args, option, name[length] ? name + length + 1 : NULL, cursor);
}

static int parse_short(struct cli_args *args, const char *letters, struct cursor *cursor)
{
    const struct cli_option *option = option_short(args->command, letters[0]);
    if (!option)
        return hull_cli_usage_error(args->command, "unknown option '-%c'", letters[0]);
    return take_option(args, option, letters[1] ? letters + 1 : NULL, cursor);
}

static int parse_all(struct cli_args *args, struct cursor *cursor)
{
    bool options_end = false;
    while (cursor->at < cursor->end) {
        char *arg = *cursor->at++;
        int error = 0;
        if (options_end || arg[0] != '-' || !arg[1])
            args->operands[args->operand_count++] = arg;
        else if (arg[1] != '-')
            error = parse_short(args, arg + 1, cursor);
        else if (arg[2])
            error = parse_long(args, arg + 2, cursor);
        else
            options_end = true;
        if (error)
            return -HULL_EINVAL;
    }
    return 0;
}

static int check_operands(const struct cli_args *args)
{
    const struct cli_command *command = args->command;
    if (args->operand_count < command->operand_min)
        hull_cli_usage_error(command, "'hull %s' needs %s", command->name, command->operands);
    else if (args->operand_count > command->operand_max)
        hull_cli_usage_error(command, "'hull %s' has no use for '%s'", command->name,
                             args->operands[command->operand_max]);
    else
        return 0;
    return -HULL_EINVAL;
}

int hull_cli_parse(const struct cli_command *command, int argc, char **argv, struct cli_args *args)
{
    struct cursor cursor = {argv + 1, argv + argc};
    size_t room = (size_t)argc;
    *args = (struct cli_args){.command = command};
    args->choices = calloc(room, sizeof(*args->choices));
    args->operands = calloc(room, sizeof(*args->operands));
    if (!args->choices || !args->operands) {
        hull_cli_error("there is no memory left");
        return -HULL_ENOMEM;
    }
    int error = parse_all(args, &cursor);
    if (!error && !args->help)
        error = check_operands(args);
    return error;
}

void hull_cli_args_free(struct cli_args *args)
{
    free(args->choices);
    free(args->operands);
    *args = (struct cli_args){0};
}
