// SPDX-License-Identifier: Apache-2.0
// Disks that are raw files or block devices of the host. Requests are carried out by a few threads
// that all disks of a VM share; they start with the first request.
#ifndef HOST_BACKEND_BLK_FILE_H
#define HOST_BACKEND_BLK_FILE_H

#include <hull/backend.h>
#include <hull/spec.h>
#include <pthread.h>

#define BLK_THREADS 2

struct blk_file;

struct blk_pool {
    pthread_mutex_t lock;
    pthread_cond_t work;           // a file has requests, or the end has come
    struct blk_file *first, *last; // files that have requests, in turn
    pthread_t threads[BLK_THREADS];
    unsigned started, idle;
    bool ending;
};

void hull_blk_pool_init(struct blk_pool *pool);
void hull_blk_pool_fini(struct blk_pool *pool); // nothing is in flight

// Opens and locks the file; `index` is the disk's place in the spec. Says on stderr what is wrong.
// 0, -HULL_ENOENT, -HULL_EPERM, -HULL_EBUSY (another VM has it), -HULL_EINVAL, -HULL_EIO,
// -HULL_ENOMEM.
HULL_MUST_CHECK int hull_blk_file_open(struct blk_file **out, struct blk_pool *pool,
                                       const struct disk_spec *spec, unsigned index);
void hull_blk_file_close(struct blk_file *file); // NULL: nothing; nothing is in flight
struct blk_backend *hull_blk_file_backend(struct blk_file *file);

#endif
