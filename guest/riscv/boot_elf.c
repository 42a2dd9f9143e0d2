// SPDX-License-Identifier: Apache-2.0
// ELF programs: segments into RAM by physical address, the entry, and HTIF's symbols. Specification:
// System V ABI, chapters 4 and 5, and the RISC-V ELF psABI.
#include "guest/riscv/boot.h"

#include "lib/bytes.h"
#include "lib/checked.h"
#include "lib/mem.h"

#define EHDR_SIZE 64
#define PHDR_SIZE 56
#define SHDR_SIZE 64
#define SYM_SIZE 24
#define ELFCLASS64 2
#define ELFDATA2LSB 1
#define ET_EXEC 2
#define ET_DYN 3
#define EM_RISCV 243
#define PT_LOAD 1
#define PHDRS_MAX 256            // far more than any program has: loading stays short
#define HEADER_PAGE_MAX 0x10000u // the largest page that linkers align to
#define SHT_SYMTAB 2

// The header's fields that are used, checked to lie inside the file.
struct elf {
    const uint8_t *data;
    uint64_t size;
    const char *name;
    uint16_t type;
    uint64_t entry;
    uint64_t phoff, shoff;
    unsigned phnum, shnum;
    gpa_t ram_base;
    uint64_t bias; // added to every physical address
};

struct segment {
    uint64_t offset, vaddr, paddr, filesz, memsz;
};

bool boot_is_elf(const struct board_image *image)
{
    return image->size >= 4 && !memcmp(image->data,
                                       "\x7f"
                                       "ELF",
                                       4);
}

static bool elf_has(const struct elf *elf, uint64_t offset, uint64_t size)
{
    return hull_range_contains(0, elf->size, offset, size);
}

static int elf_check_ident(struct boot_loader *loader, const struct elf *elf)
{
    if (elf->size < EHDR_SIZE)
        return boot_fail(loader, -HULL_EFORMAT, "%s: the ELF header is cut off", elf->name);
    if (elf->data[4] != ELFCLASS64)
        return boot_fail(loader, -HULL_EFORMAT, "%s: is no 64-bit ELF", elf->name);
    if (elf->data[5] != ELFDATA2LSB)
        return boot_fail(loader, -HULL_EFORMAT, "%s: is no little-endian ELF", elf->name);
    if (hull_load_le16(elf->data + 18) != EM_RISCV)
        return boot_fail(loader, -HULL_EFORMAT, "%s: is an ELF for another machine (e_machine %u)",
                         elf->name, hull_load_le16(elf->data + 18));
    return 0;
}

static int elf_open(struct boot_loader *loader, const struct board_image *image, struct elf *elf)
{
    int error;

    *elf = (struct elf){
        .data = image->data,
        .size = image->size,
        .name = image->name,
        .ram_base = loader->ram_base,
    };
    error = elf_check_ident(loader, elf);
    if (error)
        return error;
    elf->type = hull_load_le16(elf->data + 16);
    elf->entry = hull_load_le64(elf->data + 24);
    elf->phoff = hull_load_le64(elf->data + 32);
    elf->shoff = hull_load_le64(elf->data + 40);
    elf->phnum = hull_load_le16(elf->data + 56);
    elf->shnum = hull_load_le16(elf->data + 60);
    if (elf->type != ET_EXEC && elf->type != ET_DYN)
        return boot_fail(loader, -HULL_EFORMAT, "%s: is an ELF, but no program (e_type %u)",
                         elf->name, elf->type);
    if (!elf->phnum || elf->phnum > PHDRS_MAX || hull_load_le16(elf->data + 54) != PHDR_SIZE ||
        !elf_has(elf, elf->phoff, (uint64_t)elf->phnum * PHDR_SIZE))
        return boot_fail(loader, -HULL_EFORMAT, "%s: the ELF's program headers are malformed",
                         elf->name);
    // Sections only serve to find symbols: without them there are none.
    if (hull_load_le16(elf->data + 58) != SHDR_SIZE ||
        !elf_has(elf, elf->shoff, (uint64_t)elf->shnum * SHDR_SIZE))
        elf->shnum = 0;
    return 0;
}

// Linkers map the ELF's own headers in front of the first section, which for a program linked to the
// start of RAM means below it, where nothing can hold them and nobody wants them.
static void segment_drop_headers(const struct elf *elf, struct segment *s)
{
    uint64_t cut = elf->ram_base - s->paddr;

    if (s->offset || s->paddr >= elf->ram_base || cut > HEADER_PAGE_MAX)
        return;
    if (cut > s->memsz)
        cut = s->memsz;
    s->offset += cut;
    s->vaddr += cut;
    s->paddr += cut;
    s->memsz -= cut;
    s->filesz -= cut < s->filesz ? cut : s->filesz;
}

// False: not a segment that takes memory.
static bool elf_segment(const struct elf *elf, unsigned i, struct segment *segment)
{
    const uint8_t *phdr = elf->data + elf->phoff + (uint64_t)i * PHDR_SIZE;

    *segment = (struct segment){
        .offset = hull_load_le64(phdr + 8),
        .vaddr = hull_load_le64(phdr + 16),
        .paddr = hull_load_le64(phdr + 24),
        .filesz = hull_load_le64(phdr + 32),
        .memsz = hull_load_le64(phdr + 40),
    };
    segment_drop_headers(elf, segment);
    return hull_load_le32(phdr) == PT_LOAD && segment->memsz;
}

static int elf_check_segments(struct boot_loader *loader, const struct elf *elf, uint64_t *lowest,
                              bool *in_ram)
{
    struct segment s;
    uint64_t total = 0;

    *lowest = UINT64_MAX;
    *in_ram = true;
    for (unsigned i = 0; i < elf->phnum; i++) {
        if (!elf_segment(elf, i, &s))
            continue;
        if (s.filesz > s.memsz || !elf_has(elf, s.offset, s.filesz) ||
            !hull_range_valid(s.paddr, s.memsz) || !hull_range_valid(s.vaddr, s.memsz))
            return boot_fail(loader, -HULL_EFORMAT, "%s: the ELF's segment %u is malformed",
                             elf->name, i);
        if (!hull_add_u64(total, s.memsz, &total) || total > loader->ram_size)
            return boot_fail(loader, -HULL_ENOSPC,
                             "%s: the ELF's segments are larger than RAM; give the VM more memory",
                             elf->name);
        if (s.paddr < *lowest)
            *lowest = s.paddr;
        if (!hull_range_contains(loader->ram_base, loader->ram_size, s.paddr, s.memsz))
            *in_ram = false;
    }
    if (*lowest == UINT64_MAX)
        return boot_fail(loader, -HULL_EFORMAT, "%s: the ELF has nothing to load", elf->name);
    return 0;
}

// A virtual address of the program as the physical one that it is loaded at; 0: in no segment.
static gpa_t elf_physical(const struct elf *elf, uint64_t vaddr, uint64_t size)
{
    struct segment s;

    for (unsigned i = 0; i < elf->phnum; i++)
        if (elf_segment(elf, i, &s) && hull_range_contains(s.vaddr, s.memsz, vaddr, size))
            return vaddr - s.vaddr + s.paddr + elf->bias;
    return 0;
}

static int elf_load_segments(struct boot_loader *loader, const struct elf *elf,
                             struct boot_loaded *loaded)
{
    struct segment s;

    loaded->start = UINT64_MAX;
    loaded->end = 0;
    for (unsigned i = 0; i < elf->phnum; i++) {
        gpa_t at;
        int error;

        if (!elf_segment(elf, i, &s))
            continue;
        at = s.paddr + elf->bias; // wraps to where boot_place refuses it, at worst
        error = boot_place(loader, elf->name, at, elf->data + s.offset, s.filesz, s.memsz);
        if (error)
            return error;
        if (at < loaded->start)
            loaded->start = at;
        if (at + s.memsz > loaded->end)
            loaded->end = at + s.memsz;
    }
    return 0;
}

static bool name_is(const struct elf *elf, uint64_t strings, uint64_t strings_size, uint32_t name,
                    const char *wanted, size_t wanted_size)
{
    return name < strings_size && strings_size - name >= wanted_size &&
           !memcmp(elf->data + strings + name, wanted, wanted_size);
}

static void scan_symbols(const struct elf *elf, const uint8_t *symtab, const uint8_t *strtab,
                         struct boot_loaded *loaded)
{
    uint64_t at = hull_load_le64(symtab + 24), size = hull_load_le64(symtab + 32);
    uint64_t strings = hull_load_le64(strtab + 24), strings_size = hull_load_le64(strtab + 32);

    if (!elf_has(elf, at, size) || !elf_has(elf, strings, strings_size))
        return;
    for (uint64_t i = 0; i < size / SYM_SIZE; i++) {
        const uint8_t *sym = elf->data + at + i * SYM_SIZE;
        uint32_t name = hull_load_le32(sym);

        // Index 0 is SHN_UNDEF: somebody else's symbol.
        if (!hull_load_le16(sym + 6))
            continue;
        if (name_is(elf, strings, strings_size, name, "tohost", sizeof("tohost")))
            loaded->tohost = elf_physical(elf, hull_load_le64(sym + 8), 8);
        else if (name_is(elf, strings, strings_size, name, "fromhost", sizeof("fromhost")))
            loaded->fromhost = elf_physical(elf, hull_load_le64(sym + 8), 8);
    }
}

static void elf_find_htif(const struct elf *elf, struct boot_loaded *loaded)
{
    for (unsigned i = 0; i < elf->shnum; i++) {
        const uint8_t *shdr = elf->data + elf->shoff + (uint64_t)i * SHDR_SIZE;
        uint32_t link = hull_load_le32(shdr + 40);

        if (hull_load_le32(shdr + 4) != SHT_SYMTAB || link >= elf->shnum)
            continue;
        scan_symbols(elf, shdr, elf->data + elf->shoff + (uint64_t)link * SHDR_SIZE, loaded);
        return; // an ELF has one symbol table at most
    }
}

int boot_load_elf(struct boot_loader *loader, const struct board_image *image, gpa_t base,
                  struct boot_loaded *loaded)
{
    struct elf elf;
    uint64_t lowest;
    bool in_ram;
    int error = elf_open(loader, image, &elf);

    if (!error)
        error = elf_check_segments(loader, &elf, &lowest, &in_ram);
    if (error)
        return error;
    *loaded = (struct boot_loaded){0};
    if (!in_ram && (elf.type == ET_DYN || lowest == 0))
        elf.bias = base - hull_align_down_u64(lowest, HULL_PAGE_SIZE);
    error = elf_load_segments(loader, &elf, loaded);
    if (error)
        return error;
    // The entry is a virtual address where the program's segments have them.
    loaded->entry = elf_physical(&elf, elf.entry, 2);
    if (!loaded->entry)
        loaded->entry = elf.entry;
    if (!hull_range_contains(loader->ram_base, loader->ram_size, loaded->entry, 2) ||
        loaded->entry & 1)
        return boot_fail(loader, -HULL_EFORMAT, "%s: the ELF's entry 0x%llx is not in RAM",
                         image->name, (unsigned long long)elf.entry);
    elf_find_htif(&elf, loaded);
    return 0;
}
