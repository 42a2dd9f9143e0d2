// SPDX-License-Identifier: Apache-2.0
// The files of a bundle: each is opened once, however many VMs use it, and kernels are decompressed and
// looked at as the loader will.
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guest/riscv/boot.h"
#include "host/pack/pack.h"

// A file that is there already and may be used again, or NULL.
static struct pack_file *file_known(struct pack *pack, const struct stat *status, bool kernel,
                                    bool writable)
{
    for (unsigned i = 0; i < pack->file_count; i++) {
        struct pack_file *file = &pack->files[i];
        if (file->device == status->st_dev && file->inode == status->st_ino && !writable &&
            !file->writable && file->kernel == kernel)
            return file;
    }
    return NULL;
}

static struct pack_file *file_new(struct pack *pack, const char *name, const struct stat *status)
{
    struct pack_file *file = &pack->files[pack->file_count++];
    *file = (struct pack_file){
        .name = name,
        .device = status->st_dev,
        .inode = status->st_ino,
        .image.fd = -1,
        .fd = -1,
        .size = (uint64_t)status->st_size,
    };
    return file;
}

static void refer(const struct pack *pack, const struct pack_file *file, struct bundle_blob *blob)
{
    blob->section = 1 + pack->vm_count + (uint32_t)(file - pack->files);
    blob->data = file->image.data;
    blob->size = file->size;
}

// A kernel or an initrd, which are read whole: they must fit into the VM's memory anyhow.
static void add_image(struct pack *pack, struct pack_vm *vm, const char *field, const char *name,
                      bool kernel, struct bundle_blob *blob)
{
    struct pack_file *file;
    struct config_reason why;
    struct stat status;
    if (!name || stat(name, &status) || !S_ISREG(status.st_mode))
        return; // whether it can be read was asked before
    file = file_known(pack, &status, kernel, false);
    if (!file) {
        file = file_new(pack, name, &status);
        file->kernel = kernel;
        if (hull_image_open(&file->image, "image", name, vm->vm.spec.memory, kernel)) {
            hull_refuse(&why, "%s: %s", name, file->image.reason);
            hull_config_fault_field(&vm->config, field, why.text);
            hull_image_close(&file->image);
            file->inode = 0; // not to be found again
            return;
        }
        file->size = file->image.size;
    }
    refer(pack, file, blob);
}

static void add_disk(struct pack *pack, struct pack_vm *vm, unsigned i)
{
    const struct disk_spec *disk = &vm->vm.spec.disks[i];
    struct pack_file *file = NULL;
    struct config_reason why;
    struct stat status;
    char field[32];
    int fd = open(disk->file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    snprintf(field, sizeof(field), "disks[%u].file", i);
    why.text[0] = '\0';
    if (fd < 0 || fstat(fd, &status) || S_ISDIR(status.st_mode))
        goto out; // the same
    file = file_known(pack, &status, false, !disk->read_only);
    if (file && file->fd < 0)
        file = NULL; // an image in memory
    if (!S_ISREG(status.st_mode))
        hull_refuse(&why, "%s: is no regular file", disk->file);
    else if (!status.st_size || status.st_size % 512)
        hull_refuse(&why, "%s: has %llu bytes; a disk has a multiple of 512", disk->file,
                    (unsigned long long)status.st_size);
    else if (!file) {
        file = file_new(pack, disk->file, &status);
        file->writable = !disk->read_only;
        file->fd = fd;
        fd = -1;
    }
    if (why.text[0])
        hull_config_fault_field(&vm->config, field, why.text);
    else
        refer(pack, file, &vm->vm.disks[i]);
out:
    if (fd >= 0)
        close(fd);
}

// Places everything as the loader will, in a guest that has no memory yet.
static void check_layout(struct pack_vm *vm)
{
    const struct bundle_vm *made = &vm->vm;
    struct board_images images = {
        .kernel = {made->kernel.data, made->kernel.size, made->spec.boot.kernel},
    };
    struct config_reason why;
    struct boot_loader loader = {
        .ram_base = riscv_board_ram_base(&made->spec),
        .ram_size = made->spec.memory,
        .message = why.text,
        .message_size = sizeof(why.text),
    };
    struct boot_layout layout;
    if (!made->kernel.data)
        return;
    if (boot_load_images(&loader, &images, &layout)) {
        hull_config_fault_field(&vm->config, "boot.kernel", why.text);
        return;
    }
    images.initrd =
        (struct board_image){made->initrd.data, made->initrd.size, made->spec.boot.initrd};
    if (boot_load_images(&loader, &images, &layout))
        hull_config_fault_field(&vm->config, "boot.initrd", why.text);
}

void hull_pack_vm_files(struct pack *pack, struct pack_vm *vm)
{
    const struct boot_spec *boot = &vm->vm.spec.boot;
    add_image(pack, vm, "boot.kernel", boot->kernel, true, &vm->vm.kernel);
    add_image(pack, vm, "boot.initrd", boot->initrd, false, &vm->vm.initrd);
    for (unsigned i = 0; i < vm->vm.spec.disk_count; i++)
        add_disk(pack, vm, i);
    check_layout(vm);
}

void hull_pack_files_close(struct pack *pack)
{
    for (unsigned i = 0; i < pack->file_count; i++) {
        if (pack->files[i].fd >= 0)
            close(pack->files[i].fd);
        hull_image_close(&pack->files[i].image);
    }
}
