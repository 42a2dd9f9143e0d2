// SPDX-License-Identifier: Apache-2.0
// The monitor on a socket, for programs: a line in, the command's lines out, then "ok" or "error: ...".
// Clients are not trusted to send sense or to read: one whose answers pile up is not read from.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/console/unix_socket.h"
#include "host/run/hosted_vm.h"

#define CLIENTS_MAX 8
#define LINE_MAX_BYTES 128u
#define OUT_SIZE (128u << 10)
#define OUT_ENOUGH (32u << 10) // with so much unread nothing more is answered; one answer fits

struct client {
    struct monitor_server *server;
    struct loop_source source; // fd < 0: free
    char in[256];              // read, not yet looked at
    unsigned in_used;
    char line[LINE_MAX_BYTES];
    unsigned line_used;
    bool too_long; // the rest of this line is dropped
    bool ended;    // nothing more will come from it
    char *out;
    unsigned out_used;
};

struct monitor_server {
    struct hosted_vm *h;
    struct loop_source listener;
    struct client clients[CLIENTS_MAX];
};

static void client_close(struct client *c)
{
    hull_loop_remove(&c->server->h->loop, &c->source);
    close(c->source.fd);
    c->source.fd = -1;
    free(c->out);
    c->out = NULL;
}

static void client_print(void *ctx, const char *text)
{
    struct client *c = ctx;
    size_t len = strlen(text);

    if (len > OUT_SIZE - c->out_used)
        len = OUT_SIZE - c->out_used;
    memcpy(c->out + c->out_used, text, len);
    c->out_used += (unsigned)len;
}

// False: the client is gone.
static bool client_flush(struct client *c)
{
    unsigned went = 0;

    while (went < c->out_used) {
        ssize_t n =
            send(c->source.fd, c->out + went, c->out_used - went, MSG_DONTWAIT | MSG_NOSIGNAL);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
            return false;
        if (n <= 0)
            break;
        went += (unsigned)n;
    }
    c->out_used -= went;
    memmove(c->out, c->out + went, c->out_used);
    return true;
}

static void client_line(struct client *c)
{
    char error[MONITOR_ERROR_SIZE];
    bool good = false;

    c->line[c->line_used] = '\0';
    if (c->line_used && c->line[c->line_used - 1] == '\r')
        c->line[--c->line_used] = '\0';
    if (c->too_long)
        snprintf(error, sizeof(error), "the line is longer than %u bytes", LINE_MAX_BYTES - 1);
    else if (strlen(c->line) != c->line_used)
        snprintf(error, sizeof(error), "the line is no text");
    else
        good = hull_hosted_command(c->server->h, c->line, client_print, c, error);
    if (!good) {
        client_print(c, "error: ");
        client_print(c, error);
        client_print(c, "\n");
    } else {
        client_print(c, "ok\n");
    }
    c->line_used = 0;
    c->too_long = false;
}

static void client_byte(struct client *c, char byte)
{
    if (byte == '\n')
        client_line(c);
    else if (c->line_used + 1 < LINE_MAX_BYTES)
        c->line[c->line_used++] = byte;
    else
        c->too_long = true;
}

// Answers what was read, as far as there is room for answers.
static void client_work(struct client *c)
{
    unsigned at = 0;

    while (at < c->in_used && c->out_used < OUT_ENOUGH)
        client_byte(c, c->in[at++]);
    c->in_used -= at;
    memmove(c->in, c->in + at, c->in_used);
    if (c->ended && !c->in_used && c->line_used) // a last line without its end
        client_line(c);
}

// False: the client is gone.
static bool client_read(struct client *c)
{
    ssize_t got;

    if (c->ended || c->in_used == sizeof(c->in))
        return true;
    do
        got = read(c->source.fd, c->in + c->in_used, sizeof(c->in) - c->in_used);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == EAGAIN;
    c->ended = got == 0;
    c->in_used += (unsigned)got;
    return true;
}

static void client_ready(void *ctx, short revents)
{
    struct client *c = ctx;
    bool there = !(revents & (POLLERR | POLLNVAL)) && client_read(c);

    if (there) {
        client_work(c);
        there = client_flush(c);
    }
    if (!there || (c->ended && !c->in_used && !c->out_used)) {
        client_close(c);
        return;
    }
    c->source.events = 0;
    if (c->out_used || c->in_used)
        c->source.events |= POLLOUT;
    if (!c->ended && c->in_used < sizeof(c->in))
        c->source.events |= POLLIN;
}

static struct client *client_free(struct monitor_server *server)
{
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        if (server->clients[i].source.fd < 0)
            return &server->clients[i];
    return NULL;
}

static void accept_ready(void *ctx, short revents)
{
    static const char busy[] = "error: too many connections\n";
    struct monitor_server *server = ctx;
    struct client *c = client_free(server);
    int fd = accept4(server->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    char *out;

    (void)revents;
    if (fd < 0)
        return;
    out = c ? malloc(OUT_SIZE) : NULL;
    if (!out) {
        send(fd, busy, sizeof(busy) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        close(fd);
        return;
    }
    *c = (struct client){.server = server, .out = out};
    c->source = (struct loop_source){.fd = fd, .events = POLLIN, .ready = client_ready, .ctx = c};
    hull_loop_add(&server->h->loop, &c->source);
}

int hull_hosted_monitor_open(struct hosted_vm *h)
{
    const char *path = h->options->monitor_path;
    struct monitor_server *server;

    if (!path)
        return 0;
    server = calloc(1, sizeof(*server));
    if (!server) {
        fprintf(stderr, "hull: no memory for the monitor\n");
        return -HULL_ENOMEM;
    }
    server->h = h;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        server->clients[i].source.fd = -1;
    server->listener = (struct loop_source){.fd = hull_unix_listen(path, "monitor", true),
                                            .events = POLLIN,
                                            .ready = accept_ready,
                                            .ctx = server};
    if (server->listener.fd < 0) {
        free(server);
        return -HULL_EIO;
    }
    hull_loop_add(&h->loop, &server->listener);
    h->monitor = server;
    return 0;
}

void hull_hosted_monitor_close(struct hosted_vm *h)
{
    struct monitor_server *server = h->monitor;

    if (!server)
        return;
    for (unsigned i = 0; i < CLIENTS_MAX; i++)
        if (server->clients[i].source.fd >= 0)
            client_close(&server->clients[i]);
    hull_loop_remove(&h->loop, &server->listener);
    close(server->listener.fd);
    unlink(h->options->monitor_path);
    free(server);
    h->monitor = NULL;
}
