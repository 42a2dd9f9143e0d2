// SPDX-License-Identifier: Apache-2.0
// The device tree writer. The structure grows up from the buffer's start while the names of the
// properties gather at its end; finish moves them together.
#include "lib/bytes.h"
#include "lib/fdt/layout.h"
#include "lib/format.h"
#include "lib/str.h"

static void fail(struct fdt_writer *w, int error)
{
    if (!w->error)
        w->error = error;
}

// Room for `length` more bytes of structure; NULL, and the error set, when there is none.
static uint8_t *reserve_bytes(struct fdt_writer *w, size_t length)
{
    if (w->error)
        return NULL;
    if (length > w->size - w->used - w->strings_size) {
        fail(w, -HULL_ENOSPC);
        return NULL;
    }
    uint8_t *at = w->blob + w->used;
    w->used += length;
    return at;
}

static void put_u32(struct fdt_writer *w, uint32_t value)
{
    uint8_t *at = reserve_bytes(w, 4);
    if (at)
        hull_store_be32(at, value);
}

static void put_u64(struct fdt_writer *w, uint64_t value)
{
    uint8_t *at = reserve_bytes(w, 8);
    if (at)
        hull_store_be64(at, value);
}

static void put_bytes(struct fdt_writer *w, const void *bytes, size_t length)
{
    uint8_t *at = reserve_bytes(w, length);
    if (at && length)
        memcpy(at, bytes, length);
}

static void pad_to_token(struct fdt_writer *w)
{
    static const uint8_t zeros[3];
    put_bytes(w, zeros, -w->used & 3);
}

void hull_fdt_writer_init(struct fdt_writer *w, void *buffer, size_t size)
{
    // Offsets in the blob have 32 bits.
    *w = (struct fdt_writer){.blob = buffer, .size = size < UINT32_MAX ? size : UINT32_MAX};
    if (w->size < FDT_HEADER_SIZE)
        fail(w, -HULL_ENOSPC);
    else
        w->used = FDT_HEADER_SIZE;
}

void hull_fdt_reserve(struct fdt_writer *w, uint64_t address, uint64_t size)
{
    // A reservation of nothing is what ends the block.
    if (w->structure || !size)
        fail(w, -HULL_EINVAL);
    put_u64(w, address);
    put_u64(w, size);
}

static void begin_structure(struct fdt_writer *w)
{
    put_u64(w, 0);
    put_u64(w, 0);
    w->structure = w->used;
}

void hull_fdt_begin_node(struct fdt_writer *w, const char *name)
{
    if (!w->structure)
        begin_structure(w);
    // The root alone has no name.
    if (w->ended || w->depth == HULL_FDT_DEPTH_MAX || !w->depth != !name[0] ||
        hull_strlen(name) > HULL_FDT_NAME_MAX)
        fail(w, -HULL_EINVAL);
    put_u32(w, FDT_BEGIN_NODE);
    put_bytes(w, name, hull_strlen(name) + 1);
    pad_to_token(w);
    w->depth++;
    w->subnodes_follow = false;
}

void hull_fdt_begin_node_at(struct fdt_writer *w, const char *name, uint64_t address)
{
    char full[64];
    int length = hull_snprintf(full, sizeof(full), "%s@%llx", name, (unsigned long long)address);
    if ((size_t)length >= sizeof(full))
        fail(w, -HULL_EINVAL);
    hull_fdt_begin_node(w, full);
}

void hull_fdt_end_node(struct fdt_writer *w)
{
    if (!w->depth) {
        fail(w, -HULL_EINVAL);
        return;
    }
    put_u32(w, FDT_END_NODE);
    w->subnodes_follow = true;
    if (--w->depth == 0) {
        w->ended = true;
        put_u32(w, FDT_END);
    }
}

// The offset of `name` in the strings block: the end of an earlier name will do. Where the first names end is known, and
// most trees have no more.
static uint32_t string_offset(struct fdt_writer *w, const char *name)
{
    const uint8_t *strings = w->blob + w->size - w->strings_size;
    size_t length = hull_strlen(name) + 1, at = 0;
    for (unsigned i = 0; i < w->name_count; at = w->name_ends[i++]) {
        size_t from = w->name_ends[i] - length;
        if (w->name_ends[i] - at >= length && strings[from] == (uint8_t)name[0] &&
            memcmp(strings + from, name, length) == 0)
            return (uint32_t)from;
    }
    for (; at + length <= w->strings_size; at++)
        if (strings[at] == (uint8_t)name[0] && memcmp(strings + at, name, length) == 0)
            return (uint32_t)at;
    if (length > w->size - w->used - w->strings_size) {
        fail(w, -HULL_ENOSPC);
        return 0;
    }
    // Offsets count from the block's start, so it is the block that moves, not they.
    memmove(w->blob + w->size - w->strings_size - length, strings, w->strings_size);
    memcpy(w->blob + w->size - length, name, length);
    w->strings_size += length;
    if (w->name_count < HULL_FDT_NAMES_KNOWN)
        w->name_ends[w->name_count++] = (uint32_t)w->strings_size;
    return (uint32_t)(w->strings_size - length);
}

// The property's head; its value follows, then pad_to_token().
static void begin_prop(struct fdt_writer *w, const char *name, size_t length)
{
    if (!w->depth || w->subnodes_follow || !name[0] || hull_strlen(name) > HULL_FDT_NAME_MAX)
        fail(w, -HULL_EINVAL);
    if (w->error)
        return;
    if (length > w->size) {
        fail(w, -HULL_ENOSPC);
        return;
    }
    uint32_t offset = string_offset(w, name);
    put_u32(w, FDT_PROP);
    put_u32(w, (uint32_t)length);
    put_u32(w, offset);
}

void hull_fdt_prop_bytes(struct fdt_writer *w, const char *name, const void *bytes, size_t length)
{
    begin_prop(w, name, length);
    put_bytes(w, bytes, length);
    pad_to_token(w);
}

void hull_fdt_prop_empty(struct fdt_writer *w, const char *name)
{
    begin_prop(w, name, 0);
}

void hull_fdt_prop_u32(struct fdt_writer *w, const char *name, uint32_t value)
{
    hull_fdt_prop_cells(w, name, &value, 1);
}

void hull_fdt_prop_u64(struct fdt_writer *w, const char *name, uint64_t value)
{
    hull_fdt_prop_u64s(w, name, &value, 1);
}

void hull_fdt_prop_string(struct fdt_writer *w, const char *name, const char *string)
{
    hull_fdt_prop_stringlist(w, name, &string, 1);
}

void hull_fdt_prop_stringlist(struct fdt_writer *w, const char *name, const char *const *strings,
                              size_t count)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++)
        length += hull_strlen(strings[i]) + 1;
    begin_prop(w, name, length);
    for (size_t i = 0; i < count; i++)
        put_bytes(w, strings[i], hull_strlen(strings[i]) + 1);
    pad_to_token(w);
}

void hull_fdt_prop_cells(struct fdt_writer *w, const char *name, const uint32_t *cells,
                         size_t count)
{
    begin_prop(w, name, count * 4);
    for (size_t i = 0; i < count; i++)
        put_u32(w, cells[i]);
}

void hull_fdt_prop_u64s(struct fdt_writer *w, const char *name, const uint64_t *values,
                        size_t count)
{
    begin_prop(w, name, count * 8);
    for (size_t i = 0; i < count; i++)
        put_u64(w, values[i]);
}

static void write_header(struct fdt_writer *w, uint32_t boot_cpu, size_t total)
{
    uint8_t *h = w->blob;
    hull_store_be32(h + FDT_MAGIC, HULL_FDT_MAGIC);
    hull_store_be32(h + FDT_TOTALSIZE, (uint32_t)total);
    hull_store_be32(h + FDT_OFF_DT_STRUCT, (uint32_t)w->structure);
    hull_store_be32(h + FDT_OFF_DT_STRINGS, (uint32_t)w->used);
    hull_store_be32(h + FDT_OFF_MEM_RSVMAP, FDT_HEADER_SIZE);
    hull_store_be32(h + FDT_VERSION, FDT_FORMAT_VERSION);
    hull_store_be32(h + FDT_LAST_COMP_VERSION, FDT_FORMAT_COMPATIBLE);
    hull_store_be32(h + FDT_BOOT_CPUID_PHYS, boot_cpu);
    hull_store_be32(h + FDT_SIZE_DT_STRINGS, (uint32_t)w->strings_size);
    hull_store_be32(h + FDT_SIZE_DT_STRUCT, (uint32_t)(w->used - w->structure));
}

int hull_fdt_finish(struct fdt_writer *w, uint32_t boot_cpu, size_t *total)
{
    if (!w->ended)
        fail(w, -HULL_EINVAL);
    if (w->error)
        return w->error;
    memmove(w->blob + w->used, w->blob + w->size - w->strings_size, w->strings_size);
    *total = w->used + w->strings_size;
    write_header(w, boot_cpu, *total);
    fail(w, -HULL_EINVAL); // what is finished takes no more
    return 0;
}
