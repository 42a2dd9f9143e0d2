// SPDX-License-Identifier: Apache-2.0
// Running one VM from its spec to its end: `hull run` after the configuration is known and valid.
#ifndef HULL_HOST_RUN_H
#define HULL_HOST_RUN_H

#include <hull/spec.h>

// Exit codes of `hull run`. A guest's failure code N (finisher, HTIF) is the exit code itself, cut to
// 1..123.
enum hull_exit {
    HULL_EXIT_OK = 0,      // the guest powered off, or the user quit
    HULL_EXIT_USAGE = 124, // wrong command line or configuration
    HULL_EXIT_HOST = 125,  // the host failed us: no memory, a file that can't be opened, …
    HULL_EXIT_SIGNAL = 128 // + the number of the signal that ended the run
};

#define HULL_RUN_SYMBOL_FILES_MAX 16

struct run_options {
    bool stats;               // print counters at the end, to stderr
    bool quiet;               // no hints on stderr
    bool exit_on_reset;       // a guest's reset ends the run (--no-reboot)
    int log_level;            // enum hull_log_level
    const char *log_file;     // NULL: stderr
    const char *monitor_path; // socket of the monitor, NULL: none
    const char *trace_file;   // where the translator's hottest regions are written, or NULL
    unsigned trace_regions;   // how many of them
    bool perf_map;            // name translated code for perf
    const char *symbol_files[HULL_RUN_SYMBOL_FILES_MAX];
    unsigned symbol_file_count;
};

// Returns the program's exit code. Says on stderr what went wrong.
int hull_run_vm(const struct vm_spec *spec, const struct run_options *options);

#endif
