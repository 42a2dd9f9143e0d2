// SPDX-License-Identifier: Apache-2.0
// Kernels and firmware that are no ELF: Linux's Image (Documentation/riscv/boot-image-header.rst), with
// or without the EFI stub's PE header around it, and raw bytes; and the places of initrd and FDT.
#include "guest/riscv/boot.h"

#include <stdarg.h>

#include "lib/bytes.h"
#include "lib/checked.h"
#include "lib/format.h"
#include "lib/mem.h"

#define IMAGE_HEADER_SIZE 64
#define IMAGE_TEXT_OFFSET 8
#define IMAGE_SIZE 16
#define IMAGE_FLAGS 24
#define IMAGE_MAGIC2 56
#define IMAGE_FLAG_BIG_ENDIAN 1u
#define INITRD_OFFSET_MAX (128ull << 20)
#define FDT_CEILING (3072ull << 20) // 32-bit code early in firmware and kernels can reach it there

int boot_fail(struct boot_loader *loader, int error, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    hull_vsnprintf(loader->message, loader->message_size, format, args);
    va_end(args);
    return error;
}

int boot_place(struct boot_loader *loader, const char *name, gpa_t gpa, const void *data,
               uint64_t size, uint64_t memory_size)
{
    uint8_t *host = NULL;
    bool fits;

    if (memory_size < size)
        memory_size = size;
    fits = hull_range_contains(loader->ram_base, loader->ram_size, gpa, memory_size);
    if (fits && !loader->memory)
        return 0;
    if (fits)
        host = hull_memory_ptr(loader->memory, gpa, memory_size);
    if (!host)
        return boot_fail(loader, -HULL_ENOSPC,
                         "%s: needs 0x%llx bytes at 0x%llx, RAM is 0x%llx bytes at 0x%llx; give "
                         "the VM more memory",
                         name, (unsigned long long)memory_size, (unsigned long long)gpa,
                         (unsigned long long)loader->ram_size,
                         (unsigned long long)loader->ram_base);
    memcpy(host, data, size);
    memset(host + size, 0, memory_size - size);
    return 0;
}

static bool is_linux_image(const struct board_image *image)
{
    const uint8_t *bytes = image->data;

    return image->size >= IMAGE_HEADER_SIZE && !memcmp(bytes + IMAGE_MAGIC2, "RSC\x05", 4);
}

// "MZ", "zimg": a compressed kernel in an EFI program that unpacks itself with EFI's help.
static bool is_efi_zboot(const struct board_image *image)
{
    const uint8_t *bytes = image->data;

    return image->size >= 8 && !memcmp(bytes, "MZ", 2) && !memcmp(bytes + 4, "zimg", 4);
}

static int load_raw(struct boot_loader *loader, const struct board_image *image, gpa_t base,
                    uint64_t memory_size, struct boot_loaded *loaded)
{
    int error = boot_place(loader, image->name, base, image->data, image->size, memory_size);

    if (error)
        return error;
    *loaded = (struct boot_loaded){
        .start = base,
        .end = base + (memory_size > image->size ? memory_size : image->size),
        .entry = base,
    };
    return 0;
}

// `base` is 2 MiB-aligned, as Linux asks for. text_offset only says how far above the start of RAM
// the kernel wants to be at least.
static int load_linux_image(struct boot_loader *loader, const struct board_image *image, gpa_t base,
                            struct boot_loaded *loaded)
{
    const uint8_t *header = image->data;
    uint64_t text_offset = hull_load_le64(header + IMAGE_TEXT_OFFSET);
    uint64_t image_size = hull_load_le64(header + IMAGE_SIZE);

    if (hull_load_le64(header + IMAGE_FLAGS) & IMAGE_FLAG_BIG_ENDIAN)
        return boot_fail(loader, -HULL_EFORMAT, "%s: is a big-endian kernel", image->name);
    if (!hull_is_aligned_u64(text_offset, BOOT_MEGAPAGE))
        return boot_fail(loader, -HULL_EFORMAT,
                         "%s: the Image header's text_offset 0x%llx is no multiple of 2 MiB",
                         image->name, (unsigned long long)text_offset);
    if (text_offset >= loader->ram_size)
        return boot_fail(loader, -HULL_ENOSPC, "%s: wants to lie 0x%llx bytes up in RAM",
                         image->name, (unsigned long long)text_offset);
    if (base < loader->ram_base + text_offset)
        base = loader->ram_base + text_offset;
    return load_raw(loader, image, base, image_size, loaded);
}

int boot_load_kernel(struct boot_loader *loader, const struct board_image *image, gpa_t base,
                     struct boot_loaded *loaded)
{
    if (!image->size)
        return boot_fail(loader, -HULL_EFORMAT, "%s: is empty", image->name);
    if (boot_is_elf(image))
        return boot_load_elf(loader, image, base, loaded);
    if (is_linux_image(image))
        return load_linux_image(loader, image, base, loaded);
    if (is_efi_zboot(image))
        return boot_fail(loader, -HULL_EFORMAT,
                         "%s: is a compressed EFI program (zboot); use the Image inside of it",
                         image->name);
    return load_raw(loader, image, base, image->size, loaded);
}

int boot_load_firmware(struct boot_loader *loader, const struct board_image *image,
                       struct boot_loaded *loaded)
{
    if (!image->size)
        return boot_fail(loader, -HULL_EFORMAT, "%s: is empty", image->name);
    if (boot_is_elf(image))
        return boot_load_elf(loader, image, loader->ram_base, loaded);
    return load_raw(loader, image, loader->ram_base, image->size, loaded);
}

// QEMU's place leaves the kernel room to unpack itself; where that is too tight, right behind the
// kernel.
int boot_place_initrd(struct boot_loader *loader, const struct board_image *initrd,
                      const struct boot_loaded *kernel, gpa_t top, gpa_t *start)
{
    uint64_t half = loader->ram_size / 2;
    gpa_t behind = (kernel->end + BOOT_MEGAPAGE - 1) & ~(BOOT_MEGAPAGE - 1);
    gpa_t wanted = kernel->start + (half < INITRD_OFFSET_MAX ? half : INITRD_OFFSET_MAX);

    wanted = hull_align_down_u64(wanted, BOOT_MEGAPAGE);
    if (wanted < behind || wanted > top || top - wanted < initrd->size)
        wanted = behind;
    if (wanted > top || top - wanted < initrd->size)
        return boot_fail(loader, -HULL_ENOSPC,
                         "%s: 0x%llx bytes do not fit between the kernel and the device tree; give "
                         "the VM more memory",
                         initrd->name, (unsigned long long)initrd->size);
    *start = wanted;
    return boot_place(loader, initrd->name, wanted, initrd->data, initrd->size, initrd->size);
}

gpa_t boot_fdt_address(const struct boot_loader *loader, uint64_t size)
{
    gpa_t top = loader->ram_base + loader->ram_size;

    if (loader->ram_base < FDT_CEILING && top > FDT_CEILING)
        top = FDT_CEILING;
    return hull_align_down_u64(top - size, BOOT_MEGAPAGE);
}
