// SPDX-License-Identifier: Apache-2.0
// The bundle: a board, VMs and their images in one file, made by `hull pack` and given to hull-metal
// as its initrd. docs/bundle.md has the layout. The reader trusts no byte: what it hands out has
// been checked, and what it refuses it gives a reason for. Nothing here allocates.
#ifndef HULL_BUNDLE_H
#define HULL_BUNDLE_H

#include <hull/error.h>
#include <hull/spec.h>

#define HULL_BUNDLE_MAGIC "HULLBNDL" // 8 bytes, no terminator
#define HULL_BUNDLE_VERSION 1        // of the header and the table
#define HULL_BUNDLE_HEADER_SIZE 64
#define HULL_BUNDLE_ENTRY_SIZE 32
#define HULL_BUNDLE_ALIGN 4096 // of the file and of blobs, so that a RAM disk can be used in place
#define HULL_BUNDLE_VMS_MAX 16
#define HULL_BUNDLE_SECTIONS_MAX (1 + HULL_BUNDLE_VMS_MAX * (3 + HULL_SPEC_DISKS_MAX))
#define HULL_BUNDLE_SPEC_MAX (64u << 10) // bytes of a board's or a VM's section

enum bundle_section_type {
    BUNDLE_BOARD = 1, // one, the first
    BUNDLE_VM = 2,
    BUNDLE_BLOB = 3,
};
// A section that readers may step over when they do not know its type.
#define HULL_BUNDLE_OPTIONAL 0x80000000u

#define HULL_BUNDLE_BOARD_VERSION 2
#define HULL_BUNDLE_VM_VERSION 2
#define HULL_BUNDLE_BLOB_VERSION 1

// A file of the bundle; its bytes are in the bundle. data == NULL: there is none.
struct bundle_blob {
    const void *data;
    uint64_t size;
    uint32_t section;
};

// A VM as the bundle holds it: file names in `spec` are for people, the bytes are in the blobs.
struct bundle_vm {
    struct vm_spec spec;
    struct bundle_blob kernel, initrd, disks[HULL_SPEC_DISKS_MAX];
};

struct bundle_error {
    char reason[288]; // a whole sentence's end: "the bundle …"
};

struct bundle {
    const uint8_t *data;
    uint64_t size; // of the bundle: what was handed in may be longer (padding)
    uint32_t section_count;
    unsigned vm_count;
    uint32_t vm_sections[HULL_BUNDLE_VMS_MAX];
    struct board_spec board;
};

// Strings of everything that is handed out lie in the bundle: keep it, unchanged, for as long.
// Writable RAM disks are the exception: a disk used in place changes, and nothing looks at its
// checksum again unless hull_bundle_check_blob() is called.

// Looks at header, table, and the sections of the board and the VMs with their checksums; decodes
// the board. 0, -HULL_EFORMAT (no bundle, or damaged), -HULL_EVERSION (made by a newer Hull),
// -HULL_EINVAL (says what cannot be).
HULL_MUST_CHECK int hull_bundle_open(struct bundle *bundle, const void *data, uint64_t size,
                                     struct bundle_error *error);

// All VMs, into bundle->vm_count elements; checks each, and all of them together with the board.
// Errors as above.
HULL_MUST_CHECK int hull_bundle_read_vms(const struct bundle *bundle, struct bundle_vm vms[],
                                         struct bundle_error *error);

// Whether a blob's bytes are those that were packed: 0 or -HULL_EFORMAT. It costs a look at every
// byte, so hull-metal asks for a VM's blobs when it first starts that VM.
HULL_MUST_CHECK int hull_bundle_check_blob(const struct bundle *bundle,
                                           const struct bundle_blob *blob,
                                           struct bundle_error *error);
// The same for every section there is.
HULL_MUST_CHECK int hull_bundle_check_all(const struct bundle *bundle, struct bundle_error *error);

// ---- Writer ----
// Two rounds, so that nobody needs the whole in memory: first what the sections are, then the bytes.
struct bundle_entry {
    uint32_t type, version;
    uint64_t offset, size;
    uint64_t sum; // XXH64 of the section
};

// The section of a board or a VM into `to`; its size in *size. -HULL_ENOSPC: `room` is too small.
HULL_MUST_CHECK int hull_bundle_encode_board(const struct board_spec *board, void *to, size_t room,
                                             size_t *size);
HULL_MUST_CHECK int hull_bundle_encode_vm(const struct bundle_vm *vm, void *to, size_t room,
                                          size_t *size);
// The newest version of a type's sections, which is the one that is written; 0: no such type.
uint32_t hull_bundle_type_version(uint32_t type);
// Sets the offsets from types and sizes; returns the bundle's size.
uint64_t hull_bundle_layout(struct bundle_entry entries[], uint32_t count);
// Header and table (HULL_BUNDLE_HEADER_SIZE + count * HULL_BUNDLE_ENTRY_SIZE bytes) of entries that
// are laid out and have their checksums; `size` as hull_bundle_layout() said.
void hull_bundle_encode_head(const struct bundle_entry entries[], uint32_t count, uint64_t size,
                             uint8_t *to);
// A section's entry as the table says; index < section_count of an open bundle.
void hull_bundle_entry(const struct bundle *bundle, uint32_t index, struct bundle_entry *entry);

#endif
