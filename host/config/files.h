// SPDX-License-Identifier: Apache-2.0
// Whether the files that a spec names are there and may be used: asked before anything starts.
#ifndef HOST_CONFIG_FILES_H
#define HOST_CONFIG_FILES_H

struct vm_config;

// Adds a fault for each file that isn't usable.
void hull_config_check_files(struct vm_config *config);
// Only whether what gets into a bundle can be read: images and disks.
void hull_config_check_readable(struct vm_config *config);

#endif
