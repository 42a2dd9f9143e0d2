// SPDX-License-Identifier: Apache-2.0
// Who may tell a running VM what to do: the guest itself, signals, and the user by keys. (What the
// monitor can do is in monitor.c.) All of it happens on the loop's thread.
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "core/dev/virtio/virtio_devices.h"
#include "host/run/hosted_vm.h"

void hull_hosted_stop(struct hosted_vm *h, int exit_code)
{
    h->exit_code = exit_code;
    hull_loop_stop(&h->loop);
}

// The guest's requests.

static void guest_request(void *ctx, enum vm_request what, int code)
{
    struct hosted_vm *h = ctx;

    switch (what) {
    case VM_REQUEST_POWEROFF: atomic_store(&h->poweroff_wanted, true); break;
    case VM_REQUEST_RESET: atomic_store(&h->reset_wanted, true); break;
    case VM_REQUEST_FAIL:
        atomic_store(&h->fail_code, code);
        atomic_store(&h->fail_wanted, true);
        break;
    }
    hull_loop_post(&h->loop, &h->request_task);
}

struct vm_owner hull_hosted_owner(struct hosted_vm *h)
{
    return (struct vm_owner){.request = guest_request, .ctx = h};
}

static int exit_code_of(int guest_code)
{
    if (guest_code < 1)
        return 1;
    return guest_code > 123 ? 123 : guest_code;
}

void hull_hosted_pause(struct hosted_vm *h)
{
    if (!h->paused)
        hull_vm_pause(&h->vm);
    h->paused = true;
}

void hull_hosted_resume(struct hosted_vm *h)
{
    if (h->paused)
        hull_vm_resume(&h->vm);
    h->paused = false;
}

// Everything as after power-on, on the same disks and networks.
void hull_hosted_reset(struct hosted_vm *h)
{
    int err;

    hull_vm_pause(&h->vm);
    hull_hosted_backends_drain(h);
    err = hull_images_refill(&h->images);
    if (!err) {
        err = riscv_board_reset(&h->board);
        if (err)
            fprintf(stderr, "hull: the reset failed: %s\r\n", h->board.message);
    }
    hull_images_drop(&h->images);
    if (err) {
        hull_hosted_stop(h, HULL_EXIT_HOST);
        return;
    }
    hull_console_machine_reset(h->console);
    // Other harts may have asked for the same meanwhile.
    atomic_store(&h->reset_wanted, false);
    h->button_pressed = false;
    if (!h->paused)
        hull_vm_resume(&h->vm);
}

static void request_run(void *ctx)
{
    struct hosted_vm *h = ctx;

    if (atomic_load(&h->fail_wanted))
        hull_hosted_stop(h, exit_code_of(atomic_load(&h->fail_code)));
    else if (atomic_load(&h->poweroff_wanted))
        hull_hosted_stop(h, HULL_EXIT_OK);
    else if (atomic_load(&h->reset_wanted) && h->options->exit_on_reset)
        hull_hosted_stop(h, HULL_EXIT_OK);
    else if (atomic_load(&h->reset_wanted))
        hull_hosted_reset(h);
}

// Signals.

bool hull_hosted_power_button(struct hosted_vm *h)
{
    return h->board.power_button && hull_virtio_power_button_press(h->board.power_button);
}

static void stop_asked(struct hosted_vm *h, int signal)
{
    bool first = !h->button_pressed;

    h->button_pressed = true;
    if (first && !h->paused && hull_hosted_power_button(h)) {
        hull_log(&h->host.env, HULL_LOG_INFO, "run", "%s: power button pressed", strsignal(signal));
        return;
    }
    if (first && !h->options->quiet)
        hull_log(&h->host.env, HULL_LOG_WARN, "run",
                 "%s: no driver listens to the power button, stopping the machine",
                 strsignal(signal));
    hull_hosted_stop(h, HULL_EXIT_SIGNAL + signal);
}

static void signal_ready(void *ctx, short revents)
{
    struct hosted_vm *h = ctx;
    struct signalfd_siginfo info;

    (void)revents;
    while (read(h->signal_source.fd, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
        int signal = (int)info.ssi_signo;

        switch (signal) {
        case SIGTERM:
        case SIGHUP: stop_asked(h, signal); break;
        case SIGINT:
        case SIGQUIT: hull_hosted_stop(h, HULL_EXIT_SIGNAL + signal); break;
        default: hull_console_signal(h->console, signal); break;
        }
    }
}

int hull_hosted_signals_open(struct hosted_vm *h)
{
    static const int handled[] = {SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGWINCH, SIGCONT, SIGTSTP};
    sigset_t set;
    int fd;

    h->request_task = (struct loop_task){.run = request_run, .ctx = h};
    sigemptyset(&set);
    for (size_t i = 0; i < HULL_ARRAY_SIZE(handled); i++)
        sigaddset(&set, handled[i]);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of its write
    fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    h->signal_source =
        (struct loop_source){.fd = fd, .events = POLLIN, .ready = signal_ready, .ctx = h};
    if (fd < 0)
        return -HULL_EIO;
    hull_loop_add(&h->loop, &h->signal_source);
    return 0;
}

void hull_hosted_signals_close(struct hosted_vm *h)
{
    if (h->signal_source.fd < 0)
        return;
    hull_loop_remove(&h->loop, &h->signal_source);
    close(h->signal_source.fd);
}

static void user_quit(void *ctx)
{
    hull_hosted_stop(ctx, HULL_EXIT_OK);
}

struct console_owner hull_hosted_console_owner(struct hosted_vm *h)
{
    return (struct console_owner){
        .quit = user_quit, .command = hull_hosted_console_command, .ctx = h};
}
