// SPDX-License-Identifier: Apache-2.0
// The board: its device tree, its map, both boot protocols, reset, HTIF, and every allocation
// failing in turn.
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest/riscv/sbi.h"
#include "lib/bytes.h"
#include "lib/fdt.h"
#include "tests/unit/riscv_machine.h"

// What dtc has to say of a blob; it must say nothing.
static void dtc_accepts(const void *blob, size_t size)
{
    char path[] = "/tmp/hull-fdt-XXXXXX", command[128], line[256] = "";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, blob, size), size);
    close(fd);
    snprintf(command, sizeof(command), "dtc -I dtb -O dts -o /dev/null %s 2>&1", path);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    while (fgets(line, sizeof(line), out))
        fprintf(stderr, "dtc: %s", line);
    int status = pclose(out);
    unlink(path);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
        return; // no dtc here
    assert_int_equal(status, 0);
    assert_string_equal(line, "");
}

static struct fdt_view tree(const struct vm_spec *spec, void *blob)
{
    struct riscv_isa isa = riscv_board_isa(spec);
    static const uint8_t seed[BOARD_RNG_SEED_SIZE] = {1, 2, 3};
    struct fdt_view view;
    int size = riscv_board_fdt(spec, &isa, 0x88000000, 0x1234, seed, blob, BOARD_FDT_MAX);

    assert_true(size > 0);
    assert_int_equal(hull_fdt_open(&view, blob, (size_t)size), 0);
    dtc_accepts(blob, (size_t)size);
    return view;
}

static const uint8_t *cells(const struct fdt_view *view, const char *path, const char *name,
                            uint32_t *count)
{
    const uint8_t *data = NULL;
    uint32_t length = 0;
    uint32_t node = hull_fdt_find_path(view, path);

    assert_true(node != HULL_FDT_NONE);
    assert_int_equal(hull_fdt_get(view, node, name, &data, &length), 0);
    *count = length / 4;
    return data;
}

static void fdt_describes_an_sbi_board(void **state)
{
    struct vm_spec spec;
    void *blob = malloc(BOARD_FDT_MAX);
    uint32_t count;
    uint64_t value, size;
    const char *text;

    (void)state;
    hull_spec_defaults(&spec);
    spec.cpus = 3;
    spec.boot.kernel = "k";
    spec.boot.append = "console=ttyS0 quiet";
    struct fdt_view view = tree(&spec, blob);
    uint32_t chosen = hull_fdt_find_path(&view, "/chosen");
    assert_int_equal(hull_fdt_get_string(&view, chosen, "bootargs", &text), 0);
    assert_string_equal(text, "console=ttyS0 quiet");
    assert_int_equal(hull_fdt_get_u64(&view, chosen, "linux,initrd-start", &value), 0);
    assert_true(value == 0x88000000);
    assert_int_equal(hull_fdt_get_u64(&view, chosen, "linux,initrd-end", &value), 0);
    assert_true(value == 0x88001234);
    cells(&view, "/chosen", "rng-seed", &count);
    assert_int_equal(count, 8);
    uint32_t memory = hull_fdt_find_path(&view, "/memory@80000000");
    assert_int_equal(hull_fdt_get_reg(&view, memory, 0, &value, &size), 0);
    assert_true(value == 0x80000000 && size == 1ull << 30);
    assert_true(hull_fdt_find_path(&view, "/cpus/cpu@2") != HULL_FDT_NONE);
    assert_true(hull_fdt_find_path(&view, "/cpus/cpu@3") == HULL_FDT_NONE);
    assert_true(hull_fdt_find_path(&view, "/soc/clint@2000000") == HULL_FDT_NONE);
    // No M mode: its PLIC contexts are there, but lead nowhere.
    const uint8_t *lines = cells(&view, "/soc/plic@c000000", "interrupts-extended", &count);
    assert_int_equal(count, 12);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(hull_load_be32(lines + 16 * i + 4), 0xffffffff);
        assert_int_equal(hull_load_be32(lines + 16 * i + 12), 9);
    }
    // Every slot, the first one first.
    uint32_t slot = hull_fdt_find_compatible(&view, HULL_FDT_NONE, "virtio,mmio");
    for (unsigned i = 0; i < BOARD_VIRTIO_SLOTS; i++) {
        uint32_t irq = 0;

        assert_int_equal(hull_fdt_get_reg(&view, slot, 0, &value, &size), 0);
        assert_true(value == BOARD_VIRTIO_BASE + i * BOARD_VIRTIO_STRIDE);
        assert_int_equal(hull_fdt_get_u32(&view, slot, "interrupts", &irq), 0);
        assert_int_equal(irq, 1 + i);
        slot = hull_fdt_find_compatible(&view, slot, "virtio,mmio");
    }
    assert_true(slot == HULL_FDT_NONE);
    free(blob);
}

static void fdt_describes_a_firmware_board(void **state)
{
    struct vm_spec spec;
    void *blob = malloc(BOARD_FDT_MAX);
    uint32_t count, value;

    (void)state;
    hull_spec_defaults(&spec);
    spec.cpus = HULL_CPUS_MAX; // the largest tree
    spec.memory = HULL_SPEC_MEMORY_MAX;
    spec.boot.firmware = "fw";
    struct fdt_view view = tree(&spec, blob);
    const uint8_t *lines = cells(&view, "/soc/clint@2000000", "interrupts-extended", &count);
    assert_int_equal(count, 4 * HULL_CPUS_MAX);
    assert_int_equal(hull_load_be32(lines + 4), 3);
    assert_int_equal(hull_load_be32(lines + 12), 7);
    lines = cells(&view, "/soc/plic@c000000", "interrupts-extended", &count);
    assert_int_equal(hull_load_be32(lines + 4), 11);
    // The reboot node leads to the finisher.
    uint32_t node = hull_fdt_find_path(&view, "/reboot");
    assert_int_equal(hull_fdt_get_u32(&view, node, "regmap", &value), 0);
    assert_true(hull_fdt_find_phandle(&view, value) ==
                hull_fdt_find_path(&view, "/soc/test@100000"));
    struct riscv_isa isa = riscv_isa_default();
    assert_int_equal(riscv_board_fdt(&spec, &isa, 0, 0, NULL, blob, 4096), -HULL_ENOSPC);
    free(blob);
}

static uint32_t one_cell(const struct fdt_view *view, const char *path, const char *name)
{
    uint32_t count;
    const uint8_t *value = cells(view, path, name, &count);

    assert_int_equal(count, 1);
    return hull_load_be32(value);
}

static const char *isa_of(const struct fdt_view *view)
{
    const char *text;

    assert_int_equal(
        hull_fdt_get_string(view, hull_fdt_find_path(view, "/cpus/cpu@0"), "riscv,isa", &text), 0);
    return text;
}

// As QEMU's virt,aia=aplic-imsic has it.
static void fdt_describes_imsics(void **state)
{
    struct vm_spec spec;
    void *blob = malloc(BOARD_FDT_MAX);
    uint64_t base, size;
    uint32_t count;

    (void)state;
    hull_spec_defaults(&spec);
    spec.cpus = 2;
    spec.boot.firmware = "fw";
    spec.interrupts = INTERRUPTS_AIA;
    spec.guest_files = 4;
    struct fdt_view view = tree(&spec, blob);
    assert_non_null(strstr(isa_of(&view), "_smaia_ssaia_"));
    uint32_t imsic = hull_fdt_find_path(&view, "/soc/imsics@28000000");
    assert_int_equal(hull_fdt_get_reg(&view, imsic, 0, &base, &size), 0);
    assert_int_equal(size, 2 * 8 * 4096); // five files take eight pages
    assert_int_equal(one_cell(&view, "/soc/imsics@28000000", "riscv,guest-index-bits"), 3);
    assert_int_equal(one_cell(&view, "/soc/imsics@28000000", "riscv,num-ids"), 255);
    const uint8_t *lines = cells(&view, "/soc/imsics@24000000", "interrupts-extended", &count);
    assert_int_equal(count, 4);
    assert_int_equal(hull_load_be32(lines + 12), 11);
    uint32_t child = one_cell(&view, "/soc/interrupt-controller@c000000", "riscv,children");
    assert_true(hull_fdt_find_phandle(&view, child) ==
                hull_fdt_find_path(&view, "/soc/interrupt-controller@d000000"));
    assert_true(one_cell(&view, "/soc/interrupt-controller@d000000", "msi-parent") ==
                one_cell(&view, "/soc/imsics@28000000", "phandle"));
    const uint8_t *irq = cells(&view, "/soc/serial@10000000", "interrupts", &count);
    assert_int_equal(count, 2);
    assert_int_equal(hull_load_be32(irq), 10);
    assert_int_equal(hull_load_be32(irq + 4), 4);
    assert_true(one_cell(&view, "/soc/serial@10000000", "interrupt-parent") == child);
    assert_true(hull_fdt_find_path(&view, "/soc/plic@c000000") == HULL_FDT_NONE);
    free(blob);
}

static void fdt_without_m_mode_has_no_machine_domains(void **state)
{
    struct vm_spec spec;
    void *blob = malloc(BOARD_FDT_MAX);
    uint32_t count;

    (void)state;
    hull_spec_defaults(&spec);
    spec.boot.kernel = "k";
    spec.interrupts = INTERRUPTS_AIA;
    struct fdt_view view = tree(&spec, blob);
    assert_true(hull_fdt_find_path(&view, "/soc/imsics@24000000") == HULL_FDT_NONE);
    assert_true(hull_fdt_find_path(&view, "/soc/interrupt-controller@c000000") == HULL_FDT_NONE);
    assert_true(hull_fdt_find_path(&view, "/soc/imsics@28000000") != HULL_FDT_NONE);
    spec.interrupts = INTERRUPTS_APLIC;
    view = tree(&spec, blob);
    assert_null(strstr(isa_of(&view), "aia"));
    assert_true(hull_fdt_find_path(&view, "/soc/imsics@28000000") == HULL_FDT_NONE);
    const uint8_t *lines =
        cells(&view, "/soc/interrupt-controller@d000000", "interrupts-extended", &count);
    assert_int_equal(count, 2);
    assert_int_equal(hull_load_be32(lines + 4), 9);
    free(blob);
}

static void sbi_boot_starts_hart_0_in_s_mode(void **state)
{
    struct machine m;
    struct fdt_view view;

    (void)state;
    machine_boot(&m, 2, false);
    struct hart_state *s = &m.vcpus[0].state;
    assert_int_equal(s->priv, PRIV_S);
    assert_true(s->pc == BOARD_RAM_BASE + (2 << 20));
    assert_int_equal(s->x[10], 0);
    assert_true(s->x[11] == m.board.fdt_addr && s->satp == 0);
    assert_int_equal(hull_fdt_open(&view, machine_at(&m, s->x[11]), BOARD_FDT_MAX), 0);
    assert_null(m.board.aclint);
    assert_int_equal(hull_vm_time(&m.vm), 0);
    machine_fini(&m);
}

static void firmware_boot_starts_all_harts_at_the_reset_vector(void **state)
{
    struct machine m;
    uint8_t rom[96];

    (void)state;
    machine_boot(&m, 2, true);
    assert_null(m.board.sbi);
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(m.vcpus[i].state.priv, PRIV_M);
        assert_true(m.vcpus[i].state.pc == 0x1000);
        assert_int_equal(m.vcpus[i].state.mhartid, i);
    }
    assert_int_equal(hull_memory_read(&m.vm.memory, 0x1000, rom, sizeof(rom)), 0);
    assert_int_equal(hull_load_le64(rom + 24), BOARD_RAM_BASE);
    assert_int_equal(hull_load_le64(rom + 32), m.board.fdt_addr);
    assert_int_equal(hull_load_le64(rom + 40), 0x4942534f); // fw_dynamic: magic, version
    assert_int_equal(hull_load_le64(rom + 48), 2);
    assert_int_equal(hull_load_le64(rom + 64), 1); // next mode: S
    machine_fini(&m);
}

static void firmware_gets_its_kernels_address(void **state)
{
    struct machine m;
    static uint8_t firmware[3 << 20];
    uint64_t next = 0;

    (void)state;
    machine_init(&m, 1);
    m.spec.boot.firmware = "fw";
    m.spec.boot.kernel = "kernel";
    m.images.firmware = (struct board_image){firmware, sizeof(firmware), "fw"};
    m.images.kernel = (struct board_image){"kernel", 6, "kernel"};
    assert_int_equal(machine_board(&m), 0);
    assert_int_equal(hull_memory_read(&m.vm.memory, m.board.dynamic_info_addr + 16, &next, 8), 0);
    assert_true(next == BOARD_RAM_BASE + (4 << 20)); // the firmware is too large for 2 MiB
    assert_memory_equal(machine_at(&m, next), "kernel", 6);
    machine_fini(&m);
}

static void images_must_fit(void **state)
{
    struct machine m;
    static uint8_t large[15 << 20];

    (void)state;
    machine_init(&m, 1);
    m.spec.boot.kernel = "large";
    m.images.kernel = (struct board_image){large, sizeof(large), "large"};
    assert_int_equal(machine_board(&m), -HULL_ENOSPC);
    assert_memory_equal(m.board.message, "large: ", 7);
    machine_fini(&m);
    machine_init(&m, 1);
    m.spec.boot.kernel = "empty";
    assert_int_equal(machine_board(&m), -HULL_EFORMAT);
    assert_string_equal(m.board.message, "the kernel is empty");
    machine_fini(&m);
    machine_init(&m, 1);
    m.spec.boot.kernel = "k";
    m.images.kernel = (struct board_image){large, 13 << 20, "k"}; // into the device tree
    assert_int_equal(machine_board(&m), -HULL_ENOSPC);
    machine_fini(&m);
}

static void fill_spec(struct machine *m, struct blk_backend *disk, struct net_backend *net)
{
    static const uint32_t spin = 0x6f;

    m->spec.boot.kernel = "spin";
    m->images.kernel = (struct board_image){&spin, 4, "spin"};
    m->spec.disk_count = 2;
    m->spec.net_count = 2;
    m->spec.nets[0].kind = NET_NONE;
    m->spec.nets[1].kind = NET_USER;
    m->spec.rng = m->spec.balloon = m->spec.virtio_console = true;
    m->backends.disks[0] = m->backends.disks[1] = disk;
    m->backends.nets[1] = net;
}

static uint64_t device_id(struct machine *m, unsigned slot)
{
    uint64_t id = 0;

    assert_int_equal(
        hull_bus_read(&m->vm.bus, BOARD_VIRTIO_BASE + slot * BOARD_VIRTIO_STRIDE + 8, 4, &id), 0);
    return id;
}

static void slots_have_a_fixed_order(void **state)
{
    static const unsigned ids[] = {2, 2, 1, 4,
                                   5, 3, 0, 18}; // blk twice, net, rng, balloon, console, -, input
    struct blk_backend disk = {.size = 512};
    struct net_backend net = {.mac = {2}};
    struct machine m;

    (void)state;
    machine_init(&m, 1);
    fill_spec(&m, &disk, &net);
    assert_int_equal(machine_board(&m), 0);
    for (unsigned i = 0; i < BOARD_VIRTIO_SLOTS; i++)
        assert_int_equal(device_id(&m, i), ids[i]);
    assert_ptr_equal(m.board.disks[1], m.board.virtio[1]);
    assert_null(m.board.nets[0]);
    assert_ptr_equal(m.board.nets[1], m.board.virtio[2]);
    assert_ptr_equal(m.board.console, m.board.virtio[5]);
    assert_null(m.board.virtio[6]);
    assert_ptr_equal(m.board.power_button, m.board.virtio[7]);
    machine_fini(&m);
}

static void every_allocation_may_fail(void **state)
{
    struct blk_backend disk = {.size = 512};
    struct net_backend net = {.mac = {2}};
    long failures = 0;

    (void)state;
    for (;; failures++) {
        struct machine m;
        int error;

        machine_init(&m, 2);
        fill_spec(&m, &disk, &net);
        m.fake.fail_alloc = failures;
        error = machine_board(&m);
        if (error) {
            assert_int_equal(error, -HULL_ENOMEM);
            assert_true(m.board.message[0]);
        }
        machine_fini(&m); // nothing leaks
        if (!error)
            break;
    }
    assert_true(failures > 10);
}

static void reset_is_power_on_again(void **state)
{
    struct machine m;

    (void)state;
    machine_boot(&m, 2, false);
    uint8_t *ram = machine_at(&m, BOARD_RAM_BASE);
    ram[5] = 77;
    ram[2 << 20] = 0; // the kernel's first byte
    m.vcpus[0].state.pc = 3;
    atomic_store(&m.board.sbi->harts[1].status, SBI_HART_STARTED);
    fake_env_advance(&m.fake, 1000000);
    assert_int_equal(riscv_board_reset(&m.board), 0);
    assert_int_equal(ram[5], 0);
    assert_int_equal(ram[2 << 20], 0x6f);
    assert_true(m.vcpus[0].state.pc == BOARD_RAM_BASE + (2 << 20));
    assert_int_equal(m.board.sbi->harts[1].status, SBI_HART_STOPPED);
    assert_int_equal(hull_vm_time(&m.vm), 0);
    assert_int_equal(m.board.resets, 2);
    machine_fini(&m);
}

// ---- HTIF ----
#define TOHOST (BOARD_RAM_BASE + 0x1000)
#define FROMHOST (BOARD_RAM_BASE + 0x1040)
#define MAGIC (BOARD_RAM_BASE + 0x2000)

static void htif_boot(struct machine *m)
{
    machine_boot(m, 1, true);
    m->board.tohost = TOHOST;
    m->board.fromhost = FROMHOST;
    riscv_htif_reset(&m->board);
}

static void put64(struct machine *m, gpa_t gpa, uint64_t value)
{
    assert_int_equal(hull_memory_write(&m->vm.memory, gpa, &value, 8), 0);
}

static uint64_t get64(struct machine *m, gpa_t gpa)
{
    return hull_load_le64(machine_at(m, gpa));
}

static void htif_ends_with_the_programs_code(void **state)
{
    struct machine m;

    (void)state;
    htif_boot(&m);
    put64(&m, TOHOST, 1);
    assert_int_equal(m.request, VM_REQUEST_POWEROFF);
    assert_int_equal(get64(&m, TOHOST), 0);
    m.request = -1;
    put64(&m, TOHOST, 1); // the program's loop repeats itself: told once
    assert_int_equal(m.request, -1);
    machine_fini(&m);
    htif_boot(&m);
    put64(&m, TOHOST, 2 * 42 + 1);
    assert_int_equal(m.request, VM_REQUEST_FAIL);
    assert_int_equal(m.request_code, 42);
    machine_fini(&m);
}

static void htif_prints_and_calls(void **state)
{
    struct machine m;

    (void)state;
    htif_boot(&m);
    put64(&m, TOHOST, 1ull << 56 | 1ull << 48 | 'x');
    assert_string_equal(m.output, "x");
    memcpy(machine_at(&m, MAGIC + 0x100), "hello", 5);
    put64(&m, MAGIC, 64);
    put64(&m, MAGIC + 8, 1);
    put64(&m, MAGIC + 16, MAGIC + 0x100);
    put64(&m, MAGIC + 24, 5);
    put64(&m, TOHOST, MAGIC);
    assert_string_equal(m.output, "xhello");
    assert_int_equal(get64(&m, MAGIC), 5);
    assert_int_equal(get64(&m, FROMHOST), 1);
    put64(&m, MAGIC, 64);
    put64(&m, MAGIC + 16, 0); // no such memory: -EFAULT
    put64(&m, TOHOST, MAGIC);
    assert_true(get64(&m, MAGIC) == (uint64_t)-14);
    put64(&m, MAGIC, 4711); // no such call: -ENOSYS
    put64(&m, FROMHOST, 0);
    put64(&m, TOHOST, MAGIC);
    assert_true(get64(&m, MAGIC) == (uint64_t)-38);
    assert_int_equal(get64(&m, FROMHOST), 1);
    put64(&m, TOHOST, 0x10);               // a block outside of memory
    put64(&m, TOHOST, 0xff00000000000000); // a device that isn't there
    assert_int_equal(m.request, -1);
    put64(&m, MAGIC, 93);
    put64(&m, MAGIC + 8, 7);
    put64(&m, TOHOST, MAGIC);
    assert_int_equal(m.request, VM_REQUEST_FAIL);
    assert_int_equal(m.request_code, 7);
    machine_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fdt_describes_an_sbi_board),
        cmocka_unit_test(fdt_describes_a_firmware_board),
        cmocka_unit_test(fdt_describes_imsics),
        cmocka_unit_test(fdt_without_m_mode_has_no_machine_domains),
        cmocka_unit_test(sbi_boot_starts_hart_0_in_s_mode),
        cmocka_unit_test(firmware_boot_starts_all_harts_at_the_reset_vector),
        cmocka_unit_test(firmware_gets_its_kernels_address),
        cmocka_unit_test(images_must_fit),
        cmocka_unit_test(slots_have_a_fixed_order),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(reset_is_power_on_again),
        cmocka_unit_test(htif_ends_with_the_programs_code),
        cmocka_unit_test(htif_prints_and_calls),
    };
    return cmocka_run_group_tests_name("guest/riscv/board", tests, NULL, NULL);
}
