// SPDX-License-Identifier: Apache-2.0
// CSRs: who may access what, what of a value sticks, counters, and states that are loaded whole.
#include "tests/unit/unit.h"

#include "guest/riscv/counters.h"
#include "guest/riscv/trap.h"
#include "tests/unit/riscv_fixture.h"

enum {
    SSTATUS = 0x100,
    STVEC = 0x105,
    SCOUNTEREN = 0x106,
    SENVCFG = 0x10a,
    SEPC = 0x141,
    STIMECMP = 0x14d,
    SCOUNTOVF = 0xda0,
    MSTATUS = 0x300,
    MISA = 0x301,
    MEDELEG = 0x302,
    MIDELEG = 0x303,
    MTVEC = 0x305,
    MCOUNTEREN = 0x306,
    MENVCFG = 0x30a,
    MCOUNTINHIBIT = 0x320,
    MHPMEVENT3 = 0x323,
    MEPC = 0x341,
    MCYCLE = 0xb00,
    MINSTRET = 0xb02,
    MHPMCOUNTER3 = 0xb03,
    MHPMCOUNTER31 = 0xb1f,
    MHARTID = 0xf14,
};

#define IRQ(n) (1ull << IRQ_##n)

static int setup(void **state)
{
    static struct riscv_fixture f;

    riscv_fixture_init(&f, false);
    *state = &f;
    return 0;
}

static int setup_sbi(void **state)
{
    static struct riscv_fixture f;

    riscv_fixture_init(&f, true);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    riscv_fixture_fini(*state);
    return 0;
}

// What is left of a register after ~0 and 0 were written to it.
static void check_bits(struct riscv_fixture *f, unsigned csr, uint64_t ones, uint64_t zeros)
{
    fixture_csrw(f, csr, ~0ull);
    assert_int_equal(fixture_csrr(f, csr), ones);
    fixture_csrw(f, csr, 0);
    assert_int_equal(fixture_csrr(f, csr), zeros);
}

static void unknown_and_privileged_registers_trap(void **state)
{
    struct riscv_fixture *f = *state;
    static const unsigned unknown[] = {0x004, 0x1ff, 0x206, 0x3a1, 0x3a3,  0x3a4,
                                       0x3c0, 0x5a8, 0x615, 0x747, 0x7b0,  0x7b1,
                                       0x7b2, 0xb01, 0xc80, 0xfff, 0x1000, 0xffffffff};

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(unknown); i++)
        assert_false(fixture_readable(f, unknown[i]));
    for (unsigned csr = 0; csr < 4096; csr++) {
        bool known, priv = (csr >> 8 & 3) == 3;

        f->hart.s.priv = PRIV_M;
        f->hart.s.mstatus |= MSTATUS_FS;
        known = fixture_readable(f, csr);
        assert_true(!known || fixture_writable(f, csr) == (csr >> 10 != 3));
        f->hart.s.priv = PRIV_S;
        if (priv)
            assert_false(fixture_readable(f, csr));
        f->hart.s.priv = PRIV_U;
        if (csr >> 8 & 3)
            assert_false(fixture_readable(f, csr));
    }
}

static void machine_registers_keep_what_is_legal(void **state)
{
    struct riscv_fixture *f = *state;
    const uint64_t xl = MSTATUS_UXL_64 | MSTATUS_SXL_64;

    check_bits(f, MSTATUS, MSTATUS_SD | MSTATUS_MPV | MSTATUS_GVA | xl | 0x7e79aa, xl);
    check_bits(f, SSTATUS, MSTATUS_SD | MSTATUS_UXL_64 | 0xc6122, MSTATUS_UXL_64);
    check_bits(f, MEDELEG, 0xf0b7ff, 0);
    check_bits(f, MIDELEG, 0x2666, 0x444);
    check_bits(f, CSR_MIE, 0x2eee, 0);
    check_bits(f, CSR_MIP, 0x2226, 0);
    check_bits(f, MCOUNTEREN, 0xffffffff, 0);
    check_bits(f, SCOUNTEREN, 0xffffffff, 0);
    check_bits(f, MCOUNTINHIBIT, 0xfffffffd, 0);
    check_bits(f, MENVCFG, 0xe0000000000000f1, 0);
    check_bits(f, SENVCFG, 0xf1, 0);
    check_bits(f, MEPC, ~1ull, 0);
    check_bits(f, SEPC, ~1ull, 0);
    check_bits(f, MHPMEVENT3, 0xfcffffffffffffff, 0);
    check_bits(f, 0x7a0, 0, 0); // tselect
    check_bits(f, 0x7a1, 0, 0);
    assert_int_equal(fixture_csrr(f, 0x7a4), 1);
    assert_int_equal(fixture_csrr(f, MISA), 2ull << 62 | 0x1411af);
    fixture_csrw(f, MISA, 0);
    assert_int_equal(fixture_csrr(f, MISA), 2ull << 62 | 0x1411af);
}

static void fields_ignore_reserved_values(void **state)
{
    struct riscv_fixture *f = *state;

    fixture_csrw(f, MSTATUS, 1ull << MSTATUS_MPP_SHIFT);
    fixture_csrw(f, MSTATUS, 2ull << MSTATUS_MPP_SHIFT);
    assert_int_equal(fixture_csrr(f, MSTATUS) & MSTATUS_MPP, 1ull << MSTATUS_MPP_SHIFT);
    fixture_csrw(f, MTVEC, 0x1001);
    fixture_csrw(f, MTVEC, 0x2002);
    assert_int_equal(fixture_csrr(f, MTVEC), 0x2001);
    fixture_csrw(f, STVEC, 0x3003);
    assert_int_equal(fixture_csrr(f, STVEC), 0x3000);
    fixture_csrw(f, MENVCFG, 1 << 4);
    fixture_csrw(f, MENVCFG, 2 << 4);
    assert_int_equal(fixture_csrr(f, MENVCFG), 1 << 4);
    fixture_csrw(f, SENVCFG, 3 << 4);
    fixture_csrw(f, SENVCFG, 2 << 4 | 1);
    assert_int_equal(fixture_csrr(f, SENVCFG), 3 << 4 | 1);
}

static void satp_takes_supported_modes_only(void **state)
{
    struct riscv_fixture *f = *state;
    uint64_t good = 8ull << 60 | 0xffffull << 44 | 0x80123;

    fixture_csrw(f, CSR_SATP, good);
    assert_int_equal(fixture_csrr(f, CSR_SATP), good);
    assert_int_equal(f->hart.changed & HART_CHANGED_SATP, HART_CHANGED_SATP);
    for (uint64_t mode = 1; mode < 16; mode++) {
        if (mode >= 8 && mode <= 10)
            continue;
        fixture_csrw(f, CSR_SATP, mode << 60 | 0x777);
        assert_int_equal(fixture_csrr(f, CSR_SATP), good);
    }
    fixture_csrw(f, CSR_SATP, 10ull << 60);
    assert_int_equal(fixture_csrr(f, CSR_SATP), 10ull << 60);
    f->isa.sv_levels = 3;
    fixture_csrw(f, CSR_SATP, 9ull << 60);
    assert_int_equal(fixture_csrr(f, CSR_SATP), 10ull << 60);
    fixture_csrw(f, CSR_SATP, 0);
    assert_int_equal(fixture_csrr(f, CSR_SATP), 0);

    f->hart.s.priv = PRIV_S;
    assert_true(fixture_writable(f, CSR_SATP));
    f->hart.s.mstatus |= MSTATUS_TVM;
    assert_false(fixture_readable(f, CSR_SATP));
    assert_false(fixture_writable(f, CSR_SATP));
}

static void fp_registers_follow_fs(void **state)
{
    struct riscv_fixture *f = *state;

    for (unsigned csr = CSR_FFLAGS; csr <= CSR_FCSR; csr++)
        assert_false(fixture_readable(f, csr));
    fixture_csrw(f, MSTATUS, MSTATUS_FS_INITIAL);
    assert_int_equal(fixture_csrr(f, CSR_FCSR), 0);
    assert_int_equal(fixture_csrr(f, MSTATUS) & MSTATUS_FS, MSTATUS_FS_INITIAL);
    fixture_csrw(f, CSR_FCSR, ~0ull);
    assert_int_equal(fixture_csrr(f, CSR_FCSR), 0xff);
    assert_int_equal(fixture_csrr(f, MSTATUS) & (MSTATUS_FS | MSTATUS_SD),
                     MSTATUS_FS_DIRTY | MSTATUS_SD);
    assert_true(fixture_csrr(f, SSTATUS) & MSTATUS_SD);
    fixture_csrw(f, CSR_FFLAGS, 0x25);
    fixture_csrw(f, CSR_FRM, 0x1a);
    assert_int_equal(fixture_csrr(f, CSR_FCSR), 0x45);
    assert_int_equal(fixture_csrr(f, CSR_FRM), 2);

    f->isa.extensions &= ~(1ull << EXT_F);
    fixture_csrw(f, MSTATUS, 0);
    f->hart.s.mstatus = 0;
    fixture_csrw(f, MSTATUS, MSTATUS_FS);
    assert_int_equal(fixture_csrr(f, MSTATUS) & MSTATUS_FS, 0);
}

static void counters_need_both_enables(void **state)
{
    struct riscv_fixture *f = *state;

    for (unsigned n = 0; n < 32; n++) {
        unsigned csr = CSR_CYCLE + n;

        f->hart.s.mcounteren = f->hart.s.scounteren = 0;
        f->hart.s.priv = PRIV_M;
        assert_true(fixture_readable(f, csr));
        assert_false(fixture_writable(f, csr));
        f->hart.s.priv = PRIV_S;
        assert_false(fixture_readable(f, csr));
        f->hart.s.mcounteren = 1u << n;
        assert_true(fixture_readable(f, csr));
        f->hart.s.priv = PRIV_U;
        assert_false(fixture_readable(f, csr));
        f->hart.s.scounteren = 1u << n;
        assert_true(fixture_readable(f, csr));
        f->hart.s.mcounteren = 0;
        assert_false(fixture_readable(f, csr));
    }
}

static void counters_count_and_writes_act_afterwards(void **state)
{
    struct riscv_fixture *f = *state;

    f->hart.instret = 1000;
    fixture_csrw(f, MINSTRET, 5);
    assert_int_equal(fixture_csrr(f, MINSTRET), 5);
    assert_int_equal(fixture_csrr(f, CSR_INSTRET), 6);
    fixture_csrw(f, MCYCLE, ~0ull);
    assert_int_equal(fixture_csrr(f, MCYCLE), ~0ull);
    assert_int_equal(fixture_csrr(f, CSR_CYCLE), 0);

    // Inhibition stops after the instruction that asks for it, and starts likewise.
    fixture_csrw(f, MINSTRET, 100);
    fixture_csrw(f, MCOUNTINHIBIT, 1u << 2);
    assert_int_equal(fixture_csrr(f, MINSTRET), 101);
    assert_int_equal(fixture_csrr(f, MINSTRET), 101);
    fixture_csrw(f, MINSTRET, 7);
    assert_int_equal(fixture_csrr(f, MINSTRET), 7);
    fixture_csrw(f, MCOUNTINHIBIT, 0);
    assert_int_equal(fixture_csrr(f, MINSTRET), 7);
    assert_int_equal(fixture_csrr(f, MINSTRET), 8);
}

static void hpm_counters_count_their_event(void **state)
{
    struct riscv_fixture *f = *state;

    fixture_csrw(f, MHPMCOUNTER31, 50);
    assert_int_equal(fixture_csrr(f, MHPMCOUNTER31), 50);
    assert_int_equal(fixture_csrr(f, MHPMCOUNTER31), 50);
    fixture_csrw(f, MHPMEVENT3 + 28, RISCV_EVENT_INSTRUCTIONS);
    assert_int_equal(fixture_csrr(f, MHPMCOUNTER31), 50);
    assert_int_equal(fixture_csrr(f, CSR_CYCLE + 31), 51);
    fixture_csrw(f, MCOUNTINHIBIT, 1u << 31);
    assert_int_equal(fixture_csrr(f, MHPMCOUNTER31), 53);
    assert_int_equal(fixture_csrr(f, MHPMCOUNTER31), 53);
    fixture_csrw(f, MCOUNTINHIBIT, 0);
    fixture_csrw(f, MHPMEVENT3 + 28, 0x1234); // an event that does not exist here
    assert_int_equal(fixture_csrr(f, MHPMCOUNTER31), 54);
    assert_int_equal(fixture_csrr(f, MHPMCOUNTER31), 54);
}

static void hpm_filters_follow_the_mode(void **state)
{
    struct riscv_fixture *f = *state;

    f->hart.s.mepc = FIXTURE_RAM;
    fixture_csrw(f, MHPMEVENT3, RISCV_EVENT_CYCLES | MHPMEVENT_MINH | MHPMEVENT_SINH);
    fixture_csrw(f, MHPMCOUNTER3, 0);
    f->hart.instret += 10;
    assert_int_equal(fixture_csrr(f, MHPMCOUNTER3), 0);
    f->hart.s.mstatus &= ~MSTATUS_MPP; // to U mode, which counts
    assert_int_equal(riscv_mret(&f->hart), 0);
    f->hart.instret++;
    f->hart.instret += 20;
    riscv_trap(&f->hart, CAUSE_ECALL_U, 0);
    f->hart.instret += 30;
    assert_int_equal(fixture_csrr(f, MHPMCOUNTER3), 20);
}

static void overflow_interrupts_once(void **state)
{
    struct riscv_fixture *f = *state;

    fixture_csrw(f, MHPMEVENT3, RISCV_EVENT_CYCLES);
    fixture_csrw(f, MHPMCOUNTER3, 0 - 10ull);
    assert_int_equal(f->hart.counter_limit, f->hart.instret + 10);
    f->hart.instret += 9;
    riscv_counters_expire(&f->hart);
    assert_false(riscv_mip(&f->hart) & IRQ(LCOF));
    f->hart.instret += 1;
    assert_true(riscv_mip(&f->hart) & IRQ(LCOF));
    assert_int_equal(fixture_csrr(f, SCOUNTOVF), 1u << 3);
    assert_int_equal(fixture_csrr(f, MHPMEVENT3), MHPMEVENT_OF | RISCV_EVENT_CYCLES);
    assert_int_equal(f->hart.counter_limit, UINT64_MAX);

    // With OF set another overflow is silent; cleared, the counter is armed again.
    fixture_modify(f, CSR_MIP, CSR_OP_CLEAR, IRQ(LCOF));
    fixture_csrw(f, MHPMCOUNTER3, 0 - 5ull);
    f->hart.instret += 100;
    assert_false(riscv_mip(&f->hart) & IRQ(LCOF));
    fixture_csrw(f, MHPMEVENT3, RISCV_EVENT_CYCLES);
    fixture_csrw(f, MHPMCOUNTER3, 0 - 5ull);
    f->hart.instret += 4;
    assert_false(riscv_mip(&f->hart) & IRQ(LCOF));
    f->hart.instret += 1;
    assert_true(riscv_mip(&f->hart) & IRQ(LCOF));

    f->hart.s.priv = PRIV_S;
    assert_int_equal(fixture_csrr(f, SCOUNTOVF), 0);
    f->hart.s.mcounteren = 1u << 3;
    assert_int_equal(fixture_csrr(f, SCOUNTOVF), 1u << 3);
}

static void time_is_the_machines(void **state)
{
    struct riscv_fixture *f = *state;

    fake_env_advance(&f->fake, 12345600);
    assert_int_equal(fixture_csrr(f, CSR_TIME), 123456);
}

static void stimecmp_interrupts_when_enabled(void **state)
{
    struct riscv_fixture *f = *state;

    f->hart.s.mcounteren = 2;
    f->hart.s.priv = PRIV_S;
    assert_false(fixture_readable(f, STIMECMP)); // STCE is clear
    f->hart.s.priv = PRIV_M;
    fixture_csrw(f, STIMECMP, 100);
    assert_int_equal(fake_timer_deadline(&f->hart.stimer), HULL_TIME_NEVER);
    fixture_csrw(f, CSR_MIP, IRQ(S_TIMER));
    assert_true(riscv_mip(&f->hart) & IRQ(S_TIMER));
    fixture_csrw(f, MENVCFG, MENVCFG_STCE);
    assert_int_equal(fake_timer_deadline(&f->hart.stimer), 10000);
    assert_false(riscv_mip(&f->hart) & IRQ(S_TIMER)); // the comparator alone drives it now
    fixture_csrw(f, CSR_MIP, IRQ(S_TIMER));
    assert_false(riscv_mip(&f->hart) & IRQ(S_TIMER));

    f->hart.s.priv = PRIV_S;
    assert_int_equal(fixture_csrr(f, STIMECMP), 100);
    fake_env_advance(&f->fake, 9999);
    assert_false(riscv_mip(&f->hart) & IRQ(S_TIMER));
    assert_int_equal(atomic_load(&f->vm.vcpus[0].attention), 0);
    fake_env_advance(&f->fake, 1);
    assert_true(riscv_mip(&f->hart) & IRQ(S_TIMER));
    assert_int_equal(atomic_load(&f->vm.vcpus[0].attention), VCPU_ATTN_TIMER);
    fixture_csrw(f, STIMECMP, UINT64_MAX);
    assert_false(riscv_mip(&f->hart) & IRQ(S_TIMER));
    assert_int_equal(fake_timer_deadline(&f->hart.stimer), HULL_TIME_NEVER);

    f->hart.s.mcounteren = 0;
    assert_false(fixture_writable(f, STIMECMP));
    f->isa.extensions &= ~(1ull << EXT_SSTC);
    f->hart.s.priv = PRIV_M;
    assert_false(fixture_readable(f, STIMECMP));
}

static void seip_is_wire_or_software(void **state)
{
    struct riscv_fixture *f = *state;

    hull_vcpu_set_irq(&f->vm.vcpus[0], IRQ_S_EXT, true);
    // csrrs sees the wire, and does not store it.
    assert_true(fixture_modify(f, CSR_MIP, CSR_OP_SET, IRQ(S_SOFT)) & IRQ(S_EXT));
    hull_vcpu_set_irq(&f->vm.vcpus[0], IRQ_S_EXT, false);
    assert_int_equal(fixture_csrr(f, CSR_MIP), IRQ(S_SOFT));
    fixture_modify(f, CSR_MIP, CSR_OP_SET, IRQ(S_EXT));
    hull_vcpu_set_irq(&f->vm.vcpus[0], IRQ_S_EXT, true);
    fixture_modify(f, CSR_MIP, CSR_OP_CLEAR, IRQ(S_EXT));
    assert_true(fixture_csrr(f, CSR_MIP) & IRQ(S_EXT));
    hull_vcpu_set_irq(&f->vm.vcpus[0], IRQ_S_EXT, false);
    assert_false(fixture_csrr(f, CSR_MIP) & IRQ(S_EXT));

    hull_vcpu_set_irq(&f->vm.vcpus[0], IRQ_M_EXT, true);
    hull_vcpu_set_irq(&f->vm.vcpus[0], 63, true); // no such interrupt
    fixture_csrw(f, CSR_MIP, 0);
    assert_int_equal(fixture_csrr(f, CSR_MIP), IRQ(M_EXT));
}

static void sip_shows_and_changes_what_is_delegated(void **state)
{
    struct riscv_fixture *f = *state;

    fixture_csrw(f, CSR_MIP, 0x2222);
    assert_int_equal(fixture_csrr(f, CSR_SIP), 0);
    fixture_csrw(f, CSR_SIP, 0);
    assert_int_equal(fixture_csrr(f, CSR_MIP), 0x2222);
    fixture_csrw(f, MIDELEG, 0x2222);
    fixture_csrw(f, CSR_SIP, 0);
    assert_int_equal(fixture_csrr(f, CSR_SIP), 0x220); // timer and external are not S mode's
    fixture_csrw(f, CSR_SIE, ~0ull);
    assert_int_equal(fixture_csrr(f, CSR_MIE), 0x2222);
    fixture_csrw(f, CSR_MIE, 0x2aaa);
    fixture_csrw(f, MIDELEG, 2);
    assert_int_equal(fixture_csrr(f, CSR_SIE), 2);
    fixture_csrw(f, CSR_SIE, 0);
    assert_int_equal(fixture_csrr(f, CSR_MIE), 0x2aa8);
}

static void software_interrupts_of_others_are_not_lost(void **state)
{
    struct riscv_fixture *f = *state;

    hull_vcpu_set_irq(&f->vm.vcpus[0], IRQ_S_SOFT, true);
    fixture_modify(f, CSR_MIP, CSR_OP_SET, IRQ(S_TIMER));
    fixture_modify(f, CSR_MIP, CSR_OP_CLEAR, IRQ(S_TIMER));
    assert_true(fixture_csrr(f, CSR_MIP) & IRQ(S_SOFT));
    fixture_modify(f, CSR_MIP, CSR_OP_CLEAR, IRQ(S_SOFT));
    assert_false(fixture_csrr(f, CSR_MIP) & IRQ(S_SOFT));
}

static void missing_extensions_take_their_fields_along(void **state)
{
    struct riscv_fixture *f = *state;

    f->isa.extensions = 1ull << EXT_I;
    check_bits(f, MENVCFG, ENVCFG_FIOM, 0);
    check_bits(f, SENVCFG, ENVCFG_FIOM, 0);
    check_bits(f, MIDELEG, 0x222, 0);
    check_bits(f, MHPMEVENT3, MHPMEVENT_EVENT, 0);
    check_bits(f, MEPC, ~3ull, 0);
    assert_int_equal(fixture_csrr(f, MISA), 2ull << 62 | 0x140100);
    assert_false(fixture_readable(f, SCOUNTOVF));
    assert_false(fixture_readable(f, CSR_CYCLE));
    assert_false(fixture_readable(f, CSR_CYCLE + 3));
    assert_false(fixture_readable(f, CSR_FCSR));
}

static void saved_states_hold_counter_values(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state saved;

    f->hart.instret = 500;
    fixture_csrw(f, MHPMEVENT3, RISCV_EVENT_CYCLES);
    fixture_csrw(f, MHPMCOUNTER3, 70);
    fixture_csrw(f, MINSTRET, 40);
    riscv_hart_state_save(&f->hart, &saved);
    assert_int_equal(saved.minstret, 40);
    assert_int_equal(saved.mhpmcounter[0], 71);
    f->hart.instret = 3; // another engine, another count
    f->hart.s = saved;
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(fixture_csrr(f, MINSTRET), 40);
    assert_int_equal(fixture_csrr(f, MHPMCOUNTER3), 72);
}

static void loaded_states_are_made_legal(void **state)
{
    struct riscv_fixture *f = *state;

    memset(&f->hart.s, 0xff, sizeof(f->hart.s));
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(f->hart.s.x[0], 0);
    assert_int_equal(f->hart.s.priv, PRIV_M);
    assert_int_equal(f->hart.s.pc, ~1ull);
    assert_int_equal(f->hart.s.frm, 7);
    assert_int_equal(f->hart.s.fflags, 31);
    assert_int_equal(f->hart.s.satp, 0);
    assert_int_equal(f->hart.s.medeleg, 0xf0b7ff);
    assert_int_equal(f->hart.s.mip, 0x2222);
    assert_int_equal(f->hart.s.virt, 0);
    assert_int_equal(f->hart.s.mideleg, 0x2666);
    assert_int_equal(f->hart.s.hstatus, HSTATUS_VSXL_64 | 0x7003c0);
    assert_int_equal(f->hart.s.hedeleg, 0xb1ff);
    assert_int_equal(f->hart.s.hideleg, 0x444);
    assert_int_equal(f->hart.s.hvip, 0x444);
    assert_int_equal(f->hart.s.hcounteren, 0xffffffff);
    assert_int_equal(f->hart.s.henvcfg, 0xe0000000000000f1);
    assert_int_equal(f->hart.s.hgatp, 0x03fffffffffffffc);
    assert_int_equal(f->hart.s.vsatp, 0);
    assert_int_equal(f->hart.s.vsstatus, MSTATUS_UXL_64 | 0xc6122);
    assert_int_equal(f->hart.s.pmpcfg[0], 0x9f);
    assert_int_equal(f->hart.s.pmpaddr[15], (1ull << 54) - 1);
    assert_int_equal(f->hart.s.menvcfg & ENVCFG_CBIE, ENVCFG_CBIE);
    f->hart.s.priv = 2;
    f->hart.s.mstatus = 2ull << MSTATUS_MPP_SHIFT;
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(f->hart.s.priv, PRIV_M);
    assert_int_equal(f->hart.s.mstatus, MSTATUS_UXL_64 | MSTATUS_SXL_64);
}

static void sbi_harts_start_as_firmware_would_leave_them(void **state)
{
    struct riscv_fixture *f = *state;

    assert_int_equal(f->hart.s.priv, PRIV_S);
    assert_int_equal(f->hart.s.medeleg, 0xf0b5ff);
    assert_int_equal(f->hart.s.mideleg, 0x2666);
    assert_false(f->hart.s.menvcfg & MENVCFG_ADUE);
    assert_true(fixture_writable(f, STIMECMP));
    assert_true(fixture_readable(f, CSR_TIME));
    assert_true(fixture_readable(f, CSR_CYCLE + 31));
    assert_false(fixture_readable(f, MHARTID));
    assert_int_equal(riscv_cbo_check(&f->hart, CBO_INVAL), 0);
    f->hart.s.priv = PRIV_U;
    assert_true(fixture_readable(f, CSR_TIME));
    f->hart.s.priv = PRIV_M; // a state for the other kind of hart
    f->hart.s.mie = 0x2aaa;
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(f->hart.s.priv, PRIV_S);
    assert_int_equal(f->hart.s.mie, 0x2222);
}

static void the_sbis_timer_needs_no_sstc(void **state)
{
    struct riscv_fixture *f = *state;

    f->isa.extensions &= ~(1ull << EXT_SSTC);
    riscv_hart_state_loaded(&f->hart);
    assert_false(fixture_readable(f, STIMECMP));
    f->hart.s.stimecmp = 100;
    riscv_stimer_update(&f->hart);
    assert_int_equal(fake_timer_deadline(&f->hart.stimer), 10000);
    assert_false(riscv_mip(&f->hart) & IRQ(S_TIMER));
    fake_env_advance(&f->fake, 10000);
    assert_true(riscv_mip(&f->hart) & IRQ(S_TIMER));
}

static void isa_strings_name_what_is_there(void **state)
{
    struct riscv_isa isa = {0};
    char buf[1024], small[9];

    (void)state;
    isa.extensions = 1ull << EXT_I | 1ull << EXT_M | 1ull << EXT_ZBA | 1ull << EXT_SSTC;
    assert_int_equal(riscv_isa_string(&isa, buf, sizeof(buf)), 15);
    assert_string_equal(buf, "rv64im_zba_sstc");
    assert_int_equal(riscv_isa_string(&isa, buf, 15), -HULL_ENOSPC);
    assert_int_equal(riscv_isa_string(&isa, small, sizeof(small)), -HULL_ENOSPC);
    isa = riscv_isa_default();
    assert_true(riscv_isa_string(&isa, buf, sizeof(buf)) > 100);
    assert_memory_equal(buf, "rv64imafdch_zic64b_", 19);
    assert_string_equal(riscv_extension_name(EXT_SVPBMT), "svpbmt");
    assert_null(riscv_extension_name(EXT_COUNT));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_and_privileged_registers_trap),
        TEST(machine_registers_keep_what_is_legal),
        TEST(fields_ignore_reserved_values),
        TEST(satp_takes_supported_modes_only),
        TEST(fp_registers_follow_fs),
        TEST(counters_need_both_enables),
        TEST(counters_count_and_writes_act_afterwards),
        TEST(hpm_counters_count_their_event),
        TEST(hpm_filters_follow_the_mode),
        TEST(overflow_interrupts_once),
        TEST(time_is_the_machines),
        TEST(stimecmp_interrupts_when_enabled),
        TEST(seip_is_wire_or_software),
        TEST(sip_shows_and_changes_what_is_delegated),
        TEST(software_interrupts_of_others_are_not_lost),
        TEST(missing_extensions_take_their_fields_along),
        TEST(saved_states_hold_counter_values),
        TEST(loaded_states_are_made_legal),
        cmocka_unit_test_setup_teardown(sbi_harts_start_as_firmware_would_leave_them, setup_sbi,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_sbis_timer_needs_no_sstc, setup_sbi, teardown),
        TEST(isa_strings_name_what_is_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
