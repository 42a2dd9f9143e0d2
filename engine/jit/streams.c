// SPDX-License-Identifier: Apache-2.0
// Pages that loads and stores remember: a small TLB of each vCPU, of which every access that takes part
// (IR_STREAM) has an entry that it need not search for.
//
// An entry holds one page, or several that lie as close together in the host's memory: another page next to
// those that are there already is added to them.
//
// What an entry holds is right for whoever looks at it: it belongs to one data TLB, either to loads or to
// stores, and to ranges up to some length, whichever regions share it. So it outlives the stay in a
// region, until something is dropped from that TLB: then a vCPU forgets all of its pages.
#include "engine/jit/translator.h"
#include "lib/mem.h"

// Kernels are translated first, and would have them all: each part belongs to its own modes. What they have
// in common is forgotten together; a switch of processes leaves S mode without SUM its pages.
static const struct {
    uint16_t first, count;
} parts[STREAM_PARTS] = {
    [STREAMS_OF_U] = {0, 512},
    [STREAMS_OF_S] = {512, 384}, // and M
    [STREAMS_OF_S_SUM] = {896, 128},
};
_Static_assert(JIT_STREAMS == 1024, "parts are all of them");

static enum stream_part part_of(unsigned mode)
{
    switch (mode & ~(unsigned)TLB_V) {
    case TLB_U: return STREAMS_OF_U;
    case TLB_S_SUM: return STREAMS_OF_S_SUM;
    default: return STREAMS_OF_S;
    }
}

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

// A fresh one, or one that other regions use for the same.
int jit_stream_obtain(struct jit_cache *cache, unsigned mode, bool write, unsigned span,
                      const int16_t *taken, unsigned taken_count)
{
    uint8_t kind =
        (uint8_t)(1 + jit_stream_span(span) + JIT_STREAM_SPANS * (mode * 2 + (write ? 1 : 0)));
    enum stream_part part = part_of(mode);
    unsigned first = parts[part].first, count = parts[part].count;
    uint16_t *next = &cache->stream_next[part];

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

static void forget_part(struct jit *jit, enum stream_part part)
{
    unsigned first = parts[part].first, size = parts[part].count * sizeof(jit->stream_limits[0]);

    if (jit->streams_used)
        memset(&jit->stream_limits[first], 0, size);
    if (jit->pairs_used)
        memset(&jit->pair_limits[first], 0, size);
}

void jit_streams_forget(struct jit *jit)
{
    jit->cpu.tlbs_dropped = 0xff;
    jit_streams_drop(jit);
}

void jit_streams_drop(struct jit *jit)
{
    unsigned forgotten = 0;

    for (unsigned mode = 0; mode < TLB_MODES; mode++)
        if (jit->cpu.tlbs_dropped >> mode & 1)
            forgotten |= 1u << part_of(mode);
    for (unsigned part = 0; part < STREAM_PARTS; part++)
        if (forgotten >> part & 1)
            forget_part(jit, (enum stream_part)part);
    if (forgotten == (1u << STREAM_PARTS) - 1)
        jit->streams_used = jit->pairs_used = false;
    jit->cpu.tlbs_dropped = 0;
}
