// SPDX-License-Identifier: Apache-2.0
// For tests of what translated code remembers of pages: page tables for the machines of jit_rig.h, with a
// window of four pages side by side, whose memory lies apart and in reverse.
#ifndef TESTS_UNIT_JIT_WINDOW_H
#define TESTS_UNIT_JIT_WINDOW_H

#include "tests/unit/jit_rig.h"

#define TABLES (CODE + 0x20000)
#define WINDOW (CODE + 0x30000) // virtual
#define WINDOW_PA (CODE + 0x40000)
#define WINDOW_PTE (TABLES + 0x2000 + 0x30 * 8) // of its first page; the next ones' lie behind it
#define PTE_RW 0xc7ull                          // V R W A D
#define PTE_READ 0xc3ull
#define PTE_CODE 0xcfull
#define PTE_CODE_READ 0xcbull

extern const uint64_t window_writable[4];

uint64_t window_pte(uint64_t pa, uint64_t flags);
// Where a page of the window lies in memory, while nothing has remapped it.
uint64_t window_page(unsigned page);
// Makes the tables, and satp names them: RAM where it is (guarded: of that only the program, which can't be
// written), and the window; 0 for a page: nothing is there.
void window_map(struct rig *rig, const uint64_t flags[4], bool guarded);
// Words that tell each place from every other.
void window_fill(struct rig *rig);

#endif
