// SPDX-License-Identifier: Apache-2.0
// `hull pack`: which of its three jobs is meant.
#include "host/pack/pack.h"

#include <string.h>

#include "host/cli/cli.h"

static bool chosen(const struct cli_args *args, const char *name)
{
    for (unsigned i = 0; i < args->choice_count; i++)
        if (strcmp(args->choices[i].option->name, name) == 0)
            return true;
    return false;
}

int hull_cli_pack(const struct cli_args *args)
{
    bool list = chosen(args, "list"), check = chosen(args, "check");
    char **operands = args->operands;
    if (!list && !check && args->operand_count < 3)
        return hull_cli_usage_error(args->command,
                                    "a bundle is made of a board and at least one VM: "
                                    "hull pack BUNDLE BOARD.json VM.json...");
    if (!list && !check)
        return hull_pack_make(operands[0], operands[1], operands + 2, args->operand_count - 2);
    if (args->operand_count > 1)
        return hull_cli_usage_error(args->command, "--%s takes one bundle, not '%s' as well",
                                    list ? "list" : "check", operands[1]);
    return hull_pack_look(operands[0], list, check);
}
