// SPDX-License-Identifier: Apache-2.0
// Guest memory and the bus: what is refused when they are put together, and what an access at each
// edge reaches.
#include "tests/unit/unit.h"

#include <hull/device.h>
#include <hull/memory.h>

#include "tests/unit/fake_env.h"

static _Alignas(4096) uint8_t low[0x2000], high[0x1000];

static void regions_are_checked(void **state)
{
    struct guest_memory mem = {0};

    (void)state;
    assert_int_equal(hull_memory_add(&mem, 0x1000, 0, low), -HULL_EINVAL);
    assert_int_equal(hull_memory_add(&mem, 0x1000, 0x1800, low), -HULL_EINVAL);
    assert_int_equal(hull_memory_add(&mem, 0x1800, 0x1000, low), -HULL_EINVAL);
    assert_int_equal(hull_memory_add(&mem, 0x1000, 0x1000, low + 8), -HULL_EINVAL);
    assert_int_equal(hull_memory_add(&mem, 0x1000, 0x1000, NULL), -HULL_EINVAL);
    assert_int_equal(hull_memory_add(&mem, 0xfffffffffffff000, 0x2000, low), -HULL_EOVERFLOW);
    assert_int_equal(hull_memory_add(&mem, 0x1000, 0x2000, low), 0);
    assert_int_equal(hull_memory_add(&mem, 0x2000, 0x1000, high), -HULL_EEXIST);
    assert_int_equal(hull_memory_add(&mem, 0, 0x1000, high), 0);
    for (unsigned i = 2; i < HULL_MEM_REGIONS_MAX; i++)
        assert_int_equal(hull_memory_add(&mem, 0x10000 * i, 0x1000, high), 0);
    assert_int_equal(hull_memory_add(&mem, 0x900000, 0x1000, high), -HULL_ENOSPC);
    assert_int_equal(mem.count, HULL_MEM_REGIONS_MAX);
}

static void pointers_stay_inside_one_region(void **state)
{
    struct guest_memory mem = {0};

    (void)state;
    assert_int_equal(hull_memory_add(&mem, 0x1000, 0x2000, low), 0);
    assert_int_equal(hull_memory_add(&mem, 0x3000, 0x1000, high), 0);
    assert_ptr_equal(hull_memory_ptr(&mem, 0x1000, 0x2000), low);
    assert_ptr_equal(hull_memory_ptr(&mem, 0x2fff, 1), low + 0x1fff);
    assert_ptr_equal(hull_memory_ptr(&mem, 0x3000, 0x1000), high);
    assert_null(hull_memory_ptr(&mem, 0x2fff, 2)); // the next region is other host memory
    assert_null(hull_memory_ptr(&mem, 0xfff, 1));
    assert_null(hull_memory_ptr(&mem, 0x4000, 1));
    assert_null(hull_memory_ptr(&mem, 0x1000, UINT64_MAX));
    assert_null(hull_memory_ptr(&mem, UINT64_MAX, 2));
}

static void copies_are_whole_or_nothing(void **state)
{
    struct guest_memory mem = {0};
    uint8_t bytes[4] = {1, 2, 3, 4}, back[4] = {9, 9, 9, 9};

    (void)state;
    memset(low, 0, sizeof(low));
    assert_int_equal(hull_memory_add(&mem, 0x1000, 0x2000, low), 0);
    assert_int_equal(hull_memory_write(&mem, 0x2ffe, bytes, 4), -HULL_EFAULT);
    assert_int_equal(low[0x1ffe], 0);
    assert_int_equal(hull_memory_write(&mem, 0x2ffc, bytes, 4), 0);
    assert_int_equal(hull_memory_read(&mem, 0x2ffe, back, 4), -HULL_EFAULT);
    assert_int_equal(back[0], 9);
    assert_int_equal(hull_memory_read(&mem, 0x2ffc, back, 4), 0);
    assert_memory_equal(back, bytes, 4);
    assert_int_equal(hull_memory_fill(&mem, 0x2ffd, 7, 2), 0);
    assert_memory_equal(low + 0x1ffc, ((uint8_t[]){1, 7, 7, 4}), 4);
    assert_int_equal(hull_memory_fill(&mem, 0x2fff, 7, 2), -HULL_EFAULT);
}

static void note_gpa(void *ctx, gpa_t gpa)
{
    *(gpa_t *)ctx = gpa;
}

static void the_watch_sees_stores_that_touch_it(void **state)
{
    struct guest_memory mem = {0};
    gpa_t seen = 0;

    (void)state;
    assert_int_equal(hull_memory_add(&mem, 0x1000, 0x2000, low), 0);
    mem.watch = (struct mem_watch){.base = 0x1100, .size = 8, .written = note_gpa, .ctx = &seen};
    assert_int_equal(hull_memory_write(&mem, 0x10fe, "ab", 2), 0);
    assert_int_equal(seen, 0);
    assert_int_equal(hull_memory_write(&mem, 0x10ff, "ab", 2), 0);
    assert_int_equal(seen, 0x10ff);
    assert_int_equal(hull_memory_fill(&mem, 0x1107, 0, 1), 0);
    assert_int_equal(seen, 0x1107);
    hull_memory_written(&mem, 0x1108, 8);
    assert_int_equal(seen, 0x1107);
    assert_true(hull_memory_watched(&mem, 0x1000));
    assert_false(hull_memory_watched(&mem, 0x2000));
}

// ---- The bus ----
struct spy {
    struct device dev;
    char name;
    char *trace; // letters of calls, appended
    uint64_t offset, value;
};

static void spy_note(struct device *dev, char what)
{
    struct spy *spy = hull_container_of(dev, struct spy, dev);
    size_t len = strlen(spy->trace);

    spy->trace[len] = what;
    spy->trace[len + 1] = spy->name;
}

static int spy_read(struct device *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct spy *spy = hull_container_of(dev, struct spy, dev);

    if (offset == 0x10)
        return -HULL_EFAULT;
    spy->offset = offset;
    *value = size;
    return 0;
}

static int spy_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct spy *spy = hull_container_of(dev, struct spy, dev);

    (void)size;
    spy->offset = offset;
    spy->value = value;
    return 0;
}

static void spy_reset(struct device *dev)
{
    spy_note(dev, 'r');
}

static void spy_destroy(struct device *dev)
{
    spy_note(dev, 'd');
    hull_device_fini(dev);
}

static const struct device_ops spy_ops = {"spy", spy_read, spy_write, spy_reset, spy_destroy};

struct bus_fixture {
    struct fake_env fake;
    struct bus bus;
    struct spy a, b, c;
    char trace[64];
};

static void bus_setup(struct bus_fixture *f)
{
    struct spy *spies[] = {&f->a, &f->b, &f->c};

    memset(f, 0, sizeof(*f));
    fake_env_init(&f->fake);
    for (unsigned i = 0; i < 3; i++) {
        hull_device_init(&spies[i]->dev, &spy_ops, &f->fake.env);
        spies[i]->name = (char)('a' + i);
        spies[i]->trace = f->trace;
    }
}

static void bus_finds_the_device_at_every_edge(void **state)
{
    struct bus_fixture f;
    uint64_t value = 0;

    (void)state;
    bus_setup(&f);
    assert_int_equal(hull_bus_add(&f.bus, &f.a.dev, 0x3000, 0x100), 0);
    assert_int_equal(hull_bus_add(&f.bus, &f.b.dev, 0x1000, 0x100), 0);
    assert_int_equal(hull_bus_add(&f.bus, &f.c.dev, 0x3100, 0x100), 0);
    assert_int_equal(hull_bus_write(&f.bus, 0x1000, 4, 11), 0);
    assert_int_equal(f.b.value, 11);
    assert_int_equal(hull_bus_write(&f.bus, 0x30fc, 4, 12), 0);
    assert_int_equal(f.a.value, 12);
    assert_int_equal(f.a.offset, 0xfc);
    assert_int_equal(hull_bus_write(&f.bus, 0x3100, 8, 13), 0);
    assert_int_equal(f.c.value, 13);
    assert_int_equal(hull_bus_read(&f.bus, 0x31f8, 8, &value), 0);
    assert_int_equal(value, 8);
    // Nothing there, past the end, across two devices, refused.
    assert_int_equal(hull_bus_read(&f.bus, 0xfff, 1, &value), -HULL_EFAULT);
    assert_int_equal(hull_bus_read(&f.bus, 0x1100, 1, &value), -HULL_EFAULT);
    assert_int_equal(hull_bus_read(&f.bus, 0x3200, 1, &value), -HULL_EFAULT);
    assert_int_equal(hull_bus_read(&f.bus, 0x30fe, 4, &value), -HULL_EFAULT);
    assert_int_equal(hull_bus_write(&f.bus, 0x30ff, 2, 0), -HULL_EFAULT);
    assert_int_equal(hull_bus_read(&f.bus, 0x1010, 4, &value), -HULL_EFAULT);
    hull_bus_destroy(&f.bus);
    assert_true(fake_env_clean(&f.fake));
}

static void bus_resets_by_address_and_destroys_in_reverse(void **state)
{
    struct bus_fixture f;

    (void)state;
    bus_setup(&f);
    assert_int_equal(hull_bus_add(&f.bus, &f.a.dev, 0x3000, 0x100), 0);
    assert_int_equal(hull_bus_add(&f.bus, &f.b.dev, 0x1000, 0x100), 0);
    assert_int_equal(hull_bus_add(&f.bus, &f.c.dev, 0x2000, 0x100), 0);
    hull_bus_reset(&f.bus);
    assert_string_equal(f.trace, "rbrcra");
    f.trace[0] = 0;
    memset(f.trace, 0, sizeof(f.trace));
    hull_bus_destroy(&f.bus);
    assert_string_equal(f.trace, "dcdbda");
    assert_int_equal(f.bus.count, 0);
    assert_true(fake_env_clean(&f.fake));
}

static void bus_refuses_overlaps(void **state)
{
    struct bus_fixture f;

    (void)state;
    bus_setup(&f);
    assert_int_equal(hull_bus_add(&f.bus, &f.a.dev, 0x1000, 0x100), 0);
    assert_int_equal(hull_bus_add(&f.bus, &f.b.dev, 0x10ff, 1), -HULL_EEXIST);
    assert_int_equal(hull_bus_add(&f.bus, &f.b.dev, 0, 0x1001), -HULL_EEXIST);
    assert_int_equal(hull_bus_add(&f.bus, &f.b.dev, 0x2000, 0), -HULL_EINVAL);
    assert_int_equal(hull_bus_add(&f.bus, &f.b.dev, UINT64_MAX, 2), -HULL_EINVAL);
    assert_int_equal(f.bus.count, 1);
    f.bus.count = HULL_BUS_DEVICES_MAX; // full, whatever stands there
    for (unsigned i = 1; i < HULL_BUS_DEVICES_MAX; i++)
        f.bus.devices[i] = &f.a.dev;
    assert_int_equal(hull_bus_add(&f.bus, &f.b.dev, 0x2000, 0x100), -HULL_ENOSPC);
    hull_device_fini(&f.a.dev);
    hull_device_fini(&f.b.dev);
    hull_device_fini(&f.c.dev);
    assert_true(fake_env_clean(&f.fake));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_are_checked),
        cmocka_unit_test(pointers_stay_inside_one_region),
        cmocka_unit_test(copies_are_whole_or_nothing),
        cmocka_unit_test(the_watch_sees_stores_that_touch_it),
        cmocka_unit_test(bus_finds_the_device_at_every_edge),
        cmocka_unit_test(bus_resets_by_address_and_destroys_in_reverse),
        cmocka_unit_test(bus_refuses_overlaps),
    };
    return cmocka_run_group_tests_name("core/memory", tests, NULL, NULL);
}
