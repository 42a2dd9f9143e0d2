// SPDX-License-Identifier: Apache-2.0
// Image loaders: what lands where, and every malformed header is refused by name.
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "guest/riscv/boot.h"
#include "lib/bytes.h"
#include "tests/unit/riscv_machine.h"

#define BASE (BOARD_RAM_BASE + BOOT_KERNEL_OFFSET)

struct loader_fixture {
    struct guest_memory memory;
    struct boot_loader loader;
    uint8_t *ram;
    char message[256];
};

static void setup(struct loader_fixture *f)
{
    memset(f, 0, sizeof(*f));
    assert_int_equal(posix_memalign((void **)&f->ram, HULL_PAGE_SIZE, MACHINE_RAM_SIZE), 0);
    memset(f->ram, 0xee, MACHINE_RAM_SIZE);
    assert_int_equal(hull_memory_add(&f->memory, BOARD_RAM_BASE, MACHINE_RAM_SIZE, f->ram), 0);
    f->loader = (struct boot_loader){&f->memory, BOARD_RAM_BASE, MACHINE_RAM_SIZE, f->message,
                                     sizeof(f->message)};
}

static int load(struct loader_fixture *f, const void *data, size_t size, struct boot_loaded *out)
{
    struct board_image image = {.data = data, .size = size, .name = "image"};

    return boot_load_kernel(&f->loader, &image, BASE, out);
}

static void refused(struct loader_fixture *f, const void *data, size_t size, int error)
{
    struct boot_loaded loaded;
    void *copy = malloc(size); // its end is where the sanitizer looks

    memcpy(copy, data, size);
    f->message[0] = 0;
    assert_int_equal(load(f, copy, size, &loaded), error);
    assert_memory_equal(f->message, "image: ", 7);
    free(copy);
}

static void image_header(uint8_t image[128], uint64_t text_offset, uint64_t size)
{
    memset(image, 0xaa, 128);
    memset(image, 0, 64);
    hull_store_le64(image + 8, text_offset);
    hull_store_le64(image + 16, size);
    memcpy(image + 48, "RISCV\0\0\0RSC\x05", 12);
}

static void linux_images(void **state)
{
    struct loader_fixture f;
    struct boot_loaded loaded;
    uint8_t image[128];

    (void)state;
    setup(&f);
    image_header(image, 0x200000, 0x1000);
    memcpy(image, "MZ", 2); // with the EFI stub, as Debian's
    assert_int_equal(load(&f, image, 128, &loaded), 0);
    assert_true(loaded.start == BASE && loaded.entry == BASE && loaded.end == BASE + 0x1000);
    assert_memory_equal(f.ram + 0x200000, image, 128);
    assert_int_equal(f.ram[0x200000 + 128], 0); // .bss
    assert_int_equal(f.ram[0x200fff], 0);
    assert_int_equal(f.ram[0x201000], 0xee);
    image_header(image, 0x400000, 0);
    assert_int_equal(load(&f, image, 128, &loaded), 0);
    assert_true(loaded.start == BOARD_RAM_BASE + 0x400000 && loaded.end == loaded.start + 128);
    image_header(image, 0, 0);
    assert_int_equal(load(&f, image, 128, &loaded), 0);
    assert_true(loaded.start == BASE);
    image_header(image, 0x1000, 0);
    refused(&f, image, 128, -HULL_EFORMAT);
    image_header(image, 0xffffffffffe00000, 0);
    refused(&f, image, 128, -HULL_ENOSPC);
    image_header(image, 0x200000, MACHINE_RAM_SIZE);
    refused(&f, image, 128, -HULL_ENOSPC);
    image_header(image, 0x200000, UINT64_MAX);
    refused(&f, image, 128, -HULL_ENOSPC);
    image_header(image, 0x200000, 0);
    image[24] = 1;
    refused(&f, image, 128, -HULL_EFORMAT);
    free(f.ram);
}

static void other_files(void **state)
{
    struct loader_fixture f;
    struct boot_loaded loaded;

    (void)state;
    setup(&f);
    refused(&f, "MZ\0\0zimg", 8, -HULL_EFORMAT);
    refused(&f, "", 0, -HULL_EFORMAT);
    assert_int_equal(load(&f, "raw", 3, &loaded), 0);
    assert_true(loaded.entry == BASE && loaded.end == BASE + 3);
    assert_memory_equal(f.ram + 0x200000, "raw", 3);
    struct board_image firmware = {.data = "fw", .size = 2, .name = "fw"};
    assert_int_equal(boot_load_firmware(&f.loader, &firmware, &loaded), 0);
    assert_true(loaded.entry == BOARD_RAM_BASE);
    free(f.ram);
}

// An ELF with one segment of 16 bytes (memsz 0x100), a symbol table and its strings.
#define ELF_SIZE 0x300
#define PH 64
#define SYM 0x100
#define STR 0x180
#define SH 0x200
static void make_elf(uint8_t elf[ELF_SIZE], uint16_t type, uint64_t vaddr, uint64_t paddr)
{
    memset(elf, 0, ELF_SIZE);
    memcpy(elf,
           "\x7f"
           "ELF\x02\x01\x01",
           7);
    hull_store_le16(elf + 16, type);
    hull_store_le16(elf + 18, 243);
    hull_store_le64(elf + 24, vaddr + 4); // entry
    hull_store_le64(elf + 32, PH);
    hull_store_le64(elf + 40, SH);
    hull_store_le16(elf + 54, 56);
    hull_store_le16(elf + 56, 1);
    hull_store_le16(elf + 58, 64);
    hull_store_le16(elf + 60, 3);
    hull_store_le32(elf + PH, 1);
    hull_store_le64(elf + PH + 8, 0xe0);
    hull_store_le64(elf + PH + 16, vaddr);
    hull_store_le64(elf + PH + 24, paddr);
    hull_store_le64(elf + PH + 32, 16);
    hull_store_le64(elf + PH + 40, 0x100);
    memcpy(elf + 0xe0, "0123456789abcdef", 16);
    // Symbols 1 "fromhost" and 2 "tohost".
    hull_store_le32(elf + SYM + 24, 1);
    hull_store_le16(elf + SYM + 24 + 6, 1);
    hull_store_le64(elf + SYM + 24 + 8, vaddr + 0x88);
    hull_store_le32(elf + SYM + 48, 10);
    hull_store_le16(elf + SYM + 48 + 6, 1);
    hull_store_le64(elf + SYM + 48 + 8, vaddr + 0x80);
    memcpy(elf + STR, "\0fromhost\0tohost", 17);
    hull_store_le32(elf + SH + 64 + 4, 2); // SHT_SYMTAB
    hull_store_le64(elf + SH + 64 + 24, SYM);
    hull_store_le64(elf + SH + 64 + 32, 72);
    hull_store_le32(elf + SH + 64 + 40, 2);
    hull_store_le64(elf + SH + 128 + 24, STR);
    hull_store_le64(elf + SH + 128 + 32, 17);
}

static void elf_segments_and_symbols(void **state)
{
    struct loader_fixture f;
    struct boot_loaded loaded;
    uint8_t elf[ELF_SIZE];

    (void)state;
    setup(&f);
    make_elf(elf, 2, 0xffffffff80000000, BOARD_RAM_BASE + 0x1000);
    assert_int_equal(load(&f, elf, ELF_SIZE, &loaded), 0);
    assert_true(loaded.entry == BOARD_RAM_BASE + 0x1004);
    assert_true(loaded.end == BOARD_RAM_BASE + 0x1100);
    assert_true(loaded.tohost == BOARD_RAM_BASE + 0x1080);
    assert_true(loaded.fromhost == BOARD_RAM_BASE + 0x1088);
    assert_memory_equal(f.ram + 0x1000, "0123456789abcdef\0", 17);
    assert_int_equal(f.ram[0x10ff], 0);
    assert_int_equal(f.ram[0x1100], 0xee);
    // Not bound to an address: a vmlinux, and a position-independent program.
    make_elf(elf, 2, 0xffffffff80000000, 0);
    assert_int_equal(load(&f, elf, ELF_SIZE, &loaded), 0);
    assert_true(loaded.entry == BASE + 4 && loaded.start == BASE);
    make_elf(elf, 3, 0x10000, 0x10000);
    assert_int_equal(load(&f, elf, ELF_SIZE, &loaded), 0);
    assert_true(loaded.entry == BASE + 4);
    // Bound to one that is not RAM.
    make_elf(elf, 2, 0x10000, 0x10000);
    refused(&f, elf, ELF_SIZE, -HULL_ENOSPC);
    make_elf(elf, 2, BOARD_RAM_BASE, BOARD_RAM_BASE + MACHINE_RAM_SIZE - 0xff);
    refused(&f, elf, ELF_SIZE, -HULL_ENOSPC);
    free(f.ram);
}

// As `ld -Ttext=0x80000000` makes them: the headers' page lies below RAM.
static void elf_headers_below_ram_are_dropped(void **state)
{
    struct loader_fixture f;
    struct boot_loaded loaded;
    uint8_t elf[ELF_SIZE];

    (void)state;
    setup(&f);
    make_elf(elf, 2, BOARD_RAM_BASE - 0xe0, BOARD_RAM_BASE - 0xe0);
    hull_store_le64(elf + 24, BOARD_RAM_BASE + 4);
    hull_store_le64(elf + PH + 8, 0); // the segment takes in the file from its start
    hull_store_le64(elf + PH + 32, 0xf0);
    hull_store_le64(elf + PH + 40, 0x200);
    assert_int_equal(load(&f, elf, ELF_SIZE, &loaded), 0);
    assert_true(loaded.start == BOARD_RAM_BASE && loaded.entry == BOARD_RAM_BASE + 4);
    assert_memory_equal(f.ram, "0123456789abcdef", 17);
    assert_true(loaded.end == BOARD_RAM_BASE + 0x120);
    hull_store_le64(elf + PH + 8, 8); // without the headers it is an error
    refused(&f, elf, ELF_SIZE, -HULL_ENOSPC);
    free(f.ram);
}

// Every 8 bytes of the headers in turn become something absurd: whatever comes of it, nothing is
// touched outside of the file and of RAM (the sanitizer watches), and errors have a message.
static void elf_survives_mutations(void **state)
{
    static const uint64_t values[] = {0,
                                      1,
                                      0x7f,
                                      0xffff,
                                      0x10000,
                                      0x7fffffff,
                                      0x80000000,
                                      0xffffffff,
                                      UINT64_MAX,
                                      INT64_MAX,
                                      -(uint64_t)8,
                                      ELF_SIZE - 1,
                                      ELF_SIZE,
                                      ELF_SIZE + 1,
                                      0xfffffffffffff000};
    struct loader_fixture f;
    unsigned accepted = 0;

    (void)state;
    setup(&f);
    for (unsigned at = 4; at + 8 <= ELF_SIZE; at += 2)
        for (unsigned v = 0; v < HULL_ARRAY_SIZE(values); v++) {
            struct boot_loaded loaded;
            uint8_t *elf = malloc(ELF_SIZE);
            int error;

            make_elf(elf, 2, BOARD_RAM_BASE, BOARD_RAM_BASE);
            hull_store_le64(elf + at, values[v]);
            f.message[0] = 0;
            error = load(&f, elf, ELF_SIZE, &loaded);
            assert_true(error == 0 || error == -HULL_EFORMAT || error == -HULL_ENOSPC);
            assert_true(!error == !f.message[0]);
            accepted += !error;
            free(elf);
        }
    assert_true(accepted > 100);                          // symbols and padding don't decide
    for (unsigned size = 4; size < ELF_SIZE; size += 3) { // cut off anywhere
        struct boot_loaded loaded;
        uint8_t whole[ELF_SIZE], *elf = malloc(size);

        make_elf(whole, 2, BOARD_RAM_BASE, BOARD_RAM_BASE);
        memcpy(elf, whole, size);
        assert_true(load(&f, elf, size, &loaded) == (size < 0xf0 ? -HULL_EFORMAT : 0));
        free(elf);
    }
    free(f.ram);
}

static void elf_headers_are_checked(void **state)
{
    struct loader_fixture f;
    uint8_t elf[ELF_SIZE];
    const struct {
        unsigned at;
        uint16_t value;
        int error;
    } faults[] = {
        {4, 1, -HULL_EFORMAT},           // ELFCLASS32
        {5, 2, -HULL_EFORMAT},           // big-endian
        {16, 1, -HULL_EFORMAT},          // ET_REL
        {18, 62, -HULL_EFORMAT},         // x86-64
        {24, 5, -HULL_EFORMAT},          // an odd entry
        {54, 32, -HULL_EFORMAT},         // phentsize
        {56, 0, -HULL_EFORMAT},          // no segments
        {56, 0xffff, -HULL_EFORMAT},     // PN_XNUM
        {PH, 6, -HULL_EFORMAT},          // not PT_LOAD: nothing to load
        {PH + 32, 0x101, -HULL_EFORMAT}, // filesz > memsz
        {PH + 40, 0, -HULL_EFORMAT},     // memsz 0: nothing to load
    };

    (void)state;
    setup(&f);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(faults); i++) {
        make_elf(elf, 2, BOARD_RAM_BASE, BOARD_RAM_BASE);
        hull_store_le16(elf + faults[i].at, faults[i].value);
        refused(&f, elf, ELF_SIZE, faults[i].error);
    }
    // Segments that overlap can't be used to keep the loader busy.
    make_elf(elf, 2, BOARD_RAM_BASE, BOARD_RAM_BASE);
    hull_store_le64(elf + PH + 40, MACHINE_RAM_SIZE);
    hull_store_le16(elf + 56, 2);
    memmove(elf + PH + 56, elf + PH, 56);
    refused(&f, elf, ELF_SIZE, -HULL_ENOSPC);
    free(f.ram);
}

static void initrds_keep_clear_of_the_kernel(void **state)
{
    struct loader_fixture f;
    struct boot_loaded kernel = {.start = BASE, .end = BASE + 0x100001};
    gpa_t start, top = BOARD_RAM_BASE + (14 << 20);
    struct board_image initrd = {.size = 3, .data = "abc", .name = "image"};

    (void)state;
    setup(&f);
    assert_int_equal(boot_place_initrd(&f.loader, &initrd, &kernel, top, &start), 0);
    assert_true(start == BASE + (8 << 20)); // half of RAM behind the kernel's start
    assert_memory_equal(f.ram + (10 << 20), "abc", 3);
    kernel.end = BASE + (9 << 20);
    assert_int_equal(boot_place_initrd(&f.loader, &initrd, &kernel, top, &start), 0);
    assert_true(start == BASE + (10 << 20));
    kernel.end = BASE + (1 << 20);
    initrd.size = 9 << 20;
    initrd.data = f.ram; // any bytes
    uint8_t *bytes = calloc(1, initrd.size);
    initrd.data = bytes;
    assert_int_equal(boot_place_initrd(&f.loader, &initrd, &kernel, top, &start), 0);
    assert_true(start == BASE + (2 << 20)); // only there is room
    kernel.end = BASE + (4 << 20);
    assert_int_equal(boot_place_initrd(&f.loader, &initrd, &kernel, top, &start), -HULL_ENOSPC);
    kernel.end = top + 5;
    initrd.size = 0;
    assert_int_equal(boot_place_initrd(&f.loader, &initrd, &kernel, top, &start), -HULL_ENOSPC);
    free(bytes);
    free(f.ram);
}

static void device_trees_lie_high_but_below_3_gib(void **state)
{
    struct boot_loader loader = {.ram_base = BOARD_RAM_BASE, .ram_size = 512ull << 20};

    (void)state;
    assert_true(boot_fdt_address(&loader, 0x1234) == 0x9fe00000);
    loader.ram_size = 64ull << 30;
    assert_true(boot_fdt_address(&loader, 0x1234) == 0xbfe00000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_images),
        cmocka_unit_test(other_files),
        cmocka_unit_test(elf_segments_and_symbols),
        cmocka_unit_test(elf_headers_below_ram_are_dropped),
        cmocka_unit_test(elf_survives_mutations),
        cmocka_unit_test(elf_headers_are_checked),
        cmocka_unit_test(initrds_keep_clear_of_the_kernel),
        cmocka_unit_test(device_trees_lie_high_but_below_3_gib),
    };
    return cmocka_run_group_tests_name("guest/riscv/boot", tests, NULL, NULL);
}
