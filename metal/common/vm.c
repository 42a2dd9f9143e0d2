// SPDX-License-Identifier: Apache-2.0
// A VM's life on the bare machine: start, end, and what its policy says about the time after.
#include "metal/common/vm.h"

#include "lib/mem.h"
#include "lib/str.h"
#include "metal/common/arch.h"
#include "metal/common/hypercall.h"
#include "metal/common/machine.h"
#include "metal/common/manager.h"
#include "metal/common/passthrough.h"
#include "metal/common/shared.h"
#include "metal/common/timers.h"
#include "metal/riscv64/hext.h"

#define TICKS_PER_SECOND timers_hz()
#define END_POLL_NS 200000u

const char *metal_vm_state_name(const struct metal_vm *vm)
{
    static const char *const names[] = {"stopped", "running",   "paused",
                                        "waiting", "destroyed", "failed"};

    return names[atomic_load(&vm->state)];
}

void metal_vm_ask(struct metal_vm *vm, uint32_t asks)
{
    atomic_fetch_or(&vm->asked, asks);
    manager_wake();
}

// Several may come before the manager looks: the last word counts, and a start after a stop is both.
void metal_vm_order(struct metal_vm *vm, enum vm_ask order)
{
    const uint32_t life = VM_ASK_START | VM_ASK_STOP | VM_ASK_RESTART,
                   pace = VM_ASK_PAUSE | VM_ASK_RESUME;
    uint32_t asked = atomic_load(&vm->asked), next;

    do {
        next = asked;
        if (order & (VM_ASK_STOP | VM_ASK_RESTART))
            next &= ~(life | pace);
        else if (order & pace)
            next &= ~pace;
        if (order == VM_ASK_START && next & VM_ASK_STOP)
            next ^= VM_ASK_STOP | VM_ASK_RESTART;
        else
            next |= order;
    } while (!atomic_compare_exchange_weak(&vm->asked, &asked, next));
    manager_wake();
}

// The reason is told by the manager: a console's lock may be held here.
void metal_vm_starved(struct metal_vm *vm)
{
    vm->memory.starved = true;
    metal_vm_ask(vm, VM_ASK_FAIL);
}

struct metal_vm *metal_vm_find(const char *name)
{
    uint64_t number;

    if (!hull_parse_u64(name, 10, &number) && number >= 1 && number <= machine.vm_count)
        return machine.vms[number - 1];
    for (unsigned i = 0; i < machine.vm_count; i++)
        if (hull_streq(machine.vms[i]->spec->name, name))
            return machine.vms[i];
    return NULL;
}

static void guest_request(void *ctx, enum vm_request what, int code)
{
    struct metal_vm *vm = ctx;

    switch (what) {
    case VM_REQUEST_POWEROFF: metal_vm_ask(vm, VM_ASK_POWEROFF); break;
    case VM_REQUEST_RESET: metal_vm_ask(vm, VM_ASK_RESET); break;
    case VM_REQUEST_FAIL:
        atomic_store(&vm->fail_code, code);
        metal_vm_ask(vm, VM_ASK_FAIL);
        break;
    }
}

// ---- Start ----

static void vcpu_body(void *arg)
{
    riscv_vcpu_loop(arg);
}

static void vcpu_leave(struct thread *thread)
{
    hext_leave(thread->arg);
}

static struct host_hart *hart_by_number(uint32_t number)
{
    for (unsigned i = 0; i < machine.hart_count; i++)
        if (machine.harts[i]->hartid == number)
            return machine.harts[i];
    return NULL;
}

// Shared ones begin on one hart after the other; the scheduler moves them as it sees fit.
static int vcpu_place(struct metal_vm *vm, unsigned i, struct thread *thread)
{
    const struct metal_spec *metal = &vm->spec->metal;

    thread->weight = (uint16_t)metal->weight;
    thread->priority = (uint8_t)metal->priority;
    thread->pinned = metal->pinned;
    thread->hart = metal->pinned && i < metal->hart_count ? hart_by_number(metal->harts[i])
                                                          : scheduler_next_hart();
    if (thread->hart) {
        atomic_fetch_add(&thread->hart->reserved, thread->pinned);
        return 0;
    }
    thread->pinned = false;
    console_log(&machine.console, "%s: there is no hart %u for its CPU %u", vm->spec->name,
                (unsigned)metal->harts[i], i);
    return -HULL_ENOENT;
}

static int vcpus_create(struct metal_vm *vm)
{
    vm->vcpus = heap_alloc(&machine.heap, vm->spec->cpus * sizeof(*vm->vcpus), &vm->count);
    if (!vm->vcpus)
        return -HULL_ENOMEM;
    for (unsigned i = 0; i < vm->vm.vcpu_count; i++) {
        struct thread *thread = &vm->vcpus[i].thread;
        int error = thread_create(thread, vm->spec->name, vcpu_body, &vm->vm.vcpus[i]);

        if (error)
            return error;
        vm->vcpus_made++;
        thread->leave = vcpu_leave;
        error = vcpu_place(vm, i, thread);
        if (error)
            return error;
        vm->vm.vcpus[i].host_data = &vm->vcpus[i];
    }
    return 0;
}

static int images_check(struct metal_vm *vm)
{
    const struct bundle_blob *blobs[] = {&vm->described->kernel, &vm->described->initrd};
    struct bundle_error error;
    int rc = 0;

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(blobs) && !rc && !vm->checked; i++)
        if (blobs[i]->data)
            rc = hull_bundle_check_blob(&machine.bundle, blobs[i], &error);
    if (rc)
        console_log(&machine.console, "%s: the bundle %s", vm->spec->name, error.reason);
    vm->checked = !rc;
    return rc;
}

static void backends_init(struct metal_vm *vm)
{
    vm->backends.uart = vm->backends.console = console_backend(vm);
    for (unsigned i = 0; i < vm->spec->disk_count; i++)
        vm->backends.disks[i] =
            ram_disk_init(&vm->disks[i], &vm->described->disks[i], &vm->spec->disks[i]);
    for (unsigned i = 0; i < vm->spec->net_count; i++)
        vm->backends.nets[i] = net_port_init(&vm->ports[i], vm, i);
}

static int board_create(struct metal_vm *vm)
{
    const struct bundle_vm *d = vm->described;
    const struct board_images images = {
        .kernel = {d->kernel.data, d->kernel.size, d->spec.boot.kernel},
        .initrd = {d->initrd.data, d->initrd.size, d->spec.boot.initrd},
    };
    int error;

    backends_init(vm);
    error = riscv_board_create(&vm->board, &vm->vm, vm->spec, &images, &vm->backends);
    if (error) {
        console_log(&machine.console, "%s: %s", vm->spec->name, vm->board.message);
        return error;
    }
    vm->board_made = true;
    for (unsigned i = 0; i < vm->spec->net_count; i++)
        if (vm->board.nets[i])
            net_port_attach(&vm->ports[i], vm->board.nets[i]);
    error = shared_attach(vm);
    if (!error)
        error = watchdog_start(vm);
    return error ? error : passthrough_attach(vm);
}

// The reverse of what start() got to. No vCPU runs.
static void release(struct metal_vm *vm)
{
    for (unsigned i = 0; i < vm->spec->net_count; i++)
        net_port_detach(&vm->ports[i]);
    shared_detach(vm);
    passthrough_detach(vm);
    if (vm->board_made)
        console_vm_ending(vm);
    if (vm->board_made)
        riscv_board_destroy(&vm->board);
    if (vm->vm_made)
        hull_vm_fini(&vm->vm);
    while (vm->vcpus_made) {
        struct thread *thread = &vm->vcpus[--vm->vcpus_made].thread;

        atomic_fetch_add(&vm->ran, thread->ran);
        if (thread->pinned)
            atomic_fetch_sub(&thread->hart->reserved, 1);
        thread_destroy(thread);
    }
    heap_free(&machine.heap, vm->vcpus, vm->spec->cpus * sizeof(*vm->vcpus), &vm->count);
    vm->vcpus = NULL;
    vm_memory_destroy(&vm->memory);
    vm->vm_made = vm->board_made = false;
}

// What its file wants of this machine.
static int machine_check(const struct metal_vm *vm)
{
    if (vm->spec->interrupts != INTERRUPTS_AIA || machine.has_aia)
        return 0;
    console_log(&machine.console,
                "%s: interrupts: \"aia\" needs a machine that has AIA with IMSICs", vm->spec->name);
    return -HULL_ENOTSUP;
}

static int start(struct metal_vm *vm)
{
    const struct vm_owner owner = {
        .request = guest_request, .hypercall = metal_hypercall, .ctx = vm};
    const struct vm_spec *spec = vm->spec;
    int error = machine_check(vm);

    if (!error)
        error = images_check(vm);
    if (!error)
        error = vm_memory_create(&vm->memory, riscv_board_ram_base(spec), spec->memory,
                                 spec->metal.memory_address, &vm->count);
    if (!error) {
        error = hull_vm_init(&vm->vm, &vm->env, &owner, &hext_engine, spec->cpus);
        vm->vm_made = !error;
    }
    if (!error)
        error = hull_memory_add(&vm->vm.memory, vm->memory.base, spec->memory, vm->memory.window);
    if (!error)
        error = vcpus_create(vm);
    if (!error)
        error = board_create(vm);
    if (error) {
        console_log(&machine.console, "%s: cannot be started: %s", spec->name,
                    hull_strerror(error));
        release(vm);
        atomic_store(&vm->state, VM_FAILED);
        return error;
    }
    vm->starts++;
    vm->started_at = arch_time();
    atomic_store(&vm->state, VM_RUNNING);
    if (spec->metal.watchdog)
        timers_arm(&vm->watchdog.timer, vm->started_at); // looks for the first time
    for (unsigned i = 0; i < vm->vm.vcpu_count; i++)
        thread_wake(&vm->vcpus[i].thread);
    return 0;
}

// ---- End ----

static void end(struct metal_vm *vm)
{
    watchdog_stop(vm);
    hull_vm_end(&vm->vm);
    for (unsigned i = 0; i < vm->vcpus_made; i++)
        while (!thread_ended(&vm->vcpus[i].thread))
            thread_sleep_ns(END_POLL_NS);
    release(vm);
    atomic_fetch_and(&vm->asked, ~(uint32_t)VM_ASK_OWN); // its other vCPUs' are void as well
    vm->ended_at = arch_time();
    console_vm_ended(&machine.console, vm);
    atomic_store(&vm->state, VM_STOPPED);
}

static void restart_due(void *ctx)
{
    metal_vm_ask(ctx, VM_ASK_START);
}

// Restarted with growing delays, unless too often within its window. The guest's own wish, a reset, is granted at
// once the first time.
static void restart_later(struct metal_vm *vm, bool own_wish)
{
    const struct policy_spec *policy = &vm->spec->metal.policy;
    uint64_t now = arch_time(), longest = policy->delay_max * TICKS_PER_SECOND;

    if (now - vm->started_at >= policy->window * TICKS_PER_SECOND) {
        vm->restarts = 0;
        vm->delay_ticks = policy->delay * TICKS_PER_SECOND;
    }
    if (policy->limit && vm->restarts >= policy->limit) {
        console_log(&machine.console, "%s: was restarted %u times within %u s: stopped for good",
                    vm->spec->name, vm->restarts, (unsigned)policy->window);
        atomic_store(&vm->state, VM_FAILED);
        return;
    }
    if (own_wish && !vm->restarts++) {
        atomic_store(&vm->state, VM_WAITING);
        metal_vm_ask(vm, VM_ASK_START);
        return;
    }
    vm->restarts += !own_wish;
    console_log(&machine.console, "%s: restarts in %u s", vm->spec->name,
                (unsigned)(vm->delay_ticks / TICKS_PER_SECOND));
    atomic_store(&vm->state, VM_WAITING);
    timers_arm(&vm->restart_timer, now + vm->delay_ticks);
    vm->delay_ticks = vm->delay_ticks ? 2 * vm->delay_ticks : TICKS_PER_SECOND;
    if (vm->delay_ticks > longest)
        vm->delay_ticks = longest;
}

static void ended_by_itself(struct metal_vm *vm, uint32_t asked, const char *how,
                            enum policy_action action)
{
    console_log(&machine.console, "%s: %s", vm->spec->name, how);
    end(vm);
    // Who asked for more at the same moment is obeyed, not the policy.
    if (action == POLICY_RESTART && !(asked & (VM_ASK_STOP | VM_ASK_RESTART)))
        restart_later(vm, (asked & VM_ASK_OWN) == VM_ASK_RESET);
}

// ---- What was asked ----

static void begin(struct metal_vm *vm, uint32_t asked)
{
    if (start(vm) || !(asked & VM_ASK_PAUSE))
        return;
    hull_vm_pause(&vm->vm);
    atomic_store(&vm->state, VM_PAUSED);
}

static void serve_running(struct metal_vm *vm, uint32_t asked)
{
    const struct policy_spec *policy = &vm->spec->metal.policy;

    if (asked & VM_ASK_FAIL) {
        if (vm->memory.starved)
            console_log(&machine.console, "%s: others have the memory that it had given back",
                        vm->spec->name);
        metal_vm_dump(vm);
        ended_by_itself(vm, asked, "failed", policy->on_crash);
    } else if (asked & VM_ASK_WATCHDOG) {
        metal_vm_dump(vm);
        ended_by_itself(vm, asked, "has not fed its watchdog", policy->on_watchdog);
    } else if (asked & VM_ASK_POWEROFF) {
        ended_by_itself(vm, asked, "powered off", policy->on_poweroff);
    } else if (asked & VM_ASK_RESET) {
        ended_by_itself(vm, asked, "reset", policy->on_reset);
    } else if (asked & (VM_ASK_STOP | VM_ASK_RESTART)) {
        end(vm);
        console_log(&machine.console, "%s: stopped", vm->spec->name);
    } else if ((asked & VM_ASK_PAUSE) && atomic_load(&vm->state) == VM_RUNNING) {
        passthrough_mask(vm, true);
        hull_vm_pause(&vm->vm);
        atomic_store(&vm->state, VM_PAUSED);
    } else if ((asked & VM_ASK_RESUME) && atomic_load(&vm->state) == VM_PAUSED) {
        atomic_store(&vm->watchdog.fed, arch_time());
        if (vm->spec->metal.watchdog)
            timers_arm(&vm->watchdog.timer, arch_time());
        hull_vm_resume(&vm->vm);
        atomic_store(&vm->state, VM_RUNNING);
        passthrough_mask(vm, false);
    }
    if (asked & VM_ASK_RESTART)
        begin(vm, asked);
}

static void cannot(const struct metal_vm *vm, uint32_t asked, const char *why)
{
    if (asked & VM_ASK_TELL)
        console_log(&machine.console, "%s: %s", vm->spec->name, why);
}

void metal_vm_serve(struct metal_vm *vm)
{
    uint32_t asked = atomic_exchange(&vm->asked, 0);
    uint32_t state = atomic_load(&vm->state);

    if (!asked)
        return;
    if (asked & VM_ASK_DESTROY)
        asked = VM_ASK_STOP | VM_ASK_DESTROY;
    if (state == VM_RUNNING || state == VM_PAUSED) {
        serve_running(vm, asked);
        if (asked & VM_ASK_DESTROY)
            atomic_store(&vm->state, VM_DESTROYED);
    } else if (state == VM_DESTROYED) {
        cannot(vm, asked, "is destroyed");
    } else if (asked & VM_ASK_STOP) {
        timers_arm(&vm->restart_timer, HULL_TIME_NEVER);
        atomic_store(&vm->state, asked & VM_ASK_DESTROY ? VM_DESTROYED : VM_STOPPED);
    } else if (asked & (VM_ASK_START | VM_ASK_RESTART)) {
        timers_arm(&vm->restart_timer, HULL_TIME_NEVER);
        if (state != VM_WAITING)
            vm->restarts = 0, vm->delay_ticks = vm->spec->metal.policy.delay * TICKS_PER_SECOND;
        begin(vm, asked);
    } else {
        cannot(vm, asked, "is not running");
    }
}

void metal_vm_dump(struct metal_vm *vm)
{
    uint32_t state = atomic_load(&vm->state);

    if (state != VM_RUNNING && state != VM_PAUSED) {
        console_log(&machine.console, "%s: is not running", vm->spec->name);
        return;
    }
    hull_vm_pause(&vm->vm);
    for (unsigned i = 0; i < vm->vm.vcpu_count; i++)
        hext_dump(&vm->vm.vcpus[i], vm);
    if (state == VM_RUNNING)
        hull_vm_resume(&vm->vm);
}

void metal_vm_init(struct metal_vm *vm, unsigned index, const struct bundle_vm *described)
{
    vm->index = index;
    vm->described = described;
    vm->spec = &described->spec;
    vm->delay_ticks = vm->spec->metal.policy.delay * TICKS_PER_SECOND;
    vm->restart_timer.fire = restart_due;
    vm->restart_timer.ctx = vm;
    timers_timer_init(&vm->restart_timer);
    watchdog_init(vm);
    metal_env_init(vm);
    vm->count.colours = vm->spec->metal.page_colours;
}
