// SPDX-License-Identifier: Apache-2.0
// Writes the bundle beside its place, reads it back as hull-metal will, and only then gives it its name.
#include <errno.h>
#include <fcntl.h>
#include <lib/xxh64.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cli/cli.h"
#include "host/pack/pack.h"

#define CHUNK (1u << 20)

struct writer {
    struct pack *pack;
    const char *bundle;
    char *part; // the name while it is written
    int fd;
    uint8_t *chunk; // CHUNK bytes, also room for a section and for the head
};

int hull_pack_layout(struct pack *pack)
{
    uint8_t *section = malloc(HULL_BUNDLE_SPEC_MAX);
    int err = section ? 0 : -HULL_ENOMEM;
    pack->entry_count = 1 + pack->vm_count + pack->file_count;
    for (uint32_t i = 0; !err && i < pack->entry_count; i++) {
        struct bundle_entry *entry = &pack->entries[i];
        size_t size = 0;
        *entry = (struct bundle_entry){
            .type = !i                    ? BUNDLE_BOARD
                    : i <= pack->vm_count ? BUNDLE_VM
                                          : BUNDLE_BLOB,
        };
        entry->version = hull_bundle_type_version(entry->type);
        if (entry->type == BUNDLE_BOARD)
            err = hull_bundle_encode_board(&pack->board, section, HULL_BUNDLE_SPEC_MAX, &size);
        else if (entry->type == BUNDLE_VM)
            err = hull_bundle_encode_vm(&pack->vms[i - 1].vm, section, HULL_BUNDLE_SPEC_MAX, &size);
        entry->size = entry->type == BUNDLE_BLOB ? pack->files[i - 1 - pack->vm_count].size : size;
        entry->sum = hull_xxh64(section, size);
    }
    free(section);
    pack->size = hull_bundle_layout(pack->entries, pack->entry_count);
    if (err)
        hull_cli_error("cannot lay the bundle out: %s", hull_strerror(err));
    return err;
}

static int write_fail(const struct writer *w, const char *what)
{
    hull_cli_error("%s: %s", what, strerror(errno));
    (void)w;
    return -HULL_EIO;
}

static int write_at(const struct writer *w, uint64_t offset, const void *data, uint64_t size)
{
    const uint8_t *at = data;
    while (size) {
        ssize_t done = pwrite(w->fd, at, size < CHUNK ? size : CHUNK, (off_t)offset);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return write_fail(w, w->part);
        at += done;
        offset += (uint64_t)done;
        size -= (uint64_t)done;
    }
    return 0;
}

// Fills the chunk from the disk's file: `size` bytes.
static int read_chunk(const struct writer *w, const struct pack_file *file, uint64_t offset,
                      size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = pread(file->fd, w->chunk + done, size - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return write_fail(w, file->name);
        if (got == 0) {
            hull_cli_error("%s: became shorter while it was read", file->name);
            return -HULL_EIO;
        }
        done += (size_t)got;
    }
    return 0;
}

// From the disk's file, with the checksum of what was written.
static int copy_disk(const struct writer *w, const struct pack_file *file,
                     struct bundle_entry *entry)
{
    struct hull_xxh64 sum;
    uint64_t done = 0;
    int err;
    hull_xxh64_init(&sum);
    for (;;) {
        uint64_t left = entry->size - done;
        size_t size = left < CHUNK ? (size_t)left : CHUNK;
        err = read_chunk(w, file, done, size);
        if (!err)
            err = write_at(w, entry->offset + done, w->chunk, size);
        if (err)
            return err;
        done += size;
        if (done == entry->size) {
            entry->sum = hull_xxh64_end(&sum, w->chunk, size);
            return 0;
        }
        hull_xxh64_add(&sum, w->chunk, size);
    }
}

static int write_section(const struct writer *w, uint32_t i)
{
    struct pack *pack = w->pack;
    struct bundle_entry *entry = &pack->entries[i];
    const struct pack_file *file = NULL;
    size_t size;
    int err = 0;
    if (entry->type == BUNDLE_BOARD)
        err = hull_bundle_encode_board(&pack->board, w->chunk, CHUNK, &size);
    else if (entry->type == BUNDLE_VM)
        err = hull_bundle_encode_vm(&pack->vms[i - 1].vm, w->chunk, CHUNK, &size);
    else
        file = &pack->files[i - 1 - pack->vm_count];
    if (err)
        return err;
    if (!file)
        return write_at(w, entry->offset, w->chunk, entry->size);
    if (file->fd >= 0)
        return copy_disk(w, file, entry);
    entry->sum = hull_xxh64(file->image.data, file->size);
    return write_at(w, entry->offset, file->image.data, file->size);
}

static int write_all(const struct writer *w)
{
    struct pack *pack = w->pack;
    int err = ftruncate(w->fd, (off_t)pack->size) ? write_fail(w, w->part) : 0;
    for (uint32_t i = 0; !err && i < pack->entry_count; i++)
        err = write_section(w, i);
    if (err)
        return err;
    hull_bundle_encode_head(pack->entries, pack->entry_count, pack->size, w->chunk);
    err = write_at(w, 0, w->chunk,
                   HULL_BUNDLE_HEADER_SIZE + pack->entry_count * HULL_BUNDLE_ENTRY_SIZE);
    if (!err && fsync(w->fd))
        err = write_fail(w, w->part);
    return err;
}

// As hull-metal will: what it would refuse is not handed out.
static int read_back(const struct writer *w)
{
    struct bundle_vm *vms = calloc(HULL_BUNDLE_VMS_MAX, sizeof(*vms));
    struct bundle bundle;
    struct bundle_error why;
    void *data = NULL;
    uint64_t size;
    int err = vms ? hull_pack_read(w->part, &data, &size) : -HULL_ENOMEM;
    if (!err) {
        err = hull_bundle_open(&bundle, data, size, &why);
        if (!err)
            err = hull_bundle_read_vms(&bundle, vms, &why);
        if (!err)
            err = hull_bundle_check_all(&bundle, &why);
        if (err)
            hull_cli_error("%s: read back, it %s", w->part, why.reason);
    }
    free(data);
    free(vms);
    return err;
}

int hull_pack_write(struct pack *pack, const char *bundle)
{
    struct writer w = {.pack = pack, .bundle = bundle, .fd = -1};
    size_t room = strlen(bundle) + 16;
    int err = -HULL_ENOMEM;
    mode_t mask = umask(0);
    umask(mask);
    w.part = malloc(room);
    w.chunk = malloc(CHUNK);
    if (!w.part || !w.chunk) {
        hull_cli_error("there is no memory left");
        goto out;
    }
    snprintf(w.part, room, "%s.XXXXXX", bundle);
    w.fd = mkostemp(w.part, O_CLOEXEC);
    if (w.fd < 0) {
        err = write_fail(&w, bundle);
        goto out;
    }
    err = write_all(&w);
    if (!err)
        err = read_back(&w);
    if (!err && (fchmod(w.fd, 0666 & ~mask) || rename(w.part, bundle)))
        err = write_fail(&w, bundle);
    if (err)
        unlink(w.part);
    close(w.fd);
out:
    free(w.chunk);
    free(w.part);
    return err;
}
