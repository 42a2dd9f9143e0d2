// SPDX-License-Identifier: Apache-2.0
// The one physical console.
#include "metal/common/console.h"

#include <stdarg.h>

#include "core/dev/devices.h"
#include "lib/format.h"
#include "lib/str.h"
#include "metal/common/machine.h"
#include "metal/common/vm.h"

void console_init(struct console *console)
{
    console->at_line_start = true;
    uart_init(&machine.platform);
}

// The terminal wants a carriage return before each new line of ours; guests send their own.
static void put_lines(const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            uart_put(&machine.platform, "\r", 1);
        uart_put(&machine.platform, text, 1);
    }
}

void console_emergency(struct console *console, const char *text)
{
    (void)console;
    put_lines(text);
}

void console_write(struct console *console, const char *bytes, size_t length)
{
    spin_lock(&console->lock);
    if (!machine.panicked)
        uart_put(&machine.platform, bytes, length);
    if (length)
        console->at_line_start = bytes[length - 1] == '\n';
    spin_unlock(&console->lock);
}

void console_log(struct console *console, const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    hull_vsnprintf(line, sizeof(line) - 1, format, args);
    va_end(args);
    spin_lock(&console->lock);
    if (!machine.panicked) {
        if (!console->at_line_start)
            put_lines("\n");
        put_lines("hull-metal: ");
        put_lines(line);
        put_lines("\n");
        console->at_line_start = true;
    }
    spin_unlock(&console->lock);
}

static size_t backend_write(void *ctx, const void *buf, size_t len)
{
    (void)ctx;
    console_write(&machine.console, buf, len);
    return len;
}

struct char_backend console_backend(struct metal_vm *vm)
{
    return (struct char_backend){.write = backend_write, .ctx = vm};
}

void console_input(struct console *console)
{
    int byte;

    (void)console;
    while ((byte = uart_get(&machine.platform)) >= 0) {
        uint8_t c = (uint8_t)byte;
        struct metal_vm *vm = machine.vms[0];

        if (vm && vm->board.uart)
            hull_uart_receive(vm->board.uart, &c, 1);
    }
}
