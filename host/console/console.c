// SPDX-License-Identifier: Apache-2.0
// Routing between the guest's devices and the console's endpoint. Output goes through a ring that the
// loop writes out, so no vCPU waits for a terminal; input waits in a buffer for the device's room.
#include "host/console/console.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/dev/devices.h"
#include "core/dev/virtio/virtio_devices.h"

// A guest that takes no input for so long must not keep us from seeing Ctrl-A: then keys that do not
// fit are dropped.
#define INPUT_STALL_NS HULL_NSEC_PER_SEC

// Output.

static size_t ring_put(struct console *console, const void *buf, size_t len)
{
    unsigned tail = (console->ring_head + console->ring_used) % CONSOLE_OUT_SIZE;
    size_t room = CONSOLE_OUT_SIZE - console->ring_used, first;

    if (len > room)
        len = room;
    first = len < CONSOLE_OUT_SIZE - tail ? len : CONSOLE_OUT_SIZE - tail;
    memcpy(console->ring + tail, buf, first);
    memcpy(console->ring, (const uint8_t *)buf + first, len - first);
    console->ring_used += (unsigned)len;
    return len;
}

// Called by vCPUs, device lock held.
static size_t port_write(void *ctx, const void *buf, size_t len)
{
    struct console_port *port = ctx;
    struct console *console = port->console;
    size_t taken = len;
    bool post;

    atomic_store_explicit(&console->speaker, port, memory_order_relaxed);
    pthread_mutex_lock(&console->lock);
    post = console->ring_used == 0 && len;
    if (console->dropping) {
        post = false;
    } else {
        taken = ring_put(console, buf, len);
        if (taken < len)
            port->starved = true;
    }
    pthread_mutex_unlock(&console->lock);
    if (post)
        hull_loop_post(console->loop, &console->out_task);
    return taken;
}

static void port_tx_ready(struct console *console, struct console_port *port)
{
    bool starved;

    pthread_mutex_lock(&console->lock);
    starved = port->starved;
    port->starved = false;
    pthread_mutex_unlock(&console->lock);
    if (starved && port->device)
        port->tx_ready(port->device);
}

static void dropping_set(struct console *console, bool dropping)
{
    pthread_mutex_lock(&console->lock);
    console->dropping = dropping;
    if (dropping)
        console->ring_used = 0;
    pthread_mutex_unlock(&console->lock);
    port_tx_ready(console, &console->uart);
    port_tx_ready(console, &console->virtio);
}

// Writes what there is; true when all of it went.
static bool ring_flush(struct console *console)
{
    bool all = false;

    while (console->output_open && !all) {
        uint8_t chunk[1024];
        size_t len;
        ssize_t went;

        pthread_mutex_lock(&console->lock);
        len = CONSOLE_OUT_SIZE - console->ring_head;
        if (len > console->ring_used)
            len = console->ring_used;
        if (len > sizeof(chunk))
            len = sizeof(chunk);
        memcpy(chunk, console->ring + console->ring_head, len);
        pthread_mutex_unlock(&console->lock);
        went = len ? hull_output_write(&console->output, chunk, len) : 0;
        if (went < 0) {
            hull_console_disconnect(console);
            return true;
        }
        pthread_mutex_lock(&console->lock);
        console->ring_head = (console->ring_head + (unsigned)went) % CONSOLE_OUT_SIZE;
        console->ring_used -= (unsigned)went;
        all = console->ring_used == 0;
        pthread_mutex_unlock(&console->lock);
        if (len && !went)
            break;
    }
    return all || !console->output_open;
}

static void output_run(void *ctx)
{
    struct console *console = ctx;

    console->out.events = ring_flush(console) ? 0 : POLLOUT;
    port_tx_ready(console, &console->uart);
    port_tx_ready(console, &console->virtio);
}

static void output_ready(void *ctx, short revents)
{
    struct console *console = ctx;

    if (revents & (POLLERR | POLLHUP | POLLNVAL))
        hull_console_disconnect(console);
    else
        output_run(console);
}

// At the end: waits for a reader only as long as it goes on reading.
static void output_drain(struct console *console, int patience_ms)
{
    struct pollfd p = {.fd = console->output.fd, .events = POLLOUT};

    while (!ring_flush(console))
        if (poll(&p, 1, patience_ms) <= 0)
            return;
}

static void console_text(struct console *console, const char *text, size_t len)
{
    while (len && console->output_open) {
        size_t put;

        pthread_mutex_lock(&console->lock);
        put = console->dropping ? len : ring_put(console, text, len);
        pthread_mutex_unlock(&console->lock);
        text += put;
        len -= put;
        if (len && !put) {
            struct pollfd p = {.fd = console->output.fd, .events = POLLOUT};

            if (poll(&p, 1, 200) <= 0)
                break; // the user is not looking
        }
        console->out.events = ring_flush(console) ? 0 : POLLOUT;
    }
}

void hull_console_printf(struct console *console, const char *format, ...)
{
    char text[1024], *line = text, *end;
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    while ((end = strchr(line, '\n'))) {
        console_text(console, line, (size_t)(end - line));
        console_text(console, "\r\n", 2);
        line = end + 1;
    }
    console_text(console, line, strlen(line));
}

// Input.

static void input_events_update(struct console *console)
{
    bool stalled = hull_clock_monotonic_ns() - console->input_moved_ns > INPUT_STALL_NS;
    bool reads =
        console->kind != CONSOLE_STDIO || !console->terminal.is_tty || console->terminal.raw;

    if (console->in.fd < 0 || !reads)
        console->in.events = 0;
    else if (console->input_used < CONSOLE_IN_SIZE || (console->terminal.is_tty && stalled))
        console->in.events = POLLIN;
    else
        console->in.events = 0;
    // A full buffer is looked at again when it may have stalled.
    if (console->in.events == 0 && console->terminal.raw)
        hull_timers_arm(&console->host->timers, &console->retry,
                        hull_clock_monotonic_ns() + INPUT_STALL_NS);
}

static struct console_port *listener_port(struct console *console)
{
    struct console_port *port = atomic_load_explicit(&console->speaker, memory_order_relaxed);

    return port && port->device ? port : &console->uart;
}

static void input_run(void *ctx)
{
    struct console *console = ctx;
    struct console_port *port = listener_port(console);
    size_t taken = 0;

    if (port->device && console->input_used)
        taken = port->receive(port->device, console->input, console->input_used);
    if (taken) {
        console->input_used -= (unsigned)taken;
        memmove(console->input, console->input + taken, console->input_used);
        console->input_moved_ns = hull_clock_monotonic_ns();
    } else if (!console->input_used) {
        console->input_moved_ns = hull_clock_monotonic_ns();
    }
    input_events_update(console);
}

static void port_rx_ready(void *ctx)
{
    struct console_port *port = ctx;

    hull_loop_post(port->console->loop, &port->console->in_task);
}

static void input_key(struct console *console, uint8_t byte)
{
    uint8_t out = byte;
    enum keys_action action = KEYS_BYTE;

    if (console->kind == CONSOLE_STDIO)
        action = hull_keys_feed(&console->keys, byte, &out);
    switch (action) {
    case KEYS_NONE: break;
    case KEYS_BYTE:
        if (console->monitor)
            hull_console_monitor_byte(console, out);
        else if (console->input_used < CONSOLE_IN_SIZE)
            console->input[console->input_used++] = out;
        break;
    case KEYS_QUIT: console->owner.quit(console->owner.ctx); break;
    case KEYS_MONITOR: hull_console_monitor_toggle(console); break;
    case KEYS_HELP: hull_console_printf(console, "%s", hull_keys_help); break;
    }
}

static void input_end(struct console *console)
{
    if (console->kind == CONSOLE_STDIO)
        console->in.fd = -1; // the guest goes on without
    else
        hull_console_disconnect(console);
    console->in.events = 0;
}

static void input_ready(void *ctx, short revents)
{
    struct console *console = ctx;
    uint8_t buf[512];
    size_t room = CONSOLE_IN_SIZE - console->input_used;
    ssize_t got;

    (void)revents;
    if (!room)
        room = 1; // stalled: see input_events_update()
    got = read(console->in.fd, buf, room < sizeof(buf) ? room : sizeof(buf));
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got <= 0) {
        input_end(console);
        return;
    }
    for (ssize_t i = 0; i < got; i++)
        input_key(console, buf[i]);
    input_run(console);
}

// The endpoint.

void hull_console_connect(struct console *console, int fd, enum output_how how)
{
    hull_output_init_own(&console->output, fd, how);
    console->output_open = true;
    console->in.fd = fd;
    console->out.fd = fd;
    dropping_set(console, false);
    input_events_update(console);
}

// Nobody reads any more: the guest's output goes nowhere until there is a new reader.
void hull_console_disconnect(struct console *console)
{
    dropping_set(console, true);
    console->out.events = 0;
    if (console->kind == CONSOLE_STDIO || console->kind == CONSOLE_FILE) {
        console->output_open = false;
    } else if (console->kind == CONSOLE_PTY) {
        console->in.events = 0; // the pty stays, the timer looks for a new reader
        hull_timers_arm(&console->host->timers, &console->retry,
                        hull_clock_monotonic_ns() + HULL_NSEC_PER_SEC / 5);
    } else if (console->output_open) {
        console->output_open = false;
        hull_output_fini(&console->output);
        console->in.fd = console->out.fd = -1;
        console->in.events = 0;
    }
}

static void resize(struct console *console)
{
    unsigned columns, rows;

    if (console->virtio.device && hull_terminal_size(&console->terminal, &columns, &rows))
        hull_virtio_console_resize(console->virtio.device, columns, rows);
}

static void raw_enter(struct console *console)
{
    bool raw = hull_terminal_enter_raw(&console->terminal);

    atomic_store(&console->host->log.raw, raw && isatty(STDERR_FILENO));
    if (raw) {
        resize(console);
        input_run(console);
    } else if (console->terminal.is_tty) { // in the background: we see no signal when we are not
        hull_timers_arm(&console->host->timers, &console->retry,
                        hull_clock_monotonic_ns() + HULL_NSEC_PER_SEC);
    }
}

static void raw_leave(struct console *console)
{
    hull_terminal_leave_raw(&console->terminal);
    atomic_store(&console->host->log.raw, false);
}

static void retry_fire(void *ctx)
{
    struct console *console = ctx;
    struct pollfd p = {.fd = console->in.fd, .events = POLLIN};

    if (console->kind == CONSOLE_STDIO && !console->terminal.raw) {
        raw_enter(console);
    } else if (console->kind == CONSOLE_PTY && console->dropping) {
        poll(&p, 1, 0);
        if (p.revents & POLLHUP) {
            hull_console_disconnect(console);
        } else {
            dropping_set(console, false);
            input_events_update(console);
        }
    } else {
        input_events_update(console);
    }
}

void hull_console_signal(struct console *console, int signal)
{
    if (signal == SIGWINCH) {
        resize(console);
    } else if (signal == SIGCONT && console->kind == CONSOLE_STDIO) {
        raw_enter(console);
    } else if (signal == SIGTSTP) {
        raw_leave(console);
        kill(getpid(), SIGSTOP); // SIGCONT follows
    }
}

void hull_console_machine_reset(struct console *console)
{
    atomic_store(&console->speaker, NULL);
}

// Life.

static struct char_backend port_backend(struct console_port *port)
{
    return (struct char_backend){.write = port_write, .rx_ready = port_rx_ready, .ctx = port};
}

struct char_backend hull_console_uart_backend(struct console *console)
{
    return port_backend(&console->uart);
}

struct char_backend hull_console_virtio_backend(struct console *console)
{
    return port_backend(&console->virtio);
}

void hull_console_attach(struct console *console, struct device *uart, struct device *virtio)
{
    console->uart.device = uart;
    console->virtio.device = virtio;
}

void hull_console_detach(struct console *console)
{
    console->uart.device = console->virtio.device = NULL;
}

int hull_console_create(struct console **out, struct host_env *host, struct loop *loop,
                        const struct vm_spec *spec, const struct console_owner *owner)
{
    struct console *console = calloc(1, sizeof(*console));
    int err;

    if (!console)
        return -HULL_ENOMEM;
    console->host = host;
    console->loop = loop;
    console->owner = *owner;
    console->kind = spec->console;
    console->path = spec->console_path;
    console->uart = (struct console_port){
        .console = console, .receive = hull_uart_receive, .tx_ready = hull_uart_tx_ready};
    console->virtio = (struct console_port){.console = console,
                                            .receive = hull_virtio_console_receive,
                                            .tx_ready = hull_virtio_console_tx_ready};
    console->in = (struct loop_source){.fd = -1, .ready = input_ready, .ctx = console};
    console->out = (struct loop_source){.fd = -1, .ready = output_ready, .ctx = console};
    console->out_task = (struct loop_task){.run = output_run, .ctx = console};
    console->in_task = (struct loop_task){.run = input_run, .ctx = console};
    console->retry = (struct hull_timer){.fire = retry_fire, .ctx = console};
    console->dropping = true;
    hull_timers_timer_init(&console->retry);
    pthread_mutex_init(&console->lock, NULL);
    hull_loop_add(loop, &console->in);
    hull_loop_add(loop, &console->out);
    err = hull_console_open_endpoint(console);
    if (err) {
        hull_console_destroy(console);
        return err;
    }
    *out = console;
    return 0;
}

void hull_console_start(struct console *console)
{
    console->input_moved_ns = hull_clock_monotonic_ns();
    if (console->kind == CONSOLE_STDIO && console->terminal.is_tty) {
        hull_terminal_guard(&console->terminal);
        raw_enter(console);
    }
    input_events_update(console);
}

void hull_console_stop(struct console *console)
{
    if (console->output_open && !console->dropping)
        output_drain(console, 1000);
    raw_leave(console);
    if (console->kind == CONSOLE_STDIO && console->terminal.is_tty)
        hull_terminal_guard(NULL);
}

void hull_console_destroy(struct console *console)
{
    if (!console)
        return;
    raw_leave(console);
    hull_console_close_endpoint(console);
    hull_loop_remove(console->loop, &console->in);
    hull_loop_remove(console->loop, &console->out);
    hull_loop_cancel(console->loop, &console->in_task);
    hull_loop_cancel(console->loop, &console->out_task);
    hull_timers_timer_destroy(&console->host->timers, &console->retry);
    pthread_mutex_destroy(&console->lock);
    free(console);
}
