// SPDX-License-Identifier: Apache-2.0
// Raw mode and its end.
#include "host/console/terminal.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

// A signal handler gets no pointer of ours, so the terminal that it restores has to be found by
// name: the one place where state is not reached from the caller.
static struct terminal *volatile guarded;

static const int fatal_signals[] = {SIGSEGV, SIGBUS,  SIGILL,  SIGFPE, SIGABRT,
                                    SIGSYS,  SIGTRAP, SIGXCPU, SIGXFSZ};
#define FATAL_SIGNALS (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

void hull_terminal_init(struct terminal *terminal, int fd)
{
    *terminal = (struct terminal){.fd = fd};
    terminal->is_tty = isatty(fd) && tcgetattr(fd, &terminal->saved) == 0;
}

bool hull_terminal_foreground(const struct terminal *terminal)
{
    pid_t group = tcgetpgrp(terminal->fd);

    // Not our controlling terminal: there is no job control to heed.
    return group < 0 || group == getpgrp();
}

// tcsetattr() from a background job would stop us; with the signal blocked it just works.
static void attributes_set(int fd, const struct termios *attributes)
{
    sigset_t ttou, before;

    sigemptyset(&ttou);
    sigaddset(&ttou, SIGTTOU);
    pthread_sigmask(SIG_BLOCK, &ttou, &before);
    while (tcsetattr(fd, TCSADRAIN, attributes) < 0 && errno == EINTR)
        ;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool hull_terminal_enter_raw(struct terminal *terminal)
{
    struct termios raw = terminal->saved;

    if (!terminal->is_tty || !hull_terminal_foreground(terminal))
        return false;
    cfmakeraw(&raw);
    terminal->raw = 1; // before the change: a crash in between restores too
    attributes_set(terminal->fd, &raw);
    return true;
}

void hull_terminal_leave_raw(struct terminal *terminal)
{
    // In the background the terminal is the shell's, which has set it as it likes.
    if (terminal->raw && hull_terminal_foreground(terminal))
        attributes_set(terminal->fd, &terminal->saved);
    terminal->raw = 0;
}

bool hull_terminal_size(const struct terminal *terminal, unsigned *columns, unsigned *rows)
{
    struct winsize size;

    if (!terminal->is_tty || ioctl(terminal->fd, TIOCGWINSZ, &size) < 0 || !size.ws_col ||
        !size.ws_row)
        return false;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return true;
}

// Only async-signal-safe calls from here: tcsetattr, sigaction and raise are. SA_RESETHAND has put
// the default action back, so what follows ends the process as if we had not been there.
static void fatal_signal(int signal, siginfo_t *info, void *context)
{
    struct terminal *terminal = guarded;
    int saved_errno = errno;

    (void)context;
    if (terminal && terminal->raw) {
        terminal->raw = 0;
        tcsetattr(terminal->fd, TCSANOW, &terminal->saved);
    }
    // A fault happens again on return, now for the core file; one that was sent has to be sent again.
    if (info->si_code <= 0)
        raise(signal);
    errno = saved_errno;
}

void hull_terminal_guard(struct terminal *terminal)
{
    struct sigaction action = {.sa_sigaction = fatal_signal,
                               .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK};

    guarded = terminal;
    if (!terminal)
        action = (struct sigaction){.sa_handler = SIG_DFL};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FATAL_SIGNALS; i++)
        sigaction(fatal_signals[i], &action, NULL);
}

static size_t altstack_size(void)
{
    long size = sysconf(_SC_SIGSTKSZ);

    return size > 16384 ? (size_t)size : 16384;
}

void *hull_terminal_altstack(void)
{
    stack_t stack = {.ss_size = altstack_size()};

    stack.ss_sp =
        mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (stack.ss_sp == MAP_FAILED)
        return NULL;
    sigaltstack(&stack, NULL);
    return stack.ss_sp;
}

void hull_terminal_altstack_free(void *stack)
{
    stack_t off = {.ss_flags = SS_DISABLE};

    if (!stack)
        return;
    sigaltstack(&off, NULL);
    munmap(stack, altstack_size());
}
