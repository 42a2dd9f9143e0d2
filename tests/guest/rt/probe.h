// SPDX-License-Identifier: Apache-2.0
// Single instructions in a given mode, with nothing mapped but the page that holds them.
#ifndef RT_PROBE_H
#define RT_PROBE_H

#include "rt.h"

struct rt_outcome rt_probe(uintptr_t pc);
extern uint64_t rt_probe_regs, rt_probe_epc;

#define PROBE_VA 0x40000000ul // the page, executable only

// Sets up satp and mstatus.MPP for `mode` (U or S), and the FP unit. The page's place in memory.
void *probe_begin(unsigned mode, bool fp);
void probe_end(void);

// True when the instruction at this offset of the page is legal: it may trap, but not for itself.
// Checks of an illegal one that tval is the instruction and that no register changed.
bool probe_legal(unsigned offset, uint32_t insn);

void probe_failed(uint32_t insn, const char *what, uint64_t got, uint64_t want);

#endif
