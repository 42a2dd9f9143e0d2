// SPDX-License-Identifier: Apache-2.0
// The user network: libslirp speaks TCP/IP with the guest and uses the host's sockets, so neither
// side needs any right. libslirp is called on the loop's thread only; frames wait in two queues.
#include <arpa/inet.h>
#include <errno.h>
#include <libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/dev/virtio/virtio_devices.h"
#include "host/backend/frame_queue.h"
#include "host/backend/net.h"

#define FRAME_MAX 2048u // libslirp's frames are at most 1,514 bytes with our MTU
#define QUEUE_SIZE ((size_t)256 << 10)

struct net_user {
    struct host_net net;
    struct host_env *host;
    struct loop *loop;
    struct loop_poller poller;
    Slirp *slirp;

    pthread_mutex_t lock;          // of from_guest; taken inside the device's lock
    struct frame_queue from_guest; // filled by vCPUs
    struct frame_queue to_guest;   // the loop's thread only
    struct loop_task sent, resume;
};

// The guest's frames.

static void user_send(void *ctx, const struct hull_iovec *iov, unsigned iov_count)
{
    struct net_user *user = ctx;
    size_t len = 0;
    bool first;

    for (unsigned i = 0; i < iov_count; i++)
        len += iov[i].len;
    if (len > FRAME_MAX)
        return;
    pthread_mutex_lock(&user->lock);
    first = user->from_guest.used == 0;
    hull_frame_queue_put(&user->from_guest, iov, iov_count); // a full queue drops, as a cable would
    pthread_mutex_unlock(&user->lock);
    if (first)
        hull_loop_post(user->loop, &user->sent);
}

static void sent_run(void *ctx)
{
    struct net_user *user = ctx;
    uint8_t frame[FRAME_MAX];
    size_t len;

    do {
        pthread_mutex_lock(&user->lock);
        len = hull_frame_queue_peek(&user->from_guest, frame, sizeof(frame));
        hull_frame_queue_pop(&user->from_guest);
        pthread_mutex_unlock(&user->lock);
        if (len)
            slirp_input(user->slirp, frame, (int)len);
    } while (len);
}

// Frames for the guest.

static void resume_run(void *ctx)
{
    struct net_user *user = ctx;
    uint8_t frame[FRAME_MAX];
    size_t len;

    while (user->net.device &&
           (len = hull_frame_queue_peek(&user->to_guest, frame, sizeof(frame))) != 0) {
        if (!hull_virtio_net_receive(user->net.device, frame, len))
            return;
        hull_frame_queue_pop(&user->to_guest);
    }
}

static void user_rx_ready(void *ctx)
{
    struct net_user *user = ctx;

    hull_loop_post(user->loop, &user->resume);
}

static ssize_t slirp_send(const void *buf, size_t len, void *opaque)
{
    struct net_user *user = opaque;
    struct hull_iovec iov = {.base = (void *)buf, .len = len};

    if (!user->net.device)
        return (ssize_t)len;
    if (user->to_guest.used || !hull_virtio_net_receive(user->net.device, buf, len))
        hull_frame_queue_put(&user->to_guest, &iov, 1);
    return (ssize_t)len;
}

// What libslirp needs of us.

static void slirp_guest_error(const char *msg, void *opaque)
{
    struct net_user *user = opaque;

    hull_log(&user->host->env, HULL_LOG_DEBUG, "net", "%s", msg);
}

static int64_t slirp_clock(void *opaque)
{
    (void)opaque;
    return (int64_t)hull_clock_monotonic_ns();
}

struct user_timer {
    struct hull_timer timer;
    SlirpTimerCb callback;
    void *opaque;
};

static void user_timer_fire(void *ctx)
{
    struct user_timer *timer = ctx;

    timer->callback(timer->opaque);
}

static void *slirp_timer_new(SlirpTimerCb callback, void *cb_opaque, void *opaque)
{
    struct user_timer *timer = calloc(1, sizeof(*timer));

    (void)opaque;
    if (!timer)
        return NULL;
    timer->timer = (struct hull_timer){.fire = user_timer_fire, .ctx = timer};
    timer->callback = callback;
    timer->opaque = cb_opaque;
    hull_timers_timer_init(&timer->timer);
    return timer;
}

static void slirp_timer_free(void *arg, void *opaque)
{
    struct net_user *user = opaque;
    struct user_timer *timer = arg;

    if (timer)
        hull_timers_timer_destroy(&user->host->timers, &timer->timer);
    free(timer);
}

static void slirp_timer_mod(void *arg, int64_t expire_ms, void *opaque)
{
    struct net_user *user = opaque;
    struct user_timer *timer = arg;

    if (timer)
        hull_timers_arm(&user->host->timers, &timer->timer, (uint64_t)expire_ms * 1000000u);
}

// The set of sockets is made anew each time the loop goes round: there is nothing to note here.
static void slirp_poll_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void slirp_notify(void *opaque)
{
    (void)opaque;
}

static const SlirpCb callbacks = {
    .send_packet = slirp_send,
    .guest_error = slirp_guest_error,
    .clock_get_ns = slirp_clock,
    .timer_new = slirp_timer_new,
    .timer_free = slirp_timer_free,
    .timer_mod = slirp_timer_mod,
    .register_poll_fd = slirp_poll_fd,
    .unregister_poll_fd = slirp_poll_fd,
    .notify = slirp_notify,
};

// The loop.

static int poll_add(int fd, int events, void *opaque)
{
    struct net_user *user = opaque;
    short wanted = 0;

    if (events & SLIRP_POLL_IN)
        wanted |= POLLIN;
    if (events & SLIRP_POLL_OUT)
        wanted |= POLLOUT;
    if (events & SLIRP_POLL_PRI)
        wanted |= POLLPRI;
    return hull_loop_watch(user->loop, fd, wanted);
}

static int poll_result(int place, void *opaque)
{
    struct net_user *user = opaque;
    short got = hull_loop_revents(user->loop, place);
    int events = 0;

    if (got & POLLIN)
        events |= SLIRP_POLL_IN;
    if (got & POLLOUT)
        events |= SLIRP_POLL_OUT;
    if (got & POLLPRI)
        events |= SLIRP_POLL_PRI;
    if (got & POLLERR)
        events |= SLIRP_POLL_ERR;
    if (got & POLLHUP)
        events |= SLIRP_POLL_HUP;
    return events;
}

static void user_prepare(void *ctx, int *timeout_ms)
{
    struct net_user *user = ctx;
    uint32_t timeout = *timeout_ms < 0 ? UINT32_MAX : (uint32_t)*timeout_ms;

    slirp_pollfds_fill(user->slirp, &timeout, poll_add, user);
    *timeout_ms = timeout > INT32_MAX ? -1 : (int)timeout;
}

static void user_dispatch(void *ctx)
{
    struct net_user *user = ctx;

    slirp_pollfds_poll(user->slirp, 0, poll_result, user);
}

// Published ports.

static int publish_fail(const struct publish_spec *p, const char *host, const char *reason)
{
    fprintf(stderr, "hull: can't publish %s:%u%s: %s\n", host, p->host_port, p->udp ? "/udp" : "",
            reason);
    return -HULL_EIO;
}

static int publish(struct net_user *user, const struct publish_spec *p, struct in_addr guest)
{
    const char *host = p->host_addr ? p->host_addr : "127.0.0.1";
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(p->guest_port), .sin_addr = guest};
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(p->host_port)};
    int flags = p->udp ? SLIRP_HOSTFWD_UDP : 0, err;

    if (inet_pton(AF_INET, host, &v4.sin_addr) != 1)
        return publish_fail(p, host, "not an IPv4 address");
    err = slirp_add_hostxfwd(user->slirp, (struct sockaddr *)&v4, sizeof(v4),
                             (struct sockaddr *)&to, sizeof(to), flags);
    return err < 0 ? publish_fail(p, host, strerror(errno)) : 0;
}

// Life.

static void user_destroy(struct host_net *net)
{
    struct net_user *user = hull_container_of(net, struct net_user, net);

    if (user->slirp) {
        hull_loop_remove_poller(user->loop, &user->poller);
        slirp_cleanup(user->slirp);
    }
    hull_loop_cancel(user->loop, &user->sent);
    hull_loop_cancel(user->loop, &user->resume);
    hull_frame_queue_fini(&user->from_guest);
    hull_frame_queue_fini(&user->to_guest);
    pthread_mutex_destroy(&user->lock);
    free(user);
}

// 10.0.2.0/24 for the first card, as guests of QEMU know it, 10.0.3.0/24 for the second, …
static void config_addresses(SlirpConfig *config, unsigned index)
{
    uint32_t net = 0x0a000200u + (index << 8);

    config->in_enabled = true;
    config->vnetwork.s_addr = htonl(net);
    config->vnetmask.s_addr = htonl(0xffffff00u);
    config->vhost.s_addr = htonl(net + 2);
    config->vnameserver.s_addr = htonl(net + 3);
    config->vdhcp_start.s_addr = htonl(net + 15);
    config->in6_enabled = true;
    config->vprefix_len = 64;
    inet_pton(AF_INET6, "fec0::", &config->vprefix_addr6);
    config->vprefix_addr6.s6_addr[7] = (uint8_t)index;
    config->vhost6 = config->vnameserver6 = config->vprefix_addr6;
    config->vhost6.s6_addr[15] = 2;
    config->vnameserver6.s6_addr[15] = 3;
}

static int user_start(struct net_user *user, const struct vm_spec *spec, unsigned index)
{
    const struct net_spec *net = &spec->nets[index];
    SlirpConfig config = {.version = 4, .vhostname = spec->name};
    int err = 0;

    config_addresses(&config, index);
    user->slirp = slirp_new(&config, &callbacks, user);
    if (!user->slirp) {
        fprintf(stderr, "hull: libslirp can't start a user network\n");
        return -HULL_EIO;
    }
    hull_loop_add_poller(user->loop, &user->poller);
    for (unsigned i = 0; i < net->publish_count && !err; i++)
        err = publish(user, &net->publish[i], config.vdhcp_start);
    return err;
}

int hull_net_user_create(struct host_net **out, struct host_env *host, struct loop *loop,
                         const struct vm_spec *spec, unsigned index)
{
    struct net_user *user = calloc(1, sizeof(*user));
    int err;

    if (!user)
        return -HULL_ENOMEM;
    user->host = host;
    user->loop = loop;
    user->poller =
        (struct loop_poller){.prepare = user_prepare, .dispatch = user_dispatch, .ctx = user};
    user->sent = (struct loop_task){.run = sent_run, .ctx = user};
    user->resume = (struct loop_task){.run = resume_run, .ctx = user};
    user->net.backend =
        (struct net_backend){.send = user_send, .rx_ready = user_rx_ready, .ctx = user};
    user->net.destroy = user_destroy;
    hull_spec_mac(spec, index, user->net.backend.mac);
    pthread_mutex_init(&user->lock, NULL);
    err = hull_frame_queue_init(&user->from_guest, QUEUE_SIZE);
    if (!err)
        err = hull_frame_queue_init(&user->to_guest, QUEUE_SIZE);
    if (!err)
        err = user_start(user, spec, index);
    if (err) {
        user_destroy(&user->net);
        return err;
    }
    *out = &user->net;
    return 0;
}
