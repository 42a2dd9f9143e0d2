// SPDX-License-Identifier: Apache-2.0
// The manager: the thread that starts and ends VMs, hands them what was typed, and is the shell.
#ifndef METAL_COMMON_MANAGER_H
#define METAL_COMMON_MANAGER_H

#include <hull/error.h>

HULL_MUST_CHECK int manager_start(void);
void manager_wake(void);

#endif
