// SPDX-License-Identifier: Apache-2.0
// The reader's half of the bundle. Whoever wrote the file may have meant harm, or the memory that it
// was loaded to may have been written over: everything is looked at before it is used.
#include "core/bundle_code.h"
#include "core/bundle_table.h"
#include "lib/bytes.h"
#include "lib/checked.h"
#include "lib/format.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "lib/xxh64.h"

#include <stdarg.h>

static int bundle_fail(struct bundle_error *error, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int bundle_fail(struct bundle_error *error, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    hull_vsnprintf(error->reason, sizeof(error->reason), format, args);
    va_end(args);
    return code;
}

static const char *type_name(uint32_t type)
{
    switch (type) {
    case BUNDLE_BOARD: return "the board";
    case BUNDLE_VM: return "a VM";
    case BUNDLE_BLOB: return "a file";
    default: return "unknown";
    }
}

uint32_t hull_bundle_type_version(uint32_t type)
{
    switch (type) {
    case BUNDLE_BOARD: return HULL_BUNDLE_BOARD_VERSION;
    case BUNDLE_VM: return HULL_BUNDLE_VM_VERSION;
    case BUNDLE_BLOB: return HULL_BUNDLE_BLOB_VERSION;
    default: return 0;
    }
}

void hull_bundle_entry(const struct bundle *bundle, uint32_t index, struct bundle_entry *entry)
{
    const uint8_t *at =
        bundle->data + HULL_BUNDLE_HEADER_SIZE + (size_t)index * HULL_BUNDLE_ENTRY_SIZE;

    entry->type = hull_load_le32(at + ENTRY_TYPE);
    entry->version = hull_load_le32(at + ENTRY_VERSION);
    entry->offset = hull_load_le64(at + ENTRY_OFFSET);
    entry->size = hull_load_le64(at + ENTRY_SIZE);
    entry->sum = hull_load_le64(at + ENTRY_SUM);
}

static uint64_t head_size(const struct bundle *bundle)
{
    return HULL_BUNDLE_HEADER_SIZE + (uint64_t)bundle->section_count * HULL_BUNDLE_ENTRY_SIZE;
}

// Header and table as if the checksum's own field were zero.
static uint64_t head_sum(const struct bundle *bundle)
{
    struct hull_xxh64 state;
    uint8_t head[HULL_BUNDLE_HEADER_SIZE];

    memcpy(head, bundle->data, sizeof(head));
    memset(head + HEAD_SUM, 0, 8);
    hull_xxh64_init(&state);
    hull_xxh64_add(&state, head, sizeof(head));
    return hull_xxh64_end(&state, bundle->data + sizeof(head),
                          (size_t)head_size(bundle) - sizeof(head));
}

static int open_head(struct bundle *bundle, uint64_t size, struct bundle_error *error)
{
    const uint8_t *head = bundle->data;
    uint32_t version;

    if (size < HULL_BUNDLE_HEADER_SIZE)
        return bundle_fail(error, -HULL_EFORMAT, "has %llu bytes, too few for a bundle",
                           (unsigned long long)size);
    if (memcmp(head + HEAD_MAGIC, HULL_BUNDLE_MAGIC, 8) != 0)
        return bundle_fail(error, -HULL_EFORMAT, "is no bundle: it does not begin with %s",
                           HULL_BUNDLE_MAGIC);
    version = hull_load_le32(head + HEAD_VERSION);
    if (version > HULL_BUNDLE_VERSION)
        return bundle_fail(error, -HULL_EVERSION,
                           "was made by a newer Hull: format %u, and this one reads up to %u",
                           version, HULL_BUNDLE_VERSION);
    bundle->size = hull_load_le64(head + HEAD_SIZE);
    bundle->section_count = hull_load_le32(head + HEAD_COUNT);
    if (bundle->size > size)
        return bundle_fail(error, -HULL_EFORMAT, "is cut short: %llu bytes of %llu",
                           (unsigned long long)size, (unsigned long long)bundle->size);
    if (bundle->section_count > HULL_BUNDLE_SECTIONS_MAX || head_size(bundle) > bundle->size)
        return bundle_fail(error, -HULL_EFORMAT, "is damaged: %u sections in %llu bytes",
                           bundle->section_count, (unsigned long long)bundle->size);
    if (head_sum(bundle) != hull_load_le64(head + HEAD_SUM))
        return bundle_fail(error, -HULL_EFORMAT, "is damaged: the checksum of its header is wrong");
    return version ? 0 : bundle_fail(error, -HULL_EFORMAT, "is of format 0, which never was");
}

// The type, place and size of section `index`.
static int check_entry(const struct bundle *bundle, uint32_t index, uint64_t *end,
                       struct bundle_error *error)
{
    struct bundle_entry entry;
    uint32_t newest;

    hull_bundle_entry(bundle, index, &entry);
    newest = hull_bundle_type_version(entry.type);
    if (!newest && !(entry.type & HULL_BUNDLE_OPTIONAL))
        return bundle_fail(error, -HULL_EVERSION,
                           "was made by a newer Hull: section %u is of type %u, unknown here",
                           index, entry.type);
    if (newest && entry.version > newest)
        return bundle_fail(error, -HULL_EVERSION,
                           "was made by a newer Hull: section %u (%s) is of version %u, and this "
                           "one reads up to %u",
                           index, type_name(entry.type), entry.version, newest);
    if (newest && !entry.version)
        return bundle_fail(error, -HULL_EFORMAT, "is damaged: section %u is of version 0", index);
    // In the table's order and apart from each other: nothing overlaps.
    if (entry.offset < *end || entry.offset > bundle->size ||
        entry.size > bundle->size - entry.offset)
        return bundle_fail(error, -HULL_EFORMAT,
                           "is damaged: section %u (%s) lies outside of it, or in another", index,
                           type_name(entry.type));
    if (entry.type == BUNDLE_BLOB && !hull_is_aligned_u64(entry.offset, HULL_BUNDLE_ALIGN))
        return bundle_fail(error, -HULL_EFORMAT, "is damaged: section %u (a file) is not aligned",
                           index);
    if ((entry.type == BUNDLE_BOARD || entry.type == BUNDLE_VM) &&
        entry.size > HULL_BUNDLE_SPEC_MAX)
        return bundle_fail(error, -HULL_EFORMAT, "is damaged: section %u (%s) has %llu bytes",
                           index, type_name(entry.type), (unsigned long long)entry.size);
    *end = entry.offset + entry.size;
    return 0;
}

static int check_sum(const struct bundle *bundle, uint32_t index, struct bundle_error *error)
{
    struct bundle_entry entry;

    hull_bundle_entry(bundle, index, &entry);
    if (hull_xxh64(bundle->data + entry.offset, (size_t)entry.size) == entry.sum)
        return 0;
    return bundle_fail(error, -HULL_EFORMAT,
                       "is damaged: the checksum of section %u (%s, %llu bytes at 0x%llx) is wrong",
                       index, type_name(entry.type), (unsigned long long)entry.size,
                       (unsigned long long)entry.offset);
}

static int open_table(struct bundle *bundle, struct bundle_error *error)
{
    uint64_t end = head_size(bundle);
    int bad = 0;

    for (uint32_t i = 0; !bad && i < bundle->section_count; i++) {
        struct bundle_entry entry;

        bad = check_entry(bundle, i, &end, error);
        hull_bundle_entry(bundle, i, &entry);
        if (bad)
            break;
        if ((entry.type == BUNDLE_BOARD) != (i == 0))
            return bundle_fail(error, -HULL_EFORMAT, "has %s",
                               i ? "two boards" : "something else where the board should be");
        if (entry.type != BUNDLE_BOARD && entry.type != BUNDLE_VM)
            continue;
        bad = check_sum(bundle, i, error);
        if (entry.type == BUNDLE_VM && bundle->vm_count == HULL_BUNDLE_VMS_MAX)
            return bundle_fail(error, -HULL_EFORMAT, "has more than %u VMs", HULL_BUNDLE_VMS_MAX);
        if (entry.type == BUNDLE_VM)
            bundle->vm_sections[bundle->vm_count++] = i;
    }
    if (!bad && !bundle->vm_count)
        bad = bundle_fail(error, -HULL_EFORMAT, "has no VM");
    return bad;
}

// Starts to read a section; it is not written to, whatever the pointer's type says.
static struct bundle_code section_code(const struct bundle *bundle, uint32_t index)
{
    struct bundle_entry entry;
    uint8_t *at;

    hull_bundle_entry(bundle, index, &entry);
    at = (uint8_t *)bundle->data + entry.offset;
    return (struct bundle_code){.at = at, .end = at + entry.size, .version = entry.version};
}

static int section_end(const struct bundle_code *code, uint32_t index, struct bundle_error *error)
{
    if (code->error)
        return bundle_fail(error, -HULL_EFORMAT, "is malformed: section %u, at '%s'", index,
                           code->what);
    if (code->at != code->end)
        return bundle_fail(error, -HULL_EFORMAT, "is malformed: section %u has %llu bytes too many",
                           index, (unsigned long long)(code->end - code->at));
    return 0;
}

// Where the validators' faults go: the first one is the reason.
struct refusal {
    const struct bundle *bundle;
    const struct bundle_vm *vms; // NULL: only the board is known yet
    struct bundle_error *error;
    bool there;
};

static void refuse(void *ctx, unsigned vm, const struct spec_error *fault)
{
    struct refusal *refusal = ctx;

    if (refusal->there)
        return;
    refusal->there = true;
    if (vm == HULL_SPEC_BOARD)
        (void)bundle_fail(refusal->error, 0, "cannot be: board: %s %s", fault->field,
                          fault->reason);
    else
        (void)bundle_fail(refusal->error, 0, "cannot be: VM %u (%s): %s %s", vm + 1,
                          refusal->vms[vm].spec.name ? refusal->vms[vm].spec.name : "?",
                          fault->field, fault->reason);
}

int hull_bundle_open(struct bundle *bundle, const void *data, uint64_t size,
                     struct bundle_error *error)
{
    struct refusal refusal = {bundle, NULL, error, false};
    const struct spec_sink sink = {refuse, &refusal};
    struct bundle_code code;
    int bad;

    memset(bundle, 0, sizeof(*bundle));
    bundle->data = data;
    bad = open_head(bundle, size, error);
    if (!bad)
        bad = open_table(bundle, error);
    if (bad)
        return bad;
    code = section_code(bundle, 0);
    hull_board_defaults(&bundle->board);
    hull_code_board(&code, &bundle->board);
    bad = section_end(&code, 0, error);
    return bad ? bad : hull_board_validate(&bundle->board, &sink);
}

// From a section's number to its bytes. `wanted`: the spec names such a file.
static int find_blob(const struct bundle *bundle, struct bundle_blob *blob, bool wanted,
                     struct bundle_error *error)
{
    struct bundle_entry entry;

    if (!wanted && !blob->section)
        return 0;
    if (!wanted || !blob->section || blob->section >= bundle->section_count)
        return bundle_fail(error, -HULL_EFORMAT, "is malformed: a VM's file is section %u",
                           blob->section);
    hull_bundle_entry(bundle, blob->section, &entry);
    if (entry.type != BUNDLE_BLOB || !entry.size)
        return bundle_fail(error, -HULL_EFORMAT, "is malformed: section %u is a VM's file, and %s",
                           blob->section,
                           entry.type == BUNDLE_BLOB ? "empty" : type_name(entry.type));
    blob->data = bundle->data + entry.offset;
    blob->size = entry.size;
    return 0;
}

static int find_blobs(const struct bundle *bundle, struct bundle_vm *vm, struct bundle_error *error)
{
    int bad = find_blob(bundle, &vm->kernel, vm->spec.boot.kernel != NULL, error);

    if (!bad)
        bad = find_blob(bundle, &vm->initrd, vm->spec.boot.initrd != NULL, error);
    for (unsigned i = 0; !bad && i < vm->spec.disk_count; i++) {
        bad = find_blob(bundle, &vm->disks[i], true, error);
        if (!bad && vm->disks[i].size % 512)
            bad = bundle_fail(error, -HULL_EFORMAT,
                              "is malformed: disk %u of VM '%s' has %llu bytes, no multiple of 512",
                              i, vm->spec.name ? vm->spec.name : "?",
                              (unsigned long long)vm->disks[i].size);
    }
    return bad;
}

static int read_vm(const struct bundle *bundle, unsigned i, struct bundle_vm *vm,
                   struct bundle_error *error)
{
    struct bundle_code code = section_code(bundle, bundle->vm_sections[i]);
    int bad;

    memset(vm, 0, sizeof(*vm));
    hull_spec_defaults(&vm->spec);
    hull_code_vm(&code, vm);
    bad = section_end(&code, bundle->vm_sections[i], error);
    return bad ? bad : find_blobs(bundle, vm, error);
}

// A disk that one VM writes may be no other file as well.
static int check_disk_alone(const struct bundle_vm vms[], unsigned count, unsigned vm,
                            unsigned disk, struct bundle_error *error)
{
    uint32_t section = vms[vm].disks[disk].section;
    unsigned uses = 0;

    if (vms[vm].spec.disks[disk].read_only)
        return 0;
    for (unsigned j = 0; j < count; j++) {
        uses += (vms[j].kernel.section == section) + (vms[j].initrd.section == section);
        for (unsigned d = 0; d < vms[j].spec.disk_count; d++)
            uses += vms[j].disks[d].section == section;
    }
    if (uses == 1)
        return 0;
    return bundle_fail(error, -HULL_EINVAL,
                       "cannot be: disks[%u] of VM '%s' is writable, and used elsewhere as well",
                       disk, vms[vm].spec.name);
}

static int check_disks_alone(const struct bundle_vm vms[], unsigned count,
                             struct bundle_error *error)
{
    int bad = 0;

    for (unsigned i = 0; i < count; i++)
        for (unsigned d = 0; !bad && d < vms[i].spec.disk_count; d++)
            bad = check_disk_alone(vms, count, i, d, error);
    return bad;
}

int hull_bundle_read_vms(const struct bundle *bundle, struct bundle_vm vms[],
                         struct bundle_error *error)
{
    struct refusal refusal = {bundle, vms, error, false};
    const struct spec_sink sink = {refuse, &refusal};
    const struct vm_spec *specs[HULL_BUNDLE_VMS_MAX];
    int bad = 0;

    for (unsigned i = 0; !bad && i < bundle->vm_count; i++) {
        specs[i] = &vms[i].spec;
        bad = read_vm(bundle, i, &vms[i], error);
        if (!bad)
            bad = hull_spec_validate_all(specs[i], i, &sink);
    }
    if (!bad)
        bad = hull_metal_validate(&bundle->board, specs, bundle->vm_count, bundle->size, &sink);
    return bad ? bad : check_disks_alone(vms, bundle->vm_count, error);
}

int hull_bundle_check_blob(const struct bundle *bundle, const struct bundle_blob *blob,
                           struct bundle_error *error)
{
    if (!blob->data)
        return 0;
    return check_sum(bundle, blob->section, error);
}

int hull_bundle_check_all(const struct bundle *bundle, struct bundle_error *error)
{
    int bad = 0;

    for (uint32_t i = 0; !bad && i < bundle->section_count; i++)
        bad = check_sum(bundle, i, error);
    return bad;
}
