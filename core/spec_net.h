// SPDX-License-Identifier: Apache-2.0
// Inside the spec validator: the networks' half, and what both halves share.
#ifndef HULL_CORE_SPEC_NET_H
#define HULL_CORE_SPEC_NET_H

#include <hull/spec.h>

// Fills `error`; always -HULL_EINVAL.
int hull_spec_fault(struct spec_error *error, const char *field, const char *reason, ...)
    __attribute__((format(printf, 3, 4)));
bool hull_spec_name_char(char c);

int hull_spec_check_nets(const struct vm_spec *spec, struct spec_error *error);

#endif
