// SPDX-License-Identifier: Apache-2.0
// The one physical console, shared by the VMs and the hypervisor's shell. Each VM's output is kept in its
// log ring. On the terminal stands either one VM's output as it is (after Ctrl-A <digit>, or with one VM
// only), or, at first, everybody's: line by line, with the VM's name in its colour.
#ifndef METAL_COMMON_CONSOLE_H
#define METAL_COMMON_CONSOLE_H

#include <hull/backend.h>
#include <hull/env.h>

#include "metal/common/hart.h"
#include "metal/common/serial.h"

#define CONSOLE_LINE_MAX 256u
#define CONSOLE_INPUT_MAX 128u // a power of two
#define CONSOLE_SHELL 0u       // as a focus; VMs count from 1

struct metal_vm;

struct vm_console {
    char line[CONSOLE_LINE_MAX]; // what has no end yet
    unsigned length;
    bool in_sequence; // of the terminal's
    uint8_t *log;     // a ring
    uint32_t log_size;
    uint64_t logged;      // bytes so far
    _Atomic bool waiting; // the device is to offer its output again
    bool ending;          // there will be no such time
    uint8_t input[CONSOLE_INPUT_MAX];
    _Atomic unsigned input_head, input_tail; // the manager takes, the interrupt puts
};

struct console {
    struct spin lock;
    struct serial serial;
    _Atomic uint32_t waiting; // some VM's output does
    unsigned focus;           // who gets what is typed
    bool all;                 // everybody's lines are shown
    bool escape;              // Ctrl-A was typed
    unsigned partial;         // 1 + the VM whose unfinished line is on the terminal; 0: none
    bool shell_open;          // the shell has the keyboard
    bool dirty;               // the terminal's line is not empty, by somebody else
    uint8_t typed[CONSOLE_INPUT_MAX];        // for the shell
    _Atomic unsigned typed_head, typed_tail; // likewise
    char command[128];                       // the shell's line
    unsigned command_length;
};

void console_init(struct console *console);
void console_log(struct console *console, const char *format, ...)
    __attribute__((format(printf, 2, 3))); // a line of the hypervisor's
void console_print(struct console *console, const char *format, ...)
    __attribute__((format(printf, 2, 3)));                         // the shell's output, as it is
void console_emergency(struct console *console, const char *text); // takes no lock
void console_interrupt(struct console *console);                   // the UART's
void console_pump(struct console *console); // the manager's: what was typed goes where it belongs
void console_focus(struct console *console, unsigned focus, bool all);

int console_vm_init(struct metal_vm *vm);                            // its log; 0 or -HULL_ENOMEM
void console_vm_ending(struct metal_vm *vm);                         // takes what its devices hold
void console_vm_ended(struct console *console, struct metal_vm *vm); // flushes its line
void console_vm_log(struct console *console, const struct metal_vm *vm); // prints what is kept
// Output from byte `from` on that is still kept: copies at most `room` bytes; how many.
uint64_t console_vm_output(struct console *console, const struct metal_vm *vm, uint64_t from,
                           uint8_t *to, uint64_t room);
struct char_backend console_backend(struct metal_vm *vm); // of its UART and its virtio console

#endif
