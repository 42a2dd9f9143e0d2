// SPDX-License-Identifier: Apache-2.0
// Runs the sequences of a body and prints a hash of the state after each: as a program of its own on a
// bare machine, or as a Linux program under user-mode emulation.
#include "body.h"

#include <stddef.h>

#define BODY ((const struct body *)BODY_BASE)
#define STATE ((struct state *)STATE_BASE)
#define AREA ((uint64_t *)AREA_BASE)
#define AREA_WORDS (2 * AREA_HALF / 8)

void run_sequence(struct state *state, uint64_t entry);

#ifndef WRAPPER_USER
static void out(const char *text, size_t length)
{
    while (length--) {
        while (!(*(volatile uint8_t *)0x10000005 & 0x20))
            ;
        *(volatile uint8_t *)0x10000000 = (uint8_t)*text++;
    }
}

static void end(int code)
{
    for (;;)
        *(volatile uint32_t *)0x100000 = code ? (uint32_t)code << 16 | 0x3333 : 0x5555;
}
#else
static void out(const char *text, size_t length)
{
    register long a0 __asm__("a0") = 1;
    register const char *a1 __asm__("a1") = text;
    register size_t a2 __asm__("a2") = length;
    register long a7 __asm__("a7") = 64;

    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a7) : "memory");
}

static void end(int code)
{
    register long a0 __asm__("a0") = code, a7 __asm__("a7") = 93;

    __asm__ volatile("ecall" : "+r"(a0) : "r"(a7) : "memory");
}
#endif

#ifdef WRAPPER_PAGED
#define TABLES \
    ((uint64_t(*)[512])0x80200000) // root, devices, RAM in 2 MiB pages, the area's small pages
#define PTE_USER 0xdfull           // V R W X U A D
#define PTE_TABLE 1ull
#define AREA_PA 0x80300000ull

static uint64_t pte(uint64_t pa, uint64_t flags)
{
    return pa >> 12 << 10 | flags;
}

// RAM and the devices where they are, but for the two megabytes with the area: by small pages, the
// area's own far apart and in reverse. The value for satp comes back.
uint64_t wrapper_paging(void)
{
    TABLES[0][0] = pte(0, PTE_USER);
    TABLES[0][2] = pte((uint64_t)TABLES[2], PTE_TABLE);
    for (uint64_t i = 0; i < 512; i++) {
        TABLES[2][i] = pte(WRAPPER_BASE + (i << 21), PTE_USER);
        TABLES[3][i] = pte(WRAPPER_BASE + (i << 12), PTE_USER);
    }
    TABLES[2][0] = pte((uint64_t)TABLES[3], PTE_TABLE);
    TABLES[3][0x110] = pte(AREA_PA + 0x5000, PTE_USER);
    TABLES[3][0x111] = pte(AREA_PA + 0x2000, PTE_USER);
    return 8ull << 60 | (uint64_t)TABLES >> 12;
}
#endif

static void out_line(const char *name, unsigned number, uint64_t value)
{
    char line[64];
    size_t n = 0;

    while (*name)
        line[n++] = *name++;
    for (unsigned d = 10000000; d; d /= 10)
        if (number >= d || d == 1)
            line[n++] = (char)('0' + number / d % 10);
    line[n++] = ' ';
    for (int i = 60; i >= 0; i -= 4)
        line[n++] = "0123456789abcdef"[value >> i & 15];
    line[n++] = '\n';
    out(line, n);
}

void wrapper_trap(uint64_t cause, uint64_t epc, uint64_t tval)
{
    out_line("trap ", (unsigned)cause, epc);
    out_line("tval ", 0, tval);
    end(3);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9fb21c651e98df25;
    return hash ^ hash >> 32;
}

// x3 and x4 belong to the program; f registers hold anything, properly boxed or not.
static void initial_state(unsigned sequence, unsigned number)
{
    uint64_t rng = BODY->seed ^ ((uint64_t)sequence << 20) ^ number;

    for (unsigned i = 0; i < 32; i++) {
        STATE->x[i] = BODY->integers[splitmix(&rng) % POOL_SIZE];
        STATE->f[i] = BODY->floats[splitmix(&rng) % POOL_SIZE];
    }
    STATE->x[0] = 0;
    STATE->x[3] = AREA_BASE + AREA_HALF;
    STATE->x[4] = STATE_BASE;
    STATE->fcsr = splitmix(&rng) % 5 << 5 | splitmix(&rng) % 32;
    for (unsigned i = 0; i < AREA_WORDS / 2; i++)
        AREA[i] = BODY->floats[(splitmix(&rng) % POOL_SIZE & ~3ul) + i % OPERAND_CLASSES];
    for (unsigned i = AREA_WORDS / 2; i < AREA_WORDS; i++)
        AREA[i] = BODY->integers[splitmix(&rng) % POOL_SIZE];
}

static uint64_t state_hash(uint64_t hash)
{
    for (unsigned i = 0; i < 32; i++)
        hash = mix(mix(hash, STATE->x[i]), STATE->f[i]);
    hash = mix(hash, STATE->fcsr);
    for (unsigned i = 0; i < AREA_WORDS; i++)
        hash = mix(hash, AREA[i]);
    return hash;
}

static void dump(unsigned number)
{
    out_line("state ", number, 0);
    for (unsigned i = 0; i < 32; i++)
        out_line("x", i, STATE->x[i]);
    for (unsigned i = 0; i < 32; i++)
        out_line("f", i, STATE->f[i]);
    out_line("fcsr ", 0, STATE->fcsr);
    for (unsigned i = 0; i < AREA_WORDS; i++)
        out_line("memory ", i * 8, AREA[i]);
}

void wrapper_main(void)
{
    const uint64_t *entries = (const uint64_t *)BODY->entries;

    for (unsigned s = 0; s < BODY->sequences; s++) {
        uint64_t hash = 0;

        for (unsigned n = 0; n < BODY->states; n++) {
            initial_state(BODY->first + s, n);
            run_sequence(STATE, entries[s]);
            hash = state_hash(hash);
            if (BODY->dump)
                dump(n);
        }
        out_line("sequence ", BODY->first + s, hash);
    }
    out("done\n", 5);
    end(0);
}
