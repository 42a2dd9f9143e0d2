// SPDX-License-Identifier: Apache-2.0
// The host's device tree: harts, memory, what of it is taken, and the devices that we use ourselves.
#include "metal/board/platform.h"

#include "lib/bytes.h"
#include "lib/mem.h"
#include "lib/str.h"

#define DTB_SIZE_MAX (2u << 20)

static bool node_enabled(const struct fdt_view *fdt, uint32_t node)
{
    const char *status;

    return hull_fdt_get_string(fdt, node, "status", &status) || hull_streq(status, "okay") ||
           hull_streq(status, "ok");
}

static bool node_is_type(const struct fdt_view *fdt, uint32_t node, const char *type)
{
    const char *string;

    return !hull_fdt_get_string(fdt, node, "device_type", &string) && hull_streq(string, type);
}

// ---- Harts ----

static int extension_by_name(const char *name, size_t length)
{
    for (unsigned ext = 0; ext < EXT_COUNT; ext++) {
        const char *known = riscv_extension_name(ext);

        if (hull_strlen(known) == length && !hull_strncmp(known, name, length))
            return (int)ext;
    }
    return -1;
}

static void hart_has(struct platform_hart *hart, const char *name, size_t length)
{
    int ext = extension_by_name(name, length);

    if (ext >= 0)
        hart->isa.extensions |= 1ull << ext;
    if (ext == EXT_H)
        hart->has_h = true;
    if (length == 4 && !hull_strncmp(name, "sstc", 4))
        hart->has_sstc = true;
    if (length == 5 && !hull_strncmp(name, "ssaia", 5))
        hart->has_ssaia = true;
}

// "rv64imafdch_zicsr_…": single letters, then names between underscores.
static void read_isa_string(struct platform_hart *hart, const char *isa)
{
    static const char general[] = "imafd";

    for (isa += hull_str_starts(isa, "rv64") ? 4 : 0; *isa && *isa != '_'; isa++) {
        if (*isa == 'g')
            for (const char *g = general; *g; g++)
                hart_has(hart, g, 1);
        else if (*isa == 'z' || *isa == 's' || *isa == 'x')
            break; // an older style, without the first underscore
        else
            hart_has(hart, isa, 1);
    }
    while (*isa) {
        size_t length = 0;

        isa += *isa == '_';
        while (isa[length] && isa[length] != '_')
            length++;
        hart_has(hart, isa, length);
        isa += length;
    }
}

static void read_isa(const struct fdt_view *fdt, uint32_t node, struct platform_hart *hart)
{
    const uint8_t *list;
    const char *string;
    uint32_t length;

    if (!hull_fdt_get_string(fdt, node, "riscv,isa", &string))
        read_isa_string(hart, string);
    if (!hull_fdt_get(fdt, node, "riscv,isa-extensions", &list, &length))
        for (uint32_t at = 0; at < length;) {
            const char *name = (const char *)list + at;
            size_t size = hull_strnlen(name, length - at);

            hart_has(hart, name, size);
            at += (uint32_t)size + 1;
        }
    // What older trees leave out because the base had it.
    hart_has(hart, "zicsr", 5);
    hart_has(hart, "zifencei", 8);
    hart_has(hart, "zicntr", 6);
    if (hull_fdt_get_string(fdt, node, "mmu-type", &string))
        return;
    hart->isa.sv_levels = hull_streq(string, "riscv,sv39")   ? 3
                          : hull_streq(string, "riscv,sv48") ? 4
                          : hull_streq(string, "riscv,sv57") ? 5
                                                             : 0;
}

static uint32_t child_of_type(const struct fdt_view *fdt, uint32_t node, const char *compatible)
{
    for (uint32_t child = hull_fdt_first_child(fdt, node); child != HULL_FDT_NONE;
         child = hull_fdt_next_sibling(fdt, child))
        if (hull_fdt_is_compatible(fdt, child, compatible))
            return child;
    return HULL_FDT_NONE;
}

static void read_harts(struct platform *p)
{
    uint32_t cpus = hull_fdt_find_path(&p->fdt, "/cpus"), timebase = 0;

    if (cpus == HULL_FDT_NONE)
        return;
    if (!hull_fdt_get_u32(&p->fdt, cpus, "timebase-frequency", &timebase))
        p->timebase_hz = timebase;
    for (uint32_t node = hull_fdt_first_child(&p->fdt, cpus); node != HULL_FDT_NONE;
         node = hull_fdt_next_sibling(&p->fdt, node)) {
        struct platform_hart *hart = &p->harts[p->hart_count];
        uint64_t size;

        if (!node_is_type(&p->fdt, node, "cpu") || !node_enabled(&p->fdt, node) ||
            p->hart_count == PLATFORM_HARTS_MAX)
            continue;
        if (hull_fdt_get_reg(&p->fdt, node, 0, &hart->hartid, &size))
            continue;
        uint32_t intc = child_of_type(&p->fdt, node, "riscv,cpu-intc");

        hart->irq = (struct irqchip_hart){.context = IRQCHIP_NO_CONTEXT};
        if (intc == HULL_FDT_NONE || hull_fdt_get_u32(&p->fdt, intc, "phandle", &hart->intc))
            hart->intc = 0;
        if (!p->timebase_hz && !hull_fdt_get_u32(&p->fdt, node, "timebase-frequency", &timebase))
            p->timebase_hz = timebase;
        read_isa(&p->fdt, node, hart);
        p->hart_count++;
    }
}

// ---- Memory ----

static void reserve(struct platform *p, hpa_t base, uint64_t size)
{
    if (size && p->reserved_count < PLATFORM_HOLES_MAX)
        p->reserved[p->reserved_count++] = (struct platform_range){.base = base, .size = size};
}

static void read_memory(struct platform *p)
{
    uint64_t base, size;

    for (uint32_t node = hull_fdt_next_node(&p->fdt, HULL_FDT_NONE); node != HULL_FDT_NONE;
         node = hull_fdt_next_node(&p->fdt, node)) {
        if (!node_is_type(&p->fdt, node, "memory") || !node_enabled(&p->fdt, node))
            continue;
        for (uint32_t i = 0; p->memory_count < PLATFORM_MEMORY_MAX &&
                             !hull_fdt_get_reg(&p->fdt, node, i, &base, &size);
             i++)
            p->memory[p->memory_count++] = (struct platform_range){.base = base, .size = size};
    }
}

static void read_reserved(struct platform *p)
{
    uint32_t parent = hull_fdt_find_path(&p->fdt, "/reserved-memory");
    uint64_t base, size;

    for (uint32_t i = 0; i < p->fdt.reservation_count; i++) {
        hull_fdt_get_reservation(&p->fdt, i, &base, &size);
        reserve(p, base, size);
    }
    if (parent == HULL_FDT_NONE)
        return;
    for (uint32_t node = hull_fdt_first_child(&p->fdt, parent); node != HULL_FDT_NONE;
         node = hull_fdt_next_sibling(&p->fdt, node))
        for (uint32_t i = 0; !hull_fdt_get_reg(&p->fdt, node, i, &base, &size); i++)
            reserve(p, base, size);
}

static void read_chosen(struct platform *p)
{
    uint32_t chosen = hull_fdt_find_path(&p->fdt, "/chosen");
    uint64_t start, end;

    if (chosen == HULL_FDT_NONE)
        return;
    if (!hull_fdt_get_u64(&p->fdt, chosen, "linux,initrd-start", &start) &&
        !hull_fdt_get_u64(&p->fdt, chosen, "linux,initrd-end", &end) && end > start)
        p->initrd = (struct platform_range){.base = start, .size = end - start};
    if (hull_fdt_get_string(&p->fdt, chosen, "bootargs", &p->bootargs))
        p->bootargs = NULL;
}

// ---- Devices ----

// The console: what /chosen names, if we know its kind, or the first one that we know.
static uint32_t find_uart(const struct platform *p)
{
    uint32_t chosen = hull_fdt_find_path(&p->fdt, "/chosen"), node = HULL_FDT_NONE;
    const char *path;
    char name[128];

    if (chosen != HULL_FDT_NONE && !hull_fdt_get_string(&p->fdt, chosen, "stdout-path", &path)) {
        const char *options = hull_strchr(path, ':');
        size_t length = options ? (size_t)(options - path) : hull_strlen(path);

        if (length < sizeof(name)) {
            memcpy(name, path, length);
            name[length] = 0;
            node = hull_fdt_find_path(&p->fdt, name);
        }
    }
    if (node != HULL_FDT_NONE && (hull_fdt_is_compatible(&p->fdt, node, "ns16550a") ||
                                  hull_fdt_is_compatible(&p->fdt, node, "snps,dw-apb-uart")))
        return node;
    node = hull_fdt_find_compatible(&p->fdt, HULL_FDT_NONE, "ns16550a");
    return node != HULL_FDT_NONE
               ? node
               : hull_fdt_find_compatible(&p->fdt, HULL_FDT_NONE, "snps,dw-apb-uart");
}

static void read_uart(struct platform *p)
{
    uint32_t node = find_uart(p), value, length;
    const uint8_t *cells;

    if (node == HULL_FDT_NONE || hull_fdt_get_reg(&p->fdt, node, 0, &p->uart.base, &p->uart.size))
        return;
    p->uart_shift = !hull_fdt_get_u32(&p->fdt, node, "reg-shift", &value) && value < 4 ? value : 0;
    p->uart_width = !hull_fdt_get_u32(&p->fdt, node, "reg-io-width", &value) && value == 4 ? 4 : 1;
    // The first cell is its number, whatever else there is.
    if (!hull_fdt_get(&p->fdt, node, "interrupts", &cells, &length) && length >= 4)
        p->uart_irq = hull_load_be32(cells);
    p->uart_fifo = hull_fdt_is_compatible(&p->fdt, node, "ns16550a") ? 16 : 1;
    if (!hull_fdt_get_u32(&p->fdt, node, "fifo-size", &value) && value)
        p->uart_fifo = value;
}

int platform_read(struct platform *platform, const void *dtb, const char **what)
{
    const uint8_t *header = dtb;
    int error;

    memset(platform, 0, sizeof(*platform));
    *what = "the device tree is not readable";
    if (!dtb || hull_load_be32(header) != 0xd00dfeed || hull_load_be32(header + 4) > DTB_SIZE_MAX)
        return -HULL_EFORMAT;
    error = hull_fdt_open(&platform->fdt, dtb, hull_load_be32(header + 4));
    if (error)
        return error;
    if (hull_fdt_get_string(&platform->fdt, hull_fdt_root(&platform->fdt), "model",
                            &platform->model))
        platform->model = "unknown board";
    read_harts(platform);
    read_memory(platform);
    read_reserved(platform);
    read_chosen(platform);
    read_uart(platform);
    irqchip_read(platform);
    *what = "the device tree names no memory";
    if (!platform->memory_count)
        return -HULL_ENOENT;
    *what = "the device tree names no harts";
    return platform->hart_count ? 0 : -HULL_ENOENT;
}
