// SPDX-License-Identifier: Apache-2.0
// The board's device tree, in the shape of QEMU's `virt`, made from the spec alone. Bindings: the
// Devicetree Specification and Linux's Documentation/devicetree/bindings (riscv/cpus.yaml,
// riscv/extensions.yaml, timer/sifive,clint.yaml).
#include "guest/riscv/board_fdt.h"

#include "guest/riscv/trap.h"

#define UART_CLOCK_HZ 3686400
#define FINISHER_POWEROFF 0x5555
#define FINISHER_RESET 0x7777

static void write_chosen(struct fdt_writer *w, const struct vm_spec *spec, gpa_t initrd_start,
                         uint64_t initrd_size, const uint8_t *rng_seed)
{
    hull_fdt_begin_node(w, "chosen");
    if (spec->boot.append)
        hull_fdt_prop_string(w, "bootargs", spec->boot.append);
    hull_fdt_prop_string(w, "stdout-path", "/soc/serial@10000000");
    if (initrd_size) {
        hull_fdt_prop_u64(w, "linux,initrd-start", initrd_start);
        hull_fdt_prop_u64(w, "linux,initrd-end", initrd_start + initrd_size);
    }
    if (rng_seed)
        hull_fdt_prop_bytes(w, "rng-seed", rng_seed, BOARD_RNG_SEED_SIZE);
    hull_fdt_end_node(w);
}

static void write_memory(struct fdt_writer *w, const struct vm_spec *spec)
{
    hull_fdt_begin_node_at(w, "memory", riscv_board_ram_base(spec));
    hull_fdt_prop_string(w, "device_type", "memory");
    hull_fdt_prop_u64s(w, "reg", (uint64_t[]){riscv_board_ram_base(spec), spec->memory}, 2);
    hull_fdt_end_node(w);
}

static void write_isa(struct fdt_writer *w, const struct riscv_isa *isa)
{
    const char *names[EXT_COUNT];
    char string[1024];
    size_t count = 0;

    if (riscv_isa_string(isa, string, sizeof(string)) >= 0)
        hull_fdt_prop_string(w, "riscv,isa", string);
    hull_fdt_prop_string(w, "riscv,isa-base", "rv64i");
    for (unsigned ext = 0; ext < EXT_COUNT; ext++)
        if (riscv_isa_has(isa, ext))
            names[count++] = riscv_extension_name(ext);
    hull_fdt_prop_stringlist(w, "riscv,isa-extensions", names, count);
    if (riscv_isa_has(isa, EXT_ZICBOM))
        hull_fdt_prop_u32(w, "riscv,cbom-block-size", 64);
    if (riscv_isa_has(isa, EXT_ZICBOP))
        hull_fdt_prop_u32(w, "riscv,cbop-block-size", 64);
    if (riscv_isa_has(isa, EXT_ZICBOZ))
        hull_fdt_prop_u32(w, "riscv,cboz-block-size", 64);
}

static const char *mmu_type(const struct riscv_isa *isa)
{
    switch (isa->sv_levels) {
    case 3: return "riscv,sv39";
    case 4: return "riscv,sv48";
    case 5: return "riscv,sv57";
    default: return "riscv,none";
    }
}

static void write_cpu(struct fdt_writer *w, const struct vm_spec *spec, const struct riscv_isa *isa,
                      unsigned hart)
{
    hull_fdt_begin_node_at(w, "cpu", hart);
    hull_fdt_prop_string(w, "device_type", "cpu");
    hull_fdt_prop_u32(w, "reg", hart);
    hull_fdt_prop_string(w, "status", "okay");
    hull_fdt_prop_string(w, "compatible", "riscv");
    write_isa(w, isa);
    hull_fdt_prop_string(w, "mmu-type", mmu_type(isa));
    hull_fdt_prop_u32(w, "phandle", fdt_cpu_phandle(spec, hart));
    hull_fdt_begin_node(w, "interrupt-controller");
    hull_fdt_prop_u32(w, "#address-cells", 0);
    hull_fdt_prop_u32(w, "#interrupt-cells", 1);
    hull_fdt_prop_empty(w, "interrupt-controller");
    hull_fdt_prop_string(w, "compatible", "riscv,cpu-intc");
    hull_fdt_prop_u32(w, "phandle", fdt_intc_phandle(hart));
    hull_fdt_end_node(w);
    hull_fdt_end_node(w);
}

static void write_cpu_map(struct fdt_writer *w, const struct vm_spec *spec)
{
    hull_fdt_begin_node(w, "cpu-map");
    hull_fdt_begin_node(w, "cluster0");
    for (unsigned i = 0; i < spec->cpus; i++) {
        char name[] = {'c', 'o', 'r', 'e', 0, 0, 0};

        name[4] = (char)('0' + (i < 10 ? i : i / 10));
        name[5] = (char)(i < 10 ? 0 : '0' + i % 10);
        hull_fdt_begin_node(w, name);
        hull_fdt_prop_u32(w, "cpu", fdt_cpu_phandle(spec, i));
        hull_fdt_end_node(w);
    }
    hull_fdt_end_node(w);
    hull_fdt_end_node(w);
}

static void write_cpus(struct fdt_writer *w, const struct vm_spec *spec,
                       const struct riscv_isa *isa)
{
    hull_fdt_begin_node(w, "cpus");
    hull_fdt_prop_u32(w, "#address-cells", 1);
    hull_fdt_prop_u32(w, "#size-cells", 0);
    hull_fdt_prop_u32(w, "timebase-frequency",
                      spec->metal.timebase ? (uint32_t)spec->metal.timebase : HULL_TIMEBASE_HZ);
    for (unsigned i = 0; i < spec->cpus; i++)
        write_cpu(w, spec, isa, i);
    write_cpu_map(w, spec);
    hull_fdt_end_node(w);
}

static void write_clint(struct fdt_writer *w, const struct vm_spec *spec)
{
    hull_fdt_begin_node_at(w, "clint", BOARD_ACLINT_BASE);
    hull_fdt_prop_stringlist(w, "compatible", (const char *[]){"sifive,clint0", "riscv,clint0"}, 2);
    hull_fdt_prop_u64s(w, "reg", (uint64_t[]){BOARD_ACLINT_BASE, BOARD_ACLINT_SIZE}, 2);
    fdt_hart_lines(w, spec, IRQ_M_SOFT, IRQ_M_TIMER);
    hull_fdt_end_node(w);
}

static void begin_device(struct fdt_writer *w, const struct vm_spec *spec, const char *name,
                         const char *compatible, gpa_t base, uint64_t size, uint32_t irq)
{
    hull_fdt_begin_node_at(w, name, base);
    hull_fdt_prop_string(w, "compatible", compatible);
    hull_fdt_prop_u64s(w, "reg", (uint64_t[]){base, size}, 2);
    fdt_interrupt(w, spec, irq);
}

static void write_finisher(struct fdt_writer *w, const struct vm_spec *spec)
{
    static const char *const compatible[] = {"sifive,test1", "sifive,test0", "syscon"};

    hull_fdt_begin_node_at(w, "test", BOARD_FINISHER_BASE);
    hull_fdt_prop_stringlist(w, "compatible", compatible, 3);
    hull_fdt_prop_u64s(w, "reg", (uint64_t[]){BOARD_FINISHER_BASE, BOARD_FINISHER_SIZE}, 2);
    hull_fdt_prop_u32(w, "phandle", fdt_phandle(spec, FDT_FINISHER));
    hull_fdt_end_node(w);
}

// What only hull-metal has: regions shared between VMs, each with its doorbell, and physical devices.
static void write_metal(struct fdt_writer *w, const struct vm_spec *spec)
{
    const struct metal_spec *metal = &spec->metal;

    for (unsigned i = 0; i < metal->shared_count; i++) {
        const struct shared_spec *s = &metal->shared[i];

        hull_fdt_begin_node_at(w, "shared-memory", s->address);
        hull_fdt_prop_string(w, "compatible", "hull,shared-memory");
        hull_fdt_prop_string(w, "label", s->name);
        hull_fdt_prop_u64s(w, "reg",
                           (uint64_t[]){s->address, s->size,
                                        HULL_DOORBELL_BASE + i * HULL_PAGE_SIZE, HULL_PAGE_SIZE},
                           4);
        fdt_interrupt(w, spec, s->doorbell);
        hull_fdt_end_node(w);
    }
    if (metal->watchdog) {
        hull_fdt_begin_node_at(w, "watchdog", HULL_WATCHDOG_BASE);
        hull_fdt_prop_string(w, "compatible", "hull,watchdog");
        hull_fdt_prop_u64s(w, "reg", (uint64_t[]){HULL_WATCHDOG_BASE, HULL_PAGE_SIZE}, 2);
        hull_fdt_prop_u32(w, "timeout-sec", metal->watchdog);
        hull_fdt_end_node(w);
    }
    for (unsigned i = 0; i < metal->passthrough_count; i++) {
        const struct passthrough_spec *p = &metal->passthrough[i];

        hull_fdt_begin_node_at(w, p->device, p->address);
        hull_fdt_prop_string(w, "compatible", p->compatible);
        hull_fdt_prop_u64s(w, "reg", (uint64_t[]){p->address, p->size}, 2);
        if (p->irq)
            fdt_interrupt(w, spec, p->irq);
        hull_fdt_end_node(w);
    }
}

// Linux probes in this order: slot 0 comes first, so that vda is disk 0.
static void write_soc(struct fdt_writer *w, const struct vm_spec *spec, const struct riscv_isa *isa)
{
    hull_fdt_begin_node(w, "soc");
    hull_fdt_prop_u32(w, "#address-cells", 2);
    hull_fdt_prop_u32(w, "#size-cells", 2);
    hull_fdt_prop_string(w, "compatible", "simple-bus");
    hull_fdt_prop_empty(w, "ranges");
    write_finisher(w, spec);
    begin_device(w, spec, "rtc", "google,goldfish-rtc", BOARD_RTC_BASE, BOARD_RTC_SIZE,
                 BOARD_IRQ_RTC);
    hull_fdt_end_node(w);
    if (spec->boot.firmware)
        write_clint(w, spec);
    fdt_interrupt_controllers(w, spec, isa);
    begin_device(w, spec, "serial", "ns16550a", BOARD_UART_BASE, BOARD_UART_SIZE, BOARD_IRQ_UART);
    hull_fdt_prop_u32(w, "clock-frequency", UART_CLOCK_HZ);
    hull_fdt_end_node(w);
    for (unsigned i = 0; i < BOARD_VIRTIO_SLOTS; i++) {
        begin_device(w, spec, "virtio_mmio", "virtio,mmio",
                     BOARD_VIRTIO_BASE + i * BOARD_VIRTIO_STRIDE, BOARD_VIRTIO_STRIDE,
                     BOARD_IRQ_VIRTIO + i);
        hull_fdt_end_node(w);
    }
    if (spec->metal.present)
        write_metal(w, spec);
    hull_fdt_end_node(w);
}

static void write_syscon(struct fdt_writer *w, const struct vm_spec *spec, const char *name,
                         const char *compatible, uint32_t value)
{
    hull_fdt_begin_node(w, name);
    hull_fdt_prop_string(w, "compatible", compatible);
    hull_fdt_prop_u32(w, "regmap", fdt_phandle(spec, FDT_FINISHER));
    hull_fdt_prop_u32(w, "offset", 0);
    hull_fdt_prop_u32(w, "value", value);
    hull_fdt_end_node(w);
}

int riscv_board_fdt(const struct vm_spec *spec, const struct riscv_isa *isa, gpa_t initrd_start,
                    uint64_t initrd_size, const uint8_t *rng_seed, void *buf, size_t size)
{
    struct fdt_writer w;
    size_t total;
    int error;

    hull_fdt_writer_init(&w, buf, size);
    hull_fdt_begin_node(&w, "");
    hull_fdt_prop_u32(&w, "#address-cells", 2);
    hull_fdt_prop_u32(&w, "#size-cells", 2);
    hull_fdt_prop_string(&w, "compatible", "riscv-virtio");
    hull_fdt_prop_string(&w, "model", "riscv-virtio,hull");
    hull_fdt_begin_node(&w, "aliases");
    hull_fdt_prop_string(&w, "serial0", "/soc/serial@10000000");
    hull_fdt_end_node(&w);
    write_chosen(&w, spec, initrd_start, initrd_size, rng_seed);
    write_memory(&w, spec);
    write_cpus(&w, spec, isa);
    write_syscon(&w, spec, "poweroff", "syscon-poweroff", FINISHER_POWEROFF);
    write_syscon(&w, spec, "reboot", "syscon-reboot", FINISHER_RESET);
    write_soc(&w, spec, isa);
    hull_fdt_end_node(&w);
    error = hull_fdt_finish(&w, 0, &total);
    return error ? error : (int)total;
}
