// SPDX-License-Identifier: Apache-2.0
// From the guest's image files to RAM. Every byte of an image is suspect: sizes and addresses are
// checked before they are used, and what is wrong is said in the loader's message.
#ifndef HULL_RISCV_BOOT_H
#define HULL_RISCV_BOOT_H

#include <hull/error.h>
#include <hull/memory.h>

#include "guest/riscv/board.h"

#define BOOT_MEGAPAGE (2ull << 20)
#define BOOT_KERNEL_OFFSET BOOT_MEGAPAGE // of kernels that name no place, from the start of RAM

struct boot_loader {
    struct guest_memory *memory; // NULL: only looks where things would go
    gpa_t ram_base;
    uint64_t ram_size;
    char *message; // filled on errors
    size_t message_size;
};

// What an image takes in RAM, its .bss included, and where it starts.
struct boot_loaded {
    gpa_t start, end, entry;
    gpa_t tohost, fromhost; // HTIF symbols, 0: none
};

// Fills loader->message; returns `error`.
int boot_fail(struct boot_loader *loader, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Copies `size` bytes to gpa and zeroes from there to `memory_size`, all inside RAM: 0 or
// -HULL_ENOSPC with a message.
HULL_MUST_CHECK int boot_place(struct boot_loader *loader, const char *name, gpa_t gpa,
                               const void *data, uint64_t size, uint64_t memory_size);

// Loads an ELF, a Linux Image (kernels only) or anything else as raw bytes. `base` is where images
// go that are not bound to an address. 0, -HULL_EFORMAT, -HULL_ENOSPC.
HULL_MUST_CHECK int boot_load_kernel(struct boot_loader *loader, const struct board_image *image,
                                     gpa_t base, struct boot_loaded *loaded);
HULL_MUST_CHECK int boot_load_firmware(struct boot_loader *loader, const struct board_image *image,
                                       struct boot_loaded *loaded);

bool boot_is_elf(const struct board_image *image);
// Segments by their physical addresses. An image that is not bound to an address (ET_DYN outside of
// RAM; linked to physical 0, as Linux's vmlinux) goes to `base`.
HULL_MUST_CHECK int boot_load_elf(struct boot_loader *loader, const struct board_image *image,
                                  gpa_t base, struct boot_loaded *loaded);

// Where the initrd goes: behind the kernel as QEMU places it, below `top`. -HULL_ENOSPC: no room.
HULL_MUST_CHECK int boot_place_initrd(struct boot_loader *loader, const struct board_image *initrd,
                                      const struct boot_loaded *kernel, gpa_t top, gpa_t *start);
// Where everything is; initrd: 0 without one.
struct boot_layout {
    struct boot_loaded firmware, kernel;
    gpa_t initrd, fdt;
};

// Firmware, kernel and initrd as far as there are any, apart from each other and from the device
// tree, for which BOARD_FDT_MAX bytes are left. 0, -HULL_EFORMAT, -HULL_ENOSPC.
HULL_MUST_CHECK int boot_load_images(struct boot_loader *loader, const struct board_images *images,
                                     struct boot_layout *layout);

// Where a device tree of `size` bytes goes: the last 2 MiB boundary in the first 3 GiB.
gpa_t boot_fdt_address(const struct boot_loader *loader, uint64_t size);

#endif
