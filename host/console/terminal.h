// SPDX-License-Identifier: Apache-2.0
// The user's terminal in raw mode, and back again on every way out.
#ifndef HOST_CONSOLE_TERMINAL_H
#define HOST_CONSOLE_TERMINAL_H

#include <signal.h>
#include <stdbool.h>
#include <termios.h>

struct terminal {
    int fd;
    bool is_tty;
    struct termios saved;
    volatile sig_atomic_t raw;
};

// `fd` may be anything; nothing below does anything unless it is a terminal.
void hull_terminal_init(struct terminal *terminal, int fd);
// Sets raw mode, unless another job of the shell has the terminal: then false.
bool hull_terminal_enter_raw(struct terminal *terminal);
void hull_terminal_leave_raw(struct terminal *terminal);
bool hull_terminal_foreground(const struct terminal *terminal);
// False when the size is not known.
bool hull_terminal_size(const struct terminal *terminal, unsigned *columns, unsigned *rows);

// From now on a signal that kills the process (a crash, an abort) first restores `terminal`; NULL:
// no longer. There is one in a process.
void hull_terminal_guard(struct terminal *terminal);
// A stack for those handlers, in case that the thread's own has overflowed: for the calling thread.
// The memory is to be handed to hull_terminal_altstack_free() at the thread's end; NULL: none.
void *hull_terminal_altstack(void);
void hull_terminal_altstack_free(void *stack);

#endif
