// SPDX-License-Identifier: Apache-2.0
// The blob's header, field by field, and its tokens (Devicetree Specification v0.4, 5.2 and 5.4).
#ifndef LIB_FDT_LAYOUT_H
#define LIB_FDT_LAYOUT_H

#include "lib/fdt.h"

// As hull_fdt_next(), for those who only look for nodes; *node is where the token starts.
int hull_fdt_skip(const struct fdt_view *view, uint32_t *offset, uint32_t *node);

// Offsets of the header's big-endian 32-bit fields.
enum fdt_header_field {
    FDT_MAGIC = 0,
    FDT_TOTALSIZE = 4,
    FDT_OFF_DT_STRUCT = 8,
    FDT_OFF_DT_STRINGS = 12,
    FDT_OFF_MEM_RSVMAP = 16,
    FDT_VERSION = 20,
    FDT_LAST_COMP_VERSION = 24,
    FDT_BOOT_CPUID_PHYS = 28,
    FDT_SIZE_DT_STRINGS = 32,
    FDT_SIZE_DT_STRUCT = 36,
    FDT_HEADER_SIZE = 40,
};

enum {
    FDT_FORMAT_VERSION = 17,
    FDT_FORMAT_COMPATIBLE = 16,
    FDT_RESERVATION_SIZE = 16,
    // The tokens as they stand in the blob.
    FDT_BEGIN_NODE = 1,
    FDT_END_NODE = 2,
    FDT_PROP = 3,
    FDT_NOP = 4,
    FDT_END = 9,
};

#endif
