// SPDX-License-Identifier: Apache-2.0
// The machine that the hypervisor owns: its one global object. Everything of a VM hangs off its struct
// metal_vm instead.
#ifndef METAL_COMMON_MACHINE_H
#define METAL_COMMON_MACHINE_H

#include <hull/bundle.h>

#include "metal/board/platform.h"
#include "metal/common/console.h"
#include "metal/common/hart.h"
#include "metal/common/heap.h"
#include "metal/common/net_switch.h"
#include "metal/common/pages.h"
#include "metal/common/passthrough.h"

struct metal_vm;
struct shared_region;
struct trace;

struct machine {
    struct platform platform;
    struct pages pages;
    struct heap heap;
    struct host_hart *harts[METAL_HARTS_MAX];
    unsigned hart_count;
    _Atomic uint32_t next_hart;         // the scheduler's
    struct spin sched_lock, timer_lock; // lock order: docs/metal.md
    struct console console;
    struct bundle bundle;
    struct metal_vm *vms[HULL_BUNDLE_VMS_MAX];
    unsigned vm_count;
    struct thread manager;
    struct net net;
    struct shared_region *shared; // a list
    struct spin shared_lock, irq_lock, lead_lock;
    struct host_irq irqs[HOST_IRQ_MAX];
    struct trace *trace; // NULL: never wanted
    _Atomic bool tracing;
    uint64_t image_size;
    hpa_t image; // where it was loaded
    bool has_sstc;
    bool has_aia;                // every hart has Ssaia, and IMSICs
    bool has_stateen;            // and Ssstateen
    uint64_t realtime_offset_ns; // of the clock on the wall
    bool panicked, panic_resets;
    uint64_t start_time;
};

extern struct machine machine;

void machine_interrupt(void); // an external interrupt of this hart's

#endif
