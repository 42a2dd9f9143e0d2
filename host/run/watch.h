// SPDX-License-Identifier: Apache-2.0
// --trace and --perf-map: a watch on the translator, and the files that it writes.
#ifndef HOST_RUN_WATCH_H
#define HOST_RUN_WATCH_H

#include <hull/vm.h>
#include <stdio.h>

#include "host/run/run.h"
#include "host/run/symbols.h"

struct host_watch {
    struct symbols symbols;
    struct jit_watch *watch; // NULL: nobody wants to see anything
    FILE *trace, *map;
    const char *trace_file;
};

// Says on stderr what went wrong: 0, -HULL_EIO, -HULL_EFORMAT, -HULL_ENOMEM. Close in any case.
HULL_MUST_CHECK int hull_host_watch_open(struct host_watch *w, struct vm *vm,
                                         const struct run_options *options,
                                         const struct boot_spec *boot);
// Writes the trace as it is now; false when none is wanted.
bool hull_host_watch_write(struct host_watch *w);
void hull_host_watch_close(struct host_watch *w); // when the VM is gone

#endif
