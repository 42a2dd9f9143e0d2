// SPDX-License-Identifier: Apache-2.0
// The hull program. Everything else is in the archive, so that tests can use it.
#include "host/cli/cli.h"

int main(int argc, char **argv)
{
    return hull_cli_main(argc, argv);
}
