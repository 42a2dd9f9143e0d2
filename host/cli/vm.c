// SPDX-License-Identifier: Apache-2.0
// From a command's arguments to a checked VM spec: the file or image, then the options, then the
// checks.
#include <hull/env.h>
#include <string.h>

#include "host/cli/cli.h"

#define DEFAULT_IMAGE "mini"

static bool print_faults(struct cli_vm *vm)
{
    hull_config_print_faults(&vm->config, stderr, "hull: ");
    return false;
}

// `hull run` alone, or with nothing that could boot, means the default guest.
static const char *target_of(const struct cli_args *args)
{
    if (args->operand_count)
        return args->operands[0];
    if (!(args->command->uses & CLI_USE_RUN))
        return NULL;
    for (unsigned i = 0; i < args->choice_count; i++) {
        const char *name = args->choices[i].option->name;
        if (strcmp(name, "kernel") == 0 || strcmp(name, "firmware") == 0)
            return NULL;
    }
    return DEFAULT_IMAGE;
}

// What is wrong becomes a fault, so that the options' faults are reported with it.
static void load_target(struct vm_config *config, const char *target)
{
    struct config_reason why;
    const char *own = config->spec.name;
    const char *file = hull_cli_target(&config->pool, target, &why);
    if (!file)
        hull_config_fault_at(config, NULL, NULL, why.text);
    else if (!hull_config_load(config, file) && config->spec.name == own)
        hull_cli_target_name(config, target);
}

// `publish`: those that need the networks to be known, or all the others.
static void apply_options(const struct cli_args *args, struct cli_vm *vm, bool publish)
{
    for (unsigned i = 0; i < args->choice_count; i++) {
        const struct cli_option *option = args->choices[i].option;
        struct config_reason why;
        char name[32];
        if ((strcmp(option->name, "publish") == 0) != publish)
            continue;
        if (option->apply(vm, args->choices[i].value, &why))
            continue;
        snprintf(name, sizeof(name), "--%s", option->name);
        hull_config_fault_at(&vm->config, NULL, name, why.text);
    }
}

bool hull_cli_vm_build(const struct cli_args *args, struct cli_vm *vm, bool need_files)
{
    struct vm_config *config = &vm->config;
    const char *target = target_of(args);
    *vm = (struct cli_vm){.run = {.log_level = HULL_LOG_WARN, .trace_regions = 40}};
    hull_config_init(config);
    if (target)
        load_target(config, target);
    apply_options(args, vm, false);
    apply_options(args, vm, true);
    // Without a VM to start, a machine without anything to boot is fine to look at.
    struct boot_spec *boot = &config->spec.boot;
    bool bare = !need_files && !boot->kernel && !boot->firmware;
    if (bare)
        boot->kernel = "none";
    if (config->fault_count || hull_config_check(config, need_files))
        return print_faults(vm);
    if (bare)
        boot->kernel = NULL;
    hull_config_settle(config);
    return true;
}
