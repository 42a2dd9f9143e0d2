// SPDX-License-Identifier: Apache-2.0
// From the files to a bundle that hull-metal will believe. Everything is looked at before anything is
// written, and every fault is reported: those of each file, then those of all of them together.
#include "host/pack/pack.h"

#include <stdlib.h>
#include <string.h>

#include "host/cli/cli.h"
#include "host/config/files.h"

// A VM whose file does not mention networks has none here: the hosted default is the host's.
static bool load_vm(struct pack_vm *vm, const char *file)
{
    struct vm_config *config = &vm->config;
    const char *own;
    bool read;
    hull_config_init(config);
    own = config->spec.name;
    config->spec.net_count = 0;
    read = !hull_config_load(config, file);
    if (config->spec.name == own)
        hull_cli_target_name(config, file);
    if (config->text) {
        (void)!hull_config_check(config, false);
        hull_config_check_readable(config);
    }
    return read;
}

// Faults of the board, or of VMs: to the file that they are about.
struct judging {
    struct pack *pack;
    unsigned known[HULL_BUNDLE_VMS_MAX], board_known;
};

static void judge(void *ctx, unsigned vm, const struct spec_error *error)
{
    struct judging *judging = ctx;
    struct pack *pack = judging->pack;
    if (vm == HULL_SPEC_BOARD)
        hull_config_judge(&pack->board_config, judging->board_known, error);
    else
        hull_config_judge(&pack->vms[vm].config, judging->known[vm], error);
}

static struct judging judging_now(struct pack *pack)
{
    struct judging judging = {.pack = pack, .board_known = pack->board_config.fault_count};
    for (unsigned i = 0; i < pack->vm_count; i++)
        judging.known[i] = pack->vms[i].config.fault_count;
    return judging;
}

// False: nothing can be said about VMs on it.
static bool load_board(struct pack *pack, const char *file)
{
    struct judging judging;
    const struct spec_sink sink = {judge, &judging};
    bool read;
    hull_config_init(&pack->board_config);
    hull_board_defaults(&pack->board);
    read = !hull_config_load_board(&pack->board_config, file, &pack->board);
    judging = judging_now(pack);
    if (!pack->board_config.text)
        return false;
    return !hull_board_validate(&pack->board, &sink) && read;
}

// The spec as bare metal knows it: what only means something hosted is gone.
static void convert(struct pack *pack, struct pack_vm *vm)
{
    struct vm_spec *spec = &vm->vm.spec;
    *spec = vm->config.spec;
    spec->engine = ENGINE_AUTO;
    spec->console_path = NULL;
    if (spec->console != CONSOLE_NONE)
        spec->console = CONSOLE_STDIO;
    for (unsigned i = 0; i < spec->net_count; i++) {
        struct net_spec *net = &spec->nets[i];
        if (net->kind == NET_NONE || !net->switch_name)
            continue;
        hull_spec_mac(&vm->config.spec, i, net->mac);
        *net = (struct net_spec){.kind = NET_SWITCH, .switch_name = net->switch_name, .mac = {0}};
        hull_spec_mac(&vm->config.spec, i, net->mac);
    }
    hull_metal_place(&pack->board, spec);
}

// Names in a bundle are as the VM's file has them: where that file lies is nobody's business, and the
// same files must give the same bundle wherever they are.
static void strip_folder(const struct vm_config *config, const char **name)
{
    size_t length = config->folder ? strlen(config->folder) : 0;
    if (length && *name && strncmp(*name, config->folder, length) == 0 && (*name)[length] == '/')
        *name += length + 1;
}

static void strip_folders(struct pack_vm *vm)
{
    struct vm_spec *spec = &vm->vm.spec;
    strip_folder(&vm->config, &spec->boot.kernel);
    strip_folder(&vm->config, &spec->boot.initrd);
    for (unsigned i = 0; i < spec->disk_count; i++)
        strip_folder(&vm->config, &spec->disks[i].file);
}

// Whether a spec can be reasoned about at all. What was wrong with its file was said before.
static void ignore(void *ctx, unsigned vm, const struct spec_error *error)
{
    (void)ctx, (void)vm, (void)error;
}

static bool is_sound(const struct vm_spec *spec)
{
    const struct spec_sink sink = {ignore, NULL};
    return !hull_spec_validate_all(spec, 0, &sink);
}

static void check_together(struct pack *pack)
{
    const struct vm_spec *specs[HULL_BUNDLE_VMS_MAX];
    struct judging judging = judging_now(pack);
    const struct spec_sink sink = {judge, &judging};
    for (unsigned i = 0; i < pack->vm_count; i++) {
        specs[i] = &pack->vms[i].vm.spec;
        if (!is_sound(specs[i]))
            return;
    }
    (void)!hull_metal_validate(&pack->board, specs, pack->vm_count, pack->size, &sink);
}

static unsigned print_faults(const struct pack *pack)
{
    unsigned faults = pack->board_config.fault_count;
    hull_config_print_faults(&pack->board_config, stderr, "");
    for (unsigned i = 0; i < pack->vm_count; i++) {
        faults += pack->vms[i].config.fault_count;
        hull_config_print_faults(&pack->vms[i].config, stderr, "");
    }
    return faults;
}

static int make(struct pack *pack, const char *bundle, const char *board, char *const vms[])
{
    bool board_good = load_board(pack, board);
    for (unsigned i = 0; i < pack->vm_count; i++) {
        load_vm(&pack->vms[i], vms[i]);
        convert(pack, &pack->vms[i]);
        if (is_sound(&pack->vms[i].vm.spec))
            hull_pack_vm_files(pack, &pack->vms[i]);
        strip_folders(&pack->vms[i]);
    }
    if (hull_pack_layout(pack))
        return HULL_EXIT_HOST;
    if (board_good)
        check_together(pack);
    if (print_faults(pack))
        return HULL_EXIT_USAGE;
    return hull_pack_write(pack, bundle) ? HULL_EXIT_HOST : HULL_EXIT_OK;
}

int hull_pack_make(const char *bundle, const char *board, char *const vms[], unsigned count)
{
    struct pack *pack = calloc(1, sizeof(*pack));
    int code = HULL_EXIT_HOST;
    if (pack)
        pack->vms = calloc(count, sizeof(*pack->vms));
    if (pack && pack->vms) {
        pack->vm_count = count;
        code = make(pack, bundle, board, vms);
        for (unsigned i = 0; i < count; i++)
            hull_config_free(&pack->vms[i].config);
        hull_config_free(&pack->board_config);
        hull_pack_files_close(pack);
    } else {
        hull_cli_error("there is no memory left");
    }
    free(pack ? pack->vms : NULL);
    free(pack);
    return code;
}
