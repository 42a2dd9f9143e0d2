// SPDX-License-Identifier: Apache-2.0
// Switches between the VMs' networks: frames go to the port behind which their destination was last heard,
// or to all others. A port queues what its guest has no buffers for yet; a full queue drops.
#ifndef METAL_COMMON_NET_SWITCH_H
#define METAL_COMMON_NET_SWITCH_H

#include <hull/backend.h>
#include <hull/spec.h>

#include "metal/common/hart.h"
#include "metal/common/thread.h"

#define NET_FRAME_MAX 1536u // Ethernet's 1500, with headers and tags
#define NET_QUEUE 16u
#define NET_MACS 64u

struct metal_vm;

struct net_frame {
    uint16_t length;
    uint8_t bytes[NET_FRAME_MAX];
};

struct net_port {
    struct list_link link; // in net.ports
    struct net_backend backend;
    const char *switch_name;
    struct device *device; // the VM's; NULL: detached
    struct net_frame *queue;
    struct metal_vm *vm;
    unsigned head, tail; // taken and put so far
    uint64_t received, sent, dropped;
};

// What was learned; the oldest one makes room.
struct net_mac {
    uint8_t mac[6];
    struct net_port *port;
};

struct net {
    struct spin lock;    // queues, addresses, the list of ports
    struct spin deliver; // held while frames go to devices: ports stay attached meanwhile
    struct list_link ports;
    struct net_mac macs[NET_MACS];
    unsigned next_mac;
    struct thread thread; // hands queued frames to devices
};

HULL_MUST_CHECK int net_init(struct net *net); // and starts the thread
// The manager's: the backend for network `index` of a VM that is about to start; then its device; and the end.
struct net_backend *net_port_init(struct net_port *port, struct metal_vm *vm, unsigned index);
void net_port_attach(struct net_port *port, struct device *device);
void net_port_detach(struct net_port *port); // copes with one that was never attached

#endif
