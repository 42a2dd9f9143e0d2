// SPDX-License-Identifier: Apache-2.0
// Switches between the VMs' networks. A device sends with its lock held, so frames are only copied to queues
// there; a thread of its own takes them on to the devices.
#include "metal/common/net_switch.h"

#include "core/dev/virtio/virtio_devices.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "metal/common/machine.h"
#include "metal/common/vm.h"

#define FRAME_HEADER 14u
#define MTU 1500

static bool same_mac(const uint8_t *a, const uint8_t *b)
{
    return !memcmp(a, b, 6);
}

static struct net_mac *mac_find(struct net *net, const uint8_t *mac)
{
    for (unsigned i = 0; i < NET_MACS; i++)
        if (net->macs[i].port && same_mac(net->macs[i].mac, mac))
            return &net->macs[i];
    return NULL;
}

static void learn(struct net *net, struct net_port *port, const uint8_t *mac)
{
    struct net_mac *known = mac_find(net, mac);

    if (mac[0] & 1) // no source has a group's address
        return;
    if (!known)
        known = &net->macs[net->next_mac++ % NET_MACS];
    memcpy(known->mac, mac, 6);
    known->port = port;
}

static void enqueue(struct net_port *port, const uint8_t *frame, size_t length)
{
    struct net_frame *slot = &port->queue[port->tail % NET_QUEUE];

    if (!port->device || port->tail - port->head == NET_QUEUE) {
        port->dropped++;
        return;
    }
    slot->length = (uint16_t)length;
    memcpy(slot->bytes, frame, length);
    port->tail++;
}

static bool connected(const struct net_port *a, const struct net_port *b)
{
    return a != b && a->switch_name && b->switch_name && hull_streq(a->switch_name, b->switch_name);
}

static void forward(struct net *net, struct net_port *from, const uint8_t *frame, size_t length)
{
    struct net_mac *known = frame[0] & 1 ? NULL : mac_find(net, frame);
    struct list_link *link;

    if (known && connected(from, known->port)) {
        enqueue(known->port, frame, length);
        return;
    }
    HULL_LIST_FOR_EACH(link, &net->ports)
    {
        struct net_port *to = hull_list_entry(link, struct net_port, link);

        if (connected(from, to))
            enqueue(to, frame, length);
    }
}

// The device has copied the frame out of the guest's memory already.
static void port_send(void *ctx, const struct hull_iovec *iov, unsigned iov_count)
{
    struct net_port *port = ctx;
    struct net *net = &machine.net;

    if (iov_count != 1 || iov->len < FRAME_HEADER || iov->len > NET_FRAME_MAX) {
        port->dropped++;
        return;
    }
    spin_lock(&net->lock);
    port->sent++;
    learn(net, port, (const uint8_t *)iov->base + 6);
    forward(net, port, iov->base, iov->len);
    spin_unlock(&net->lock);
    thread_wake(&net->thread);
}

static void port_rx_ready(void *ctx)
{
    (void)ctx;
    thread_wake(&machine.net.thread);
}

// The head of a queue stays where it is while it is being delivered: only we take.
static bool deliver_one(struct net *net, struct net_port *port)
{
    struct net_frame *frame;
    bool there;

    spin_lock(&net->lock);
    there = port->head != port->tail;
    frame = &port->queue[port->head % NET_QUEUE];
    spin_unlock(&net->lock);
    if (!there || !hull_virtio_net_receive(port->device, frame->bytes, frame->length))
        return false;
    spin_lock(&net->lock);
    port->head++;
    port->received++;
    spin_unlock(&net->lock);
    return true;
}

static void net_body(void *arg)
{
    struct net *net = arg;
    struct list_link *link;

    for (;;) {
        thread_wait();
        spin_lock(&net->deliver);
        HULL_LIST_FOR_EACH(link, &net->ports)
        while (deliver_one(net, hull_list_entry(link, struct net_port, link)))
            ;
        spin_unlock(&net->deliver);
    }
}

int net_init(struct net *net)
{
    int error;

    hull_list_init(&net->ports);
    error = thread_create(&net->thread, "net", net_body, net);
    if (error)
        return error;
    net->thread.priority = THREAD_PRIORITY_OWN;
    thread_wake(&net->thread);
    return 0;
}

struct net_backend *net_port_init(struct net_port *port, struct metal_vm *vm, unsigned index)
{
    const struct net_spec *spec = &vm->spec->nets[index];

    *port = (struct net_port){.vm = vm, .switch_name = spec->switch_name};
    port->backend =
        (struct net_backend){.send = port_send, .rx_ready = port_rx_ready, .ctx = port, .mtu = MTU};
    hull_spec_mac(vm->spec, index, port->backend.mac);
    hull_list_init(&port->link);
    return &port->backend;
}

// Without memory for a queue the guest has a network that is not plugged in.
void net_port_attach(struct net_port *port, struct device *device)
{
    struct net *net = &machine.net;

    port->queue = heap_alloc(&machine.heap, NET_QUEUE * sizeof(*port->queue), &port->vm->count);
    if (!port->queue)
        return;
    spin_lock(&net->deliver);
    spin_lock(&net->lock);
    port->device = device;
    hull_list_push_back(&net->ports, &port->link);
    spin_unlock(&net->lock);
    spin_unlock(&net->deliver);
}

void net_port_detach(struct net_port *port)
{
    struct net *net = &machine.net;

    if (!port->device)
        return;
    spin_lock(&net->deliver);
    spin_lock(&net->lock);
    hull_list_remove(&port->link);
    for (unsigned i = 0; i < NET_MACS; i++)
        if (net->macs[i].port == port)
            net->macs[i].port = NULL;
    port->device = NULL;
    spin_unlock(&net->lock);
    spin_unlock(&net->deliver);
    heap_free(&machine.heap, port->queue, NET_QUEUE * sizeof(*port->queue), &port->vm->count);
    port->queue = NULL;
}
