// SPDX-License-Identifier: Apache-2.0
// The interrupt controllers in the board's device tree. Bindings: Linux's
// Documentation/devicetree/bindings/interrupt-controller, sifive,plic-1.0.0.yaml, riscv,aplic.yaml and
// riscv,imsics.yaml.
#include <hull/msi.h>

#include "core/dev/devices.h"
#include "guest/riscv/board_fdt.h"
#include "guest/riscv/trap.h"

#define NO_CONTEXT 0xffffffffu // a PLIC context that this kernel can't use
#define LEVEL_HIGH 4           // a source's kind, for an APLIC

void fdt_hart_lines(struct fdt_writer *w, const struct vm_spec *spec, uint32_t first,
                    uint32_t second)
{
    uint32_t cells[4 * HULL_CPUS_MAX];

    for (unsigned i = 0; i < spec->cpus; i++) {
        cells[4 * i] = cells[4 * i + 2] = fdt_intc_phandle(i);
        cells[4 * i + 1] = first;
        cells[4 * i + 3] = second;
    }
    hull_fdt_prop_cells(w, "interrupts-extended", cells, 4 * spec->cpus);
}

static void hart_line(struct fdt_writer *w, const struct vm_spec *spec, uint32_t line)
{
    uint32_t cells[2 * HULL_CPUS_MAX];

    for (unsigned i = 0; i < spec->cpus; i++) {
        cells[2 * i] = fdt_intc_phandle(i);
        cells[2 * i + 1] = line;
    }
    hull_fdt_prop_cells(w, "interrupts-extended", cells, 2 * spec->cpus);
}

void fdt_interrupt(struct fdt_writer *w, const struct vm_spec *spec, uint32_t source)
{
    if (spec->interrupts == INTERRUPTS_PLIC)
        hull_fdt_prop_u32(w, "interrupts", source);
    else
        hull_fdt_prop_cells(w, "interrupts", (uint32_t[]){source, LEVEL_HIGH}, 2);
    hull_fdt_prop_u32(w, "interrupt-parent", fdt_phandle(spec, FDT_INTERRUPTS));
}

static void write_plic(struct fdt_writer *w, const struct vm_spec *spec)
{
    // Contexts keep their numbers whatever the boot protocol; without M mode its contexts exist, but
    // nobody can receive their interrupts.
    hull_fdt_begin_node_at(w, "plic", BOARD_PLIC_BASE);
    hull_fdt_prop_stringlist(w, "compatible", (const char *[]){"sifive,plic-1.0.0", "riscv,plic0"},
                             2);
    hull_fdt_prop_u64s(w, "reg", (uint64_t[]){BOARD_PLIC_BASE, BOARD_PLIC_SIZE}, 2);
    hull_fdt_prop_u32(w, "#address-cells", 0);
    hull_fdt_prop_u32(w, "#interrupt-cells", 1);
    hull_fdt_prop_empty(w, "interrupt-controller");
    fdt_hart_lines(w, spec, spec->boot.firmware ? IRQ_M_EXT : NO_CONTEXT, IRQ_S_EXT);
    hull_fdt_prop_u32(w, "riscv,ndev", BOARD_IRQ_SOURCES - 1);
    hull_fdt_prop_u32(w, "phandle", fdt_phandle(spec, FDT_INTERRUPTS));
    hull_fdt_end_node(w);
}

// The harts' interrupt files of one level.
static void write_imsics(struct fdt_writer *w, const struct vm_spec *spec,
                         const struct riscv_isa *isa, bool machine)
{
    gpa_t base = machine ? BOARD_IMSIC_M_BASE : BOARD_IMSIC_S_BASE;
    uint64_t stride = machine ? HULL_PAGE_SIZE : riscv_board_imsic_stride(isa);
    unsigned guest_bits = machine ? 0 : hull_imsic_page_bits(isa->geilen);

    hull_fdt_begin_node_at(w, "imsics", base);
    hull_fdt_prop_string(w, "compatible", "riscv,imsics");
    hull_fdt_prop_u64s(w, "reg", (uint64_t[]){base, spec->cpus * stride}, 2);
    hull_fdt_prop_u32(w, "#address-cells", 0);
    hull_fdt_prop_u32(w, "#interrupt-cells", 0);
    hull_fdt_prop_u32(w, "#msi-cells", 0);
    hull_fdt_prop_empty(w, "interrupt-controller");
    hull_fdt_prop_empty(w, "msi-controller");
    hart_line(w, spec, machine ? IRQ_M_EXT : IRQ_S_EXT);
    hull_fdt_prop_u32(w, "riscv,num-ids", HULL_MSI_IDENTITIES);
    if (guest_bits)
        hull_fdt_prop_u32(w, "riscv,guest-index-bits", guest_bits);
    hull_fdt_prop_u32(w, "phandle", fdt_phandle(spec, machine ? FDT_IMSIC_M : FDT_IMSIC_S));
    hull_fdt_end_node(w);
}

// Everything is the supervisor's: the machine's domain says so to the firmware, under the binding's name
// and under the one that firmware of before it knows.
static void write_aplic(struct fdt_writer *w, const struct vm_spec *spec, bool machine)
{
    const uint32_t delegation[] = {fdt_phandle(spec, FDT_INTERRUPTS), 1, BOARD_IRQ_SOURCES};
    gpa_t base = machine ? BOARD_APLIC_M_BASE : BOARD_APLIC_S_BASE;

    hull_fdt_begin_node_at(w, "interrupt-controller", base);
    hull_fdt_prop_string(w, "compatible", "riscv,aplic");
    hull_fdt_prop_u64s(w, "reg", (uint64_t[]){base, BOARD_APLIC_SIZE}, 2);
    hull_fdt_prop_u32(w, "#address-cells", 0);
    hull_fdt_prop_u32(w, "#interrupt-cells", 2);
    hull_fdt_prop_empty(w, "interrupt-controller");
    hull_fdt_prop_u32(w, "riscv,num-sources", BOARD_IRQ_SOURCES);
    if (spec->interrupts == INTERRUPTS_AIA)
        hull_fdt_prop_u32(w, "msi-parent", fdt_phandle(spec, machine ? FDT_IMSIC_M : FDT_IMSIC_S));
    else
        hart_line(w, spec, machine ? IRQ_M_EXT : IRQ_S_EXT);
    if (machine) {
        hull_fdt_prop_u32(w, "riscv,children", fdt_phandle(spec, FDT_INTERRUPTS));
        hull_fdt_prop_cells(w, "riscv,delegation", delegation, 3);
        hull_fdt_prop_cells(w, "riscv,delegate", delegation, 3);
    }
    hull_fdt_prop_u32(w, "phandle", fdt_phandle(spec, machine ? FDT_APLIC_M : FDT_INTERRUPTS));
    hull_fdt_end_node(w);
}

void fdt_interrupt_controllers(struct fdt_writer *w, const struct vm_spec *spec,
                               const struct riscv_isa *isa)
{
    if (spec->interrupts == INTERRUPTS_PLIC) {
        write_plic(w, spec);
        return;
    }
    if (spec->interrupts == INTERRUPTS_AIA && spec->boot.firmware)
        write_imsics(w, spec, isa, true);
    if (spec->interrupts == INTERRUPTS_AIA)
        write_imsics(w, spec, isa, false);
    if (spec->boot.firmware)
        write_aplic(w, spec, true);
    write_aplic(w, spec, false);
}
