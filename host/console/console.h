// SPDX-License-Identifier: Apache-2.0
// The guest's console: bytes between its UART (and its virtio console) and stdin/stdout, a file, a
// pty or a socket, with the escape keys and the monitor on stdin.
#ifndef HOST_CONSOLE_CONSOLE_H
#define HOST_CONSOLE_CONSOLE_H

#include <hull/backend.h>
#include <hull/device.h>
#include <hull/spec.h>
#include <stdarg.h>

#include "host/console/keys.h"
#include "host/console/output.h"
#include "host/console/terminal.h"
#include "host/env/env.h"
#include "host/env/loop.h"

#define CONSOLE_OUT_SIZE 8192u
#define CONSOLE_IN_SIZE 4096u
#define CONSOLE_LINE_SIZE 128u

struct console;

// Whom the user's keys reach; on the loop's thread.
struct console_owner {
    void (*quit)(void *ctx);
    void (*command)(void *ctx, struct console *console, char *line); // a line of the monitor's
    void *ctx;
};

// One guest device on the console.
struct console_port {
    struct console *console;
    struct device *device; // NULL before hull_console_attach()
    size_t (*receive)(struct device *device, const void *buf, size_t len);
    void (*tx_ready)(struct device *device);
    bool starved; // a write was cut: call tx_ready when there is room. Lock held.
};

struct console {
    struct host_env *host;
    struct loop *loop;
    struct console_owner owner;
    enum console_kind kind;
    const char *path;

    struct terminal terminal;
    struct output output;
    bool output_open;
    struct loop_source in, out, listener;
    struct loop_task out_task, in_task; // there is output; a device has room for input
    struct hull_timer retry;            // looks again for a reader, or for the terminal

    struct console_port uart, virtio;
    _Atomic(struct console_port *) speaker; // wrote last: gets the input

    pthread_mutex_t lock; // of the ring and `starved`; taken inside device locks
    uint8_t ring[CONSOLE_OUT_SIZE];
    unsigned ring_head, ring_used;
    bool dropping; // nobody listens: output is taken and forgotten

    uint8_t input[CONSOLE_IN_SIZE]; // for the guest, the device had no room yet
    unsigned input_used;
    uint64_t input_moved_ns; // when a device took some last

    struct keys keys;
    bool monitor;
    char line[CONSOLE_LINE_SIZE];
    unsigned line_used;
};

// Opens what the spec asks for; says on stderr what went wrong. 0, -HULL_ENOMEM, -HULL_EIO.
HULL_MUST_CHECK int hull_console_create(struct console **out, struct host_env *host,
                                        struct loop *loop, const struct vm_spec *spec,
                                        const struct console_owner *owner);
void hull_console_destroy(struct console *console); // also restores the terminal

struct char_backend hull_console_uart_backend(struct console *console);
struct char_backend hull_console_virtio_backend(struct console *console);
// The devices (either may be NULL), once they exist.
void hull_console_attach(struct console *console, struct device *uart, struct device *virtio);
// They go away: no call reaches them from here on.
void hull_console_detach(struct console *console);
// The machine starts anew: input goes to the UART until another device speaks.
void hull_console_machine_reset(struct console *console);
// Sets the terminal raw and reads from it.
void hull_console_start(struct console *console);
// Writes out what is left, as long as somebody takes it, and restores the terminal.
void hull_console_stop(struct console *console);

// SIGWINCH, SIGCONT, SIGTSTP.
void hull_console_signal(struct console *console, int signal);

// Text to the user, \n at line ends.
void hull_console_printf(struct console *console, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// For the other files of the console.
void hull_console_connect(struct console *console, int fd, enum output_how how);
void hull_console_disconnect(struct console *console);
int hull_console_open_endpoint(struct console *console);
void hull_console_close_endpoint(struct console *console);
// A byte typed while the monitor is open.
void hull_console_monitor_byte(struct console *console, uint8_t byte);
void hull_console_monitor_toggle(struct console *console);

#endif
