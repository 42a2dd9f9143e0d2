// SPDX-License-Identifier: Apache-2.0
// The hosted program's struct hull_env: memory, clocks, locks, timers, sleeping vCPUs, the log.
#ifndef HOST_ENV_ENV_H
#define HOST_ENV_ENV_H

#include <hull/env.h>
#include <stdatomic.h>

#include "host/env/log.h"
#include "host/env/timers.h"

struct host_env {
    struct hull_env env; // what the core gets; its ctx is this structure
    struct host_timers timers;
    struct host_log log;
};

// What vcpu.host_data points to.
struct host_vcpu {
    _Atomic uint32_t sleep;  // enum sleep_state, a futex
    _Atomic uint64_t sleeps; // times that the thread really slept
    pthread_t thread;
    bool started;
};

// 0, or -HULL_EIO with errno set (log file, timerfd).
HULL_MUST_CHECK int hull_host_env_init(struct host_env *host, int log_level, const char *log_file);
void hull_host_env_fini(struct host_env *host);

// Guest RAM: zeroed, not reserved, page by page when touched; aligned to 2 MiB. NULL: none.
void *hull_host_ram_map(uint64_t size);
void hull_host_ram_unmap(void *ram, uint64_t size);

#endif
