// SPDX-License-Identifier: Apache-2.0
// Physical devices that a VM has for itself: their registers in its address space, their interrupts in its PLIC. A guest
// with AIA has them as messages to its vCPUs' interrupt files, which the host's APLIC sends itself, wherever they are.
#ifndef METAL_COMMON_PASSTHROUGH_H
#define METAL_COMMON_PASSTHROUGH_H

#include <hull/error.h>
#include <hull/types.h>

struct metal_vm;
struct vcpu;

#define HOST_IRQ_MAX 1024u

// A physical interrupt that belongs to a VM.
struct host_irq {
    struct metal_vm *vm; // NULL: nobody's
    uint16_t guest;      // the VM's PLIC or APLIC source
    bool claimed;        // and not yet completed: it does not come again until then

    // What a guest with AIA wants: under machine.lead_lock, as the source's registers are.
    bool enabled;
    uint8_t mode : 4,
        trigger : 4;        // the guest's sourcecfg, and what the board has (enum irq_trigger)
    uint8_t vcpu, identity; // identity 0: what it wants cannot be
};
_Static_assert(sizeof(struct host_irq) == 16, "there are many of them");

// For a VM that starts, after its board is there: 0, -HULL_EPERM (says why), -HULL_EBUSY, -HULL_ENOMEM.
HULL_MUST_CHECK int passthrough_attach(struct metal_vm *vm);
void passthrough_detach(struct metal_vm *vm);
void passthrough_mask(struct metal_vm *vm, bool masked); // what comes meanwhile waits in the APLIC
// The vCPU's interrupt file is in another place: what the host's APLIC sends goes there from now on.
void passthrough_follow(const struct vcpu *vcpu);
// On that hart: what it sent before has arrived in the hart's files.
void passthrough_sync(void);
// A claimed physical interrupt: true when it is a VM's, and is completed later.
bool passthrough_interrupt(uint32_t source);

#endif
