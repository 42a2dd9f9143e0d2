// SPDX-License-Identifier: Apache-2.0
// A ring of guests' exits. Its memory is there while somebody wanted it once.
#include "metal/common/trace.h"

#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/vm.h"

void trace_start(void)
{
    if (!machine.trace)
        machine.trace = heap_alloc(&machine.heap, sizeof(*machine.trace), NULL);
    if (machine.trace)
        atomic_store(&machine.tracing, true);
    else
        console_print(&machine.console, "no memory for it\n");
}

void trace_exit(unsigned vm, unsigned vcpu, uint64_t cause, uint64_t pc, uint64_t value)
{
    uint32_t at = atomic_fetch_add(&machine.trace->next, 1);

    machine.trace->entries[at % TRACE_ENTRIES] = (struct trace_entry){
        .time = arch_time(),
        .pc = pc,
        .cause = cause,
        .value = value,
        .vm = (uint16_t)vm,
        .vcpu = (uint16_t)vcpu,
        .hart = (uint16_t)this_hart()->hartid,
    };
}

void trace_show(void)
{
    uint32_t end, from;

    if (!machine.trace) {
        console_print(&machine.console, "tracing was never on\n");
        return;
    }
    atomic_store(&machine.tracing, false);
    end = atomic_load(&machine.trace->next);
    from = end > TRACE_ENTRIES ? end - TRACE_ENTRIES : 0;
    for (uint32_t at = from; at != end; at++) {
        const struct trace_entry *e = &machine.trace->entries[at % TRACE_ENTRIES];

        console_print(&machine.console, "%10llu hart %u %s/%u: %s %llu pc %llx value %llx\n",
                      (unsigned long long)(e->time - machine.start_time), e->hart,
                      e->vm < machine.vm_count ? machine.vms[e->vm]->spec->name : "?", e->vcpu,
                      e->cause >> 63 ? "interrupt" : "cause", (unsigned long long)(e->cause & 0xff),
                      (unsigned long long)e->pc, (unsigned long long)e->value);
    }
    console_print(&machine.console, "%u exits; tracing is off now\n", end);
}
