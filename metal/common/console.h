// SPDX-License-Identifier: Apache-2.0
// The one physical console.
#ifndef METAL_COMMON_CONSOLE_H
#define METAL_COMMON_CONSOLE_H

#include <hull/backend.h>
#include <hull/env.h>

#include "metal/common/hart.h"

struct metal_vm;

struct console {
    struct spin lock;
    bool at_line_start;
};

void console_init(struct console *console);
void console_write(struct console *console, const char *bytes, size_t length);
void console_log(struct console *console, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void console_emergency(struct console *console, const char *text); // takes no lock
void console_input(struct console *console);                       // the UART's interrupt
struct char_backend console_backend(struct metal_vm *vm);

#endif
