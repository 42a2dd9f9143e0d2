// SPDX-License-Identifier: Apache-2.0
// The VM's life, its clock, attention and fences, pausing vCPUs that run, and the log.
#include "tests/unit/unit.h"

#include <hull/vm.h>
#include <pthread.h>
#include <sched.h>

#include "tests/unit/fake_env.h"

struct vm_fixture {
    struct fake_env fake;
    struct vm vm;
};

static unsigned live_vcpus, create_failure;

static int count_create(struct vcpu *vcpu)
{
    if (create_failure && vcpu->index + 1 == create_failure)
        return -HULL_ENOTSUP;
    live_vcpus++;
    return 0;
}

static void count_destroy(struct vcpu *vcpu)
{
    (void)vcpu;
    live_vcpus--;
}

static const struct engine_ops count_engine = {
    .name = "count", .vcpu_create = count_create, .vcpu_destroy = count_destroy};

static void setup(struct vm_fixture *f, unsigned vcpus)
{
    struct vm_owner owner = {0};

    live_vcpus = create_failure = 0;
    fake_env_init(&f->fake);
    assert_int_equal(hull_vm_init(&f->vm, &f->fake.env, &owner, &count_engine, vcpus), 0);
}

static void teardown(struct vm_fixture *f)
{
    hull_vm_fini(&f->vm);
    assert_int_equal(live_vcpus, 0);
    assert_true(fake_env_clean(&f->fake));
}

static void init_undoes_what_it_began(void **state)
{
    struct vm_fixture f;
    struct vm_owner owner = {0};

    (void)state;
    fake_env_init(&f.fake);
    live_vcpus = 0;
    create_failure = 3;
    assert_int_equal(hull_vm_init(&f.vm, &f.fake.env, &owner, &count_engine, 4), -HULL_ENOTSUP);
    assert_int_equal(live_vcpus, 0);
    assert_int_equal(hull_vm_init(&f.vm, &f.fake.env, &owner, &count_engine, 0), -HULL_EINVAL);
    assert_int_equal(hull_vm_init(&f.vm, &f.fake.env, &owner, &count_engine, 65), -HULL_EINVAL);
    assert_true(fake_env_clean(&f.fake));
}

static void deadlines_follow_the_guest_clock(void **state)
{
    struct vm_fixture f;

    (void)state;
    setup(&f, 1);
    f.fake.now_ns = 1050;
    assert_int_equal(hull_vm_time(&f.vm), 10);
    assert_int_equal(hull_vm_deadline_ns(&f.vm, 10), 1050); // due: now
    assert_int_equal(hull_vm_deadline_ns(&f.vm, 0), 1050);
    assert_int_equal(hull_vm_deadline_ns(&f.vm, 11), 1100);
    assert_int_equal(hull_vm_deadline_ns(&f.vm, UINT64_MAX), HULL_TIME_NEVER);
    f.vm.time_offset = 1000;
    assert_int_equal(hull_vm_time(&f.vm), 1010);
    assert_int_equal(hull_vm_deadline_ns(&f.vm, 1020), 2000);
    f.vm.time_offset = -(uint64_t)10; // a guest clock that starts at 0
    assert_int_equal(hull_vm_time(&f.vm), 0);
    assert_int_equal(hull_vm_deadline_ns(&f.vm, 5), 1500);
    teardown(&f);
}

static void the_clock_may_have_another_rate(void **state)
{
    struct vm_fixture f;

    (void)state;
    setup(&f, 1);
    f.vm.env.timebase_hz = 3000000; // a tick each 333 1/3 ns
    f.fake.now_ns = 1050;
    assert_int_equal(hull_vm_time(&f.vm), 3);
    assert_int_equal(hull_vm_deadline_ns(&f.vm, 3), 1050);
    assert_int_equal(hull_vm_deadline_ns(&f.vm, 4), 1334); // not before it
    assert_int_equal(hull_vm_deadline_ns(&f.vm, 6), 2000);
    assert_int_equal(hull_vm_deadline_ns(&f.vm, UINT64_MAX), HULL_TIME_NEVER);
    f.vm.time_offset = -(uint64_t)3;
    assert_int_equal(hull_vm_deadline_ns(&f.vm, 1), 1334);
    teardown(&f);
}

static void wires_ask_for_attention_when_they_change(void **state)
{
    struct vm_fixture f;

    (void)state;
    setup(&f, 1);
    struct vcpu *vcpu = &f.vm.vcpus[0];
    hull_vcpu_set_irq(vcpu, 9, false);
    assert_int_equal(vcpu->attention, 0);
    hull_vcpu_set_irq(vcpu, 9, true);
    assert_int_equal(vcpu->attention, VCPU_ATTN_IRQ);
    assert_int_equal(vcpu->irq_lines, 1u << 9);
    assert_int_equal(f.fake.wakes, 1);
    vcpu->attention = 0;
    hull_vcpu_set_irq(vcpu, 9, true);
    assert_int_equal(vcpu->attention, 0);
    hull_vcpu_set_irq(vcpu, 63, true);
    hull_vcpu_set_irq(vcpu, 9, false);
    assert_int_equal(vcpu->attention, VCPU_ATTN_IRQ);
    assert_true(vcpu->irq_lines == 1ull << 63);
    teardown(&f);
}

static void attention_keeps_a_vcpu_out_of_the_guest(void **state)
{
    struct vm_fixture f;

    (void)state;
    setup(&f, 1);
    struct vcpu *vcpu = &f.vm.vcpus[0];
    assert_int_equal(vcpu->place, VCPU_PARKED);
    assert_true(hull_vcpu_checkpoint(vcpu));
    assert_int_equal(vcpu->place, VCPU_OUTSIDE);
    assert_true(hull_vcpu_enter_guest(vcpu));
    assert_int_equal(vcpu->place, VCPU_IN_GUEST);
    hull_vcpu_leave_guest(vcpu);
    hull_vcpu_kick(vcpu, VCPU_ATTN_TIMER);
    assert_false(hull_vcpu_enter_guest(vcpu));
    assert_int_equal(vcpu->place, VCPU_OUTSIDE);
    // A target outside of the guest needs no waiting for.
    hull_vcpu_fence(vcpu, VCPU_FENCE_I);
    assert_int_equal(vcpu->fences, VCPU_FENCE_I);
    assert_true(vcpu->attention & VCPU_ATTN_FENCE);
    teardown(&f);
}

// ---- vCPUs that run: threads which "execute" by counting, and serve fences as an engine does ----
struct runner {
    struct vcpu *vcpu;
    pthread_t thread;
    _Atomic uint64_t steps;
    _Atomic uint32_t served; // fences performed
};

static void runner_serve(struct runner *r)
{
    uint32_t attention = atomic_exchange(&r->vcpu->attention, 0);

    if (attention & VCPU_ATTN_FENCE)
        r->served |= atomic_exchange(&r->vcpu->fences, 0);
    if (attention & VCPU_ATTN_STOP) // left for the checkpoint
        atomic_fetch_or(&r->vcpu->attention, VCPU_ATTN_STOP);
}

static void *runner_main(void *arg)
{
    struct runner *r = arg;

    while (hull_vcpu_checkpoint(r->vcpu)) {
        if (!hull_vcpu_enter_guest(r->vcpu)) {
            runner_serve(r);
            continue;
        }
        while (!atomic_load_explicit(&r->vcpu->attention, memory_order_relaxed))
            r->steps++;
        hull_vcpu_leave_guest(r->vcpu);
    }
    return NULL;
}

static void start_runners(struct vm_fixture *f, struct runner *runners)
{
    for (unsigned i = 0; i < f->vm.vcpu_count; i++) {
        runners[i] = (struct runner){.vcpu = &f->vm.vcpus[i]};
        assert_int_equal(pthread_create(&runners[i].thread, NULL, runner_main, &runners[i]), 0);
    }
}

static void wait_for_a_step(struct runner *r)
{
    uint64_t steps = r->steps;

    while (r->steps == steps)
        sched_yield();
}

static void pause_stops_and_resume_restarts(void **state)
{
    struct vm_fixture f;
    struct runner runners[3];

    (void)state;
    setup(&f, 3);
    hull_vm_pause(&f.vm); // before the threads: they start parked
    start_runners(&f, runners);
    for (unsigned round = 0; round < 20; round++) {
        uint64_t steps[3];

        for (unsigned i = 0; i < 3; i++) {
            assert_int_equal(f.vm.vcpus[i].place, VCPU_PARKED);
            steps[i] = runners[i].steps;
        }
        sched_yield();
        for (unsigned i = 0; i < 3; i++)
            assert_int_equal(runners[i].steps, steps[i]);
        hull_vm_resume(&f.vm);
        for (unsigned i = 0; i < 3; i++)
            wait_for_a_step(&runners[i]);
        hull_vm_pause(&f.vm);
    }
    hull_vm_end(&f.vm); // also ends vCPUs that are paused
    for (unsigned i = 0; i < 3; i++)
        pthread_join(runners[i].thread, NULL);
    teardown(&f);
}

static void fences_are_taken_before_the_call_returns(void **state)
{
    struct vm_fixture f;
    struct runner runners[2];

    (void)state;
    setup(&f, 2);
    start_runners(&f, runners);
    for (unsigned round = 0; round < 200; round++) {
        struct vcpu *target = &f.vm.vcpus[round & 1];

        hull_vcpu_fence(target, VCPU_FENCE_VMA);
        // Either performed, or the target is outside and has it before it goes in again.
        if (target->place == VCPU_IN_GUEST)
            assert_false(target->fences & VCPU_FENCE_VMA);
    }
    for (unsigned i = 0; i < 2; i++)
        while (!(runners[i].served & VCPU_FENCE_VMA))
            sched_yield();
    hull_vm_end(&f.vm);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(runners[i].thread, NULL);
    teardown(&f);
}

static void log_lines_are_whole_and_harmless(void **state)
{
    struct fake_env fake;
    char longer[400];

    (void)state;
    fake_env_init(&fake);
    hull_log(&fake.env, HULL_LOG_INFO, "test", "%s\n\x1b[2J %u", "a", 7u);
    assert_string_equal(fake.last_log, "test: a??[2J 7");
    memset(longer, 'x', sizeof(longer));
    longer[399] = 0;
    hull_log(&fake.env, HULL_LOG_INFO, "test", "%s", longer);
    assert_int_equal(strlen(fake.last_log), strlen("test: ") + 240);
    assert_true(fake_env_clean(&fake));
}

static void limited_lines_are_counted(void **state)
{
    struct fake_env fake;
    struct hull_log_limit limit = {0};

    (void)state;
    fake_env_init(&fake);
    for (unsigned i = 0; i < 100; i++)
        hull_log_limited(&fake.env, &limit, HULL_LOG_WARN, "test", "again");
    assert_int_equal(fake.log_lines, 10);
    fake_env_advance(&fake, HULL_NSEC_PER_SEC - 1);
    hull_log_limited(&fake.env, &limit, HULL_LOG_WARN, "test", "again");
    assert_int_equal(fake.log_lines, 10);
    fake_env_advance(&fake, 1);
    hull_log_limited(&fake.env, &limit, HULL_LOG_WARN, "test", "again");
    assert_int_equal(fake.log_lines, 12); // what was left out, and the line
    assert_int_equal(limit.suppressed, 0);
    assert_true(fake_env_clean(&fake));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(init_undoes_what_it_began),
        cmocka_unit_test(deadlines_follow_the_guest_clock),
        cmocka_unit_test(the_clock_may_have_another_rate),
        cmocka_unit_test(wires_ask_for_attention_when_they_change),
        cmocka_unit_test(attention_keeps_a_vcpu_out_of_the_guest),
        cmocka_unit_test(pause_stops_and_resume_restarts),
        cmocka_unit_test(fences_are_taken_before_the_call_returns),
        cmocka_unit_test(log_lines_are_whole_and_harmless),
        cmocka_unit_test(limited_lines_are_counted),
    };
    return cmocka_run_group_tests_name("core/vm", tests, NULL, NULL);
}
