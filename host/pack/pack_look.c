// SPDX-License-Identifier: Apache-2.0
// Looks into a bundle with the reader that hull-metal has.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/cli/cli.h"
#include "host/pack/pack.h"

static int read_all(int fd, uint8_t *to, uint64_t size)
{
    while (size) {
        ssize_t got = read(fd, to, size < 1u << 30 ? size : 1u << 30);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return -HULL_EIO;
        to += got;
        size -= (uint64_t)got;
    }
    return 0;
}

int hull_pack_read(const char *bundle, void **data, uint64_t *size)
{
    int fd = open(bundle, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    const char *why = NULL;
    struct stat status;
    *data = NULL;
    if (fd < 0 || fstat(fd, &status))
        why = strerror(errno);
    else if (!S_ISREG(status.st_mode))
        why = "is no regular file";
    else if (!(*data = malloc((size_t)status.st_size + 1)))
        why = "there is no memory to read it";
    else if (read_all(fd, *data, *size = (uint64_t)status.st_size))
        why = "cannot be read";
    if (fd >= 0)
        close(fd);
    if (!why)
        return 0;
    hull_cli_error("%s: %s", bundle, why);
    free(*data);
    *data = NULL;
    return -HULL_EIO;
}

static void print_range(const char *label, const struct board_range *range)
{
    printf("  %-9s 0x%" PRIx64 " to 0x%" PRIx64 "%s%s\n", label, range->address,
           range->address + range->size - 1, range->name ? ", " : "",
           range->name ? range->name : "");
}

static void print_board(const struct board_spec *board)
{
    printf("board '%s': %u harts (", board->name, board->hart_count);
    for (unsigned i = 0; i < board->hart_count; i++)
        printf("%s%u", i ? " " : "", board->harts[i]);
    printf("), timebase %" PRIu64 " Hz\n", board->timebase);
    for (unsigned i = 0; i < board->memory_count; i++)
        print_range("memory", &board->memory[i]);
    for (unsigned i = 0; i < board->reserved_count; i++)
        print_range("reserved", &board->reserved[i]);
    if (board->bundle_address)
        printf("  bundle    at 0x%" PRIx64 "\n", board->bundle_address);
    printf("  uart      %s at 0x%" PRIx64 ", interrupt %u\n", board->uart.compatible,
           board->uart.address, board->uart.irq);
    printf("  %-9s at 0x%" PRIx64 ", %u sources\n",
           board->irqchips & BOARD_APLIC ? "aplic" : "plic", board->irqchip.address,
           board->irq_sources);
    if (board->irqchips & BOARD_IMSIC)
        printf("  imsic     at 0x%" PRIx64 ", %u guest files for each hart\n", board->imsic.address,
               board->imsic_guest_files);
    for (unsigned i = 0; i < board->device_count; i++)
        printf("  device    %s (%s) at 0x%" PRIx64 ", interrupt %u%s\n", board->devices[i].name,
               board->devices[i].compatible, board->devices[i].address, board->devices[i].irq,
               board->devices[i].dma ? ", DMA" : "");
}

static void print_blob(const char *label, const struct bundle_blob *blob)
{
    if (blob->data)
        printf("  %-9s section %u, %" PRIu64 " bytes\n", label, blob->section, blob->size);
}

static void print_bundle(const struct bundle *bundle, const struct bundle_vm *vms)
{
    printf("bundle of format %u: %" PRIu64 " bytes, %u sections, %u VM%s\n", HULL_BUNDLE_VERSION,
           bundle->size, bundle->section_count, bundle->vm_count, bundle->vm_count == 1 ? "" : "s");
    print_board(&bundle->board);
    for (unsigned i = 0; i < bundle->vm_count; i++) {
        hull_cli_describe(&vms[i].spec, stdout);
        print_blob("kernel:", &vms[i].kernel);
        print_blob("initrd:", &vms[i].initrd);
        for (unsigned d = 0; d < vms[i].spec.disk_count; d++)
            print_blob("disk:", &vms[i].disks[d]);
    }
}

int hull_pack_look(const char *name, bool list, bool check)
{
    struct bundle_vm *vms = calloc(HULL_BUNDLE_VMS_MAX, sizeof(*vms));
    struct bundle bundle;
    struct bundle_error why;
    void *data = NULL;
    uint64_t size = 0;
    int err, code = HULL_EXIT_USAGE;
    if (!vms || hull_pack_read(name, &data, &size))
        goto out;
    err = hull_bundle_open(&bundle, data, size, &why);
    if (!err)
        err = hull_bundle_read_vms(&bundle, vms, &why);
    if (!err && list)
        print_bundle(&bundle, vms);
    if (!err && check)
        err = hull_bundle_check_all(&bundle, &why);
    if (err)
        hull_cli_error("%s: the bundle %s", name, why.reason);
    else if (check)
        printf("%s: whole, %u VM%s for board '%s'\n", name, bundle.vm_count,
               bundle.vm_count == 1 ? "" : "s", bundle.board.name);
    code = err ? HULL_EXIT_USAGE : HULL_EXIT_OK;
out:
    free(data);
    free(vms);
    return code;
}
