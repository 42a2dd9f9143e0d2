// SPDX-License-Identifier: Apache-2.0
// The JSON document of a VM: which keys there are and what each does to the spec.
#ifndef HOST_CONFIG_JSON_SPEC_H
#define HOST_CONFIG_JSON_SPEC_H

#include "host/config/config.h"

enum json_object_kind {
    JSON_OBJECT_VM,
    JSON_OBJECT_BOOT,
    JSON_OBJECT_DISK,
    JSON_OBJECT_NET,
    JSON_OBJECT_CONSOLE,
    JSON_OBJECT_CPUS,
    JSON_OBJECT_MEMORY,
    JSON_OBJECT_POLICY,
    JSON_OBJECT_SHARED,
    JSON_OBJECT_PASSTHROUGH,
};

// Reads config->text into config->spec; adds a fault for each thing that is wrong.
void hull_json_spec_read(struct vm_config *config);

// The keys of an object, in the order of the manual; their number. For the schema's test.
unsigned hull_json_spec_keys(enum json_object_kind kind, const char *names[], unsigned max);

#endif
