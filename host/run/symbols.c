// SPDX-License-Identifier: Apache-2.0
// See symbols.h. The files may be anything: every offset in them is checked.
#include "host/run/symbols.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/bytes.h"
#include "lib/checked.h"

#define EHDR_SIZE 64
#define SHDR_SIZE 64
#define SYM_SIZE 24
#define EM_RISCV 243
#define SHT_SYMTAB 2
#define STT_NOTYPE 0
#define STT_FUNC 2
#define NAME_MAX_LENGTH 200
#define REACH (1u << 20) // of a symbol without a size that none follows

static bool grow(void **p, size_t *room, size_t need, size_t unit)
{
    size_t more = *room ? *room * 2 : 4096;
    void *grown;

    if (need <= *room)
        return true;
    while (more < need)
        more *= 2;
    grown = realloc(*p, more * unit);
    if (!grown)
        return false;
    *p = grown;
    *room = more;
    return true;
}

// Names with what could end a line, or that compilers make for themselves, are none.
static int add(struct symbols *s, uint64_t address, uint64_t size, const char *name, size_t length)
{
    if (!length || length > NAME_MAX_LENGTH || name[0] == '$' || !strncmp(name, ".L", 2))
        return 0;
    for (size_t i = 0; i < length; i++)
        if (!isgraph((unsigned char)name[i]))
            return 0;
    if (!grow((void **)&s->list, &s->room, s->count + 1, sizeof(s->list[0])) ||
        !grow((void **)&s->names, &s->names_room, s->names_used + length + 1, 1))
        return -HULL_ENOMEM;
    s->list[s->count++] = (struct symbol){address, size, s->names_used};
    memcpy(s->names + s->names_used, name, length);
    s->names[s->names_used + length] = '\0';
    s->names_used += length + 1;
    return 0;
}

// ---- ELF ----

struct file {
    const uint8_t *data;
    size_t size;
};

static bool has(const struct file *f, uint64_t offset, uint64_t size)
{
    return hull_range_contains(0, f->size, offset, size);
}

static const uint8_t *section(const struct file *f, unsigned index, uint64_t *offset,
                              uint64_t *size)
{
    uint64_t at = hull_load_le64(f->data + 40) + (uint64_t)index * SHDR_SIZE;
    const uint8_t *header = f->data + at;

    if (!has(f, at, SHDR_SIZE))
        return NULL;
    *offset = hull_load_le64(header + 24);
    *size = hull_load_le64(header + 32);
    return has(f, *offset, *size) ? header : NULL;
}

static int add_elf_symbol(struct symbols *s, const struct file *f, const uint8_t *sym,
                          uint64_t names, uint64_t names_size)
{
    uint32_t name = hull_load_le32(sym);
    unsigned type = sym[4] & 15;

    if ((type != STT_FUNC && type != STT_NOTYPE) || !hull_load_le16(sym + 6) || name >= names_size)
        return 0;
    return add(s, hull_load_le64(sym + 8), hull_load_le64(sym + 16),
               (const char *)f->data + names + name,
               strnlen((const char *)f->data + names + name, names_size - name));
}

static int load_elf(struct symbols *s, const struct file *f)
{
    uint64_t offset, size, names, names_size;
    int err = 0;

    if (f->size < EHDR_SIZE || f->data[4] != 2 || f->data[5] != 1 ||
        hull_load_le16(f->data + 18) != EM_RISCV || hull_load_le16(f->data + 58) != SHDR_SIZE)
        return -HULL_EFORMAT;
    for (unsigned i = 0; i < hull_load_le16(f->data + 60); i++) {
        const uint8_t *header = section(f, i, &offset, &size);

        if (!header || hull_load_le32(header + 4) != SHT_SYMTAB ||
            !section(f, hull_load_le32(header + 40), &names, &names_size))
            continue;
        for (uint64_t at = 0; at + SYM_SIZE <= size && !err; at += SYM_SIZE)
            err = add_elf_symbol(s, f, f->data + offset + at, names, names_size);
    }
    return err;
}

// ---- Lists ----

// "ffffffff80002000 T _start", perhaps with "[module]" behind it. Anything else is no symbol.
static int add_line(struct symbols *s, const char *line, size_t length)
{
    char text[320], *end, *name;
    uint64_t address;

    if (length >= sizeof(text))
        return 0;
    memcpy(text, line, length);
    text[length] = '\0';
    address = strtoull(text, &end, 16);
    if (end != text + 16 || end[0] != ' ' || !end[1] || !strchr("tTwW", end[1]) || end[2] != ' ')
        return 0;
    name = end + 3;
    return add(s, address, 0, name, strcspn(name, " \t\r"));
}

static int load_list(struct symbols *s, const struct file *f)
{
    const char *at = (const char *)f->data, *end = at + f->size;
    size_t before = s->count;
    int err = 0;

    while (at < end && !err) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;

        err = add_line(s, at, (size_t)(stop - at));
        at = stop + 1;
    }
    return err || s->count > before ? err : -HULL_EFORMAT;
}

static int by_address(const void *a, const void *b)
{
    const struct symbol *x = a, *y = b;

    if (x->address != y->address)
        return x->address < y->address ? -1 : 1;
    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return x->name < y->name ? -1 : x->name > y->name;
}

// Files as /proc/kallsyms have no size: everything is read.
static int read_whole(const char *path, struct file *f, size_t *room)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint8_t *data = NULL;
    ssize_t got = 1;
    int err = fd < 0 ? -HULL_EIO : 0;

    while (!err && got > 0) {
        if (!grow((void **)&data, room, f->size + 65536, 1)) {
            err = -HULL_ENOMEM;
            break;
        }
        got = read(fd, data + f->size, 65536);
        if (got < 0)
            err = -HULL_EIO;
        else
            f->size += (size_t)got;
    }
    if (fd >= 0)
        close(fd);
    f->data = data;
    return err;
}

int hull_symbols_load(struct symbols *symbols, const char *path)
{
    struct file f = {0};
    size_t room = 0;
    int err = read_whole(path, &f, &room);

    if (!err)
        err = f.size >= 4 && !memcmp(f.data,
                                     "\x7f"
                                     "ELF",
                                     4)
                  ? load_elf(symbols, &f)
                  : load_list(symbols, &f);
    free((void *)(uintptr_t)f.data);
    if (symbols->count)
        qsort(symbols->list, symbols->count, sizeof(symbols->list[0]), by_address);
    return err;
}

void hull_symbols_free(struct symbols *symbols)
{
    free(symbols->list);
    free(symbols->names);
    *symbols = (struct symbols){0};
}

// The last one of those that begin at or before the address.
const char *hull_symbols_find(const struct symbols *s, uint64_t address, uint64_t *start)
{
    size_t low = 0, high = s->count;
    const struct symbol *found;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (s->list[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (!low)
        return NULL;
    found = &s->list[low - 1];
    if (address - found->address >= (found->size ? found->size : REACH))
        return NULL;
    *start = found->address;
    return s->names + found->name;
}
