// SPDX-License-Identifier: Apache-2.0
// The hosted networks: user (libslirp), tap, and the unconnected port of a switch.
#ifndef HOST_BACKEND_NET_H
#define HOST_BACKEND_NET_H

#include <hull/backend.h>
#include <hull/device.h>
#include <hull/spec.h>

#include "host/env/env.h"
#include "host/env/loop.h"

// The head of each network. `device` is set once it exists and cleared before it goes.
struct host_net {
    struct net_backend backend;
    struct device *device;
    void (*destroy)(struct host_net *net);
};

// 0, or an error that was explained on stderr. For -HULL_EINVAL, -HULL_EIO, -HULL_ENOMEM alike
// nothing is left behind.
HULL_MUST_CHECK int hull_net_user_create(struct host_net **out, struct host_env *host,
                                         struct loop *loop, const struct vm_spec *spec,
                                         unsigned index);
HULL_MUST_CHECK int hull_net_tap_create(struct host_net **out, struct loop *loop,
                                        const struct vm_spec *spec, unsigned index);
HULL_MUST_CHECK int hull_net_switch_create(struct host_net **out, const struct vm_spec *spec,
                                           unsigned index);

#endif
