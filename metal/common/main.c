// SPDX-License-Identifier: Apache-2.0
// From the firmware's jump to running guests.
#include <limits.h>

#include "lib/bytes.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "metal/common/arch.h"
#include "metal/common/entropy.h"
#include "metal/common/machine.h"
#include "metal/common/manager.h"
#include "metal/common/shared.h"
#include "metal/common/vm.h"
#include "metal/riscv64/hart.h"
#include "metal/riscv64/hext.h"
#include "metal/riscv64/paging.h"
#include "metal/riscv64/regs.h"
#include "metal/riscv64/sbi.h"

struct machine machine;

extern char image_start[], image_end[];
__attribute__((noreturn)) void metal_main(uint64_t hartid, hpa_t dtb, hpa_t image);

static void __attribute__((noreturn)) halt(void)
{
    console_log(&machine.console, "stopped");
    arch_halt();
}

static void __attribute__((noreturn)) stop(const char *why)
{
    console_log(&machine.console, "%s", why);
    halt();
}

static void __attribute__((noreturn)) refuse_bundle(const struct bundle_error *why)
{
    console_log(&machine.console, "the bundle %s", why->reason);
    halt();
}

void machine_interrupt(void)
{
    const struct platform *p = &machine.platform;
    struct host_hart *hart = this_hart();
    uint32_t source;

    while ((source = irqchip_claim(&p->irqchip, &hart->irq))) {
        // Others' IPIs have done their work by being there.
        if (source == IRQCHIP_IPI || passthrough_interrupt(source))
            continue; // a guest's is completed when it has done so
        if (source == p->uart_irq)
            console_interrupt(&machine.console);
        irqchip_complete(&p->irqchip, &hart->irq, source);
    }
}

static const struct platform_hart *hart_described(uint64_t hartid)
{
    for (unsigned i = 0; i < machine.platform.hart_count; i++)
        if (machine.platform.harts[i].hartid == hartid)
            return &machine.platform.harts[i];
    return NULL;
}

// All that can be used: vCPUs go to any of them.
static bool harts_have_aia(void)
{
    const struct platform *p = &machine.platform;

    for (unsigned i = 0; i < p->hart_count; i++)
        if (p->harts[i].has_h && !(p->harts[i].has_ssaia && p->harts[i].irq.imsic))
            return false;
    return p->irqchip.kind == IRQCHIP_IMSIC;
}

static void memory_init(hpa_t dtb)
{
    const struct platform *p = &machine.platform;
    struct pages_hole holes[PLATFORM_HOLES_MAX + 3];
    unsigned count = 0;
    hpa_t free_from = machine.image + (uint64_t)(image_end - image_start);
    int error = 0;

    for (unsigned i = 0; i < p->memory_count && !error; i++)
        error = pages_add_range(&machine.pages, p->memory[i].base, p->memory[i].size);
    for (unsigned i = 0; i < p->reserved_count; i++)
        holes[count++] = (struct pages_hole){p->reserved[i].base, p->reserved[i].size};
    holes[count++] = (struct pages_hole){p->initrd.base, p->initrd.size};
    holes[count++] = (struct pages_hole){dtb, p->fdt.total};
    holes[count++] = (struct pages_hole){machine.image, free_from - machine.image};
    free_from = (free_from + HULL_PAGE_SIZE - 1) & ~(hpa_t)(HULL_PAGE_SIZE - 1);
    if (!error)
        error = pages_ready(&machine.pages, free_from, holes, count);
    if (error)
        stop("no room for the table of memory behind the image");
    heap_init(&machine.heap);
    if (paging_init(machine.image))
        stop("no memory for the page tables");
}

static void harts_init(uint64_t hartid)
{
    const struct platform *p = &machine.platform;

    for (unsigned i = 0; i < p->hart_count; i++) {
        unsigned long long id = p->harts[i].hartid;

        if (p->harts[i].hartid == hartid)
            continue;
        if (!p->harts[i].has_h)
            console_log(&machine.console, "hart %llu has no H extension: not used", id);
        else if (hart_start(&p->harts[i]))
            console_log(&machine.console, "hart %llu does not start: not used", id);
    }
}

static void seed_entropy(void)
{
    const struct fdt_view *fdt = &machine.platform.fdt;
    uint32_t chosen = hull_fdt_find_path(fdt, "/chosen"), length;
    const uint8_t *seed;

    if (chosen != HULL_FDT_NONE && !hull_fdt_get(fdt, chosen, "rng-seed", &seed, &length))
        entropy_init(seed, length);
}

// What the guest's device tree says of physical devices comes from the board.
static void describe_devices(struct vm_spec *spec)
{
    spec->metal.present = true;
    spec->metal.timebase = machine.platform.timebase_hz;
    for (unsigned i = 0; i < spec->metal.passthrough_count; i++) {
        struct passthrough_spec *p = &spec->metal.passthrough[i];
        const struct board_device *d = hull_board_device(&machine.bundle.board, p->device);

        p->compatible = d ? d->compatible : "";
        p->size = d ? d->size : 0;
    }
}

// Memory of VMs that stand at an address of their own: theirs before anybody else gets it.
static void vms_reserve(void)
{
    for (unsigned i = 0; i < machine.vm_count; i++) {
        const struct vm_spec *spec = machine.vms[i]->spec;

        if (spec->metal.memory_address &&
            !pages_take_blocks(&machine.pages, spec->metal.memory_address,
                               (unsigned)(spec->memory / BLOCK_SIZE)))
            stop("a VM's memory is not free where its file wants it");
    }
}

static int vms_create(struct bundle_vm *described)
{
    for (unsigned i = 0; i < machine.bundle.vm_count; i++) {
        struct metal_vm *vm = heap_alloc(&machine.heap, sizeof(*vm), NULL);

        if (!vm)
            return -HULL_ENOMEM;
        describe_devices(&described[i].spec);
        metal_vm_init(vm, i, &described[i]);
        if (console_vm_init(vm))
            return -HULL_ENOMEM;
        machine.vms[machine.vm_count++] = vm;
        if (vm->spec->metal.console_first)
            machine.console.focus = i + 1;
    }
    return 0;
}

// What the bundle says, from the first byte on. It stays where it is: images and disks are used in place.
static void bundle_init(void)
{
    const struct platform_range *at = &machine.platform.initrd;
    struct bundle_error why;
    struct bundle_vm *vms;

    if (!at->size)
        stop("there is no bundle: \"hull pack\" makes one, the boot loader gives it as the initrd");
    if (hull_bundle_open(&machine.bundle, phys_ptr(at->base), at->size, &why))
        refuse_bundle(&why);
    vms = heap_alloc(&machine.heap, machine.bundle.vm_count * sizeof(*vms), NULL);
    if (!vms)
        stop("no memory for the VMs' descriptions");
    if (hull_bundle_read_vms(&machine.bundle, vms, &why))
        refuse_bundle(&why);
    if (vms_create(vms))
        stop("no memory for the VMs");
    if (shared_init())
        stop("no memory for the shared regions");
    machine.pages.colours = machine.bundle.board.page_colours;
    vms_reserve();
    machine.console.all = machine.vm_count > 1;
}

static void uart_route(void)
{
    const struct platform *p = &machine.platform;

    if (irqchip_route(&p->irqchip, &this_hart()->irq, p->uart_irq,
                      platform_irq_trigger(p, p->uart_irq)))
        serial_by_interrupt(&machine.console.serial);
    else
        console_log(&machine.console, "the UART has no interrupt here: no input");
}

void metal_main(uint64_t hartid, hpa_t dtb, hpa_t image)
{
    const struct platform_hart *me;
    const char *what;
    int error;

    machine.image = image;
    machine.image_size = (uint64_t)(image_end - image_start);
    machine.start_time = arch_time();
    hart_boot_early(hartid);
    error = platform_read(&machine.platform, phys_ptr(dtb), &what);
    console_init(&machine.console);
    console_log(&machine.console, "Hull %s on %s", HULL_VERSION,
                error ? "an unknown machine" : machine.platform.model);
    if (error)
        stop(what);
    me = hart_described(hartid);
    if (!me || !csr_probe_hstatus())
        stop("this chip lacks the H extension, which hull-metal needs");
    if (machine.platform.timebase_hz < 1000 || machine.platform.timebase_hz > 1000000000)
        stop("the device tree's timebase-frequency is not 1 kHz to 1 GHz");
    machine.has_sstc = me->has_sstc && csr_probe_stimecmp();
    machine.has_aia = harts_have_aia();
    machine.has_stateen = csr_probe_hstateen0();
    machine.panic_resets =
        machine.platform.bootargs && hull_streq(machine.platform.bootargs, "panic=reset");
    memory_init(dtb);
    vmid_init();
    hext_init(&me->isa);
    this_hart()->irq = me->irq;
    irqchip_init(&machine.platform.irqchip);
    hart_boot_late();
    harts_init(hartid);
    seed_entropy();
    console_log(&machine.console, "%u harts, %llu MiB free, Sstc %s, %s", machine.hart_count,
                (unsigned long long)(machine.pages.free >> 8), machine.has_sstc ? "yes" : "no",
                irqchip_name(&machine.platform.irqchip));
    bundle_init();
    if (net_init(&machine.net) || manager_start())
        stop("no memory for the hypervisor's own threads");
    uart_route();
    scheduler_idle();
}
