// SPDX-License-Identifier: Apache-2.0
// virtio-blk's inner structures and numbers (virtio 1.2, 5.2).
#ifndef HULL_CORE_DEV_VIRTIO_BLK_H
#define HULL_CORE_DEV_VIRTIO_BLK_H

#include "core/dev/virtio/virtio.h"

#define BLK_SECTOR 512u
#define BLK_ID_BYTES 20
#define BLK_IN_FLIGHT_MAX 32
#define BLK_DISCARD_SECTORS_MAX (1u << 22) // 2 GiB in one request

#define BLK_F_SEG_MAX (1ull << 2)
#define BLK_F_RO (1ull << 5)
#define BLK_F_BLK_SIZE (1ull << 6)
#define BLK_F_FLUSH (1ull << 9)
#define BLK_F_TOPOLOGY (1ull << 10)
#define BLK_F_CONFIG_WCE (1ull << 11)
#define BLK_F_DISCARD (1ull << 13)
#define BLK_F_WRITE_ZEROES (1ull << 14)

enum blk_config { // offsets in the configuration space
    BLK_CONFIG_CAPACITY = 0,
    BLK_CONFIG_SEG_MAX = 12,
    BLK_CONFIG_BLK_SIZE = 20,
    BLK_CONFIG_PHYSICAL_EXP = 24,
    BLK_CONFIG_WRITEBACK = 32,
    BLK_CONFIG_NUM_QUEUES = 34,
    BLK_CONFIG_MAX_DISCARD = 36,
    BLK_CONFIG_MAX_DISCARD_SEG = 40,
    BLK_CONFIG_DISCARD_ALIGNMENT = 44,
    BLK_CONFIG_MAX_ZEROES = 48,
    BLK_CONFIG_MAX_ZEROES_SEG = 52,
    BLK_CONFIG_ZEROES_MAY_UNMAP = 56,
    BLK_CONFIG_SIZE = 60,
};

enum blk_type {
    BLK_T_IN = 0,
    BLK_T_OUT = 1,
    BLK_T_FLUSH = 4,
    BLK_T_GET_ID = 8,
    BLK_T_DISCARD = 11,
    BLK_T_WRITE_ZEROES = 13,
};

enum blk_status {
    BLK_S_OK = 0,
    BLK_S_IOERR = 1,
    BLK_S_UNSUPP = 2,
    BLK_S_PENDING = 256, // not the guest's: the backend is to answer
};

// One request from the ring, from its pop to its push.
struct blk_io {
    struct blk_request req;
    struct blk *blk;
    struct blk_io *next; // in the free list, or to be submitted
    bool then_flush;
    uint64_t in_written; // bytes before the status that are written when all goes well
    uint8_t *status_host;
    gpa_t status_gpa;
    struct virtq_chain chain; // without header and status
};

struct blk {
    struct virtio_device vdev;
    struct blk_backend *backend;
    struct blk_io *free;
    unsigned io_count;  // made so far
    unsigned in_flight; // collected and not finished
    bool submitting;    // somebody is in blk_run
    bool run_again;
    bool writeback;
};

// Takes what waits in the ring and submits it. Lock held; dropped meanwhile.
void blk_run(struct blk *blk);

// Makes a backend request of io->chain, or answers it at once: *status says which. False: the request
// has no room for header and status, and the device is broken.
bool blk_io_prepare(struct blk *blk, struct blk_io *io, enum blk_status *status);

#endif
