// SPDX-License-Identifier: Apache-2.0
// The device tree reader's base: opening a blob from a source that we don't trust, and the one step
// that every walk is made of.
#include "lib/bytes.h"
#include "lib/checked.h"
#include "lib/fdt/layout.h"
#include "lib/str.h"

static uint32_t load_field(const uint8_t *blob, enum fdt_header_field field)
{
    return hull_load_be32(blob + field);
}

// The four blocks lie inside of the blob, as aligned as the specification wants them (5.6).
static int open_header(struct fdt_view *view, const uint8_t *blob, size_t size)
{
    if (size < FDT_HEADER_SIZE || load_field(blob, FDT_MAGIC) != HULL_FDT_MAGIC)
        return -HULL_EFORMAT;
    if (load_field(blob, FDT_VERSION) < FDT_FORMAT_VERSION ||
        load_field(blob, FDT_LAST_COMP_VERSION) > FDT_FORMAT_VERSION)
        return -HULL_EVERSION;
    *view = (struct fdt_view){
        .blob = blob,
        .total = load_field(blob, FDT_TOTALSIZE),
        .reservations = load_field(blob, FDT_OFF_MEM_RSVMAP),
        .structure = load_field(blob, FDT_OFF_DT_STRUCT),
        .structure_size = load_field(blob, FDT_SIZE_DT_STRUCT),
        .strings = load_field(blob, FDT_OFF_DT_STRINGS),
        .strings_size = load_field(blob, FDT_SIZE_DT_STRINGS),
        .boot_cpu = load_field(blob, FDT_BOOT_CPUID_PHYS),
    };
    if (view->total > size || view->total < FDT_HEADER_SIZE)
        return -HULL_EFORMAT;
    if (view->reservations < FDT_HEADER_SIZE || view->reservations % 8 || view->structure % 4)
        return -HULL_EFORMAT;
    if (!hull_range_contains(FDT_HEADER_SIZE, view->total - FDT_HEADER_SIZE, view->structure,
                             view->structure_size) ||
        !hull_range_contains(FDT_HEADER_SIZE, view->total - FDT_HEADER_SIZE, view->strings,
                             view->strings_size))
        return -HULL_EFORMAT;
    return 0;
}

// Counts the reservations up to the entry of zeros that ends them.
static int open_reservations(struct fdt_view *view)
{
    uint64_t address, size;
    for (uint64_t at = view->reservations;; at += FDT_RESERVATION_SIZE) {
        if (at + FDT_RESERVATION_SIZE > view->total)
            return -HULL_EFORMAT;
        hull_fdt_get_reservation(view, view->reservation_count, &address, &size);
        if (!address && !size)
            return 0;
        view->reservation_count++;
    }
}

// The whole structure block: one root, everything closed, properties before subnodes, then the end.
static int check_structure(const struct fdt_view *view)
{
    struct fdt_item item;
    uint32_t offset = 0;
    unsigned depth = 0;
    bool prop_allowed = false, root_seen = false;
    for (;;) {
        int token = hull_fdt_next(view, &offset, &item);
        switch (token) {
        case HULL_FDT_BEGIN_NODE:
            if (depth == HULL_FDT_DEPTH_MAX || (depth == 0) != (item.name[0] == '\0') ||
                (depth == 0 && root_seen))
                return -HULL_EFORMAT;
            depth++;
            prop_allowed = root_seen = true;
            break;
        case HULL_FDT_END_NODE:
            if (depth-- == 0)
                return -HULL_EFORMAT;
            prop_allowed = false;
            break;
        case HULL_FDT_PROP:
            if (!prop_allowed)
                return -HULL_EFORMAT;
            break;
        case HULL_FDT_END: return depth || !root_seen ? -HULL_EFORMAT : 0;
        default: return token;
        }
    }
}

int hull_fdt_open(struct fdt_view *view, const void *blob, size_t size)
{
    int error = open_header(view, blob, size);
    if (!error)
        error = open_reservations(view);
    if (!error)
        error = check_structure(view);
    view->checked = !error;
    return error;
}

void hull_fdt_get_reservation(const struct fdt_view *view, uint32_t index, uint64_t *address,
                              uint64_t *size)
{
    const uint8_t *entry = view->blob + view->reservations + (size_t)index * FDT_RESERVATION_SIZE;
    *address = hull_load_be64(entry);
    *size = hull_load_be64(entry + 8);
}

// A terminated string at `offset` of a block; NULL when it runs out of the block. Names are short:
// the limit keeps many properties that share one endless name from costing the square of the blob. What was found
// well-formed once is not measured again.
static const char *string_at(const struct fdt_view *view, uint32_t block, uint32_t block_size,
                             uint32_t offset)
{
    if (offset >= block_size)
        return NULL;
    const char *string = (const char *)view->blob + block + offset;
    if (view->checked)
        return string;
    size_t room = block_size - offset;
    if (room > HULL_FDT_NAME_MAX + 1)
        room = HULL_FDT_NAME_MAX + 1;
    return hull_strnlen(string, room) < room ? string : NULL;
}

// Moves *offset past `length` bytes and the padding after them; false when the block ends before.
static bool skip_padded(const struct fdt_view *view, uint32_t *offset, uint64_t length)
{
    uint64_t end = (*offset + length + 3) & ~3ull;
    if (end > view->structure_size)
        return false;
    *offset = (uint32_t)end;
    return true;
}

static bool next_u32(const struct fdt_view *view, uint32_t *offset, uint32_t *value)
{
    uint32_t at = *offset;
    if (!skip_padded(view, offset, 4))
        return false;
    *value = hull_load_be32(view->blob + view->structure + at);
    return true;
}

static bool next_node(const struct fdt_view *view, uint32_t *offset, struct fdt_item *item)
{
    item->name = string_at(view, view->structure, view->structure_size, *offset);
    return item->name && skip_padded(view, offset, hull_strlen(item->name) + 1);
}

static bool next_prop(const struct fdt_view *view, uint32_t *offset, struct fdt_item *item)
{
    uint32_t name;
    if (!next_u32(view, offset, &item->length) || !next_u32(view, offset, &name))
        return false;
    item->name = string_at(view, view->strings, view->strings_size, name);
    item->data = view->blob + view->structure + *offset;
    return item->name && item->name[0] && skip_padded(view, offset, item->length);
}

int hull_fdt_next(const struct fdt_view *view, uint32_t *offset, struct fdt_item *item)
{
    uint32_t token, start;
    // An offset that is no token's start is our caller's; skip_padded relies on the alignment.
    if (*offset % 4)
        return -HULL_EFORMAT;
    do {
        start = *offset;
        if (!next_u32(view, offset, &token))
            return -HULL_EFORMAT;
    } while (token == FDT_NOP);
    *item = (struct fdt_item){.node = HULL_FDT_NONE};
    switch (token) {
    case FDT_BEGIN_NODE:
        item->node = start;
        return next_node(view, offset, item) ? HULL_FDT_BEGIN_NODE : -HULL_EFORMAT;
    case FDT_END_NODE: return HULL_FDT_END_NODE;
    case FDT_PROP: return next_prop(view, offset, item) ? HULL_FDT_PROP : -HULL_EFORMAT;
    case FDT_END: *offset = start; return HULL_FDT_END;
    default: return -HULL_EFORMAT;
    }
}

int hull_fdt_skip(const struct fdt_view *view, uint32_t *offset, uint32_t *node)
{
    struct fdt_item item;
    uint32_t token, length;
    if (*offset % 4)
        return -HULL_EFORMAT;
    do {
        *node = *offset;
        if (!next_u32(view, offset, &token))
            return -HULL_EFORMAT;
    } while (token == FDT_NOP);
    switch (token) {
    case FDT_BEGIN_NODE:
        return next_node(view, offset, &item) ? HULL_FDT_BEGIN_NODE : -HULL_EFORMAT;
    case FDT_END_NODE: return HULL_FDT_END_NODE;
    case FDT_PROP:
        return next_u32(view, offset, &length) && skip_padded(view, offset, 4 + (uint64_t)length)
                   ? HULL_FDT_PROP
                   : -HULL_EFORMAT;
    default: return token == FDT_END ? HULL_FDT_END : -HULL_EFORMAT;
    }
}
