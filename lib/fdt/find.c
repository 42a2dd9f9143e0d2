// SPDX-License-Identifier: Apache-2.0
// Finding nodes and reading properties in an opened device tree.
#include "lib/bytes.h"
#include "lib/fdt/layout.h"
#include "lib/str.h"

// The first node at or after `offset`; goes on after it when `offset` is that of a node.
static uint32_t node_from(const struct fdt_view *view, uint32_t offset)
{
    uint32_t node;
    for (;;) {
        int token = hull_fdt_skip(view, &offset, &node);
        if (token == HULL_FDT_BEGIN_NODE)
            return node;
        if (token <= HULL_FDT_END)
            return HULL_FDT_NONE;
    }
}

// Steps over the node's own begin token; false for a handle that is none.
static bool enter_node(const struct fdt_view *view, uint32_t *offset, struct fdt_item *item)
{
    return *offset != HULL_FDT_NONE && hull_fdt_next(view, offset, item) == HULL_FDT_BEGIN_NODE;
}

uint32_t hull_fdt_root(const struct fdt_view *view)
{
    return node_from(view, 0);
}

uint32_t hull_fdt_next_node(const struct fdt_view *view, uint32_t node)
{
    struct fdt_item item;
    if (node == HULL_FDT_NONE)
        return hull_fdt_root(view);
    return enter_node(view, &node, &item) ? node_from(view, node) : HULL_FDT_NONE;
}

const char *hull_fdt_name(const struct fdt_view *view, uint32_t node)
{
    struct fdt_item item;
    return enter_node(view, &node, &item) ? item.name : "";
}

uint32_t hull_fdt_first_child(const struct fdt_view *view, uint32_t node)
{
    struct fdt_item item;
    uint32_t at;
    if (!enter_node(view, &node, &item))
        return HULL_FDT_NONE;
    for (;;) {
        int token = hull_fdt_skip(view, &node, &at);
        if (token == HULL_FDT_BEGIN_NODE)
            return at;
        if (token != HULL_FDT_PROP)
            return HULL_FDT_NONE;
    }
}

uint32_t hull_fdt_next_sibling(const struct fdt_view *view, uint32_t node)
{
    struct fdt_item item;
    uint32_t at;
    unsigned depth = 1;
    if (!enter_node(view, &node, &item))
        return HULL_FDT_NONE;
    for (;;) {
        int token = hull_fdt_skip(view, &node, &at);
        if (token == HULL_FDT_BEGIN_NODE) {
            if (depth++ == 0)
                return at;
        } else if (token == HULL_FDT_END_NODE) {
            if (depth-- == 0)
                return HULL_FDT_NONE;
        } else if (token <= HULL_FDT_END) {
            return HULL_FDT_NONE;
        }
    }
}

uint32_t hull_fdt_parent(const struct fdt_view *view, uint32_t node)
{
    uint32_t open[HULL_FDT_DEPTH_MAX];
    uint32_t offset = 0, at;
    unsigned depth = 0;
    for (;;) {
        int token = hull_fdt_skip(view, &offset, &at);
        if (token == HULL_FDT_BEGIN_NODE) {
            if (at == node)
                return depth ? open[depth - 1] : HULL_FDT_NONE;
            if (depth == HULL_FDT_DEPTH_MAX)
                return HULL_FDT_NONE;
            open[depth++] = at;
        } else if (token == HULL_FDT_END_NODE) {
            depth -= depth > 0;
        } else if (token <= HULL_FDT_END) {
            return HULL_FDT_NONE;
        }
    }
}

// Whether `name` is the path's part, or that part and a unit address.
static bool part_matches(const char *name, const char *part, size_t length)
{
    if (hull_strncmp(name, part, length) != 0)
        return false;
    // `part` holds no '@' of its own if this one is the name's first.
    return !name[length] || hull_strchr(name, '@') == name + length;
}

uint32_t hull_fdt_find_path(const struct fdt_view *view, const char *path)
{
    uint32_t node = hull_fdt_root(view);
    if (*path != '/')
        return HULL_FDT_NONE;
    for (;;) {
        while (*path == '/')
            path++;
        if (!*path)
            return node;
        size_t length = 0;
        while (path[length] && path[length] != '/')
            length++;
        node = hull_fdt_first_child(view, node);
        while (node != HULL_FDT_NONE && !part_matches(hull_fdt_name(view, node), path, length))
            node = hull_fdt_next_sibling(view, node);
        if (node == HULL_FDT_NONE)
            return HULL_FDT_NONE;
        path += length;
    }
}

int hull_fdt_get(const struct fdt_view *view, uint32_t node, const char *name, const uint8_t **data,
                 uint32_t *length)
{
    struct fdt_item item;
    if (!enter_node(view, &node, &item))
        return -HULL_ENOENT;
    while (hull_fdt_next(view, &node, &item) == HULL_FDT_PROP)
        if (hull_streq(item.name, name)) {
            *data = item.data;
            *length = item.length;
            return 0;
        }
    return -HULL_ENOENT;
}

int hull_fdt_get_u32(const struct fdt_view *view, uint32_t node, const char *name, uint32_t *value)
{
    const uint8_t *data;
    uint32_t length;
    int error = hull_fdt_get(view, node, name, &data, &length);
    if (error)
        return error;
    if (length != 4)
        return -HULL_EFORMAT;
    *value = hull_load_be32(data);
    return 0;
}

int hull_fdt_get_u64(const struct fdt_view *view, uint32_t node, const char *name, uint64_t *value)
{
    const uint8_t *data;
    uint32_t length;
    int error = hull_fdt_get(view, node, name, &data, &length);
    if (error)
        return error;
    if (length != 4 && length != 8)
        return -HULL_EFORMAT;
    *value = length == 4 ? hull_load_be32(data) : hull_load_be64(data);
    return 0;
}

int hull_fdt_get_string(const struct fdt_view *view, uint32_t node, const char *name,
                        const char **string)
{
    const uint8_t *data;
    uint32_t length;
    int error = hull_fdt_get(view, node, name, &data, &length);
    if (error)
        return error;
    if (!length || data[length - 1])
        return -HULL_EFORMAT;
    *string = (const char *)data;
    return 0;
}

bool hull_fdt_is_compatible(const struct fdt_view *view, uint32_t node, const char *compatible)
{
    const uint8_t *data;
    uint32_t length;
    if (hull_fdt_get(view, node, "compatible", &data, &length) || !length || data[length - 1])
        return false;
    for (uint32_t at = 0; at < length; at += (uint32_t)hull_strlen((const char *)data + at) + 1)
        if (hull_streq((const char *)data + at, compatible))
            return true;
    return false;
}

uint32_t hull_fdt_find_compatible(const struct fdt_view *view, uint32_t after,
                                  const char *compatible)
{
    do
        after = hull_fdt_next_node(view, after);
    while (after != HULL_FDT_NONE && !hull_fdt_is_compatible(view, after, compatible));
    return after;
}

uint32_t hull_fdt_find_phandle(const struct fdt_view *view, uint32_t phandle)
{
    uint32_t node = HULL_FDT_NONE, value;
    while ((node = hull_fdt_next_node(view, node)) != HULL_FDT_NONE)
        if (!hull_fdt_get_u32(view, node, "phandle", &value) && value == phandle)
            break;
    return node;
}

static uint64_t load_cells(const uint8_t *data, uint32_t cells)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < cells; i++)
        value = value << 32 | hull_load_be32(data + 4 * i);
    return value;
}

// The specification's default where the parent does not say (2.3.5).
static uint32_t cells_of(const struct fdt_view *view, uint32_t parent, const char *name,
                         uint32_t cells)
{
    int error = hull_fdt_get_u32(view, parent, name, &cells);
    return error == -HULL_EFORMAT ? UINT32_MAX : cells;
}

int hull_fdt_get_reg(const struct fdt_view *view, uint32_t node, uint32_t index, uint64_t *address,
                     uint64_t *size)
{
    uint32_t parent = hull_fdt_parent(view, node);
    uint32_t address_cells = cells_of(view, parent, "#address-cells", 2);
    uint32_t size_cells = cells_of(view, parent, "#size-cells", 1);
    const uint8_t *data;
    uint32_t length;
    int error = hull_fdt_get(view, node, "reg", &data, &length);
    if (error)
        return error;
    if (address_cells > 2 || size_cells > 2 || address_cells == 0)
        return -HULL_EFORMAT;
    uint32_t entry = 4 * (address_cells + size_cells);
    if (length % entry)
        return -HULL_EFORMAT;
    if (index >= length / entry)
        return -HULL_ENOENT;
    data += (size_t)index * entry;
    *address = load_cells(data, address_cells);
    *size = load_cells(data + 4 * address_cells, size_cells);
    return 0;
}
