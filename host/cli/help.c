// SPDX-License-Identifier: Apache-2.0
// Help, made from the tables of commands and options.
#include <string.h>

#include "host/cli/cli.h"

#define OPTION_COLUMN 26

void hull_cli_help_program(FILE *to)
{
    fputs("usage: hull COMMAND [OPTION]...\n"
          "\n"
          "Hull runs virtual machines: RISC-V guests, on any Linux host.\n"
          "\n",
          to);
    for (const struct cli_command *command = hull_cli_commands; command->name; command++)
        fprintf(to, "  %-9s %s\n", command->name, command->summary);
    fputs("\n"
          "'hull help COMMAND' tells more. To begin:\n"
          "  hull image pull mini && hull run mini\n",
          to);
}

// Help texts have a line break where they are long: the next lines go under the first.
static void print_option(const struct cli_option *option, FILE *to)
{
    int width = option->letter ? fprintf(to, "  -%c, --%s", option->letter, option->name)
                               : fprintf(to, "  --%s", option->name);
    if (option->value)
        width += fprintf(to, " %s", option->value);
    if (width > OPTION_COLUMN - 2) {
        fputc('\n', to);
        width = 0;
    }
    const char *line = option->help;
    for (;;) {
        int length = (int)strcspn(line, "\n");
        fprintf(to, "%*s%.*s\n", OPTION_COLUMN - width, "", length, line);
        if (!line[length])
            return;
        line += length + 1;
        width = 0;
    }
}

static void print_options(const char *title, unsigned uses, FILE *to)
{
    const struct cli_option *option = hull_cli_options;
    while (option->name && !(option->uses & uses))
        option++;
    if (!option->name)
        return;
    fprintf(to, "\n%s:\n", title);
    for (; option->name; option++)
        if (option->uses & uses)
            print_option(option, to);
}

void hull_cli_help_command(const struct cli_command *command, FILE *to)
{
    fprintf(to, "usage: hull %s%s%s%s\n\n%s\n", command->name,
            command->uses & CLI_USE_VM ? " [OPTION]..." : "", *command->operands ? " " : "",
            command->operands, command->details);
    if (command->uses & CLI_USE_VM)
        print_options("The virtual machine", CLI_USE_VM, to);
    print_options("Options", (command->uses & ~(unsigned)CLI_USE_VM) | CLI_USE_ANY, to);
}
