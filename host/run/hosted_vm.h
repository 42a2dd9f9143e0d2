// SPDX-License-Identifier: Apache-2.0
// Everything that belongs to one running VM of the hosted program.
#ifndef HOST_RUN_HOSTED_VM_H
#define HOST_RUN_HOSTED_VM_H

#include <hull/vm.h>
#include <signal.h>

#include "guest/riscv/board.h"
#include "host/backend/blk_file.h"
#include "host/backend/net.h"
#include "host/console/console.h"
#include "host/env/env.h"
#include "host/env/loop.h"
#include "host/run/images.h"
#include "host/run/run.h"
#include "host/run/watch.h"

struct hosted_vm {
    const struct vm_spec *spec;
    const struct run_options *options;
    int exit_code;

    struct host_env host;
    struct loop loop;
    struct loop_source timer_source, signal_source;
    struct images images;
    uint8_t *ram;

    struct console *console;
    struct blk_pool pool;
    struct blk_file *disks[HULL_SPEC_DISKS_MAX];
    struct host_net *nets[HULL_SPEC_NETS_MAX];
    struct board_backends backends;

    struct host_watch watch;
    bool vm_made, board_made;
    struct vm vm;
    struct riscv_board board;
    struct host_vcpu vcpus[HULL_CPUS_MAX];

    struct monitor_server *monitor;
    struct {
        struct hull_timer timer;
        bool random;
        uint64_t rng;
        uint64_t changes;
    } engine;

    uint64_t start_ns;
    bool paused; // by the user
    bool button_pressed;

    // What the guest asked for, noted by any thread.
    struct loop_task request_task;
    _Atomic bool poweroff_wanted, reset_wanted, fail_wanted;
    _Atomic int fail_code;
};

// backends.c: disks and networks. 0, or an error that was explained on stderr.
HULL_MUST_CHECK int hull_hosted_backends_open(struct hosted_vm *h);
void hull_hosted_backends_attach(struct hosted_vm *h);
void hull_hosted_backends_detach(struct hosted_vm *h);
void hull_hosted_backends_drain(struct hosted_vm *h);
void hull_hosted_backends_close(struct hosted_vm *h);

// vcpus.c: threads. start: 0, or -HULL_ENOMEM (those that run are left running: join ends them).
HULL_MUST_CHECK int hull_hosted_vcpus_start(struct hosted_vm *h);
void hull_hosted_vcpus_join(struct hosted_vm *h);

// control.c: signals, the guest's requests, the monitor.
HULL_MUST_CHECK int hull_hosted_signals_open(struct hosted_vm *h);
void hull_hosted_signals_close(struct hosted_vm *h);
struct vm_owner hull_hosted_owner(struct hosted_vm *h);
struct console_owner hull_hosted_console_owner(struct hosted_vm *h);
void hull_hosted_stop(struct hosted_vm *h, int exit_code); // leaves the loop

void hull_hosted_pause(struct hosted_vm *h);
void hull_hosted_resume(struct hosted_vm *h);
void hull_hosted_reset(struct hosted_vm *h);
// False: the board has none, or no driver of the guest's listens to it.
bool hull_hosted_power_button(struct hosted_vm *h);

// engine.c. named: NULL when there is none of that name. set: 0 or the engine's error, after which
// the old one goes on.
const struct engine_ops *hull_hosted_engine(enum engine_wish wish);
const struct engine_ops *hull_hosted_engine_named(const char *name);
HULL_MUST_CHECK int hull_hosted_set_engine(struct hosted_vm *h, const struct engine_ops *engine);
// With HULL_ENGINE_RANDOM=SEED in the environment the engine changes at random moments: for tests.
void hull_hosted_engine_start(struct hosted_vm *h);
void hull_hosted_engine_stop(struct hosted_vm *h);

// stats.c: `print` gets whole lines with their newline.
typedef void stats_print(void *ctx, const char *text);
void hull_hosted_stats(struct hosted_vm *h, stats_print *print, void *ctx);

// monitor.c: one command of the monitor's; `line` is written to. False: `error` says what is wrong
// with it, in one line.
#define MONITOR_ERROR_SIZE 192
bool hull_hosted_command(struct hosted_vm *h, char *line, stats_print *print, void *ctx,
                         char *error);
void hull_hosted_console_command(void *ctx, struct console *console, char *line);

// monitor_socket.c: the monitor for programs. 0, -HULL_EIO or -HULL_ENOMEM, explained on stderr.
HULL_MUST_CHECK int hull_hosted_monitor_open(struct hosted_vm *h);
void hull_hosted_monitor_close(struct hosted_vm *h);

#endif
