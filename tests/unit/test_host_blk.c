// SPDX-License-Identifier: Apache-2.0
// Disks on files: what is written is read back, through short and interrupted system calls too;
// failures reach the guest as errors; a file has one writer.
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "host/backend/blk_file.h"

// What the wrapped system calls do: 0: as they are; SHORT: at most a few hundred bytes, every third
// call interrupted; an errno: fail so.
#define SHORT (-1)
static _Atomic int fault;
static _Atomic unsigned calls, fallocate_calls;

ssize_t __real_preadv(int fd, const struct iovec *iov, int count, off_t offset);
ssize_t __real_pwritev(int fd, const struct iovec *iov, int count, off_t offset);
int __real_fdatasync(int fd);
int __real_fallocate(int fd, int mode, off_t offset, off_t len);
ssize_t __wrap_preadv(int fd, const struct iovec *iov, int count, off_t offset);
ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int count, off_t offset);
int __wrap_fdatasync(int fd);
int __wrap_fallocate(int fd, int mode, off_t offset, off_t len);

static bool interfere(struct iovec *first, const struct iovec *iov)
{
    unsigned n = atomic_fetch_add(&calls, 1);

    if (fault > 0 || (fault == SHORT && n % 3 == 0)) {
        errno = fault > 0 ? fault : EINTR;
        return true;
    }
    *first = iov[0];
    if (first->iov_len > 300)
        first->iov_len = 300;
    return false;
}

ssize_t __wrap_preadv(int fd, const struct iovec *iov, int count, off_t offset)
{
    struct iovec first;

    if (!fault)
        return __real_preadv(fd, iov, count, offset);
    return interfere(&first, iov) ? -1 : __real_preadv(fd, &first, 1, offset);
}

ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int count, off_t offset)
{
    struct iovec first;

    if (!fault)
        return __real_pwritev(fd, iov, count, offset);
    return interfere(&first, iov) ? -1 : __real_pwritev(fd, &first, 1, offset);
}

int __wrap_fdatasync(int fd)
{
    if (fault > 0) {
        errno = fault;
        return -1;
    }
    atomic_fetch_add(&calls, 1);
    return __real_fdatasync(fd);
}

int __wrap_fallocate(int fd, int mode, off_t offset, off_t len)
{
    atomic_fetch_add(&fallocate_calls, 1);
    if (fault) { // a file system that can't
        errno = fault > 0 ? fault : EOPNOTSUPP;
        return -1;
    }
    return __real_fallocate(fd, mode, offset, len);
}

#define DISK_SIZE (1u << 20)

struct disk {
    char name[64];
    struct blk_pool pool;
    struct blk_file *file;
    struct blk_backend *backend;
};

struct finished {
    struct blk_request req;
    _Atomic int status, count;
};

static int disk_setup(void **state)
{
    struct disk *d = calloc(1, sizeof(*d));
    struct disk_spec spec = {.file = d->name, .id = "a-name-longer-than-twenty-bytes"};
    int fd;

    fault = 0;
    strcpy(d->name, "/tmp/hull-disk-XXXXXX");
    fd = mkstemp(d->name);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, DISK_SIZE), 0);
    close(fd);
    hull_blk_pool_init(&d->pool);
    assert_int_equal(hull_blk_file_open(&d->file, &d->pool, &spec, 0), 0);
    d->backend = hull_blk_file_backend(d->file);
    *state = d;
    return 0;
}

static int disk_teardown(void **state)
{
    struct disk *d = *state;

    fault = 0;
    d->backend->drain(d->backend->ctx);
    hull_blk_file_close(d->file);
    hull_blk_pool_fini(&d->pool);
    unlink(d->name);
    free(d);
    return 0;
}

static void request_done(struct blk_request *req, int status)
{
    struct finished *f = (struct finished *)req;

    f->status = status;
    atomic_fetch_add(&f->count, 1);
}

static int request(struct disk *d, enum blk_op op, uint64_t offset, uint64_t len,
                   struct hull_iovec *iov, unsigned count)
{
    struct finished f = {.req = {.op = op,
                                 .unmap = op == BLK_WRITE_ZEROES,
                                 .offset = offset,
                                 .len = len,
                                 .iov = iov,
                                 .iov_count = count,
                                 .done = request_done}};

    d->backend->submit(d->backend->ctx, &f.req);
    d->backend->drain(d->backend->ctx);
    assert_int_equal(f.count, 1);
    return f.status;
}

static int simple(struct disk *d, enum blk_op op, uint64_t offset, void *buf, uint64_t len)
{
    struct hull_iovec iov = {.base = buf, .len = len};

    return request(d, op, offset, len, &iov, 1);
}

static void properties_are_told(void **state)
{
    struct disk *d = *state;

    assert_int_equal(d->backend->size, DISK_SIZE);
    assert_false(d->backend->read_only);
    assert_true(d->backend->discard);
    assert_string_equal(d->backend->serial, "a-name-longer-than-t");
}

// 200 buffers of odd sizes: more than one system call's worth.
static void scattered(struct disk *d)
{
    enum { COUNT = 200, LEN = 102400 };
    uint8_t *out = malloc(LEN), *in = calloc(1, LEN);
    struct hull_iovec write_iov[COUNT], read_iov[COUNT];
    size_t at = 0, back = 0;

    for (unsigned i = 0; i < LEN; i++)
        out[i] = (uint8_t)rand();
    for (unsigned i = 0; i < COUNT; i++) {
        size_t n = i + 1 < COUNT ? 1 + (unsigned)rand() % 1000 : LEN - at;
        size_t m = i + 1 < COUNT ? (unsigned)rand() % 1000 : LEN - back;

        if (n > LEN - at)
            n = LEN - at;
        if (m > LEN - back)
            m = LEN - back;
        write_iov[i] = (struct hull_iovec){.base = out + at, .len = n};
        read_iov[i] = (struct hull_iovec){.base = in + back, .len = m};
        at += n;
        back += m;
    }
    assert_int_equal(request(d, BLK_WRITE, 512 * 7, LEN, write_iov, COUNT), 0);
    assert_int_equal(request(d, BLK_READ, 512 * 7, LEN, read_iov, COUNT), 0);
    assert_memory_equal(in, out, LEN);
    free(in);
    free(out);
}

static void scattered_requests_arrive(void **state)
{
    scattered(*state);
}

static void short_and_interrupted_calls_are_continued(void **state)
{
    fault = SHORT;
    scattered(*state);
}

static void failures_are_reported(void **state)
{
    uint8_t buf[512] = {0};

    fault = EIO;
    assert_int_equal(simple(*state, BLK_READ, 0, buf, 512), -HULL_EIO);
    assert_int_equal(simple(*state, BLK_WRITE, 0, buf, 512), -HULL_EIO);
    assert_int_equal(simple(*state, BLK_FLUSH, 0, NULL, 0), -HULL_EIO);
    fault = ENOSPC;
    assert_int_equal(simple(*state, BLK_WRITE, 0, buf, 512), -HULL_ENOSPC);
    assert_int_equal(simple(*state, BLK_WRITE_ZEROES, 0, NULL, 512), -HULL_ENOSPC);
    fault = 0;
    assert_int_equal(simple(*state, BLK_WRITE, 0, buf, 512), 0);
    assert_int_equal(simple(*state, BLK_READ, DISK_SIZE, buf, 512), -HULL_EINVAL);
    assert_int_equal(simple(*state, BLK_READ, UINT64_MAX - 511, buf, 512), -HULL_EINVAL);
}

static void truncated_file_is_an_error(void **state)
{
    struct disk *d = *state;
    uint8_t buf[4096];

    assert_int_equal(truncate(d->name, 2048), 0);
    assert_int_equal(simple(d, BLK_READ, 0, buf, 4096), -HULL_EIO);
    assert_int_equal(simple(d, BLK_READ, 0, buf, 2048), 0);
}

static void flush_reaches_the_disk(void **state)
{
    unsigned before = calls;

    assert_int_equal(simple(*state, BLK_FLUSH, 0, NULL, 0), 0);
    assert_int_equal(calls, before + 1);
}

static void zeroes(struct disk *d)
{
    uint8_t *buf = malloc(DISK_SIZE);

    memset(buf, 0xff, DISK_SIZE);
    assert_int_equal(simple(d, BLK_WRITE, 0, buf, DISK_SIZE), 0);
    assert_int_equal(simple(d, BLK_WRITE_ZEROES, 1024, NULL, DISK_SIZE / 2 + 512), 0);
    assert_int_equal(simple(d, BLK_READ, 0, buf, DISK_SIZE), 0);
    for (unsigned i = 0; i < DISK_SIZE; i++)
        assert_int_equal(buf[i], i < 1024 || i >= DISK_SIZE / 2 + 1536 ? 0xff : 0);
    free(buf);
}

static void zeroes_are_written(void **state)
{
    fallocate_calls = 0;
    zeroes(*state);
    assert_true(fallocate_calls > 0);
}

static void zeroes_are_written_by_hand_where_needed(void **state)
{
    fault = SHORT; // also: no fallocate
    zeroes(*state);
}

static void discard_frees_space(void **state)
{
    struct disk *d = *state;
    uint8_t *buf = malloc(DISK_SIZE);
    struct stat before, after;

    memset(buf, 1, DISK_SIZE);
    assert_int_equal(simple(d, BLK_WRITE, 0, buf, DISK_SIZE), 0);
    assert_int_equal(simple(d, BLK_FLUSH, 0, NULL, 0), 0);
    assert_int_equal(stat(d->name, &before), 0);
    assert_int_equal(simple(d, BLK_DISCARD, 0, NULL, DISK_SIZE / 2), 0);
    assert_int_equal(stat(d->name, &after), 0);
    assert_int_equal(after.st_size, DISK_SIZE);
    assert_true(after.st_blocks < before.st_blocks);
    fault = EOPNOTSUPP; // only a hint
    assert_int_equal(simple(d, BLK_DISCARD, 0, NULL, DISK_SIZE), 0);
    free(buf);
}

#define MANY 500

static void many_at_once_all_finish(void **state)
{
    struct disk *d = *state;
    struct finished *f = calloc(MANY, sizeof(*f));
    struct hull_iovec iov[MANY];
    uint8_t *out = malloc(MANY * 512), *in = calloc(MANY, 512);

    for (unsigned i = 0; i < MANY * 512; i++)
        out[i] = (uint8_t)rand();
    for (unsigned pass = 0; pass < 2; pass++) {
        for (unsigned i = 0; i < MANY; i++) {
            iov[i] = (struct hull_iovec){.base = (pass ? in : out) + i * 512, .len = 512};
            f[i] = (struct finished){.req = {.op = pass ? BLK_READ : BLK_WRITE,
                                             .offset = i * 512u,
                                             .len = 512,
                                             .iov = &iov[i],
                                             .iov_count = 1,
                                             .done = request_done}};
            d->backend->submit(d->backend->ctx, &f[i].req);
        }
        d->backend->drain(d->backend->ctx);
        for (unsigned i = 0; i < MANY; i++) {
            assert_int_equal(f[i].count, 1);
            assert_int_equal(f[i].status, 0);
        }
    }
    assert_memory_equal(in, out, MANY * 512);
    free(in);
    free(out);
    free(f);
}

static int open_as(struct disk *d, bool read_only, struct blk_file **file)
{
    struct disk_spec spec = {.file = d->name, .read_only = read_only};

    *file = NULL;
    return hull_blk_file_open(file, &d->pool, &spec, 1);
}

static void a_file_has_one_writer_or_many_readers(void **state)
{
    struct disk *d = *state;
    struct blk_file *a, *b, *c;
    uint8_t buf[512] = {0};

    assert_int_equal(open_as(d, false, &a), -HULL_EBUSY);
    assert_int_equal(open_as(d, true, &a), -HULL_EBUSY);
    hull_blk_file_close(d->file);
    assert_int_equal(open_as(d, true, &a), 0);
    assert_int_equal(open_as(d, true, &b), 0);
    assert_int_equal(open_as(d, false, &c), -HULL_EBUSY);
    hull_blk_file_close(b);
    d->file = a;
    d->backend = hull_blk_file_backend(a);
    assert_true(d->backend->read_only);
    assert_string_equal(d->backend->serial, "disk1");
    assert_int_equal(simple(d, BLK_READ, 0, buf, 512), 0);
    assert_int_equal(simple(d, BLK_WRITE, 0, buf, 512), -HULL_EPERM);
    assert_int_equal(simple(d, BLK_DISCARD, 0, NULL, 512), -HULL_EPERM);
    assert_int_equal(simple(d, BLK_WRITE_ZEROES, 0, NULL, 512), -HULL_EPERM);
    assert_int_equal(simple(d, BLK_FLUSH, 0, NULL, 0), 0);
}

static void unfit_files_are_refused(void **state)
{
    struct disk *d = *state;
    struct disk_spec spec = {.file = "/nonexistent/disk"};
    struct blk_file *file = NULL;

    assert_int_equal(hull_blk_file_open(&file, &d->pool, &spec, 0), -HULL_ENOENT);
    spec.file = "/tmp";
    assert_int_not_equal(hull_blk_file_open(&file, &d->pool, &spec, 0), 0);
    spec.file = "/dev/null";
    assert_int_equal(hull_blk_file_open(&file, &d->pool, &spec, 0), -HULL_EINVAL);
    hull_blk_file_close(d->file);
    assert_int_equal(truncate(d->name, 1000), 0);
    assert_int_equal(open_as(d, false, &file), -HULL_EINVAL);
    assert_int_equal(truncate(d->name, 0), 0);
    assert_int_equal(open_as(d, false, &file), -HULL_EINVAL);
    assert_int_equal(truncate(d->name, 1024), 0);
    assert_int_equal(open_as(d, false, &d->file), 0);
    d->backend = hull_blk_file_backend(d->file);
}

#define disk_test(f) cmocka_unit_test_setup_teardown(f, disk_setup, disk_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        disk_test(properties_are_told),
        disk_test(scattered_requests_arrive),
        disk_test(short_and_interrupted_calls_are_continued),
        disk_test(failures_are_reported),
        disk_test(truncated_file_is_an_error),
        disk_test(flush_reaches_the_disk),
        disk_test(zeroes_are_written),
        disk_test(zeroes_are_written_by_hand_where_needed),
        disk_test(discard_frees_space),
        disk_test(many_at_once_all_finish),
        disk_test(a_file_has_one_writer_or_many_readers),
        disk_test(unfit_files_are_refused),
    };
    return cmocka_run_group_tests_name("host/blk", tests, NULL, NULL);
}
