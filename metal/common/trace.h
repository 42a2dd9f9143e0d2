// SPDX-License-Identifier: Apache-2.0
// A ring of guests' exits, while tracing is on.
#ifndef METAL_COMMON_TRACE_H
#define METAL_COMMON_TRACE_H

#include <hull/types.h>

#define TRACE_ENTRIES 256u

struct trace_entry {
    uint64_t time, pc;
    uint64_t cause, value; // scause; a7 of calls, else htval or stval
    uint16_t vm, vcpu, hart;
};

struct trace {
    _Atomic uint32_t next;
    struct trace_entry entries[TRACE_ENTRIES];
};

void trace_start(void);
void trace_exit(unsigned vm, unsigned vcpu, uint64_t cause, uint64_t pc, uint64_t value);
void trace_show(void);

#endif
