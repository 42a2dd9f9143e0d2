// SPDX-License-Identifier: Apache-2.0
// Bundles for tests: a board, VMs and their files, put together in memory.
#ifndef TESTS_UNIT_BUNDLE_MAKER_H
#define TESTS_UNIT_BUNDLE_MAKER_H

#include <hull/bundle.h>

#define MAKER_BLOBS_MAX 8

struct bundle_maker {
    struct board_spec board;
    struct bundle_vm vms[4];
    unsigned vm_count;
    struct bundle_blob blobs[MAKER_BLOBS_MAX]; // they get the sections after the VMs
    unsigned blob_count;
    uint8_t *data; // malloc'ed by bundle_make()
    uint64_t size;
};

// QEMU's virt with 4 harts and 1 GiB, and two VMs on it that use most of what there is.
void bundle_maker_init(struct bundle_maker *maker);
// Makes maker->data anew.
void bundle_make(struct bundle_maker *maker);
// The right checksums for a bundle that was changed, as far as its table makes sense.
void bundle_seal(uint8_t *data, uint64_t size);

#endif
