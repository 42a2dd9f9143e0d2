// SPDX-License-Identifier: Apache-2.0
// Opening a disk: its kind, its size, and the lock that keeps a second VM away from it.
#include "host/backend/blk_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/backend/blk_file_internal.h"

static int disk_fail(const char *name, int err, const char *reason)
{
    fprintf(stderr, "hull: disk %s: %s\n", name, reason);
    return err;
}

static int open_fail(const char *name, bool read_only)
{
    char reason[160];

    if (!read_only && (errno == EACCES || errno == EROFS || errno == EPERM)) {
        snprintf(reason, sizeof(reason), "%s; a disk that may only be read is given as FILE,ro",
                 strerror(errno));
        return disk_fail(name, -HULL_EPERM, reason);
    }
    return disk_fail(name, errno == ENOENT ? -HULL_ENOENT : -HULL_EIO, strerror(errno));
}

static int size_find(struct blk_file *file)
{
    struct stat st;
    char reason[160];

    if (fstat(file->fd, &st) < 0)
        return disk_fail(file->name, -HULL_EIO, strerror(errno));
    if (S_ISBLK(st.st_mode)) {
        file->is_device = true;
        if (ioctl(file->fd, BLKGETSIZE64, &file->backend.size) < 0)
            return disk_fail(file->name, -HULL_EIO, strerror(errno));
    } else if (S_ISREG(st.st_mode)) {
        file->backend.size = (uint64_t)st.st_size;
    } else {
        return disk_fail(file->name, -HULL_EINVAL, "neither a file nor a block device");
    }
    if (file->backend.size == 0)
        return disk_fail(file->name, -HULL_EINVAL, "it is empty; truncate -s SIZE makes it larger");
    if (file->backend.size % 512 == 0)
        return 0;
    snprintf(reason, sizeof(reason),
             "its size, %llu bytes, is no multiple of 512; truncate -s %%512 rounds it up",
             (unsigned long long)file->backend.size);
    return disk_fail(file->name, -HULL_EINVAL, reason);
}

// A lock of the open file (OFD), not of the process: also a second disk of this VM collides.
static int lock_take(const struct blk_file *file)
{
    struct flock lock = {.l_type = file->backend.read_only ? F_RDLCK : F_WRLCK,
                         .l_whence = SEEK_SET};

    if (fcntl(file->fd, F_OFD_SETLK, &lock) == 0)
        return 0;
    if (errno == EAGAIN || errno == EACCES)
        return disk_fail(file->name, -HULL_EBUSY, "is in use by another VM");
    if (errno == EINVAL || errno == ENOLCK || errno == EOPNOTSUPP)
        return 0; // a file system without locks: nobody can hold one
    return disk_fail(file->name, -HULL_EIO, strerror(errno));
}

static int file_open(struct blk_file *file, const struct disk_spec *spec, unsigned index)
{
    int flags = (spec->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    int err;

    file->name = spec->file;
    file->fd = open(spec->file, flags);
    if (file->fd < 0)
        return open_fail(spec->file, spec->read_only);
    file->backend.read_only = spec->read_only;
    file->backend.discard = !spec->read_only;
    if (spec->id)
        snprintf(file->serial, sizeof(file->serial), "%s", spec->id);
    else
        snprintf(file->serial, sizeof(file->serial), "disk%u", index);
    file->backend.serial = file->serial;
    err = size_find(file);
    return err ? err : lock_take(file);
}

int hull_blk_file_open(struct blk_file **out, struct blk_pool *pool, const struct disk_spec *spec,
                       unsigned index)
{
    struct blk_file *file = calloc(1, sizeof(*file));
    int err;

    if (!file)
        return disk_fail(spec->file, -HULL_ENOMEM, hull_strerror(HULL_ENOMEM));
    file->pool = pool;
    file->fd = -1;
    pthread_cond_init(&file->idle, NULL);
    err = file_open(file, spec, index);
    if (err)
        hull_blk_file_close(file);
    else
        *out = file;
    return err;
}

void hull_blk_file_close(struct blk_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd); // which also unlocks
    pthread_cond_destroy(&file->idle);
    free(file);
}
