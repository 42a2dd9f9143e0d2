// SPDX-License-Identifier: Apache-2.0
// Memory that several VMs see, and its doorbells: a page of registers for each region, through which a VM
// interrupts the others that have the region.
//   0x00 ID       this VM's number
//   0x04 RING     written: the number of the VM to ring, or 0 for all others
//   0x08 PENDING  bit n: VM number n has rung since; written ones are taken back
#ifndef METAL_COMMON_SHARED_H
#define METAL_COMMON_SHARED_H

#include <hull/device.h>
#include <hull/error.h>
#include <hull/types.h>

struct metal_vm;

// For all VMs, once at boot: the regions that they name. 0 or -HULL_ENOMEM.
HULL_MUST_CHECK int shared_init(void);
// For a VM that starts, after its board is there; and for one that ends, before the board goes.
HULL_MUST_CHECK int shared_attach(struct metal_vm *vm);
void shared_detach(struct metal_vm *vm);

#endif
