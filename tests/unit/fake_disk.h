// SPDX-License-Identifier: Apache-2.0
// A virtio-blk device on a rig, over a disk in memory that completes requests when the test wants it.
#ifndef TESTS_UNIT_FAKE_DISK_H
#define TESTS_UNIT_FAKE_DISK_H

#include "tests/unit/unit.h"

#include "core/dev/virtio/blk.h"
#include "tests/unit/virtio_rig.h"

#define DISK_SECTORS 64
#define DISK_FEATURES (VIRTIO_F_VERSION_1 | BLK_F_FLUSH | BLK_F_DISCARD | BLK_F_WRITE_ZEROES)
#define HEADER RIG_BUFFERS
#define DATA (RIG_BUFFERS + 0x1000)
#define STATUS (RIG_BUFFERS + 0x800)
#define QUEUE_SIZE 64

struct fake_disk {
    struct rig rig;
    struct blk_backend backend;
    uint8_t data[DISK_SECTORS * 512];
    bool starving; // each submit makes the next allocation fail
    bool at_once;  // complete from inside submit()
    int status;    // what to complete with
    struct blk_request *held[BLK_IN_FLIGHT_MAX + 1];
    unsigned held_count, most_held, drains, flushes, performed, depth;
    bool kick_while_draining;
    enum blk_op last_op;
    uint64_t last_offset, last_len;
    bool last_unmap;
};

// For cmocka: makes one that completes at once, and takes it down.
int disk_set_up(void **state);
int disk_tear_down(void **state);
// The two halves of the first, for disks of other kinds: the backend may be changed in between.
struct fake_disk *disk_prepare(void **state);
void disk_create(struct fake_disk *disk);

void disk_put_header(struct rig *rig, gpa_t at, uint32_t type, uint64_t sector);
// Sends one request with `len` bytes of data; its status, and the length of the used entry.
uint8_t disk_request(struct fake_disk *disk, uint32_t type, uint64_t sector, uint32_t len,
                     bool data_writable, uint32_t *used_len);
// Of the requests that are held, the one that came last.
void disk_complete_last(struct fake_disk *disk);

#endif
