// SPDX-License-Identifier: Apache-2.0
// The hypervisor extension where guest programs can't see it: harts with guest external interrupts, harts
// without H, states that come and go, the timer that serves two comparators, and instructions as htinst
// shows them.
#include "tests/unit/unit.h"

#include "guest/riscv/mmu.h"
#include "guest/riscv/trap.h"
#include "tests/unit/riscv_fixture.h"

#define HSTATUS 0x600
#define HIDELEG 0x603
#define HIE 0x604
#define HTIMEDELTA 0x605
#define HGEIE 0x607
#define HENVCFG 0x60a
#define HGEIP 0xe12
#define VSTIMECMP 0x24d
#define STIMECMP 0x14d
#define MENVCFG 0x30a
#define MIDELEG 0x303
#define VGEIN(n) ((uint64_t)(n) << HSTATUS_VGEIN_SHIFT)
#define IRQ(name) (1ull << IRQ_##name)

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

static void guest_external_interrupts(void **state)
{
    struct riscv_fixture *f = *state;

    f->isa.geilen = 5;
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(fixture_csrr(f, MIDELEG), 0x1444);
    fixture_csrw(f, HGEIE, ~0ull);
    assert_int_equal(fixture_csrr(f, HGEIE), 0x3e);
    fixture_csrw(f, HGEIE, 1u << 4);
    atomic_store(&f->hart.hgeip, 1u << 3 | 1u << 9);
    assert_int_equal(fixture_csrr(f, HGEIP), 1u << 3);
    assert_int_equal(riscv_mip(&f->hart), 0);
    fixture_csrw(f, HSTATUS, VGEIN(3)); // the current guest's own
    assert_int_equal(riscv_mip(&f->hart), IRQ(VS_EXT));
    fixture_csrw(f, HSTATUS, VGEIN(6)); // there is none
    assert_int_equal(fixture_csrr(f, HSTATUS) & HSTATUS_VGEIN, VGEIN(3));
    fixture_csrw(f, HSTATUS, VGEIN(2));
    assert_int_equal(riscv_mip(&f->hart), 0);
    atomic_store(&f->hart.hgeip, 1u << 4); // another guest's: the hypervisor's affair
    assert_int_equal(riscv_mip(&f->hart), IRQ(S_GUEST_EXT));
    fixture_csrw(f, HIE, ~0ull);
    assert_int_equal(fixture_csrr(f, HIE), 0x1444);
    fixture_csrw(f, HIDELEG, ~0ull);
    assert_int_equal(fixture_csrr(f, HIDELEG), 0x444);
    f->hart.s.priv = PRIV_S;
    assert_int_equal(riscv_pending_interrupt(&f->hart), -1);
    f->hart.s.virt = 1;
    assert_int_equal(riscv_pending_interrupt(&f->hart), IRQ_S_GUEST_EXT);
}

static void harts_without_h_have_none_of_it(void **state)
{
    struct riscv_fixture *f = *state;
    static const unsigned csrs[] = {0x200, 0x204, 0x24d, 0x280, 0x34a, 0x34b,
                                    0x600, 0x604, 0x645, 0x680, 0xe12};

    f->hart.s.virt = 1;
    f->hart.s.hvip = IRQ(VS_SOFT);
    f->hart.s.hstatus = ~0ull;
    f->isa.extensions &= ~(1ull << EXT_H);
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(f->hart.s.virt, 0);
    assert_int_equal(f->hart.s.hvip, 0);
    assert_int_equal(f->hart.s.hstatus, 0);
    for (unsigned i = 0; i < HULL_ARRAY_SIZE(csrs); i++)
        assert_false(fixture_readable(f, csrs[i]));
    assert_int_equal(fixture_csrr(f, MIDELEG), 0);
    fixture_csrw(f, 0x302, ~0ull);
    assert_int_equal(fixture_csrr(f, 0x302), 0xb3ff);
    fixture_csrw(f, 0x300, MSTATUS_MPV | MSTATUS_GVA);
    assert_int_equal(fixture_csrr(f, 0x300) & (MSTATUS_MPV | MSTATUS_GVA), 0);
    assert_false(fixture_csrr(f, 0x301) & 1u << ('H' - 'A'));
}

static void one_timer_serves_both_comparators(void **state)
{
    struct riscv_fixture *f = *state;

    fixture_csrw(f, MENVCFG, MENVCFG_STCE);
    fixture_csrw(f, HENVCFG, MENVCFG_STCE);
    fixture_csrw(f, STIMECMP, 100);
    assert_int_equal(fake_timer_deadline(&f->hart.stimer), 10000);
    fixture_csrw(f, VSTIMECMP, 60);
    assert_int_equal(fake_timer_deadline(&f->hart.stimer), 6000);
    fixture_csrw(f, HTIMEDELTA, 40); // the guest is ahead
    assert_int_equal(fake_timer_deadline(&f->hart.stimer), 2000);
    fixture_csrw(f, HTIMEDELTA, (uint64_t)-500); // and behind
    assert_int_equal(fake_timer_deadline(&f->hart.stimer), 10000);
    fixture_csrw(f, HTIMEDELTA, 0);
    fake_env_advance(&f->fake, 6000);
    riscv_stimer_update(&f->hart);
    assert_int_equal(riscv_mip(&f->hart), IRQ(VS_TIMER));
    assert_int_equal(fake_timer_deadline(&f->hart.stimer), 10000);
    fixture_csrw(f, HENVCFG, 0);
    assert_int_equal(riscv_mip(&f->hart), 0);
    fixture_csrw(f, MENVCFG, 0); // what menvcfg has off is off for the guest as well
    fixture_csrw(f, HENVCFG, ~0ull);
    assert_int_equal(fixture_csrr(f, HENVCFG) & MENVCFG_STCE, 0);
    assert_int_equal(fake_timer_deadline(&f->hart.stimer), HULL_TIME_NEVER);
}

static void states_of_guests_come_and_go(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state saved;

    f->hart.s.priv = PRIV_U;
    f->hart.s.virt = 1;
    f->hart.s.vsatp = 8ull << SATP_MODE_SHIFT | 5;
    f->hart.s.hgatp = 9ull << SATP_MODE_SHIFT | 3ull << 44 | 8;
    f->hart.s.vsepc = 0x1234;
    f->hart.s.vscause = 13;
    f->hart.s.htimedelta = 77;
    f->hart.s.hideleg = IRQ(VS_SOFT);
    f->hart.s.hvip = IRQ(VS_SOFT);
    riscv_hart_state_save(&f->hart, &saved);
    riscv_hart_reset(&f->hart.s, &f->isa, false, 0, 0, 0);
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(f->hart.s.virt, 0);
    f->hart.s = saved;
    riscv_hart_state_loaded(&f->hart);
    assert_memory_equal(&f->hart.s, &saved, sizeof(saved));
    f->hart.s.virt = 2;
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(f->hart.s.virt, 0);
    f->hart.s.virt = 1;
    f->hart.s.priv = PRIV_M;
    riscv_hart_state_loaded(&f->hart);
    assert_int_equal(f->hart.s.virt, 0);
}

// With Hull's SBI everything of a guest's is HS mode's, which is where kernels start.
static void guests_trap_into_the_kernel(void **state)
{
    struct riscv_fixture *f = *state;
    static const uint8_t causes[] = {CAUSE_ECALL_VS, CAUSE_LOAD_GUEST_PAGE_FAULT,
                                     CAUSE_VIRTUAL_INSTRUCTION};

    for (unsigned i = 0; i < sizeof(causes); i++) {
        f->hart.s.priv = PRIV_S;
        f->hart.s.virt = 1;
        f->hart.s.pc = 0x1000 + 4 * i;
        f->hart.guest_fault.gpa = 0x4004;
        f->hart.guest_fault.implicit = TINST_PTE_READ;
        riscv_trap(&f->hart, causes[i], 0x55);
        assert_int_equal(f->hart.s.priv, PRIV_S);
        assert_int_equal(f->hart.s.virt, 0);
        assert_int_equal(f->hart.s.scause, causes[i]);
        assert_int_equal(f->hart.s.sepc, 0x1000 + 4 * i);
        assert_true(f->hart.s.hstatus & HSTATUS_SPV);
        assert_int_equal(f->hart.s.htval, i == 1 ? 0x1001 : 0);
        assert_int_equal(f->hart.s.htinst, i == 1 ? 0x3000 : 0);
    }
    assert_int_equal(riscv_sret(&f->hart), 0);
    assert_int_equal(f->hart.s.virt, 1);
}

// The addresses of VS-stage tables are checked like any other: what no RAM backs is an access fault.
static void tables_outside_of_ram(void **state)
{
    struct riscv_fixture *f = *state;
    struct mmu_mode mode = {.priv = PRIV_S, .virt = true};
    struct mmu_result result;
    const gpa_t root = FIXTURE_RAM + 0x4000;

    f->hart.s.priv = PRIV_S;
    f->hart.s.pmpcfg[0] = PMPCFG_NAPOT | PMPCFG_R | PMPCFG_W | PMPCFG_X;
    f->hart.s.pmpaddr[0] = (1ull << 54) - 1;
    f->hart.s.hgatp = 8ull << SATP_MODE_SHIFT | root >> 12;
    f->hart.s.vsatp = 8ull << SATP_MODE_SHIFT | 0x80000;
    riscv_hart_state_loaded(&f->hart);
    fixture_poke(f, root + 2 * 8, 0x200000000ull >> 12 << 10 | 0xdf); // 1 GiB to where nothing is
    assert_int_equal(riscv_mmu_translate(&f->hart, 0, 8, MMU_STORE, mode, &result),
                     CAUSE_STORE_ACCESS);
    fixture_poke(f, root + 2 * 8, 0);
    assert_int_equal(riscv_mmu_translate(&f->hart, 0, 8, MMU_STORE, mode, &result),
                     CAUSE_STORE_GUEST_PAGE_FAULT);
    assert_int_equal(f->hart.guest_fault.gpa, 0x80000000);
    assert_int_equal(f->hart.guest_fault.implicit, TINST_PTE_READ);
}

// Cut by the smaller stage, but a fence is about all of the first stage's page.
static void results_of_two_stages(void **state)
{
    struct riscv_fixture *f = *state;
    struct mmu_mode mode = {.priv = PRIV_S, .virt = true};
    struct mmu_result result;
    const gpa_t root = FIXTURE_RAM + 0x4000, vs = FIXTURE_RAM + 0x8000;

    f->hart.s.priv = PRIV_S;
    f->hart.s.pmpcfg[0] = PMPCFG_NAPOT | PMPCFG_R | PMPCFG_W | PMPCFG_X;
    f->hart.s.pmpaddr[0] = (1ull << 54) - 1;
    f->hart.s.hgatp = 8ull << SATP_MODE_SHIFT | root >> 12;
    f->hart.s.vsatp = 8ull << SATP_MODE_SHIFT | vs >> 12;
    riscv_hart_state_loaded(&f->hart);
    fixture_poke(f, root + 2 * 8, FIXTURE_RAM >> 12 << 10 | 0xdf);
    fixture_poke(f, root + 5 * 8, (vs + 0x1000) >> 12 << 10 | 1); // 5 GiB: 2 MiB pages
    fixture_poke(f, vs + 0x1000, FIXTURE_RAM >> 12 << 10 | 0x5f); // D is clear
    fixture_poke(f, vs + 3 * 8, 5ull << 30 >> 12 << 10 | 0xef);   // global
    assert_int_equal(riscv_mmu_translate(&f->hart, 3ull << 30 | 0x1238, 8, MMU_LOAD, mode, &result),
                     0);
    assert_int_equal(result.gpa, FIXTURE_RAM + 0x1238);
    assert_int_equal(result.page, 2u << 20);
    assert_int_equal(result.fenced, 1u << 30);
    assert_true(result.global);
    assert_int_equal(result.perms, 1u << MMU_LOAD | 1u << MMU_FETCH);
}

static void instructions_as_htinst_shows_them(void **state)
{
    struct riscv_fixture *f = *state;
    static const struct {
        uint32_t raw, offset, want;
    } cases[] = {
        {0x0087b703, 0, 0x00003703}, // ld a4, 8(a5)
        {0xfe87b703, 3, 0x0001b703}, // ld a4, -24(a5), three bytes further on
        {0xfee7bc23, 0, 0x00e03023}, // sd a4, -8(a5)
        {0x0087b787, 0, 0x00003787}, // fld fa5, 8(a5)
        {0x00e7b427, 0, 0x00e03027}, // fsd fa4, 8(a5)
        {0x6798, 0, 0x00003701},     // c.ld a4, 8(a5)
        {0xe798, 0, 0x00e03021},     // c.sd a4, 8(a5)
        {0x6722, 0, 0x00003701},     // c.ldsp a4, 8(sp)
        {0x04e7b72f, 0, 0x04e0372f}, // amoadd.d.aq a4, a4, (a5)
        {0x6417c773, 0, 0x64104773}, // hlv.hu a4, (a5)
        {0x0047a00f, 0, 0},          // cbo.zero
        {0x00000013, 0, 0},          // no access at all
    };

    for (unsigned i = 0; i < HULL_ARRAY_SIZE(cases); i++)
        assert_int_equal(riscv_transform_insn(&f->isa, cases[i].raw, cases[i].offset),
                         cases[i].want);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(guest_external_interrupts),
        TEST(harts_without_h_have_none_of_it),
        TEST(one_timer_serves_both_comparators),
        TEST(states_of_guests_come_and_go),
        cmocka_unit_test_setup_teardown(guests_trap_into_the_kernel, setup_sbi, teardown),
        TEST(tables_outside_of_ram),
        TEST(results_of_two_stages),
        TEST(instructions_as_htinst_shows_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
