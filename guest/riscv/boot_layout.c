// SPDX-License-Identifier: Apache-2.0
// Where a guest's images go, all together: what the board does at each start, and what `hull pack` does
// without any memory to find out whether they fit.
#include "guest/riscv/boot.h"

static int check_overlap(struct boot_loader *loader, const struct board_image *a,
                         const struct boot_loaded *at, const char *b, gpa_t start, gpa_t end)
{
    if (at->start < end && start < at->end)
        return boot_fail(loader, -HULL_ENOSPC,
                         "%s: takes 0x%llx to 0x%llx, where %s lies (0x%llx to 0x%llx)", a->name,
                         (unsigned long long)at->start, (unsigned long long)at->end, b,
                         (unsigned long long)start, (unsigned long long)end);
    return 0;
}

static int check_fdt(struct boot_loader *loader, const struct board_image *image,
                     const struct boot_loaded *at, gpa_t fdt)
{
    return check_overlap(loader, image, at, "the device tree", fdt, fdt + BOARD_FDT_MAX);
}

static int load_firmware(struct boot_loader *loader, const struct board_image *firmware,
                         struct boot_layout *layout, gpa_t *kernel_base)
{
    int error = boot_load_firmware(loader, firmware, &layout->firmware);

    if (!error)
        error = check_fdt(loader, firmware, &layout->firmware, layout->fdt);
    if (layout->firmware.end > *kernel_base)
        *kernel_base = (layout->firmware.end + BOOT_MEGAPAGE - 1) & ~(BOOT_MEGAPAGE - 1);
    return error;
}

int boot_load_images(struct boot_loader *loader, const struct board_images *images,
                     struct boot_layout *layout)
{
    gpa_t kernel_base = loader->ram_base + BOOT_KERNEL_OFFSET;
    gpa_t top = loader->ram_base + loader->ram_size;
    int error = 0;

    *layout = (struct boot_layout){.fdt = boot_fdt_address(loader, BOARD_FDT_MAX)};
    if (images->firmware.data)
        error = load_firmware(loader, &images->firmware, layout, &kernel_base);
    if (error || !images->kernel.data)
        return error;
    error = boot_load_kernel(loader, &images->kernel, kernel_base, &layout->kernel);
    if (!error)
        error = check_fdt(loader, &images->kernel, &layout->kernel, layout->fdt);
    if (!error && images->firmware.data)
        error = check_overlap(loader, &images->kernel, &layout->kernel, "the firmware",
                              layout->firmware.start, layout->firmware.end);
    if (!error && images->initrd.data && images->initrd.size)
        error = boot_place_initrd(loader, &images->initrd, &layout->kernel,
                                  layout->fdt < top ? layout->fdt : top, &layout->initrd);
    return error;
}
