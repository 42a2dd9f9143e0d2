// SPDX-License-Identifier: Apache-2.0
// The shell: a line editor, and a table of commands.
#include "metal/common/shell.h"

#include "core/dev/virtio/virtio_devices.h"
#include "lib/format.h"
#include "lib/str.h"
#include "metal/common/arch.h"
#include "metal/common/machine.h"
#include "metal/common/timers.h"
#include "metal/common/trace.h"
#include "metal/common/vm.h"
#include "metal/riscv64/hext.h"

#define WORDS_MAX 4
#define UNMAPPED_ADDRESS 8
#define say(...) console_print(&machine.console, __VA_ARGS__)

typedef unsigned long long ull;

struct words {
    unsigned count;
    const char *at[WORDS_MAX];
};

static void split(char *line, struct words *words)
{
    words->count = 0;
    while (*line && words->count < WORDS_MAX) {
        while (*line == ' ')
            *line++ = 0;
        if (*line)
            words->at[words->count++] = line;
        while (*line && *line != ' ')
            line++;
    }
}

// ---- vm ----

static uint64_t vm_ticks(const struct metal_vm *vm)
{
    uint64_t ticks = 0;

    for (unsigned i = 0; i < vm->vcpus_made; i++)
        ticks += thread_ran(&vm->vcpus[i].thread);
    return ticks;
}

static void vm_list(struct metal_vm *unused)
{
    (void)unused;
    say("  # name             state    cpus  memory   in use  starts  cpu time\n");
    for (unsigned i = 0; i < machine.vm_count; i++) {
        const struct metal_vm *vm = machine.vms[i];

        say("%3u %-16s %-8s %4u %5llu M %6llu K %7u %7llu.%llu s\n", i + 1, vm->spec->name,
            metal_vm_state_name(vm), vm->spec->cpus, (ull)(vm->spec->memory >> 20),
            (ull)(atomic_load(&vm->count.pages) * 4), vm->starts, (ull)(vm_ticks(vm) / timers_hz()),
            (ull)(vm_ticks(vm) / (timers_hz() / 10) % 10));
    }
}

static void vm_console(struct metal_vm *vm)
{
    console_focus(&machine.console, vm->index + 1, false);
}

static void memory_stats(struct metal_vm *vm)
{
    uint64_t sizes[3] = {0}, colours[64] = {0};

    vm_memory_survey(&vm->memory, sizes, colours);
    say("  memory: %llu pages of 1 GiB, %llu of 2 MiB, %llu of 4 KiB", (ull)sizes[2], (ull)sizes[1],
        (ull)sizes[0]);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(colours); i++)
        if (colours[i])
            say(", %llu of colour %u", (ull)colours[i], i);
    say("\n");
}

static void vm_stats(struct metal_vm *vm)
{
    static const char *const names[HEXT_EXITS] = {"interrupt", "SBI", "MMIO", "memory",
                                                  "wfi",       "FP",  "other"};

    say("%s: %s, %u starts, %u restarts by policy, %llu KiB\n", vm->spec->name,
        metal_vm_state_name(vm), vm->starts, vm->restarts,
        (ull)(atomic_load(&vm->count.pages) * 4));
    for (unsigned i = 0; i < vm->vcpus_made; i++) {
        const struct thread *t = &vm->vcpus[i].thread;
        const struct hext *x = vm->vm.vcpus[i].engine_data;

        say("  cpu %u: hart %llu%s, ran %llu ms, waited for a hart %llu ms; exits", i,
            (ull)t->hart->hartid, t->pinned ? " (pinned)" : "",
            (ull)(thread_ran(t) / (timers_hz() / 1000)), (ull)(t->stolen / (timers_hz() / 1000)));
        for (unsigned n = 0; n < HEXT_EXITS; n++)
            say(" %s %llu", names[n], (ull)x->exits[n]);
        if (vm->vm.vcpus[i].msis && x->file.number)
            say("; interrupt file %u", x->file.number);
        else if (vm->vm.vcpus[i].msis)
            say("; interrupt file in memory");
        say("\n");
    }
    if (vm->board_made)
        memory_stats(vm);
    if (vm->spec->metal.passthrough_count)
        say("  physical interrupts that came by way of the hypervisor: %llu\n",
            (ull)vm->irqs_forwarded);
    for (unsigned i = 0; vm->board_made && i < vm->spec->net_count; i++)
        say("  net %u: %llu frames to the guest, %llu from it, %llu dropped\n", i,
            (ull)vm->ports[i].received, (ull)vm->ports[i].sent, (ull)vm->ports[i].dropped);
}

static void vm_log(struct metal_vm *vm)
{
    console_vm_log(&machine.console, vm);
    say("\n");
}

static const struct vm_command {
    const char *name, *what;
    void (*run)(struct metal_vm *vm); // NULL: it is an order
    enum vm_ask order;
    bool all; // needs no VM
} vm_commands[] = {
    {"list", "all VMs", .run = vm_list, .all = true},
    {"start", "start it, or start it now if it waits for that", .order = VM_ASK_START},
    {"stop", "stop it at once", .order = VM_ASK_STOP},
    {"restart", "stop it and start it again", .order = VM_ASK_RESTART},
    {"pause", "stop its processors; its clock goes on", .order = VM_ASK_PAUSE},
    {"resume", "let it go on", .order = VM_ASK_RESUME},
    {"destroy", "stop it for as long as the machine runs", .order = VM_ASK_DESTROY},
    {"console", "give it the keyboard and the screen", .run = vm_console},
    {"stats", "its counters", .run = vm_stats},
    {"dump", "its processors' registers", .run = metal_vm_dump},
};

static void vm_command_run(const struct vm_command *c, struct metal_vm *vm)
{
    if (!vm && !c->all) {
        say("no such VM: say \"vm %s NAME\" or its number\n", c->name);
    } else if (c->run) {
        c->run(vm);
    } else {
        metal_vm_order(vm, c->order);
        metal_vm_ask(vm, VM_ASK_TELL);
    }
}

static void command_vm(const struct words *words)
{
    struct metal_vm *vm = words->count > 2 ? metal_vm_find(words->at[2]) : NULL;

    for (unsigned i = 0; words->count > 1 && i < HULL_ARRAY_SIZE(vm_commands); i++)
        if (hull_streq(vm_commands[i].name, words->at[1])) {
            vm_command_run(&vm_commands[i], vm);
            return;
        }
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(vm_commands); i++)
        say("  vm %-8s %s\n", vm_commands[i].name, vm_commands[i].what);
}

// ---- The machine ----

static unsigned files_taken(struct host_hart *hart)
{
    unsigned taken = 0;

    for (unsigned number = 1; number <= hart->guest_files; number++)
        taken += atomic_load(&hart->files[number]) != NULL;
    return taken;
}

static void command_hart(const struct words *words)
{
    uint64_t now = arch_time();

    (void)words;
    say("hart  runs             ready  guest files  idle\n");
    for (unsigned i = 0; i < machine.hart_count; i++) {
        struct host_hart *hart = machine.harts[i];
        uint64_t idle = hart->idle.ran;

        if (hart->current == &hart->idle)
            idle += now - hart->idle.since;
        say("%4llu  %-16s %5u  %4u of %-4u  %llu %%\n", (ull)hart->hartid, hart->current->name,
            hart->ready_count, files_taken(hart), hart->guest_files,
            (ull)(idle * 100 / (now - machine.start_time)));
    }
}

static void command_mem(const struct words *words)
{
    const struct pages *p = &machine.pages;
    uint64_t used = p->total - p->free;

    (void)words;
    say("%llu MiB, %llu KiB in use, %llu MiB of free blocks promised to VMs\n",
        (ull)(p->total >> 8), (ull)(used * 4), (ull)(p->committed * 2));
    for (unsigned i = 0; i < machine.vm_count; i++) {
        used -= atomic_load(&machine.vms[i]->count.pages);
        say("  %-16s %8llu KiB\n", machine.vms[i]->spec->name,
            (ull)(atomic_load(&machine.vms[i]->count.pages) * 4));
    }
    say("  %-16s %8llu KiB, and %llu KiB of image\n", "the hypervisor", (ull)(used * 4),
        (ull)(machine.image_size >> 10));
}

static void command_balloon(const struct words *words)
{
    struct metal_vm *vm = words->count > 2 ? metal_vm_find(words->at[1]) : NULL;
    uint64_t mib;

    if (!vm || hull_parse_u64(words->at[2], 10, &mib))
        say("whose, and how much? say \"balloon NAME MIB\"\n");
    else if (!vm->board_made || !vm->board.balloon)
        say("%s has no balloon\n", vm->spec->name);
    else
        hull_virtio_balloon_set_target(vm->board.balloon, mib << (20 - HULL_PAGE_SHIFT));
}

static void command_log(const struct words *words)
{
    struct metal_vm *vm = words->count > 1 ? metal_vm_find(words->at[1]) : NULL;

    if (vm)
        vm_log(vm);
    else
        say("which VM's? say \"log NAME\"\n");
}

static void command_trace(const struct words *words)
{
    if (words->count > 1 && hull_streq(words->at[1], "on"))
        trace_start();
    else if (words->count > 1 && hull_streq(words->at[1], "off"))
        atomic_store(&machine.tracing, false);
    else
        trace_show();
}

// How a fault of the hypervisor's own looks, and what the machine does then.
static void command_crash(const struct words *words)
{
    volatile uintptr_t nowhere = UNMAPPED_ADDRESS;

    (void)words;
    *(volatile uint64_t *)nowhere = 0;
}

static void command_help(const struct words *words);

static const struct command {
    const char *name;
    void (*run)(const struct words *words);
    const char *what;
} commands[] = {
    {"vm", command_vm, "VMs: \"vm\" lists what there is to do with them"},
    {"hart", command_hart, "the machine's harts and what they run"},
    {"mem", command_mem, "memory"},
    {"balloon", command_balloon, "have a VM give memory back: balloon NAME MIB"},
    {"log", command_log, "the last output of a VM"},
    {"trace", command_trace, "the last exits of guests: trace on, trace off, trace"},
    {"crash", command_crash, "crash the hypervisor, to see what it says"},
    {"help", command_help, "this list"},
};

static void command_help(const struct words *words)
{
    (void)words;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(commands); i++)
        say("  %-7s %s\n", commands[i].name, commands[i].what);
    say("Ctrl-A and a VM's digit go to its console, Ctrl-A 0 comes back.\n");
}

static void run(char *line)
{
    struct words words;

    split(line, &words);
    if (!words.count)
        return;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(commands); i++)
        if (hull_streq(commands[i].name, words.at[0])) {
            commands[i].run(&words);
            return;
        }
    say("no command \"%s\": \"help\" lists them\n", words.at[0]);
}

void shell_key(struct console *console, char key)
{
    unsigned *length = &console->command_length;
    char line[sizeof(console->command)];

    if (key == '\r' || key == '\n') {
        hull_strlcpy(line, console->command, sizeof(line));
        line[*length] = 0;
        *length = 0;
        console->dirty = false;
        say("\n");
        run(line);
        if (console->focus == CONSOLE_SHELL) {
            console->dirty = true;
            say(SHELL_PROMPT);
        }
    } else if ((key == '\b' || key == 127) && *length) {
        console->command[--*length] = 0;
        say("\b \b");
    } else if (key >= ' ' && key < 127 && *length < sizeof(console->command) - 1) {
        console->command[(*length)++] = key;
        console->command[*length] = 0;
        say("%c", key);
    }
}
