// SPDX-License-Identifier: Apache-2.0
// See jit_window.h.
#include "tests/unit/jit_window.h"

const uint64_t window_writable[4] = {PTE_RW, PTE_RW, PTE_RW, PTE_RW};

uint64_t window_pte(uint64_t pa, uint64_t flags)
{
    return pa >> 12 << 10 | flags;
}

uint64_t window_page(unsigned page)
{
    return WINDOW_PA + 0x8000 - page * 0x2000;
}

void window_map(struct rig *rig, const uint64_t flags[4], bool guarded)
{
    uint64_t table[512] = {[2] = window_pte(TABLES + 0x1000, 1)};

    put(rig, TABLES, table, sizeof(table));
    memset(table, 0, sizeof(table));
    table[0] = window_pte(TABLES + 0x2000, 1);
    put(rig, TABLES + 0x1000, table, sizeof(table));
    for (unsigned i = 0; i < 512; i++)
        if (!guarded || !i)
            table[i] = window_pte(CODE + ((uint64_t)i << 12), guarded ? PTE_CODE_READ : PTE_CODE);
    for (unsigned i = 0; i < 4; i++)
        table[0x30 + i] = flags[i] ? window_pte(window_page(i), flags[i]) : 0;
    put(rig, TABLES + 0x2000, table, sizeof(table));
    SET(rig, satp, 8ull << 60 | TABLES >> 12);
}

void window_fill(struct rig *rig)
{
    uint64_t words[512];

    for (unsigned page = 0; page < 4; page++) {
        for (unsigned i = 0; i < 512; i++)
            words[i] = (page * 512 + i) * 0x9e3779b97f4a7c15;
        put(rig, window_page(page), words, sizeof(words));
    }
}
