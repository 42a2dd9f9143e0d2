// SPDX-License-Identifier: Apache-2.0
// A VM of the hypervisor. The slot with its description, console and counters is there from boot on; what it
// runs with (memory, vCPUs, board) is made at each start and given back whole at each end. Only the manager
// thread starts, ends and otherwise changes VMs; everybody else asks it to (metal_vm_ask).
#ifndef METAL_COMMON_VM_H
#define METAL_COMMON_VM_H

#include <hull/bundle.h>
#include <hull/spec.h>
#include <hull/vm.h>

#include "guest/riscv/board.h"
#include "metal/common/console.h"
#include "metal/common/net_switch.h"
#include "metal/common/pages.h"
#include "metal/common/ram_disk.h"
#include "metal/common/thread.h"
#include "metal/common/vm_memory.h"
#include "metal/common/watchdog.h"

enum vm_state {
    VM_STOPPED,
    VM_RUNNING,
    VM_PAUSED,
    VM_WAITING, // for its next start
    VM_DESTROYED,
    VM_FAILED, // could not be started, or was restarted too often
};

// What can be asked of the manager, as bits.
enum vm_ask {
    VM_ASK_POWEROFF = 1 << 0, // the guest's
    VM_ASK_RESET = 1 << 1,
    VM_ASK_FAIL = 1 << 2,
    VM_ASK_WATCHDOG = 1 << 3, // it has not been heard of for too long
    VM_ASK_START = 1 << 4,    // the shell's, the manager VM's, the restart timer's
    VM_ASK_STOP = 1 << 5,
    VM_ASK_RESTART = 1 << 6,
    VM_ASK_PAUSE = 1 << 7,
    VM_ASK_RESUME = 1 << 8,
    VM_ASK_DESTROY = 1 << 9,
    VM_ASK_TELL = 1 << 10, // the shell's, besides: when nothing can be done
    // Void once it has ended:
    VM_ASK_OWN = VM_ASK_POWEROFF | VM_ASK_RESET | VM_ASK_FAIL | VM_ASK_WATCHDOG,
};

struct metal_vcpu {
    struct thread thread;
};

struct metal_vm {
    unsigned index;
    const struct bundle_vm *described;
    const struct vm_spec *spec; // described->spec
    struct page_count count;    // everything that was allocated for what runs
    struct hull_env env;
    struct vm_console console;

    _Atomic uint32_t state; // enum vm_state
    _Atomic uint32_t asked; // enum vm_ask
    _Atomic int fail_code;
    uint64_t started_at, ended_at; // ticks
    unsigned starts;               // so far
    _Atomic uint64_t ran;          // ticks that its former lives had a hart for
    unsigned restarts;             // by policy, within its window
    uint64_t window_start, delay_ticks;
    struct hull_timer restart_timer;
    struct watchdog watchdog;
    bool checked; // its images' checksums

    // While it runs.
    struct vm vm;
    struct riscv_board board;
    struct board_backends backends;
    struct vm_memory memory;
    struct ram_disk disks[HULL_SPEC_DISKS_MAX];
    struct net_port ports[HULL_SPEC_NETS_MAX];
    struct metal_vcpu *vcpus;
    unsigned vcpus_made;
    bool vm_made, board_made;
    uint16_t irqs[HULL_SPEC_PASSTHROUGH_MAX]; // physical ones, of its devices; 0: it has none
    bool irqs_masked;
    uint64_t irqs_forwarded; // that came to us first
};

static inline struct metal_vm *metal_vm_of(const struct vm *vm)
{
    return vm->env.ctx;
}

void metal_vm_init(struct metal_vm *vm, unsigned index, const struct bundle_vm *described);
void metal_vm_ask(struct metal_vm *vm, uint32_t asks); // from anywhere
// From the shell and from managers: the last one counts.
void metal_vm_order(struct metal_vm *vm, enum vm_ask order);
void metal_vm_starved(struct metal_vm *vm); // it touched memory that cannot be had
const char *metal_vm_state_name(const struct metal_vm *vm);
struct metal_vm *metal_vm_find(const char *name); // by name or number from 1; NULL: none

// The manager thread only.
void metal_vm_serve(struct metal_vm *vm); // does what was asked
void metal_vm_dump(struct metal_vm *vm);  // its vCPUs' registers, to the console

void metal_env_init(struct metal_vm *vm); // vm->env

#endif
