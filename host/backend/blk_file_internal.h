// SPDX-License-Identifier: Apache-2.0
// A disk of the host, shared between the file that opens it, the one that queues its requests and the
// one that carries them out.
#ifndef HOST_BACKEND_BLK_FILE_INTERNAL_H
#define HOST_BACKEND_BLK_FILE_INTERNAL_H

#include "host/backend/blk_file.h"

struct blk_file {
    struct blk_backend backend;
    struct blk_pool *pool;
    const char *name;
    int fd;
    bool is_device;
    char serial[21];

    // The pool's lock protects these.
    struct blk_request *first, *last; // not yet begun
    unsigned in_flight;               // from submit() until after done()
    pthread_cond_t idle;
    struct blk_file *next; // in the pool's row of files that have requests
};

// blk_io.c: carries a request out, on the calling thread. 0 or -HULL_E….
int hull_blk_file_execute(const struct blk_file *file, const struct blk_request *req);

#endif
