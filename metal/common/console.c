// SPDX-License-Identifier: Apache-2.0
// The one physical console. Its lock is a leaf: guests' UARTs write with their own locks held. What is typed
// takes the other way: the interrupt puts it into rings, from which the manager hands it to the devices.
#include "metal/common/console.h"

#include <stdarg.h>

#include "core/dev/devices.h"
#include "core/dev/virtio/virtio_devices.h"
#include "lib/format.h"
#include "lib/mem.h"
#include "metal/common/machine.h"
#include "metal/common/manager.h"
#include "metal/common/shell.h"
#include "metal/common/vm.h"

#define KEY_ESCAPE 1 // Ctrl-A
#define COLOUR_OFF "\x1b[0m"
#define LINE_CLEAR "\r\x1b[K"
#define ROOM_FOR_LINES \
    (SERIAL_RING / 4) // a byte of a guest's may bring three lines with their names

static void put(const char *bytes, size_t length)
{
    if (!machine.panicked)
        serial_put(&machine.console.serial, bytes, length);
}

// The terminal wants a carriage return before each new line of ours; guests send their own.
static void put_text(const char *text)
{
    const char *from = text;

    for (; *text; text++)
        if (*text == '\n') {
            put(from, (size_t)(text - from));
            put("\r", 1);
            from = text;
        }
    put(from, (size_t)(text - from));
}

void console_emergency(struct console *console, const char *text)
{
    serial_flush(&console->serial);
    for (; *text; text++) {
        if (*text == '\n')
            uart_put(&machine.platform, "\r", 1);
        uart_put(&machine.platform, text, 1);
    }
}

static struct metal_vm *focused_vm(const struct console *console)
{
    return console->focus >= 1 && console->focus <= machine.vm_count
               ? machine.vms[console->focus - 1]
               : NULL;
}

static void put_name(const struct metal_vm *vm)
{
    static const char digits[] = "1234567"; // red to white
    enum console_colour colour = vm->spec->metal.console_colour;
    unsigned n = colour == COLOUR_AUTO ? (vm->index + 1) % 6 : (unsigned)(colour - COLOUR_RED);
    char text[96];

    hull_snprintf(text, sizeof(text), "\x1b[3%cm[%s]" COLOUR_OFF " ", digits[n], vm->spec->name);
    put_text(text);
}

// Takes what stands unfinished on the terminal away, so that a line of somebody else's can come.
static void line_make_way(struct console *console)
{
    if (console->partial || console->dirty)
        put_text(console->all ? LINE_CLEAR : "\n");
    console->partial = 0;
    console->dirty = false;
}

// And puts it back: the focused VM's, or the shell's prompt.
static void line_restore(struct console *console)
{
    struct metal_vm *vm = focused_vm(console);

    if (!console->all)
        return;
    if (vm && vm->console.length) {
        put_name(vm);
        put(vm->console.line, vm->console.length);
        console->partial = vm->index + 1;
    } else if (!vm && console->shell_open) {
        put_text(SHELL_PROMPT);
        put(console->command, console->command_length);
        console->dirty = true;
    }
}

void console_log(struct console *console, const char *format, ...)
{
    char line[256];
    va_list args;

    va_start(args, format);
    hull_vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    spin_lock(&console->lock);
    line_make_way(console);
    put_text("hull-metal: ");
    put_text(line);
    put_text("\n");
    line_restore(console);
    spin_unlock(&console->lock);
}

// The shell waits, for some time, until what it said before is out.
static void await_room(const struct console *console)
{
    for (unsigned n = 0; serial_room(&console->serial) < ROOM_FOR_LINES && n < 1000; n++)
        thread_sleep_ns(HULL_NSEC_PER_SEC / 1000);
}

void console_print(struct console *console, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    hull_vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    await_room(console);
    spin_lock(&console->lock);
    put_text(text);
    spin_unlock(&console->lock);
}

// ---- Output of guests ----

static void keep(struct vm_console *c, char byte)
{
    if (c->log)
        c->log[c->logged++ % c->log_size] = (uint8_t)byte;
}

// Whether a VM has to wait with what it wants on the terminal.
static bool held_off(struct console *console, struct metal_vm *vm)
{
    if (serial_room(&console->serial) >= ROOM_FOR_LINES || vm->console.ending ||
        !(console->all || console->focus == vm->index + 1))
        return false;
    vm->console.waiting = console->waiting = true;
    return true;
}

// A finished line of a VM that has not the keyboard.
static void show_line(struct console *console, struct metal_vm *vm)
{
    line_make_way(console);
    put_name(vm);
    put(vm->console.line, vm->console.length);
    put_text("\n");
    vm->console.length = 0;
    line_restore(console);
}

// Of terminal sequences, which could garble other VMs' lines, nothing is left.
static void take_background(struct console *console, struct metal_vm *vm, char byte)
{
    struct vm_console *c = &vm->console;

    if (c->in_sequence) {
        c->in_sequence = byte == '[' || byte == ';' || byte == '?' || (byte >= '0' && byte <= '9');
    } else if (byte == 0x1b) {
        c->in_sequence = true;
    } else if (byte == '\n') {
        show_line(console, vm);
    } else if (byte == '\b') {
        c->length -= c->length > 0;
    } else if (byte == '\t' || (unsigned char)byte >= ' ') {
        c->line[c->length++] = byte;
        if (c->length == CONSOLE_LINE_MAX)
            show_line(console, vm);
    }
}

// The VM with the keyboard: byte by byte, since prompts and echoes have no end.
static void take_focused(struct console *console, struct metal_vm *vm, char byte)
{
    struct vm_console *c = &vm->console;

    if (console->partial != vm->index + 1) {
        line_make_way(console);
        put_name(vm);
        put(c->line, c->length);
        console->partial = vm->index + 1;
    }
    put(&byte, 1);
    if (byte == '\n')
        c->length = console->partial = 0;
    else if (byte != '\r' && c->length < CONSOLE_LINE_MAX)
        c->line[c->length++] = byte;
}

static size_t guest_write(void *ctx, const void *buf, size_t len)
{
    struct metal_vm *vm = ctx;
    struct console *console = &machine.console;
    const char *bytes = buf;

    size_t done = 0;

    spin_lock(&console->lock);
    while (done < len && !held_off(console, vm)) {
        bool focused = console->focus == vm->index + 1;
        char byte = bytes[done++];

        keep(&vm->console, byte);
        if (console->all) {
            (focused ? take_focused : take_background)(console, vm, byte);
        } else if (focused) {
            put(&byte, 1);
            console->partial = byte == '\n' ? 0 : console->focus;
        }
    }
    spin_unlock(&console->lock);
    return done;
}

static void guest_rx_ready(void *ctx)
{
    (void)ctx;
    manager_wake();
}

struct char_backend console_backend(struct metal_vm *vm)
{
    return (struct char_backend){.write = guest_write, .rx_ready = guest_rx_ready, .ctx = vm};
}

void console_vm_ended(struct console *console, struct metal_vm *vm)
{
    spin_lock(&console->lock);
    if (vm->console.length && console->all)
        show_line(console, vm);
    vm->console.length = 0;
    vm->console.waiting = vm->console.ending = false;
    vm->console.input_head = vm->console.input_tail;
    spin_unlock(&console->lock);
}

void console_vm_log(struct console *console, const struct metal_vm *vm)
{
    const struct vm_console *c = &vm->console;
    uint64_t from = c->logged > c->log_size ? c->logged - c->log_size : 0;

    for (uint64_t at = from; at < c->logged; at++) {
        if (at % 256 == 0)
            await_room(console);
        spin_lock(&console->lock);
        put((const char *)&c->log[at % c->log_size], 1);
        spin_unlock(&console->lock);
    }
}

uint64_t console_vm_output(struct console *console, const struct metal_vm *vm, uint64_t from,
                           uint8_t *to, uint64_t room)
{
    const struct vm_console *c = &vm->console;
    uint64_t count = 0;

    spin_lock(&console->lock);
    if (c->logged > c->log_size && from < c->logged - c->log_size)
        from = c->logged - c->log_size;
    for (; count < room && from + count < c->logged; count++)
        to[count] = c->log[(from + count) % c->log_size];
    spin_unlock(&console->lock);
    return count;
}

// ---- Input ----

void console_focus(struct console *console, unsigned focus, bool all)
{
    struct metal_vm *vm;

    if (focus > machine.vm_count)
        return;
    spin_lock(&console->lock);
    line_make_way(console);
    console->focus = focus;
    console->all = all;
    console->shell_open = focus == CONSOLE_SHELL;
    vm = focused_vm(console);
    put_text("hull-metal: console of ");
    put_text(vm ? vm->spec->name : "the hypervisor: \"help\" helps");
    put_text("; Ctrl-A and a digit or n switch, Ctrl-A a shows all\n");
    if (!all && vm && vm->console.log) { // the last line, so that a prompt is there again
        struct vm_console *c = &vm->console;
        uint64_t at = c->logged;

        while (at && c->logged - at < c->log_size && c->log[(at - 1) % c->log_size] != '\n')
            at--;
        for (; at < c->logged; at++)
            put((const char *)&c->log[at % c->log_size], 1);
    }
    if (focus == CONSOLE_SHELL && !all) {
        put_text(SHELL_PROMPT);
        console->dirty = true;
    }
    line_restore(console);
    spin_unlock(&console->lock);
}

static void escaped(struct console *console, char key)
{
    if (key >= '0' && key <= '9')
        console_focus(console, (unsigned)(key - '0'), false);
    else if (key == 'n')
        console_focus(console, console->focus % machine.vm_count + 1, console->all);
    else if (key == 'a')
        console_focus(console, console->focus, !console->all);
}

static void typed(struct console *console, uint8_t byte)
{
    struct metal_vm *vm = focused_vm(console);

    if (!vm) {
        if (console->typed_tail - console->typed_head < CONSOLE_INPUT_MAX)
            console->typed[console->typed_tail++ % CONSOLE_INPUT_MAX] = byte;
    } else if (vm->console.input_tail - vm->console.input_head < CONSOLE_INPUT_MAX) {
        vm->console.input[vm->console.input_tail++ % CONSOLE_INPUT_MAX] = byte;
    }
}

void console_interrupt(struct console *console)
{
    bool wake = false;
    int byte;

    spin_lock(&console->lock);
    serial_pump(&console->serial);
    wake = console->waiting && serial_room(&console->serial) >= SERIAL_RING / 2;
    spin_unlock(&console->lock);

    while ((byte = uart_get(&machine.platform)) >= 0) {
        if (console->escape && byte != KEY_ESCAPE)
            escaped(console, (char)byte);
        else if (console->escape || byte != KEY_ESCAPE)
            typed(console, (uint8_t)byte);
        console->escape = byte == KEY_ESCAPE && !console->escape;
        wake = true;
    }
    if (wake)
        manager_wake();
}

static void offer_again(struct metal_vm *vm)
{
    if (vm->board.console)
        hull_virtio_console_tx_ready(vm->board.console);
    hull_uart_tx_ready(vm->board.uart);
}

void console_vm_ending(struct metal_vm *vm)
{
    vm->console.ending = true;
    offer_again(vm);
}

// What the device does not take yet waits for its rx_ready.
static void pump_vm(struct metal_vm *vm)
{
    struct vm_console *c = &vm->console;

    while (c->input_head != c->input_tail && vm->board_made) {
        uint8_t *byte = &c->input[c->input_head % CONSOLE_INPUT_MAX];
        size_t taken = vm->board.console && hull_virtio_console_receive(vm->board.console, byte, 1);

        if (!taken && !hull_uart_receive(vm->board.uart, byte, 1))
            return;
        c->input_head++;
    }
}

void console_pump(struct console *console)
{
    bool again = serial_room(&console->serial) >= SERIAL_RING / 2 &&
                 atomic_exchange(&console->waiting, false);

    for (unsigned i = 0; i < machine.vm_count; i++) {
        struct metal_vm *vm = machine.vms[i];

        if (again && vm->console.waiting && vm->board_made) {
            vm->console.waiting = false;
            offer_again(vm);
        }
        pump_vm(vm);
    }
    while (console->typed_head != console->typed_tail)
        shell_key(console, (char)console->typed[console->typed_head++ % CONSOLE_INPUT_MAX]);
}

int console_vm_init(struct metal_vm *vm)
{
    struct vm_console *c = &vm->console;

    c->log_size = vm->spec->metal.console_log;
    c->log = heap_alloc(&machine.heap, c->log_size, NULL);
    return c->log ? 0 : -HULL_ENOMEM;
}

void console_init(struct console *console)
{
    console->all = true;
    console->focus = 1;
    uart_init(&machine.platform);
}
