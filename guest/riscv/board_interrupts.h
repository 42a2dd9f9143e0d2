// SPDX-License-Identifier: Apache-2.0
// Between the files that make the board.
#ifndef HULL_RISCV_BOARD_INTERRUPTS_H
#define HULL_RISCV_BOARD_INTERRUPTS_H

#include "guest/riscv/board.h"

// Puts a device made by a model's constructor on the bus; NULL passes through as "no memory".
HULL_MUST_CHECK int riscv_board_add(struct riscv_board *board, struct device *dev, gpa_t base,
                                    uint64_t size, struct device **keep);

// The PLIC, or the APLIC and the IMSICs. They come first: the bus destroys in reverse, and everybody
// else has wires into them.
HULL_MUST_CHECK int riscv_board_add_interrupts(struct riscv_board *board);

#endif
