// SPDX-License-Identifier: Apache-2.0
// Inside the spec validator: what its files share.
#ifndef HULL_CORE_SPEC_CHECK_H
#define HULL_CORE_SPEC_CHECK_H

#include <hull/spec.h>

// Whose faults are looked for, and where they go.
struct spec_check {
    unsigned vm;
    const struct spec_sink *sink;
};

// Reports a fault; always -HULL_EINVAL.
int hull_spec_fault(const struct spec_check *to, const char *field, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));

bool hull_spec_name_char(char c);
int hull_spec_check_name(const struct spec_check *to, const char *field, const char *name,
                         size_t max);

int hull_spec_check_nets(const struct vm_spec *spec, const struct spec_check *to);
int hull_spec_check_metal(const struct vm_spec *spec, const struct spec_check *to);
void hull_spec_metal_defaults(struct metal_spec *metal);

#endif
