// SPDX-License-Identifier: Apache-2.0
// Flattened device trees (Devicetree Specification v0.4, chapter 5; format version 17): a writer over
// the caller's buffer, a reader that trusts nothing in the blob, and a printer of DTS source.
// Nothing here allocates.
#ifndef LIB_FDT_H
#define LIB_FDT_H

#include <hull/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HULL_FDT_MAGIC 0xd00dfeedu
// Deeper trees and longer names are refused by the writer and the reader.
#define HULL_FDT_DEPTH_MAX 64
#define HULL_FDT_NAME_MAX 255

// ---- Writer ----
// Calls come in the blob's order: reservations, then the root node "" with its properties before its
// subnodes. The first failure sticks and makes the rest do nothing, so only finish has to be checked:
// -HULL_ENOSPC when the buffer was too small, -HULL_EINVAL when the calls did not nest.
#define HULL_FDT_NAMES_KNOWN 64

struct fdt_writer {
    uint8_t *blob;
    size_t size;          // of the buffer
    size_t used;          // header, reservations and structure, growing up from the start
    size_t strings_size;  // names of properties, kept at the buffer's end until finish
    size_t structure;     // offset of the structure block; 0 while reservations may still come
    unsigned depth;       // of open nodes
    bool ended;           // the root was closed: nothing may follow
    bool subnodes_follow; // a node was closed: no property may follow in its parent
    int error;            // 0, or the negated code that sticks
    unsigned name_count;
    uint32_t name_ends[HULL_FDT_NAMES_KNOWN]; // of the first names, in the strings block
};

void hull_fdt_writer_init(struct fdt_writer *w, void *buffer, size_t size);
void hull_fdt_reserve(struct fdt_writer *w, uint64_t address, uint64_t size);
void hull_fdt_begin_node(struct fdt_writer *w, const char *name);
// "name@address", the address in hexadecimal.
void hull_fdt_begin_node_at(struct fdt_writer *w, const char *name, uint64_t address);
void hull_fdt_end_node(struct fdt_writer *w);
void hull_fdt_prop_empty(struct fdt_writer *w, const char *name);
void hull_fdt_prop_bytes(struct fdt_writer *w, const char *name, const void *bytes, size_t length);
void hull_fdt_prop_u32(struct fdt_writer *w, const char *name, uint32_t value);
void hull_fdt_prop_u64(struct fdt_writer *w, const char *name, uint64_t value);
void hull_fdt_prop_string(struct fdt_writer *w, const char *name, const char *string);
void hull_fdt_prop_stringlist(struct fdt_writer *w, const char *name, const char *const *strings,
                              size_t count);
void hull_fdt_prop_cells(struct fdt_writer *w, const char *name, const uint32_t *cells,
                         size_t count);
// Each value as two cells: addresses and sizes, for "reg" and "ranges".
void hull_fdt_prop_u64s(struct fdt_writer *w, const char *name, const uint64_t *values,
                        size_t count);
// Completes the blob at the buffer's start. *total is its size, also in its header.
HULL_MUST_CHECK int hull_fdt_finish(struct fdt_writer *w, uint32_t boot_cpu, size_t *total);

// ---- Reader ----
// hull_fdt_open() walks the whole blob once and refuses what is malformed in any place, so that the
// functions below only fail when something isn't there. They still check every access against the
// blob's bounds. The blob must not change meanwhile: copy what a guest can reach first.
struct fdt_view {
    const uint8_t *blob;
    uint32_t total;
    uint32_t reservations; // offset of the memory reservation block
    uint32_t reservation_count;
    uint32_t structure, structure_size;
    uint32_t strings, strings_size;
    uint32_t boot_cpu;
    bool checked; // hull_fdt_open() has seen all of it, and nobody changes it since
};

enum fdt_token {
    HULL_FDT_END = 0, // the tree is over
    HULL_FDT_BEGIN_NODE = 1,
    HULL_FDT_END_NODE = 2,
    HULL_FDT_PROP = 3,
};

struct fdt_item {
    uint32_t node;    // for BEGIN_NODE: the handle of this node
    const char *name; // of the node or the property, terminated, inside of the blob
    const uint8_t *data;
    uint32_t length;
};

// Handles of nodes are offsets in the structure block; this one stands for "none".
#define HULL_FDT_NONE UINT32_MAX

// 0, or -HULL_EFORMAT for a malformed blob, -HULL_EVERSION for a format that version 17 can't read.
// `size` is what is readable at `blob`; the header may say less.
HULL_MUST_CHECK int hull_fdt_open(struct fdt_view *view, const void *blob, size_t size);

// One step through the structure block from *offset (start with 0): returns the token and fills
// `item`, or -HULL_EFORMAT. After HULL_FDT_END it keeps returning that.
HULL_MUST_CHECK int hull_fdt_next(const struct fdt_view *view, uint32_t *offset,
                                  struct fdt_item *item);

uint32_t hull_fdt_root(const struct fdt_view *view);
const char *hull_fdt_name(const struct fdt_view *view, uint32_t node);
uint32_t hull_fdt_parent(const struct fdt_view *view, uint32_t node);
// HULL_FDT_NONE when there is none (any more).
uint32_t hull_fdt_first_child(const struct fdt_view *view, uint32_t node);
uint32_t hull_fdt_next_sibling(const struct fdt_view *view, uint32_t node);
// The next node in the blob's order, whatever its depth; after HULL_FDT_NONE comes the root.
uint32_t hull_fdt_next_node(const struct fdt_view *view, uint32_t node);

// By full path, "/soc/serial@10000000"; a part without its unit address finds the first node of
// that name. HULL_FDT_NONE when there is none, here and below.
uint32_t hull_fdt_find_path(const struct fdt_view *view, const char *path);
// The first node after `after` (HULL_FDT_NONE for the first of all) that lists `compatible`.
uint32_t hull_fdt_find_compatible(const struct fdt_view *view, uint32_t after,
                                  const char *compatible);
uint32_t hull_fdt_find_phandle(const struct fdt_view *view, uint32_t phandle);
bool hull_fdt_is_compatible(const struct fdt_view *view, uint32_t node, const char *compatible);

// A property's value: 0, -HULL_ENOENT when the node has none of that name, -HULL_EFORMAT when its
// value is not of the kind asked for.
HULL_MUST_CHECK int hull_fdt_get(const struct fdt_view *view, uint32_t node, const char *name,
                                 const uint8_t **data, uint32_t *length);
HULL_MUST_CHECK int hull_fdt_get_u32(const struct fdt_view *view, uint32_t node, const char *name,
                                     uint32_t *value);
// One cell or two, as "linux,initrd-start" and its like come.
HULL_MUST_CHECK int hull_fdt_get_u64(const struct fdt_view *view, uint32_t node, const char *name,
                                     uint64_t *value);
// The first string of the value, which ends in a terminator.
HULL_MUST_CHECK int hull_fdt_get_string(const struct fdt_view *view, uint32_t node,
                                        const char *name, const char **string);
// Entry `index` of "reg", by the parent's #address-cells and #size-cells (at most two each);
// -HULL_ENOENT past the last one.
HULL_MUST_CHECK int hull_fdt_get_reg(const struct fdt_view *view, uint32_t node, uint32_t index,
                                     uint64_t *address, uint64_t *size);
// index < view->reservation_count
void hull_fdt_get_reservation(const struct fdt_view *view, uint32_t index, uint64_t *address,
                              uint64_t *size);

// ---- Printer ----
typedef void hull_fdt_out_fn(void *context, const char *text, size_t length);

// The tree as DTS source, which dtc compiles to the same tree. -HULL_EFORMAT when a name has
// characters that DTS (and a terminal) can't take; what came before it has been put out then.
HULL_MUST_CHECK int hull_fdt_print_dts(const struct fdt_view *view, hull_fdt_out_fn *out,
                                       void *context);

#endif
