// SPDX-License-Identifier: Apache-2.0
// Every option once: its name, its help, and what it does to the configuration. The order is that of
// the help.
#include <hull/env.h>
#include <string.h>

#include "host/cli/cli.h"

static void overrides(struct cli_vm *vm, const char *field, const char *option)
{
    hull_config_override(&vm->config, field, option);
}

static bool keep_text(struct cli_vm *vm, const char **into, const char *value, const char *field,
                      const char *option)
{
    *into = value; // argv lives as long as the program
    overrides(vm, field, option);
    return true;
}

static bool apply_name(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)why;
    return keep_text(vm, &vm->config.spec.name, value, "name", "--name");
}

static bool apply_kernel(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)why;
    return keep_text(vm, &vm->config.spec.boot.kernel, value, "boot.kernel", "--kernel");
}

static bool apply_initrd(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)why;
    return keep_text(vm, &vm->config.spec.boot.initrd, value, "boot.initrd", "--initrd");
}

static bool apply_append(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)why;
    return keep_text(vm, &vm->config.spec.boot.append, value, "boot.append", "--append");
}

static bool apply_firmware(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)why;
    return keep_text(vm, &vm->config.spec.boot.firmware, value, "boot.firmware", "--firmware");
}

static bool apply_cpus(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    overrides(vm, "cpus", "--cpus");
    return hull_value_count(value, &vm->config.spec.cpus, why);
}

static bool apply_memory(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    overrides(vm, "memory", "--memory");
    return hull_value_size(value, &vm->config.spec.memory, why);
}

static bool apply_engine(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    int number;
    overrides(vm, "engine", "--engine");
    if (!hull_value_word(hull_engine_words, value, &number, why))
        return false;
    vm->config.spec.engine = (enum engine_wish)number;
    return true;
}

static bool apply_interrupts(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    int number;
    overrides(vm, "interrupts", "--interrupts");
    if (!hull_value_word(hull_interrupt_words, value, &number, why))
        return false;
    vm->config.spec.interrupts = (enum interrupt_kind)number;
    return true;
}

static bool apply_guest_files(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    overrides(vm, "guest_files", "--guest-files");
    return hull_value_count(value, &vm->config.spec.guest_files, why);
}

static bool apply_disk(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    struct vm_spec *spec = &vm->config.spec;
    char field[24];
    if (spec->disk_count == HULL_SPEC_DISKS_MAX)
        return hull_refuse(why, "there may be %u disks, those of the file included",
                           HULL_SPEC_DISKS_MAX);
    snprintf(field, sizeof(field), "disks[%u]", spec->disk_count);
    overrides(vm, field, "--disk");
    return hull_value_disk(value, &vm->config.pool, &spec->disks[spec->disk_count++], why);
}

static bool apply_net(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    struct vm_spec *spec = &vm->config.spec;
    if (!vm->nets_replaced)
        spec->net_count = 0;
    vm->nets_replaced = true;
    if (spec->net_count == HULL_SPEC_NETS_MAX)
        return hull_refuse(why, "there may be %u networks", HULL_SPEC_NETS_MAX);
    overrides(vm, "nets", "--net");
    return hull_value_net(value, &vm->config.pool, &spec->nets[spec->net_count++], why);
}

// To the first user network: options are applied after all --net, see vm.c.
static bool apply_publish(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    struct vm_spec *spec = &vm->config.spec;
    char field[40];
    unsigned i = 0;
    while (i < spec->net_count && spec->nets[i].kind != NET_USER)
        i++;
    if (i == spec->net_count)
        return hull_refuse(why, "needs a user network, and this VM has none (--net user)");
    struct net_spec *net = &spec->nets[i];
    if (net->publish_count == HULL_SPEC_PUBLISH_MAX)
        return hull_refuse(why, "there may be %u published ports, those of the file included",
                           HULL_SPEC_PUBLISH_MAX);
    snprintf(field, sizeof(field), "nets[%u].publish[%u]", i, net->publish_count);
    overrides(vm, field, "--publish");
    return hull_value_publish(value, &vm->config.pool, &net->publish[net->publish_count++], why);
}

static bool apply_console(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    struct vm_spec *spec = &vm->config.spec;
    overrides(vm, "console", "--console");
    overrides(vm, "console_path", "--console");
    return hull_value_console(value, &vm->config.pool, &spec->console, &spec->console_path, why);
}

static bool apply_virtio_console(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->config.spec.virtio_console = true;
    return true;
}

static bool apply_no_virtio_console(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->config.spec.virtio_console = false;
    return true;
}

static bool apply_rng(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->config.spec.rng = true;
    return true;
}

static bool apply_no_rng(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->config.spec.rng = false;
    return true;
}

static bool apply_balloon(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->config.spec.balloon = true;
    return true;
}

static bool apply_no_balloon(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->config.spec.balloon = false;
    return true;
}

static bool apply_hypervisor(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->config.spec.no_hypervisor = false;
    return true;
}

static bool apply_no_hypervisor(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->config.spec.no_hypervisor = true;
    return true;
}

static bool apply_no_reboot(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->run.exit_on_reset = true;
    return true;
}

static bool apply_stats(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->run.stats = true;
    return true;
}

static bool apply_trace(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    if (!*value)
        return hull_refuse(why, "needs the name of a file");
    vm->run.trace_file = value;
    return true;
}

static bool apply_trace_regions(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    return hull_value_count(value, &vm->run.trace_regions, why);
}

static bool apply_perf_map(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->run.perf_map = true;
    return true;
}

static bool apply_symbols(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    if (!*value)
        return hull_refuse(why, "needs the name of a file");
    if (vm->run.symbol_file_count == HULL_RUN_SYMBOL_FILES_MAX)
        return hull_refuse(why, "there may be %u files", HULL_RUN_SYMBOL_FILES_MAX);
    vm->run.symbol_files[vm->run.symbol_file_count++] = value;
    return true;
}

static bool apply_quiet(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->run.quiet = true;
    return true;
}

static bool apply_log_level(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    return hull_value_word(hull_log_words, value, &vm->run.log_level, why);
}

static bool apply_log_file(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    if (!*value)
        return hull_refuse(why, "needs the name of a file");
    vm->run.log_file = value;
    return true;
}

static bool apply_monitor(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    if (strncmp(value, "unix:", 5) != 0 || !value[5])
        return hull_refuse(why, "'%.40s' is not unix:SOCKET", value);
    vm->run.monitor_path = value + 5;
    return true;
}

static bool apply_dts(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)value, (void)why;
    vm->dts = true;
    return true;
}

// Which of its jobs `hull pack` does: it looks for itself.
static bool apply_choice(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    (void)vm, (void)value, (void)why;
    return true;
}

static bool apply_output(struct cli_vm *vm, const char *value, struct config_reason *why)
{
    if (!*value)
        return hull_refuse(why, "needs the name of a file");
    vm->output = value;
    return true;
}

#define VM CLI_USE_VM
#define RUN CLI_USE_RUN
#define DTB CLI_USE_DTB
#define PACK CLI_USE_PACK

// clang-format off
const struct cli_option hull_cli_options[] = {
    {"name", 0, VM, "NAME", "what the VM is called (default: its image or file)", apply_name},
    {"cpus", 0, VM, "N", "number of CPUs (default: 1)", apply_cpus},
    {"memory", 0, VM, "SIZE", "RAM, as 512M or 2G (default: 1G)", apply_memory},
    {"engine", 0, VM, "ENGINE", "what executes guest code: auto, interp, jit", apply_engine},
    {"kernel", 0, VM, "FILE", "kernel: Image, ELF, EFI stub, or one of them gzipped", apply_kernel},
    {"initrd", 0, VM, "FILE", "initial RAM disk", apply_initrd},
    {"append", 0, VM, "TEXT", "kernel command line", apply_append},
    {"firmware", 0, VM, "FILE", "program to start in M mode, ELF or binary", apply_firmware},
    {"disk", 0, VM, "FILE[,ro][,id=ID]", "add a disk, after those of the file; may be repeated",
     apply_disk},
    {"net", 0, VM, "NET", "user, tap=INTERFACE (either with ,mac=ADDRESS) or none;\n"
                          "replaces the networks of the file; may be repeated", apply_net},
    {"publish", 0, VM, "[ADDRESS:]HOST:GUEST[/udp]",
     "make a port of the guest reachable as a port of the host\n"
     "(ADDRESS: 127.0.0.1, 0.0.0.0 for all); may be repeated", apply_publish},
    {"console", 0, VM, "CONSOLE", "stdio (default), file:FILE, unix:SOCKET, pty or none",
     apply_console},
    {"virtio-console", 0, VM, NULL, "add a virtio console (hvc0) on the same terminal",
     apply_virtio_console},
    {"no-virtio-console", 0, VM, NULL, "leave it out, whatever the file says (default)",
     apply_no_virtio_console},
    {"rng", 0, VM, NULL, "give the guest a source of randomness (default)", apply_rng},
    {"no-rng", 0, VM, NULL, "leave it out", apply_no_rng},
    {"balloon", 0, VM, NULL, "let the guest give unused memory back (default)", apply_balloon},
    {"no-balloon", 0, VM, NULL, "leave it out", apply_no_balloon},
    {"hypervisor", 0, VM, NULL, "CPUs with the hypervisor extension, H (default)", apply_hypervisor},
    {"no-hypervisor", 0, VM, NULL, "CPUs without it", apply_no_hypervisor},
    {"interrupts", 0, VM, "KIND", "the interrupt controller: plic (default), aplic, or aia (with MSIs)",
     apply_interrupts},
    {"guest-files", 0, VM, "N", "guest interrupt files of each CPU, with aia (default: 7)",
     apply_guest_files},
    {"no-reboot", 0, RUN, NULL, "end the run when the guest resets", apply_no_reboot},
    {"monitor", 0, RUN, "unix:SOCKET", "take the monitor's commands on a socket as well",
     apply_monitor},
    {"stats", 0, RUN, NULL, "print counters at the end", apply_stats},
    {"trace", 0, RUN, "FILE", "write the translator's hottest code there at the end (--engine jit)",
     apply_trace},
    {"trace-regions", 0, RUN, "N", "how many pieces of it (default: 40)", apply_trace_regions},
    {"perf-map", 0, RUN, NULL, "name translated code in /tmp/perf-PID.map, for perf", apply_perf_map},
    {"symbols", 0, RUN, "FILE", "names of guest code for these two: ELF, System.map or kallsyms;\n"
                                "may be repeated", apply_symbols},
    {"quiet", 0, RUN, NULL, "print no hints", apply_quiet},
    {"log-level", 0, RUN, "LEVEL", "error, warn (default), info or debug", apply_log_level},
    {"log-file", 0, RUN, "FILE", "write the log there instead of to stderr", apply_log_file},
    {"dts", 0, DTB, NULL, "print source instead of a blob", apply_dts},
    {"output", 'o', DTB, "FILE", "write there instead of to stdout", apply_output},
    {"list", 0, PACK, NULL, "print what a bundle holds", apply_choice},
    {"check", 0, PACK, NULL, "say whether every byte of a bundle is as it was packed", apply_choice},
    {"help", 'h', CLI_USE_ANY, NULL, "print this help", NULL},
    {NULL, 0, 0, NULL, NULL, NULL},
};
// clang-format on
