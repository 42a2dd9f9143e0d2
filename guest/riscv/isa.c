// SPDX-License-Identifier: Apache-2.0
// The extensions of a hart, as a set and as an ISA string.
#include "guest/riscv/isa.h"

#include <hull/error.h>

static const char *const extension_names[EXT_COUNT] = {
#define X(name, string) [EXT_##name] = string,
    RISCV_EXTENSIONS(X)
#undef X
};

_Static_assert(EXT_COUNT <= 64, "riscv_isa.extensions has a bit for each");

struct riscv_isa riscv_isa_default(void)
{
    return (struct riscv_isa){.extensions = ((1ull << EXT_COUNT) - 1) & ~RISCV_AIA_EXTENSIONS,
                              .sv_levels = 5};
}

const char *riscv_extension_name(enum riscv_extension ext)
{
    return (unsigned)ext < EXT_COUNT ? extension_names[ext] : NULL;
}

// Copies `name` to buf at `length` and returns the new length; a full buffer only counts on.
static size_t append(char *buf, size_t size, size_t length, const char *name)
{
    for (; *name; name++, length++)
        if (length < size)
            buf[length] = *name;
    return length;
}

int riscv_isa_string(const struct riscv_isa *isa, char *buf, size_t size)
{
    size_t length = append(buf, size, 0, "rv64");

    for (unsigned ext = 0; ext < EXT_COUNT; ext++) {
        const char *name = extension_names[ext];

        if (!riscv_isa_has(isa, ext))
            continue;
        if (name[1]) // names of one letter stand together, longer ones apart
            length = append(buf, size, length, "_");
        length = append(buf, size, length, name);
    }
    if (length >= size)
        return -HULL_ENOSPC;
    buf[length] = '\0';
    return (int)length;
}
