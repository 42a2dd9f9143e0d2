// SPDX-License-Identifier: Apache-2.0
// Disk requests on a file descriptor of the host.
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/backend/blk_file_internal.h"

#define IO_VECTORS 64

static int error_of(int err)
{
    switch (err) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return -HULL_ENOSPC;
    case EOPNOTSUPP:
    case ENOSYS: return -HULL_ENOTSUP;
    default: return -HULL_EIO;
    }
}

// A place in a request's list of buffers.
struct cursor {
    const struct hull_iovec *iov;
    unsigned left;  // iovecs
    size_t skipped; // of the first
};

static void cursor_advance(struct cursor *at, size_t len)
{
    while (len && at->left) {
        size_t rest = at->iov->len - at->skipped;

        if (len < rest) {
            at->skipped += len;
            return;
        }
        len -= rest;
        at->iov++;
        at->left--;
        at->skipped = 0;
    }
}

// Empty buffers are left out: a call with nothing else would look like the end of the file.
static int cursor_fill(const struct cursor *at, struct iovec *vectors)
{
    int n = 0;

    for (unsigned i = 0; i < at->left && n < IO_VECTORS; i++) {
        size_t skip = i == 0 ? at->skipped : 0;

        if (at->iov[i].len == skip)
            continue;
        vectors[n].iov_base = (uint8_t *)at->iov[i].base + skip;
        vectors[n++].iov_len = at->iov[i].len - skip;
    }
    return n;
}

static int transfer(const struct blk_file *file, const struct blk_request *req)
{
    struct cursor at = {.iov = req->iov, .left = req->iov_count};
    uint64_t offset = req->offset, end = req->offset + req->len;

    while (offset < end) {
        struct iovec vectors[IO_VECTORS];
        int count = cursor_fill(&at, vectors);
        ssize_t n;

        if (count == 0)
            return -HULL_EINVAL;
        if (req->op == BLK_READ)
            n = preadv(file->fd, vectors, count, (off_t)offset);
        else
            n = pwritev(file->fd, vectors, count, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_of(errno);
        if (n == 0)
            return -HULL_EIO; // somebody made the file shorter
        offset += (uint64_t)n;
        cursor_advance(&at, (size_t)n);
    }
    return 0;
}

static int flush(const struct blk_file *file)
{
    int err;

    do
        err = fdatasync(file->fd);
    while (err < 0 && errno == EINTR);
    return err < 0 ? error_of(errno) : 0;
}

static int allocate(const struct blk_file *file, int mode, const struct blk_request *req)
{
    int err;

    do
        err = fallocate(file->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)req->offset, (off_t)req->len);
    while (err < 0 && errno == EINTR);
    return err < 0 ? error_of(errno) : 0;
}

static int discard(const struct blk_file *file, const struct blk_request *req)
{
    int err;

    if (file->is_device) {
        uint64_t range[2] = {req->offset, req->len};

        err = ioctl(file->fd, BLKDISCARD, range) < 0 ? error_of(errno) : 0;
    } else {
        err = allocate(file, FALLOC_FL_PUNCH_HOLE, req);
    }
    return err == -HULL_ENOTSUP ? 0 : err; // a hint that this file system can't take
}

// Where the file system can't do it for us.
static int write_zeroes_by_hand(const struct blk_file *file, const struct blk_request *req)
{
    static const uint8_t zeroes[HULL_PAGE_SIZE];
    uint64_t offset = req->offset, end = req->offset + req->len;

    while (offset < end) {
        struct iovec vectors[IO_VECTORS];
        uint64_t planned = 0;
        int count = 0;
        ssize_t n;

        for (; count < IO_VECTORS && offset + planned < end; count++) {
            uint64_t left = end - offset - planned;

            vectors[count].iov_base = (void *)zeroes;
            vectors[count].iov_len = left < sizeof(zeroes) ? left : sizeof(zeroes);
            planned += vectors[count].iov_len;
        }
        n = pwritev(file->fd, vectors, count, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? error_of(errno) : -HULL_EIO;
        offset += (uint64_t)n;
    }
    return 0;
}

static int write_zeroes(const struct blk_file *file, const struct blk_request *req)
{
    int err = -HULL_ENOTSUP;

    if (req->unmap)
        err = allocate(file, FALLOC_FL_PUNCH_HOLE, req);
    if (err)
        err = allocate(file, FALLOC_FL_ZERO_RANGE, req);
    if (err == -HULL_ENOTSUP || err == -HULL_EIO)
        err = write_zeroes_by_hand(file, req);
    return err;
}

int hull_blk_file_execute(const struct blk_file *file, const struct blk_request *req)
{
    if (file->backend.read_only && req->op != BLK_READ && req->op != BLK_FLUSH)
        return -HULL_EPERM;
    if (req->op == BLK_FLUSH)
        return file->backend.read_only ? 0 : flush(file);
    if (req->offset > file->backend.size || req->len > file->backend.size - req->offset)
        return -HULL_EINVAL;
    if (req->len == 0)
        return 0;
    switch (req->op) {
    case BLK_READ:
    case BLK_WRITE: return transfer(file, req);
    case BLK_DISCARD: return discard(file, req);
    case BLK_WRITE_ZEROES: return write_zeroes(file, req);
    case BLK_FLUSH: break;
    }
    return -HULL_EINVAL;
}
