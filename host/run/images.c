// SPDX-License-Identifier: Apache-2.0
// Reading images. A kernel may be compressed by gzip, or be an EFI program that carries a gzip payload
// (Linux's "zboot"); everything else is passed on as it is.
#include "host/run/images.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <lib/bytes.h>

#define INFLATE_CHUNK 32768u

static int image_fail(struct image *image, int err, const char *reason)
{
    image->reason = reason;
    return err;
}

// Says why, after an error.
static int image_said(const struct image *image, int err)
{
    if (err)
        fprintf(stderr, "hull: %s %s: %s\n", image->what, image->file, image->reason);
    return err;
}

// Reads [offset, offset + len) whole: 0, -HULL_EIO.
static int file_read(struct image *image, uint64_t offset, void *to, uint64_t len)
{
    uint8_t *at = to;

    while (len) {
        ssize_t got = pread(image->fd, at, len, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return image_fail(image, -HULL_EIO, strerror(errno));
        if (got == 0)
            return image_fail(image, -HULL_EIO, "the file became shorter while it was read");
        at += got;
        offset += (uint64_t)got;
        len -= (uint64_t)got;
    }
    return 0;
}

// One round of input for the decompressor.
static int inflate_feed(struct image *image, z_stream *z, uint8_t *chunk, uint64_t *done)
{
    uint64_t n = image->payload_size - *done;
    int err;

    if (n > INFLATE_CHUNK)
        n = INFLATE_CHUNK;
    err = n ? file_read(image, image->payload + *done, chunk, n) : 0;
    *done += n;
    z->next_in = chunk;
    z->avail_in = (unsigned)n;
    return err;
}

// Fills [data, data + room) with the decompressed payload and sets size.
static int image_inflate(struct image *image)
{
    uint8_t chunk[INFLATE_CHUNK];
    z_stream z = {0};
    uint64_t done = 0;
    int err = 0, zerr;

    if (inflateInit2(&z, 15 + 16) != Z_OK) // gzip only
        return image_fail(image, -HULL_ENOMEM, "no memory to decompress it");
    image->size = 0;
    do {
        uint64_t room = image->room - image->size;
        unsigned portion = room > (1u << 30) ? 1u << 30 : (unsigned)room;

        if (z.avail_in == 0)
            err = inflate_feed(image, &z, chunk, &done);
        z.next_out = image->data + image->size;
        z.avail_out = portion;
        zerr = err ? Z_OK : inflate(&z, Z_NO_FLUSH);
        image->size += portion - z.avail_out;
        if (!err && zerr == Z_BUF_ERROR)
            err = image->size == image->room
                      ? image_fail(image, -HULL_ENOSPC, "does not fit into the guest's memory")
                      : image_fail(image, -HULL_EFORMAT, "the compressed data ends too early");
        else if (!err && zerr != Z_OK && zerr != Z_STREAM_END)
            err = image_fail(image, -HULL_EFORMAT, "the compressed data is damaged");
    } while (!err && zerr != Z_STREAM_END);
    inflateEnd(&z);
    return err;
}

// A zboot image: "MZ", "zimg", payload offset and size, then at 24 the compression's name.
static int zboot_detect(struct image *image, const uint8_t *head, uint64_t file_size)
{
    uint32_t offset = hull_load_le32(head + 8), size = hull_load_le32(head + 12);

    if (memcmp(head, "MZ", 2) != 0 || memcmp(head + 4, "zimg", 4) != 0)
        return 0;
    if (strncmp((const char *)head + 24, "gzip", 8) != 0)
        return image_fail(image, -HULL_EFORMAT,
                          "an EFI zboot image that is not compressed by gzip; unpack it first");
    if (offset > file_size || size > file_size - offset)
        return image_fail(image, -HULL_EFORMAT, "the zboot header points outside of the file");
    image->kind = IMAGE_GZIP;
    image->payload = offset;
    image->payload_size = size;
    return 0;
}

static int image_detect(struct image *image, uint64_t file_size, bool may_be_packed)
{
    uint8_t head[64] = {0};
    int err;

    image->kind = IMAGE_PLAIN;
    image->payload_size = file_size;
    if (!may_be_packed || file_size < sizeof(head))
        return 0;
    err = file_read(image, 0, head, sizeof(head));
    if (err)
        return err;
    if (head[0] == 0x1f && head[1] == 0x8b)
        image->kind = IMAGE_GZIP;
    else
        err = zboot_detect(image, head, file_size);
    return err;
}

static int image_fill(struct image *image)
{
    if (image->kind == IMAGE_GZIP)
        return image_inflate(image);
    return file_read(image, image->payload, image->data, image->size);
}

int hull_image_open(struct image *image, const char *what, const char *file, uint64_t limit,
                    bool may_be_packed)
{
    struct stat st;
    int err;

    *image = (struct image){.what = what, .file = file, .fd = -1};
    if (!file)
        return 0;
    image->fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (image->fd < 0 || fstat(image->fd, &st) < 0)
        return image_fail(image, -HULL_ENOENT, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return image_fail(image, -HULL_ENOENT, "not a regular file");
    if (st.st_size == 0)
        return image_fail(image, -HULL_EFORMAT, "the file is empty");
    err = image_detect(image, (uint64_t)st.st_size, may_be_packed);
    if (err)
        return err;
    image->size = image->kind == IMAGE_PLAIN ? image->payload_size : 0;
    image->room = image->kind == IMAGE_PLAIN ? image->size : limit;
    if (image->size > limit)
        return image_fail(image, -HULL_ENOSPC, "does not fit into the guest's memory");
    // Room for the largest that could come out; only what is written is backed by memory.
    image->data = mmap(NULL, image->room, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (image->data == MAP_FAILED) {
        image->data = NULL;
        return image_fail(image, -HULL_ENOMEM, "no memory to load it");
    }
    return image_fill(image);
}

void hull_image_close(struct image *image)
{
    if (image->data)
        munmap(image->data, image->room);
    if (image->fd >= 0)
        close(image->fd);
    *image = (struct image){.fd = -1};
}

static int open_said(struct image *image, const char *what, const char *file, uint64_t limit,
                     bool may_be_packed)
{
    return image_said(image, hull_image_open(image, what, file, limit, may_be_packed));
}

int hull_images_open(struct images *images, const struct boot_spec *boot, uint64_t limit)
{
    int err;

    images->initrd.fd = images->firmware.fd = -1;
    images->initrd.data = images->firmware.data = NULL;
    err = open_said(&images->kernel, "kernel", boot->kernel, limit, true);
    if (!err)
        err = open_said(&images->initrd, "initrd", boot->initrd, limit, false);
    if (!err)
        err = open_said(&images->firmware, "firmware", boot->firmware, limit, true);
    if (err)
        hull_images_close(images);
    return err;
}

void hull_images_close(struct images *images)
{
    hull_image_close(&images->kernel);
    hull_image_close(&images->initrd);
    hull_image_close(&images->firmware);
}

static struct board_image image_describe(const struct image *image)
{
    if (!image->data)
        return (struct board_image){0};
    return (struct board_image){.data = image->data, .size = image->size, .name = image->file};
}

void hull_images_describe(const struct images *images, struct board_images *board)
{
    board->kernel = image_describe(&images->kernel);
    board->initrd = image_describe(&images->initrd);
    board->firmware = image_describe(&images->firmware);
}

static void image_drop(const struct image *image)
{
    if (image->data)
        madvise(image->data, image->room, MADV_DONTNEED);
}

void hull_images_drop(struct images *images)
{
    image_drop(&images->kernel);
    image_drop(&images->initrd);
    image_drop(&images->firmware);
}

// The board remembers sizes, so a file that has become another one can't be taken.
static int image_refill(struct image *image)
{
    uint64_t size = image->size;
    int err;

    if (!image->data)
        return 0;
    err = image_fill(image);
    if (!err && image->size != size)
        err = image_fail(image, -HULL_EIO, "the file has changed since the machine was started");
    return image_said(image, err);
}

int hull_images_refill(struct images *images)
{
    int err = image_refill(&images->kernel);

    if (!err)
        err = image_refill(&images->initrd);
    if (!err)
        err = image_refill(&images->firmware);
    return err;
}
