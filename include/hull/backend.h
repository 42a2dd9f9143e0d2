// SPDX-License-Identifier: Apache-2.0
// What devices need from outside: bytes, blocks and frames. The hosted program implements them with
// files, ttys, libslirp and tap; the bare-metal image with a UART, RAM disks and a switch.
#ifndef HULL_BACKEND_H
#define HULL_BACKEND_H

#include <hull/error.h>
#include <hull/types.h>

struct hull_iovec {
    void *base;
    size_t len;
};

// Bytes out. `write` never blocks: it takes what it can (the rest is the caller's to drop or to
// offer again when the backend calls the device's tx_ready function). `rx_ready` says that the
// device has room for input again. Called with the device's lock held.
struct char_backend {
    size_t (*write)(void *ctx, const void *buf, size_t len);
    void (*rx_ready)(void *ctx); // may be NULL
    void *ctx;
};

enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD, BLK_WRITE_ZEROES };

// A request in flight. The device owns it until submit(), the backend until it calls `done`, which
// may come from any thread, also before submit() returns, holding no lock of ours. `offset` and
// `len` are bytes, multiples of 512 and inside the disk (the device checks). `status`: 0 or
// -HULL_E….
struct blk_request {
    enum blk_op op;
    bool unmap; // BLK_WRITE_ZEROES: the blocks may be deallocated
    uint64_t offset, len;
    struct hull_iovec *iov; // BLK_READ, BLK_WRITE: `len` bytes in all, in guest memory
    unsigned iov_count;
    void (*done)(struct blk_request *req, int status);
    struct blk_request *next; // the backend's, for its queue
};

struct blk_backend {
    void (*submit)(void *ctx, struct blk_request *req);
    // Returns when no request is in flight. Called with no lock held.
    void (*drain)(void *ctx);
    void *ctx;
    uint64_t size; // bytes, a multiple of 512
    bool read_only;
    bool discard;       // BLK_DISCARD frees space
    const char *serial; // at most 20 bytes, for VIRTIO_BLK_T_GET_ID
};

// Ethernet frames without FCS, at most 65,550 bytes. `send` never blocks; a frame that can't be
// sent is dropped. Called with the device's lock held; the backend must deliver incoming frames
// (hull_virtio_net_receive) from another context, never from inside `send`.
struct net_backend {
    void (*send)(void *ctx, const struct hull_iovec *iov, unsigned iov_count);
    void (*rx_ready)(void *ctx); // the guest has given new buffers; may be NULL
    void *ctx;
    uint8_t mac[6];
    uint16_t mtu; // 0: not told to the guest
};

#endif
