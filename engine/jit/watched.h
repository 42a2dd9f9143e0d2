// SPDX-License-Identifier: Apache-2.0
// What a watch keeps of the regions that it sees: watch.c fills it, trace.c prints it.
#ifndef HULL_ENGINE_JIT_WATCHED_H
#define HULL_ENGINE_JIT_WATCHED_H

#include "engine/jit/translator.h"
#include "engine/jit/watch.h"

#define WATCH_HASH 4096

struct watched_piece {
    uint64_t count; // translated code adds to it
    uint16_t op, length;
};

// One region, also when it is translated again later.
struct watched {
    struct watched *hash_next;
    size_t size; // of this allocation
    gva_t pc;
    uint8_t flavor, priv;
    uint16_t bytes, ops;
    unsigned translations;
    const uint8_t *code; // NULL: its memory holds other code by now
    uint8_t *kept;       // the code then, if it is hot
    size_t code_size;
    uint16_t ir_count;
    uint16_t piece_count, entry_count;
    uint32_t *at; // where in the code each of the IR's operations begins, and the last one ends
    uint16_t *entries; // offsets
    uint8_t *copy;     // of the guest's bytes
    struct watched_piece pieces[];
};

struct jit_watch {
    struct vm *vm;
    struct jit_watch_options options;
    struct hull_lock lock;
    const struct riscv_decoder *decoder;
    const struct jit_cache *cache; // the present one, or NULL
    struct watched *hash[WATCH_HASH];
    unsigned count; // of them
};

// Instructions of the guest that it executed.
uint64_t watched_heat(const struct watched *w);
// The hottest ones, at most `max`, into an array that hull_free() takes with *size; NULL: none, or no
// memory. Under the lock.
struct watched **watched_hottest(const struct jit_watch *watch, unsigned max, unsigned *count,
                                 size_t *size);
// "memcpy+0x10 [S]", "0x3f8000 [U]".
int watched_name(const struct jit_watch *watch, gva_t pc, unsigned priv, char *buf, size_t size);
// The name of the thunk at an address of the present cache; NULL: none begins there.
const char *watched_thunk(const struct jit_watch *watch, const uint8_t *at);

#endif
