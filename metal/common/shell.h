// SPDX-License-Identifier: Apache-2.0
// The hypervisor's shell on the console. Runs in the manager's thread.
#ifndef METAL_COMMON_SHELL_H
#define METAL_COMMON_SHELL_H

#include "metal/common/console.h"

#define SHELL_PROMPT "hull> "

void shell_key(struct console *console, char key);

#endif
