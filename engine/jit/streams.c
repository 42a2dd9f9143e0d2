// SPDX-License-Identifier: Apache-2.0
// Pages that loads and stores remember: a small TLB of each vCPU, of which every access that takes part
// (IR_STREAM) has an entry that it need not search for.
//
// An entry holds one page, or several that lie as close together in the host's memory: another page next to
// those that are there already is added to them.
//
// What an entry holds is right for whoever looks at it: it belongs to one data TLB, either to loads or to
// stores, and to ranges up to some length, whichever regions share it. So it outlives the stay in a
// region, until something is dropped from the TLBs: then a vCPU forgets all of its pages.
#include "engine/jit/translator.h"
#include "lib/mem.h"

#define STREAMS_USER (JIT_STREAMS / 2)
#define STREAMS_OTHER (JIT_STREAMS - STREAMS_USER)

// Few, so that many can share. access.c never looks up a longer range.
const uint16_t jit_stream_spans[JIT_STREAM_SPANS] = {8, 32, 128, 1024};

unsigned jit_stream_span(unsigned bytes)
{
    unsigned n = 0;

    while (jit_stream_spans[n] < bytes)
        n++;
    return n;
}

static bool is_taken(unsigned n, const int16_t *taken, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (taken[i] == (int)n)
            return true;
    return false;
}

// A fresh one, or one that other regions use for the same. Kernels are translated first, and would have
// them all: user mode has the first half.
int jit_stream_obtain(struct jit_cache *cache, unsigned mode, bool write, unsigned span,
                      const int16_t *taken, unsigned taken_count)
{
    uint8_t kind =
        (uint8_t)(1 + jit_stream_span(span) + JIT_STREAM_SPANS * (mode * 2 + (write ? 1 : 0)));
    bool user = (mode & ~(unsigned)TLB_V) == TLB_U;
    unsigned first = user ? 0 : STREAMS_USER, count = user ? STREAMS_USER : STREAMS_OTHER;
    uint16_t *next = &cache->stream_next[user];

    for (unsigned i = 0; i < count; i++) {
        unsigned n = first + (*next + i) % count;

        if ((cache->stream_kinds[n] && cache->stream_kinds[n] != kind) ||
            is_taken(n, taken, taken_count))
            continue;
        cache->stream_kinds[n] = kind;
        *next = (uint16_t)((n - first + 1) % count);
        return (int)n;
    }
    return -1;
}

void jit_streams_reset(struct jit_cache *cache)
{
    memset(cache->stream_kinds, 0, sizeof(cache->stream_kinds));
    memset(cache->stream_next, 0, sizeof(cache->stream_next));
}

void jit_streams_forget(struct jit *jit)
{
    jit->stream_drops = jit->cpu.tlb_drops;
    if (jit->streams_used)
        memset(jit->stream_limits, 0, sizeof(jit->stream_limits));
    if (jit->pairs_used)
        memset(jit->pair_limits, 0, sizeof(jit->pair_limits));
    jit->streams_used = jit->pairs_used = false;
}
