// SPDX-License-Identifier: Apache-2.0
// Names of guest code, from ELF files and from lists as the kernel's System.map and /proc/kallsyms.
#ifndef HOST_RUN_SYMBOLS_H
#define HOST_RUN_SYMBOLS_H

#include <hull/error.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
    uint64_t address, size; // 0: up to the next one
    size_t name;            // in `names`
};

struct symbols {
    struct symbol *list; // by address
    size_t count, room;
    char *names;
    size_t names_used, names_room;
};

// Adds a file's. 0; -HULL_EIO with errno; -HULL_EFORMAT: neither of the two; -HULL_ENOMEM.
HULL_MUST_CHECK int hull_symbols_load(struct symbols *symbols, const char *file);
void hull_symbols_free(struct symbols *symbols);
// The symbol that holds `address`, and its start; NULL: none does.
const char *hull_symbols_find(const struct symbols *symbols, uint64_t address, uint64_t *start);

#endif
