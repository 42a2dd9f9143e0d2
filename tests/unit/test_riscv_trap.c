// SPDX-License-Identifier: Apache-2.0
// Traps: delegation, the stacks in mstatus, priorities, returns, and what mstatus can forbid.
#include "tests/unit/unit.h"

#include "guest/riscv/trap.h"
#include "tests/unit/riscv_fixture.h"

#define IRQ(n) (1ull << IRQ_##n)
#define MPP(priv) ((uint64_t)(priv) << MSTATUS_MPP_SHIFT)
#define INTERRUPT (1ull << 63)

static int setup(void **state)
{
    static struct riscv_fixture f;

    riscv_fixture_init(&f, false);
    f.hart.s.mtvec = 0x1000;
    f.hart.s.stvec = 0x2000;
    f.hart.s.pc = FIXTURE_RAM;
    *state = &f;
    return 0;
}

static int setup_sbi(void **state)
{
    static struct riscv_fixture f;

    riscv_fixture_init(&f, true);
    f.hart.s.stvec = 0x2000;
    f.hart.s.pc = FIXTURE_RAM;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    riscv_fixture_fini(*state);
    return 0;
}

static void machine_trap_stacks_mie(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state *s = &f->hart.s;

    s->mstatus |= MSTATUS_MIE;
    riscv_trap(&f->hart, CAUSE_ILLEGAL_INSTRUCTION, 0xdeadbeef);
    assert_int_equal(s->pc, 0x1000);
    assert_int_equal(s->priv, PRIV_M);
    assert_int_equal(s->mepc, FIXTURE_RAM);
    assert_int_equal(s->mcause, 2);
    assert_int_equal(s->mtval, 0xdeadbeef);
    assert_int_equal(s->mstatus & (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP),
                     MSTATUS_MPIE | MPP(PRIV_M));
    assert_true(f->hart.changed & HART_CHANGED_MODE);
    assert_int_equal(riscv_mret(&f->hart), 0);
    assert_int_equal(s->pc, FIXTURE_RAM);
    assert_int_equal(s->priv, PRIV_M);
    assert_int_equal(s->mstatus & (MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP),
                     MSTATUS_MIE | MSTATUS_MPIE);
}

static void delegation_reaches_supervisor_from_below(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state *s = &f->hart.s;

    s->medeleg = 1u << CAUSE_LOAD_PAGE_FAULT;
    s->priv = PRIV_U;
    s->mstatus |= MSTATUS_SIE | MSTATUS_SPP;
    riscv_trap(&f->hart, CAUSE_LOAD_PAGE_FAULT, 0x1234);
    assert_int_equal(s->priv, PRIV_S);
    assert_int_equal(s->pc, 0x2000);
    assert_int_equal(s->sepc, FIXTURE_RAM);
    assert_int_equal(s->scause, 13);
    assert_int_equal(s->stval, 0x1234);
    assert_int_equal(s->mstatus & (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP), MSTATUS_SPIE);

    riscv_trap(&f->hart, CAUSE_LOAD_PAGE_FAULT, 0x5678); // from S itself
    assert_int_equal(s->sepc, 0x2000);
    assert_int_equal(s->mstatus & (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP), MSTATUS_SPP);
    riscv_trap(&f->hart, CAUSE_STORE_PAGE_FAULT, 1); // not delegated
    assert_int_equal(s->priv, PRIV_M);
    assert_int_equal(s->mstatus & MSTATUS_MPP, MPP(PRIV_S));
    riscv_trap(&f->hart, CAUSE_LOAD_PAGE_FAULT, 0); // delegated, but never downwards
    assert_int_equal(s->priv, PRIV_M);
    assert_int_equal(s->mcause, 13);
    assert_int_equal(s->mstatus & MSTATUS_MPP, MPP(PRIV_M));
}

static void sret_unstacks_and_leaves_mprv(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state *s = &f->hart.s;

    s->sepc = 0x4000;
    s->mstatus |= MSTATUS_SPP | MSTATUS_SPIE | MSTATUS_MPRV;
    assert_int_equal(riscv_sret(&f->hart), 0); // also legal in M mode
    assert_int_equal(s->priv, PRIV_S);
    assert_int_equal(s->pc, 0x4000);
    assert_int_equal(s->mstatus & (MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_MPRV),
                     MSTATUS_SIE | MSTATUS_SPIE);
    s->mstatus |= MSTATUS_TSR;
    assert_int_equal(riscv_sret(&f->hart), CAUSE_ILLEGAL_INSTRUCTION);
    s->mstatus &= ~MSTATUS_TSR;
    assert_int_equal(riscv_sret(&f->hart), 0);
    assert_int_equal(s->priv, PRIV_U);
    assert_int_equal(riscv_sret(&f->hart), CAUSE_ILLEGAL_INSTRUCTION);
    assert_int_equal(riscv_mret(&f->hart), CAUSE_ILLEGAL_INSTRUCTION);
}

static void mret_clears_mprv_unless_to_machine(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state *s = &f->hart.s;

    s->mstatus |= MSTATUS_MPRV | MPP(PRIV_M);
    assert_int_equal(riscv_mret(&f->hart), 0);
    assert_true(s->mstatus & MSTATUS_MPRV);
    s->mstatus |= MPP(PRIV_S);
    assert_int_equal(riscv_mret(&f->hart), 0);
    assert_int_equal(s->priv, PRIV_S);
    assert_false(s->mstatus & MSTATUS_MPRV);
    assert_int_equal(riscv_mret(&f->hart), CAUSE_ILLEGAL_INSTRUCTION);
}

static void raise_all(struct riscv_fixture *f)
{
    static const unsigned lines[] = {IRQ_M_EXT, IRQ_M_SOFT, IRQ_M_TIMER, IRQ_S_EXT};

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(lines); i++)
        hull_vcpu_set_irq(&f->vm.vcpus[0], lines[i], true);
    f->hart.s.mip = IRQ(S_SOFT) | IRQ(S_TIMER) | IRQ(LCOF);
    f->hart.s.mie = 0x2aaa;
}

static void interrupts_come_by_priority(void **state)
{
    struct riscv_fixture *f = *state;
    static const int order[] = {IRQ_M_EXT,  IRQ_M_SOFT,  IRQ_M_TIMER, IRQ_S_EXT,
                                IRQ_S_SOFT, IRQ_S_TIMER, IRQ_LCOF,    -1};

    raise_all(f);
    f->hart.s.mstatus |= MSTATUS_MIE;
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(order); i++) {
        assert_int_equal(riscv_pending_interrupt(&f->hart), order[i]);
        if (order[i] >= 0)
            f->hart.s.mie &= ~(1ull << order[i]);
    }
}

static void interrupts_follow_mode_and_delegation(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state *s = &f->hart.s;

    raise_all(f);
    s->mideleg = 0x2222;
    assert_int_equal(riscv_pending_interrupt(&f->hart), -1); // M mode, MIE clear
    s->mie = 0x2222;
    s->mstatus |= MSTATUS_MIE;
    assert_int_equal(riscv_pending_interrupt(&f->hart), -1); // M mode never takes S mode's
    s->priv = PRIV_S;
    s->mstatus &= ~MSTATUS_MIE;
    assert_int_equal(riscv_pending_interrupt(&f->hart), -1);
    s->mstatus |= MSTATUS_SIE;
    assert_int_equal(riscv_pending_interrupt(&f->hart), IRQ_S_EXT);
    s->mie |= IRQ(M_TIMER); // goes to M whatever MIE says, and first
    assert_int_equal(riscv_pending_interrupt(&f->hart), IRQ_M_TIMER);
    s->mie = IRQ(S_SOFT);
    s->mstatus &= ~MSTATUS_SIE;
    s->priv = PRIV_U;
    assert_int_equal(riscv_pending_interrupt(&f->hart), IRQ_S_SOFT);
    s->mideleg = 0;
    assert_int_equal(riscv_pending_interrupt(&f->hart), IRQ_S_SOFT);
    riscv_take_interrupt(&f->hart, IRQ_S_SOFT);
    assert_int_equal(s->priv, PRIV_M);
    assert_int_equal(s->mcause, INTERRUPT | 1);
}

static void vectors_serve_interrupts_only(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state *s = &f->hart.s;

    s->mtvec |= 1;
    s->stvec |= 1;
    s->mideleg = IRQ(S_TIMER);
    riscv_take_interrupt(&f->hart, IRQ_M_EXT);
    assert_int_equal(s->pc, 0x1000 + 44);
    assert_int_equal(s->mcause, INTERRUPT | 11);
    assert_int_equal(s->mtval, 0);
    riscv_trap(&f->hart, CAUSE_ECALL_M, 0);
    assert_int_equal(s->pc, 0x1000);
    s->priv = PRIV_U;
    riscv_take_interrupt(&f->hart, IRQ_S_TIMER);
    assert_int_equal(s->pc, 0x2000 + 20);
    assert_int_equal(s->scause, INTERRUPT | 5);
}

static void wfi_wakes_whatever_is_enabled_globally(void **state)
{
    struct riscv_fixture *f = *state;

    raise_all(f);
    f->hart.s.mie = 0;
    assert_false(riscv_wfi_wakes(&f->hart));
    f->hart.s.mie = IRQ(S_SOFT);
    f->hart.s.mideleg = IRQ(S_SOFT);
    assert_true(riscv_wfi_wakes(&f->hart));
    assert_int_equal(riscv_pending_interrupt(&f->hart), -1);

    f->hart.s.mie = IRQ(S_TIMER); // needs the clock
    f->hart.s.mip = 0;
    f->hart.s.menvcfg = MENVCFG_STCE;
    f->hart.s.stimecmp = 10;
    assert_false(riscv_wfi_wakes(&f->hart));
    fake_env_advance(&f->fake, 1000);
    assert_true(riscv_wfi_wakes(&f->hart));
}

static void mstatus_can_forbid(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state *s = &f->hart.s;

    s->mstatus |= MSTATUS_TW | MSTATUS_TVM | MSTATUS_TSR;
    assert_int_equal(riscv_wfi_check(&f->hart), 0);
    assert_int_equal(riscv_sfence_vma_check(&f->hart), 0);
    assert_int_equal(riscv_sfence_inval_check(&f->hart), 0);
    s->priv = PRIV_S;
    assert_int_equal(riscv_wfi_check(&f->hart), CAUSE_ILLEGAL_INSTRUCTION);
    assert_int_equal(riscv_sfence_vma_check(&f->hart), CAUSE_ILLEGAL_INSTRUCTION);
    assert_int_equal(riscv_sfence_inval_check(&f->hart), 0);
    s->mstatus = 0;
    assert_int_equal(riscv_wfi_check(&f->hart), 0);
    assert_int_equal(riscv_sfence_vma_check(&f->hart), 0);
    s->priv = PRIV_U;
    assert_int_equal(riscv_wfi_check(&f->hart), CAUSE_ILLEGAL_INSTRUCTION);
    assert_int_equal(riscv_sfence_vma_check(&f->hart), CAUSE_ILLEGAL_INSTRUCTION);
    assert_int_equal(riscv_sfence_inval_check(&f->hart), CAUSE_ILLEGAL_INSTRUCTION);
}

static void cache_block_operations_need_their_enables(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state *s = &f->hart.s;
    static const uint64_t enables[] = {ENVCFG_CBIE & (1 << 4), ENVCFG_CBCFE, ENVCFG_CBCFE,
                                       ENVCFG_CBZE};

    for (unsigned op = CBO_INVAL; op <= CBO_ZERO; op++) {
        s->menvcfg = s->senvcfg = 0;
        s->priv = PRIV_M;
        assert_int_equal(riscv_cbo_check(&f->hart, op), 0);
        s->priv = PRIV_S;
        assert_int_equal(riscv_cbo_check(&f->hart, op), CAUSE_ILLEGAL_INSTRUCTION);
        s->menvcfg = ~enables[op] & ~(op == CBO_INVAL ? ENVCFG_CBIE : 0);
        assert_int_equal(riscv_cbo_check(&f->hart, op), CAUSE_ILLEGAL_INSTRUCTION);
        s->menvcfg = enables[op];
        assert_int_equal(riscv_cbo_check(&f->hart, op), 0);
        s->priv = PRIV_U;
        assert_int_equal(riscv_cbo_check(&f->hart, op), CAUSE_ILLEGAL_INSTRUCTION);
        s->senvcfg = enables[op];
        assert_int_equal(riscv_cbo_check(&f->hart, op), 0);
        s->menvcfg = 0;
        assert_int_equal(riscv_cbo_check(&f->hart, op), CAUSE_ILLEGAL_INSTRUCTION);
    }
}

static void with_sbi_nothing_reaches_machine_mode(void **state)
{
    struct riscv_fixture *f = *state;

    for (unsigned cause = 0; cause < 16; cause++) {
        riscv_trap(&f->hart, cause, 0);
        assert_int_equal(f->hart.s.priv, PRIV_S);
        assert_int_equal(f->hart.s.scause, cause);
    }
    raise_all(f);
    f->hart.s.mie = 0;
    fixture_csrw(f, CSR_SIE, ~0ull);
    assert_int_equal(riscv_pending_interrupt(&f->hart), -1);
    f->hart.s.mstatus |= MSTATUS_SIE;
    assert_int_equal(riscv_pending_interrupt(&f->hart), IRQ_S_EXT);
    riscv_take_interrupt(&f->hart, IRQ_S_EXT);
    assert_int_equal(f->hart.s.scause, INTERRUPT | 9);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(machine_trap_stacks_mie),
        TEST(delegation_reaches_supervisor_from_below),
        TEST(sret_unstacks_and_leaves_mprv),
        TEST(mret_clears_mprv_unless_to_machine),
        TEST(interrupts_come_by_priority),
        TEST(interrupts_follow_mode_and_delegation),
        TEST(vectors_serve_interrupts_only),
        TEST(wfi_wakes_whatever_is_enabled_globally),
        TEST(mstatus_can_forbid),
        TEST(cache_block_operations_need_their_enables),
        cmocka_unit_test_setup_teardown(with_sbi_nothing_reaches_machine_mode, setup_sbi, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
