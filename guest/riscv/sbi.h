// SPDX-License-Identifier: Apache-2.0
// The SBI that Hull provides to S-mode kernels, on every engine. Specification: RISC-V SBI 2.0.
#ifndef HULL_RISCV_SBI_H
#define HULL_RISCV_SBI_H

#include <hull/engine.h>
#include <hull/env.h>
#include <hull/vm.h>

#define SBI_SUCCESS 0
#define SBI_ERR_FAILED (-1)
#define SBI_ERR_NOT_SUPPORTED (-2)
#define SBI_ERR_INVALID_PARAM (-3)
#define SBI_ERR_DENIED (-4)
#define SBI_ERR_INVALID_ADDRESS (-5)
#define SBI_ERR_ALREADY_AVAILABLE (-6)
#define SBI_ERR_ALREADY_STARTED (-7)
#define SBI_ERR_ALREADY_STOPPED (-8)
#define SBI_ERR_NO_SHMEM (-9)

enum sbi_hart_status { // HSM, as hart_get_status answers
    SBI_HART_STARTED,
    SBI_HART_STOPPED,
    SBI_HART_START_PENDING,
    SBI_HART_STOP_PENDING,
    SBI_HART_SUSPENDED,
    SBI_HART_SUSPEND_PENDING,
    SBI_HART_RESUME_PENDING,
};

struct sbi_hart {
    _Atomic uint32_t status; // enum sbi_hart_status
    uint64_t start_addr, opaque; // written before status becomes START_PENDING
};

struct riscv_board;

// The state of one VM's SBI. The console (DBCN and the legacy calls) goes to the board's UART
// backend, input comes from the UART's receive FIFO.
struct riscv_sbi {
    struct riscv_board *board;
    struct hull_lock lock; // HSM transitions
    struct sbi_hart harts[HULL_CPUS_MAX];
};

int riscv_sbi_create(struct riscv_board *board); // 0 or -HULL_ENOMEM; sets board->sbi
void riscv_sbi_destroy(struct riscv_board *board);
void riscv_sbi_reset(struct riscv_sbi *sbi); // hart 0 started, the others stopped

// Handles one call: reads exit->sbi.args, fills exit->sbi.ret or sets skip_ret. On the vCPU's
// thread, outside guest code, no lock held.
void riscv_sbi_call(struct riscv_sbi *sbi, struct vcpu *vcpu, struct vcpu_exit *exit);

// True when the hart may run; when a start is pending, sets its state up (engine set_state) first.
bool riscv_sbi_hart_runs(struct riscv_sbi *sbi, struct vcpu *vcpu);

#endif
