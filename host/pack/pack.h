// SPDX-License-Identifier: Apache-2.0
// Making bundles for hull-metal out of a board's file and VMs' files, and looking into them.
#ifndef HOST_PACK_PACK_H
#define HOST_PACK_PACK_H

#include <hull/bundle.h>

#include "host/config/config.h"
#include "host/run/images.h"

// A file that gets into the bundle: an image in memory, or a disk that is copied from its file.
struct pack_file {
    struct image image; // data == NULL: a disk
    const char *name;   // as the first VM that names it does
    uint64_t device, inode;
    bool kernel, writable;
    int fd; // of a disk; -1
    uint64_t size;
};

#define PACK_FILES_MAX (HULL_BUNDLE_VMS_MAX * (2 + HULL_SPEC_DISKS_MAX))

struct pack_vm {
    struct vm_config config; // as its file says
    struct bundle_vm vm;     // as it gets into the bundle
};

struct pack {
    struct vm_config board_config; // its document; the spec is not used
    struct board_spec board;
    struct pack_vm *vms;
    unsigned vm_count;
    struct pack_file files[PACK_FILES_MAX];
    unsigned file_count;
    struct bundle_entry entries[HULL_BUNDLE_SECTIONS_MAX];
    uint32_t entry_count;
    uint64_t size; // of the bundle
};

// Makes the bundle, or prints every fault of every file on stderr. The exit code.
int hull_pack_make(const char *bundle, const char *board, char *const vms[], unsigned count);

// Prints what a bundle holds (`list`), and whether every byte is as it was packed (`check`).
int hull_pack_look(const char *bundle, bool list, bool check);

// pack_files.c: opens the VM's images and disks, and says where they go; faults go to its config.
void hull_pack_vm_files(struct pack *pack, struct pack_vm *vm);
void hull_pack_files_close(struct pack *pack);

// pack_write.c: sections' sizes and places, then the file. 0 or an error that was explained.
HULL_MUST_CHECK int hull_pack_layout(struct pack *pack);
HULL_MUST_CHECK int hull_pack_write(struct pack *pack, const char *bundle);

// pack_look.c: reads a bundle whole; free() what is in *data. 0 or an error that was explained.
HULL_MUST_CHECK int hull_pack_read(const char *bundle, void **data, uint64_t *size);

#endif
