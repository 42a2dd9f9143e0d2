// SPDX-License-Identifier: Apache-2.0
// The content of a bundle's sections. One description of each serves both directions, so that what is
// written is what is read.
#ifndef HULL_CORE_BUNDLE_CODE_H
#define HULL_CORE_BUNDLE_CODE_H

#include <hull/bundle.h>

// A place in a section. The first failure sticks and makes the rest do nothing.
struct bundle_code {
    uint8_t *at, *end; // only written to when `writing`
    bool writing;
    uint32_t version; // of the section
    int error;        // 0, -HULL_ENOSPC (writing), -HULL_EFORMAT (reading)
    const char *what; // the field that failed
};

void hull_code_board(struct bundle_code *code, struct board_spec *board);
// Blobs go as their sections' numbers: reading leaves data NULL, size 0.
void hull_code_vm(struct bundle_code *code, struct bundle_vm *vm);

#endif
