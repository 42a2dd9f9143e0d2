// SPDX-License-Identifier: Apache-2.0
// Harts of a RISC-V machine.
#ifndef METAL_RISCV64_HART_H
#define METAL_RISCV64_HART_H

#include "metal/board/platform.h"
#include "metal/common/hart.h"
#include "metal/riscv64/regs.h"

void hart_boot_early(uint64_t hartid);
void hart_boot_late(void);
// 0, -HULL_ENOMEM, -HULL_EIO (the firmware does not start it), -HULL_ETIMEDOUT.
int hart_start(const struct platform_hart *description);

__attribute__((noreturn)) void panic_trap(const struct trap_frame *frame);

#endif
