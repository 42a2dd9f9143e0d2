// SPDX-License-Identifier: Apache-2.0
// What the console can be connected to: stdin and stdout, a file, a pty, a socket, nothing.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "host/console/console.h"
#include "host/console/unix_socket.h"

static void stdio_open(struct console *console)
{
    hull_terminal_init(&console->terminal, STDIN_FILENO);
    hull_output_init_shared(&console->output, STDOUT_FILENO);
    console->output_open = true;
    console->dropping = false;
    console->in.fd = STDIN_FILENO;
    console->out.fd = console->output.fd;
}

static int file_open(struct console *console)
{
    int fd =
        open(console->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0) {
        fprintf(stderr, "hull: can't write the console to %s: %s\n", console->path,
                strerror(errno));
        if (fd >= 0)
            close(fd);
        return -HULL_EIO;
    }
    hull_console_connect(console, fd, S_ISREG(st.st_mode) ? OUTPUT_FILE : OUTPUT_NONBLOCK);
    console->in.fd = -1; // output only
    console->in.events = 0;
    return 0;
}

// The name comes before anything that the guest says; once the slave was opened and closed, the
// master reports a hang-up until somebody opens it.
static int pty_open(struct console *console)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK), slave;
    struct termios raw;
    char name[64];

    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
        ptsname_r(master, name, sizeof(name)) != 0 ||
        (slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)) < 0) {
        fprintf(stderr, "hull: can't make a pty for the console: %s\n", strerror(errno));
        if (master >= 0)
            close(master);
        return -HULL_EIO;
    }
    if (tcgetattr(slave, &raw) == 0) {
        cfmakeraw(&raw);
        tcsetattr(slave, TCSANOW, &raw);
    }
    close(slave);
    fprintf(stderr, "hull: the console is %s\n", name);
    hull_console_connect(console, master, OUTPUT_NONBLOCK);
    hull_console_disconnect(console);
    return 0;
}

static void unix_accept(void *ctx, short revents)
{
    struct console *console = ctx;
    static const char busy[] = "hull: somebody else is on this console\r\n";
    int fd = accept4(console->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    (void)revents;
    if (fd < 0)
        return;
    if (console->output_open) {
        send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(fd);
        return;
    }
    hull_console_connect(console, fd, OUTPUT_SOCKET);
}

static int unix_open(struct console *console)
{
    int fd = hull_unix_listen(console->path, "console", false);

    if (fd < 0)
        return -HULL_EIO;
    console->listener =
        (struct loop_source){.fd = fd, .events = POLLIN, .ready = unix_accept, .ctx = console};
    hull_loop_add(console->loop, &console->listener);
    return 0;
}

int hull_console_open_endpoint(struct console *console)
{
    console->listener.fd = -1;
    switch (console->kind) {
    case CONSOLE_STDIO: stdio_open(console); return 0;
    case CONSOLE_FILE: return file_open(console);
    case CONSOLE_PTY: return pty_open(console);
    case CONSOLE_UNIX: return unix_open(console);
    case CONSOLE_NONE: return 0;
    }
    return -HULL_EINVAL;
}

void hull_console_close_endpoint(struct console *console)
{
    hull_output_fini(&console->output);
    if (console->listener.fd >= 0) {
        hull_loop_remove(console->loop, &console->listener);
        close(console->listener.fd);
        unlink(console->path);
    }
}
