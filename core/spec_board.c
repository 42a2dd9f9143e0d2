// SPDX-License-Identifier: Apache-2.0
// The description of a board: its defaults and its validator. Whether VMs fit onto it is looked at in
// spec_fit.c.
#include <hull/spec.h>

#include "core/spec_check.h"
#include "lib/checked.h"
#include "lib/format.h"
#include "lib/mem.h"
#include "lib/str.h"

#define SOURCES_MAX 1023 // of a PLIC, and of an APLIC
#define TEXT_MAX 127     // of a compatible string

void hull_board_defaults(struct board_spec *board)
{
    memset(board, 0, sizeof(*board));
    board->timebase = 10000000;
    board->hypervisor_memory = 2ull << 20;
    board->irqchips = BOARD_PLIC; // all that older bundles have
    board->irq_sources = 95;
}

const struct board_device *hull_board_device(const struct board_spec *board, const char *name)
{
    for (unsigned i = 0; name && i < board->device_count && i < HULL_BOARD_DEVICES_MAX; i++)
        if (board->devices[i].name && hull_streq(board->devices[i].name, name))
            return &board->devices[i];
    return NULL;
}

static int check_harts(const struct board_spec *board, const struct spec_check *to)
{
    char field[24];
    int bad = 0;

    if (board->hart_count < 1 || board->hart_count > HULL_CPUS_MAX)
        return hull_spec_fault(to, "harts", "are %u; they must be 1 to %u", board->hart_count,
                               HULL_CPUS_MAX);
    for (unsigned i = 0; i < board->hart_count; i++)
        for (unsigned j = 0; j < i; j++)
            if (board->harts[i] == board->harts[j]) {
                hull_snprintf(field, sizeof(field), "harts[%u]", i);
                bad =
                    hull_spec_fault(to, field, "is hart %u again (also [%u])", board->harts[i], j);
                break;
            }
    return bad;
}

static int check_range(const struct spec_check *to, const char *field, uint64_t address,
                       uint64_t size)
{
    if (!size || !hull_is_aligned_u64(size, HULL_PAGE_SIZE))
        return hull_spec_fault(to, field, "has %llu bytes; it must be a multiple of 4 KiB",
                               (unsigned long long)size);
    if (!hull_is_aligned_u64(address, HULL_PAGE_SIZE))
        return hull_spec_fault(to, field, "is at 0x%llx, no multiple of 4 KiB",
                               (unsigned long long)address);
    if (!hull_range_valid(address, size))
        return hull_spec_fault(to, field, "goes past the end of all addresses");
    return 0;
}

// Each range of memory, and that none lies in another.
static int check_memory(const struct board_spec *board, const struct spec_check *to)
{
    char field[24];
    int bad = 0;

    if (board->memory_count < 1 || board->memory_count > HULL_BOARD_MEMORY_MAX)
        return hull_spec_fault(to, "memory", "has %u ranges; it must be 1 to %u",
                               board->memory_count, HULL_BOARD_MEMORY_MAX);
    for (unsigned i = 0; i < board->memory_count; i++) {
        const struct board_range *range = &board->memory[i];

        hull_snprintf(field, sizeof(field), "memory[%u]", i);
        bad |= check_range(to, field, range->address, range->size);
        for (unsigned j = 0; j < i; j++)
            if (hull_range_overlaps(range->address, range->size, board->memory[j].address,
                                    board->memory[j].size))
                bad = hull_spec_fault(to, field, "overlaps memory[%u]", j);
    }
    return bad;
}

static int check_reserved(const struct board_spec *board, const struct spec_check *to)
{
    char field[24];
    int bad = 0;

    if (board->reserved_count > HULL_BOARD_RESERVED_MAX)
        return hull_spec_fault(to, "reserved", "has %u ranges; there may be %u",
                               board->reserved_count, HULL_BOARD_RESERVED_MAX);
    for (unsigned i = 0; i < board->reserved_count; i++) {
        const struct board_range *range = &board->reserved[i];

        hull_snprintf(field, sizeof(field), "reserved[%u]", i);
        bad |= check_range(to, field, range->address, range->size);
        bad |= hull_spec_check_name(to, field, range->name, HULL_SPEC_NAME_MAX);
        for (unsigned j = 0; j < i; j++)
            if (hull_range_overlaps(range->address, range->size, board->reserved[j].address,
                                    board->reserved[j].size))
                bad = hull_spec_fault(to, field, "overlaps reserved[%u]", j);
    }
    return bad;
}

enum { UART, IRQCHIP, IMSIC, PASSED };

// Device n of the board: the UART, the PLIC or APLIC, the IMSICs, then those that may be passed through.
static const struct board_device *device_number(const struct board_spec *board, unsigned n,
                                                char field[24])
{
    const struct board_device *const own[] = {&board->uart, &board->irqchip, &board->imsic};
    const char *const names[] = {"uart", board->irqchips & BOARD_APLIC ? "aplic" : "plic", "imsic"};

    hull_snprintf(field, 24, n < PASSED ? names[n] : "devices[%u]", n - PASSED);
    return n < PASSED ? own[n] : &board->devices[n - PASSED];
}

static int check_compatible(const struct spec_check *to, const char *field, const char *text)
{
    size_t length = text ? hull_strnlen(text, TEXT_MAX + 1) : 0;

    if (!length || length > TEXT_MAX)
        return hull_spec_fault(to, field, "needs a \"compatible\" text of at most %u characters",
                               TEXT_MAX);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f)
            return hull_spec_fault(to, field, "has a \"compatible\" text with a space or worse");
    return 0;
}

static int check_irq(const struct board_spec *board, unsigned n, const struct spec_check *to)
{
    char field[24], other[24];
    const struct board_device *device = device_number(board, n, field);

    if (device->irq > board->irq_sources)
        return hull_spec_fault(to, field, "has interrupt %u; the %s has 1 to %u", device->irq,
                               board->irqchips & BOARD_APLIC ? "APLIC" : "PLIC",
                               board->irq_sources);
    for (unsigned j = 0; device->irq && j < n; j++)
        if (device_number(board, j, other)->irq == device->irq) {
            device_number(board, n, field);
            return hull_spec_fault(to, field, "has interrupt %u, as %s", device->irq, other);
        }
    return 0;
}

static int check_device_place(const struct board_spec *board, unsigned n,
                              const struct spec_check *to)
{
    char field[24], other[24];
    const struct board_device *device = device_number(board, n, field);
    int bad = check_range(to, field, device->address, device->size);

    for (unsigned j = 0; !bad && j < n; j++) {
        const struct board_device *before = device_number(board, j, other);

        if (hull_range_overlaps(device->address, device->size, before->address, before->size))
            bad = hull_spec_fault(to, field, "overlaps %s", other);
    }
    for (unsigned j = 0; !bad && j < board->memory_count && j < HULL_BOARD_MEMORY_MAX; j++)
        if (hull_range_overlaps(device->address, device->size, board->memory[j].address,
                                board->memory[j].size))
            bad = hull_spec_fault(to, field, "overlaps memory[%u]", j);
    return bad;
}

static int check_device(const struct board_spec *board, unsigned n, const struct spec_check *to)
{
    char field[24], other[24];
    const struct board_device *device = device_number(board, n, field);
    int bad = check_device_place(board, n, to);

    bad |= check_irq(board, n, to);
    if (n != IRQCHIP && n != IMSIC)
        bad |= check_compatible(to, field, device->compatible);
    if (n < PASSED)
        return bad;
    if (hull_spec_check_name(to, field, device->name, HULL_SPEC_NAME_MAX))
        return -HULL_EINVAL;
    for (unsigned j = PASSED; j < n; j++) {
        const char *name = device_number(board, j, other)->name;

        if (name && hull_streq(name, device->name))
            bad = hull_spec_fault(to, field, "is called '%s', as %s", name, other);
    }
    return bad;
}

// Each hart has a page for its own file, and one for each of its guest files.
static int check_imsic(const struct board_spec *board, const struct spec_check *to)
{
    uint64_t least = (1ull + board->imsic_guest_files) * board->hart_count * HULL_PAGE_SIZE;

    if (!(board->irqchips & BOARD_IMSIC))
        return 0;
    if (!(board->irqchips & BOARD_APLIC))
        return hull_spec_fault(to, "imsic", "needs an \"aplic\" that sends to it");
    if (board->imsic_guest_files > HULL_BOARD_GUEST_FILES_MAX)
        return hull_spec_fault(to, "imsic.guest_files", "is %u; it must be 0 to %u",
                               board->imsic_guest_files, HULL_BOARD_GUEST_FILES_MAX);
    if (board->imsic.size < least)
        return hull_spec_fault(to, "imsic.size",
                               "is 0x%llx bytes; %u harts with %u guest files each have 0x%llx",
                               (unsigned long long)board->imsic.size, board->hart_count,
                               board->imsic_guest_files, (unsigned long long)least);
    return 0;
}

static int check_irqchips(const struct board_spec *board, const struct spec_check *to)
{
    const uint32_t either = BOARD_PLIC | BOARD_APLIC;
    char field[24];

    if (board->irqchips & ~(either | BOARD_IMSIC))
        return hull_spec_fault(to, "plic", "is of unknown kind (0x%x)", board->irqchips);
    if (!(board->irqchips & either))
        return hull_spec_fault(to, "plic", "is missing, and \"aplic\" as well");
    if ((board->irqchips & either) == either)
        return hull_spec_fault(to, "aplic", "is there besides \"plic\"; a board has one of them");
    (void)device_number(board, IRQCHIP, field);
    if (!board->irq_sources || board->irq_sources > SOURCES_MAX)
        return hull_spec_fault(to, field, "has %u sources; it must be 1 to %u", board->irq_sources,
                               SOURCES_MAX);
    return 0;
}

static int check_devices(const struct board_spec *board, const struct spec_check *to)
{
    unsigned count = board->device_count;
    int bad = check_irqchips(board, to) | check_imsic(board, to);

    if (count > HULL_BOARD_DEVICES_MAX) {
        bad = hull_spec_fault(to, "devices", "are %u; there may be %u", count,
                              HULL_BOARD_DEVICES_MAX);
        count = HULL_BOARD_DEVICES_MAX;
    }
    for (unsigned n = 0; n < count + PASSED; n++)
        if (n != IMSIC || board->irqchips & BOARD_IMSIC)
            bad |= check_device(board, n, to);
    return bad;
}

int hull_board_validate(const struct board_spec *board, const struct spec_sink *sink)
{
    const struct spec_check check = {HULL_SPEC_BOARD, sink}, *to = &check;
    int bad = hull_spec_check_name(to, "name", board->name, HULL_SPEC_NAME_MAX);

    bad |= check_harts(board, to);
    if (board->timebase < 1000 || board->timebase > 1000000000)
        bad = hull_spec_fault(to, "timebase", "is %llu Hz; it must be 1 kHz to 1 GHz",
                              (unsigned long long)board->timebase);
    bad |= check_memory(board, to);
    bad |= check_reserved(board, to);
    if (board->bundle_address && !hull_is_aligned_u64(board->bundle_address, HULL_PAGE_SIZE))
        bad = hull_spec_fault(to, "bundle_address", "is 0x%llx, no multiple of 4 KiB",
                              (unsigned long long)board->bundle_address);
    if (board->hypervisor_memory < 1 << 20 || board->hypervisor_memory > 1ull << 30)
        bad = hull_spec_fault(to, "hypervisor_memory", "is %llu bytes; it must be 1 MiB to 1 GiB",
                              (unsigned long long)board->hypervisor_memory);
    if (board->page_colours > HULL_SPEC_COLOURS_MAX ||
        (board->page_colours & (board->page_colours - 1)))
        bad = hull_spec_fault(to, "page_colours", "are %u; it must be a power of two, at most %u",
                              board->page_colours, HULL_SPEC_COLOURS_MAX);
    return check_devices(board, to) | bad;
}
