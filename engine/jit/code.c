// SPDX-License-Identifier: Apache-2.0
// Memory for machine code, never writable and executable through one mapping, and for what belongs
// to it. Both are filled front to back, and emptied whole when full.
#include <sys/mman.h>
#include <unistd.h>

#include "engine/jit/translator.h"
#include "lib/mem.h"

int jit_code_create(struct jit *jit, size_t code_size, size_t meta_size)
{
    int fd = memfd_create("hull-jit", MFD_CLOEXEC);
    void *rw = MAP_FAILED, *rx = MAP_FAILED, *meta;

    if (fd < 0)
        return -HULL_ENOMEM;
    if (!ftruncate(fd, (off_t)code_size)) {
        rw = mmap(NULL, code_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        rx = mmap(NULL, code_size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    close(fd);
    meta = mmap(NULL, meta_size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (rw != MAP_FAILED)
        jit->code_rw = rw;
    if (rx != MAP_FAILED)
        jit->code_rx = rx;
    if (meta != MAP_FAILED)
        jit->meta = meta;
    jit->code_size = code_size;
    jit->meta_size = meta_size;
    if (jit->code_rw && jit->code_rx && jit->meta)
        return 0;
    jit_code_destroy(jit);
    return -HULL_ENOMEM;
}

void jit_code_destroy(struct jit *jit)
{
    if (jit->code_rw)
        munmap(jit->code_rw, jit->code_size);
    if (jit->code_rx)
        munmap((void *)(uintptr_t)jit->code_rx, jit->code_size);
    if (jit->meta)
        munmap(jit->meta, jit->meta_size);
}

void jit_code_drop(struct jit *jit)
{
    memset(jit->hash, 0, sizeof(jit->hash));
    memset(jit->jumps, 0, sizeof(jit->jumps));
    jit->code_used = jit->code_start;
    jit->meta_used = 0;
    jit->link = NULL;
    jit->flushes++;
}

void *jit_meta_alloc(struct jit *jit, size_t size)
{
    void *ptr = jit->meta + jit->meta_used;

    size = (size + 15) & ~(size_t)15;
    if (jit->meta_size - jit->meta_used < size)
        return NULL;
    jit->meta_used += size;
    return ptr;
}
