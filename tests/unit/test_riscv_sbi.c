// SPDX-License-Identifier: Apache-2.0
// The SBI: every extension's calls, their errors, and harts that start, stop and sleep.
#include "tests/unit/unit.h"

#include "core/dev/devices.h"
#include "guest/riscv/csr.h"
#include "guest/riscv/sbi.h"
#include "guest/riscv/trap.h"
#include "lib/bytes.h"
#include "tests/unit/riscv_machine.h"

#define BASE 0x10
#define TIME 0x54494d45
#define IPI 0x735049
#define RFENCE 0x52464e43
#define HSM 0x48534d
#define SRST 0x53525354
#define DBCN 0x4442434e
#define SUSP 0x53555350
#define PMU 0x504d55
#define STA 0x535441
#define RAM BOARD_RAM_BASE
#define ALL UINT64_MAX

struct result {
    int64_t error;
    uint64_t value;
    bool skipped;
};

static struct result call_on(struct machine *m, unsigned hart, uint64_t eid, uint64_t fid,
                             const uint64_t args[5])
{
    struct vcpu_exit exit = {.reason = VCPU_EXIT_SBI};

    for (unsigned i = 0; i < 5; i++)
        exit.sbi.args[i] = args[i];
    exit.sbi.args[6] = fid;
    exit.sbi.args[7] = eid;
    riscv_sbi_call(m->board.sbi, &m->vm.vcpus[hart], &exit);
    assert_int_equal(m->fake.locks_held, 0);
    return (struct result){(int64_t)exit.sbi.ret[0], exit.sbi.ret[1], exit.sbi.skip_ret};
}

#define CALL(m, eid, fid, ...) call_on(m, 0, eid, fid, (const uint64_t[5]){__VA_ARGS__})
#define ERROR(m, eid, fid, ...) ((int)CALL(m, eid, fid, __VA_ARGS__).error)

static bool runs(struct machine *m, unsigned hart)
{
    return riscv_sbi_hart_runs(m->board.sbi, &m->vm.vcpus[hart]);
}

static int status(struct machine *m, unsigned hart)
{
    return (int)CALL(m, HSM, 2, hart).value;
}

static void base_tells_what_is_there(void **state)
{
    static const uint64_t present[] = {0, 8, BASE, TIME, IPI, RFENCE, HSM, SRST, DBCN, SUSP, PMU};
    static const uint64_t absent[] = {9, 0xf, 0x11, 0x4e41434c, 0x535441, 0x46574654, ALL};
    struct machine m;

    (void)state;
    machine_boot(&m, 2, false);
    assert_int_equal(CALL(&m, BASE, 0, 0).value, 0x2000000);
    assert_int_equal(CALL(&m, BASE, 1, 0).value, SBI_IMPL_ID);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(present); i++)
        assert_int_equal(CALL(&m, BASE, 3, present[i]).value, 1);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(absent); i++) {
        struct result r = CALL(&m, BASE, 3, absent[i]);

        assert_true(r.error == 0 && r.value == 0);
        assert_int_equal(ERROR(&m, absent[i], 0, 0), SBI_ERR_NOT_SUPPORTED);
    }
    for (unsigned i = 2; i < HULL_ARRAY_SIZE(present); i++) // functions that nobody defined
        assert_int_equal(ERROR(&m, present[i], 99, 0), SBI_ERR_NOT_SUPPORTED);
    machine_fini(&m);
}

static void timers_and_ipis_reach_their_harts(void **state)
{
    struct machine m;

    (void)state;
    machine_boot(&m, 3, false);
    assert_int_equal(ERROR(&m, TIME, 0, 12345), 0);
    assert_int_equal(m.vcpus[0].timer, 12345);
    assert_int_equal(ERROR(&m, IPI, 0, 3, 1), 0);
    assert_int_equal(m.vcpus[0].ssips, 0);
    assert_true(m.vcpus[1].ssips == 1 && m.vcpus[2].ssips == 1);
    assert_int_equal(ERROR(&m, IPI, 0, 0, ALL), 0); // base -1: every hart
    assert_int_equal(m.vcpus[0].ssips, 1);
    assert_int_equal(ERROR(&m, IPI, 0, 0, 99), 0); // an empty mask names no hart
    // A hart that doesn't exist spoils the call, whoever else is named.
    assert_int_equal(ERROR(&m, IPI, 0, 8, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, IPI, 0, 3, 2), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, IPI, 0, 1, 64), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, IPI, 0, 1ull << 63, 1), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, IPI, 0, 2, ALL - 1), SBI_ERR_INVALID_PARAM);
    assert_int_equal(m.vcpus[2].ssips, 2);
    machine_fini(&m);
}

static void fences_reach_their_harts(void **state)
{
    struct machine m;

    (void)state;
    machine_boot(&m, 2, false);
    assert_int_equal(ERROR(&m, RFENCE, 0, 2, 0), 0);
    assert_int_equal(m.vm.vcpus[0].fences, 0);
    assert_int_equal(m.vm.vcpus[1].fences, VCPU_FENCE_I);
    assert_int_equal(ERROR(&m, RFENCE, 1, 3, 0, 0x1000, 0x1000), 0);
    assert_int_equal(m.vm.vcpus[0].fences, VCPU_FENCE_VMA);
    assert_int_equal(m.vm.vcpus[1].fences, VCPU_FENCE_I | VCPU_FENCE_VMA);
    m.vm.vcpus[1].fences = 0;
    assert_int_equal(ERROR(&m, RFENCE, 2, 2, 0, 0, ALL, 7), 0);
    assert_int_equal(m.vm.vcpus[1].fences, VCPU_FENCE_VMA);
    assert_true(m.vm.vcpus[1].attention & VCPU_ATTN_FENCE);
    assert_int_equal(ERROR(&m, RFENCE, 1, 4, 0), SBI_ERR_INVALID_PARAM);
    for (unsigned fid = 3; fid <= 6; fid++) { // HFENCE
        m.vm.vcpus[1].fences = 0;
        assert_int_equal(ERROR(&m, RFENCE, fid, 2, 0), 0);
        assert_int_equal(m.vm.vcpus[1].fences, VCPU_FENCE_VMA);
    }
    assert_int_equal(ERROR(&m, RFENCE, 7, 2, 0), SBI_ERR_NOT_SUPPORTED);
    m.board.isa.extensions &= ~(1ull << EXT_H);
    assert_int_equal(ERROR(&m, RFENCE, 3, 2, 0), SBI_ERR_NOT_SUPPORTED);
    machine_fini(&m);
}

static void harts_start_and_stop(void **state)
{
    struct machine m;

    (void)state;
    machine_boot(&m, 2, false);
    assert_true(runs(&m, 0));
    assert_false(runs(&m, 1));
    assert_int_equal(status(&m, 0), SBI_HART_STARTED);
    assert_int_equal(status(&m, 1), SBI_HART_STOPPED);
    assert_int_equal(ERROR(&m, HSM, 0, 2, RAM, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, HSM, 0, ALL, RAM, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, HSM, 0, 1, BOARD_UART_BASE, 0), SBI_ERR_INVALID_ADDRESS);
    assert_int_equal(ERROR(&m, HSM, 0, 1, ALL - 1, 0), SBI_ERR_INVALID_ADDRESS);
    assert_int_equal(ERROR(&m, HSM, 0, 0, RAM, 0), SBI_ERR_ALREADY_AVAILABLE);
    unsigned wakes = m.fake.wakes;
    assert_int_equal(ERROR(&m, HSM, 0, 1, RAM + 0x42, 77), 0);
    assert_int_equal(m.fake.wakes, wakes + 1);
    assert_int_equal(status(&m, 1), SBI_HART_START_PENDING);
    assert_int_equal(ERROR(&m, HSM, 0, 1, RAM, 0), SBI_ERR_ALREADY_AVAILABLE);
    m.vm.vcpus[1].attention = 0;
    assert_true(runs(&m, 1));
    struct hart_state *s = &m.vcpus[1].state;
    assert_true(s->pc == RAM + 0x42 && s->priv == PRIV_S && s->satp == 0);
    assert_true(s->x[10] == 1 && s->x[11] == 77 && !(s->mstatus & MSTATUS_SIE));
    assert_true(m.vm.vcpus[1].attention & VCPU_ATTN_IRQ); // looks at its wires anew
    assert_int_equal(status(&m, 1), SBI_HART_STARTED);
    struct result r = call_on(&m, 1, HSM, 1, (const uint64_t[5]){0});
    assert_true(r.skipped);
    assert_int_equal(status(&m, 1), SBI_HART_STOPPED);
    assert_false(runs(&m, 1));
    assert_int_equal(ERROR(&m, HSM, 2, 2), SBI_ERR_INVALID_PARAM);
    machine_fini(&m);
}

static void harts_suspend_until_an_interrupt(void **state)
{
    struct machine m;

    (void)state;
    machine_boot(&m, 2, false);
    struct hart_state *s = &m.vcpus[0].state;
    // Retentive: goes on behind its call. Bits above the 32 of the type don't count.
    struct result r = CALL(&m, HSM, 3, 1ull << 63, 0, 0);
    assert_true(!r.skipped && r.error == 0);
    assert_int_equal(m.board.sbi->harts[0].status, SBI_HART_SUSPENDED);
    assert_false(runs(&m, 0));
    unsigned sets = m.vcpus[0].state_sets;
    m.vcpus[0].wakeup = true;
    assert_true(runs(&m, 0));
    assert_int_equal(m.vcpus[0].state_sets, sets);
    assert_int_equal(status(&m, 0), SBI_HART_STARTED);
    // Non-retentive: resumes elsewhere, with the timer that woke it still due.
    m.vcpus[0].wakeup = false;
    s->stimecmp = 5;
    s->satp = 8ull << 60;
    s->mstatus |= MSTATUS_SIE;
    assert_int_equal(ERROR(&m, HSM, 3, 0x80000000, 0x1000, 0), SBI_ERR_INVALID_ADDRESS);
    r = CALL(&m, HSM, 3, 0x80000000, RAM + 0x100, 99);
    assert_true(r.skipped);
    assert_false(runs(&m, 0));
    m.vcpus[0].wakeup = true;
    assert_true(runs(&m, 0));
    assert_true(s->pc == RAM + 0x100 && s->x[10] == 0 && s->x[11] == 99);
    assert_true(s->satp == 0 && !(s->mstatus & MSTATUS_SIE) && s->stimecmp == 5);
    for (unsigned i = 0; i < 4; i++) // reserved and platform-specific types
        assert_int_equal(
            ERROR(&m, HSM, 3, (const uint64_t[]){1, 0x10000000, 0x80000001, 0x90000000}[i], RAM),
            SBI_ERR_INVALID_PARAM);
    machine_fini(&m);
}

static void the_system_suspends_when_others_are_stopped(void **state)
{
    struct machine m;

    (void)state;
    machine_boot(&m, 2, false);
    assert_int_equal(ERROR(&m, SUSP, 0, 1, RAM, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, SUSP, 0, 0x80000000, RAM, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, SUSP, 0, 0, 0, 0), SBI_ERR_INVALID_ADDRESS);
    assert_int_equal(ERROR(&m, HSM, 0, 1, RAM, 0), 0);
    assert_int_equal(ERROR(&m, SUSP, 0, 0, RAM, 0), SBI_ERR_DENIED);
    assert_true(runs(&m, 1));
    call_on(&m, 1, HSM, 1, (const uint64_t[5]){0});
    struct result r = CALL(&m, SUSP, 0, 0, RAM + 8, 4);
    assert_true(r.skipped);
    assert_false(runs(&m, 0));
    m.vcpus[0].wakeup = true;
    assert_true(runs(&m, 0));
    assert_true(m.vcpus[0].state.pc == RAM + 8 && m.vcpus[0].state.x[11] == 4);
    machine_fini(&m);
}

static void resets_ask_the_owner(void **state)
{
    static const struct {
        unsigned type, reason;
        int request;
    } cases[] = {{0, 0, VM_REQUEST_POWEROFF},
                 {0, 1, VM_REQUEST_FAIL},
                 {1, 0, VM_REQUEST_RESET},
                 {2, 1, VM_REQUEST_RESET}};

    (void)state;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(cases); i++) {
        struct machine m;

        machine_boot(&m, 1, false);
        assert_int_equal(ERROR(&m, SRST, 0, 3, 0), SBI_ERR_INVALID_PARAM);
        assert_int_equal(ERROR(&m, SRST, 0, 0, 2), SBI_ERR_INVALID_PARAM);
        assert_int_equal(ERROR(&m, SRST, 0, 0xf0000000, 0), SBI_ERR_INVALID_PARAM);
        assert_int_equal(m.request, -1);
        struct result r = CALL(&m, SRST, 0, cases[i].type, cases[i].reason);
        assert_true(r.skipped);
        assert_int_equal(m.request, cases[i].request);
        assert_false(runs(&m, 0)); // never comes back
        machine_fini(&m);
    }
}

static void the_console_reads_and_writes(void **state)
{
    struct machine m;

    (void)state;
    machine_boot(&m, 1, false);
    memset(machine_at(&m, RAM), 'a', 300);
    struct result r = CALL(&m, DBCN, 0, 300, RAM, 0);
    assert_true(r.error == 0 && r.value == 300);
    assert_int_equal(m.output_length, 300);
    assert_int_equal(ERROR(&m, DBCN, 0, 1, RAM, 1), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, DBCN, 0, 1, 0x1000, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, DBCN, 0, 2, RAM + MACHINE_RAM_SIZE - 1, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, DBCN, 0, ALL, RAM, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, DBCN, 0, 0, RAM, 0), 0);
    assert_int_equal(m.output_length, 300);
    assert_int_equal(ERROR(&m, DBCN, 2, 0x1ff00 + 'z'), 0); // a byte
    assert_int_equal(m.output[300], 'z');
    r = CALL(&m, DBCN, 1, 10, RAM, 0);
    assert_true(r.error == 0 && r.value == 0);
    assert_int_equal(hull_uart_receive(m.board.uart, "hi", 2), 2);
    r = CALL(&m, DBCN, 1, 10, RAM, 0);
    assert_true(r.error == 0 && r.value == 2);
    assert_memory_equal(machine_at(&m, RAM), "hi", 2);
    machine_fini(&m);
}

static void firmware_counters_count(void **state)
{
    enum { FIRST = SBI_PMU_HW_COUNTERS, SET_TIMER = 0xf0005, IPI_RECEIVED = 0xf0007 };
    struct machine m;

    (void)state;
    machine_boot(&m, 1, false);
    assert_int_equal(CALL(&m, PMU, 0, 0).value, FIRST + SBI_PMU_FW_COUNTERS);
    assert_true(CALL(&m, PMU, 1, FIRST).value >> 63);
    assert_int_equal(ERROR(&m, PMU, 1, FIRST + SBI_PMU_FW_COUNTERS), SBI_ERR_INVALID_PARAM);
    struct result r = CALL(&m, PMU, 2, 0, (1ull << 48) - 1, 0, SET_TIMER);
    assert_true(r.error == 0 && r.value == FIRST);
    r = CALL(&m, PMU, 2, 0, (1ull << 48) - 1, 4 /* auto start */, IPI_RECEIVED);
    assert_true(r.error == 0 && r.value == FIRST + 1);
    CALL(&m, TIME, 0, 1);
    assert_int_equal(CALL(&m, PMU, 5, FIRST).value, 0); // not started
    assert_int_equal(ERROR(&m, PMU, 3, FIRST, 1, 1, 100), 0);
    assert_int_equal(ERROR(&m, PMU, 3, FIRST, 1, 0, 0), SBI_ERR_ALREADY_STARTED);
    CALL(&m, TIME, 0, 1);
    CALL(&m, TIME, 0, 2);
    assert_int_equal(CALL(&m, PMU, 5, FIRST).value, 102);
    CALL(&m, IPI, 0, 1, 0);
    assert_int_equal(CALL(&m, PMU, 5, FIRST + 1).value, 1);
    assert_int_equal(ERROR(&m, PMU, 4, FIRST, 3, 1), 0); // stop and forget both
    CALL(&m, TIME, 0, 3);
    assert_int_equal(CALL(&m, PMU, 5, FIRST).value, 102);
    assert_int_equal(ERROR(&m, PMU, 4, FIRST, 1, 0), SBI_ERR_ALREADY_STOPPED);
    assert_int_equal(ERROR(&m, PMU, 3, FIRST, 1, 0, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, PMU, 5, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, PMU, 2, FIRST, 1ull << 40, 0, SET_TIMER), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, PMU, 2, FIRST, 0xffff, 0, 0xfffff), SBI_ERR_NOT_SUPPORTED);
    assert_int_equal(ERROR(&m, PMU, 3, FIRST, 1, 2, 0), SBI_ERR_NO_SHMEM);
    assert_int_equal(ERROR(&m, PMU, 7, 0, 0, 0), SBI_ERR_NOT_SUPPORTED);
    machine_fini(&m);
}

static void hardware_counters_are_the_csrs(void **state)
{
    struct machine m;

    (void)state;
    machine_boot(&m, 1, false);
    struct hart_state *s = &m.vcpus[0].state;
    s->mcountinhibit = ~2ull;
    assert_int_equal(CALL(&m, PMU, 1, 0).value, 0xc00 | 63 << 12);
    assert_int_equal(CALL(&m, PMU, 1, 31).value, 0xc1f | 63 << 12);
    assert_int_equal(ERROR(&m, PMU, 1, 1), SBI_ERR_INVALID_PARAM); // time
    // Instructions, not in user mode: only a programmable counter can do it.
    struct result r = CALL(&m, PMU, 2, 0, 0xd, 0x20, 2);
    assert_true(r.error == 0 && r.value == 3);
    assert_true(s->mhpmevent[0] == (2 | 1ull << 60));
    assert_int_equal(ERROR(&m, PMU, 2, 0, 0xd, 0x20, 2), SBI_ERR_NOT_SUPPORTED); // it is taken
    r = CALL(&m, PMU, 2, 0, 0xd, 0, 2);
    assert_true(r.error == 0 && r.value == 2); // instret
    s->mhpmevent[0] |= 1ull << 63;
    assert_int_equal(ERROR(&m, PMU, 3, 0, 0xc, 1, 1234), 0);
    assert_true(s->mhpmcounter[0] == 1234 && s->minstret == 1234);
    assert_int_equal(s->mcountinhibit & 0xd, 1);
    assert_false(s->mhpmevent[0] >> 63); // may overflow again
    assert_int_equal(ERROR(&m, PMU, 3, 0, 4, 0, 0), SBI_ERR_ALREADY_STARTED);
    assert_int_equal(ERROR(&m, PMU, 4, 0, 8, 1), 0);
    assert_int_equal(s->mcountinhibit & 0xd, 9);
    assert_int_equal(s->mhpmevent[0], 0);
    assert_int_equal(ERROR(&m, PMU, 3, 0, 8, 0, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, PMU, 2, 0, 0xd, 0, 3), SBI_ERR_NOT_SUPPORTED); // cache events
    machine_fini(&m);
}

static void legacy_calls(void **state)
{
    struct machine m;
    uint64_t mask = 2;

    (void)state;
    machine_boot(&m, 2, false);
    assert_int_equal(ERROR(&m, 0, 0, 55), 0);
    assert_int_equal(m.vcpus[0].timer, 55);
    struct result r = CALL(&m, 1, 0, 'q', 0xabc);
    assert_true(r.error == 0 && r.value == 0xabc); // a1 is kept
    assert_string_equal(m.output, "q");
    assert_int_equal(ERROR(&m, 2, 0, 0), -1);
    assert_int_equal(hull_uart_receive(m.board.uart, "k", 1), 1);
    assert_int_equal(ERROR(&m, 2, 0, 0), 'k');
    assert_int_equal(hull_memory_write(&m.vm.memory, RAM + 0xffc, &mask, 8), 0); // across pages
    assert_int_equal(ERROR(&m, 4, 0, RAM + 0xffc), 0);
    assert_true(m.vcpus[0].ssips == 0 && m.vcpus[1].ssips == 1);
    assert_int_equal(ERROR(&m, 4, 0, 0), 0); // no mask: every hart
    assert_true(m.vcpus[0].ssips == 1 && m.vcpus[1].ssips == 2);
    assert_int_equal(ERROR(&m, 5, 0, RAM + 0xffc), 0);
    assert_int_equal(m.vm.vcpus[1].fences, VCPU_FENCE_I);
    assert_int_equal(ERROR(&m, 6, 0, RAM + 0xffc, 0, 0x1000), 0);
    assert_int_equal(m.vm.vcpus[1].fences, VCPU_FENCE_I | VCPU_FENCE_VMA);
    m.vcpus[0].state.mip = 1 << IRQ_S_SOFT;
    assert_int_equal(ERROR(&m, 3, 0, 0), 1);
    assert_int_equal(m.vcpus[0].state.mip, 0);
    // A mask that can't be read is the caller's fault, at its ecall.
    m.vcpus[0].state.pc = RAM + 0x204;
    m.vcpus[0].state.stvec = RAM + 0x800;
    r = CALL(&m, 4, 0, 0x4000);
    assert_true(r.skipped);
    assert_true(m.vcpus[0].state.pc == RAM + 0x800);
    assert_true(m.vcpus[0].state.sepc == RAM + 0x200);
    assert_int_equal(m.vcpus[0].state.scause, CAUSE_LOAD_ACCESS);
    assert_int_equal(m.vcpus[0].state.stval, 0x4000);
    assert_int_equal(m.vcpus[0].ssips, 1);
    r = CALL(&m, 8, 0, 0);
    assert_true(r.skipped);
    assert_int_equal(m.request, VM_REQUEST_POWEROFF);
    machine_fini(&m);
}

static uint32_t word_at(struct machine *m, gpa_t gpa)
{
    return hull_load_le32(machine_at(m, gpa));
}

static void steal_time_checks_its_place(void **state)
{
    struct machine m;

    (void)state;
    machine_boot(&m, 2, false);
    machine_tells_stolen(&m);
    assert_int_equal(CALL(&m, BASE, 3, STA).value, 1);
    assert_int_equal(ERROR(&m, STA, 1, RAM), SBI_ERR_NOT_SUPPORTED);
    assert_int_equal(ERROR(&m, STA, 0, RAM + 8), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, STA, 0, RAM + 32), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, STA, 0, RAM, 0, 1), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, STA, 0, ALL, ALL, 1), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, STA, 0, ALL, 0), SBI_ERR_INVALID_PARAM);
    assert_int_equal(ERROR(&m, STA, 0, RAM, 1), SBI_ERR_INVALID_ADDRESS);
    assert_int_equal(ERROR(&m, STA, 0, 0), SBI_ERR_INVALID_ADDRESS);
    assert_int_equal(ERROR(&m, STA, 0, RAM - 64), SBI_ERR_INVALID_ADDRESS);
    assert_int_equal(ERROR(&m, STA, 0, RAM + MACHINE_RAM_SIZE), SBI_ERR_INVALID_ADDRESS);
    assert_int_equal(ERROR(&m, STA, 0, ALL - 63), SBI_ERR_INVALID_ADDRESS);
    assert_int_equal(ERROR(&m, STA, 0, RAM + MACHINE_RAM_SIZE - 64), 0);
    assert_int_equal(ERROR(&m, STA, 0, ALL, ALL), 0); // off
    assert_int_equal(ERROR(&m, STA, 0, ALL, ALL), 0);
    machine_fini(&m);
}

static void steal_time_is_told(void **state)
{
    const gpa_t at = RAM + 0x400;
    struct machine m;

    (void)state;
    machine_boot(&m, 2, false);
    machine_tells_stolen(&m);
    memset(machine_at(&m, at - 8), 0xee, 80);
    m.vcpus[0].stolen = 0x123456789a;
    assert_int_equal(ERROR(&m, STA, 0, at), 0);
    assert_int_equal(hull_load_le64(machine_at(&m, at + 8)), 0x123456789a);
    for (unsigned i = 16; i < 64; i += 4)
        assert_int_equal(word_at(&m, at + i), 0);
    assert_true(word_at(&m, at - 4) == 0xeeeeeeee && word_at(&m, at + 64) == 0xeeeeeeee);
    assert_true(word_at(&m, at) && word_at(&m, at) % 2 == 0 && !word_at(&m, at + 4));

    riscv_sbi_sta_preempted(m.board.sbi, &m.vm.vcpus[0], true);
    assert_int_equal(word_at(&m, at + 16), 1);
    m.vcpus[0].stolen = 7;
    riscv_sbi_sta_update(m.board.sbi, &m.vm.vcpus[1]); // the other one did not ask
    assert_int_equal(word_at(&m, at + 16), 1);
    riscv_sbi_sta_update(m.board.sbi, &m.vm.vcpus[0]);
    assert_true(!word_at(&m, at + 16) && word_at(&m, at + 8) == 7 && word_at(&m, at) % 2 == 0);

    assert_int_equal(ERROR(&m, STA, 0, ALL, ALL), 0);
    m.vcpus[0].stolen = 8;
    riscv_sbi_sta_update(m.board.sbi, &m.vm.vcpus[0]);
    riscv_sbi_sta_preempted(m.board.sbi, &m.vm.vcpus[0], true);
    assert_true(!word_at(&m, at + 16) && word_at(&m, at + 8) == 7);
    assert_int_equal(ERROR(&m, STA, 0, at), 0);
    riscv_sbi_reset(m.board.sbi);
    m.vcpus[0].stolen = 9;
    riscv_sbi_sta_update(m.board.sbi, &m.vm.vcpus[0]);
    assert_int_equal(word_at(&m, at + 8), 8);
    machine_fini(&m);
}

// Random calls: none may crash, hang or hold a lock.
static void any_call_is_answered(void **state)
{
    static const uint64_t eids[] = {0,    1,    2,   3,      4,   5,    6,    7,   8,   9,
                                    BASE, TIME, IPI, RFENCE, HSM, DBCN, SUSP, PMU, SRST};
    static const uint64_t values[] = {0,       1,          2,   7,       31,
                                      32,      47,         48,  63,      64,
                                      0xf0005, 0x80000000, RAM, RAM + 1, RAM + MACHINE_RAM_SIZE - 1,
                                      ALL,     ALL - 7};
    struct machine m;
    uint64_t seed = 42;

    (void)state;
    machine_boot(&m, 2, false);
    m.output_room = SIZE_MAX;
    for (unsigned round = 0; round < 20000; round++) {
        uint64_t args[5], eid;

        for (unsigned i = 0; i < 5; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            args[i] = values[(seed >> 33) % HULL_ARRAY_SIZE(values)];
        }
        eid = eids[(seed >> 40) % HULL_ARRAY_SIZE(eids)];
        m.output_length = 0;
        m.vcpus[0].state.pc = RAM;
        call_on(&m, 0, eid, (seed >> 50) % 10, args);
        m.vcpus[0].wakeup = true;
        m.board.sbi->harts[0].status = SBI_HART_STARTED;
        runs(&m, 1);
    }
    machine_fini(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base_tells_what_is_there),
        cmocka_unit_test(timers_and_ipis_reach_their_harts),
        cmocka_unit_test(fences_reach_their_harts),
        cmocka_unit_test(harts_start_and_stop),
        cmocka_unit_test(harts_suspend_until_an_interrupt),
        cmocka_unit_test(the_system_suspends_when_others_are_stopped),
        cmocka_unit_test(resets_ask_the_owner),
        cmocka_unit_test(the_console_reads_and_writes),
        cmocka_unit_test(firmware_counters_count),
        cmocka_unit_test(hardware_counters_are_the_csrs),
        cmocka_unit_test(legacy_calls),
        cmocka_unit_test(steal_time_checks_its_place),
        cmocka_unit_test(steal_time_is_told),
        cmocka_unit_test(any_call_is_answered),
    };
    return cmocka_run_group_tests_name("guest/riscv/sbi", tests, NULL, NULL);
}
