// SPDX-License-Identifier: Apache-2.0
// The disks and networks of a VM, from its spec.
#include "host/run/hosted_vm.h"

static int net_open(struct hosted_vm *h, unsigned i)
{
    switch (h->spec->nets[i].kind) {
    case NET_USER: return hull_net_user_create(&h->nets[i], &h->host, &h->loop, h->spec, i);
    case NET_TAP: return hull_net_tap_create(&h->nets[i], &h->loop, h->spec, i);
    case NET_SWITCH: return hull_net_switch_create(&h->nets[i], h->spec, i);
    case NET_NONE: return 0;
    }
    return -HULL_EINVAL;
}

int hull_hosted_backends_open(struct hosted_vm *h)
{
    int err = 0;

    for (unsigned i = 0; i < h->spec->disk_count && !err; i++) {
        err = hull_blk_file_open(&h->disks[i], &h->pool, &h->spec->disks[i], i);
        if (!err)
            h->backends.disks[i] = hull_blk_file_backend(h->disks[i]);
    }
    for (unsigned i = 0; i < h->spec->net_count && !err; i++) {
        err = net_open(h, i);
        if (!err && h->nets[i])
            h->backends.nets[i] = &h->nets[i]->backend;
    }
    return err;
}

void hull_hosted_backends_attach(struct hosted_vm *h)
{
    for (unsigned i = 0; i < h->spec->net_count; i++)
        if (h->nets[i])
            h->nets[i]->device = h->board.nets[i];
}

void hull_hosted_backends_detach(struct hosted_vm *h)
{
    for (unsigned i = 0; i < h->spec->net_count; i++)
        if (h->nets[i])
            h->nets[i]->device = NULL;
}

void hull_hosted_backends_drain(struct hosted_vm *h)
{
    for (unsigned i = 0; i < h->spec->disk_count; i++)
        if (h->backends.disks[i])
            h->backends.disks[i]->drain(h->backends.disks[i]->ctx);
}

void hull_hosted_backends_close(struct hosted_vm *h)
{
    for (unsigned i = 0; i < h->spec->net_count; i++)
        if (h->nets[i])
            h->nets[i]->destroy(h->nets[i]);
    for (unsigned i = 0; i < h->spec->disk_count; i++)
        hull_blk_file_close(h->disks[i]);
}
