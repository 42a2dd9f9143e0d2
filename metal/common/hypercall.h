// SPDX-License-Identifier: Apache-2.0
// What VMs may ask of the hypervisor by calls (include/hull/hypercall.h).
#ifndef METAL_COMMON_HYPERCALL_H
#define METAL_COMMON_HYPERCALL_H

#include <hull/vcpu.h>

int64_t metal_hypercall(void *ctx, struct vcpu *vcpu, const uint64_t args[8], uint64_t *value);

#endif
