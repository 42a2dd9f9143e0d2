// SPDX-License-Identifier: Apache-2.0
// Writes programs with the same random code at the same addresses: OUT.bare for a bare machine, OUT.paged
// for one too, but in U mode with paging and interrupts, OUT.user for user-mode emulation. The same seed
// gives the same code.
#include "tests/diff/gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_ROOM (16u << 20)
#define WRAPPER_ROOM 0x310000u // with the state, the area and page tables

static void fail(const char *what, const char *which)
{
    fprintf(stderr, "generate: %s: %s\n", what, which);
    exit(2);
}

static void put(uint8_t *to, uint64_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        to[i] = (uint8_t)(value >> 8 * i);
}

static void put_segment(uint8_t *ph, uint64_t offset, uint64_t addr, uint64_t size, uint64_t memory)
{
    put(ph, 1, 4);     // PT_LOAD
    put(ph + 4, 7, 4); // RWX
    put(ph + 8, offset, 8);
    put(ph + 16, addr, 8);
    put(ph + 24, addr, 8);
    put(ph + 32, size, 8);
    put(ph + 40, memory, 8);
    put(ph + 48, 4096, 8);
}

static void write_elf(const char *path, const char *wrapper_path, const struct gen *gen)
{
    static uint8_t wrapper[65536];
    uint8_t header[4096] = "\177ELF\2\1\1";
    FILE *in = fopen(wrapper_path, "rb"), *out;
    size_t size;

    if (!in)
        fail("can't read", wrapper_path);
    memset(wrapper, 0, sizeof(wrapper));
    size = fread(wrapper, 1, sizeof(wrapper), in);
    fclose(in);
    if (!size || size == sizeof(wrapper))
        fail("has a strange size", wrapper_path);
    put(header + 16, 2, 2);   // ET_EXEC
    put(header + 18, 243, 2); // EM_RISCV
    put(header + 20, 1, 4);
    put(header + 24, WRAPPER_BASE, 8);
    put(header + 32, 64, 8); // program headers
    put(header + 48, 5, 4);  // RVC, double-float ABI
    put(header + 52, 64, 2);
    put(header + 54, 56, 2);
    put(header + 56, 2, 2);
    put(header + 58, 64, 2);
    put_segment(header + 64, 4096, WRAPPER_BASE, sizeof(wrapper), WRAPPER_ROOM);
    put_segment(header + 120, 4096 + sizeof(wrapper), BODY_BASE, gen->size, gen->size);
    out = fopen(path, "wb");
    if (!out || fwrite(header, sizeof(header), 1, out) != 1 ||
        fwrite(wrapper, sizeof(wrapper), 1, out) != 1 ||
        fwrite(gen->image, gen->size, 1, out) != 1 || fclose(out))
        fail("can't write", path);
}

// auipc and jalr to the wrapper's vector; x31 is lost.
static void end_sequence(struct gen *gen)
{
    int64_t offset = (int64_t)SEQUENCE_END - (int64_t)(BODY_BASE + gen->size);
    uint32_t high = (uint32_t)(offset + 0x800) & 0xfffff000;

    gen_word(gen, 0x17 | 31 << 7 | high);
    gen_word(gen, 0x67 | 31 << 15 | ((uint32_t)offset - high) << 20);
}

static void make_sequence(struct gen *gen, uint64_t seed, unsigned number, unsigned length)
{
    gen->rng = seed * 0x100000001b3 + number;
    gen->reserved = gen->depth = 0;
    while (length--)
        gen_item(gen);
    end_sequence(gen);
}

static uint64_t number_argument(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 0);

    if (!*text || *end)
        fail("not a number", text);
    return value;
}

int main(int argc, char **argv)
{
    uint64_t seed = 1, only = UINT64_MAX;
    unsigned sequences = 1000, length = 400, states = 4;
    const char *wrappers = NULL, *out = NULL;
    struct gen gen = {.room = BODY_ROOM - 64};
    struct body *body;
    uint64_t *entries;

    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i], *value = argv[i + 1];

        if (!strcmp(name, "--seed"))
            seed = number_argument(value);
        else if (!strcmp(name, "--sequences"))
            sequences = (unsigned)number_argument(value);
        else if (!strcmp(name, "--length"))
            length = (unsigned)number_argument(value);
        else if (!strcmp(name, "--states"))
            states = (unsigned)number_argument(value);
        else if (!strcmp(name, "--only"))
            only = number_argument(value);
        else if (!strcmp(name, "--wrappers"))
            wrappers = value;
        else if (!strcmp(name, "--out"))
            out = value;
        else
            fail("unknown option", name);
    }
    if (!wrappers || !out || argc % 2 == 0)
        fail("usage", "generate --wrappers DIR --out FILE [--seed N] [--sequences N] [--length N] "
                      "[--states N] [--only N]");
    if (only != UINT64_MAX)
        sequences = 1;
    gen.image = calloc(1, BODY_ROOM);
    if (!gen.image)
        fail("no memory", "body");
    body = (struct body *)gen.image;
    body->seed = seed;
    body->sequences = sequences;
    body->states = states;
    body->dump = only != UINT64_MAX;
    body->first = only != UINT64_MAX ? (uint32_t)only : 0;
    body->entries = BODY_BASE + sizeof(*body);
    entries = (uint64_t *)(body + 1);
    gen.rng = seed;
    gen_fill_pools(&gen, body);
    gen_prepare();
    gen.size = sizeof(*body) + sequences * sizeof(*entries);
    for (unsigned i = 0; i < sequences; i++) {
        entries[i] = BODY_BASE + gen.size;
        make_sequence(&gen, seed, body->first + i, length);
    }
    if (gen.size > gen.room - 4096)
        fail("too much", "fewer sequences or a smaller length");
    char path[4096], wrapper[4096];
    static const char *const kinds[][2] = {{"bare", "BARE"}, {"user", "USER"}, {"paged", "PAGED"}};
    for (unsigned i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s.%s", out, kinds[i][0]);
        snprintf(wrapper, sizeof(wrapper), "%s/%s.bin", wrappers, kinds[i][1]);
        write_elf(path, wrapper, &gen);
    }
    printf("%u sequences of %u items, %zu bytes\n", sequences, length, gen.size);
    return 0;
}
