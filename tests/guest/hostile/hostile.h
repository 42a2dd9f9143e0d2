// SPDX-License-Identifier: Apache-2.0
// The hostile guest: an S-mode program that does everything a guest must not, over and over, and expects
// nothing but to get its traps, its error codes, and to go on. It spares only itself: its own image, the
// power switch, and its console.
#ifndef HOSTILE_H
#define HOSTILE_H

#include "../sbi/sbi.h"
#include "csr.h"
#include "rt.h"

// Memory that may be ruined by anybody: by stores, by devices, by the balloon. The lower half belongs to
// the devices, a part to each.
#define ARENA 0x82000000ul
#define ARENA_SIZE 0x1000000ul
#define WASTE (ARENA + ARENA_SIZE / 2)
#define WASTE_SIZE (ARENA_SIZE / 2)
#define RAM_END (RAM + 0x4000000ul) // with 64 MiB; more is ruined as well

// What was tried and what came of it, of all harts.
struct hostile_count {
    uint64_t tries, traps;
};

// Pseudo-random numbers of this hart; hostile_seed() begins again.
void hostile_seed(uint64_t seed);
uint64_t rnd(void);
uint64_t rnd_below(uint64_t limit);

// A number that is likely to hurt as an address or a length: the ends of ranges, devices, powers of two,
// anything. Never an address of this program, nor of the power switch.
uint64_t wild(void);
// The same, but no RAM: nothing can be executed or overwritten there.
uint64_t wild_outside(void);

void hostile_count(struct rt_outcome outcome);
extern struct hostile_count hostile_counts[RT_HARTS];

// Set while code runs in U mode: every trap ends it.
extern volatile bool hostile_user[RT_HARTS];
bool hostile_trap(struct rt_frame *f); // the rt_trap_hook
// The UART and the interrupts as the runtime needs them.
void hostile_repair(void);

// One round each, on the calling hart.
void hostile_memory(unsigned round);
void hostile_csrs(unsigned round);
void hostile_calls(unsigned round);
void hostile_rings(unsigned round);
void hostile_aia(unsigned round);      // of a board that has it
void hostile_user_init(unsigned hart); // once, on the boot hart
void hostile_user_code(unsigned round);

#endif
