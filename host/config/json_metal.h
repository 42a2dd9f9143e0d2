// SPDX-License-Identifier: Apache-2.0
// The keys of a VM's document that matter on bare metal.
#ifndef HOST_CONFIG_JSON_METAL_H
#define HOST_CONFIG_JSON_METAL_H

#include "host/config/json_reader.h"

// `into` is the struct vm_spec.
json_read_value hull_json_cpus, hull_json_memory, hull_json_policy, hull_json_autostart,
    hull_json_colours, hull_json_shared_memory, hull_json_passthrough, hull_json_console_colour,
    hull_json_console_log;

extern const struct json_key hull_json_cpus_keys[], hull_json_memory_keys[],
    hull_json_policy_keys[], hull_json_shared_keys[], hull_json_passthrough_keys[];

#endif
