// SPDX-License-Identifier: Apache-2.0
// Physical devices that a VM has for itself: their registers in its address space, their interrupts in its PLIC.
#ifndef METAL_COMMON_PASSTHROUGH_H
#define METAL_COMMON_PASSTHROUGH_H

#include <hull/error.h>
#include <hull/types.h>

struct metal_vm;

#define HOST_IRQ_MAX 1024u

// A physical interrupt that belongs to a VM.
struct host_irq {
    struct metal_vm *vm; // NULL: nobody's
    uint16_t guest;      // the VM's PLIC source
    bool claimed;        // and not yet completed: it does not come again until then
};

// For a VM that starts, after its board is there: 0, -HULL_EPERM (says why), -HULL_EBUSY, -HULL_ENOMEM.
HULL_MUST_CHECK int passthrough_attach(struct metal_vm *vm);
void passthrough_detach(struct metal_vm *vm);
// A claimed physical interrupt: true when it is a VM's, and is completed later.
bool passthrough_interrupt(uint32_t source);

#endif
