// SPDX-License-Identifier: Apache-2.0
// The VM spec: its defaults and its one validator. Every producer's strings and numbers are suspect.
#include <hull/spec.h>

#include <stdarg.h>

#include "core/spec_net.h"
#include "lib/checked.h"
#include "lib/format.h"
#include "lib/mem.h"
#include "lib/str.h"

#define NAME_MAX_LEN 63
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
}

int hull_spec_fault(struct spec_error *error, const char *field, const char *reason, ...)
{
    va_list args;

    va_start(args, reason);
    hull_strlcpy(error->field, field, sizeof(error->field));
    hull_vsnprintf(error->reason, sizeof(error->reason), reason, args);
    va_end(args);
    return -HULL_EINVAL;
}

bool hull_spec_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
}

// Names become parts of file names and of the guest's host name.
static int check_name(const char *field, const char *name, size_t max, struct spec_error *error)
{
    size_t len = name ? hull_strnlen(name, max + 1) : 0;

    if (!len)
        return hull_spec_fault(error, field, "is empty");
    if (len > max)
        return hull_spec_fault(error, field, "is longer than %zu characters", max);
    for (size_t i = 0; i < len; i++)
        if (!hull_spec_name_char(name[i]))
            return hull_spec_fault(error, field, "may hold letters, digits, '-', '_' and '.' only");
    if (name[0] == '-' || name[0] == '.')
        return hull_spec_fault(error, field, "starts with '%c'", name[0]);
    return 0;
}

static int check_file(const char *field, const char *file, struct spec_error *error)
{
    if (!file || !file[0])
        return hull_spec_fault(error, field, "names no file");
    if (hull_strnlen(file, FILE_MAX_LEN + 1) > FILE_MAX_LEN)
        return hull_spec_fault(error, field, "is longer than %u characters", FILE_MAX_LEN);
    return 0;
}

static int check_machine(const struct vm_spec *spec, struct spec_error *error)
{
    int bad = check_name("name", spec->name, NAME_MAX_LEN, error);

    if (bad)
        return bad;
    if (spec->cpus < 1 || spec->cpus > HULL_CPUS_MAX)
        return hull_spec_fault(error, "cpus", "is %u; it must be 1 to %u", spec->cpus,
                               HULL_CPUS_MAX);
    if (spec->memory < HULL_SPEC_MEMORY_MIN || spec->memory > HULL_SPEC_MEMORY_MAX)
        return hull_spec_fault(error, "memory", "is %llu bytes; it must be 16 MiB to 1 TiB",
                               (unsigned long long)spec->memory);
    if (!hull_is_aligned_u64(spec->memory, 2 * MIB))
        return hull_spec_fault(error, "memory", "is %llu bytes, no multiple of 2 MiB",
                               (unsigned long long)spec->memory);
    if ((unsigned)spec->engine > ENGINE_JIT)
        return hull_spec_fault(error, "engine", "is unknown (number %d)", (int)spec->engine);
    return 0;
}

static int check_append(const char *append, struct spec_error *error)
{
    size_t len = hull_strnlen(append, HULL_SPEC_APPEND_MAX + 1);

    if (len > HULL_SPEC_APPEND_MAX)
        return hull_spec_fault(error, "boot.append", "is longer than %u characters",
                               HULL_SPEC_APPEND_MAX);
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)append[i] < ' ' || append[i] == 0x7f)
            return hull_spec_fault(error, "boot.append", "holds a control character");
    return 0;
}

static int check_boot(const struct boot_spec *boot, struct spec_error *error)
{
    int bad = 0;

    if (!boot->kernel && !boot->firmware)
        return hull_spec_fault(error, "boot", "needs a kernel or firmware");
    if (boot->kernel)
        bad = check_file("boot.kernel", boot->kernel, error);
    if (!bad && boot->firmware)
        bad = check_file("boot.firmware", boot->firmware, error);
    if (!bad && boot->initrd)
        bad = check_file("boot.initrd", boot->initrd, error);
    if (bad)
        return bad;
    if (boot->initrd && !boot->kernel)
        return hull_spec_fault(error, "boot.initrd", "goes with a kernel, and there is none");
    if (boot->append && !boot->kernel)
        return hull_spec_fault(error, "boot.append", "goes with a kernel, and there is none");
    return boot->append ? check_append(boot->append, error) : 0;
}

// The id that a disk has in effect.
static const char *disk_id(const struct vm_spec *spec, unsigned i, char own[16])
{
    if (spec->disks[i].id)
        return spec->disks[i].id;
    hull_snprintf(own, 16, "disk%u", i);
    return own;
}

static int check_disk(const struct vm_spec *spec, unsigned i, struct spec_error *error)
{
    const struct disk_spec *disk = &spec->disks[i];
    char field[32], own[16], others[16];
    int bad;

    hull_snprintf(field, sizeof(field), "disks[%u].file", i);
    bad = check_file(field, disk->file, error);
    for (unsigned j = 0; !bad && j < i; j++)
        if (hull_streq(disk->file, spec->disks[j].file) &&
            !(disk->read_only && spec->disks[j].read_only))
            bad = hull_spec_fault(error, field,
                                  "is used twice (also by disks[%u]); both must be read-only", j);
    hull_snprintf(field, sizeof(field), "disks[%u].id", i);
    if (!bad && disk->id)
        bad = check_name(field, disk->id, DISK_ID_MAX, error);
    for (unsigned j = 0; !bad && j < i; j++)
        if (hull_streq(disk_id(spec, i, own), disk_id(spec, j, others)))
            bad = hull_spec_fault(error, field, "is used twice (also by disks[%u])", j);
    return bad;
}

static int check_disks(const struct vm_spec *spec, struct spec_error *error)
{
    int bad = 0;

    if (spec->disk_count > HULL_SPEC_DISKS_MAX)
        return hull_spec_fault(error, "disks", "are %u; there may be %u", spec->disk_count,
                               HULL_SPEC_DISKS_MAX);
    for (unsigned i = 0; !bad && i < spec->disk_count; i++)
        bad = check_disk(spec, i, error);
    return bad;
}

static int check_console(const struct vm_spec *spec, struct spec_error *error)
{
    switch (spec->console) {
    case CONSOLE_FILE:
    case CONSOLE_UNIX: return check_file("console_path", spec->console_path, error);
    case CONSOLE_STDIO:
    case CONSOLE_PTY:
    case CONSOLE_NONE:
        if (spec->console_path)
            return hull_spec_fault(error, "console_path", "goes with a file or unix console only");
        return 0;
    }
    return hull_spec_fault(error, "console", "is unknown (number %d)", (int)spec->console);
}

unsigned hull_spec_slots(const struct vm_spec *spec)
{
    unsigned slots = spec->disk_count + spec->rng + spec->balloon + spec->virtio_console;

    for (unsigned i = 0; i < spec->net_count; i++)
        slots += spec->nets[i].kind != NET_NONE;
    return slots;
}

int hull_spec_validate(const struct vm_spec *spec, struct spec_error *error)
{
    int bad = check_machine(spec, error);

    if (!bad)
        bad = check_boot(&spec->boot, error);
    if (!bad)
        bad = check_disks(spec, error);
    if (!bad)
        bad = hull_spec_check_nets(spec, error);
    if (!bad)
        bad = check_console(spec, error);
    if (bad)
        return bad;
    if (hull_spec_slots(spec) > HULL_SPEC_VIRTIO_MAX)
        return hull_spec_fault(error, "devices",
                               "are %u (disks, nets, rng, balloon, virtio console); the board has "
                               "%u slots",
                               hull_spec_slots(spec), HULL_SPEC_VIRTIO_MAX);
    return 0;
}
