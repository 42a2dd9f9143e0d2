// SPDX-License-Identifier: Apache-2.0
// The monitor's line: what is typed between two Ctrl-A c. What the commands do is the owner's affair.
#include <string.h>

#include "host/console/console.h"

#define KEY_CTRL_C 0x03
#define KEY_CTRL_D 0x04
#define KEY_CTRL_U 0x15
#define KEY_DELETE 0x7f

static void prompt(struct console *console)
{
    console->line_used = 0;
    hull_console_printf(console, "(hull) ");
}

void hull_console_monitor_toggle(struct console *console)
{
    console->monitor = !console->monitor;
    if (console->monitor) {
        hull_console_printf(console,
                            "\nThe monitor. \"help\" lists its commands, Ctrl-A c goes back "
                            "to the guest.\n");
        prompt(console);
    } else {
        hull_console_printf(console, "\n");
    }
}

static void line_done(struct console *console)
{
    hull_console_printf(console, "\n");
    console->line[console->line_used] = '\0';
    if (console->line_used)
        console->owner.command(console->owner.ctx, console, console->line);
    if (console->monitor)
        prompt(console);
}

static void line_erase(struct console *console, unsigned count)
{
    while (count-- && console->line_used) {
        console->line_used--;
        hull_console_printf(console, "\b \b");
    }
}

void hull_console_monitor_byte(struct console *console, uint8_t byte)
{
    switch (byte) {
    case '\r':
    case '\n': line_done(console); break;
    case '\b':
    case KEY_DELETE: line_erase(console, 1); break;
    case KEY_CTRL_U: line_erase(console, console->line_used); break;
    case KEY_CTRL_C:
        hull_console_printf(console, "\n");
        prompt(console);
        break;
    case KEY_CTRL_D: hull_console_monitor_toggle(console); break;
    default:
        if (byte < ' ' || console->line_used + 1 >= CONSOLE_LINE_SIZE)
            break;
        console->line[console->line_used++] = (char)byte;
        if (console->kind == CONSOLE_STDIO)
            hull_console_printf(console, "%c", byte);
        break;
    }
}
