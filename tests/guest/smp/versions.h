// SPDX-License-Identifier: Apache-2.0
// One hart publishes version after version of something, and the others follow: what they see is not older than what
// was published before they looked.
#ifndef SMP_VERSIONS_H
#define SMP_VERSIONS_H

#include "rt.h"

#define HARTS 4

static volatile uint64_t version, seen[HARTS], bad[HARTS], acknowledged[HARTS];

// The followers, each by the function that `body` gives for it, from version 0 on.
static inline void versions_start(void (*(*body)(unsigned hart))(uint64_t))
{
    version = 0;
    for (unsigned i = 1; i < HARTS; i++) {
        seen[i] = bad[i] = acknowledged[i] = 0;
        rt_start(i, body(i), i);
    }
}

static inline void versions_finish(uint64_t last)
{
    for (unsigned i = 1; i < HARTS; i++) {
        rt_join(i);
        EQ(bad[i], 0);
        EQ(seen[i], last);
    }
}

// Each version waits until all have seen the one before.
static inline void versions_in_step(uint64_t last, void (*make)(uint64_t))
{
    for (uint64_t n = 1; n <= last; n++) {
        make(n);
        version = n;
        for (unsigned i = 1; i < HARTS; i++)
            while (acknowledged[i] < n)
                __asm__ volatile(".word 0x0100000f"); // pause
    }
    versions_finish(last);
}

// Nobody is waited for.
static inline void versions_at_will(uint64_t last, void (*make)(uint64_t))
{
    for (uint64_t n = 1; n <= last; n++) {
        make(n);
        version = n;
        for (unsigned i = 0; i < 500; i++)
            __asm__ volatile("nop");
    }
    versions_finish(last);
}

#endif
