// SPDX-License-Identifier: Apache-2.0
// The calls that hull-metal offers its guests: an SBI extension in the vendors' space. docs/hypercalls.md
// explains them. Numbers never change their meaning; a newer version adds functions.
#ifndef HULL_HYPERCALL_H
#define HULL_HYPERCALL_H

#include <hull/types.h>

#define HULL_CALL_EXTENSION 0x0948554cull // 0x09000000 (vendors), "HUL"
#define HULL_CALL_VERSION_NUMBER (1u << 16 | 0)

enum hull_call {
    HULL_CALL_VERSION = 0,  // major << 16 | minor
    HULL_CALL_SELF = 1,     // the caller's number, from 1; bit 32: it is a manager
    HULL_CALL_WATCHDOG = 2, // feeds the caller's watchdog
    // Only for VMs whose file says "manager": true; others get SBI_ERR_DENIED.
    HULL_CALL_VM_COUNT = 16,
    HULL_CALL_VM_INFO =
        17,                // a0 = VM's number, a1 = address of a struct hull_vm_info, a2 = its size
    HULL_CALL_VM_ASK = 18, // a0 = VM's number, a1 = enum hull_vm_ask
    HULL_CALL_VM_OUTPUT =
        19, // a0 = VM's number, a1 = from byte, a2 = address, a3 = room; gives bytes
    HULL_CALL_MACHINE = 20, // a0 = address of a struct hull_machine_info, a1 = its size
};

enum hull_vm_ask {
    HULL_VM_START = 0,
    HULL_VM_STOP = 1,
    HULL_VM_RESTART = 2,
    HULL_VM_PAUSE = 3,
    HULL_VM_RESUME = 4,
    HULL_VM_DESTROY = 5,
};

// Little-endian, as the guest. The shorter of the caller's and our structure is copied; the call gives ours.
struct hull_vm_info {
    char name[64];
    uint32_t state; // stopped, running, paused, waiting, destroyed, failed
    uint32_t cpus;
    uint64_t memory, memory_used; // bytes
    uint64_t starts;
    uint64_t run_ns;       // of all its CPUs
    uint64_t output_first; // the oldest byte of output that is kept, counted from the first ever
    uint64_t output_next;  // one past the newest
};

struct hull_machine_info {
    uint32_t harts, vms;
    uint64_t memory, memory_free; // bytes
    uint64_t up_ns;
};

#endif
