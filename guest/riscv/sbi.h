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

// Events that the firmware counters of the PMU extension count; numbers as in the specification.
enum sbi_fw_event {
    SBI_FW_MISALIGNED_LOAD, // 0 to 4: traps that firmware would emulate; the hart does these itself
    SBI_FW_MISALIGNED_STORE,
    SBI_FW_ACCESS_LOAD,
    SBI_FW_ACCESS_STORE,
    SBI_FW_ILLEGAL_INSN,
    SBI_FW_SET_TIMER,
    SBI_FW_IPI_SENT,
    SBI_FW_IPI_RECEIVED,
    SBI_FW_FENCE_I_SENT,
    SBI_FW_FENCE_I_RECEIVED,
    SBI_FW_SFENCE_VMA_SENT,
    SBI_FW_SFENCE_VMA_RECEIVED,
    SBI_FW_SFENCE_VMA_ASID_SENT,
    SBI_FW_SFENCE_VMA_ASID_RECEIVED,
    SBI_FW_HFENCE_GVMA_SENT,
    SBI_FW_HFENCE_GVMA_RECEIVED,
    SBI_FW_HFENCE_GVMA_VMID_SENT,
    SBI_FW_HFENCE_GVMA_VMID_RECEIVED,
    SBI_FW_HFENCE_VVMA_SENT,
    SBI_FW_HFENCE_VVMA_RECEIVED,
    SBI_FW_HFENCE_VVMA_ASID_SENT,
    SBI_FW_HFENCE_VVMA_ASID_RECEIVED,
    SBI_FW_EVENTS,
};

#define SBI_PMU_HW_COUNTERS 32 // by their CSR: cycle + n; 1 (time) is none
#define SBI_PMU_FW_COUNTERS 16 // numbered from SBI_PMU_HW_COUNTERS on

struct sbi_fw_counter {
    uint16_t event; // enum sbi_fw_event
    bool configured, started;
    uint64_t value; // when stopped; when started: less the event's count
};

// A hart's counters. Only the hart itself touches them, but for `events`.
struct sbi_pmu {
    _Atomic uint64_t events[SBI_FW_EVENTS]; // since the VM was made
    struct sbi_fw_counter fw[SBI_PMU_FW_COUNTERS];
    uint32_t hw_configured; // bit n: hardware counter n was given out by config_matching
};

struct sbi_hart {
    _Atomic uint32_t status;     // enum sbi_hart_status
    bool resumes_anew;           // suspended: at start_addr, as a started hart, not after its call
    uint64_t start_addr, opaque; // written before status becomes START_PENDING
    struct sbi_pmu pmu;
    uint64_t sta_shmem; // where steal time goes, with bit 0 set; 0: nowhere
    uint32_t sta_sequence;
};

// What BASE tells: the SBI forum has given us no implementation number; ours reads "HULL".
#define SBI_SPEC_VERSION (2u << 24 | 0)
#define SBI_IMPL_ID 0x48554c4c
#define SBI_IMPL_VERSION 1

// SRST: a shutdown for the reason "system failure" ends the VM with VM_REQUEST_FAIL and this code.
#define SBI_SHUTDOWN_FAILURE_CODE 1

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
// The same for calls that only look at their arguments, a0 to a7: true: a0 and a1 hold the answer. False: it is none
// of those, and nothing was done. No guest memory is touched, and of the vCPU's state only what the engine's set_timer and
// raise_ssip do.
bool riscv_sbi_quick(struct vcpu *vcpu, uint64_t a[8]);

// Tells the guest how long its vCPU had to wait, if it asked for that. On the vCPU's thread; engines that
// know it call this when it runs again.
void riscv_sbi_sta_update(struct riscv_sbi *sbi, struct vcpu *vcpu);
// Tells it that its vCPU has no hart now, though it could run, or has one again. From the same thread.
void riscv_sbi_sta_preempted(struct riscv_sbi *sbi, struct vcpu *vcpu, bool preempted);

// True when the hart may run; when a start is pending, sets its state up (engine set_state) first.
bool riscv_sbi_hart_runs(struct riscv_sbi *sbi, struct vcpu *vcpu);

#endif
