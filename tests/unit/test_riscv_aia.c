// SPDX-License-Identifier: Apache-2.0
// AIA's state of a hart: what MSIs leave in it and when, what of a state that comes from elsewhere is
// kept. What the registers do, the guest programs test (tests/guest: priv/aia, hypervisor/aia).
#include "tests/unit/unit.h"

#include <hull/msi.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "guest/riscv/imsic.h"
#include "guest/riscv/trap.h"
#include "tests/unit/riscv_fixture.h"

#define SISELECT 0x150
#define SIREG 0x151
#define STOPEI 0x15c
#define STOPI 0xdb0
#define MTOPEI 0x35c
#define GUESTS 3

static struct riscv_fixture fixture;
static struct msi_inbox inbox;

static int setup(void **state)
{
    riscv_fixture_init(&fixture, false);
    memset(&inbox, 0, sizeof(inbox));
    inbox.guests = GUESTS;
    fixture.vm.vcpus[0].msis = &inbox;
    fixture.isa.extensions |= RISCV_AIA_EXTENSIONS;
    fixture.isa.geilen = GUESTS;
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    riscv_fixture_fini(*state);
    return 0;
}

static void enable_all(struct imsic_file *file)
{
    file->eidelivery = 1;
    memset(file->eie, 0xff, sizeof(file->eie));
    file->eie[0] &= ~1ull;
}

static void an_msi_is_pending_when_the_hart_looks(void **state)
{
    struct riscv_fixture *f = *state;
    struct vcpu *vcpu = &f->vm.vcpus[0];
    struct hart_state saved;

    enable_all(&f->hart.s.imsic[HULL_MSI_FILE_S]);
    enable_all(&f->hart.s.imsic[2]);
    hull_msi_post(vcpu, HULL_MSI_FILE_S, 200);
    hull_msi_post(vcpu, 2, 63);
    hull_msi_post(vcpu, HULL_MSI_FILE_M, 64);
    assert_int_equal(vcpu->attention, VCPU_ATTN_IRQ);
    assert_int_equal(f->hart.s.imsic[HULL_MSI_FILE_S].eip[3], 0);
    assert_int_equal(riscv_mip(&f->hart), 1u << IRQ_S_EXT);
    assert_int_equal(f->hart.hgeip, 1u << 2);
    assert_int_equal(fixture_csrr(f, STOPEI), 200 << 16 | 200);
    assert_int_equal(fixture_csrr(f, MTOPEI), 0); // not enabled, but it is there
    assert_int_equal(f->hart.s.imsic[HULL_MSI_FILE_M].eip[1], 1);
    hull_msi_post(vcpu, HULL_MSI_FILE_S, 5);
    riscv_hart_state_save(&f->hart, &saved); // with what is still on its way
    assert_int_equal(saved.imsic[HULL_MSI_FILE_S].eip[0], 1u << 5);
    assert_int_equal(inbox.files, 0);
}

static void what_comes_after_the_read_is_not_claimed(void **state)
{
    struct riscv_fixture *f = *state;

    enable_all(&f->hart.s.imsic[HULL_MSI_FILE_S]);
    hull_msi_post(&f->vm.vcpus[0], HULL_MSI_FILE_S, 9);
    assert_int_equal(riscv_imsic_topei(&f->hart, HULL_MSI_FILE_S), 9 << 16 | 9);
    hull_msi_post(&f->vm.vcpus[0], HULL_MSI_FILE_S, 3); // comes before it, but later
    riscv_imsic_claim(&f->hart, HULL_MSI_FILE_S);
    assert_int_equal(fixture_modify(f, STOPEI, CSR_OP_WRITE, 0), 3 << 16 | 3);
    assert_int_equal(fixture_csrr(f, STOPEI), 0);
    // The same for the bits: only what was read is written back.
    hull_msi_post(&f->vm.vcpus[0], HULL_MSI_FILE_S, 70);
    fixture_csrw(f, SISELECT, 0x80);
    fixture_csrw(f, SIREG, 0);
    hull_msi_post(&f->vm.vcpus[0], HULL_MSI_FILE_S, 8);
    fixture_csrw(f, SIREG, 0);
    assert_int_equal(fixture_csrr(f, SIREG), 1u << 8);
}

static void a_state_comes_back_as_it_was(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state before, after;

    f->hart.s.mideleg = 1u << IRQ_S_TIMER | 0x1444;
    f->hart.s.mvien = 1ull << 40 | 1u << IRQ_S_EXT | 1u << IRQ_S_SOFT;
    f->hart.s.mvip = 1ull << 40 | 1u << IRQ_S_SOFT;
    f->hart.s.mip = 1u << IRQ_S_EXT;
    f->hart.s.sie = 1ull << 40 | 1u << IRQ_S_EXT;
    f->hart.s.hvien = f->hart.s.vsie = 1u << IRQ_LCOF;
    f->hart.s.hvip = 1u << IRQ_LCOF | 1u << IRQ_VS_SOFT;
    f->hart.s.hvictl = 0x40170355;
    f->hart.s.hviprio1 = 0x1234560078009a00;
    f->hart.s.hviprio2 = 0x0102030405060708;
    f->hart.s.miselect = 0x30;
    f->hart.s.siselect = 0x1ff;
    f->hart.s.vsiselect = 0x70;
    f->hart.s.miprio[IRQ_M_TIMER] = 7;
    f->hart.s.siprio[IRQ_S_TIMER] = 9;
    f->hart.s.siprio[40] = 11;
    for (unsigned file = 0; file <= GUESTS; file++) {
        enable_all(&f->hart.s.imsic[file]);
        f->hart.s.imsic[file].eithreshold = 100 + file;
        f->hart.s.imsic[file].eip[3] = 1ull << file;
    }
    riscv_hart_state_save(&f->hart, &before);
    riscv_hart_state_loaded(&f->hart);
    riscv_hart_state_save(&f->hart, &after);
    assert_memory_equal(&before, &after, sizeof(before));
    assert_int_equal(f->hart.imsic_mip, 0); // above their thresholds
}

static void a_strange_state_becomes_a_legal_one(void **state)
{
    struct riscv_fixture *f = *state;
    struct hart_state *s = &f->hart.s;

    memset(s, 0xff, sizeof(*s));
    riscv_hart_state_loaded(&f->hart);
    for (unsigned file = 0; file < HULL_MSI_FILES; file++) {
        bool there = file <= GUESTS || file == HULL_MSI_FILE_M;

        assert_int_equal(s->imsic[file].eidelivery, there);
        assert_int_equal(s->imsic[file].eithreshold, 0);
        assert_true(s->imsic[file].eip[0] == (there ? ~1ull : 0));
        assert_true(s->imsic[file].eie[3] == (there ? ~0ull : 0));
    }
    assert_int_equal(s->siselect, 0x1ff);
    assert_int_equal(s->hvictl, 0x403f03ff);
    assert_int_equal(s->miprio[IRQ_M_EXT] | s->siprio[IRQ_S_EXT] | s->miprio[0], 0);
    assert_int_equal(f->hart.imsic_mip, 1u << IRQ_M_EXT | 1u << IRQ_S_EXT);
    assert_int_equal(f->hart.hgeip, 0xe);
    (void)riscv_pending_interrupt(&f->hart);
    f->isa.extensions &= ~RISCV_AIA_EXTENSIONS; // and on a board without IMSICs
    memset(s, 0xff, sizeof(*s));
    riscv_hart_state_loaded(&f->hart);
    for (unsigned file = 0; file < HULL_MSI_FILES; file++)
        assert_int_equal(s->imsic[file].eidelivery | s->imsic[file].eip[0], 0);
    assert_int_equal(s->mvien | s->mvip | s->sie | s->hvien | s->vsie | s->hvictl | s->siselect, 0);
    assert_int_equal(s->hvip & ~0x444ull, 0);
    assert_false(fixture_readable(f, STOPI));
    assert_false(fixture_readable(f, STOPEI));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#define RUN_CLOCKS (CLOCKS_PER_SEC / 2)
#define SPINS 1000 // before the other thread may have the processor

struct sender {
    struct vcpu *vcpu;
    _Atomic unsigned posted, taken;
    _Atomic bool ending;
};

// One MSI after the other, each when the one before has been taken.
static void *send_msis(void *arg)
{
    struct sender *s = arg;

    for (unsigned i = 1; !atomic_load(&s->ending); i++) {
        hull_msi_post(s->vcpu, HULL_MSI_FILE_S, 1 + i % HULL_MSI_IDENTITIES);
        atomic_store(&s->posted, i);
        for (unsigned n = 1; atomic_load(&s->taken) != i && !atomic_load(&s->ending); n++)
            if (n % SPINS == 0)
                sched_yield();
    }
    return NULL;
}

// The hart looks as soon as it is told that there is something: it must be there.
static void an_msi_is_there_when_its_file_is_marked(void **state)
{
    struct riscv_fixture *f = *state;
    struct imsic_file *file = &f->hart.s.imsic[HULL_MSI_FILE_S];
    struct sender s = {.vcpu = &f->vm.vcpus[0]};
    clock_t end = clock() + RUN_CLOCKS;
    unsigned taken = 0, lost = 0;
    pthread_t thread;

    enable_all(file);
    assert_int_equal(pthread_create(&thread, NULL, send_msis, &s), 0);
    while (!lost && clock() < end) {
        for (unsigned n = 0; n < SPINS && !atomic_load(&inbox.files); n++)
            ;
        unsigned posted = atomic_load(&s.posted);
        riscv_imsic_collect(&f->hart);
        if (riscv_imsic_top(file)) {
            riscv_imsic_file_claim(file);
            atomic_store(&s.taken, ++taken);
        } else {
            lost = posted > taken ? posted - taken : 0;
            sched_yield();
        }
    }
    atomic_store(&s.ending, true);
    pthread_join(thread, NULL);
    assert_int_equal(lost, 0);
    assert_true(taken > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_msi_is_pending_when_the_hart_looks),
        TEST(what_comes_after_the_read_is_not_claimed),
        TEST(an_msi_is_there_when_its_file_is_marked),
        TEST(a_state_comes_back_as_it_was),
        TEST(a_strange_state_becomes_a_legal_one),
    };
    return cmocka_run_group_tests_name("guest/riscv/aia", tests, NULL, NULL);
}
