// SPDX-License-Identifier: Apache-2.0
// A port of a switch between VMs. Such switches are hull-metal's: here the port is there, the cable is
// plugged in, and nobody is at its other end.
#include <stdlib.h>

#include "host/backend/net.h"

static void port_send(void *ctx, const struct hull_iovec *iov, unsigned iov_count)
{
    (void)ctx, (void)iov, (void)iov_count;
}

static void port_destroy(struct host_net *net)
{
    free(net);
}

int hull_net_switch_create(struct host_net **out, const struct vm_spec *spec, unsigned index)
{
    struct host_net *net = calloc(1, sizeof(*net));

    if (!net)
        return -HULL_ENOMEM;
    net->backend = (struct net_backend){.send = port_send};
    net->destroy = port_destroy;
    hull_spec_mac(spec, index, net->backend.mac);
    *out = net;
    return 0;
}
