// SPDX-License-Identifier: Apache-2.0
// One machine in lockstep: its world stands still while it runs. Time, random numbers and timers are
// the fake environment's, the disk is a copy in memory, the console a buffer.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/riscv/sbi.h"
#include "host/env/env.h"
#include "tests/diff/lockstep.h"

static struct twin *twin_of(struct vm *vm)
{
    return hull_container_of(vm, struct twin, vm);
}

// The linker has the core's wires end here. A wire that falls does so at once: no interrupt comes of
// it. One that rises waits, since engines look at it at different instructions.
void __real_hull_vcpu_set_irq(struct vcpu *vcpu, unsigned line, bool level);
void __wrap_hull_vcpu_set_irq(struct vcpu *vcpu, unsigned line, bool level);
void __wrap_hull_vcpu_set_irq(struct vcpu *vcpu, unsigned line, bool level)
{
    struct twin *twin = twin_of(vcpu->vm);

    if (level) {
        twin->rising[vcpu->index] |= 1ull << line;
    } else {
        twin->rising[vcpu->index] &= ~(1ull << line);
        __real_hull_vcpu_set_irq(vcpu, line, false);
    }
}

void twin_raise_wires(struct twin *twin)
{
    for (unsigned i = 0; i < twin->vm.vcpu_count; i++) {
        for (uint64_t left = twin->rising[i]; left; left &= left - 1)
            __real_hull_vcpu_set_irq(&twin->vm.vcpus[i], (unsigned)__builtin_ctzll(left), true);
        twin->rising[i] = 0;
    }
}

static void note_request(void *ctx, enum vm_request what, int code)
{
    struct twin *twin = ctx;

    twin->request = what;
    twin->request_code = code;
}

static size_t take_output(void *ctx, const void *buf, size_t len)
{
    struct twin *twin = ctx;

    if (twin->output_size - twin->output_length <= len) {
        twin->output_size = 2 * twin->output_size + len + 4096;
        twin->output = realloc(twin->output, twin->output_size);
        if (!twin->output)
            abort();
    }
    memcpy(twin->output + twin->output_length, buf, len);
    twin->output_length += len;
    twin->output[twin->output_length] = '\0';
    return len;
}

// The disk.

static void disk_submit(void *ctx, struct blk_request *req)
{
    struct lockstep_disk *disk = ctx;

    req->next = NULL;
    if (disk->last)
        disk->last->next = req;
    else
        disk->first = req;
    disk->last = req;
    disk->waiting++;
}

static void disk_transfer(struct lockstep_disk *disk, struct blk_request *req)
{
    uint8_t *at = disk->data + req->offset;

    switch (req->op) {
    case BLK_READ:
    case BLK_WRITE:
        for (unsigned i = 0; i < req->iov_count; i++) {
            void *host = req->iov[i].base;

            memcpy(req->op == BLK_READ ? host : at, req->op == BLK_READ ? at : host,
                   req->iov[i].len);
            at += req->iov[i].len;
        }
        break;
    case BLK_DISCARD:
    case BLK_WRITE_ZEROES: memset(at, 0, req->len); break;
    case BLK_FLUSH: break;
    }
}

void twin_finish_disk_request(struct twin *twin)
{
    struct lockstep_disk *disk = &twin->disk;
    struct blk_request *req = disk->first;

    if (!req)
        return;
    disk->first = req->next;
    if (!disk->first)
        disk->last = NULL;
    disk->waiting--;
    disk_transfer(disk, req);
    req->done(req, 0);
}

static void disk_drain(void *ctx)
{
    struct lockstep_disk *disk = ctx;

    while (disk->first)
        twin_finish_disk_request(hull_container_of(disk, struct twin, disk));
}

static bool disk_open(struct twin *twin, const char *file)
{
    struct lockstep_disk *disk = &twin->disk;
    FILE *in = fopen(file, "rb");
    long size;

    if (!in || fseek(in, 0, SEEK_END) < 0 || (size = ftell(in)) < 512) {
        fprintf(stderr, "lockstep: can't read the disk %s\n", file);
        if (in)
            fclose(in);
        return false;
    }
    rewind(in);
    size &= ~511l;
    disk->data = malloc((size_t)size);
    if (!disk->data || fread(disk->data, 1, (size_t)size, in) != (size_t)size)
        abort();
    fclose(in);
    disk->backend = (struct blk_backend){.submit = disk_submit,
                                         .drain = disk_drain,
                                         .ctx = disk,
                                         .size = (uint64_t)size,
                                         .discard = true,
                                         .serial = "lockstep"};
    twin->backends.disks[0] = &disk->backend;
    return true;
}

// Life.

bool twin_create(struct twin *twin, const struct lockstep_config *config,
                 const struct engine_ops *engine)
{
    const struct vm_owner owner = {.request = note_request, .ctx = twin};
    const struct vm_spec *spec = &config->spec;
    struct board_images images;
    int err;

    memset(twin, 0, sizeof(*twin));
    fake_env_init(&twin->fake);
    twin->fake.random_state = config->seed;
    twin->request = -1;
    twin->backends.uart = (struct char_backend){.write = take_output, .ctx = twin};
    take_output(twin, "", 0);
    if (config->disk_file && !disk_open(twin, config->disk_file))
        return false;
    twin->ram = hull_host_ram_map(spec->memory);
    err = twin->ram ? hull_vm_init(&twin->vm, &twin->fake.env, &owner, engine, spec->cpus)
                    : -HULL_ENOMEM;
    if (!err)
        err = hull_memory_add(&twin->vm.memory, BOARD_RAM_BASE, spec->memory, twin->ram);
    hull_images_describe(&config->images, &images);
    if (!err)
        err = riscv_board_create(&twin->board, &twin->vm, spec, &images, &twin->backends);
    if (err)
        fprintf(stderr, "lockstep: %s: %s %s\n", engine->name, hull_strerror(err),
                twin->board.message);
    for (unsigned i = 0; i < spec->cpus; i++)
        twin->exits[i].reason = VCPU_EXIT_ATTENTION;
    return !err;
}

void twin_destroy(struct twin *twin, const struct lockstep_config *config)
{
    riscv_board_destroy(&twin->board);
    hull_vm_fini(&twin->vm);
    hull_host_ram_unmap(twin->ram, config->spec.memory);
    free(twin->disk.data);
    free(twin->output);
}

// Running.

uint64_t twin_instret(const struct twin *twin, unsigned hart)
{
    return hull_vcpu_instret(&twin->vm.vcpus[hart]);
}

bool twin_hart_on(struct twin *twin, unsigned hart)
{
    struct vcpu *vcpu = &twin->vm.vcpus[hart];

    return hull_vcpu_checkpoint(vcpu) &&
           (!twin->board.sbi || riscv_sbi_hart_runs(twin->board.sbi, vcpu));
}

enum vcpu_exit_reason twin_run(struct twin *twin, unsigned hart, uint64_t limit)
{
    struct vcpu *vcpu = &twin->vm.vcpus[hart];

    limit = limit > vcpu->before.instret ? limit - vcpu->before.instret : 0;
    twin->vm.engine->set_limit(vcpu, limit);
    twin->vm.engine->run(vcpu, &twin->exits[hart]);
    return twin->exits[hart].reason;
}

uint64_t twin_next_deadline(const struct twin *twin)
{
    uint64_t next = HULL_TIME_NEVER;

    for (const struct hull_timer *t = twin->fake.timers; t; t = fake_timer_next(t))
        if (fake_timer_deadline(t) < next)
            next = fake_timer_deadline(t);
    return next;
}
