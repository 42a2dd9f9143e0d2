// SPDX-License-Identifier: Apache-2.0
// `hull image`: hands over to the script that makes images, found from where this program is.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/cli/cli.h"

// Beside the program in the build tree (build/VARIANT/hull), and installed (PREFIX/bin/hull).
static const char *const script_places[] = {
    "/../../host/image/hull-image",
    "/../share/hull/image/hull-image",
};

static bool find_script(char *path, size_t size)
{
    char program[4096];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    if (length < 0)
        return false;
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    for (size_t i = 0; i < HULL_ARRAY_SIZE(script_places); i++) {
        int needed = snprintf(path, size, "%s%s", program, script_places[i]);
        if (needed > 0 && (size_t)needed < size && access(path, X_OK) == 0)
            return true;
    }
    return false;
}

int hull_cli_image(int argc, char **argv)
{
    char script[4096];
    const struct cli_command *command = hull_cli_command("image");
    const char *first = argc > 1 ? argv[1] : "";
    if (strcmp(first, "help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "--help") == 0) {
        hull_cli_help_command(command, stdout);
        return HULL_EXIT_OK;
    }
    if (argc < 2)
        return hull_cli_usage_error(command, "'hull image' needs %s", command->operands);
    if (!find_script(script, sizeof(script))) {
        hull_cli_error("the image maker is missing; it belongs to ../share/hull/image/hull-image, "
                       "seen from the hull program");
        return HULL_EXIT_HOST;
    }
    argv[0] = script;
    execv(script, argv);
    hull_cli_error("cannot start %s: %s", script, strerror(errno));
    return HULL_EXIT_HOST;
}
