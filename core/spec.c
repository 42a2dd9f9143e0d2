// SPDX-License-Identifier: Apache-2.0
// The VM spec: its defaults and its one validator. Every producer's strings and numbers are suspect.
#include <hull/spec.h>

#include <stdarg.h>

#include "core/spec_check.h"
#include "lib/checked.h"
#include "lib/format.h"
#include "lib/mem.h"
#include "lib/str.h"

#define FILE_MAX_LEN 4095
#define DISK_ID_MAX 20
#define MIB (1ull << 20)

void hull_spec_defaults(struct vm_spec *spec)
{
    memset(spec, 0, sizeof(*spec));
    spec->name = "hull";
    spec->cpus = 1;
    spec->memory = 1024 * MIB;
    spec->engine = ENGINE_AUTO;
    spec->net_count = 1;
    spec->nets[0].kind = NET_USER;
    spec->console = CONSOLE_STDIO;
    spec->rng = true;
    spec->balloon = true;
    spec->guest_files = HULL_SPEC_GUEST_FILES_DEFAULT;
    hull_spec_metal_defaults(&spec->metal);
}

int hull_spec_fault(const struct spec_check *to, const char *field, const char *reason, ...)
{
    struct spec_error error;
    va_list args;

    va_start(args, reason);
    hull_strlcpy(error.field, field, sizeof(error.field));
    hull_vsnprintf(error.reason, sizeof(error.reason), reason, args);
    va_end(args);
    to->sink->fault(to->sink->ctx, to->vm, &error);
    return -HULL_EINVAL;
}

bool hull_spec_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

// Names become parts of file names and of the guest's host name.
int hull_spec_check_name(const struct spec_check *to, const char *field, const char *name,
                         size_t max)
{
    size_t len = name ? hull_strnlen(name, max + 1) : 0;

    if (!len)
        return hull_spec_fault(to, field, "is empty");
    if (len > max)
        return hull_spec_fault(to, field, "is longer than %zu characters", max);
    for (size_t i = 0; i < len; i++)
        if (!hull_spec_name_char(name[i]))
            return hull_spec_fault(to, field, "may hold letters, digits, '-', '_' and '.' only");
    if (name[0] == '-' || name[0] == '.')
        return hull_spec_fault(to, field, "starts with '%c'", name[0]);
    return 0;
}

static int check_file(const char *field, const char *file, const struct spec_check *to)
{
    if (!file || !file[0])
        return hull_spec_fault(to, field, "names no file");
    if (hull_strnlen(file, FILE_MAX_LEN + 1) > FILE_MAX_LEN)
        return hull_spec_fault(to, field, "is longer than %u characters", FILE_MAX_LEN);
    return 0;
}

static int check_memory(const struct vm_spec *spec, const struct spec_check *to)
{
    if (spec->memory < HULL_SPEC_MEMORY_MIN || spec->memory > HULL_SPEC_MEMORY_MAX)
        return hull_spec_fault(to, "memory", "is %llu bytes; it must be 16 MiB to 1 TiB",
                               (unsigned long long)spec->memory);
    if (!hull_is_aligned_u64(spec->memory, 2 * MIB))
        return hull_spec_fault(to, "memory", "is %llu bytes, no multiple of 2 MiB",
                               (unsigned long long)spec->memory);
    return 0;
}

static int check_machine(const struct vm_spec *spec, const struct spec_check *to)
{
    int bad = hull_spec_check_name(to, "name", spec->name, HULL_SPEC_NAME_MAX);

    if (spec->cpus < 1 || spec->cpus > HULL_CPUS_MAX)
        bad = hull_spec_fault(to, "cpus", "is %u; it must be 1 to %u", spec->cpus, HULL_CPUS_MAX);
    bad |= check_memory(spec, to);
    if ((unsigned)spec->engine > ENGINE_JIT)
        bad = hull_spec_fault(to, "engine", "is unknown (number %d)", (int)spec->engine);
    return bad;
}

static int check_interrupts(const struct vm_spec *spec, const struct spec_check *to)
{
    int bad = 0;

    if ((unsigned)spec->interrupts > INTERRUPTS_AIA)
        bad = hull_spec_fault(to, "interrupts", "is unknown (number %d)", (int)spec->interrupts);
    if (spec->guest_files > HULL_SPEC_GUEST_FILES_MAX)
        bad = hull_spec_fault(to, "guest_files", "is %u; it must be 0 to %u", spec->guest_files,
                              HULL_SPEC_GUEST_FILES_MAX);
    return bad;
}

static int check_append(const char *append, const struct spec_check *to)
{
    size_t len = hull_strnlen(append, HULL_SPEC_APPEND_MAX + 1);

    if (len > HULL_SPEC_APPEND_MAX)
        return hull_spec_fault(to, "boot.append", "is longer than %u characters",
                               HULL_SPEC_APPEND_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)append[i] < ' ' || append[i] == 0x7f)
            return hull_spec_fault(to, "boot.append", "holds a control character");
    return 0;
}

static int check_boot(const struct boot_spec *boot, const struct spec_check *to)
{
    int bad = 0;

    if (!boot->kernel && !boot->firmware)
        return hull_spec_fault(to, "boot", "needs a kernel or firmware");
    if (boot->kernel)
        bad |= check_file("boot.kernel", boot->kernel, to);
    if (boot->firmware)
        bad |= check_file("boot.firmware", boot->firmware, to);
    if (boot->initrd && !boot->kernel)
        bad = hull_spec_fault(to, "boot.initrd", "goes with a kernel, and there is none");
    else if (boot->initrd)
        bad |= check_file("boot.initrd", boot->initrd, to);
    if (boot->append && !boot->kernel)
        bad = hull_spec_fault(to, "boot.append", "goes with a kernel, and there is none");
    else if (boot->append)
        bad |= check_append(boot->append, to);
    return bad;
}

// The id that a disk has in effect.
static const char *disk_id(const struct vm_spec *spec, unsigned i, char own[16])
{
    if (spec->disks[i].id)
        return spec->disks[i].id;
    hull_snprintf(own, 16, "disk%u", i);
    return own;
}

static int check_disk_file(const struct vm_spec *spec, unsigned i, const struct spec_check *to)
{
    const struct disk_spec *disk = &spec->disks[i];
    char field[32];
    int bad;

    hull_snprintf(field, sizeof(field), "disks[%u].file", i);
    bad = check_file(field, disk->file, to);
    for (unsigned j = 0; !bad && j < i; j++)
        if (spec->disks[j].file && hull_streq(disk->file, spec->disks[j].file) &&
            !(disk->read_only && spec->disks[j].read_only))
            bad = hull_spec_fault(to, field,
                                  "is used twice (also by disks[%u]); both must be read-only", j);
    return bad;
}

static int check_disk(const struct vm_spec *spec, unsigned i, const struct spec_check *to)
{
    const struct disk_spec *disk = &spec->disks[i];
    char field[32], own[16], others[16];
    int bad = 0;

    hull_snprintf(field, sizeof(field), "disks[%u].id", i);
    if (disk->id)
        bad = hull_spec_check_name(to, field, disk->id, DISK_ID_MAX);
    for (unsigned j = 0; !bad && j < i; j++)
        if (hull_streq(disk_id(spec, i, own), disk_id(spec, j, others)))
            bad = hull_spec_fault(to, field, "is used twice (also by disks[%u])", j);
    return check_disk_file(spec, i, to) | bad;
}

static int check_disks(const struct vm_spec *spec, const struct spec_check *to)
{
    int bad = 0;

    if (spec->disk_count > HULL_SPEC_DISKS_MAX)
        return hull_spec_fault(to, "disks", "are %u; there may be %u", spec->disk_count,
                               HULL_SPEC_DISKS_MAX);
    for (unsigned i = 0; i < spec->disk_count; i++)
        bad |= check_disk(spec, i, to);
    return bad;
}

static int check_console(const struct vm_spec *spec, const struct spec_check *to)
{
    switch (spec->console) {
    case CONSOLE_FILE:
    case CONSOLE_UNIX: return check_file("console_path", spec->console_path, to);
    case CONSOLE_STDIO:
    case CONSOLE_PTY:
    case CONSOLE_NONE:
        if (spec->console_path)
            return hull_spec_fault(to, "console_path", "goes with a file or unix console only");
        return 0;
    }
    return hull_spec_fault(to, "console", "is unknown (number %d)", (int)spec->console);
}

unsigned hull_spec_slots(const struct vm_spec *spec)
{
    unsigned slots = spec->disk_count + spec->rng + spec->balloon + spec->virtio_console;

    for (unsigned i = 0; i < spec->net_count; i++)
        slots += spec->nets[i].kind != NET_NONE;
    return slots;
}

int hull_spec_validate_all(const struct vm_spec *spec, unsigned vm, const struct spec_sink *sink)
{
    const struct spec_check check = {vm, sink}, *to = &check;
    int bad = check_machine(spec, to);

    bad |= check_interrupts(spec, to);
    bad |= check_boot(&spec->boot, to);
    bad |= check_disks(spec, to);
    bad |= hull_spec_check_nets(spec, to);
    bad |= check_console(spec, to);
    bad |= hull_spec_check_metal(spec, to);
    // What there is too much of has been said already.
    if (spec->disk_count <= HULL_SPEC_DISKS_MAX && spec->net_count <= HULL_SPEC_NETS_MAX &&
        hull_spec_slots(spec) > HULL_SPEC_VIRTIO_MAX)
        bad = hull_spec_fault(to, "devices",
                              "are %u (disks, nets, rng, balloon, virtio console); the board has "
                              "%u slots",
                              hull_spec_slots(spec), HULL_SPEC_VIRTIO_MAX);
    return bad;
}

// Keeps the first of several faults.
struct first_fault {
    struct spec_error *error;
    bool there;
};

static void keep_first(void *ctx, unsigned vm, const struct spec_error *error)
{
    struct first_fault *first = ctx;

    (void)vm;
    if (!first->there)
        *first->error = *error;
    first->there = true;
}

int hull_spec_validate(const struct vm_spec *spec, struct spec_error *error)
{
    struct first_fault first = {error, false};
    const struct spec_sink sink = {keep_first, &first};

    return hull_spec_validate_all(spec, 0, &sink);
}
