// SPDX-License-Identifier: Apache-2.0
// A network card on a tap interface that the administrator has made.
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "core/dev/virtio/virtio_devices.h"
#include "host/backend/net.h"

#define FRAME_MAX 65550u
#define SEND_VECTORS 64
#define FRAMES_PER_ROUND 64 // then the loop looks at its other work

struct net_tap {
    struct host_net net;
    struct loop *loop;
    struct loop_source source;
    struct loop_task resume;
    uint8_t *frame;
    size_t frame_len; // one that the guest had no buffer for; 0: none
};

// On a vCPU's thread. The descriptor is ours alone and does not block.
static void tap_send(void *ctx, const struct hull_iovec *iov, unsigned iov_count)
{
    struct net_tap *tap = ctx;
    struct iovec vectors[SEND_VECTORS];

    if (iov_count > SEND_VECTORS)
        return;
    for (unsigned i = 0; i < iov_count; i++)
        vectors[i] = (struct iovec){.iov_base = iov[i].base, .iov_len = iov[i].len};
    while (writev(tap->source.fd, vectors, (int)iov_count) < 0 && errno == EINTR)
        ;
}

static void tap_rx_ready(void *ctx)
{
    struct net_tap *tap = ctx;

    hull_loop_post(tap->loop, &tap->resume);
}

// False: the guest has no buffer, the frame waits.
static bool frame_deliver(struct net_tap *tap)
{
    if (tap->net.device && tap->frame_len &&
        !hull_virtio_net_receive(tap->net.device, tap->frame, tap->frame_len))
        return false;
    tap->frame_len = 0;
    return true;
}

static void tap_ready(void *ctx, short revents)
{
    struct net_tap *tap = ctx;

    if (revents & (POLLERR | POLLNVAL))
        tap->source.events = 0; // the interface is gone
    for (unsigned i = 0; i < FRAMES_PER_ROUND; i++) {
        ssize_t got = read(tap->source.fd, tap->frame, FRAME_MAX);

        if (got <= 0)
            return;
        tap->frame_len = (size_t)got;
        if (!frame_deliver(tap)) {
            tap->source.events = 0; // until rx_ready; the interface's own queue is bounded
            return;
        }
    }
}

static void tap_resume(void *ctx)
{
    struct net_tap *tap = ctx;

    if (frame_deliver(tap))
        tap->source.events = POLLIN;
}

static void tap_destroy(struct host_net *net)
{
    struct net_tap *tap = hull_container_of(net, struct net_tap, net);

    hull_loop_remove(tap->loop, &tap->source);
    hull_loop_cancel(tap->loop, &tap->resume);
    close(tap->source.fd);
    free(tap->frame);
    free(tap);
}

static void tap_explain(const char *name)
{
    int err = errno;

    fprintf(stderr, "hull: tap interface %s: %s\n", name, strerror(err));
    if (err == EPERM || err == EACCES)
        fprintf(stderr,
                "hull: an administrator can make it for you: ip tuntap add dev %s mode tap user "
                "\"$USER\" && ip link set %s up\n",
                name, name);
    else if (err == EBUSY)
        fprintf(stderr, "hull: another program is attached to it\n");
    else if (err == ENOENT || err == ENODEV)
        fprintf(stderr, "hull: the kernel offers no /dev/net/tun (modprobe tun)\n");
    else if (err == EINVAL)
        fprintf(stderr, "hull: an interface of that name exists and is no tap interface\n");
}

static int tap_open(const char *name)
{
    struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd;

    if (strlen(name) >= sizeof(ifr.ifr_name)) {
        fprintf(stderr, "hull: tap interface %s: the name is too long\n", name);
        return -1;
    }
    // TUNSETIFF would make the interface for root: one that leads nowhere and goes with us.
    if (if_nametoindex(name) == 0) {
        fprintf(stderr, "hull: tap interface %s: there is no such interface\n", name);
        return -1;
    }
    strcpy(ifr.ifr_name, name);
    fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && ioctl(fd, TUNSETIFF, &ifr) == 0)
        return fd;
    tap_explain(name);
    if (fd >= 0)
        close(fd);
    return -1;
}

int hull_net_tap_create(struct host_net **out, struct loop *loop, const struct vm_spec *spec,
                        unsigned index)
{
    struct net_tap *tap = calloc(1, sizeof(*tap));
    int fd = tap_open(spec->nets[index].tap);

    if (tap)
        tap->frame = malloc(FRAME_MAX);
    if (fd < 0 || !tap || !tap->frame) {
        if (fd >= 0)
            close(fd);
        if (tap)
            free(tap->frame);
        free(tap);
        return fd < 0 ? -HULL_EIO : -HULL_ENOMEM;
    }
    tap->loop = loop;
    tap->source = (struct loop_source){.fd = fd, .events = POLLIN, .ready = tap_ready, .ctx = tap};
    tap->resume = (struct loop_task){.run = tap_resume, .ctx = tap};
    tap->net.backend = (struct net_backend){.send = tap_send, .rx_ready = tap_rx_ready, .ctx = tap};
    tap->net.destroy = tap_destroy;
    hull_spec_mac(spec, index, tap->net.backend.mac);
    hull_loop_add(loop, &tap->source);
    *out = &tap->net;
    return 0;
}
